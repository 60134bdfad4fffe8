#include "api/latency.h"

#include "tests/check_main.h"

static double p50;
static double p99;

START_TEST(without_proposals_there_is_nothing_to_tell) {
    static struct latency latency;
    ck_assert(!latency_read(&latency, 5, &p50, &p99));
}
END_TEST

START_TEST(half_are_not_above_the_median_and_one_in_a_hundred_is_above_the_other) {
    static struct latency latency;
    for (uint64_t i = 1; i <= 100; i++) {
        latency_add(&latency, 7, 1000 * (101 - i));
    }
    ck_assert(latency_read(&latency, 7, &p50, &p99));
    ck_assert_double_eq(p50, 50.0);
    ck_assert_double_eq(p99, 99.0);
}
END_TEST

START_TEST(old_ones_do_not_count) {
    static struct latency latency;
    latency_add(&latency, 100, 9000000);
    latency_add(&latency, 101, 1000);
    ck_assert(latency_read(&latency, 100 + LATENCY_KEPT_MS, &p50, &p99));
    ck_assert_double_eq(p99, 1.0);
    ck_assert(!latency_read(&latency, 101 + LATENCY_KEPT_MS, &p50, &p99));
}
END_TEST

START_TEST(only_the_newest_are_kept) {
    static struct latency latency;
    latency_add(&latency, 0, 9000000);
    for (int i = 0; i < LATENCY_KEPT; i++) {
        latency_add(&latency, 0, 2000);
    }
    ck_assert(latency_read(&latency, 0, &p50, &p99));
    ck_assert_double_eq(p50, 2.0);
    ck_assert_double_eq(p99, 2.0);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, without_proposals_there_is_nothing_to_tell);
    tcase_add_test(tcase, half_are_not_above_the_median_and_one_in_a_hundred_is_above_the_other);
    tcase_add_test(tcase, old_ones_do_not_count);
    tcase_add_test(tcase, only_the_newest_are_kept);
}

CHECK_MAIN("latency", add_tests)
