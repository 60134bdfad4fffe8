#include "api/parameters.h"

#include "tests/check_main.h"

#include <stdio.h>
#include <string.h>

#define ALL                                                                                                                \
    (PARAMETER_TIMEOUT | PARAMETER_FORWARD | PARAMETER_CONSISTENCY | PARAMETER_MIN_INDEX | PARAMETER_QUERY |               \
     PARAMETER_FROM | PARAMETER_LIMIT)

static bool parse(const char *query, unsigned known, struct parameters *parameters, struct problem *problem) {
    char raw[256];
    char scratch[256];
    struct target target;
    snprintf(raw, sizeof raw, "/p?%s", query);
    ck_assert(target_parse(raw, strlen(raw), scratch, &target));
    return parameters_parse(&target, known, parameters, problem);
}

static void check_refused(const char *query, const char *name) {
    struct parameters parameters;
    struct problem problem;
    ck_assert_msg(!parse(query, ALL, &parameters, &problem), "%s", query);
    ck_assert_int_eq(problem.code, PROBLEM_BAD_REQUEST);
    ck_assert_msg(strstr(problem.detail, name) != NULL, "%s: %s", query, problem.detail);
}

START_TEST(without_parameters_the_defaults_hold) {
    struct parameters parameters;
    struct problem problem;
    ck_assert(parse("", ALL, &parameters, &problem));
    ck_assert_uint_eq(parameters.timeout_ms, 5000);
    ck_assert(parameters.forward);
    ck_assert_int_eq(parameters.consistency, NODE_LINEARIZABLE);
    ck_assert_uint_eq(parameters.min_index, 0);
    ck_assert_uint_eq(parameters.from, 0);
    ck_assert_uint_eq(parameters.limit, 100);
    ck_assert(!parameters.has_query);
}
END_TEST

START_TEST(a_route_that_takes_long_has_a_minute) {
    struct parameters parameters;
    struct problem problem;
    ck_assert(parse("", PARAMETER_TIMEOUT | PARAMETER_PATIENT, &parameters, &problem));
    ck_assert_uint_eq(parameters.timeout_ms, 60000);
    ck_assert(parse("timeout=5s", PARAMETER_TIMEOUT | PARAMETER_PATIENT, &parameters, &problem));
    ck_assert_uint_eq(parameters.timeout_ms, 5000);
}
END_TEST

START_TEST(every_parameter_is_read) {
    struct parameters parameters;
    struct problem problem;
    ck_assert(parse("timeout=60s&forward=false&consistency=stale&min_index=9007199254740991&from=3&limit=1000&q=%22", ALL,
                    &parameters, &problem));
    ck_assert_uint_eq(parameters.timeout_ms, 60000);
    ck_assert(!parameters.forward);
    ck_assert_int_eq(parameters.consistency, NODE_STALE);
    ck_assert_uint_eq(parameters.min_index, UINT64_C(9007199254740991));
    ck_assert_uint_eq(parameters.from, 3);
    ck_assert_uint_eq(parameters.limit, 1000);
    ck_assert(parameters.has_query);
    ck_assert_uint_eq(parameters.query_size, 3);
    ck_assert(parse("consistency=lease", ALL, &parameters, &problem));
    ck_assert_int_eq(parameters.consistency, NODE_LEASE);
    ck_assert(parse("forward=true&consistency=linear%69zable&limit=1&%66rom=0", ALL, &parameters, &problem));
    ck_assert(parameters.forward);
    ck_assert_uint_eq(parameters.limit, 1);
}
END_TEST

START_TEST(malformed_values_are_refused_by_name) {
    check_refused("timeout=5", "timeout");
    check_refused("timeout=", "timeout");
    check_refused("timeout", "timeout");
    check_refused("timeout=61s", "timeout");
    check_refused("timeout=0s", "timeout");
    check_refused("forward=yes", "forward");
    check_refused("forward", "forward");
    check_refused("forward=TRUE", "forward");
    check_refused("consistency=leased", "linearizable, lease or stale");
    check_refused("consistency=", "consistency");
    check_refused("min_index=-1", "min_index");
    check_refused("min_index=1.0", "min_index");
    check_refused("min_index=", "min_index");
    check_refused("min_index=9007199254740992", "min_index");
    check_refused("from=99999999999999999999999", "from");
    check_refused("limit=0", "limit");
    check_refused("limit=1001", "limit");
    check_refused("limit=1e3", "limit");
    check_refused("from=00000000000000000000000000000000001", "from");
}
END_TEST

START_TEST(a_parameter_given_twice_is_refused) {
    check_refused("limit=5&limit=5", "limit");
    check_refused("q=1&q=1", "q");
    check_refused("from=1&fro%6d=1", "from");
}
END_TEST

START_TEST(parameters_the_route_does_not_know_are_ignored) {
    struct parameters parameters;
    struct problem problem;
    ck_assert(parse("limit=nonsense&pretty&_=1", PARAMETER_TIMEOUT, &parameters, &problem));
    ck_assert_uint_eq(parameters.limit, 100);
}
END_TEST

START_TEST(a_session_and_a_number_in_it_are_read) {
    struct parameters parameters;
    struct problem problem;
    ck_assert(parse("session=17&seq=9007199254740991", PARAMETER_SESSION, &parameters, &problem));
    ck_assert_uint_eq(parameters.session, 17);
    ck_assert_uint_eq(parameters.sequence, RAFT_NUMBER_MAX);
    ck_assert(parse("", PARAMETER_SESSION, &parameters, &problem));
    ck_assert_uint_eq(parameters.session + parameters.sequence, 0);
    ck_assert(!parse("session=0&seq=1", PARAMETER_SESSION, &parameters, &problem));
    ck_assert(strstr(problem.detail, "session") != NULL);
    ck_assert(!parse("session=1&seq=9007199254740992", PARAMETER_SESSION, &parameters, &problem));
    ck_assert(strstr(problem.detail, "seq") != NULL);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, without_parameters_the_defaults_hold);
    tcase_add_test(tcase, every_parameter_is_read);
    tcase_add_test(tcase, a_route_that_takes_long_has_a_minute);
    tcase_add_test(tcase, malformed_values_are_refused_by_name);
    tcase_add_test(tcase, a_parameter_given_twice_is_refused);
    tcase_add_test(tcase, parameters_the_route_does_not_know_are_ignored);
    tcase_add_test(tcase, a_session_and_a_number_in_it_are_read);
}

CHECK_MAIN("parameters", add_tests)
