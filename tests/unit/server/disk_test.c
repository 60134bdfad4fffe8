#include "server/disk.h"

#include "server/base/memory.h"
#include "tests/check_main.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* -- A store whose writes end when the test lets them. It stands in for the real one: these two functions are all that the
 * disk threads call. -- */

enum { BATCHES_MAX = 64 };

struct batch {
    raft_index compact_through;
    raft_index replaced_by;
    raft_index snapshot; /* 0: not changed. */
    raft_index truncate_from;
    raft_index first;
    size_t count;
    raft_term hard_state_term; /* 0: not changed. */
    bool cluster_changed;
    bool formed;
};

struct storage {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool gated;       /* Writes wait for `permits`. */
    unsigned permits; /* How many writes may end. */
    unsigned begun;
    bool fail_writes;
    bool fail_reads;
    bool gate_reads;
    unsigned reads_begun;
    struct storage_room room;
    unsigned looks;
    struct batch batches[BATCHES_MAX];
    size_t batch_count;
};

void storage_room(struct storage *storage, struct storage_room *out_room) {
    pthread_mutex_lock(&storage->mutex);
    *out_room = storage->room;
    storage->looks++;
    pthread_mutex_unlock(&storage->mutex);
}

enum storage_error storage_write(struct storage *storage, const struct storage_write *write,
                                 struct storage_message *out_message) {
    pthread_mutex_lock(&storage->mutex);
    storage->begun++;
    pthread_cond_broadcast(&storage->changed);
    while (storage->gated && storage->permits == 0) {
        pthread_cond_wait(&storage->changed, &storage->mutex);
    }
    if (storage->gated) {
        storage->permits--;
    }
    bool fails = storage->fail_writes;
    if (fails) {
        strcpy(out_message->text, "no space left");
    } else {
        ck_assert_uint_lt(storage->batch_count, BATCHES_MAX);
        storage->batches[storage->batch_count++] = (struct batch){
            .compact_through = write->compact_through,
            .replaced_by = write->replaced_by.index,
            .snapshot = write->snapshot_changed ? write->snapshot.id.index : 0,
            .truncate_from = write->truncate_from,
            .first = write->entry_count > 0 ? write->entries[0].id.index : 0,
            .count = write->entry_count,
            .hard_state_term = write->hard_state_changed ? write->hard_state.term : 0,
            .cluster_changed = write->cluster_changed,
            .formed = write->formed,
        };
        for (size_t i = 0; i < write->entry_count; i++) {
            ck_assert_uint_eq(write->entries[i].id.index, write->entries[0].id.index + i);
            ck_assert_int_eq(write->entries[i].data[0], 'x');
        }
    }
    pthread_mutex_unlock(&storage->mutex);
    return fails ? STORAGE_FAILED : STORAGE_OK;
}

enum storage_error storage_read(struct storage *storage, raft_index first, raft_index last, size_t max_bytes,
                                struct raft_entry **out_entries, size_t *out_count, struct buffer **out_buffer,
                                struct storage_message *out_message) {
    pthread_mutex_lock(&storage->mutex);
    storage->reads_begun++;
    pthread_cond_broadcast(&storage->changed);
    while (storage->gate_reads) {
        pthread_cond_wait(&storage->changed, &storage->mutex);
    }
    bool fails = storage->fail_reads;
    pthread_mutex_unlock(&storage->mutex);
    if (fails) {
        strcpy(out_message->text, "checksum mismatch");
        return STORAGE_DAMAGED;
    }
    ck_assert_uint_eq(max_bytes, 4096);
    *out_count = (size_t)(last - first + 1);
    *out_entries = memory_zalloc(*out_count * sizeof **out_entries);
    *out_buffer = buffer_copy("payload", 7);
    for (size_t i = 0; i < *out_count; i++) {
        (*out_entries)[i].id.index = first + i;
    }
    return STORAGE_OK;
}

