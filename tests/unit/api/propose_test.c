#include "api/propose.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(a_command_is_answered_with_index_term_and_the_results_bytes) {
    struct harness *harness = harness_begin();
    harness->node->result = "{\"previous\": 1e2}";
    struct reply reply = post(harness, "/v1/propose", "{\"op\":\"put\"}");
    ck_assert(reply_has(&reply, "Content-Type", "application/json"));
    ck_assert(reply_has(&reply, "Raft-Index", "41"));
    ck_assert(reply_has(&reply, "Raft-Term", "7"));
    check_reply(&reply, 200, "{\"index\":41,\"term\":7,\"result\":{\"previous\": 1e2}}");
    harness_end(harness);
}
END_TEST

START_TEST(the_commands_bytes_go_on_without_the_white_space_around_them) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/v1/propose", " \r\n{\"b\": 10000000000000000001 , \"a\":1e2}\t\n");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    struct fake_call *call = fake_node_last(harness->node);
    ck_assert_str_eq(call->texts[0], "{\"b\": 10000000000000000001 , \"a\":1e2}");
    ck_assert_uint_eq(call->timeout_ms, 5000);
    ck_assert(call->forward);
    harness_end(harness);
}
END_TEST

START_TEST(parameters_reach_the_node) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/v1/propose?timeout=250ms&forward=false&pretty", "1");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    ck_assert_uint_eq(fake_node_last(harness->node)->timeout_ms, 250);
    ck_assert(!fake_node_last(harness->node)->forward);
    harness_end(harness);
}
END_TEST

static void check_offset(struct harness *harness, const char *body, uint64_t expected) {
    struct reply reply = post(harness, "/v1/propose", body);
    struct json_span problem;
    struct json_span member;
    size_t offset;
    uint64_t number = 0;
    ck_assert(json_scan(reply.body, reply.size, &problem, &offset));
    ck_assert(json_member(problem, "offset", &member) && json_number_uint64(member, 1000000, &number));
    ck_assert_uint_eq(number, expected);
    check_problem(&reply, 400, "bad_json", "rejected");
}

START_TEST(what_is_not_json_is_400_and_says_where) {
    struct harness *harness = harness_begin();
    check_offset(harness, "", 0);
    check_offset(harness, "  ", 2);
    check_offset(harness, "{\"a\":01}", 6);
    check_offset(harness, "{} x", 3);
    check_offset(harness, "\xEF\xBB\xBF{}", 0);
    char deep[1001];
    memset(deep, '[', 1000);
    deep[1000] = '\0';
    check_offset(harness, deep, 512);
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(what_the_machine_does_not_understand_is_422) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/v1/propose", "\"bad\"");
    check_problem(&reply, 422, "invalid_command", "rejected");
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(every_problem_of_the_node_carries_its_status_code_and_outcome) {
    static const struct {
        enum problem_code code;
        bool unknown;
        unsigned status;
        const char *name;
    } cases[] = {
        {PROBLEM_NO_LEADER, false, 503, "no_leader"},
        {PROBLEM_TIMEOUT, true, 504, "timeout"},
        {PROBLEM_TIMEOUT, false, 504, "timeout"},
        {PROBLEM_LEADERSHIP_LOST, true, 503, "leadership_lost"},
        {PROBLEM_OVERLOADED, false, 429, "overloaded"},
        {PROBLEM_SHUTTING_DOWN, true, 503, "shutting_down"},
        {PROBLEM_STORAGE_FULL, false, 507, "storage_full"},
        {PROBLEM_NOT_LEADER, false, 503, "not_leader"},
        {PROBLEM_STALE_SEQUENCE, false, 409, "stale_sequence"},
        {PROBLEM_SESSION_EXPIRED, false, 410, "session_expired"},
        {PROBLEM_KEY_REUSED, false, 422, "key_reused"},
    };
    struct harness *harness = harness_begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        problem_set(&harness->node->problem, cases[i].code, cases[i].unknown, "because");
        struct reply reply = post(harness, "/v1/propose", "1");
        bool retry = cases[i].code == PROBLEM_NO_LEADER || cases[i].code == PROBLEM_OVERLOADED;
        ck_assert(reply_has(&reply, "Retry-After", "1") == retry);
        ck_assert(reply_has(&reply, "Raft-Index", "40"));
        check_problem(&reply, cases[i].status, cases[i].name, cases[i].unknown ? "unknown" : "rejected");
    }
    harness_end(harness);
}
END_TEST

START_TEST(a_retry_is_answered_with_the_first_answer) {
    struct harness *harness = harness_begin();
    harness->node->duplicate = true;
    harness->node->result = "[1]";
    struct reply reply = ask(harness, "POST", "/v1/propose", "Idempotency-Key: a\r\n", "1");
    ck_assert(reply_has(&reply, "Raft-Index", "41"));
    check_reply(&reply, 200, "{\"index\":41,\"term\":7,\"result\":[1],\"duplicate\":true}");
    harness->node->omitted = true;
    reply = ask(harness, "POST", "/v1/propose", "Idempotency-Key: a\r\n", "1");
    check_reply(&reply, 200, "{\"index\":42,\"term\":7,\"result_omitted\":true,\"duplicate\":true}");
    harness_end(harness);
}
END_TEST

START_TEST(a_content_type_of_form_data_changes_nothing) {
    struct harness *harness = harness_begin();
    struct reply reply = ask(harness, "POST", "/v1/propose", "Content-Type: application/x-www-form-urlencoded\r\n", "[1]");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    ck_assert_str_eq(fake_node_last(harness->node)->texts[0], "[1]");
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_command_is_answered_with_index_term_and_the_results_bytes);
    tcase_add_test(tcase, the_commands_bytes_go_on_without_the_white_space_around_them);
    tcase_add_test(tcase, parameters_reach_the_node);
    tcase_add_test(tcase, what_is_not_json_is_400_and_says_where);
    tcase_add_test(tcase, what_the_machine_does_not_understand_is_422);
    tcase_add_test(tcase, every_problem_of_the_node_carries_its_status_code_and_outcome);
    tcase_add_test(tcase, a_retry_is_answered_with_the_first_answer);
    tcase_add_test(tcase, a_content_type_of_form_data_changes_nothing);
}

CHECK_MAIN("propose", add_tests)
