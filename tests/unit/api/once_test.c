/* What makes a retry known, and all that is refused there. */
#include "api/once.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdio.h>
#include <string.h>

#define KEY "Idempotency-Key: "

static const struct fake_call *check_taken(struct harness *harness, const char *target, const char *head) {
    struct reply reply = ask(harness, "POST", target, head, " [1] ");
    check_reply(&reply, 200, "{\"index\":41,\"term\":7,\"result\":{}}");
    harness->node->highest_index = 40;
    const struct fake_call *call = fake_node_last(harness->node);
    ck_assert_str_eq(call->texts[0], "[1]");
    return call;
}

START_TEST(session_and_seq_reach_the_node) {
    struct harness *harness = harness_begin();
    const struct fake_call *call = check_taken(harness, "/v1/propose?session=17&seq=4&timeout=2s&forward=false", "");
    ck_assert_uint_eq(call->session, 17);
    ck_assert_uint_eq(call->sequence, 4);
    ck_assert_uint_eq(call->timeout_ms, 2000);
    ck_assert(!call->forward);
    ck_assert_ptr_null(call->texts[1]);
    call = check_taken(harness, "/v1/propose?seq=9007199254740991&session=9007199254740991", "");
    ck_assert_uint_eq(call->session, RAFT_NUMBER_MAX);
    ck_assert_uint_eq(call->sequence, RAFT_NUMBER_MAX);
    call = check_taken(harness, "/v1/propose", "");
    ck_assert_uint_eq(call->session + call->sequence, 0);
    harness_end(harness);
}
END_TEST

static void check_key(struct harness *harness, const char *sent, const char *expected) {
    char head[400];
    snprintf(head, sizeof head, "idempotency-key:%s\r\n", sent);
    const struct fake_call *call = check_taken(harness, "/v1/propose", head);
    ck_assert_str_eq(call->texts[1], expected);
    ck_assert_uint_eq(call->session, 0);
}

static void key_of(char key[200], size_t size) {
    memset(key, 'k', size);
    key[size] = '\0';
}

START_TEST(a_key_reaches_the_node_without_the_white_space_around_it) {
    struct harness *harness = harness_begin();
    char longest[200];
    key_of(longest, 128);
    check_key(harness, " a", "a");
    check_key(harness, "  \t !\"#\\ ~  \t ", "!\"#\\ ~");
    check_key(harness, longest, longest);
    harness_end(harness);
}
END_TEST

static void check_refused(struct harness *harness, const char *target, const char *head) {
    struct reply reply = ask(harness, "POST", target, head, "1");
    check_problem(&reply, 400, "bad_request", "rejected");
}

START_TEST(keys_that_are_none_are_refused) {
    struct harness *harness = harness_begin();
    char longer[200];
    char head[400];
    key_of(longer, 129);
    snprintf(head, sizeof head, KEY "%s\r\n", longer);
    check_refused(harness, "/v1/propose", head);
    check_refused(harness, "/v1/propose", KEY "\r\n");
    check_refused(harness, "/v1/propose", KEY "  \r\n");
    check_refused(harness, "/v1/propose", KEY "caf\xC3\xA9\r\n");
    check_refused(harness, "/v1/propose", KEY "a\tb\r\n");
    check_refused(harness, "/v1/propose", KEY "a\r\n" KEY "a\r\n");
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(half_a_session_a_zero_or_too_much_is_refused) {
    struct harness *harness = harness_begin();
    check_refused(harness, "/v1/propose?session=1", "");
    check_refused(harness, "/v1/propose?seq=1", "");
    check_refused(harness, "/v1/propose?session=0&seq=1", "");
    check_refused(harness, "/v1/propose?session=1&seq=0", "");
    check_refused(harness, "/v1/propose?session=0&seq=0", "");
    check_refused(harness, "/v1/propose?session=&seq=1", "");
    check_refused(harness, "/v1/propose?session=a&seq=1", "");
    check_refused(harness, "/v1/propose?session=-1&seq=1", "");
    check_refused(harness, "/v1/propose?session=9007199254740992&seq=1", "");
    check_refused(harness, "/v1/propose?session=1&seq=9007199254740992", "");
    check_refused(harness, "/v1/propose?session=1&session=1&seq=1", "");
    check_refused(harness, "/v1/propose?session=1&seq=1", KEY "a\r\n");
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(neither_goes_with_many_commands) {
    struct harness *harness = harness_begin();
    check_refused(harness, "/v1/propose", "Content-Type: application/x-ndjson\r\n" KEY "a\r\n");
    check_refused(harness, "/v1/propose?session=1&seq=1", "Content-Type: application/x-ndjson\r\n");
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(a_bad_command_uses_nothing_up) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/v1/propose?session=1&seq=1", "\"bad\"");
    check_problem(&reply, 422, "invalid_command", "rejected");
    reply = post(harness, "/v1/propose?session=1&seq=1", "{");
    check_problem(&reply, 400, "bad_json", "rejected");
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(where_nothing_is_proposed_the_field_says_nothing) {
    struct harness *harness = harness_begin();
    struct reply reply = ask(harness, "POST", "/v1/query?session=0", KEY "\r\n", "1");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, session_and_seq_reach_the_node);
    tcase_add_test(tcase, a_key_reaches_the_node_without_the_white_space_around_it);
    tcase_add_test(tcase, keys_that_are_none_are_refused);
    tcase_add_test(tcase, half_a_session_a_zero_or_too_much_is_refused);
    tcase_add_test(tcase, neither_goes_with_many_commands);
    tcase_add_test(tcase, a_bad_command_uses_nothing_up);
    tcase_add_test(tcase, where_nothing_is_proposed_the_field_says_nothing);
}

CHECK_MAIN("once", add_tests)
