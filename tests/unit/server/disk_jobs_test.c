#include "server/disk_jobs.h"

#include "tests/check_main.h"

#include <pthread.h>

/* Jobs that write down in which order they ran and were told; one can be told to wait until it is let go. */
enum { EVENTS_MAX = 64 };

struct book {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool closed; /* Jobs that are gated wait until it is open. */
    unsigned begun;
    unsigned woken;
    unsigned ran[EVENTS_MAX]; /* Names of jobs. */
    size_t ran_count;
    unsigned told[EVENTS_MAX]; /* By the test's thread alone. */
    bool told_ran[EVENTS_MAX];
    size_t told_count;
};

struct job {
    struct book *book;
    struct disk_jobs *jobs;
    struct job *next; /* Added when this one is told. */
    unsigned name;
    bool gated;
};

static void wake(void *context) {
    struct book *book = context;
    pthread_mutex_lock(&book->mutex);
    book->woken++;
    pthread_cond_broadcast(&book->changed);
    pthread_mutex_unlock(&book->mutex);
}

static void work(void *context) {
    struct job *job = context;
    struct book *book = job->book;
    pthread_mutex_lock(&book->mutex);
    book->begun++;
    pthread_cond_broadcast(&book->changed);
    while (job->gated && book->closed) {
        pthread_cond_wait(&book->changed, &book->mutex);
    }
    book->ran[book->ran_count++] = job->name;
    pthread_mutex_unlock(&book->mutex);
}

static void add(struct job *job, enum disk_lane lane);

static void done(void *context, bool ran) {
    struct job *job = context;
    struct book *book = job->book;
    book->told_ran[book->told_count] = ran;
    book->told[book->told_count++] = job->name;
    if (job->next != NULL) {
        add(job->next, DISK_LANE_LONG);
    }
}

static void add(struct job *job, enum disk_lane lane) {
    const struct disk_job disk_job = {.context = job, .work = work, .done = done};
    disk_jobs_add(job->jobs, lane, &disk_job);
}

static void wait_for(struct book *book, const unsigned *counter, unsigned count) {
    pthread_mutex_lock(&book->mutex);
    while (*counter < count) {
        pthread_cond_wait(&book->changed, &book->mutex);
    }
    pthread_mutex_unlock(&book->mutex);
}

static void open_gate(struct book *book) {
    pthread_mutex_lock(&book->mutex);
    book->closed = false;
    pthread_cond_broadcast(&book->changed);
    pthread_mutex_unlock(&book->mutex);
}

static void start(struct book *book, struct disk_jobs *jobs, struct job *list, size_t count) {
    *book = (struct book){.closed = true};
    pthread_mutex_init(&book->mutex, NULL);
    pthread_cond_init(&book->changed, NULL);
    ck_assert(disk_jobs_start(jobs, wake, book));
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct job){.book = book, .jobs = jobs, .name = (unsigned)i + 1};
    }
}

static void end(struct book *book, struct disk_jobs *jobs) {
    disk_jobs_stop(jobs);
    disk_jobs_clear(jobs);
    pthread_cond_destroy(&book->changed);
    pthread_mutex_destroy(&book->mutex);
}

START_TEST(long_jobs_run_one_after_the_other_and_are_told_when_collected) {
    struct book book;
    struct disk_jobs jobs;
    struct job list[3];
    start(&book, &jobs, list, 3);
    list[0].gated = true;
    for (size_t i = 0; i < 3; i++) {
        add(&list[i], DISK_LANE_LONG);
    }
    wait_for(&book, &book.begun, 1);
    disk_jobs_collect(&jobs);
    ck_assert_uint_eq(book.told_count, 0);
    open_gate(&book);
    wait_for(&book, &book.woken, 3);
    ck_assert_uint_eq(book.told_count, 0);
    disk_jobs_collect(&jobs);
    ck_assert_uint_eq(book.told_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(book.ran[i], i + 1);
        ck_assert_uint_eq(book.told[i], i + 1);
        ck_assert(book.told_ran[i]);
    }
    disk_jobs_collect(&jobs);
    ck_assert_uint_eq(book.told_count, 3);
    end(&book, &jobs);
}
END_TEST

