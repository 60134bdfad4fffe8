/* Every system call of a start, of a write and of a snapshot fails in turn: it is said, or it did not matter, and after
 * that the directory opens and holds what was promised. */
#include "storage/ballast.h"

#include "tests/check_main.h"
#include "tests/crash/inject.h"
#include "tests/unit/storage/snapshot_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

/* Not the listing of a directory: LevelDB takes one that fails for the end, and what it does not find for lost. */
enum { READING = INJECT_READING & ~INJECT_LIST };

static const struct failing {
    unsigned calls;
    int error;
} failures[] = {{INJECT_WRITING, EIO},
                {INJECT_WRITING & ~INJECT_OPEN, ENOSPC},
                {READING, EIO},
                {INJECT_ALL, INJECT_SHORT},
                {INJECT_OPEN, EMFILE}};

enum { FAILURES = sizeof failures / sizeof *failures };

static void begin(const struct fixture *fixture, int kind, uint64_t at) {
    inject_begin(&(struct inject){.below = fixture->base,
                                  .calls = failures[kind].calls,
                                  .at = at,
                                  .error = failures[kind].error,
                                  .this_thread = true});
}

static void ignore_line(void *context, const char *line) {
    (void)context;
    (void)line;
}

/* As raftd starts: with somebody to tell. */
static enum storage_error start(const struct fixture *fixture, struct storage **out_storage,
                                struct storage_message *out_message) {
    return storage_open(fixture->data, FIXTURE_NODE, ignore_line, NULL, out_storage, out_message);
}

static void expect_said(int kind, enum storage_error error, const struct storage *storage,
                        const struct storage_message *message, const struct inject_report *report) {
    ck_assert_msg(storage == NULL && message->text[0] != '\0', "%s: nothing is said", report->what);
    /* Only what the disk does not give back may be called damaged: the cure for that is to wipe it. */
    bool may_be_damaged = failures[kind].error == EIO && error == STORAGE_DAMAGED;
    ck_assert_msg(error == STORAGE_FAILED || error == STORAGE_UNUSABLE || may_be_damaged, "%s: %d %s", report->what,
                  (int)error, message->text);
}

START_TEST(a_store_that_cannot_be_made_is_made_the_next_time) {
    uint64_t at = 1;
    for (bool hit = true; hit; at++) {
        struct fixture fixture = fixture_create();
        struct storage *storage = NULL;
        struct storage_message message = {""};
        begin(&fixture, _i, at);
        enum storage_error error = start(&fixture, &storage, &message);
        struct inject_report report = inject_end();
        hit = report.hit;
        if (error == STORAGE_OK) {
            fixture_append(storage, 1, 3, 100);
            struct contents before = contents_of(storage);
            storage_close(storage);
            storage = fixture_open(&fixture);
            struct contents after = contents_of(storage);
            ck_assert_msg(contents_equal(&before, &after), "%s", report.what);
            free(before.text);
            free(after.text);
        } else {
            expect_said(_i, error, storage, &message, &report);
            error = fixture_try_open(&fixture, &storage, &message);
            ck_assert_msg(error == STORAGE_OK, "after %s: %s", report.what, message.text);
            fixture_append(storage, 1, 3, 100);
        }
        storage_close(storage);
        fixture_destroy(&fixture);
    }
    ck_assert_uint_gt(at, 10);
}
END_TEST

/* A store with entries in tables and in LevelDB's log, and a named snapshot; closed. */
static struct contents make_store(const struct fixture *fixture) {
    struct storage *storage = fixture_open(fixture);
    fixture_append(storage, 1, 20, 100);
    fixture_compact(storage, 5, ((struct raft_entry_id){10, 1}));
    storage_close(storage);
    storage = fixture_open(fixture);
    fixture_append(storage, 2, 3, 100);
    struct contents contents = contents_of(storage);
    storage_close(storage);
    return contents;
}

