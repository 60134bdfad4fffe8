#include "server/base/histogram.h"

#include "tests/check_main.h"

START_TEST(a_bound_belongs_to_its_bucket_and_one_more_to_the_next) {
    for (size_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        struct histogram histogram = {0};
        uint64_t bound = histogram_bound_us(bucket);
        histogram_add(&histogram, bound);
        ck_assert_uint_eq(histogram.counts[bucket], 1);
        histogram_add(&histogram, bound + 1);
        ck_assert_uint_eq(histogram.counts[bucket], 1);
        ck_assert_uint_eq(histogram.counts[bucket + 1], 1);
    }
}
END_TEST

START_TEST(bounds_double_from_a_microsecond_to_above_eight_seconds) {
    ck_assert_uint_eq(histogram_bound_us(0), 1);
    ck_assert_uint_eq(histogram_bound_us(10), 1024);
    ck_assert_uint_eq(histogram_bound_us(HISTOGRAM_BUCKETS - 1), 8388608);
}
END_TEST

START_TEST(nothing_and_for_ever_are_counted) {
    struct histogram histogram = {0};
    histogram_add(&histogram, 0);
    ck_assert_uint_eq(histogram.counts[0], 1);
    histogram_add(&histogram, UINT64_MAX / 2);
    ck_assert_uint_eq(histogram.counts[HISTOGRAM_BUCKETS], 1);
    ck_assert_uint_eq(histogram_count(&histogram), 2);
}
END_TEST

START_TEST(what_was_added_is_summed_up) {
    struct histogram histogram = {0};
    ck_assert_uint_eq(histogram_count(&histogram), 0);
    uint64_t sum = 0;
    for (uint64_t taken_us = 1; taken_us < 10000000; taken_us = taken_us * 3 + 1) {
        histogram_add(&histogram, taken_us);
        sum += taken_us;
    }
    ck_assert_uint_eq(histogram.sum_us, sum);
    ck_assert_uint_eq(histogram_count(&histogram), 15);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_bound_belongs_to_its_bucket_and_one_more_to_the_next);
    tcase_add_test(tcase, bounds_double_from_a_microsecond_to_above_eight_seconds);
    tcase_add_test(tcase, nothing_and_for_ever_are_counted);
    tcase_add_test(tcase, what_was_added_is_summed_up);
}

CHECK_MAIN("histogram", add_tests)
