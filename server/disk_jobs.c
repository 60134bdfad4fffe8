#include "server/disk_jobs.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>

struct disk_jobs_item {
    struct disk_jobs_item *next;
    struct disk_job job;
    bool ran;
};

/* -- Lists -- */

static void append(struct disk_jobs_list *list, struct disk_jobs_item *item) {
    item->next = NULL;
    *list->end = item;
    list->end = &item->next;
}

static struct disk_jobs_item *take(struct disk_jobs_list *list) {
    struct disk_jobs_item *item = list->first;
    if (item != NULL) {
        list->first = item->next;
        if (list->first == NULL) {
            list->end = &list->first;
        }
    }
    return item;
}

static struct disk_jobs_item *take_all(struct disk_jobs_list *list) {
    struct disk_jobs_item *first = list->first;
    *list = (struct disk_jobs_list){.first = NULL, .end = &list->first};
    return first;
}

static void tell(struct disk_jobs_item *item) {
    while (item != NULL) {
        struct disk_jobs_item *next = item->next;
        item->job.done(item->job.context, item->ran);
        free(item);
        item = next;
    }
}

/* -- Running -- */

/* With the mutex held, which is not while the job runs. */
static void run(struct disk_jobs *jobs, struct disk_jobs_item *item) {
    pthread_mutex_unlock(&jobs->mutex);
    item->job.work(item->job.context);
    item->ran = true;
    pthread_mutex_lock(&jobs->mutex);
    append(&jobs->ended, item);
    pthread_mutex_unlock(&jobs->mutex);
    jobs->wake(jobs->wake_context);
    pthread_mutex_lock(&jobs->mutex);
}

static void *run_long(void *context) {
    struct disk_jobs *jobs = context;
    pthread_mutex_lock(&jobs->mutex);
    while (!jobs->stopping) {
        struct disk_jobs_item *item = take(&jobs->waiting[DISK_LANE_LONG]);
        if (item != NULL) {
            run(jobs, item);
        } else {
            pthread_cond_wait(&jobs->wanted, &jobs->mutex);
        }
    }
    pthread_mutex_unlock(&jobs->mutex);
    return NULL;
}

bool disk_jobs_waiting(struct disk_jobs *jobs, enum disk_lane lane) {
    pthread_mutex_lock(&jobs->mutex);
    bool waiting = !jobs->stopping && jobs->waiting[lane].first != NULL;
    pthread_mutex_unlock(&jobs->mutex);
    return waiting;
}

void disk_jobs_run_one(struct disk_jobs *jobs, enum disk_lane lane) {
    pthread_mutex_lock(&jobs->mutex);
    struct disk_jobs_item *item = jobs->stopping ? NULL : take(&jobs->waiting[lane]);
    if (item != NULL) {
        run(jobs, item);
    }
    pthread_mutex_unlock(&jobs->mutex);
}

/* -- The reactor's side -- */

bool disk_jobs_start(struct disk_jobs *jobs, void (*wake)(void *context), void *wake_context) {
    *jobs = (struct disk_jobs){.wake = wake, .wake_context = wake_context};
    for (int lane = 0; lane < DISK_LANE_COUNT; lane++) {
        jobs->waiting[lane].end = &jobs->waiting[lane].first;
    }
    jobs->ended.end = &jobs->ended.first;
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->wanted, NULL);
    if (pthread_create(&jobs->thread, NULL, run_long, jobs) == 0) {
        return true;
    }
    pthread_cond_destroy(&jobs->wanted);
    pthread_mutex_destroy(&jobs->mutex);
    return false;
}

void disk_jobs_add(struct disk_jobs *jobs, enum disk_lane lane, const struct disk_job *job) {
    assert(lane < DISK_LANE_COUNT && job->work != NULL && job->done != NULL);
    struct disk_jobs_item *item = memory_zalloc(sizeof *item);
    item->job = *job;
    pthread_mutex_lock(&jobs->mutex);
    append(&jobs->waiting[lane], item);
    if (lane == DISK_LANE_LONG) {
        pthread_cond_signal(&jobs->wanted);
    }
    pthread_mutex_unlock(&jobs->mutex);
}

void disk_jobs_collect(struct disk_jobs *jobs) {
    pthread_mutex_lock(&jobs->mutex);
    struct disk_jobs_item *ended = take_all(&jobs->ended);
    pthread_mutex_unlock(&jobs->mutex);
    tell(ended);
}

void disk_jobs_stop(struct disk_jobs *jobs) {
    pthread_mutex_lock(&jobs->mutex);
    jobs->stopping = true;
    pthread_cond_signal(&jobs->wanted);
    pthread_mutex_unlock(&jobs->mutex);
    pthread_join(jobs->thread, NULL);
}

void disk_jobs_clear(struct disk_jobs *jobs) {
    assert(jobs->stopping);
    tell(take_all(&jobs->ended));
    for (int lane = 0; lane < DISK_LANE_COUNT; lane++) {
        struct disk_jobs_item *waiting; /* Those told may add others, which will not begin either. */
        while ((waiting = take_all(&jobs->waiting[lane])) != NULL) {
            tell(waiting);
        }
    }
    pthread_cond_destroy(&jobs->wanted);
    pthread_mutex_destroy(&jobs->mutex);
}