START_TEST(a_start_that_fails_says_so_and_loses_nothing) {
    struct fixture fixture = fixture_create();
    struct contents promised = make_store(&fixture);
    uint64_t at = 1;
    for (bool hit = true; hit; at++) {
        struct storage *storage = NULL;
        struct storage_message message = {""};
        begin(&fixture, _i, at);
        enum storage_error error = start(&fixture, &storage, &message);
        struct inject_report report = inject_end();
        hit = report.hit;
        if (error != STORAGE_OK) {
            expect_said(_i, error, storage, &message, &report);
            storage = fixture_open(&fixture);
        }
        struct contents found = contents_of(storage);
        ck_assert_msg(contents_equal(&promised, &found), "%s", report.what);
        free(found.text);
        storage_close(storage);
    }
    ck_assert_uint_gt(at, 10);
    free(promised.text);
    fixture_destroy(&fixture);
}
END_TEST

/* -- No room for a moment: the reserve is for that -- */

static const unsigned TAKES_ROOM = INJECT_OPEN | INJECT_WRITE | INJECT_SYNC | INJECT_SIZE | INJECT_RENAME;

static void count_line(void *context, const char *line) {
    ck_assert_ptr_nonnull(strstr(line, "the log is opened anew"));
    ++*(size_t *)context;
}

/* Nothing is lost of what the store says, open as it is and the next time. */
static void expect_kept(const struct fixture *fixture, struct storage *storage, const char *after_what) {
    struct contents before = contents_of(storage);
    storage_close(storage);
    storage = fixture_open(fixture);
    struct contents after = contents_of(storage);
    ck_assert_msg(contents_equal(&before, &after), "%s", after_what);
    free(before.text);
    free(after.text);
    storage_close(storage);
}

