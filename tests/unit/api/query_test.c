#include "api/query.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdio.h>
#include <string.h>

START_TEST(a_query_is_answered_with_the_index_it_reflects) {
    struct harness *harness = harness_begin();
    harness->node->result = "{\"found\":true,\"value\":1.0}";
    struct reply reply = post(harness, "/v1/query", " {\"op\":\"get\"} ");
    ck_assert(reply_has(&reply, "Raft-Index", "40"));
    ck_assert(reply_has(&reply, "Raft-Consistency", "linearizable"));
    check_reply(&reply, 200, "{\"index\":40,\"term\":7,\"result\":{\"found\":true,\"value\":1.0}}");
    struct fake_call *call = fake_node_last(harness->node);
    ck_assert_str_eq(call->texts[0], "{\"op\":\"get\"}");
    ck_assert_int_eq(call->consistency, NODE_LINEARIZABLE);
    ck_assert_uint_eq(call->timeout_ms, 5000);
    harness_end(harness);
}
END_TEST

START_TEST(get_takes_the_query_from_q) {
    struct harness *harness = harness_begin();
    struct reply reply = get(harness, "/v1/query?q=%7b%22op%22%3a+%22get%22%7d&consistency=stale&min_index=12&timeout=1s");
    ck_assert(reply_has(&reply, "Raft-Consistency", "stale"));
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    struct fake_call *call = fake_node_last(harness->node);
    ck_assert_str_eq(call->texts[0], "{\"op\": \"get\"}");
    ck_assert_int_eq(call->consistency, NODE_STALE);
    ck_assert_uint_eq(call->min_index, 12);
    ck_assert_uint_eq(call->timeout_ms, 1000);
    harness_end(harness);
}
END_TEST

START_TEST(a_missing_or_malformed_query_is_400) {
    struct harness *harness = harness_begin();
    struct reply reply = get(harness, "/v1/query");
    check_problem(&reply, 400, "bad_request", NULL);
    reply = get(harness, "/v1/query?q=");
    ck_assert(strstr(reply.body, "\"offset\":0") != NULL);
    check_problem(&reply, 400, "bad_json", NULL);
    reply = get(harness, "/v1/query?q={");
    ck_assert(strstr(reply.body, "\"offset\":1") != NULL);
    check_problem(&reply, 400, "bad_json", NULL);
    reply = get(harness, "/v1/query?q=1&q=1");
    check_problem(&reply, 400, "bad_request", NULL);
    reply = post(harness, "/v1/query", "");
    check_problem(&reply, 400, "bad_json", NULL);
    reply = post(harness, "/v1/query?q=1", "[1,]");
    ck_assert(strstr(reply.body, "\"offset\":3") != NULL);
    check_problem(&reply, 400, "bad_json", NULL);
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(q_has_the_limit_of_a_query) {
    struct harness *harness = harness_begin();
    char target[1200] = "/v1/query?q=";
    size_t begin = strlen(target);
    memset(target + begin, '1', 500);
    target[begin + 500] = '\0';
    struct reply reply = get(harness, target);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    strcat(target, "1");
    reply = get(harness, target);
    check_problem(&reply, 413, "too_large", NULL);
    harness_end(harness);
}
END_TEST

START_TEST(the_level_is_passed_on_and_named_in_the_answer) {
    static const struct {
        const char *name;
        enum node_consistency level;
    } levels[] = {{"linearizable", NODE_LINEARIZABLE}, {"lease", NODE_LEASE}, {"stale", NODE_STALE}};
    struct harness *harness = harness_begin();
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        char target[64];
        snprintf(target, sizeof target, "/v1/query?q=1&consistency=%s", levels[i].name);
        struct reply reply = get(harness, target);
        ck_assert_uint_eq(reply.status, 200);
        ck_assert(reply_has(&reply, "Raft-Consistency", levels[i].name));
        ck_assert_int_eq(fake_node_last(harness->node)->consistency, levels[i].level);
        reply_free(&reply);
    }
    harness_end(harness);
}
END_TEST

START_TEST(an_unknown_level_is_400_and_names_those_there_are) {
    struct harness *harness = harness_begin();
    struct reply reply = get(harness, "/v1/query?q=1&consistency=leased");
    ck_assert(strstr(reply.body, "linearizable, lease or stale") != NULL);
    check_problem(&reply, 400, "bad_request", NULL);
    harness_end(harness);
}
END_TEST

START_TEST(problems_of_a_query_have_no_outcome) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_TIMEOUT, false, "not in time");
    struct reply reply = post(harness, "/v1/query", "1");
    check_problem(&reply, 504, "timeout", NULL);
    problem_set(&harness->node->problem, PROBLEM_INVALID_COMMAND, false, "not a query");
    reply = post(harness, "/v1/query", "1");
    check_problem(&reply, 422, "invalid_command", NULL);
    problem_set(&harness->node->problem, PROBLEM_NO_LEADER, false, "no leader");
    reply = post(harness, "/v1/query", "1");
    ck_assert(reply_has(&reply, "Retry-After", "1"));
    check_problem(&reply, 503, "no_leader", NULL);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_query_is_answered_with_the_index_it_reflects);
    tcase_add_test(tcase, get_takes_the_query_from_q);
    tcase_add_test(tcase, a_missing_or_malformed_query_is_400);
    tcase_add_test(tcase, q_has_the_limit_of_a_query);
    tcase_add_test(tcase, the_level_is_passed_on_and_named_in_the_answer);
    tcase_add_test(tcase, an_unknown_level_is_400_and_names_those_there_are);
    tcase_add_test(tcase, problems_of_a_query_have_no_outcome);
}

CHECK_MAIN("query", add_tests)
