#include "server/backup_files.h"

#include "server/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CLUSTER_DIGITS = 8,
    INDEX_DIGITS = 16,
    TIME_SIZE = 17 /* 20260131T120000Z and NUL */,
    NAME_SIZE = 128,
    BLOCK_SIZE = 65536,
    LEFT_AFTER_S = 3600 /* Without a write to it, a file that another node began is what that node left when it died. */
};

static bool fail(struct storage_message *out_message, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct storage_message *out_message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_message->text, sizeof out_message->text, format, arguments);
    va_end(arguments);
    return false;
}

static int open_directory(const char *path, struct storage_message *out_message) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        fail(out_message, "cannot open %.300s: %s", path, strerror(errno));
    }
    return descriptor;
}

/* The directory that this one is in. False with errno. */
static bool sync_parent(const char *path) {
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int descriptor = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = descriptor >= 0 && fsync(descriptor) == 0;
    int error = errno;
    if (descriptor >= 0) {
        close(descriptor);
    }
    errno = error;
    return synced;
}

bool backup_files_prepare(const char *directory, struct storage_message *out_message) {
    static const char trial[] = ".raftd-trial";
    bool made = mkdir(directory, 0700) == 0;
    if ((!made && errno != EEXIST) || (made && !sync_parent(directory))) {
        return fail(out_message, "cannot make %.300s: %s", directory, strerror(errno));
    }
    int descriptor = open_directory(directory, out_message);
    if (descriptor < 0) {
        return false;
    }
    int file = openat(descriptor, trial, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int error = errno;
    if (file >= 0) {
        close(file);
        unlinkat(descriptor, trial, 0);
    }
    close(descriptor);
    return file >= 0 || fail(out_message, "cannot write in %.300s: %s", directory, strerror(error));
}

/* -- Names -- */

static void make_name(const struct backup_files *files, raft_index index, char out_name[NAME_SIZE]) {
    char at[TIME_SIZE];
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(at, sizeof at, "%Y%m%dT%H%M%SZ", &parts);
    snprintf(out_name, NAME_SIZE, "raftd-%.*s-%0*" PRIu64 "-%s.snapshot", CLUSTER_DIGITS, files->cluster_id, INDEX_DIGITS,
             index, at);
}

/* The index of a backup of this cluster; 0: it is none. */
static raft_index read_name(const struct backup_files *files, const char *name) {
    char head[32];
    int head_size = snprintf(head, sizeof head, "raftd-%.*s-", CLUSTER_DIGITS, files->cluster_id);
    const char *digits = name + head_size;
    if (strncmp(name, head, (size_t)head_size) != 0 || strspn(digits, "0123456789") != INDEX_DIGITS ||
        digits[INDEX_DIGITS] != '-') {
        return 0;
    }
    const char *end = strrchr(name, '.');
    return end == NULL || strcmp(end, ".snapshot") != 0 ? 0 : strtoull(digits, NULL, 10);
}

struct found {
    raft_index index;
    char name[NAME_SIZE];
};

struct listing {
    struct found *list; /* Owned; in no order. */
    size_t count;
    size_t capacity;
};

static bool list_backups(const struct backup_files *files, struct listing *out_listing,
                         struct storage_message *out_message) {
    *out_listing = (struct listing){0};
    DIR *directory = opendir(files->directory);
    if (directory == NULL) {
        return fail(out_message, "cannot open %.300s: %s", files->directory, strerror(errno));
    }
    const struct dirent *entry;
    while ((errno = 0, entry = readdir(directory)) != NULL) {
        raft_index index = strlen(entry->d_name) < NAME_SIZE ? read_name(files, entry->d_name) : 0;
        if (index == 0) {
            continue;
        }
        out_listing->list =
            memory_grow(out_listing->list, &out_listing->capacity, out_listing->count + 1, sizeof *out_listing->list);
        struct found *found = &out_listing->list[out_listing->count++];
        found->index = index;
        memcpy(found->name, entry->d_name, strlen(entry->d_name) + 1);
    }
    int error = errno;
    closedir(directory);
    if (error != 0) {
        free(out_listing->list);
        return fail(out_message, "cannot read %.300s: %s", files->directory, strerror(error));
    }
    return true;
}

static int by_index_downward(const void *left, const void *right) {
    const struct found *a = left;
    const struct found *b = right;
    return a->index < b->index ? 1 : a->index > b->index ? -1 : strcmp(b->name, a->name);
}

bool backup_files_newest(const struct backup_files *files, raft_index *out_index, uint64_t *out_age_ms,
                         struct storage_message *out_message) {
    struct listing listing;
    if (!list_backups(files, &listing, out_message)) {
        return false;
    }
    *out_index = *out_age_ms = 0;
    if (listing.count > 0) {
        char path[4096];
        struct stat status;
        qsort(listing.list, listing.count, sizeof *listing.list, by_index_downward);
        snprintf(path, sizeof path, "%s/%s", files->directory, listing.list[0].name);
        time_t now = time(NULL);
        *out_index = listing.list[0].index;
        if (stat(path, &status) == 0 && status.st_mtime < now) {
            *out_age_ms = (uint64_t)(now - status.st_mtime) * 1000;
        }
    }
    free(listing.list);
    return true;
}

/* -- Adding one -- */

static bool write_all(int descriptor, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return true;
}

static bool copy(struct snapshot_file *file, uint64_t length, int descriptor) {
    char *block = memory_alloc(BLOCK_SIZE);
    bool copied = true;
    for (uint64_t at = 0; copied && at < length;) {
        size_t size = length - at < BLOCK_SIZE ? (size_t)(length - at) : BLOCK_SIZE;
        errno = EIO; /* Of a read that ends early. */
        copied = snapshot_file_raw(file, at, block, size) && write_all(descriptor, block, size);
        at += size;
    }
    int error = errno;
    free(block);
    errno = error;
    return copied && fsync(descriptor) == 0;
}

/* Whole, synced, named; and the name synced. */
static bool put(const struct backup_files *files, int directory, struct snapshot_file *file,
                const struct storage_snapshot *snapshot, struct storage_message *out_message) {
    char writing[NAME_SIZE];
    char name[NAME_SIZE];
    snprintf(writing, sizeof writing, ".raftd-%.*s-%" PRIu64 ".writing", CLUSTER_DIGITS, files->cluster_id, files->node_id);
    make_name(files, snapshot->id.index, name);
    int descriptor = openat(directory, writing, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = descriptor >= 0 && copy(file, snapshot->length, descriptor);
    int error = errno;
    if (descriptor >= 0 && close(descriptor) != 0 && done) {
        done = false;
        error = errno;
    }
    if (done && (renameat(directory, writing, directory, name) != 0 || fsync(directory) != 0)) {
        done = false;
        error = errno;
    }
    if (!done) {
        unlinkat(directory, writing, 0); /* The likeliest reason is a full disk. */
        return fail(out_message, "cannot write %.200s/%s: %s", files->directory, name, strerror(error));
    }
    return true;
}

/* What nodes that died in the middle of a backup have left here: their own next one would write over it, but they may not
 * lead again. */
static void remove_left(const struct backup_files *files, int directory) {
    char head[32];
    int head_size = snprintf(head, sizeof head, ".raftd-%.*s-", CLUSTER_DIGITS, files->cluster_id);
    DIR *stream = opendir(files->directory);
    const struct dirent *entry;
    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        const char *end = strrchr(entry->d_name, '.');
        struct stat about;
        if (strncmp(entry->d_name, head, (size_t)head_size) == 0 && strcmp(end, ".writing") == 0 &&
            fstatat(directory, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            time(NULL) - about.st_mtime > LEFT_AFTER_S) {
            unlinkat(directory, entry->d_name, 0);
        }
    }
    if (stream != NULL) {
        closedir(stream);
    }
}

/* A file that cannot be removed stays until the next time. */
static void thin_out(const struct backup_files *files, int directory) {
    struct listing listing;
    struct storage_message message;
    if (!list_backups(files, &listing, &message)) {
        return;
    }
    if (listing.count > 0) {
        qsort(listing.list, listing.count, sizeof *listing.list, by_index_downward);
    }
    for (size_t i = 0; i < listing.count; i++) {
        if (i >= files->keep) {
            unlinkat(directory, listing.list[i].name, 0);
        }
    }
    free(listing.list);
}

bool backup_files_add(const struct backup_files *files, struct snapshot_file *file, const struct storage_snapshot *snapshot,
                      bool *out_written, struct storage_message *out_message) {
    raft_index newest;
    uint64_t age_ms;
    *out_written = false;
    if (!backup_files_newest(files, &newest, &age_ms, out_message)) {
        return false;
    }
    if (newest >= snapshot->id.index) {
        return true;
    }
    int directory = open_directory(files->directory, out_message);
    if (directory < 0) {
        return false;
    }
    *out_written = put(files, directory, file, snapshot, out_message);
    if (*out_written) {
        thin_out(files, directory);
        remove_left(files, directory);
    }
    close(directory);
    return *out_written;
}
