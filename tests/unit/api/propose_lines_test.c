#include "api/propose_lines.h"

#include "api/inside.h"
#include "server/base/memory.h"
#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TYPE "Content-Type: application/x-ndjson\r\n"

static struct reply propose(struct harness *harness, const char *body) {
    return ask(harness, "POST", "/v1/propose", TYPE, body);
}

/* Takes the next line off *at. */
static char *next_line(char **at) {
    char *begin = *at;
    char *feed = strchr(begin, '\n');
    ck_assert_msg(feed != NULL, "no line: %s", begin);
    *feed = '\0';
    *at = feed + 1;
    return begin;
}

static void check_line(char **at, const char *expected) {
    ck_assert_str_eq(next_line(at), expected);
}

static void check_problem_line(char **at, const char *code, const char *more) {
    char *line = next_line(at);
    ck_assert_msg(strstr(line, code) != NULL && strstr(line, "\"outcome\":\"rejected\"") != NULL &&
                      strstr(line, more) != NULL,
                  "%s", line);
}

START_TEST(every_line_is_a_command_and_is_answered_in_order) {
    struct harness *harness = harness_begin();
    struct reply reply = propose(harness, "{\"a\":1}\n[2]\r\n\n  \n3");
    ck_assert(reply_has(&reply, "Content-Type", "application/x-ndjson"));
    ck_assert(reply_has(&reply, "Raft-Index", "43"));
    check_reply(&reply, 200,
                "{\"index\":41,\"term\":7,\"result\":{}}\n"
                "{\"index\":42,\"term\":7,\"result\":{}}\n"
                "{\"index\":43,\"term\":7,\"result\":{}}\n");
    struct fake_call *call = fake_node_last(harness->node);
    ck_assert_uint_eq(harness->node->call_count, 1);
    ck_assert_uint_eq(call->count, 3);
    ck_assert_str_eq(call->texts[0], "{\"a\":1}");
    ck_assert_str_eq(call->texts[1], "[2]");
    ck_assert_str_eq(call->texts[2], "3");
    harness_end(harness);
}
END_TEST

START_TEST(a_bad_line_gets_its_problem_and_the_others_go_on) {
    struct harness *harness = harness_begin();
    char body[4096];
    char large[1100];
    memset(large, '1', 1001);
    large[1001] = '\0';
    snprintf(body, sizeof body, "1\n{\"a\":x}\n\"bad\"\n%s\n2\n", large);
    struct reply reply = propose(harness, body);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Raft-Index", "42"));
    char *at = reply.body;
    check_line(&at, "{\"index\":41,\"term\":7,\"result\":{}}");
    check_problem_line(&at, "bad_json", "\"offset\":5");
    check_problem_line(&at, "invalid_command", "422");
    check_problem_line(&at, "too_large", "413");
    check_line(&at, "{\"index\":42,\"term\":7,\"result\":{}}");
    ck_assert_str_eq(at, "");
    reply_free(&reply);
    ck_assert_uint_eq(fake_node_last(harness->node)->count, 2);
    harness_end(harness);
}
END_TEST

START_TEST(a_line_at_the_command_limit_is_taken) {
    struct harness *harness = harness_begin();
    char line[1001];
    memset(line, '1', 1000);
    line[1000] = '\0';
    struct reply reply = propose(harness, line);
    check_reply(&reply, 200, "{\"index\":41,\"term\":7,\"result\":{}}\n");
    harness_end(harness);
}
END_TEST

START_TEST(a_body_without_a_command_is_answered_with_nothing) {
    struct harness *harness = harness_begin();
    const char *bodies[] = {"", "\n", " \r\n\n"};
    for (size_t i = 0; i < 3; i++) {
        struct reply reply = propose(harness, bodies[i]);
        ck_assert(reply_has(&reply, "Raft-Index", "40"));
        check_reply(&reply, 200, "");
    }
    ck_assert_uint_eq(harness->node->call_count, 0);
    struct reply reply = propose(harness, "x");
    ck_assert_uint_eq(reply.status, 200);
    char *at = reply.body;
    check_problem_line(&at, "bad_json", "\"offset\":0");
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_result_stays_on_its_line) {
    struct harness *harness = harness_begin();
    harness->node->result = "{\r\n\"a\\n\": [1,\n2]}";
    struct reply reply = propose(harness, "1");
    check_reply(&reply, 200, "{\"index\":41,\"term\":7,\"result\":{  \"a\\n\": [1, 2]}}\n");
    harness_end(harness);
}
END_TEST

