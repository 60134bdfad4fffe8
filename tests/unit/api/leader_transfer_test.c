#include "api/leader_transfer.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <string.h>
#include <unistd.h>

START_TEST(whom_the_body_names_is_passed_on_and_who_leads_is_answered) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/v1/leader/transfer", " {\"to\": 2}\n");
    ck_assert(reply_has(&reply, "Content-Type", "application/json"));
    ck_assert(reply_has(&reply, "Raft-Node", "1"));
    check_reply(&reply, 200, "{\"leader\":2,\"term\":8}");
    struct fake_call *call = fake_node_last(harness->node);
    ck_assert_int_eq(call->kind, FAKE_TRANSFER);
    ck_assert_uint_eq(call->to, 2);
    ck_assert_uint_eq(call->timeout_ms, 60000);
    ck_assert(call->forward);
    harness_end(harness);
}
END_TEST

START_TEST(without_a_name_it_is_anybody) {
    struct harness *harness = harness_begin();
    static const char *const bodies[] = {"", "{}", " { } "};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct reply reply = post(harness, "/v1/leader/transfer", bodies[i]);
        check_reply(&reply, 200, "{\"leader\":3,\"term\":8}");
        ck_assert_uint_eq(fake_node_last(harness->node)->to, 0);
    }
    struct reply reply = post(harness, "/v1/leader/transfer", NULL);
    check_reply(&reply, 200, "{\"leader\":3,\"term\":8}");
    harness_end(harness);
}
END_TEST

START_TEST(parameters_reach_the_node) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/v1/leader/transfer?timeout=250ms&forward=false", "{\"to\":9007199254740991}");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    struct fake_call *call = fake_node_last(harness->node);
    ck_assert_uint_eq(call->timeout_ms, 250);
    ck_assert(!call->forward);
    ck_assert_uint_eq(call->to, UINT64_C(9007199254740991));
    harness_end(harness);
}
END_TEST

START_TEST(any_other_body_is_400_and_rejected) {
    struct harness *harness = harness_begin();
    static const char *const bodies[] = {"[]",
                                         "2",
                                         "null",
                                         "{\"to\":0}",
                                         "{\"to\":-1}",
                                         "{\"to\":2.0}",
                                         "{\"to\":1e0}",
                                         "{\"to\":9007199254740992}",
                                         "{\"to\":\"2\"}",
                                         "{\"to\":null}",
                                         "{\"to\":[2]}",
                                         "{\"to\":2,\"x\":1}",
                                         "{\"too\":2}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct reply reply = post(harness, "/v1/leader/transfer", bodies[i]);
        check_problem(&reply, 400, "bad_request", "rejected");
    }
    struct reply reply = post(harness, "/v1/leader/transfer", "{\"to\":2");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"offset\":7"));
    check_problem(&reply, 400, "bad_json", "rejected");
    reply = post(harness, "/v1/leader/transfer", " ");
    check_problem(&reply, 400, "bad_json", "rejected");
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(problems_carry_the_nodes_outcome) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_CONFLICT, false, "node 9 is no voter of this cluster");
    struct reply reply = post(harness, "/v1/leader/transfer", "{\"to\":9}");
    check_problem(&reply, 409, "conflict", "rejected");
    problem_set(&harness->node->problem, PROBLEM_TIMEOUT, true, "nobody took over");
    reply = post(harness, "/v1/leader/transfer", "{}");
    check_problem(&reply, 504, "timeout", "unknown");
    harness_end(harness);
}
END_TEST

START_TEST(with_forward_false_a_follower_shows_the_way) {
    struct harness *harness = harness_begin();
    harness->node->leader = 1;
    problem_set(&harness->node->problem, PROBLEM_NOT_LEADER, false, "node 1 is not the leader");
    struct reply reply = post(harness, "/v1/leader/transfer?forward=false&timeout=5s", "{}");
    ck_assert_uint_eq(reply.status, 307);
    char location[512];
    ck_assert_ptr_nonnull(reply_field(&reply, "Location", location));
    ck_assert_ptr_nonnull(strstr(location, "/v1/leader/transfer?timeout=5s"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_client_that_hangs_up_is_forgotten) {
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    int client = client_open(harness);
    client_send_text(harness, client, "POST /v1/leader/transfer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");
    harness_until_calls(harness, 1);
    close(client);
    for (int i = 0; i < 1000 && !harness->node->calls[0].cancelled; i++) {
        harness_turn(harness);
    }
    ck_assert(harness->node->calls[0].cancelled);
    harness_end(harness);
}
END_TEST

START_TEST(other_methods_are_405) {
    struct harness *harness = harness_begin();
    struct reply reply = get(harness, "/v1/leader/transfer");
    ck_assert(reply_has(&reply, "Allow", "POST"));
    check_problem(&reply, 405, "method_not_allowed", NULL);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, whom_the_body_names_is_passed_on_and_who_leads_is_answered);
    tcase_add_test(tcase, without_a_name_it_is_anybody);
    tcase_add_test(tcase, parameters_reach_the_node);
    tcase_add_test(tcase, any_other_body_is_400_and_rejected);
    tcase_add_test(tcase, problems_carry_the_nodes_outcome);
    tcase_add_test(tcase, with_forward_false_a_follower_shows_the_way);
    tcase_add_test(tcase, a_client_that_hangs_up_is_forgotten);
    tcase_add_test(tcase, other_methods_are_405);
}

CHECK_MAIN("leader_transfer", add_tests)
