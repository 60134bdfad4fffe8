#include "storage/new_names.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

struct scene {
    struct fixture fixture;
    struct new_names names;
};

static struct scene scene_create(void) {
    struct scene scene = {.fixture = fixture_create()};
    ck_assert_int_eq(mkdir(scene.fixture.data, 0700), 0);
    ck_assert(new_names_open(&scene.names, AT_FDCWD, scene.fixture.data));
    return scene;
}

static void scene_destroy(struct scene *scene) {
    new_names_close(&scene->names);
    fixture_destroy(&scene->fixture);
}

static void set_change(const struct scene *scene, time_t seconds) {
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    ck_assert_int_eq(utimensat(AT_FDCWD, scene->fixture.data, times, 0), 0);
}

START_TEST(a_change_that_is_past_is_known_after_one_sync) {
    struct scene scene = scene_create();
    set_change(&scene, 1000);
    ck_assert(new_names_sync(&scene.names));
    ck_assert_int_eq(scene.names.synced_change.tv_sec, 1000);
    /* Going back counts as a change too: the clock may have been set. */
    set_change(&scene, 900);
    ck_assert(new_names_sync(&scene.names));
    ck_assert_int_eq(scene.names.synced_change.tv_sec, 900);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_change_of_this_very_tick_is_synced_again) {
    struct scene scene = scene_create();
    set_change(&scene, 1000);
    ck_assert(new_names_sync(&scene.names));
    set_change(&scene, time(NULL) + 1000); /* Not before now, so another one could bear the same time. */
    ck_assert(new_names_sync(&scene.names));
    ck_assert_int_eq(scene.names.synced_change.tv_sec, 1000);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_told) {
    struct new_names names;
    ck_assert(!new_names_open(&names, AT_FDCWD, "/proc/no-such-directory"));
    ck_assert(!new_names_sync(&names));
    new_names_close(&names);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_change_that_is_past_is_known_after_one_sync);
    tcase_add_test(tcase, a_change_of_this_very_tick_is_synced_again);
    tcase_add_test(tcase, a_directory_that_is_not_there_is_told);
}

CHECK_MAIN("new_names", add_tests)
