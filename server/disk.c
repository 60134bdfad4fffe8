#include "server/disk.h"

#include "server/base/memory.h"
#include "server/disk_jobs.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    DISK_LATENCIES = 1024,                 /* Durations remembered. */
    DISK_LOOK_SECONDS = 1,                 /* Between two looks at what it has room for, while nothing is written. */
    DISK_BATCH_BYTES_MAX = 8 * 1024 * 1024 /* Writes that waited are joined into one synced batch up to this size. */
};

/* One write handed in. Its entries' buffers are counted references of the reactor's, given back in disk_threads_collect. */
struct disk_write {
    struct disk_write *next;
    uint64_t number;
    uint64_t handed_in_us;
    size_t bytes;
    struct storage_write write; /* `entries` is owned. */
};

struct disk_read {
    struct disk_read *next;
    uint64_t token;
    raft_index first;
    raft_index last;
    size_t max_bytes;
    struct raft_entry *entries; /* This and what follows: the answer. Owned. */
    size_t count;
    struct buffer *buffer;
};

struct disk_threads {
    struct storage *storage; /* Borrowed. */
    void (*wake)(void *context);
    void *wake_context;
    pthread_t writer;
    pthread_t reader;
    struct disk_jobs jobs; /* The reader's between reads, and a thread of their own. */

    pthread_mutex_t mutex; /* Guards everything below. */
    pthread_cond_t write_wanted;
    pthread_cond_t read_wanted;
    bool stopping;
    struct disk_write *writes; /* Handed in and not done, in order; those being written are the first ones. */
    struct disk_write **writes_end;
    struct disk_write *written; /* Done and not collected, in order. */
    struct disk_write **written_end;
    struct disk_read *reads;
    struct disk_read **reads_end;
    struct disk_read *answers;
    struct disk_read **answers_end;
    double latencies_ms[DISK_LATENCIES]; /* A ring. */
    uint64_t latency_count;              /* Writes measured so far. */
    struct histogram durations;          /* Of all of them. */
    struct storage_room room;            /* As last looked at, */
    bool room_is_new;                    /* and not collected yet. */
};

static uint64_t clock_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Nothing is known about what the disk holds after a failed write, so nothing more may be promised: the process ends at
 * once, without the orderly shutdown that would write again. A failed read is no better: an entry that was promised cannot
 * be had. */
