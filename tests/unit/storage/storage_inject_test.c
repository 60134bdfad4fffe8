/* Every system call of a start, of a write and of a snapshot fails in turn: it is said, or it did not matter, and after
 * that the directory opens and holds what was promised. */
#include "storage/ballast.h"

#include "tests/check_main.h"
#include "tests/crash/inject.h"
#include "tests/unit/storage/snapshot_fixture.h"

#include <errno.h>
#include <signal.h>

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
    tcase_add_loop_test(tcase, a_snapshot_is_whole_or_the_failure_is_said, 0, FAILURES);
    tcase_add_loop_test(tcase, receiving_goes_on_after_a_failure_and_ends_with_the_whole_file, 0, FAILURES);
    tcase_add_test_raise_signal(tcase, a_checked_snapshot_that_cannot_be_read_ends_the_process, SIGABRT);
    tcase_add_test(tcase, a_reserve_is_held_whole_or_not_at_all);
}

CHECK_MAIN("storage/inject", add_tests)
