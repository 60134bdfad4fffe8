/* Numbers by value, and as integers. */
#include "tests/check_main.h"
#include "tests/unit/json/text.h"

#include <stdio.h>

static void assert_compares(const char *left, const char *right, bool expected) {
    bool forth = json_number_equal(value_of(left), value_of(right));
    bool back = json_number_equal(value_of(right), value_of(left));
    ck_assert_msg(forth == expected && back == expected, "%s and %s: %d, the other way round %d", left, right, forth, back);
}

#define SAME(left, right)      assert_compares(left, right, true)
#define DIFFERENT(left, right) assert_compares(left, right, false)

START_TEST(a_number_equals_itself_however_it_is_written) {
    SAME("1", "1.0");
    SAME("1", "1e0");
    SAME("1", "1E+00");
    SAME("1", "10e-1");
    SAME("1", "0.1e1");
    SAME("100", "1e2");
    SAME("100", "0.001e5");
    SAME("-12.5", "-125e-1");
    SAME("0.05", "5e-2");
    SAME("0.05", "0.0050e1");
    SAME("10.01", "1001e-2");
    SAME("120", "12.0e1");
}
END_TEST

START_TEST(numbers_that_differ_are_different) {
    DIFFERENT("1", "2");
    DIFFERENT("1", "-1");
    DIFFERENT("1", "10");
    DIFFERENT("1", "0.1");
    DIFFERENT("1", "11");
    DIFFERENT("12", "21");
    DIFFERENT("1.01", "1.1");
    DIFFERENT("1e1", "1e-1");
    DIFFERENT("101", "1001");
    DIFFERENT("1.5", "15");
}
END_TEST

START_TEST(zero_equals_zero_whatever_its_sign_and_exponent) {
    SAME("0", "-0");
    SAME("0", "0.000");
    SAME("-0.0e-5", "0e99999999999999999999999");
    DIFFERENT("0", "1e-99999999999999999999999");
    DIFFERENT("0", "0.0000000000000000000000000000000000000000001");
}
END_TEST

START_TEST(numbers_beyond_a_double_are_compared_exactly) {
    DIFFERENT("10000000000000000001", "10000000000000000000");
    SAME("10000000000000000000", "1e19");
    DIFFERENT("0.1", "0.1000000000000000055511151231257827");
    SAME("0.1000000000000000055511151231257827", "1000000000000000055511151231257827e-34");
    DIFFERENT("1e999", "1e998");
    DIFFERENT("1e-999", "0");
    SAME("1e999", "10e998");
}
END_TEST

START_TEST(exponents_of_any_length_are_compared_exactly) {
    SAME("1e99999999999999999999", "10e99999999999999999998");
    SAME("1e99999999999999999999", "0.1e100000000000000000000");
    SAME("1e-99999999999999999999", "0.1e-99999999999999999998");
    SAME("1e-100000000000000000000", "10e-100000000000000000001");
    SAME("1000e-100000000000000000002", "1e-99999999999999999999");
    DIFFERENT("1e99999999999999999999", "1e99999999999999999998");
    DIFFERENT("1e99999999999999999999", "1e-99999999999999999999");
    DIFFERENT("1e99999999999999999999", "1e9999999999999999999");
    DIFFERENT("1e100000000000000000000", "1e0");
    DIFFERENT("1e-100000000000000000000", "1");
    DIFFERENT("2e99999999999999999999", "1e99999999999999999999");
    /* Nineteen nines and one more are a one and zeros: the one must not get lost. */
    DIFFERENT("10e9999999999999999999", "1e0");
    SAME("10e9999999999999999999", "1e10000000000000000000");
    /* Modulo 2^64 the two exponents are the same. */
    DIFFERENT("1e18446744073709551617", "1e1");
    DIFFERENT("1e18446744073709551616", "1e0");
}
END_TEST

START_TEST(exponents_at_the_edge_of_plain_integers_are_compared_exactly) {
    SAME("1e999999999999999999", "0.1e1000000000000000000"); /* 18 digits and 19. */
    SAME("1e-999999999999999999", "10e-1000000000000000000");
    SAME("1e999999999999999999", "10e999999999999999998");
    DIFFERENT("1e999999999999999999", "1e1000000000000000000");
    DIFFERENT("1e999999999999999999", "1e-999999999999999999");
    DIFFERENT("1e1000000000000000000", "1e-1000000000000000000");
}
END_TEST

START_TEST(leading_zeros_and_signs_of_exponents_mean_nothing) {
    SAME("1e+0000000000000000000000000000000000005", "1e5");
    SAME("1e-0000000000000000000000000000000000000", "1e+0");
    SAME("1e00000000099999999999999999999", "1e99999999999999999999");
}
END_TEST

