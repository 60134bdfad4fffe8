#include "api/figures.h"

#include "tests/check_main.h"

#include <string.h>

static enum figures_outcome outcome_of(enum problem_code code, bool unknown) {
    struct problem problem;
    problem_set(&problem, code, unknown, "for a test");
    return figures_outcome(&problem, false);
}

START_TEST(an_outcome_tells_whose_it_is_to_mend) {
    ck_assert_int_eq(outcome_of(PROBLEM_NONE, false), FIGURES_DONE);
    ck_assert_int_eq(outcome_of(PROBLEM_INVALID_COMMAND, false), FIGURES_INVALID);
    ck_assert_int_eq(outcome_of(PROBLEM_STALE_SEQUENCE, false), FIGURES_INVALID);
    ck_assert_int_eq(outcome_of(PROBLEM_SESSION_EXPIRED, false), FIGURES_INVALID);
    ck_assert_int_eq(outcome_of(PROBLEM_OVERLOADED, false), FIGURES_REJECTED);
    ck_assert_int_eq(outcome_of(PROBLEM_NO_LEADER, false), FIGURES_REJECTED);
    ck_assert_int_eq(outcome_of(PROBLEM_STORAGE_FULL, false), FIGURES_REJECTED);
    ck_assert_int_eq(outcome_of(PROBLEM_TIMEOUT, true), FIGURES_UNKNOWN);
    ck_assert_int_eq(outcome_of(PROBLEM_TIMEOUT, false), FIGURES_REJECTED);
    struct problem none = {.code = PROBLEM_NONE};
    ck_assert_int_eq(figures_outcome(&none, true), FIGURES_DUPLICATE);
}
END_TEST

START_TEST(every_outcome_and_every_kind_of_route_has_a_name_of_its_own) {
    for (int i = 0; i < FIGURES_OUTCOME_COUNT; i++) {
        for (int j = 0; j < i; j++) {
            ck_assert_str_ne(figures_outcome_name((enum figures_outcome)i), figures_outcome_name((enum figures_outcome)j));
        }
    }
    for (int i = 0; i < ROUTE_CLASS_COUNT; i++) {
        for (int j = 0; j < i; j++) {
            ck_assert_str_ne(route_class_name((enum route_class)i), route_class_name((enum route_class)j));
        }
    }
}
END_TEST

START_TEST(every_route_is_of_a_kind) {
    for (size_t i = 0; i < route_count; i++) {
        ck_assert_msg(route_table[i].class != ROUTE_CLASS_NONE, "%s", route_table[i].path);
        bool peers = strncmp(route_table[i].path, "/raft/", 6) == 0;
        ck_assert_int_eq(peers, route_table[i].class == ROUTE_CLASS_PEER);
    }
}
END_TEST

START_TEST(requests_go_where_route_and_status_say) {
    static struct figures figures;
    figures_http(&figures, NULL, 404, 5);
    figures_http(&figures, &route_table[0], 200, 100);
    figures_http(&figures, &route_table[0], 201, 200);
    figures_http(&figures, &route_table[0], 307, 0);
    figures_http(&figures, &route_table[0], 507, 0);
    ck_assert_uint_eq(histogram_count(&figures.http[ROUTE_CLASS_NONE][2]), 1);
    ck_assert_uint_eq(histogram_count(&figures.http[ROUTE_CLASS_PROPOSE][0]), 2);
    ck_assert_uint_eq(figures.http[ROUTE_CLASS_PROPOSE][0].sum_us, 300);
    ck_assert_uint_eq(histogram_count(&figures.http[ROUTE_CLASS_PROPOSE][1]), 1);
    ck_assert_uint_eq(histogram_count(&figures.http[ROUTE_CLASS_PROPOSE][3]), 1);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_outcome_tells_whose_it_is_to_mend);
    tcase_add_test(tcase, every_outcome_and_every_kind_of_route_has_a_name_of_its_own);
    tcase_add_test(tcase, every_route_is_of_a_kind);
    tcase_add_test(tcase, requests_go_where_route_and_status_say);
}

CHECK_MAIN("figures", add_tests)
