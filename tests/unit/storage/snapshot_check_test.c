/* Damage of every kind to a whole file. */
#include "storage/snapshot_directory.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "tests/check_main.h"
#include "tests/unit/storage/snapshot_fixture.h"

/* A whole file as bytes, to be damaged. */
struct scene {
    struct snapshots snapshots;
    struct storage_snapshot snapshot;
    char *bytes;
    size_t size;
};

static struct scene scene_create(size_t state_size) {
    struct scene scene = {.snapshots = snapshots_create(1)};
    char *state = memory_alloc(state_size + 1);
    memset(state, 's', state_size);
    state[state_size] = '\0';
    scene.snapshot = make_snapshot(scene.snapshots.directory, 9, "{\"voters\":[1]}", "sessions", state);
    scene.size = (size_t)scene.snapshot.length;
    scene.bytes = memory_realloc(raw_bytes(scene.snapshots.directory, &scene.snapshot), scene.size + 8);
    free(state);
    return scene;
}

static void scene_destroy(struct scene *scene) {
    free(scene->bytes);
    snapshots_destroy(&scene->snapshots);
}

/* Puts the checksum right behind everything that was changed on purpose. */
static void reseal(struct scene *scene, size_t size) {
    bytes_put_u32(scene->bytes + size - 4, crc32c_extend(0, scene->bytes, size - 4));
}

/* The verdict on the first `size` bytes; `expected` as for snapshot_check. */
static enum storage_error check(struct scene *scene, size_t size, const struct storage_snapshot *expected,
                                struct storage_message *out_message) {
    struct snapshot_medium *medium = snapshot_memory_create();
    struct snapshot_blob *blob = medium->operations->create(medium, "it");
    struct snapshot_layout layout;
    ck_assert(blob->operations->append(blob, scene->bytes, size));
    out_message->text[0] = '\0';
    enum storage_error error = snapshot_check(blob, "it", expected, &layout, out_message);
    blob->operations->close_blob(blob);
    medium->operations->close(medium);
    return error;
}

static void expect(struct scene *scene, size_t size, enum storage_error expected, const char *reason) {
    struct storage_message message;
    ck_assert_int_eq(check(scene, size, NULL, &message), expected);
    ck_assert_msg(strstr(message.text, reason) != NULL, "%s", message.text);
}

START_TEST(an_untouched_file_is_whole) {
    struct scene scene = scene_create(100);
    struct storage_message message;
    expect(&scene, scene.size, STORAGE_OK, "");
    ck_assert_int_eq(check(&scene, scene.size, &scene.snapshot, &message), STORAGE_OK);
    scene_destroy(&scene);
}
END_TEST

START_TEST(any_flipped_bit_of_any_byte_is_refused) {
    struct scene scene = scene_create(100);
    struct storage_message message;
    for (size_t at = 0; at < scene.size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            scene.bytes[at] ^= (char)(1 << bit);
            ck_assert_int_eq(check(&scene, scene.size, NULL, &message), STORAGE_DAMAGED);
            ck_assert_int_eq(check(&scene, scene.size, &scene.snapshot, &message), STORAGE_DAMAGED);
            scene.bytes[at] ^= (char)(1 << bit);
        }
    }
    scene_destroy(&scene);
}
END_TEST

START_TEST(any_byte_of_a_large_file_may_be_the_flipped_one) {
    struct scene scene = scene_create(1000000);
    struct storage_message message;
    uint64_t random = 88172645463325252U;
    for (int i = 0; i < 300; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t at = (size_t)(random % scene.size);
        scene.bytes[at] ^= (char)(1 + (random >> 40) % 255);
        ck_assert_int_eq(check(&scene, scene.size, NULL, &message), STORAGE_DAMAGED);
        scene.bytes[at] = (char)(scene.bytes[at] ^ (char)(1 + (random >> 40) % 255));
    }
    expect(&scene, scene.size, STORAGE_OK, "");
    scene_destroy(&scene);
}
END_TEST

