#include "api/process.h"

#include "tests/check_main.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

START_TEST(descriptors_are_those_that_are_open) {
    struct process_figures before;
    struct process_figures after;
    process_read(&before);
    int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    process_read(&after);
    close(descriptor);
    ck_assert_uint_eq(after.open_descriptors, before.open_descriptors + 1);
    ck_assert_uint_ge(before.open_descriptors, 3);
    process_read(&after);
    ck_assert_uint_eq(after.open_descriptors, before.open_descriptors);
}
END_TEST

START_TEST(the_limit_of_descriptors_is_the_soft_one) {
    struct rlimit limit;
    struct process_figures figures;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 77;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    process_read(&figures);
    ck_assert_uint_eq(figures.max_descriptors, 77);
}
END_TEST

START_TEST(memory_that_is_touched_is_resident) {
    enum { BYTES = 32 << 20 };
    struct process_figures before;
    struct process_figures after;
    process_read(&before);
    char *memory = malloc(BYTES);
    ck_assert_ptr_nonnull(memory);
    memset(memory, 1, BYTES);
    process_read(&after);
    ck_assert_int_eq(memory[BYTES - 1], 1);
    free(memory);
    ck_assert_uint_gt(after.resident_bytes, before.resident_bytes + BYTES / 2);
    ck_assert_uint_ge(after.virtual_bytes, after.resident_bytes);
}
END_TEST

START_TEST(time_of_the_processor_only_grows) {
    struct process_figures before;
    struct process_figures after;
    process_read(&before);
    do {
        process_read(&after);
        ck_assert_uint_ge(after.cpu_us, before.cpu_us);
    } while (after.cpu_us < before.cpu_us + 1000);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, descriptors_are_those_that_are_open);
    tcase_add_test(tcase, the_limit_of_descriptors_is_the_soft_one);
    tcase_add_test(tcase, memory_that_is_touched_is_resident);
    tcase_add_test(tcase, time_of_the_processor_only_grows);
}

CHECK_MAIN("process", add_tests)