static void set(struct storage *storage, bool *flag, bool value) {
    pthread_mutex_lock(&storage->mutex);
    *flag = value;
    pthread_cond_broadcast(&storage->changed);
    pthread_mutex_unlock(&storage->mutex);
}

static void permit(struct storage *storage, unsigned writes) {
    pthread_mutex_lock(&storage->mutex);
    storage->permits += writes;
    pthread_cond_broadcast(&storage->changed);
    pthread_mutex_unlock(&storage->mutex);
}

static void wait_until_begun(struct storage *storage, const unsigned *counter, unsigned count) {
    pthread_mutex_lock(&storage->mutex);
    while (*counter < count) {
        pthread_cond_wait(&storage->changed, &storage->mutex);
    }
    pthread_mutex_unlock(&storage->mutex);
}

/* -- The reactor's side -- */

struct fixture {
    struct storage storage;
    int wake;
    struct disk_threads *threads;
    struct disk disk;
    struct buffer *body;
    uint64_t written;
    struct storage_room room;
    unsigned room_calls;
    unsigned written_calls;
    uint64_t read_token;
    size_t read_count;
    raft_index read_first;
};

static void wake(void *context) {
    const uint64_t one = 1;
    ck_assert_int_eq(write(*(int *)context, &one, sizeof one), sizeof one);
}

static void on_written(void *context, uint64_t number) {
    struct fixture *fixture = context;
    fixture->written = number;
    fixture->written_calls++;
}

static void on_room(void *context, const struct storage_room *room) {
    struct fixture *fixture = context;
    fixture->room = *room;
    fixture->room_calls++;
}

static void on_read(void *context, uint64_t token, struct raft_entry *entries, size_t count, struct buffer *buffer) {
    struct fixture *fixture = context;
    fixture->read_token = token;
    fixture->read_count = count;
    fixture->read_first = entries[0].id.index;
    free(entries);
    buffer_release(buffer);
}

static void open_fixture(struct fixture *fixture, bool gated) {
    *fixture = (struct fixture){.storage.gated = gated};
    pthread_mutex_init(&fixture->storage.mutex, NULL);
    pthread_cond_init(&fixture->storage.changed, NULL);
    fixture->wake = eventfd(0, 0);
    fixture->threads = disk_threads_create(&fixture->storage, wake, &fixture->wake);
    ck_assert_ptr_nonnull(fixture->threads);
    fixture->disk = disk_threads_interface(fixture->threads);
    fixture->body = buffer_copy("xyz", 3);
}

static void close_fixture(struct fixture *fixture) {
    disk_threads_destroy(fixture->threads);
    ck_assert_uint_eq(fixture->body->references, 1);
    buffer_release(fixture->body);
    close(fixture->wake);
    pthread_cond_destroy(&fixture->storage.changed);
    pthread_mutex_destroy(&fixture->storage.mutex);
}

static void collect(struct fixture *fixture) {
    const struct disk_ends ends = {.context = fixture, .written = on_written, .room = on_room, .entries_read = on_read};
    disk_threads_collect(fixture->threads, &ends);
}

/* One blocking turn of a reactor that has nothing else to do. */
static void turn(struct fixture *fixture) {
    uint64_t count;
    ck_assert_int_eq(read(fixture->wake, &count, sizeof count), sizeof count);
    collect(fixture);
}

static void write_entries(struct fixture *fixture, uint64_t number, raft_index first, size_t count,
                          raft_index truncate_from) {
    struct raft_entry *entries = memory_zalloc(count * sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct raft_entry){
            .id = {first + i, 1}, .type = RAFT_COMMAND, .size = 3, .data = fixture->body->data, .buffer = fixture->body};
    }
    const struct storage_write write = {.truncate_from = truncate_from, .entries = entries, .entry_count = count};
    fixture->disk.write(fixture->disk.context, number, &write);
    free(entries);
}

static void write_term(struct fixture *fixture, uint64_t number, raft_term term) {
    const struct storage_write write = {.hard_state_changed = true, .hard_state = {.term = term}};
    fixture->disk.write(fixture->disk.context, number, &write);
}

