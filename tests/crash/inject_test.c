/* The injection itself: what is told to fail fails, and nothing else. */
#include "tests/crash/inject.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

#include <errno.h>
#include <pthread.h>

static int create(const struct fixture *fixture, const char *name) {
    char path[FIXTURE_PATH];
    snprintf(path, sizeof path, "%.300s/%.100s", fixture->base, name);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

START_TEST(the_call_of_that_number_fails_and_nothing_of_it_happens) {
    struct fixture fixture = fixture_create();
    int file = create(&fixture, "file");
    struct stat status;
    inject_begin(&(struct inject){.below = fixture.base, .calls = INJECT_WRITING, .at = 2, .error = EIO});
    ck_assert_int_eq(pwrite(file, "abc", 3, 0), 3);
    errno = 0;
    ck_assert_int_eq(pwrite(file, "def", 3, 3), -1);
    ck_assert_int_eq(errno, EIO);
    ck_assert_int_eq(fsync(file), 0);
    ck_assert_int_eq(fstat(file, &status), 0); /* Of another kind. */
    struct inject_report report = inject_end();
    ck_assert_int_eq(status.st_size, 3);
    ck_assert_uint_eq(report.count, 3);
    ck_assert(report.hit);
    ck_assert_str_eq(report.what, "pwrite file");
    ck_assert_int_eq(pwrite(file, "def", 3, 3), 3);
    close(file);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_failure_that_stays_is_that_of_all_later_calls_too) {
    struct fixture fixture = fixture_create();
    int file = create(&fixture, "file");
    inject_begin(&(struct inject){.below = fixture.base, .calls = INJECT_WRITE, .at = 2, .error = ENOSPC, .stays = true});
    ck_assert_int_eq(write(file, "abc", 3), 3);
    ck_assert_int_eq(write(file, "abc", 3), -1);
    ck_assert_int_eq(write(file, "abc", 3), -1);
    ck_assert_int_eq(errno, ENOSPC);
    ck_assert_int_eq(fsync(file), 0);
    ck_assert_uint_eq(inject_end().count, 3);
    close(file);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_short_write_and_a_short_read_are_done_by_half) {
    struct fixture fixture = fixture_create();
    int file = create(&fixture, "file");
    char bytes[8];
    inject_begin(&(struct inject){.below = fixture.base, .error = INJECT_SHORT, .at = 1, .stays = true});
    ck_assert_int_eq(write(file, "abcdefgh", 8), 4);
    ck_assert_int_eq(pread(file, bytes, 4, 0), 2);
    ck_assert_int_eq(pread(file, bytes, 1, 0), 1);
    inject_end();
    close(file);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(files_elsewhere_do_not_count) {
    struct fixture fixture = fixture_create();
    struct fixture other = fixture_create();
    int file = create(&other, "file");
    inject_begin(&(struct inject){.below = fixture.base, .at = 1, .error = EIO, .stays = true});
    ck_assert_int_eq(write(file, "abc", 3), 3);
    ck_assert_int_eq(fsync(file), 0);
    ck_assert_int_eq(create(&fixture, "file"), -1);
    struct inject_report report = inject_end();
    ck_assert_uint_eq(report.count, 1);
    ck_assert_str_eq(report.what, "open file");
    close(file);
    fixture_destroy(&other);
    fixture_destroy(&fixture);
}
END_TEST

static void *try_to_create(void *context) {
    int *descriptor = context;
    *descriptor = open(".", O_RDONLY | O_CLOEXEC);
    return NULL;
}

START_TEST(calls_of_other_threads_do_not_count_when_it_is_this_ones) {
    pthread_t thread;
    int descriptor = -1;
    inject_begin(&(struct inject){.below = ".", .at = 1, .error = EIO, .stays = true, .this_thread = true});
    ck_assert_int_eq(pthread_create(&thread, NULL, try_to_create, &descriptor), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(open(".", O_RDONLY | O_CLOEXEC), -1);
    ck_assert_uint_eq(inject_end().count, 1);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
}
END_TEST

START_TEST(every_kind_of_call_can_fail) {
    struct fixture fixture = fixture_create();
    struct stat status;
    int file = create(&fixture, "file");
    int directory = open(fixture.base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    inject_begin(&(struct inject){.below = fixture.base, .at = 1, .error = EIO, .stays = true});
    ck_assert_int_eq(openat(directory, "file", O_RDONLY | O_CLOEXEC), -1);
    ck_assert_int_eq(fdatasync(file), -1);
    ck_assert_int_eq(sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE), -1);
    ck_assert_int_eq(ftruncate(file, 1), -1);
    ck_assert_int_eq(posix_fallocate(file, 0, 1), EIO);
    ck_assert_int_eq(renameat(directory, "file", directory, "other"), -1);
    ck_assert_int_eq(unlinkat(directory, "file", 0), -1);
    ck_assert_int_eq(mkdirat(directory, "new", 0700), -1);
    ck_assert_int_eq(fstatat(directory, "file", &status, 0), -1);
    ck_assert_ptr_null(opendir(fixture.base));
    ck_assert_ptr_null(fdopendir(directory));
    struct inject_report report = inject_end();
    ck_assert_uint_eq(report.count, 11);
    ck_assert_str_eq(report.what, "openat file");
    ck_assert_int_eq(fstatat(directory, "file", &status, 0), 0);
    close(directory);
    close(file);
    fixture_destroy(&fixture);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_call_of_that_number_fails_and_nothing_of_it_happens);
    tcase_add_test(tcase, a_failure_that_stays_is_that_of_all_later_calls_too);
    tcase_add_test(tcase, a_short_write_and_a_short_read_are_done_by_half);
    tcase_add_test(tcase, files_elsewhere_do_not_count);
    tcase_add_test(tcase, calls_of_other_threads_do_not_count_when_it_is_this_ones);
    tcase_add_test(tcase, every_kind_of_call_can_fail);
}

CHECK_MAIN("inject", add_tests)
