#include "api/session.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <string.h>

START_TEST(a_session_is_named_by_the_index_of_its_entry) {
    struct harness *harness = harness_begin();
    harness->node->result = "null";
    struct reply reply = post(harness, "/v1/sessions?timeout=250ms", "whatever");
    ck_assert(reply_has(&reply, "Content-Type", "application/json"));
    ck_assert(reply_has(&reply, "Raft-Index", "41"));
    check_reply(&reply, 201, "{\"session\":41}");
    const struct fake_call *call = fake_node_last(harness->node);
    ck_assert_int_eq(call->kind, FAKE_CHANGE_SESSION);
    ck_assert_uint_eq(call->session, 0);
    ck_assert_uint_eq(call->timeout_ms, 250);
    ck_assert(call->forward);
    harness_end(harness);
}
END_TEST

START_TEST(closing_is_answered_without_a_body) {
    struct harness *harness = harness_begin();
    harness->node->result = "null";
    struct reply reply = ask(harness, "DELETE", "/v1/sessions/17?forward=false", "", NULL);
    ck_assert(reply_has(&reply, "Raft-Index", "41"));
    check_reply(&reply, 204, "");
    const struct fake_call *call = fake_node_last(harness->node);
    ck_assert_int_eq(call->kind, FAKE_CHANGE_SESSION);
    ck_assert_uint_eq(call->session, 17);
    ck_assert_uint_eq(call->timeout_ms, 5000);
    ck_assert(!call->forward);
    harness_end(harness);
}
END_TEST

START_TEST(its_last_proposal_is_what_the_node_says) {
    struct harness *harness = harness_begin();
    harness->node->result = "{\"session\":17,\"seq\":4,\"index\":23,\"term\":3,\"result\":{\"a\": 1}}";
    struct reply reply = get(harness, "/v1/sessions/17?timeout=1s&forward=false");
    ck_assert(reply_has(&reply, "Content-Type", "application/json"));
    ck_assert(reply_has(&reply, "Raft-Index", "40"));
    ck_assert(reply_has(&reply, "Raft-Consistency", "linearizable"));
    check_reply(&reply, 200, harness->node->result);
    const struct fake_call *call = fake_node_last(harness->node);
    ck_assert_int_eq(call->kind, FAKE_READ_SESSION);
    ck_assert_uint_eq(call->session, 17);
    ck_assert_uint_eq(call->timeout_ms, 1000);
    ck_assert(!call->forward);
    harness_end(harness);
}
END_TEST

START_TEST(problems_carry_an_outcome_where_something_would_change) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_SESSION_EXPIRED, false, "there is no session 17");
    struct reply reply = ask(harness, "DELETE", "/v1/sessions/17", "", NULL);
    check_problem(&reply, 410, "session_expired", "rejected");
    reply = get(harness, "/v1/sessions/17");
    check_problem(&reply, 410, "session_expired", NULL);
    problem_set(&harness->node->problem, PROBLEM_TIMEOUT, true, "too late");
    reply = post(harness, "/v1/sessions", NULL);
    check_problem(&reply, 504, "timeout", "unknown");
    harness_end(harness);
}
END_TEST

START_TEST(no_key_makes_opening_happen_once) {
    struct harness *harness = harness_begin();
    struct reply reply = ask(harness, "POST", "/v1/sessions", "Idempotency-Key: a\r\n", NULL);
    check_problem(&reply, 400, "bad_request", "rejected");
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(a_number_that_is_none_is_400_and_anything_else_404) {
    struct harness *harness = harness_begin();
    static const char *const bad[] = {"/v1/sessions/0", "/v1/sessions/000", "/v1/sessions/9007199254740992",
                                      "/v1/sessions/18446744073709551617",
                                      "/v1/sessions/99999999999999999999999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reply reply = get(harness, bad[i]);
        check_problem(&reply, 400, "bad_request", NULL);
        reply = ask(harness, "DELETE", bad[i], "", NULL);
        check_problem(&reply, 400, "bad_request", "rejected");
    }
    static const char *const none[] = {"/v1/sessions/",   "/v1/sessions/a",   "/v1/sessions/1a",       "/v1/sessions/-1",
                                       "/v1/sessions/1/", "/v1/sessions/1/2", "/v1/sessions/%7Bid%7D", "/v1/sessions/1.0"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct reply reply = get(harness, none[i]);
        check_problem(&reply, 404, "not_found", NULL);
    }
    ck_assert_uint_eq(harness->node->call_count, 0);
    struct reply reply = get(harness, "/v1/sessions/9007199254740991");
    check_reply(&reply, 200, "{}");
    ck_assert_uint_eq(fake_node_last(harness->node)->session, RAFT_NUMBER_MAX);
    harness_end(harness);
}
END_TEST

START_TEST(other_methods_are_405) {
    struct harness *harness = harness_begin();
    struct reply reply = get(harness, "/v1/sessions");
    ck_assert(reply_has(&reply, "Allow", "POST"));
    check_problem(&reply, 405, "method_not_allowed", NULL);
    reply = post(harness, "/v1/sessions/17", "");
    ck_assert(reply_has(&reply, "Allow", "GET, HEAD, DELETE"));
    check_problem(&reply, 405, "method_not_allowed", "rejected");
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_session_is_named_by_the_index_of_its_entry);
    tcase_add_test(tcase, closing_is_answered_without_a_body);
    tcase_add_test(tcase, its_last_proposal_is_what_the_node_says);
    tcase_add_test(tcase, problems_carry_an_outcome_where_something_would_change);
    tcase_add_test(tcase, no_key_makes_opening_happen_once);
    tcase_add_test(tcase, a_number_that_is_none_is_400_and_anything_else_404);
    tcase_add_test(tcase, other_methods_are_405);
}

CHECK_MAIN("session", add_tests)
