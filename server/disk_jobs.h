/* Jobs beside the log's writes and reads (disk.h): waiting in their lane, or ended and not told yet. The long lane has a
 * thread of its own here; the short one is run by whoever calls disk_jobs_run_one.
 *
 * Threads: start, add, collect, stop and clear on the reactor's; waiting and run_one on any. `wake` is called on the thread
 * that ran a job. */
#ifndef RAFTD_DISK_JOBS_H
#define RAFTD_DISK_JOBS_H

#include "server/disk.h"

#include <pthread.h>

struct disk_jobs_item;

struct disk_jobs_list {
    struct disk_jobs_item *first; /* Owned; oldest first. */
    struct disk_jobs_item **end;
};

struct disk_jobs {
    void (*wake)(void *context);
    void *wake_context;
    pthread_t thread; /* Of the long lane. */

    pthread_mutex_t mutex; /* Guards everything below. */
    pthread_cond_t wanted; /* By the long lane. */
    bool stopping;         /* No job begins any more. */
    struct disk_jobs_list waiting[DISK_LANE_COUNT];
    struct disk_jobs_list ended;
};

/* False: there is no thread to be had, and nothing to stop or clear. */
bool disk_jobs_start(struct disk_jobs *jobs, void (*wake)(void *context), void *wake_context);
void disk_jobs_add(struct disk_jobs *jobs, enum disk_lane lane, const struct disk_job *job);
/* A job of that lane could begin. */
bool disk_jobs_waiting(struct disk_jobs *jobs, enum disk_lane lane);
/* Does the oldest job of the lane. No-op when there is none. */
void disk_jobs_run_one(struct disk_jobs *jobs, enum disk_lane lane);
/* Tells of those that have ended: calls `done`, which may add jobs. */
void disk_jobs_collect(struct disk_jobs *jobs);
/* Lets no job begin, and waits for the one under way in the long lane. */
void disk_jobs_stop(struct disk_jobs *jobs);
/* After disk_jobs_stop, and when nobody is in disk_jobs_run_one: tells of every job, run or not. */
void disk_jobs_clear(struct disk_jobs *jobs);

#endif