_Noreturn static void end_process(const char *what, const struct storage_message *message) {
    char line[sizeof message->text + 128];
    int size =
        snprintf(line, sizeof line, "raftd: %s the data directory failed, so this node stops: %s\n", what, message->text);
    ssize_t ignored = write(STDERR_FILENO, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
    (void)ignored;
    _exit(1);
}

/* -- The thread that writes -- */

/* Within a batch this comes before all entries, so whatever does it starts a batch of its own. */
static bool cuts_the_log(const struct storage_write *write) {
    return write->truncate_from != 0 || write->compact_through != 0 || write->replaced_by.index != 0;
}

/* How many writes from the first on go into one batch. */
static size_t batch_length(const struct disk_write *first, size_t *out_entries) {
    size_t length = 1;
    size_t bytes = first->bytes;
    size_t entries = first->write.entry_count;
    for (const struct disk_write *write = first->next; write != NULL; write = write->next) {
        bytes += write->bytes;
        if (cuts_the_log(&write->write) || bytes > DISK_BATCH_BYTES_MAX) {
            break;
        }
        entries += write->write.entry_count;
        length++;
    }
    *out_entries = entries;
    return length;
}

/* Joins `length` writes: entries one after the other, the latest hard state, cluster and snapshot. `entries` has room for
 * all. The links are not followed beyond the batch, because the reactor appends to the list meanwhile. */
static struct storage_write join(const struct disk_write *first, size_t length, struct raft_entry *entries) {
    struct storage_write batch = first->write;
    batch.entries = entries;
    batch.entry_count = 0;
    const struct disk_write *at = first;
    for (size_t i = 0; i < length; i++) {
        const struct storage_write *write = &at->write;
        if (write->entry_count > 0) {
            memcpy(entries + batch.entry_count, write->entries, write->entry_count * sizeof *entries);
            batch.entry_count += write->entry_count;
        }
        if (write->hard_state_changed) {
            batch.hard_state_changed = true;
            batch.hard_state = write->hard_state;
        }
        if (write->cluster_changed) {
            batch.cluster_changed = true;
            memcpy(batch.cluster_id, write->cluster_id, sizeof batch.cluster_id);
            batch.formed = write->formed;
        }
        if (write->snapshot_changed) {
            batch.snapshot_changed = true;
            batch.snapshot = write->snapshot;
        }
        if (i + 1 < length) {
            at = at->next;
        }
    }
    return batch;
}

static void write_batch(struct storage *storage, const struct disk_write *first, size_t length, size_t entry_count) {
    struct storage_message message = {.text = ""};
    enum storage_error error;
    if (length == 1) {
        error = storage_write(storage, &first->write, &message);
    } else {
        struct raft_entry *entries = memory_alloc(entry_count * sizeof *entries);
        struct storage_write batch = join(first, length, entries);
        error = storage_write(storage, &batch, &message);
        free(entries);
    }
    if (error != STORAGE_OK) {
        end_process("writing to", &message);
    }
}

static void move_to_written(struct disk_threads *threads, size_t length, uint64_t duration_us) {
    struct disk_write *first = threads->writes;
    struct disk_write *last = first;
    for (size_t i = 1; i < length; i++) {
        last = last->next;
    }
    threads->writes = last->next;
    if (threads->writes == NULL) {
        threads->writes_end = &threads->writes;
    }
    last->next = NULL;
    *threads->written_end = first;
    threads->written_end = &last->next;
    threads->latencies_ms[threads->latency_count % DISK_LATENCIES] = (double)duration_us / 1000.0;
    threads->latency_count++;
    histogram_add(&threads->durations, duration_us);
}

/* Others use the disk too. The reactor is only woken when its answers to commands change. The mutex is held. */
static void note_room(struct disk_threads *threads, const struct storage_room *room) {
    bool changed = (room->for_commands == 0) != (threads->room.for_commands == 0);
    threads->room = *room;
    threads->room_is_new = true;
    if (changed) {
        threads->wake(threads->wake_context);
    }
}

/* Waits for a write, and looks at the disk now and then meanwhile. */
static void await_write(struct disk_threads *threads) {
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    next.tv_sec += DISK_LOOK_SECONDS;
    while (threads->writes == NULL && !threads->stopping) {
        if (pthread_cond_timedwait(&threads->write_wanted, &threads->mutex, &next) == ETIMEDOUT) {
            struct storage_room room;
            pthread_mutex_unlock(&threads->mutex);
            storage_room(threads->storage, &room);
            pthread_mutex_lock(&threads->mutex);
            note_room(threads, &room);
            next.tv_sec += DISK_LOOK_SECONDS;
        }
    }
}

static void *run_writer(void *context) {
    struct disk_threads *threads = context;
    pthread_mutex_lock(&threads->mutex);
    for (;;) {
        await_write(threads);
        if (threads->writes == NULL) {
            break;
        }
        size_t entry_count;
        const struct disk_write *first = threads->writes;
        size_t length = batch_length(first, &entry_count);
        pthread_mutex_unlock(&threads->mutex);
        uint64_t begin_us = clock_us();
        write_batch(threads->storage, first, length, entry_count);
        uint64_t duration_us = clock_us() - begin_us;
        struct storage_room room;
        storage_room(threads->storage, &room);
        pthread_mutex_lock(&threads->mutex);
        move_to_written(threads, length, duration_us);
        note_room(threads, &room);
        pthread_mutex_unlock(&threads->mutex);
        threads->wake(threads->wake_context);
        pthread_mutex_lock(&threads->mutex);
    }
    pthread_mutex_unlock(&threads->mutex);
    return NULL;
}

/* -- The thread that reads -- */

/* With the mutex held; NULL: nothing is to be read. */
static struct disk_read *take_read(struct disk_threads *threads) {
    struct disk_read *read = threads->reads;
    if (read != NULL) {
        threads->reads = read->next;
        if (threads->reads == NULL) {
            threads->reads_end = &threads->reads;
        }
        read->next = NULL;
    }
    return read;
}

static void perform_read(struct disk_threads *threads, struct disk_read *read) {
    struct storage_message message = {.text = ""};
    if (storage_read(threads->storage, read->first, read->last, read->max_bytes, &read->entries, &read->count,
                     &read->buffer, &message) != STORAGE_OK) {
        end_process("reading from", &message);
    }
    pthread_mutex_lock(&threads->mutex);
    *threads->answers_end = read;
    threads->answers_end = &read->next;
    pthread_mutex_unlock(&threads->mutex);
    threads->wake(threads->wake_context);
}

/* Reads and short jobs take turns. */
static void *run_reader(void *context) {
    struct disk_threads *threads = context;
    pthread_mutex_lock(&threads->mutex);
    for (;;) {
        while (threads->reads == NULL && !threads->stopping && !disk_jobs_waiting(&threads->jobs, DISK_LANE_SHORT)) {
            pthread_cond_wait(&threads->read_wanted, &threads->mutex);
        }
        if (threads->stopping) {
            break;
        }
        struct disk_read *read = take_read(threads);
        pthread_mutex_unlock(&threads->mutex);
        if (read != NULL) {
            perform_read(threads, read);
        }
        disk_jobs_run_one(&threads->jobs, DISK_LANE_SHORT);
        pthread_mutex_lock(&threads->mutex);
    }
    pthread_mutex_unlock(&threads->mutex);
    return NULL;
}

/* -- The reactor's side -- */

static void start_write(void *context, uint64_t number, const struct storage_write *write) {
    struct disk_threads *threads = context;
    struct disk_write *copy = memory_alloc(sizeof *copy);
    *copy = (struct disk_write){.number = number, .handed_in_us = clock_us(), .write = *write};
    struct raft_entry *entries = memory_alloc(write->entry_count * sizeof *entries);
    for (size_t i = 0; i < write->entry_count; i++) {
        entries[i] = write->entries[i];
        entries[i].configuration = NULL; /* Lent for this call only; its bytes are the data. */
        buffer_retain(entries[i].buffer);
        copy->bytes += sizeof *entries + entries[i].size + entries[i].key_size;
    }
    copy->write.entries = entries;
    pthread_mutex_lock(&threads->mutex);
    assert(!threads->stopping);
    *threads->writes_end = copy;
    threads->writes_end = &copy->next;
    pthread_cond_signal(&threads->write_wanted);
    pthread_mutex_unlock(&threads->mutex);
}

static void start_read(void *context, uint64_t token, raft_index first, raft_index last, size_t max_bytes) {
    struct disk_threads *threads = context;
    struct disk_read *read = memory_alloc(sizeof *read);
    *read = (struct disk_read){.token = token, .first = first, .last = last, .max_bytes = max_bytes};
    pthread_mutex_lock(&threads->mutex);
    assert(!threads->stopping);
    *threads->reads_end = read;
    threads->reads_end = &read->next;
    pthread_cond_signal(&threads->read_wanted);
    pthread_mutex_unlock(&threads->mutex);
}

static void start_job(void *context, enum disk_lane lane, const struct disk_job *job) {
    struct disk_threads *threads = context;
    disk_jobs_add(&threads->jobs, lane, job);
    if (lane == DISK_LANE_SHORT) {
        pthread_mutex_lock(&threads->mutex);
        pthread_cond_signal(&threads->read_wanted);
        pthread_mutex_unlock(&threads->mutex);
    }
}

static void stop_thread(struct disk_threads *threads, pthread_t thread) {
    pthread_mutex_lock(&threads->mutex);
    threads->stopping = true;
    pthread_cond_signal(&threads->write_wanted);
    pthread_cond_signal(&threads->read_wanted);
    pthread_mutex_unlock(&threads->mutex);
    pthread_join(thread, NULL);
}

static void free_threads(struct disk_threads *threads) {
    pthread_cond_destroy(&threads->write_wanted);
    pthread_cond_destroy(&threads->read_wanted);
    pthread_mutex_destroy(&threads->mutex);
    free(threads);
}

/* Its waits end by the monotonic clock. */
static void init_timed(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct disk_threads *disk_threads_create(struct storage *storage, void (*wake)(void *context), void *wake_context) {
    struct disk_threads *threads = memory_zalloc(sizeof *threads);
    threads->storage = storage;
    threads->wake = wake;
    threads->wake_context = wake_context;
    threads->writes_end = &threads->writes;
    threads->written_end = &threads->written;
    threads->reads_end = &threads->reads;
    threads->answers_end = &threads->answers;
    pthread_mutex_init(&threads->mutex, NULL);
    init_timed(&threads->write_wanted);
    storage_room(storage, &threads->room);
    threads->room_is_new = true;
    pthread_cond_init(&threads->read_wanted, NULL);
    bool jobs = disk_jobs_start(&threads->jobs, wake, wake_context);
    bool writes = jobs && pthread_create(&threads->writer, NULL, run_writer, threads) == 0;
    if (writes && pthread_create(&threads->reader, NULL, run_reader, threads) == 0) {
        return threads;
    }
    if (writes) {
        stop_thread(threads, threads->writer);
    }
    if (jobs) {
        disk_jobs_stop(&threads->jobs);
        disk_jobs_clear(&threads->jobs);
    }
    free_threads(threads);
    return NULL;
}

static void free_writes(struct disk_write *write) {
    while (write != NULL) {
        struct disk_write *next = write->next;
        struct raft_entry *entries = (struct raft_entry *)write->write.entries;
        for (size_t i = 0; i < write->write.entry_count; i++) {
            buffer_release(entries[i].buffer);
        }
        free(entries);
        free(write);
        write = next;
    }
}

static void free_reads(struct disk_read *read) {
    while (read != NULL) {
        struct disk_read *next = read->next;
        free(read->entries);
        buffer_release(read->buffer);
        free(read);
        read = next;
    }
}

void disk_threads_destroy(struct disk_threads *threads) {
    if (threads == NULL) {
        return;
    }
    disk_jobs_stop(&threads->jobs);
    stop_thread(threads, threads->writer);
    pthread_join(threads->reader, NULL);
    assert(threads->writes == NULL);
    free_writes(threads->written);
    free_reads(threads->reads);
    free_reads(threads->answers);
    disk_jobs_clear(&threads->jobs);
    free_threads(threads);
}

struct disk disk_threads_interface(struct disk_threads *threads) {
    return (struct disk){.context = threads, .write = start_write, .read = start_read, .run = start_job};
}

void disk_threads_collect(struct disk_threads *threads, const struct disk_ends *ends) {
    pthread_mutex_lock(&threads->mutex);
    struct disk_write *written = threads->written;
    threads->written = NULL;
    threads->written_end = &threads->written;
    struct disk_read *answers = threads->answers;
    threads->answers = NULL;
    threads->answers_end = &threads->answers;
    struct storage_room room = threads->room;
    bool room_is_new = threads->room_is_new;
    threads->room_is_new = false;
    pthread_mutex_unlock(&threads->mutex);

    if (written != NULL) {
        uint64_t number = 0;
        for (const struct disk_write *write = written; write != NULL; write = write->next) {
            assert(write->number > number);
            number = write->number;
        }
        free_writes(written);
        ends->written(ends->context, number);
    }
    if (room_is_new && ends->room != NULL) {
        ends->room(ends->context, &room);
    }
    while (answers != NULL) {
        struct disk_read *next = answers->next;
        ends->entries_read(ends->context, answers->token, answers->entries, answers->count, answers->buffer);
        free(answers);
        answers = next;
    }
    disk_jobs_collect(&threads->jobs);
}

/* -- Looking -- */

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

uint64_t disk_threads_latency(struct disk_threads *threads, double *out_p50_ms, double *out_p99_ms) {
    double sorted[DISK_LATENCIES];
    pthread_mutex_lock(&threads->mutex);
    uint64_t batches = threads->latency_count;
    size_t count = batches < DISK_LATENCIES ? (size_t)batches : DISK_LATENCIES;
    memcpy(sorted, threads->latencies_ms, count * sizeof sorted[0]);
    pthread_mutex_unlock(&threads->mutex);
    if (count == 0) {
        *out_p50_ms = 0;
        *out_p99_ms = 0;
        return 0;
    }
    qsort(sorted, count, sizeof sorted[0], compare_doubles);
    *out_p50_ms = sorted[(count - 1) / 2];
    *out_p99_ms = sorted[(count * 99 + 99) / 100 - 1];
    return batches;
}

void disk_threads_writes(struct disk_threads *threads, struct histogram *out_durations) {
    pthread_mutex_lock(&threads->mutex);
    *out_durations = threads->durations;
    pthread_mutex_unlock(&threads->mutex);
}

uint64_t disk_threads_oldest_ms(struct disk_threads *threads) {
    pthread_mutex_lock(&threads->mutex);
    uint64_t since_us = threads->writes == NULL ? 0 : threads->writes->handed_in_us;
    pthread_mutex_unlock(&threads->mutex);
    return since_us == 0 ? 0 : (clock_us() - since_us) / 1000;
}