START_TEST(a_write_that_has_no_room_once_is_done_all_the_same) {
    uint64_t at = 1;
    for (bool hit = true; hit; at++) {
        struct fixture fixture = fixture_create();
        free(make_store(&fixture).text);
        struct storage *storage = NULL;
        struct storage_message message = {""};
        size_t lines = 0;
        ck_assert_int_eq(storage_open(fixture.data, FIXTURE_NODE, count_line, &lines, &storage, &message), STORAGE_OK);
        int data = open(fixture.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert(ballast_hold(data, 1 << 16));
        inject_begin(
            &(struct inject){.below = fixture.base, .calls = TAKES_ROOM, .at = at, .error = ENOSPC, .this_thread = true});
        fixture_append(storage, 3, 4, 2000);
        struct inject_report report = inject_end();
        hit = report.hit;
        ck_assert_msg(lines == (hit ? 1 : 0), "%s: %zu lines", report.what, lines);
        ck_assert_msg(!hit || faccessat(data, BALLAST_NAME, F_OK, 0) != 0, "%s: the reserve is still held", report.what);
        close(data);
        fixture_append(storage, 3, 1, 100);
        expect_kept(&fixture, storage, report.what);
        fixture_destroy(&fixture);
    }
    ck_assert_uint_gt(at, 3); /* The log, its sync, the floor; then none. */
}
END_TEST

/* LevelDB's own thread: after a call of it that fails, LevelDB takes no write any more. */
START_TEST(a_table_that_has_no_room_costs_no_write) {
    uint64_t at = 1;
    size_t opened = 0;
    for (bool hit = true; hit; at++) {
        struct fixture fixture = fixture_create();
        struct storage *storage = NULL;
        struct storage_message message = {""};
        ck_assert_int_eq(storage_open(fixture.data, FIXTURE_NODE, count_line, &opened, &storage, &message), STORAGE_OK);
        fixture_append(storage, 1, 200, 1000);
        fixture_compact(storage, 100, ((struct raft_entry_id){150, 1}));
        inject_begin(
            &(struct inject){.below = fixture.base, .calls = INJECT_OPEN | INJECT_WRITE, .at = at, .error = ENOSPC});
        storage_compact(storage);
        struct inject_report report = inject_end();
        hit = report.hit;
        enum storage_error error = fixture_try_append(storage, 2, 3, 100, &message);
        ck_assert_msg(error == STORAGE_OK, "after %s: %s", report.what, message.text);
        expect_kept(&fixture, storage, report.what);
        fixture_destroy(&fixture);
    }
    ck_assert_uint_gt(at, 5);
    ck_assert_uint_gt(opened, 0);
}
END_TEST

START_TEST(a_write_that_never_has_room_is_refused_and_what_was_promised_is_there) {
    struct fixture fixture = fixture_create();
    struct contents promised = make_store(&fixture);
    struct storage *storage = fixture_open(&fixture);
    inject_begin(&(struct inject){.below = fixture.base, .calls = INJECT_WRITE, .at = 1, .error = ENOSPC, .stays = true});
    struct storage_message message = {""};
    ck_assert_int_eq(fixture_try_append(storage, 3, 4, 2000, &message), STORAGE_FAILED);
    ck_assert_ptr_nonnull(strstr(message.text, strerror(ENOSPC)));
    /* Not open any more, and says so. */
    struct raft_entry *entries = NULL;
    struct buffer *buffer = NULL;
    size_t count = 0;
    ck_assert_int_eq(storage_read(storage, 6, 8, SIZE_MAX, &entries, &count, &buffer, &message), STORAGE_FAILED);
    ck_assert(storage_compact(storage));
    storage_close(storage);
    ck_assert(inject_end().hit);
    struct contents found = {.text = NULL};
    enum storage_error error;
    ck_assert_msg(contents_read(&fixture, &found, &error, &message), "%s", message.text);
    ck_assert(contents_equal(&promised, &found));
    free(promised.text);
    free(found.text);
    fixture_destroy(&fixture);
}
END_TEST

struct reader {
    struct storage *storage;
    atomic_bool is_done;
};

static void *read_on(void *context) {
    struct reader *reader = context;
    while (!atomic_load(&reader->is_done)) {
        struct raft_entry *entries = NULL;
        struct buffer *buffer = NULL;
        size_t count = 0;
        struct storage_message message = {""};
        enum storage_error error = storage_read(reader->storage, 1, 20, SIZE_MAX, &entries, &count, &buffer, &message);
        ck_assert_msg(error == STORAGE_OK && count == 20, "%zu entries: %s", count, message.text);
        free(entries);
        buffer_release(buffer);
        storage_compact(reader->storage);
    }
    return NULL;
}

START_TEST(readings_beside_a_write_without_room_see_all) {
    struct fixture fixture = fixture_create();
    struct storage_message message = {""};
    struct reader reader = {.storage = NULL};
    size_t opened = 0;
    ck_assert_int_eq(storage_open(fixture.data, FIXTURE_NODE, count_line, &opened, &reader.storage, &message), STORAGE_OK);
    fixture_append(reader.storage, 1, 20, 100);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, read_on, &reader), 0);
    for (uint64_t i = 0; i < 20; i++) {
        inject_begin(&(struct inject){
            .below = fixture.base, .calls = TAKES_ROOM, .at = 1 + i % 3, .error = ENOSPC, .this_thread = true});
        fixture_append(reader.storage, 2, 2, 100);
        ck_assert(inject_end().hit);
    }
    atomic_store(&reader.is_done, true);
    pthread_join(thread, NULL);
    ck_assert_uint_eq(opened, 20);
    expect_kept(&fixture, reader.storage, "all that");
    fixture_destroy(&fixture);
}
END_TEST

/* -- Snapshots -- */

