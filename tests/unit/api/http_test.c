/* The library around requests: keep-alive, pipelining, many connections, the end. */
#include "api/http.h"

#include "api/connections.h"
#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEALTH  "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define PROPOSE "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1"
#define OK      "{\"status\":\"ok\"}"

START_TEST(a_connection_serves_many_requests) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    for (int i = 0; i < 20; i++) {
        client_send_text(harness, client, PROPOSE);
        struct reply reply = client_read(harness, client);
        ck_assert_uint_eq(reply.status, 200);
        reply_free(&reply);
        client_send_text(harness, client, HEALTH);
        reply = client_read(harness, client);
        check_reply(&reply, 200, OK);
    }
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(requests_sent_ahead_are_answered_in_order) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    client_send_text(harness, client, HEALTH PROPOSE "GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n" PROPOSE HEALTH);
    const unsigned expected[] = {200, 200, 404, 200, 200};
    for (size_t i = 0; i < 5; i++) {
        struct reply reply = client_read(harness, client);
        ck_assert_uint_eq(reply.status, expected[i]);
        reply_free(&reply);
    }
    ck_assert_uint_eq(harness->node->call_count, 2);
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    for (const char *at = PROPOSE; *at != '\0'; at++) {
        client_send(harness, client, at, 1);
    }
    struct reply reply = client_read(harness, client);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(an_expectation_is_met_before_the_body) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    client_send_text(harness, client,
                     "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    struct reply reply = client_read_head(harness, client);
    ck_assert_uint_eq(reply.status, 100);
    reply_free(&reply);
    client_send_text(harness, client, "1");
    reply = client_read(harness, client);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    client_send_text(
        harness, client,
        "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n\r\n");
    reply = client_read(harness, client);
    check_problem(&reply, 413, "too_large", "rejected");
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(an_expectation_without_a_body_is_refused_and_nothing_is_taken_for_one) {
    static const char *const firsts[] = {
        "GET /v1/log?from=no HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n",
        "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nExpect: 100-Continue\r\nContent-Length: 0\r\n\r\n"};
    struct harness *harness = harness_begin();
    for (int i = 0; i < 2; i++) {
        char both[512];
        snprintf(both, sizeof both, "%sGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", firsts[i]);
        int client = client_open(harness);
        client_send_text(harness, client, both);
        struct reply reply = client_read(harness, client);
        check_problem(&reply, 400, "bad_request", NULL);
        close(client);
    }
    harness_end(harness);
}
END_TEST

START_TEST(many_wait_at_once_and_each_gets_its_own_answer) {
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    int clients[100];
    for (int i = 0; i < 100; i++) {
        clients[i] = client_open(harness);
        client_send_text(harness, clients[i], PROPOSE);
        harness_until_calls(harness, (size_t)i + 1);
    }
    harness->node->hold = false;
    for (int i = 99; i >= 0; i--) {
        struct reply reply = client_read(harness, clients[i]);
        char expected[64];
        snprintf(expected, sizeof expected, "{\"index\":%d,\"term\":7,\"result\":{}}", 41 + i);
        check_reply(&reply, 200, expected);
        close(clients[i]);
    }
    harness_end(harness);
}
END_TEST

START_TEST(nothing_to_do_means_nothing_to_wake_for) {
    struct harness *harness = harness_begin();
    ck_assert(api_timeout_ms(harness->api, harness->now_ms) == UINT64_MAX);
    int client = client_open(harness);
    client_send_text(harness, client, HEALTH);
    struct reply reply = client_read(harness, client);
    reply_free(&reply);
    harness_turn(harness);
    uint64_t timeout = api_timeout_ms(harness->api, harness->now_ms);
    ck_assert_uint_gt(timeout, 5000);
    ck_assert_uint_le(timeout, 60000);
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(stopping_closes_idle_connections_and_lets_the_others_end) {
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    int idle = client_open(harness);
    client_send_text(harness, idle, HEALTH);
    struct reply reply = client_read(harness, idle);
    reply_free(&reply);
    int waiting = client_open(harness);
    client_send_text(harness, waiting, PROPOSE);
    harness_until_calls(harness, 1);
    api_stop_accepting(harness->api);
    ck_assert(client_sees_end(harness, idle));
    ck_assert(!api_idle(harness->api));
    harness->node->hold = false;
    reply = client_read(harness, waiting);
    ck_assert(reply_has(&reply, "Connection", "close"));
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    ck_assert(client_sees_end(harness, waiting));
    ck_assert(api_idle(harness->api));
    close(idle);
    close(waiting);
    harness_end(harness);
}
END_TEST

START_TEST(stopping_serves_whom_the_system_has_let_in_and_waits_a_moment_for_what_is_on_its_way) {
    struct harness *harness = harness_begin();
    int kept = client_open(harness);
    client_send_text(harness, kept, HEALTH);
    struct reply reply = client_read(harness, kept);
    reply_free(&reply);
    int silent = client_open(harness);
    int slow = client_open(harness);
    harness_turn(harness); /* Taken, all three. */
    harness_turn(harness);
    int waiting = client_open(harness);
    ck_assert_int_eq(send(waiting, HEALTH, strlen(HEALTH), MSG_NOSIGNAL), (int)strlen(HEALTH));
    ck_assert_int_eq(send(kept, HEALTH, strlen(HEALTH), MSG_NOSIGNAL), (int)strlen(HEALTH));
    api_stop_accepting(harness->api);
    ck_assert(!api_idle(harness->api));
    client_send_text(harness, slow, HEALTH);
    const int served[] = {waiting, kept, slow};
    for (size_t i = 0; i < 3; i++) {
        reply = client_read(harness, served[i]);
        ck_assert_uint_eq(reply.status, 200);
        ck_assert(reply_has(&reply, "Connection", "close"));
        reply_free(&reply);
        ck_assert(client_sees_end(harness, served[i]));
    }
    ck_assert(client_is_open(harness, silent));
    ck_assert(!api_idle(harness->api));
    harness->now_ms += CONNECTIONS_DRAIN_MS;
    ck_assert(client_sees_end(harness, silent));
    ck_assert(api_idle(harness->api));
    for (size_t i = 0; i < 3; i++) {
        close(served[i]);
    }
    close(silent);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_connection_serves_many_requests);
    tcase_add_test(tcase, requests_sent_ahead_are_answered_in_order);
    tcase_add_test(tcase, a_request_may_come_byte_by_byte);
    tcase_add_test(tcase, an_expectation_is_met_before_the_body);
    tcase_add_test(tcase, an_expectation_without_a_body_is_refused_and_nothing_is_taken_for_one);
    tcase_add_test(tcase, many_wait_at_once_and_each_gets_its_own_answer);
    tcase_add_test(tcase, nothing_to_do_means_nothing_to_wake_for);
    tcase_add_test(tcase, stopping_closes_idle_connections_and_lets_the_others_end);
    tcase_add_test(tcase, stopping_serves_whom_the_system_has_let_in_and_waits_a_moment_for_what_is_on_its_way);
}

CHECK_MAIN("http", add_tests)
