/* The program raftd with a log of its own: one file, to which each batch is appended with a checksum, and synced. It does
 * not reuse the space of what was removed before it is started again; a log for daily use would.
 *
 *     cc own_log.c $(pkg-config --cflags --libs libraftd) -o own_log && ./own_log --data-dir data1 */
#define _GNU_SOURCE
#include <raftd/raftd.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIELDS = 5, HEAD = FIELDS * 8, SUM = 8 };
enum { REMOVE_FROM, FIRST, COUNT, REMOVE_THROUGH, SIZE }; /* SIZE: of what follows the head, the checksum among it. */

struct place {
    uint64_t at, size;
};

struct log {
    pthread_mutex_t lock; /* Over what follows: reads run beside writes. */
    int file;
    uint64_t end, first; /* Of the file; the index of places[0]. */
    struct place *places, facts;
    size_t count;
};

static bool fail(char *message, size_t size, const char *what) {
    snprintf(message, size, "%s: %s", what, strerror(errno));
    return false;
}

static void *grown(void *block, size_t size) {
    void *larger = realloc(block, size > 0 ? size : 1);
    return larger != NULL ? larger : (abort(), larger);
}

/* FNV-1a. */
static uint64_t sum(const unsigned char *bytes, size_t size) {
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 1099511628211u;
    }
    return hash;
}

static uint64_t get(const unsigned char *at) {
    uint64_t number;
    memcpy(&number, at, sizeof number);
    return number;
}

/* What a batch of the file does to the places. A piece is its size (8 bytes) and its bytes: the facts, then the records. */
static void perform(struct log *log, const unsigned char *batch, uint64_t at) {
    uint64_t fields[FIELDS], place = HEAD;
    memcpy(fields, batch, HEAD);
    if (fields[REMOVE_FROM] != 0) {
        log->count = fields[REMOVE_FROM] > log->first ? (size_t)(fields[REMOVE_FROM] - log->first) : 0;
    }
    log->facts = (struct place){at + place + 8, get(batch + place)};
    log->first = log->count == 0 && fields[COUNT] > 0 ? fields[FIRST] : log->first;
    log->places = grown(log->places, (log->count + fields[COUNT]) * sizeof *log->places);
    for (uint64_t i = 0; i < fields[COUNT]; i++) {
        place += 8 + get(batch + place);
        log->places[log->count++] = (struct place){at + place + 8, get(batch + place)};
    }
    if (fields[REMOVE_THROUGH] >= log->first && log->count > 0) {
        size_t gone = (size_t)(fields[REMOVE_THROUGH] - log->first + 1);
        gone = gone < log->count ? gone : log->count;
        log->count -= gone;
        log->first += gone;
        memmove(log->places, log->places + gone, log->count * sizeof *log->places);
    }
}

static bool write_whole(int file, const void *bytes, size_t size, uint64_t at) {
    for (size_t done = 0; done < size;) {
        ssize_t written = pwrite(file, (const char *)bytes + done, size - done, (off_t)(at + done));
        if (written < 0) {
            return false;
        }
        done += (size_t)written;
    }
    return true;
}

