/* The table of codes, and details that fit. */
#include "server/problem.h"
#include "tests/check_main.h"

#include <string.h>

START_TEST(every_code_has_a_name_a_title_and_an_error_status) {
    for (int i = PROBLEM_NONE + 1; i < PROBLEM_CODE_COUNT; i++) {
        enum problem_code code = (enum problem_code)i;
        ck_assert_uint_gt(strlen(problem_name(code)), 0);
        ck_assert_uint_gt(strlen(problem_title(code)), 0);
        ck_assert_uint_ge(problem_status(code), 400);
        ck_assert_uint_lt(problem_status(code), 600);
    }
}
END_TEST

START_TEST(a_name_leads_back_to_its_code) {
    for (int i = 0; i < PROBLEM_CODE_COUNT; i++) {
        const char *name = problem_name((enum problem_code)i);
        ck_assert_int_eq(problem_by_name(name, strlen(name)), i);
    }
}
END_TEST

START_TEST(the_codes_have_the_status_of_the_contract) {
    static const struct {
        const char *name;
        unsigned status;
    } rows[] = {
        {"bad_request", 400},        {"bad_json", 400},     {"unauthorized", 401},   {"forbidden", 403},
        {"not_found", 404},          {"conflict", 409},     {"compacted", 410},      {"too_large", 413},
        {"wrong_cluster", 421},      {"wrong_host", 421},   {"overloaded", 429},     {"invalid_command", 422},
        {"method_not_allowed", 405}, {"not_leader", 503},   {"no_leader", 503},      {"leadership_lost", 503},
        {"shutting_down", 503},      {"timeout", 504},      {"not_ready", 503},      {"change_in_progress", 409},
        {"catch_up_failed", 504},    {"storage_full", 507}, {"stale_sequence", 409}, {"session_expired", 410},
        {"key_reused", 422},
    };
    ck_assert_uint_eq(sizeof rows / sizeof rows[0], PROBLEM_CODE_COUNT - 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum problem_code code = problem_by_name(rows[i].name, strlen(rows[i].name));
        ck_assert_int_ne(code, PROBLEM_NONE);
        ck_assert_uint_eq(problem_status(code), rows[i].status);
    }
}
END_TEST

START_TEST(an_unknown_name_has_no_code) {
    ck_assert_int_eq(problem_by_name("no_leade", 8), PROBLEM_NONE);
    ck_assert_int_eq(problem_by_name("no_leaders", 10), PROBLEM_NONE);
    ck_assert_int_eq(problem_by_name("No_leader", 9), PROBLEM_NONE);
    ck_assert_int_eq(problem_by_name("", 0), PROBLEM_NONE);
}
END_TEST

START_TEST(setting_fills_in_all_three) {
    struct problem problem;
    problem_set(&problem, PROBLEM_NO_LEADER, true, "node %d knows no leader in term %d", 2, 7);
    ck_assert_int_eq(problem.code, PROBLEM_NO_LEADER);
    ck_assert(problem.outcome_unknown);
    ck_assert_str_eq(problem.detail, "node 2 knows no leader in term 7");
}
END_TEST

START_TEST(the_old_detail_may_be_part_of_the_new_one) {
    struct problem problem;
    problem_set(&problem, PROBLEM_TIMEOUT, false, "inner");
    problem_set(&problem, problem.code, false, "outer: %s", problem.detail);
    ck_assert_str_eq(problem.detail, "outer: inner");
}
END_TEST

/* Sets a detail of `before` letters and then `character`, and answers its size. */
static size_t size_with(size_t before, const char *character) {
    char text[2 * PROBLEM_DETAIL_SIZE];
    memset(text, 'a', before);
    strcpy(text + before, character);
    struct problem problem;
    problem_set(&problem, PROBLEM_CONFLICT, false, "%s", text);
    size_t size = strlen(problem.detail);
    ck_assert_int_eq(memcmp(problem.detail, text, size), 0);
    return size;
}

START_TEST(a_detail_that_just_fits_stays_whole) {
    ck_assert_uint_eq(size_with(PROBLEM_DETAIL_SIZE - 2, "z"), PROBLEM_DETAIL_SIZE - 1);
    ck_assert_uint_eq(size_with(PROBLEM_DETAIL_SIZE - 3, "\xC3\xA9"), PROBLEM_DETAIL_SIZE - 1);
    ck_assert_uint_eq(size_with(PROBLEM_DETAIL_SIZE - 5, "\xF0\x9F\x98\x80"), PROBLEM_DETAIL_SIZE - 1);
}
END_TEST

START_TEST(a_longer_detail_is_cut_at_the_edge_of_a_character) {
    ck_assert_uint_eq(size_with(PROBLEM_DETAIL_SIZE - 1, "z"), PROBLEM_DETAIL_SIZE - 1);
    ck_assert_uint_eq(size_with(PROBLEM_DETAIL_SIZE - 2, "\xC3\xA9"), PROBLEM_DETAIL_SIZE - 2);
    ck_assert_uint_eq(size_with(PROBLEM_DETAIL_SIZE - 3, "\xE2\x82\xAC"), PROBLEM_DETAIL_SIZE - 3);
    for (size_t missing = 1; missing <= 3; missing++) {
        size_t before = PROBLEM_DETAIL_SIZE - 5 + missing;
        ck_assert_uint_eq(size_with(before, "\xF0\x9F\x98\x80"), before);
    }
    /* The character before the one that is cut off ends just there. */
    ck_assert_uint_eq(size_with(PROBLEM_DETAIL_SIZE - 3, "\xC3\xA9\xC3\xA9"), PROBLEM_DETAIL_SIZE - 1);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, every_code_has_a_name_a_title_and_an_error_status);
    tcase_add_test(tcase, a_name_leads_back_to_its_code);
    tcase_add_test(tcase, the_codes_have_the_status_of_the_contract);
    tcase_add_test(tcase, an_unknown_name_has_no_code);
    tcase_add_test(tcase, setting_fills_in_all_three);
    tcase_add_test(tcase, the_old_detail_may_be_part_of_the_new_one);
    tcase_add_test(tcase, a_detail_that_just_fits_stays_whole);
    tcase_add_test(tcase, a_longer_detail_is_cut_at_the_edge_of_a_character);
}

CHECK_MAIN("problem", add_tests)