START_TEST(a_write_is_reported_by_its_number_when_it_is_done) {
    struct fixture fixture;
    open_fixture(&fixture, true);
    write_entries(&fixture, 1, 1, 2, 0);
    wait_until_begun(&fixture.storage, &fixture.storage.begun, 1);
    collect(&fixture);
    ck_assert_uint_eq(fixture.written_calls, 0);
    permit(&fixture.storage, 1);
    turn(&fixture);
    ck_assert_uint_eq(fixture.written, 1);
    ck_assert_uint_eq(fixture.written_calls, 1);
    ck_assert_uint_eq(fixture.storage.batches[0].first, 1);
    ck_assert_uint_eq(fixture.storage.batches[0].count, 2);
    close_fixture(&fixture);
}
END_TEST

START_TEST(buffers_are_held_until_the_reactor_collects) {
    struct fixture fixture;
    open_fixture(&fixture, false);
    write_entries(&fixture, 1, 1, 3, 0);
    ck_assert_uint_eq(fixture.body->references, 4);
    uint64_t count;
    ck_assert_int_eq(read(fixture.wake, &count, sizeof count), sizeof count);
    ck_assert_uint_eq(fixture.body->references, 4);
    collect(&fixture);
    ck_assert_uint_eq(fixture.body->references, 1);
    close_fixture(&fixture);
}
END_TEST

START_TEST(writes_that_waited_become_one_batch) {
    struct fixture fixture;
    open_fixture(&fixture, true);
    write_entries(&fixture, 1, 1, 1, 0);
    wait_until_begun(&fixture.storage, &fixture.storage.begun, 1);
    write_entries(&fixture, 2, 2, 2, 0);
    write_term(&fixture, 3, 5);
    write_term(&fixture, 4, 6);
    write_entries(&fixture, 5, 4, 1, 0);
    const struct storage_write cluster = {.cluster_changed = true, .cluster_id = "c", .formed = true};
    fixture.disk.write(fixture.disk.context, 6, &cluster);
    permit(&fixture.storage, 2);
    while (fixture.written < 6) {
        turn(&fixture);
    }
    ck_assert_uint_eq(fixture.storage.batch_count, 2);
    const struct batch *joined = &fixture.storage.batches[1];
    ck_assert_uint_eq(joined->first, 2);
    ck_assert_uint_eq(joined->count, 3);
    ck_assert_uint_eq(joined->hard_state_term, 6);
    ck_assert(joined->cluster_changed && joined->formed);
    close_fixture(&fixture);
}
END_TEST

START_TEST(a_truncation_is_not_joined_to_what_came_before_it) {
    struct fixture fixture;
    open_fixture(&fixture, true);
    write_term(&fixture, 1, 1);
    wait_until_begun(&fixture.storage, &fixture.storage.begun, 1);
    write_entries(&fixture, 2, 1, 3, 0);
    write_entries(&fixture, 3, 2, 1, 2);
    write_entries(&fixture, 4, 3, 1, 0);
    permit(&fixture.storage, 3);
    while (fixture.written < 4) {
        turn(&fixture);
    }
    ck_assert_uint_eq(fixture.storage.batch_count, 3);
    ck_assert_uint_eq(fixture.storage.batches[1].count, 3);
    ck_assert_uint_eq(fixture.storage.batches[1].truncate_from, 0);
    ck_assert_uint_eq(fixture.storage.batches[2].truncate_from, 2);
    ck_assert_uint_eq(fixture.storage.batches[2].first, 2);
    ck_assert_uint_eq(fixture.storage.batches[2].count, 2);
    close_fixture(&fixture);
}
END_TEST