START_TEST(short_jobs_run_one_by_one_where_they_are_asked_for_though_a_long_one_is_under_way) {
    struct book book;
    struct disk_jobs jobs;
    struct job list[3];
    start(&book, &jobs, list, 3);
    list[0].gated = true;
    add(&list[0], DISK_LANE_LONG);
    wait_for(&book, &book.begun, 1);
    ck_assert(!disk_jobs_waiting(&jobs, DISK_LANE_SHORT));
    disk_jobs_run_one(&jobs, DISK_LANE_SHORT);
    ck_assert_uint_eq(book.woken, 0);
    add(&list[1], DISK_LANE_SHORT);
    add(&list[2], DISK_LANE_SHORT);
    ck_assert(disk_jobs_waiting(&jobs, DISK_LANE_SHORT));
    disk_jobs_run_one(&jobs, DISK_LANE_SHORT);
    ck_assert_uint_eq(book.woken, 1);
    ck_assert_uint_eq(book.ran[0], 2);
    disk_jobs_run_one(&jobs, DISK_LANE_SHORT);
    ck_assert(!disk_jobs_waiting(&jobs, DISK_LANE_SHORT));
    disk_jobs_collect(&jobs);
    ck_assert_uint_eq(book.told_count, 2);
    open_gate(&book);
    end(&book, &jobs);
    ck_assert_uint_eq(book.told[2], 1);
    ck_assert(book.told_ran[2]);
}
END_TEST

START_TEST(at_the_end_the_job_under_way_ends_and_the_others_are_told_that_they_never_began) {
    struct book book;
    struct disk_jobs jobs;
    struct job list[3];
    start(&book, &jobs, list, 3);
    add(&list[0], DISK_LANE_LONG);
    wait_for(&book, &book.woken, 1);
    disk_jobs_stop(&jobs);
    add(&list[1], DISK_LANE_LONG);
    add(&list[2], DISK_LANE_SHORT);
    ck_assert(!disk_jobs_waiting(&jobs, DISK_LANE_SHORT));
    disk_jobs_run_one(&jobs, DISK_LANE_SHORT);
    ck_assert_uint_eq(book.told_count, 0);
    disk_jobs_clear(&jobs);
    ck_assert_uint_eq(book.told_count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(book.told_ran[i] == (book.told[i] == 1));
    }
    pthread_cond_destroy(&book.changed);
    pthread_mutex_destroy(&book.mutex);
}
END_TEST

START_TEST(whoever_is_told_may_add_another_job) {
    struct book book;
    struct disk_jobs jobs;
    struct job list[3];
    start(&book, &jobs, list, 3);
    list[0].next = &list[1];
    list[1].next = &list[2];
    add(&list[0], DISK_LANE_LONG);
    wait_for(&book, &book.woken, 1);
    disk_jobs_collect(&jobs); /* Tells of 1, which adds 2. */
    wait_for(&book, &book.woken, 2);
    end(&book, &jobs); /* Tells of 2, which adds 3. */
    ck_assert_uint_eq(book.told_count, 3);
    ck_assert(book.told_ran[0] && book.told_ran[1] && !book.told_ran[2]);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, long_jobs_run_one_after_the_other_and_are_told_when_collected);
    tcase_add_test(tcase, short_jobs_run_one_by_one_where_they_are_asked_for_though_a_long_one_is_under_way);
    tcase_add_test(tcase, at_the_end_the_job_under_way_ends_and_the_others_are_told_that_they_never_began);
    tcase_add_test(tcase, whoever_is_told_may_add_another_job);
}

CHECK_MAIN("disk_jobs", add_tests)
