#include "api/ctl/histogram.h"

#include "tests/check_main.h"

static struct histogram histogram;

START_TEST(of_nothing_everything_is_nothing) {
    histogram = (struct histogram){.count = 0};
    ck_assert_uint_eq(histogram_part(&histogram, 0.5), 0);
}
END_TEST

START_TEST(small_numbers_are_exact) {
    histogram = (struct histogram){.count = 0};
    for (uint64_t i = 1; i <= 30; i++) {
        histogram_add(&histogram, i);
    }
    ck_assert_uint_eq(histogram_part(&histogram, 0.5), 15);
    ck_assert_uint_eq(histogram_part(&histogram, 0.1), 3);
    ck_assert_uint_eq(histogram_part(&histogram, 1.0), 30);
    ck_assert_uint_eq(histogram_part(&histogram, 0.0), 1);
}
END_TEST

START_TEST(large_numbers_are_off_by_a_thirty_second_at_most) {
    for (uint64_t value = 1; value < UINT64_C(1) << 58; value = value * 5 / 4 + 1) {
        histogram = (struct histogram){.count = 0};
        histogram_add(&histogram, value);
        histogram_add(&histogram, UINT64_C(1) << 60);
        uint64_t told = histogram_part(&histogram, 0.5);
        ck_assert_uint_ge(told, value);
        ck_assert_uint_le(told, value + value / 32);
        ck_assert_uint_eq(histogram_part(&histogram, 1.0), UINT64_C(1) << 60);
    }
    histogram_add(&histogram, UINT64_MAX);
    ck_assert_uint_eq(histogram_part(&histogram, 1.0), UINT64_MAX);
}
END_TEST

START_TEST(two_are_the_same_as_one) {
    static struct histogram a, b;
    for (uint64_t i = 0; i < 1000; i++) {
        histogram_add(i % 2 == 0 ? &a : &b, i * i);
        histogram_add(&histogram, i * i);
    }
    histogram_merge(&a, &b);
    ck_assert_uint_eq(a.count, 1000);
    ck_assert_uint_eq(a.longest, 999 * 999);
    for (int i = 0; i <= 10; i++) {
        ck_assert_uint_eq(histogram_part(&a, i / 10.0), histogram_part(&histogram, i / 10.0));
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, of_nothing_everything_is_nothing);
    tcase_add_test(tcase, small_numbers_are_exact);
    tcase_add_test(tcase, large_numbers_are_off_by_a_thirty_second_at_most);
    tcase_add_test(tcase, two_are_the_same_as_one);
}

CHECK_MAIN_APART("histogram", add_tests)