START_TEST(what_cuts_the_log_s_beginning_is_not_joined_to_what_came_before_it) {
    struct fixture fixture;
    open_fixture(&fixture, true);
    write_term(&fixture, 1, 1);
    wait_until_begun(&fixture.storage, &fixture.storage.begun, 1);
    write_entries(&fixture, 2, 1, 3, 0);
    const struct storage_write compaction = {
        .compact_through = 2, .snapshot_changed = true, .snapshot = {.id = {3, 1}, .length = 9}};
    fixture.disk.write(fixture.disk.context, 3, &compaction);
    const struct storage_write replacement = {
        .replaced_by = {7, 1}, .snapshot_changed = true, .snapshot = {.id = {7, 1}, .length = 9}};
    fixture.disk.write(fixture.disk.context, 4, &replacement);
    write_entries(&fixture, 5, 8, 2, 0);
    permit(&fixture.storage, 4);
    while (fixture.written < 5) {
        turn(&fixture);
    }
    ck_assert_uint_eq(fixture.storage.batch_count, 4);
    const struct batch *batches = fixture.storage.batches;
    ck_assert_uint_eq(batches[1].compact_through, 0);
    ck_assert_uint_eq(batches[2].compact_through, 2);
    ck_assert_uint_eq(batches[2].snapshot, 3);
    ck_assert_uint_eq(batches[2].count, 0);
    ck_assert_uint_eq(batches[3].replaced_by, 7);
    ck_assert_uint_eq(batches[3].snapshot, 7);
    ck_assert_uint_eq(batches[3].first, 8);
    close_fixture(&fixture);
}
END_TEST

START_TEST(the_latest_name_of_a_snapshot_goes_into_a_joined_batch) {
    struct fixture fixture;
    open_fixture(&fixture, true);
    write_term(&fixture, 1, 1);
    wait_until_begun(&fixture.storage, &fixture.storage.begun, 1);
    write_entries(&fixture, 2, 1, 3, 0);
    for (uint64_t number = 3; number <= 4; number++) {
        const struct storage_write name = {.snapshot_changed = true, .snapshot = {.id = {number - 1, 1}, .length = 9}};
        fixture.disk.write(fixture.disk.context, number, &name);
    }
    write_entries(&fixture, 5, 4, 1, 0);
    permit(&fixture.storage, 2);
    while (fixture.written < 5) {
        turn(&fixture);
    }
    ck_assert_uint_eq(fixture.storage.batch_count, 2);
    ck_assert_uint_eq(fixture.storage.batches[1].count, 4);
    ck_assert_uint_eq(fixture.storage.batches[1].snapshot, 3);
    close_fixture(&fixture);
}
END_TEST

START_TEST(a_joined_batch_is_bounded) {
    struct fixture fixture;
    open_fixture(&fixture, true);
    write_term(&fixture, 1, 1);
    wait_until_begun(&fixture.storage, &fixture.storage.begun, 1);
    /* Each counts a little over a mebibyte with its records: seven fit into 8 MiB, the eighth does not. */
    const size_t entries = (1024 * 1024) / sizeof(struct raft_entry) + 1;
    for (uint64_t i = 0; i < 8; i++) {
        write_entries(&fixture, 2 + i, 1 + i * entries, entries, 0);
    }
    permit(&fixture.storage, 3);
    while (fixture.written < 9) {
        turn(&fixture);
    }
    ck_assert_uint_eq(fixture.storage.batch_count, 3);
    ck_assert_uint_eq(fixture.storage.batches[1].count, 7 * entries);
    ck_assert_uint_eq(fixture.storage.batches[2].count, entries);
    close_fixture(&fixture);
}
END_TEST

START_TEST(destroy_waits_for_every_write) {
    struct fixture fixture;
    open_fixture(&fixture, false);
    for (uint64_t number = 1; number <= 100; number++) {
        write_entries(&fixture, number, number, 1, 0);
    }
    disk_threads_destroy(fixture.threads);
    size_t written = 0;
    for (size_t i = 0; i < fixture.storage.batch_count; i++) {
        written += fixture.storage.batches[i].count;
    }
    ck_assert_uint_eq(written, 100);
    ck_assert_uint_eq(fixture.body->references, 1);
    fixture.threads = disk_threads_create(&fixture.storage, wake, &fixture.wake);
    close_fixture(&fixture);
}
END_TEST

