#include "storage/file.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

#include <errno.h>

struct scene {
    struct fixture fixture;
    int directory;
};

static struct scene scene_create(void) {
    struct scene scene = {.fixture = fixture_create()};
    scene.directory = open(scene.fixture.base, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(scene.directory, 0);
    return scene;
}

static void scene_destroy(struct scene *scene) {
    close(scene->directory);
    fixture_destroy(&scene->fixture);
}

static void expect_content(const struct scene *scene, const char *name, const char *expected) {
    char *bytes = NULL;
    size_t size = 0;
    ck_assert(file_read(scene->directory, name, 1000, &bytes, &size));
    ck_assert_uint_eq(size, strlen(expected));
    ck_assert_mem_eq(bytes, expected, size);
    free(bytes);
}

START_TEST(a_file_is_replaced_as_a_whole) {
    struct scene scene = scene_create();
    ck_assert(file_replace(scene.directory, "name", "name.new", "a long text", 11));
    expect_content(&scene, "name", "a long text");
    ck_assert(file_replace(scene.directory, "name", "name.new", "short", 5));
    expect_content(&scene, "name", "short");
    ck_assert_int_eq(faccessat(scene.directory, "name.new", F_OK, 0), -1);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_file_that_cannot_be_replaced_stays) {
    struct scene scene = scene_create();
    ck_assert(file_replace(scene.directory, "name", "name.new", "old", 3));
    ck_assert_int_eq(mkdirat(scene.directory, "name.new", 0700), 0);
    ck_assert(!file_replace(scene.directory, "name", "name.new", "new", 3));
    ck_assert_int_eq(errno, EISDIR);
    expect_content(&scene, "name", "old");
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_file_is_read_up_to_its_limit) {
    struct scene scene = scene_create();
    char *bytes = NULL;
    size_t size = 0;
    ck_assert(file_replace(scene.directory, "name", "name.new", "12345", 5));
    ck_assert(file_read(scene.directory, "name", 5, &bytes, &size));
    free(bytes);
    bytes = NULL;
    ck_assert(!file_read(scene.directory, "name", 4, &bytes, &size));
    ck_assert_int_eq(errno, EFBIG);
    ck_assert_ptr_null(bytes);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_missing_file_and_a_directory_are_not_read) {
    struct scene scene = scene_create();
    char *bytes = NULL;
    size_t size = 0;
    ck_assert(!file_read(scene.directory, "name", 5, &bytes, &size));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert(!file_read(scene.directory, ".", 5, &bytes, &size));
    ck_assert_int_eq(errno, EINVAL);
    scene_destroy(&scene);
}
END_TEST

START_TEST(an_empty_file_is_read_as_nothing) {
    struct scene scene = scene_create();
    ck_assert(file_replace(scene.directory, "name", "name.new", "", 0));
    expect_content(&scene, "name", "");
    scene_destroy(&scene);
}
END_TEST

START_TEST(bytes_are_written_at_their_offset) {
    struct scene scene = scene_create();
    ck_assert(file_replace(scene.directory, "name", "name.new", "abcdef", 6));
    int descriptor = openat(scene.directory, "name", O_WRONLY);
    ck_assert(file_write_at(descriptor, "XY", 2, 3));
    close(descriptor);
    expect_content(&scene, "name", "abcXYf");
    scene_destroy(&scene);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_file_is_replaced_as_a_whole);
    tcase_add_test(tcase, a_file_that_cannot_be_replaced_stays);
    tcase_add_test(tcase, a_file_is_read_up_to_its_limit);
    tcase_add_test(tcase, a_missing_file_and_a_directory_are_not_read);
    tcase_add_test(tcase, an_empty_file_is_read_as_nothing);
    tcase_add_test(tcase, bytes_are_written_at_their_offset);
}

CHECK_MAIN("file", add_tests)