START_TEST(any_truncation_is_refused) {
    struct scene scene = scene_create(100);
    struct storage_message message;
    for (size_t size = 0; size < scene.size; size++) {
        ck_assert_int_eq(check(&scene, size, NULL, &message), STORAGE_DAMAGED);
        ck_assert_int_eq(check(&scene, size, &scene.snapshot, &message), STORAGE_DAMAGED);
    }
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_truncation_with_a_right_checksum_is_refused) {
    struct scene scene = scene_create(100);
    struct storage_message message;
    char *whole = memory_copy(scene.bytes, scene.size);
    for (size_t size = 4; size < scene.size; size++) {
        memcpy(scene.bytes, whole, scene.size);
        reseal(&scene, size);
        ck_assert_int_eq(check(&scene, size, NULL, &message), STORAGE_DAMAGED);
    }
    free(whole);
    scene_destroy(&scene);
}
END_TEST

START_TEST(bytes_behind_the_end_are_refused) {
    struct scene scene = scene_create(100);
    for (size_t more = 1; more <= 8; more++) {
        memset(scene.bytes + scene.size, 0, 8);
        expect(&scene, scene.size + more, STORAGE_DAMAGED, "has bytes behind its end");
    }
    memmove(scene.bytes + scene.size, scene.bytes + scene.size - 4, 4);
    reseal(&scene, scene.size + 4);
    expect(&scene, scene.size + 4, STORAGE_DAMAGED, "has bytes behind its end");
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_file_of_another_kind_is_told_so) {
    struct scene scene = scene_create(100);
    memcpy(scene.bytes, "PK\3\4", 4);
    expect(&scene, scene.size, STORAGE_DAMAGED, "is no snapshot file");
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_whole_file_of_a_newer_version_is_not_called_damage) {
    struct scene scene = scene_create(100);
    scene.bytes[8] = 2;
    expect(&scene, scene.size, STORAGE_DAMAGED, "fails its checksum");
    reseal(&scene, scene.size);
    expect(&scene, scene.size, STORAGE_UNUSABLE, "was written by a newer version of raftd");
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_field_outside_its_range_is_refused) {
    struct scene scene = scene_create(100);
    bytes_put_u64(scene.bytes + 9, 0);
    reseal(&scene, scene.size);
    expect(&scene, scene.size, STORAGE_DAMAGED, "holds a field outside its range");
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_frame_larger_than_any_is_refused) {
    struct scene scene = scene_create(65536 + 100);
    /* One byte more in the first frame of the state and one less in the second: all else is right. */
    char *frame = scene.bytes + SNAPSHOT_FORMAT_HEAD + (4 + 14 + 4) + (4 + 8 + 4);
    bytes_put_u32(frame, 65537);
    bytes_put_u32(frame + 4 + 65537, 99);
    reseal(&scene, scene.size);
    expect(&scene, scene.size, STORAGE_DAMAGED, "is cut short or not as it was written");
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_whole_file_under_another_name_is_refused) {
    struct scene scene = scene_create(100);
    struct storage_message message;
    for (int field = 0; field < 4; field++) {
        struct storage_snapshot other = scene.snapshot;
        other.id.index += field == 0;
        other.id.term += field == 1;
        other.length += field == 2;
        other.crc += field == 3;
        ck_assert_int_eq(check(&scene, scene.size, &other, &message), STORAGE_DAMAGED);
    }
    scene_destroy(&scene);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_untouched_file_is_whole);
    tcase_add_test(tcase, any_flipped_bit_of_any_byte_is_refused);
    tcase_add_test(tcase, any_byte_of_a_large_file_may_be_the_flipped_one);
    tcase_add_test(tcase, any_truncation_is_refused);
    tcase_add_test(tcase, a_truncation_with_a_right_checksum_is_refused);
    tcase_add_test(tcase, bytes_behind_the_end_are_refused);
    tcase_add_test(tcase, a_file_of_another_kind_is_told_so);
    tcase_add_test(tcase, a_whole_file_of_a_newer_version_is_not_called_damage);
    tcase_add_test(tcase, a_field_outside_its_range_is_refused);
    tcase_add_test(tcase, a_frame_larger_than_any_is_refused);
    tcase_add_test(tcase, a_whole_file_under_another_name_is_refused);
}

CHECK_MAIN("snapshot_check", add_tests)
