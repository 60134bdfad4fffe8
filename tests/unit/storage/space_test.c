#include "storage/space.h"

#include "storage/ballast.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

/* A file system as the test likes it; each test is a process of its own. The ballast is a real file, and takes its share
 * of what is free here. */
enum { MIB = 1 << 20 };

static uint64_t total_bytes = UINT64_C(64) * MIB;
static uint64_t free_bytes; /* Without the ballast. */
static uint64_t ballast_bytes = UINT64_C(8) * MIB;
static bool tells = true;

static bool measure(int directory, uint64_t *out_free_bytes, uint64_t *out_total_bytes) {
    *out_free_bytes = free_bytes - (ballast_is_whole(directory, ballast_bytes) ? ballast_bytes : 0);
    *out_total_bytes = total_bytes;
    return tells;
}

struct scene {
    struct fixture fixture;
    struct space space;
};

static void open_scene(struct scene *scene, uint64_t free_mib) {
    scene->fixture = fixture_create();
    free_bytes = free_mib * MIB;
    space_open(&scene->space, open(scene->fixture.base, O_RDONLY | O_DIRECTORY), measure);
}

static void open_again(struct scene *scene) {
    space_open(&scene->space, scene->space.directory, measure);
}

static void close_scene(struct scene *scene) {
    close(scene->space.directory);
    fixture_destroy(&scene->fixture);
}

static bool is_held(const struct scene *scene) {
    bool held = ballast_is_whole(scene->space.directory, ballast_bytes);
    ck_assert_int_eq(scene->space.whole, held);
    return held;
}

static struct storage_room look(struct scene *scene) {
    struct storage_room room;
    space_look(&scene->space, &room);
    return room;
}

/* 64 MiB: 8 of ballast, 32 kept, 4 of slack. */

START_TEST(with_room_the_ballast_is_made_and_commands_may_take_the_rest) {
    struct scene scene;
    open_scene(&scene, 60);
    struct storage_room room = look(&scene);
    ck_assert(is_held(&scene));
    ck_assert_uint_eq(room.free_bytes, 52 * MIB);
    ck_assert_uint_eq(room.for_commands, 16 * MIB);
    ck_assert_uint_eq(room.for_entries, 20 * MIB);
    close_scene(&scene);
}
END_TEST

START_TEST(on_a_large_file_system_the_reserves_stop_growing) {
    struct scene scene;
    total_bytes = UINT64_C(1) << 40;
    ballast_bytes = SPACE_BALLAST_BYTES;
    open_scene(&scene, 1000);
    struct storage_room room = look(&scene);
    ck_assert(is_held(&scene));
    ck_assert_uint_eq(room.for_commands, (1000 - 16 - 64 - 8) * MIB);
    ck_assert_uint_eq(room.for_entries, (1000 - 16 - 64) * MIB);
    close_scene(&scene);
}
END_TEST

START_TEST(commands_stop_at_the_slack_entries_at_what_is_kept) {
    struct scene scene;
    open_scene(&scene, 60);
    look(&scene);
    free_bytes = (8 + 32 + 4) * MIB + 1;
    ck_assert_uint_eq(look(&scene).for_commands, 1);
    free_bytes--;
    ck_assert_uint_eq(look(&scene).for_commands, 0);
    ck_assert_uint_eq(look(&scene).for_entries, 4 * MIB);
    free_bytes = (8 + 32) * MIB + 1;
    ck_assert_uint_eq(look(&scene).for_entries, 1);
    free_bytes--;
    ck_assert_uint_eq(look(&scene).for_entries, 0);
    ck_assert(is_held(&scene));
    close_scene(&scene);
}
END_TEST

START_TEST(once_full_it_takes_half_the_slack_more_to_have_room) {
    struct scene scene;
    open_scene(&scene, 60);
    look(&scene);
    free_bytes = (8 + 32 + 4) * MIB;
    look(&scene);
    free_bytes += 2 * MIB;
    ck_assert_uint_eq(look(&scene).for_commands, 0);
    free_bytes += 1;
    ck_assert_uint_eq(look(&scene).for_commands, 2 * MIB + 1);
    free_bytes -= 2 * MIB;
    ck_assert_uint_eq(look(&scene).for_commands, 1);
    close_scene(&scene);
}
END_TEST

START_TEST(a_write_that_would_not_fit_has_the_ballast) {
    struct scene scene;
    open_scene(&scene, 60);
    look(&scene);
    free_bytes = (8 + 4) * MIB;
    space_make_way(&scene.space);
    ck_assert(is_held(&scene));
    free_bytes--;
    space_make_way(&scene.space);
    ck_assert(!is_held(&scene));
    close_scene(&scene);
}
END_TEST

START_TEST(the_ballast_is_made_again_only_with_room_for_commands_beside_it) {
    struct scene scene;
    open_scene(&scene, 60);
    look(&scene);
    free_bytes = 8 * MIB;
    space_make_way(&scene.space);
    free_bytes = (8 + 32 + 2 * 4) * MIB - 1;
    ck_assert_uint_eq(look(&scene).for_commands, 0);
    ck_assert(!is_held(&scene));
    free_bytes++;
    ck_assert_uint_eq(look(&scene).for_commands, 4 * MIB);
    ck_assert(is_held(&scene));
    close_scene(&scene);
}
END_TEST

START_TEST(a_start_has_the_ballast_when_it_needs_it) {
    struct scene scene;
    open_scene(&scene, 60);
    look(&scene);
    free_bytes = (8 + 2 * 4) * MIB;
    open_again(&scene);
    ck_assert(is_held(&scene));
    free_bytes--;
    open_again(&scene);
    ck_assert(!is_held(&scene));
    close_scene(&scene);
}
END_TEST

