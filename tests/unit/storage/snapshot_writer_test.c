/* Making a file, and every call that can fail while it is made. */
#include "storage/snapshot_file.h"

#include "tests/check_main.h"
#include "tests/unit/storage/snapshot_fixture.h"

#include <errno.h>

/* A medium on top of another whose n-th call fails. Its functions need something outside to count in. */
static struct {
    struct snapshot_medium_operations inner;
    struct snapshot_medium_operations outer;
    int calls_left; /* Until one fails. */
} failing;

static bool goes_well(void) {
    errno = ENOSPC;
    return failing.calls_left-- != 0;
}

static struct snapshot_blob *failing_create(struct snapshot_medium *medium, const char *name) {
    struct snapshot_blob *blob = goes_well() ? failing.inner.create(medium, name) : NULL;
    if (blob != NULL) {
        blob->operations = &failing.outer;
    }
    return blob;
}

static bool failing_append(struct snapshot_blob *blob, const void *bytes, size_t size) {
    return goes_well() && failing.inner.append(blob, bytes, size);
}

static bool failing_sync(struct snapshot_blob *blob) {
    return goes_well() && failing.inner.sync(blob);
}

static bool failing_rename(struct snapshot_medium *medium, const char *from, const char *to) {
    return goes_well() && failing.inner.rename(medium, from, to);
}

static void let_call_fail(struct snapshot_directory *directory, int call) {
    failing.inner = *directory->medium->operations;
    failing.outer = failing.inner;
    failing.outer.create = failing_create;
    failing.outer.append = failing_append;
    failing.outer.sync = failing_sync;
    failing.outer.rename = failing_rename;
    failing.calls_left = call;
    directory->medium->operations = &failing.outer;
}

static const char text[100000];

/* False when the file could not be made. */
static bool try_to_make(struct snapshot_directory *directory) {
    struct snapshot_writer_file *writer = NULL;
    struct storage_snapshot snapshot;
    struct storage_message message = {""};
    struct snapshot_head head = head_at(4);
    enum storage_error error = snapshot_file_create(directory, &head, &writer, &message);
    if (error == STORAGE_OK) {
        bool ok = snapshot_file_write(writer, SNAPSHOT_STATE, text, sizeof text);
        ok = snapshot_file_write(writer, SNAPSHOT_STATE, text, sizeof text) && ok;
        error = snapshot_file_finish(writer, &snapshot, &message);
        ck_assert(ok || error == STORAGE_FAILED);
    }
    ck_assert(error == STORAGE_OK || strstr(message.text, "No space left on device") != NULL);
    return error == STORAGE_OK;
}

START_TEST(whatever_fails_is_told_and_leaves_no_file) {
    int failures = 0;
    for (bool made = false; !made; failures++) {
        struct snapshots snapshots = snapshots_create(_i);
        let_call_fail(snapshots.directory, failures);
        made = try_to_make(snapshots.directory);
        ck_assert_uint_eq(count_files(snapshots.directory), made ? 1 : 0);
        snapshots_destroy(&snapshots);
    }
    ck_assert_int_ge(failures, 12); /* create, head, 4 frames, 3 ends, checksum, sync, rename; then none. */
}
END_TEST

START_TEST(an_incoming_file_that_cannot_be_stored_is_gone) {
    struct snapshots sender = snapshots_create(1);
    struct snapshots receiver = snapshots_create(_i);
    struct storage_snapshot snapshot = make_snapshot(sender.directory, 4, "c", "t", "state");
    char *bytes = raw_bytes(sender.directory, &snapshot);
    uint64_t stored = 0;
    struct storage_message message = {""};
    let_call_fail(receiver.directory, 2); /* create, one append; the next one. */
    ck_assert_int_eq(snapshot_incoming_append(receiver.directory, &snapshot, 0, bytes, 10, &stored, &message), STORAGE_OK);
    ck_assert_int_eq(snapshot_incoming_append(receiver.directory, &snapshot, 10, bytes + 10, 10, &stored, &message),
                     STORAGE_FAILED);
    ck_assert_msg(strstr(message.text, "No space left on device") != NULL, "%s", message.text);
    ck_assert_uint_eq(stored, 0);
    ck_assert_uint_eq(count_files(receiver.directory), 0);
    ck_assert_int_eq(
        snapshot_incoming_append(receiver.directory, &snapshot, 0, bytes, (size_t)snapshot.length, &stored, &message),
        STORAGE_OK);
    ck_assert_int_eq(snapshot_incoming_finish(receiver.directory, &snapshot, &message), STORAGE_OK);
    free(bytes);
    snapshots_destroy(&sender);
    snapshots_destroy(&receiver);
}
END_TEST

START_TEST(an_abandoned_file_is_gone) {
    struct snapshots snapshots = snapshots_create(_i);
    struct snapshot_writer_file *writer = writer_at(snapshots.directory, 4);
    snapshot_file_write(writer, SNAPSHOT_STATE, "1", 1);
    ck_assert_uint_eq(count_files(snapshots.directory), 1);
    ck_assert_uint_gt(snapshot_directory_size_bytes(snapshots.directory), 0);
    snapshot_file_abandon(writer);
    ck_assert_uint_eq(count_files(snapshots.directory), 0);
    snapshots_destroy(&snapshots);
}
END_TEST

START_TEST(two_files_may_be_made_at_once) {
    struct snapshots snapshots = snapshots_create(_i);
    struct snapshot_writer_file *first = writer_at(snapshots.directory, 4);
    struct snapshot_writer_file *second = writer_at(snapshots.directory, 4);
    snapshot_file_write(first, SNAPSHOT_STATE, "1", 1);
    snapshot_file_write(second, SNAPSHOT_STATE, "2", 1);
    struct storage_snapshot one = finish_ok(first);
    struct storage_snapshot two = finish_ok(second);
    ck_assert_int_eq(try_open(snapshots.directory, &one), STORAGE_OK);
    ck_assert_int_eq(try_open(snapshots.directory, &two), STORAGE_OK);
    ck_assert_uint_eq(count_files(snapshots.directory), 2);
    snapshots_destroy(&snapshots);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, whatever_fails_is_told_and_leaves_no_file, 0, 2);
    tcase_add_loop_test(tcase, an_incoming_file_that_cannot_be_stored_is_gone, 0, 2);
    tcase_add_loop_test(tcase, an_abandoned_file_is_gone, 0, 2);
    tcase_add_loop_test(tcase, two_files_may_be_made_at_once, 0, 2);
}

CHECK_MAIN("snapshot_writer", add_tests)