static bool read_whole(int file, void *bytes, size_t size, uint64_t at) {
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(file, (char *)bytes + done, size - done, (off_t)(at + done));
        if (got <= 0) {
            errno = got == 0 ? EIO : errno;
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

static void *put(unsigned char *at, const struct log_store_bytes *piece) {
    uint64_t size = piece->size;
    memcpy(at, &size, 8);
    memcpy(at + 8, piece->bytes, piece->size);
    return at + 8 + piece->size;
}

/* Appends a batch and syncs it; only then the places know of it. */
static bool append(struct log *log, const struct log_store_write *write, char *message, size_t message_size) {
    uint64_t size = 8 + write->facts.size + SUM;
    for (size_t i = 0; i < write->count; i++) {
        size += 8 + write->records[i].size;
    }
    const uint64_t fields[FIELDS] = {write->remove_from, write->first, write->count, write->remove_through, size};
    unsigned char *batch = grown(NULL, HEAD + size);
    memcpy(batch, fields, HEAD);
    unsigned char *at = put(batch + HEAD, &write->facts);
    for (size_t i = 0; i < write->count; i++) {
        at = put(at, &write->records[i]);
    }
    uint64_t check = sum(batch, HEAD + size - SUM);
    memcpy(at, &check, SUM);
    bool ok = write_whole(log->file, batch, HEAD + size, log->end) && fdatasync(log->file) == 0;
    if (ok) {
        pthread_mutex_lock(&log->lock);
        perform(log, batch, log->end);
        log->end += HEAD + size;
        pthread_mutex_unlock(&log->lock);
    }
    free(batch);
    return ok || fail(message, message_size, "the log's file");
}

/* Every whole batch; what is behind the last of them was never acknowledged. */
static bool load(struct log *log) {
    uint64_t end = (uint64_t)lseek(log->file, 0, SEEK_END);
    unsigned char *batch = NULL;
    for (bool whole = true; whole;) {
        unsigned char head[HEAD];
        whole = end - log->end > HEAD + SUM && read_whole(log->file, head, HEAD, log->end) && get(head + 8 * SIZE) > SUM &&
                get(head + 8 * SIZE) <= end - log->end - HEAD;
        if (whole) {
            size_t size = HEAD + (size_t)get(head + 8 * SIZE);
            batch = grown(batch, size);
            whole = read_whole(log->file, batch, size, log->end) && sum(batch, size - SUM) == get(batch + size - SUM);
            if (whole) {
                perform(log, batch, log->end);
                log->end += size;
            }
        }
    }
    free(batch);
    return ftruncate(log->file, (off_t)log->end) == 0 && fsync(log->file) == 0;
}

static void close_log(void *context) {
    struct log *log = context;
    if (log->file >= 0) {
        close(log->file);
    }
    pthread_mutex_destroy(&log->lock);
    free(log->places);
    free(log);
}

/* The file's name must be on the disk as well, before anything in it counts. */
static bool open_file(struct log *log, const char *directory) {
    int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    log->file = folder < 0 ? -1 : openat(folder, "own.log", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = log->file >= 0 && fsync(folder) == 0 && load(log);
    int error = errno;
    if (folder >= 0) {
        close(folder);
    }
    errno = error;
    return ok;
}

static void *open_log(void *context, const char *directory, char *message, size_t message_size) {
    struct log *log = memset(grown(NULL, sizeof *log), 0, sizeof *log);
    (void)context;
    pthread_mutex_init(&log->lock, NULL);
    if (!open_file(log, directory)) {
        fail(message, message_size, directory);
        close_log(log);
        return NULL;
    }
    return log;
}

static bool facts(void *context, char out_facts[LOG_STORE_FACTS_MAX], size_t *out_size, char *message,
                  size_t message_size) {
    struct log *log = context;
    *out_size = (size_t)log->facts.size;
    return log->facts.size <= LOG_STORE_FACTS_MAX &&
           (read_whole(log->file, out_facts, *out_size, log->facts.at) || fail(message, message_size, "the log's file"));
}

static bool read_log(void *context, uint64_t first, uint64_t last,
                     bool (*take)(void *taker, uint64_t index, const void *bytes, size_t size), void *taker, char *message,
                     size_t message_size) {
    struct log *log = context;
    void *bytes = NULL;
    bool ok = true;
    for (uint64_t index = first; ok && index <= last; index++) {
        pthread_mutex_lock(&log->lock); /* What is in the file stays there, so only the places may change meanwhile. */
        index = index < log->first ? log->first : index;
        bool there = index - log->first < log->count && index <= last;
        struct place place = there ? log->places[index - log->first] : (struct place){0, 0};
        pthread_mutex_unlock(&log->lock);
        if (!there) {
            break;
        }
        bytes = grown(bytes, (size_t)place.size);
        ok = read_whole(log->file, bytes, (size_t)place.size, place.at) || fail(message, message_size, "the log's file");
        if (ok && !take(taker, index, bytes, (size_t)place.size)) {
            break;
        }
    }
    free(bytes);
    return ok;
}

static bool write_log(void *log, const struct log_store_write *write, char *message, size_t message_size) {
    return append(log, write, message, message_size);
}

static const struct log_store own_log = {.abi_version = LOG_STORE_ABI_VERSION,
                                         .table_size = sizeof(struct log_store),
                                         .name = "own_log",
                                         .open = open_log,
                                         .close = close_log,
                                         .facts = facts,
                                         .read = read_log,
                                         .write = write_log};

int main(int argc, char **argv) {
    char message[RAFTD_MESSAGE_SIZE];
    (void)argc;
    const struct raftd_options options = {.size = sizeof options,
                                          .arguments = (const char *const *)argv + 1,
                                          .environment = (const char *const *)environ,
                                          .log = &own_log};
    enum raftd_end end = raftd_run(&options, message, sizeof message);
    if (end == RAFTD_WRONG_OPTION) { /* The rest stands in the log. */
        fprintf(stderr, "own_log: %s\n", message);
    }
    return (int)end;
}
