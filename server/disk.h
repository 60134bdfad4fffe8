/* The disk as the node sees it: writes that end in order, and reads of old entries beside them. Two interfaces in one
 * place: what the node calls (`struct disk`), and the threads that do it with a store (disk_threads_*). The simulator
 * brings its own `struct disk`. */
#ifndef RAFTD_DISK_H
#define RAFTD_DISK_H

#include "server/base/histogram.h"
#include "storage/storage.h"

#include <stdint.h>

/* Jobs that take long (a snapshot written or restored, LevelDB compacted) do not hold up those that do not (a chunk read or
 * stored): each lane is one thread. */
enum disk_lane { DISK_LANE_LONG, DISK_LANE_SHORT, DISK_LANE_COUNT };

struct disk_job {
    void *context;
    void (*work)(void *context); /* On the lane's thread. */
    /* On the reactor's thread, by disk_threads_collect; at the latest by disk_threads_destroy, when no write or read may be
     * started any more. `ran` false: the threads end and it never began. */
    void (*done)(void *context, bool ran);
};

struct disk {
    void *context;
    /* Starts write `number` (1, 2, 3, ...); done in that order, reported by node_written. The entries' array is borrowed
     * for the call, their buffers are retained until the end. A write that fails ends the process with a message and exit
     * code 1. */
    void (*write)(void *context, uint64_t number, const struct storage_write *write);
    /* Starts reading entries as storage_read does; reported by node_entries_read with `token`. */
    void (*read)(void *context, uint64_t token, raft_index first, raft_index last, size_t max_bytes);
    /* Starts a job beside all that, in order within its lane. */
    void (*run)(void *context, enum disk_lane lane, const struct disk_job *job);
};

/* One thread that writes and syncs, one that reads and does the short jobs, one for the long ones. Ends are collected by
 * disk_threads_collect on the reactor's thread after `wake` (called on the threads; it must be safe there, e.g. a write to
 * an eventfd). */
struct disk_threads;

struct disk_ends {
    void *context;
    void (*written)(void *context, uint64_t number); /* The highest number done; earlier ones are implied. */
    /* What the disk had room for when it was last looked at, after the writes reported. NULL: nobody asks. */
    void (*room)(void *context, const struct storage_room *room);
    void (*entries_read)(void *context, uint64_t token, struct raft_entry *entries, size_t count,
                         struct buffer *buffer); /* Takes over
the array and one reference of the buffer, as storage_read hands them out. */
};

struct disk_threads *disk_threads_create(struct storage *storage, void (*wake)(void *context), void *wake_context);
/* Waits until every write handed in and every job begun is done, then ends the threads and tells of the jobs. Reads and
 * jobs not begun are dropped. The storage stays open. */
void disk_threads_destroy(struct disk_threads *threads);
struct disk disk_threads_interface(struct disk_threads *threads);
/* Reports what has ended since the last call. */
void disk_threads_collect(struct disk_threads *threads, const struct disk_ends *ends);
/* Durations of the last 1,024 writes in milliseconds: median and 99th percentile; 0 before the first. Answers how many
 * synced batches there were since the start. */
uint64_t disk_threads_latency(struct disk_threads *threads, double *out_p50_ms, double *out_p99_ms);
/* Of all of them since the start, as long as each took. */
void disk_threads_writes(struct disk_threads *threads, struct histogram *out_durations);
/* For how long the oldest unfinished write has been under way; 0 when there is none. */
uint64_t disk_threads_oldest_ms(struct disk_threads *threads);

#endif