START_TEST(a_read_is_answered_with_its_token) {
    struct fixture fixture;
    open_fixture(&fixture, false);
    fixture.disk.read(fixture.disk.context, 77, 10, 12, 4096);
    turn(&fixture);
    ck_assert_uint_eq(fixture.read_token, 77);
    ck_assert_uint_eq(fixture.read_first, 10);
    ck_assert_uint_eq(fixture.read_count, 3);
    close_fixture(&fixture);
}
END_TEST

START_TEST(a_read_does_not_wait_for_a_slow_write) {
    struct fixture fixture;
    open_fixture(&fixture, true);
    write_entries(&fixture, 1, 1, 1, 0);
    wait_until_begun(&fixture.storage, &fixture.storage.begun, 1);
    fixture.disk.read(fixture.disk.context, 5, 1, 1, 4096);
    turn(&fixture);
    ck_assert_uint_eq(fixture.read_token, 5);
    ck_assert_uint_eq(fixture.written, 0);
    permit(&fixture.storage, 1);
    close_fixture(&fixture);
}
END_TEST

/* Lets the read under way end once destroy has begun to wait for it. */
static void *end_reads(void *context) {
    struct storage *storage = context;
    set(storage, &storage->gate_reads, false);
    return NULL;
}

START_TEST(reads_not_begun_are_dropped_at_the_end) {
    struct fixture fixture;
    open_fixture(&fixture, false);
    set(&fixture.storage, &fixture.storage.gate_reads, true);
    fixture.disk.read(fixture.disk.context, 1, 1, 1, 4096);
    wait_until_begun(&fixture.storage, &fixture.storage.reads_begun, 1);
    fixture.disk.read(fixture.disk.context, 2, 1, 1, 4096);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, end_reads, &fixture.storage), 0);
    close_fixture(&fixture); /* The sanitizers see what is not freed. */
    pthread_join(thread, NULL);
    ck_assert_uint_eq(fixture.read_token, 0);
}
END_TEST

/* A job that counts into the fixture's storage what it did; begun and ended are told by counters under its mutex. */
struct job {
    struct storage *storage;
    unsigned *order; /* Counts what ran so far. */
    unsigned ran_as; /* Which it was of these; 0: it did not run. */
    unsigned told;
    bool told_ran;
};

static void work(void *context) {
    struct job *job = context;
    pthread_mutex_lock(&job->storage->mutex);
    job->ran_as = ++*job->order;
    pthread_mutex_unlock(&job->storage->mutex);
}

static void done(void *context, bool ran) {
    struct job *job = context;
    job->told++;
    job->told_ran = ran;
}

START_TEST(a_short_job_is_done_beside_writes_and_between_reads) {
    struct fixture fixture;
    open_fixture(&fixture, true);
    write_entries(&fixture, 1, 1, 1, 0);
    set(&fixture.storage, &fixture.storage.gate_reads, true);
    fixture.disk.read(fixture.disk.context, 1, 1, 1, 4096);
    wait_until_begun(&fixture.storage, &fixture.storage.reads_begun, 1);
    unsigned order = 0;
    struct job jobs[2] = {{.storage = &fixture.storage, .order = &order}, {.storage = &fixture.storage, .order = &order}};
    for (size_t i = 0; i < 2; i++) {
        const struct disk_job job = {.context = &jobs[i], .work = work, .done = done};
        fixture.disk.run(fixture.disk.context, DISK_LANE_SHORT, &job);
    }
    set(&fixture.storage, &fixture.storage.gate_reads, false);
    while (jobs[0].told == 0 || jobs[1].told == 0) {
        turn(&fixture);
    }
    ck_assert(jobs[0].told_ran && jobs[1].told_ran);
    ck_assert_uint_eq(jobs[0].ran_as, 1);
    ck_assert_uint_eq(jobs[1].ran_as, 2);
    ck_assert_uint_eq(fixture.read_token, 1);
    ck_assert_uint_eq(fixture.written, 0);
    permit(&fixture.storage, 1);
    close_fixture(&fixture);
}
END_TEST