/* Writes `count` times `digit`, between `head` and `tail`. The caller frees it. */
static char *long_number(const char *head, const char *digit, size_t count, const char *tail) {
    char *digits = repeat(digit, count);
    char *text = malloc(strlen(head) + count + strlen(tail) + 1);
    ck_assert_ptr_nonnull(text);
    strcpy(text, head);
    strcat(text, digits);
    strcat(text, tail);
    free(digits);
    return text;
}

START_TEST(a_million_digits_are_compared_in_linear_time) {
    char *integer = long_number("1", "0", 1000000, "");
    char *fraction = long_number("0.", "0", 999999, "1");
    char *exponent = long_number("1e1", "0", 1000000, "");
    char *carried = long_number("10e", "9", 1000000, "");
    SAME(integer, "1e1000000");
    SAME(fraction, "1e-1000000");
    DIFFERENT(integer, "1e999999");
    DIFFERENT(fraction, "1e-999999");
    SAME(exponent, carried);
    free(carried);
    free(exponent);
    free(fraction);
    free(integer);
}
END_TEST

/* A second, naive way: small decimals as integers of hundredths of hundredths. */
static long naive_value(int digits, int shift) {
    long value = digits;
    for (int i = 0; i < shift + 4; i++)
        value *= 10;
    return value;
}

START_TEST(small_decimals_compare_as_integers_say) {
    for (int left = -11; left <= 110; left++) {
        for (int right = -11; right <= 110; right++) {
            for (int shift = -4; shift <= 4; shift++) {
                char left_text[32];
                char right_text[32];
                snprintf(left_text, sizeof left_text, "%de%d", left, shift);
                snprintf(right_text, sizeof right_text, "%d.%02d", right / 10, abs(right % 10) * 10);
                if (right < 0 && right > -10)
                    snprintf(right_text, sizeof right_text, "-0.%d", -right);
                assert_compares(left_text, right_text, naive_value(left, shift) == naive_value(right, -1));
            }
        }
    }
}
END_TEST

static void assert_integer(const char *text, uint64_t maximum, uint64_t expected) {
    uint64_t number = 4711;
    ck_assert_msg(json_number_uint64(value_of(text), maximum, &number), "%s is refused", text);
    ck_assert_uint_eq(number, expected);
}

static void assert_no_integer(const char *text, uint64_t maximum) {
    uint64_t number = 4711;
    ck_assert_msg(!json_number_uint64(value_of(text), maximum, &number), "%s is accepted", text);
    ck_assert_uint_eq(number, 4711);
}

START_TEST(a_plain_integer_is_read_up_to_the_maximum) {
    assert_integer("0", 0, 0);
    assert_integer("7", 7, 7);
    assert_integer("1000", 1000, 1000);
    assert_integer("9007199254740991", 9007199254740991, 9007199254740991);
    assert_integer("18446744073709551615", UINT64_MAX, UINT64_MAX);
}
END_TEST

START_TEST(an_integer_above_the_maximum_is_refused) {
    assert_no_integer("1", 0);
    assert_no_integer("8", 7);
    assert_no_integer("10", 7);
    assert_no_integer("1001", 1000);
    assert_no_integer("9007199254740992", 9007199254740991);
    assert_no_integer("18446744073709551616", UINT64_MAX);
    assert_no_integer("99999999999999999999999999999", UINT64_MAX);
}
END_TEST

START_TEST(a_number_that_is_no_plain_integer_is_refused) {
    assert_no_integer("-1", 10);
    assert_no_integer("-0", 10);
    assert_no_integer("1.0", 10);
    assert_no_integer("1e0", 10);
    assert_no_integer("\"1\"", 10);
    assert_no_integer("null", 10);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_number_equals_itself_however_it_is_written);
    tcase_add_test(tcase, numbers_that_differ_are_different);
    tcase_add_test(tcase, zero_equals_zero_whatever_its_sign_and_exponent);
    tcase_add_test(tcase, numbers_beyond_a_double_are_compared_exactly);
    tcase_add_test(tcase, exponents_of_any_length_are_compared_exactly);
    tcase_add_test(tcase, exponents_at_the_edge_of_plain_integers_are_compared_exactly);
    tcase_add_test(tcase, leading_zeros_and_signs_of_exponents_mean_nothing);
    tcase_add_test(tcase, a_million_digits_are_compared_in_linear_time);
    tcase_add_test(tcase, small_decimals_compare_as_integers_say);
    tcase_add_test(tcase, a_plain_integer_is_read_up_to_the_maximum);
    tcase_add_test(tcase, an_integer_above_the_maximum_is_refused);
    tcase_add_test(tcase, a_number_that_is_no_plain_integer_is_refused);
}

CHECK_MAIN("json: number", add_tests)
