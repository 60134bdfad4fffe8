/* Files that come in pieces: each test runs once on disk and once in memory. */
#include "storage/snapshot_file.h"

#include "tests/check_main.h"
#include "tests/unit/storage/snapshot_fixture.h"

/* A file that somebody sends, and the directory it is received in. */
struct scene {
    struct snapshots sender;
    struct snapshots receiver;
    struct storage_snapshot snapshot;
    char *bytes;
};

static struct scene scene_create(int kind) {
    struct scene scene = {.sender = snapshots_create(1), .receiver = snapshots_create(kind)};
    scene.snapshot = make_snapshot(scene.sender.directory, 9, "{}", "sessions", "the state of the machine");
    scene.bytes = raw_bytes(scene.sender.directory, &scene.snapshot);
    return scene;
}

static void scene_destroy(struct scene *scene) {
    free(scene->bytes);
    snapshots_destroy(&scene->sender);
    snapshots_destroy(&scene->receiver);
}

static uint64_t begin_ok(struct scene *scene) {
    uint64_t stored = 99;
    struct storage_message message = {""};
    enum storage_error error = snapshot_incoming_begin(scene->receiver.directory, &scene->snapshot, &stored, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
    return stored;
}

static uint64_t append_ok(struct scene *scene, uint64_t offset, size_t size) {
    uint64_t stored = 99;
    struct storage_message message = {""};
    enum storage_error error = snapshot_incoming_append(scene->receiver.directory, &scene->snapshot, offset,
                                                        scene->bytes + offset, size, &stored, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
    return stored;
}

static enum storage_error finish(struct scene *scene) {
    struct storage_message message = {""};
    return snapshot_incoming_finish(scene->receiver.directory, &scene->snapshot, &message);
}

START_TEST(pieces_make_the_file) {
    struct scene scene = scene_create(_i);
    ck_assert_uint_eq(begin_ok(&scene), 0);
    for (uint64_t at = 0; at < scene.snapshot.length; at++) {
        ck_assert_uint_eq(append_ok(&scene, at, 1), at + 1);
    }
    ck_assert_uint_eq(begin_ok(&scene), scene.snapshot.length);
    ck_assert_int_eq(try_open(scene.receiver.directory, &scene.snapshot), STORAGE_DAMAGED);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    ck_assert_uint_eq(count_files(scene.receiver.directory), 1);
    struct snapshot_file *file = open_ok(scene.receiver.directory, &scene.snapshot);
    expect_section(file, SNAPSHOT_STATE, "the state of the machine", 24);
    snapshot_file_close(file);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_piece_at_another_offset_changes_nothing) {
    struct scene scene = scene_create(_i);
    ck_assert_uint_eq(append_ok(&scene, 5, 5), 0);
    ck_assert_uint_eq(append_ok(&scene, 0, 10), 10);
    ck_assert_uint_eq(append_ok(&scene, 0, 10), 10);
    ck_assert_uint_eq(append_ok(&scene, 9, 5), 10);
    ck_assert_uint_eq(append_ok(&scene, 11, 5), 10);
    ck_assert_uint_eq(append_ok(&scene, 10, (size_t)scene.snapshot.length - 10), scene.snapshot.length);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    scene_destroy(&scene);
}
END_TEST

START_TEST(another_identity_starts_over) {
    struct scene scene = scene_create(_i);
    append_ok(&scene, 0, 30);
    struct storage_snapshot first = scene.snapshot;
    for (int field = 0; field < 4; field++) {
        scene.snapshot = first;
        scene.snapshot.id.index += field == 0;
        scene.snapshot.id.term += field == 1;
        scene.snapshot.length += field == 2;
        scene.snapshot.crc += field == 3;
        ck_assert_uint_eq(begin_ok(&scene), 0);
        ck_assert_uint_eq(append_ok(&scene, 0, 20), 20);
        ck_assert_uint_eq(count_files(scene.receiver.directory), 1);
    }
    scene.snapshot = first;
    ck_assert_uint_eq(begin_ok(&scene), 0);
    scene_destroy(&scene);
}
END_TEST

START_TEST(more_bytes_than_promised_are_refused) {
    struct scene scene = scene_create(_i);
    char bytes[4] = "";
    uint64_t stored = 0;
    struct storage_message message = {""};
    uint64_t length = scene.snapshot.length;
    append_ok(&scene, 0, (size_t)length - 3);
    ck_assert_int_eq(
        snapshot_incoming_append(scene.receiver.directory, &scene.snapshot, length - 3, bytes, 4, &stored, &message),
        STORAGE_DAMAGED);
    ck_assert_uint_eq(stored, length - 3);
    ck_assert_uint_eq(append_ok(&scene, length - 3, 3), length);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_file_that_is_not_the_one_named_is_removed) {
    struct scene scene = scene_create(_i);
    for (int what = 0; what < 5; what++) {
        struct storage_snapshot named = scene.snapshot;
        scene.snapshot.id.index += what == 0;
        scene.snapshot.id.term += what == 1;
        scene.snapshot.crc += what == 2;
        scene.bytes[60] ^= (char)(what == 3);
        append_ok(&scene, 0, (size_t)(scene.snapshot.length - (what == 4)));
        ck_assert_int_eq(finish(&scene), STORAGE_DAMAGED);
        ck_assert_uint_eq(count_files(scene.receiver.directory), 0);
        ck_assert_uint_eq(begin_ok(&scene), 0);
        scene.bytes[60] ^= (char)(what == 3);
        scene.snapshot = named;
    }
    append_ok(&scene, 0, (size_t)scene.snapshot.length);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_file_that_is_here_is_not_received_again) {
    struct scene scene = scene_create(_i);
    append_ok(&scene, 0, (size_t)scene.snapshot.length);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    ck_assert_uint_eq(begin_ok(&scene), scene.snapshot.length);
    ck_assert_uint_eq(append_ok(&scene, 0, 10), scene.snapshot.length);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    ck_assert_uint_eq(count_files(scene.receiver.directory), 1);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_file_that_is_here_and_damaged_is_received_again) {
    struct scene scene = scene_create(_i);
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name_whole(&scene.snapshot, name);
    scene.bytes[100] ^= 4;
    put_blob(scene.receiver.directory, name, scene.bytes, (size_t)scene.snapshot.length);
    scene.bytes[100] ^= 4;
    ck_assert_uint_eq(begin_ok(&scene), scene.snapshot.length);
    ck_assert_int_eq(finish(&scene), STORAGE_DAMAGED);
    ck_assert_uint_eq(begin_ok(&scene), 0);
    append_ok(&scene, 0, (size_t)scene.snapshot.length);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_new_process_goes_on_where_the_old_one_stopped) {
    struct scene scene = scene_create(0);
    append_ok(&scene, 0, 100);
    snapshot_directory_close(scene.receiver.directory);
    snapshots_open(&scene.receiver, &(struct storage_snapshot){.id = {8, 3}, .length = 1});
    ck_assert_uint_eq(begin_ok(&scene), 100);
    append_ok(&scene, 100, (size_t)scene.snapshot.length - 100);
    snapshot_directory_close(scene.receiver.directory);
    snapshots_open(&scene.receiver, &(struct storage_snapshot){.length = 0});
    ck_assert_uint_eq(begin_ok(&scene), scene.snapshot.length);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    scene_destroy(&scene);
}
END_TEST

START_TEST(bytes_that_a_crash_left_torn_are_seen_at_the_end) {
    struct scene scene = scene_create(0);
    append_ok(&scene, 0, 100);
    snapshot_directory_close(scene.receiver.directory);
    char path[FIXTURE_PATH];
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name_incoming(&scene.snapshot, name);
    snprintf(path, sizeof path, "%.300s/snapshots/%s", scene.receiver.fixture.base, name);
    char torn[100] = "";
    memcpy(torn, scene.bytes, 50);
    fixture_put_file(path, torn, sizeof torn);
    snapshots_open(&scene.receiver, &(struct storage_snapshot){.length = 0});
    ck_assert_uint_eq(begin_ok(&scene), 100);
    append_ok(&scene, 100, (size_t)scene.snapshot.length - 100);
    ck_assert_int_eq(finish(&scene), STORAGE_DAMAGED);
    ck_assert_uint_eq(begin_ok(&scene), 0);
    append_ok(&scene, 0, (size_t)scene.snapshot.length);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_file_longer_than_it_can_be_is_begun_anew) {
    struct scene scene = scene_create(_i);
    char name[SNAPSHOT_NAME_SIZE];
    char *longer = memory_zalloc((size_t)scene.snapshot.length + 1);
    snapshot_name_incoming(&scene.snapshot, name);
    put_blob(scene.receiver.directory, name, longer, (size_t)scene.snapshot.length + 1);
    ck_assert_uint_eq(begin_ok(&scene), 0);
    append_ok(&scene, 0, (size_t)scene.snapshot.length);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    free(longer);
    scene_destroy(&scene);
}
END_TEST

START_TEST(what_was_overtaken_goes_also_when_it_is_open) {
    struct scene scene = scene_create(_i);
    append_ok(&scene, 0, 10);
    snapshot_incoming_drop(scene.receiver.directory, scene.snapshot.id.index - 1);
    ck_assert_uint_eq(begin_ok(&scene), 10);
    snapshot_incoming_drop(scene.receiver.directory, scene.snapshot.id.index);
    ck_assert_uint_eq(count_files(scene.receiver.directory), 0);
    ck_assert_ptr_null(scene.receiver.directory->incoming);
    ck_assert_uint_eq(begin_ok(&scene), 0);
    append_ok(&scene, 0, (size_t)scene.snapshot.length);
    ck_assert_int_eq(finish(&scene), STORAGE_OK);
    snapshot_incoming_drop(scene.receiver.directory, scene.snapshot.id.index);
    ck_assert_uint_eq(count_files(scene.receiver.directory), 1);
    scene_destroy(&scene);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, pieces_make_the_file, 0, 2);
    tcase_add_loop_test(tcase, a_piece_at_another_offset_changes_nothing, 0, 2);
    tcase_add_loop_test(tcase, another_identity_starts_over, 0, 2);
    tcase_add_loop_test(tcase, more_bytes_than_promised_are_refused, 0, 2);
    tcase_add_loop_test(tcase, a_file_that_is_not_the_one_named_is_removed, 0, 2);
    tcase_add_loop_test(tcase, a_file_that_is_here_is_not_received_again, 0, 2);
    tcase_add_loop_test(tcase, a_file_that_is_here_and_damaged_is_received_again, 0, 2);
    tcase_add_test(tcase, a_new_process_goes_on_where_the_old_one_stopped);
    tcase_add_test(tcase, bytes_that_a_crash_left_torn_are_seen_at_the_end);
    tcase_add_loop_test(tcase, what_was_overtaken_goes_also_when_it_is_open, 0, 2);
    tcase_add_loop_test(tcase, a_file_longer_than_it_can_be_is_begun_anew, 0, 2);
}

CHECK_MAIN("snapshot_incoming", add_tests)
