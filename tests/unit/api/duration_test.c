#include "api/duration.h"

#include "tests/check_main.h"

#include <string.h>

static bool parse(const char *text, uint32_t *out_ms) {
    return duration_parse(text, strlen(text), 60000, out_ms);
}

static void check_parses(const char *text, uint32_t expected) {
    uint32_t ms = 0;
    ck_assert_msg(parse(text, &ms), "%s", text);
    ck_assert_uint_eq(ms, expected);
}

static void check_refused(const char *text) {
    uint32_t ms = 42;
    ck_assert_msg(!parse(text, &ms), "%s", text);
    ck_assert_uint_eq(ms, 42);
}

START_TEST(milliseconds_seconds_and_minutes_are_understood) {
    check_parses("250ms", 250);
    check_parses("1ms", 1);
    check_parses("5s", 5000);
    check_parses("1m", 60000);
}
END_TEST

START_TEST(a_bare_number_zero_or_nothing_is_refused) {
    const char *bad[] = {"", "5", "0", "0s", "0ms", "s", "ms", "m"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_refused(bad[i]);
    }
}
END_TEST

START_TEST(the_maximum_is_taken_and_one_more_is_not) {
    check_parses("60000ms", 60000);
    check_parses("60s", 60000);
    check_refused("60001ms");
    check_refused("61s");
    check_refused("2m");
    uint32_t ms = 42;
    ck_assert(!duration_parse("1m", 2, 59999, &ms));
    ck_assert_uint_eq(ms, 42);
}
END_TEST

START_TEST(numbers_that_would_wrap_around_are_refused) {
    check_refused("18446744073709551617ms");
    check_refused("4294967297s");
    check_refused("99999999999999999999999999999999m");
}
END_TEST

START_TEST(anything_around_or_between_is_refused) {
    const char *bad[] = {" 5s", "5s ", "+5s", "-5s", "5 s", "5S", "5h", "1.5s", "5mss", "5sm", "0x5s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_refused(bad[i]);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, milliseconds_seconds_and_minutes_are_understood);
    tcase_add_test(tcase, a_bare_number_zero_or_nothing_is_refused);
    tcase_add_test(tcase, the_maximum_is_taken_and_one_more_is_not);
    tcase_add_test(tcase, numbers_that_would_wrap_around_are_refused);
    tcase_add_test(tcase, anything_around_or_between_is_refused);
}

CHECK_MAIN("duration", add_tests)
