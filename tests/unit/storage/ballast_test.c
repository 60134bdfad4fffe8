#include "storage/ballast.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

enum { SIZE = 1 << 20 };

static int open_base(const struct fixture *fixture) {
    int directory = open(fixture->base, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(directory, 0);
    return directory;
}

START_TEST(it_takes_space_until_it_is_let_go) {
    struct fixture fixture = fixture_create();
    int directory = open_base(&fixture);
    ck_assert(!ballast_is_whole(directory, SIZE));
    ck_assert(ballast_hold(directory, SIZE));
    struct stat status;
    ck_assert_int_eq(fstatat(directory, BALLAST_NAME, &status, 0), 0);
    ck_assert_int_eq(status.st_size, SIZE);
    ck_assert_int_ge(status.st_blocks * 512, SIZE);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert(ballast_is_whole(directory, SIZE));
    ballast_release(directory);
    ck_assert_int_ne(fstatat(directory, BALLAST_NAME, &status, 0), 0);
    ballast_release(directory);
    close(directory);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(one_of_another_size_is_not_whole_and_is_made_that_size) {
    struct fixture fixture = fixture_create();
    int directory = open_base(&fixture);
    ck_assert(ballast_hold(directory, 2 * SIZE));
    ck_assert(!ballast_is_whole(directory, SIZE));
    ck_assert(ballast_hold(directory, SIZE));
    ck_assert(ballast_is_whole(directory, SIZE));
    close(directory);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_file_with_a_hole_holds_nothing) {
    struct fixture fixture = fixture_create();
    int directory = open_base(&fixture);
    int file = openat(directory, BALLAST_NAME, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(ftruncate(file, SIZE), 0);
    close(file);
    ck_assert(!ballast_is_whole(directory, SIZE));
    close(directory);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(without_room_there_is_none_and_nothing_is_left_behind) {
    struct fixture fixture = fixture_create();
    int directory = open_base(&fixture);
    ck_assert(!ballast_hold(directory, UINT64_C(1) << 60));
    struct stat status;
    ck_assert_int_ne(fstatat(directory, BALLAST_NAME, &status, 0), 0);
    close(directory);
    fixture_destroy(&fixture);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, it_takes_space_until_it_is_let_go);
    tcase_add_test(tcase, one_of_another_size_is_not_whole_and_is_made_that_size);
    tcase_add_test(tcase, a_file_with_a_hole_holds_nothing);
    tcase_add_test(tcase, without_room_there_is_none_and_nothing_is_left_behind);
}

CHECK_MAIN("ballast", add_tests)