START_TEST(problems_of_the_node_are_lines_too) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_TIMEOUT, true, "not committed in time");
    struct reply reply = propose(harness, "1\n2");
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Raft-Index", "40"));
    char *at = reply.body;
    for (int i = 0; i < 2; i++) {
        char *line = next_line(&at);
        ck_assert(strstr(line, "\"code\":\"timeout\"") != NULL && strstr(line, "\"outcome\":\"unknown\"") != NULL);
    }
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(the_index_told_is_the_highest_that_was_reached) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_LEADERSHIP_LOST, true, "deposed");
    harness->node->good_lines = 2;
    struct reply reply = propose(harness, "1\n2\n3\n4");
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Raft-Index", "42"));
    char *at = reply.body;
    check_line(&at, "{\"index\":41,\"term\":7,\"result\":{}}");
    check_line(&at, "{\"index\":42,\"term\":7,\"result\":{}}");
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(strstr(next_line(&at), "\"code\":\"leadership_lost\""));
    }
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(who_is_not_to_forward_refuses_the_whole) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_NO_LEADER, false, "no leader");
    struct reply reply = ask(harness, "POST", "/v1/propose?forward=false", TYPE, "1\n2");
    ck_assert(reply_has(&reply, "Retry-After", "1"));
    check_problem(&reply, 503, "no_leader", "rejected");
    reply = propose(harness, "1\n2");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

static char *many_lines(size_t count) {
    char *body = malloc(2 * count + 1);
    for (size_t i = 0; i < count; i++) {
        memcpy(body + 2 * i, "1\n", 2);
    }
    body[2 * count] = '\0';
    return body;
}

START_TEST(as_many_lines_as_may_be_are_taken_and_one_more_is_413) {
    struct harness *harness = harness_begin();
    char *body = many_lines(API_NDJSON_LINES_MAX);
    struct reply reply = propose(harness, body);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_uint_eq(fake_node_last(harness->node)->count, API_NDJSON_LINES_MAX);
    reply_free(&reply);
    free(body);
    body = many_lines(API_NDJSON_LINES_MAX + 1);
    reply = propose(harness, body);
    check_problem(&reply, 413, "too_large", "rejected");
    free(body);
    harness_end(harness);
}
END_TEST

START_TEST(the_body_has_a_limit_of_its_own) {
    struct harness *harness = harness_create();
    harness->options.ndjson_bytes_max = 2000;
    harness_start(harness);
    char *body = many_lines(1000);
    struct reply reply = propose(harness, body);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    free(body);
    body = many_lines(1001);
    reply = propose(harness, body);
    check_problem(&reply, 413, "too_large", "rejected");
    free(body);
    harness_end(harness);
}
END_TEST

static bool is_cancelled(void *context) {
    return fake_node_last(context)->cancelled;
}

START_TEST(a_client_that_is_gone_leaves_nothing_behind) {
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    int client = client_open(harness);
    client_send_text(harness, client,
                     "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\n" TYPE "Content-Length: 9\r\n\r\n1\n\"bad\"\n2");
    harness_until_calls(harness, 1);
    close(client);
    harness_until(harness, is_cancelled, harness->node);
    harness_end(harness);
}
END_TEST

START_TEST(room_for_the_answers_lines_is_there_before_anything_is_appended) {
    struct harness *harness = harness_create();
    harness->options.ndjson_bytes_max = (size_t)3 * API_NDJSON_LINES_MAX;
    harness_start(harness);
    harness->node->hold = true;
    enum { FIT = API_ANSWERS_MAX / (API_NDJSON_LINES_MAX * API_LINE_BYTES) };
    char *body = memory_alloc(2 * API_NDJSON_LINES_MAX + 1);
    for (size_t i = 0; i < API_NDJSON_LINES_MAX; i++) {
        memcpy(body + 2 * i, "1\n", 3);
    }
    char head[256];
    snprintf(
        head, sizeof head,
        "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n",
        2 * API_NDJSON_LINES_MAX);
    int clients[FIT];
    for (size_t i = 0; i < FIT; i++) {
        clients[i] = client_open(harness);
        client_send_text(harness, clients[i], head);
        client_send_text(harness, clients[i], body);
        harness_until_calls(harness, i + 1);
    }
    struct reply reply = ask(harness, "POST", "/v1/propose", "Content-Type: application/x-ndjson\r\n", body);
    ck_assert(reply_has(&reply, "Retry-After", "1"));
    check_problem(&reply, 429, "overloaded", "rejected");
    ck_assert_uint_eq(harness->node->call_count, FIT);
    for (size_t i = 0; i < FIT; i++) {
        close(clients[i]);
    }
    harness_end(harness);
    free(body);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, room_for_the_answers_lines_is_there_before_anything_is_appended);
    tcase_add_test(tcase, every_line_is_a_command_and_is_answered_in_order);
    tcase_add_test(tcase, a_bad_line_gets_its_problem_and_the_others_go_on);
    tcase_add_test(tcase, a_line_at_the_command_limit_is_taken);
    tcase_add_test(tcase, a_body_without_a_command_is_answered_with_nothing);
    tcase_add_test(tcase, a_result_stays_on_its_line);
    tcase_add_test(tcase, problems_of_the_node_are_lines_too);
    tcase_add_test(tcase, the_index_told_is_the_highest_that_was_reached);
    tcase_add_test(tcase, who_is_not_to_forward_refuses_the_whole);
    tcase_add_test(tcase, as_many_lines_as_may_be_are_taken_and_one_more_is_413);
    tcase_add_test(tcase, the_body_has_a_limit_of_its_own);
    tcase_add_test(tcase, a_client_that_is_gone_leaves_nothing_behind);
}

CHECK_MAIN("propose_lines", add_tests)