static enum storage_error make_and_read(const struct fixture *fixture, struct storage_snapshot *out_snapshot,
                                        struct storage_message *out_message) {
    static const char state[300000];
    struct snapshot_directory *directory = NULL;
    struct snapshot_head head = head_at(4);
    enum storage_error error =
        snapshot_directory_open(fixture->base, &(struct storage_snapshot){.length = 0}, &directory, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    struct snapshot_writer_file *writer = NULL;
    error = snapshot_file_create(directory, &head, &writer, out_message);
    if (error == STORAGE_OK) {
        bool ok = true;
        for (int i = 0; i < 12 && ok; i++) { /* More than is written in one step. */
            ok = snapshot_file_write(writer, SNAPSHOT_STATE, state, sizeof state);
        }
        error = snapshot_file_finish(writer, out_snapshot, out_message);
        ck_assert(ok || error == STORAGE_FAILED);
    }
    struct snapshot_file *file = NULL;
    if (error == STORAGE_OK) {
        error = snapshot_file_open(directory, out_snapshot, &file, out_message);
    }
    snapshot_file_close(file);
    snapshot_directory_close(directory);
    return error;
}

START_TEST(a_snapshot_is_whole_or_the_failure_is_said) {
    uint64_t at = 1;
    for (bool hit = true; hit; at++) {
        struct fixture fixture = fixture_create();
        struct storage_snapshot snapshot = {.length = 0};
        struct storage_message message = {""};
        begin(&fixture, _i, at);
        enum storage_error error = make_and_read(&fixture, &snapshot, &message);
        struct inject_report report = inject_end();
        hit = report.hit;
        ck_assert_msg(error == STORAGE_OK || (error == STORAGE_FAILED && message.text[0] != '\0'), "%s: %d", report.what,
                      (int)error);
        struct snapshots again = {.fixture = fixture};
        snapshots_open(&again, &snapshot);
        ck_assert_msg(count_files(again.directory) == (snapshot.length > 0 ? 1 : 0), "%s", report.what);
        if (snapshot.length > 0) {
            ck_assert_int_eq(try_open(again.directory, &snapshot), STORAGE_OK);
        }
        snapshots_destroy(&again);
    }
    ck_assert_uint_gt(at, 3);
}
END_TEST

static enum storage_error receive(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                  const char *bytes, struct storage_message *out_message) {
    uint64_t stored = 0;
    enum storage_error error = snapshot_incoming_begin(directory, snapshot, &stored, out_message);
    while (error == STORAGE_OK && stored < snapshot->length) {
        uint64_t size = snapshot->length - stored < 50 ? snapshot->length - stored : 50;
        error = snapshot_incoming_append(directory, snapshot, stored, bytes + stored, (size_t)size, &stored, out_message);
    }
    return error == STORAGE_OK ? snapshot_incoming_finish(directory, snapshot, out_message) : error;
}

START_TEST(receiving_goes_on_after_a_failure_and_ends_with_the_whole_file) {
    struct snapshots sender = snapshots_create(1);
    struct storage_snapshot snapshot = make_snapshot(sender.directory, 4, "c", "t", "state");
    char *bytes = raw_bytes(sender.directory, &snapshot);
    uint64_t at = 1;
    for (bool hit = true; hit; at++) {
        struct snapshots receiver = snapshots_create(0);
        struct storage_message message = {""};
        begin(&receiver.fixture, _i, at);
        enum storage_error error = receive(receiver.directory, &snapshot, bytes, &message);
        struct inject_report report = inject_end();
        hit = report.hit;
        if (error != STORAGE_OK) {
            ck_assert_msg(message.text[0] != '\0', "%s", report.what);
            error = receive(receiver.directory, &snapshot, bytes, &message);
        }
        ck_assert_msg(error == STORAGE_OK, "%s: %s", report.what, message.text);
        ck_assert_int_eq(try_open(receiver.directory, &snapshot), STORAGE_OK);
        snapshots_destroy(&receiver);
    }
    ck_assert_uint_gt(at, 3);
    free(bytes);
    snapshots_destroy(&sender);
}
END_TEST

/* It has its last name already then. */
START_TEST(a_received_file_whose_name_could_not_be_synced_is_synced_when_it_is_finished_again) {
    struct snapshots sender = snapshots_create(1);
    struct snapshots receiver = snapshots_create(0);
    struct storage_snapshot snapshot = make_snapshot(sender.directory, 4, "c", "t", "state");
    char *bytes = raw_bytes(sender.directory, &snapshot);
    struct storage_message message = {""};
    for (uint64_t at = 2; at >= 1; at--) { /* The file and the directory; then the directory. */
        inject_begin(
            &(struct inject){.below = receiver.fixture.base, .calls = INJECT_SYNC, .at = at, .error = EIO, .stays = true});
        ck_assert_int_eq(receive(receiver.directory, &snapshot, bytes, &message), STORAGE_FAILED);
        ck_assert_uint_eq(inject_end().count, at);
        ck_assert_uint_eq(count_files(receiver.directory), 1);
    }
    ck_assert_int_eq(receive(receiver.directory, &snapshot, bytes, &message), STORAGE_OK);
    ck_assert_int_eq(try_open(receiver.directory, &snapshot), STORAGE_OK);
    free(bytes);
    snapshots_destroy(&receiver);
    snapshots_destroy(&sender);
}
END_TEST

/* What was checked and cannot be read any more: a machine with half a state must not go on. */
START_TEST(a_checked_snapshot_that_cannot_be_read_ends_the_process) {
    struct snapshots snapshots = snapshots_create(0);
    struct storage_snapshot snapshot = make_snapshot(snapshots.directory, 4, "c", "t", "state");
    struct snapshot_file *file = open_ok(snapshots.directory, &snapshot);
    char byte;
    inject_begin(&(struct inject){.below = snapshots.fixture.base, .calls = INJECT_READ, .at = 1, .error = EIO});
    fixture_destroy(&snapshots.fixture);
    snapshot_file_read(file, SNAPSHOT_STATE, &byte, 1);
}
END_TEST

/* -- The reserve -- */

START_TEST(a_reserve_is_held_whole_or_not_at_all) {
    enum { SIZE = 1 << 16 };
    uint64_t at = 1;
    for (bool hit = true; hit; at++) {
        struct fixture fixture = fixture_create();
        int directory = open(fixture.base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        inject_begin(&(struct inject){.below = fixture.base, .calls = INJECT_OPEN | INJECT_SIZE, .at = at, .error = EIO});
        bool held = ballast_hold(directory, SIZE);
        int error = errno;
        hit = inject_end().hit;
        ck_assert(held != hit);
        ck_assert(held || error == EIO);
        ck_assert(ballast_is_whole(directory, SIZE) == held);
        ck_assert(held || faccessat(directory, BALLAST_NAME, F_OK, 0) != 0);
        close(directory);
        fixture_destroy(&fixture);
    }
    ck_assert_uint_eq(at, 5); /* open, posix_fallocate, ftruncate; then none. */
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, a_store_that_cannot_be_made_is_made_the_next_time, 0, FAILURES);
    tcase_add_loop_test(tcase, a_start_that_fails_says_so_and_loses_nothing, 0, FAILURES);
    tcase_add_test(tcase, a_write_that_has_no_room_once_is_done_all_the_same);
    tcase_add_test(tcase, a_table_that_has_no_room_costs_no_write);
    tcase_add_test(tcase, a_write_that_never_has_room_is_refused_and_what_was_promised_is_there);
    tcase_add_test(tcase, readings_beside_a_write_without_room_see_all);
    tcase_add_loop_test(tcase, a_snapshot_is_whole_or_the_failure_is_said, 0, FAILURES);
    tcase_add_loop_test(tcase, receiving_goes_on_after_a_failure_and_ends_with_the_whole_file, 0, FAILURES);
    tcase_add_test(tcase, a_received_file_whose_name_could_not_be_synced_is_synced_when_it_is_finished_again);
    tcase_add_test_raise_signal(tcase, a_checked_snapshot_that_cannot_be_read_ends_the_process, SIGABRT);
    tcase_add_test(tcase, a_reserve_is_held_whole_or_not_at_all);
}

CHECK_MAIN_APART("storage/inject", add_tests)
