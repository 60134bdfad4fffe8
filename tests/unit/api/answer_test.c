#include "api/answer.h"

#include "server/base/memory.h"
#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <string.h>

static bool has_raft_fields(const struct reply *reply) {
    return reply_has(reply, "Raft-Cluster", "00112233445566778899aabbccddeeff") && reply_has(reply, "Raft-Node", "1") &&
           reply_has(reply, "Raft-Leader", "2") && reply_has(reply, "Raft-Term", "7") &&
           reply_has(reply, "Raft-Index", "40");
}

START_TEST(every_answer_below_v1_carries_the_raft_fields_errors_included) {
    struct harness *harness = harness_begin();
    const char *targets[] = {"/v1/status", "/v1/cluster?", "/v1/members",     "/v1/log",     "/v1/nope",
                             "/v1/%zz",    "/v1/query",    "/v1/log?limit=0", "/v1/propose", "/v1/query?q=1"};
    harness->node->status.members.count = 1;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct reply reply = get(harness, targets[i]);
        ck_assert_msg(has_raft_fields(&reply), "%s: %s", targets[i], reply.head);
        ck_assert(reply_has(&reply, "X-Content-Type-Options", "nosniff"));
        reply_free(&reply);
    }
    struct reply reply = ask(harness, "POST", "/v1/propose", "Origin: http://evil\r\n", "1");
    ck_assert(has_raft_fields(&reply));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(other_answers_do_not) {
    struct harness *harness = harness_begin();
    const char *targets[] = {"/healthz", "/", "/metrics", "/v1", "/nope"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct reply reply = get(harness, targets[i]);
        char value[512];
        ck_assert_ptr_null(reply_field(&reply, "Raft-Node", value));
        ck_assert(reply_has(&reply, "X-Content-Type-Options", "nosniff"));
        reply_free(&reply);
    }
    harness_end(harness);
}
END_TEST

START_TEST(the_largest_numbers_are_written_whole) {
    struct harness *harness = harness_begin();
    harness->node->status.id = RAFT_NUMBER_MAX;
    harness->node->leader = 0;
    harness->node->status.raft.hard_state.term = RAFT_NUMBER_MAX;
    struct reply reply = get(harness, "/v1/members");
    ck_assert(reply_has(&reply, "Raft-Node", "9007199254740991"));
    ck_assert(reply_has(&reply, "Raft-Term", "9007199254740991"));
    ck_assert(reply_has(&reply, "Raft-Leader", "0"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_detail_that_is_not_utf_8_is_still_json) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_TIMEOUT, true, "\"quoted\"\n\x01\xff");
    struct reply reply = post(harness, "/v1/propose", "1");
    check_problem(&reply, 504, "timeout", "unknown");
    harness_end(harness);
}
END_TEST

/* -- All large answers together -- */

/* Somebody asks and does not read: so much is held. */
static int ask_and_sleep(struct harness *harness, const char *target) {
    char text[256];
    int client = client_open(harness);
    size_t before = harness->node->call_count;
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    client_send_text(harness, client, text);
    harness_until_calls(harness, before + 1);
    for (int i = 0; i < 10; i++) {
        harness_turn(harness);
    }
    return client;
}

START_TEST(large_answers_together_are_bounded_and_none_is_lost_that_changed_something) {
    struct harness *harness = harness_begin();
    const size_t size = API_ANSWERS_MAX / 2;
    char *result = memory_alloc(size + 1);
    memset(result, 'x', size);
    result[0] = result[size - 1] = '"';
    result[size] = '\0';
    harness->node->result = result;
    int sleeper = ask_and_sleep(harness, "/v1/query?q=1");
    struct reply reply = get(harness, "/v1/query?q=1");
    ck_assert(reply_has(&reply, "Retry-After", "1"));
    check_problem(&reply, 429, "overloaded", NULL);
    reply = post(harness, "/v1/propose", "1");
    check_reply(&reply, 200, "{\"index\":41,\"term\":7,\"result_omitted\":true}");
    reply = ask(harness, "POST", "/v1/propose", "Content-Type: application/x-ndjson\r\n", "1\n{\n2\n");
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_ptr_nonnull(strstr(reply.body, "{\"index\":42,\"term\":7,\"result_omitted\":true}\n{\"type\""));
    ck_assert_ptr_nonnull(strstr(reply.body, "}\n{\"index\":43,\"term\":7,\"result_omitted\":true}\n"));
    reply_free(&reply);
    reply = get(harness, "/v1/status"); /* Small ones go out in any case. */
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    close(sleeper);
    for (int i = 0; i < 100 && !api_idle(harness->api); i++) {
        harness_turn(harness);
    }
    reply = get(harness, "/v1/query?q=1");
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_uint_gt(reply.size, size);
    reply_free(&reply);
    harness_end(harness);
    free(result);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, large_answers_together_are_bounded_and_none_is_lost_that_changed_something);
    tcase_add_test(tcase, every_answer_below_v1_carries_the_raft_fields_errors_included);
    tcase_add_test(tcase, other_answers_do_not);
    tcase_add_test(tcase, the_largest_numbers_are_written_whole);
    tcase_add_test(tcase, a_detail_that_is_not_utf_8_is_still_json);
}

CHECK_MAIN("answer", add_tests)
