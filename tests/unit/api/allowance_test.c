#include "api/allowance.h"

#include "tests/check_main.h"

START_TEST(what_is_held_grows_up_to_the_last_byte_and_no_further) {
    struct allowance allowance = {.max = 100};
    size_t first = 0;
    size_t second = 0;
    ck_assert(allowance_grow(&allowance, &first, 60));
    ck_assert(allowance_grow(&allowance, &second, 40));
    ck_assert_uint_eq(allowance.used, 100);
    ck_assert(!allowance_grow(&allowance, &second, 41));
    ck_assert_uint_eq(second, 40);
    ck_assert_uint_eq(allowance.used, 100);
}
END_TEST

START_TEST(who_holds_more_already_keeps_it) {
    struct allowance allowance = {.max = 100};
    size_t held = 0;
    ck_assert(allowance_grow(&allowance, &held, 100));
    ck_assert(allowance_grow(&allowance, &held, 1));
    ck_assert_uint_eq(held, 100);
}
END_TEST

START_TEST(what_is_given_back_is_there_for_others) {
    struct allowance allowance = {.max = 100};
    size_t first = 0;
    size_t second = 0;
    ck_assert(allowance_grow(&allowance, &first, 100));
    allowance_release(&allowance, &first);
    allowance_release(&allowance, &first);
    ck_assert_uint_eq(first, 0);
    ck_assert(allowance_grow(&allowance, &second, 100));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_is_held_grows_up_to_the_last_byte_and_no_further);
    tcase_add_test(tcase, who_holds_more_already_keeps_it);
    tcase_add_test(tcase, what_is_given_back_is_there_for_others);
}

CHECK_MAIN("allowance", add_tests)