START_TEST(a_long_job_is_done_while_the_disk_reads_and_writes) {
    struct fixture fixture;
    open_fixture(&fixture, true);
    write_entries(&fixture, 1, 1, 1, 0);
    set(&fixture.storage, &fixture.storage.gate_reads, true);
    fixture.disk.read(fixture.disk.context, 1, 1, 1, 4096);
    wait_until_begun(&fixture.storage, &fixture.storage.reads_begun, 1);
    unsigned order = 0;
    struct job job = {.storage = &fixture.storage, .order = &order};
    const struct disk_job disk_job = {.context = &job, .work = work, .done = done};
    fixture.disk.run(fixture.disk.context, DISK_LANE_LONG, &disk_job);
    while (job.told == 0) {
        turn(&fixture);
    }
    ck_assert(job.told_ran);
    set(&fixture.storage, &fixture.storage.gate_reads, false);
    permit(&fixture.storage, 1);
    close_fixture(&fixture);
}
END_TEST

START_TEST(jobs_that_never_began_are_told_so_at_the_end) {
    struct fixture fixture;
    open_fixture(&fixture, false);
    set(&fixture.storage, &fixture.storage.gate_reads, true);
    fixture.disk.read(fixture.disk.context, 1, 1, 1, 4096);
    wait_until_begun(&fixture.storage, &fixture.storage.reads_begun, 1);
    unsigned order = 0;
    struct job job = {.storage = &fixture.storage, .order = &order};
    const struct disk_job disk_job = {.context = &job, .work = work, .done = done};
    fixture.disk.run(fixture.disk.context, DISK_LANE_SHORT, &disk_job); /* Waits for the read. */
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, end_reads, &fixture.storage), 0);
    disk_threads_destroy(fixture.threads);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(job.told, 1);
    ck_assert(job.told_ran == (job.ran_as != 0)); /* The read may have ended before the end began. */
    fixture.threads = disk_threads_create(&fixture.storage, wake, &fixture.wake);
    close_fixture(&fixture);
}
END_TEST

START_TEST(latency_is_zero_before_the_first_write_and_measured_after) {
    struct fixture fixture;
    open_fixture(&fixture, false);
    double p50 = -1;
    double p99 = -1;
    ck_assert_uint_eq(disk_threads_latency(fixture.threads, &p50, &p99), 0);
    ck_assert(p50 == 0 && p99 == 0);
    for (uint64_t number = 1; number <= 3; number++) {
        write_term(&fixture, number, number);
        turn(&fixture);
    }
    p50 = -1;
    p99 = -1;
    ck_assert_uint_eq(disk_threads_latency(fixture.threads, &p50, &p99), 3);
    ck_assert(p50 >= 0 && p99 >= p50 && p99 < 60000);
    struct histogram durations;
    disk_threads_writes(fixture.threads, &durations);
    ck_assert_uint_eq(histogram_count(&durations), 3);
    ck_assert((double)durations.sum_us / 1000.0 >= p50 && (double)durations.sum_us / 1000.0 <= 3 * p99);
    close_fixture(&fixture);
}
END_TEST

START_TEST(the_oldest_unfinished_write_grows_old) {
    struct fixture fixture;
    open_fixture(&fixture, true);
    ck_assert_uint_eq(disk_threads_oldest_ms(fixture.threads), 0);
    write_term(&fixture, 1, 1);
    write_term(&fixture, 2, 2);
    while (disk_threads_oldest_ms(fixture.threads) < 3) {
        poll(NULL, 0, 1);
    }
    permit(&fixture.storage, 2);
    while (fixture.written < 2) {
        turn(&fixture);
    }
    ck_assert_uint_eq(disk_threads_oldest_ms(fixture.threads), 0);
    close_fixture(&fixture);
}
END_TEST