START_TEST(a_file_system_without_a_size_has_room_for_all) {
    struct scene scene;
    tells = false;
    open_scene(&scene, 60);
    space_make_way(&scene.space);
    struct storage_room room = look(&scene);
    ck_assert_uint_eq(room.free_bytes, UINT64_MAX);
    ck_assert_uint_eq(room.for_commands, UINT64_MAX);
    ck_assert_uint_eq(room.for_entries, UINT64_MAX);
    ck_assert(!is_held(&scene));
    close_scene(&scene);
}
END_TEST

START_TEST(the_system_is_asked) {
    struct fixture fixture = fixture_create();
    int directory = open(fixture.base, O_RDONLY | O_DIRECTORY);
    uint64_t free_now = 0;
    uint64_t total_now = 0;
    ck_assert(space_measure_directory(directory, &free_now, &total_now));
    ck_assert_uint_gt(total_now, 0);
    ck_assert_uint_le(free_now, total_now);
    ck_assert(space_has_slack(-1, space_measure_directory)); /* Who is not told has room. */
    ck_assert(!space_take_for_file(directory, space_measure_directory, total_now));
    ck_assert(!space_measure_directory(-1, &free_now, &total_now));
    ck_assert(space_take_for_file(-1, space_measure_directory, UINT64_MAX));
    close(directory);
    fixture_destroy(&fixture);
}
END_TEST

/* LevelDB's directory with so many bytes in it. */
static void make_database(const struct scene *scene, uint64_t bytes) {
    ck_assert_int_eq(mkdirat(scene->space.directory, "log.db", 0700), 0);
    int file = openat(scene->space.directory, "log.db/000005.ldb", O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(ftruncate(file, (off_t)bytes), 0);
    close(file);
}

static bool take(const struct scene *scene, uint64_t bytes) {
    return space_take_for_file(scene->space.directory, measure, bytes);
}

START_TEST(a_snapshot_may_grow_into_all_but_the_slack_and_what_leveldb_needs) {
    struct scene scene;
    open_scene(&scene, 60);
    make_database(&scene, 10 * MIB);
    look(&scene);
    free_bytes = (8 + 4 + 10 + 1) * MIB;
    ck_assert(take(&scene, MIB));
    ck_assert(is_held(&scene));
    free_bytes--;
    ck_assert(take(&scene, MIB)); /* From here on the ballast is used up. */
    struct storage_room room = look(&scene);
    ck_assert(!is_held(&scene));
    ck_assert_uint_eq(room.for_commands, 0);
    free_bytes = (4 + 10 + 1) * MIB;
    ck_assert(take(&scene, MIB));
    free_bytes--;
    ck_assert(!take(&scene, MIB));
    free_bytes = (8 + 32 + 2 * 4) * MIB;
    ck_assert_uint_gt(look(&scene).for_commands, 0);
    ck_assert(is_held(&scene));
    close_scene(&scene);
}
END_TEST

START_TEST(the_ballast_is_not_let_go_for_a_file_that_does_not_fit_even_then) {
    struct scene scene;
    open_scene(&scene, 60);
    make_database(&scene, 10 * MIB);
    look(&scene);
    free_bytes = (4 + 10 + 1) * MIB - 1;
    ck_assert(!take(&scene, MIB));
    ck_assert(ballast_is_whole(scene.space.directory, ballast_bytes));
    free_bytes++;
    ck_assert(take(&scene, MIB));
    ck_assert(!ballast_is_whole(scene.space.directory, ballast_bytes));
    close_scene(&scene);
}
END_TEST

START_TEST(of_a_large_log_only_what_is_kept_is_not_for_files) {
    struct scene scene;
    open_scene(&scene, 60);
    make_database(&scene, 1000 * (uint64_t)MIB);
    free_bytes = (4 + 32 + 1) * MIB;
    ck_assert(take(&scene, MIB));
    free_bytes--;
    ck_assert(!take(&scene, MIB));
    close_scene(&scene);
}
END_TEST

START_TEST(nothing_is_removed_without_the_slack) {
    struct scene scene;
    open_scene(&scene, 4);
    ck_assert(space_has_slack(scene.space.directory, measure));
    free_bytes--;
    ck_assert(!space_has_slack(scene.space.directory, measure));
    close_scene(&scene);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, with_room_the_ballast_is_made_and_commands_may_take_the_rest);
    tcase_add_test(tcase, on_a_large_file_system_the_reserves_stop_growing);
    tcase_add_test(tcase, commands_stop_at_the_slack_entries_at_what_is_kept);
    tcase_add_test(tcase, once_full_it_takes_half_the_slack_more_to_have_room);
    tcase_add_test(tcase, a_write_that_would_not_fit_has_the_ballast);
    tcase_add_test(tcase, the_ballast_is_made_again_only_with_room_for_commands_beside_it);
    tcase_add_test(tcase, a_start_has_the_ballast_when_it_needs_it);
    tcase_add_test(tcase, a_file_system_without_a_size_has_room_for_all);
    tcase_add_test(tcase, the_system_is_asked);
    tcase_add_test(tcase, a_snapshot_may_grow_into_all_but_the_slack_and_what_leveldb_needs);
    tcase_add_test(tcase, the_ballast_is_not_let_go_for_a_file_that_does_not_fit_even_then);
    tcase_add_test(tcase, of_a_large_log_only_what_is_kept_is_not_for_files);
    tcase_add_test(tcase, nothing_is_removed_without_the_slack);
}

CHECK_MAIN_APART("space", add_tests)