START_TEST(a_failed_write_ends_the_process) {
    struct fixture fixture;
    open_fixture(&fixture, false);
    set(&fixture.storage, &fixture.storage.fail_writes, true);
    write_term(&fixture, 1, 1);
    pause();
}
END_TEST

START_TEST(a_failed_read_ends_the_process) {
    struct fixture fixture;
    open_fixture(&fixture, false);
    set(&fixture.storage, &fixture.storage.fail_reads, true);
    fixture.disk.read(fixture.disk.context, 1, 1, 1, 4096);
    pause();
}
END_TEST

static void set_room(struct storage *storage, uint64_t for_commands) {
    pthread_mutex_lock(&storage->mutex);
    storage->room.for_commands = for_commands;
    pthread_mutex_unlock(&storage->mutex);
}

START_TEST(what_the_disk_has_room_for_is_known_from_the_start_and_after_each_write) {
    struct fixture fixture;
    open_fixture(&fixture, false);
    collect(&fixture);
    ck_assert_uint_eq(fixture.room_calls, 1);
    collect(&fixture);
    ck_assert_uint_eq(fixture.room_calls, 1); /* Nothing new. */
    set_room(&fixture.storage, 7);
    write_term(&fixture, 1, 1);
    while (fixture.written < 1) {
        turn(&fixture);
    }
    ck_assert_uint_eq(fixture.room.for_commands, 7);
    close_fixture(&fixture);
}
END_TEST

START_TEST(a_disk_that_others_fill_wakes_the_reactor_though_nothing_is_written) {
    struct fixture fixture;
    open_fixture(&fixture, false);
    fixture.room.for_commands = 1;
    set_room(&fixture.storage, 9);
    turn(&fixture);
    ck_assert_uint_eq(fixture.room.for_commands, 9);
    set_room(&fixture.storage, 0);
    turn(&fixture);
    ck_assert_uint_eq(fixture.room.for_commands, 0);
    close_fixture(&fixture);
}
END_TEST

START_TEST(destroying_nothing_does_nothing) {
    disk_threads_destroy(NULL);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_write_is_reported_by_its_number_when_it_is_done);
    tcase_add_test(tcase, buffers_are_held_until_the_reactor_collects);
    tcase_add_test(tcase, writes_that_waited_become_one_batch);
    tcase_add_test(tcase, a_truncation_is_not_joined_to_what_came_before_it);
    tcase_add_test(tcase, what_cuts_the_log_s_beginning_is_not_joined_to_what_came_before_it);
    tcase_add_test(tcase, the_latest_name_of_a_snapshot_goes_into_a_joined_batch);
    tcase_add_test(tcase, a_joined_batch_is_bounded);
    tcase_add_test(tcase, destroy_waits_for_every_write);
    tcase_add_test(tcase, a_read_is_answered_with_its_token);
    tcase_add_test(tcase, a_read_does_not_wait_for_a_slow_write);
    tcase_add_test(tcase, reads_not_begun_are_dropped_at_the_end);
    tcase_add_test(tcase, a_short_job_is_done_beside_writes_and_between_reads);
    tcase_add_test(tcase, a_long_job_is_done_while_the_disk_reads_and_writes);
    tcase_add_test(tcase, jobs_that_never_began_are_told_so_at_the_end);
    tcase_add_test(tcase, latency_is_zero_before_the_first_write_and_measured_after);
    tcase_add_test(tcase, the_oldest_unfinished_write_grows_old);
    tcase_add_exit_test(tcase, a_failed_write_ends_the_process, 1);
    tcase_add_exit_test(tcase, a_failed_read_ends_the_process, 1);
    tcase_add_test(tcase, what_the_disk_has_room_for_is_known_from_the_start_and_after_each_write);
    tcase_add_test(tcase, a_disk_that_others_fill_wakes_the_reactor_though_nothing_is_written);
    tcase_add_test(tcase, destroying_nothing_does_nothing);
}

CHECK_MAIN_APART("disk", add_tests)
