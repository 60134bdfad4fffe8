/* Deadlines, hang-ups and the limit, on a clock that the test moves. */
#include "api/connections.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SWEEP_MS = 200 }; /* Deadlines are kept at least this exactly. */

/* Lets the server see what has been sent or accepted. */
static void settle(struct harness *harness) {
    for (int i = 0; i < 5; i++) {
        harness_turn(harness);
    }
}

static void check_closed_after(struct harness *harness, int client, uint64_t milliseconds) {
    settle(harness);
    harness->now_ms += milliseconds - 1;
    ck_assert(client_is_open(harness, client));
    harness->now_ms += SWEEP_MS;
    ck_assert(client_sees_end(harness, client));
    close(client);
}

START_TEST(a_connection_that_says_nothing_is_closed_after_ten_seconds) {
    struct harness *harness = harness_begin();
    check_closed_after(harness, client_open(harness), CONNECTIONS_HEAD_MS);
    harness_end(harness);
}
END_TEST

START_TEST(a_drip_feeder_of_the_head_is_closed_though_it_goes_on) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    client_send_text(harness, client, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 9; i++) {
        settle(harness);
        harness->now_ms += 1000;
        ck_assert(client_send_text(harness, client, "X-Drip: 1\r\n"));
    }
    ck_assert(client_is_open(harness, client));
    harness->now_ms += 1000 + SWEEP_MS;
    ck_assert(client_sees_end(harness, client));
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(a_kept_connection_may_be_idle_for_a_minute) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    client_send_text(harness, client, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    struct reply reply = client_read(harness, client);
    check_reply(&reply, 200, "{\"status\":\"ok\"}");
    check_closed_after(harness, client, CONNECTIONS_IDLE_MS);
    harness_end(harness);
}
END_TEST

START_TEST(a_body_has_half_a_minute_and_a_second_for_each_64_kib) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    client_send_text(harness, client, "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n1");
    check_closed_after(harness, client, CONNECTIONS_BYTES_MS);
    client = client_open(harness);
    client_send_text(harness, client,
                     "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                     "Content-Length: 655360\r\n\r\n1");
    check_closed_after(harness, client, CONNECTIONS_BYTES_MS + 10000);
    harness_end(harness);
}
END_TEST

START_TEST(a_chunked_body_earns_its_time_by_what_it_sends) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    client_send_text(harness, client,
                     "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n20000\r\n");
    char *bytes = malloc(131072);
    memset(bytes, '1', 131072);
    client_send(harness, client, bytes, 131072);
    free(bytes);
    check_closed_after(harness, client, CONNECTIONS_BYTES_MS + 2000);
    harness_end(harness);
}
END_TEST

START_TEST(whoever_does_not_read_its_answer_is_closed) {
    struct harness *harness = harness_begin();
    size_t size = 16 << 20;
    char *result = malloc(size + 1);
    memset(result, '1', size);
    result[size] = '\0';
    harness->node->result = result;
    int client = client_open(harness);
    client_send_text(harness, client, "POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1");
    harness_until_calls(harness, 1);
    settle(harness);
    harness->now_ms += CONNECTIONS_BYTES_MS + 256 * 1000 - 1;
    ck_assert(client_is_open(harness, client));
    harness->now_ms += 2 * SWEEP_MS;
    settle(harness);
    ck_assert(!client_sees_end(harness, client)); /* Part of the answer, then the end. */
    close(client);
    harness_end(harness);
    free(result);
}
END_TEST

START_TEST(a_request_that_waits_has_no_deadline_here) {
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    int client = client_open(harness);
    client_send_text(harness, client, "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1");
    harness_until_calls(harness, 1);
    harness->now_ms += 3600 * 1000;
    ck_assert(client_is_open(harness, client));
    harness->node->hold = false;
    struct reply reply = client_read(harness, client);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    close(client);
    harness_end(harness);
}
END_TEST

static bool is_cancelled(void *context) {
    return fake_node_last(context)->cancelled;
}

START_TEST(a_client_that_hangs_up_while_it_waits_is_cancelled) {
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    int client = client_open(harness);
    client_send_text(harness, client, "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1");
    harness_until_calls(harness, 1);
    ck_assert(!fake_node_last(harness->node)->cancelled);
    close(client);
    harness_until(harness, is_cancelled, harness->node);
    settle(harness);
    ck_assert(api_idle(harness->api));
    harness_end(harness);
}
END_TEST

START_TEST(a_client_that_hung_up_before_its_request_was_read_is_cancelled_at_once) {
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    int client = client_open(harness);
    settle(harness);
    const char *text = "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1";
    ck_assert_int_eq(send(client, text, strlen(text), 0), (ssize_t)strlen(text));
    shutdown(client, SHUT_WR);
    harness_until_calls(harness, 1);
    harness_until(harness, is_cancelled, harness->node);
    close(client);
    harness_end(harness);
}
END_TEST

static bool exchange(struct harness *harness, int client, const char *text) {
    if (!client_send_text(harness, client, text)) {
        return false;
    }
    struct reply reply = client_read(harness, client);
    bool answered = reply.status != 0;
    reply_free(&reply);
    return answered;
}

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

START_TEST(beyond_the_limit_the_longest_idle_client_goes) {
    struct harness *harness = harness_create();
    harness->options.connections_max = 3;
    harness_start(harness);
    int clients[4];
    for (int i = 0; i < 3; i++) {
        clients[i] = client_open(harness);
        ck_assert(exchange(harness, clients[i], HEALTH));
        harness->now_ms += 1000;
    }
    ck_assert(exchange(harness, clients[0], HEALTH)); /* Now the second one is the longest idle. */
    clients[3] = client_open(harness);
    ck_assert(client_sees_end(harness, clients[1]));
    ck_assert(exchange(harness, clients[0], HEALTH));
    ck_assert(exchange(harness, clients[2], HEALTH));
    ck_assert(exchange(harness, clients[3], HEALTH));
    for (int i = 0; i < 4; i++) {
        close(clients[i]);
    }
    harness_end(harness);
}
END_TEST

#define VOTE                                                                                                               \
    "{\"cluster_id\":\"00112233445566778899aabbccddeeff\",\"from\":2,\"from_incarnation\":"                                \
    "\"0123456789abcdef0123456789abcdef\",\"to\":1,\"to_incarnation\":\"0123456789abcdef0123456789abcdef\","               \
    "\"round\":5,\"term\":8,\"candidate_id\":2,\"last_log_index\":40,\"last_log_term\":7,\"pre_vote\":true}"

static void send_vote(struct harness *harness, int client) {
    char text[1024];
    snprintf(text, sizeof text, "POST /raft/v1/request_vote HTTP/1.1\r\nHost: n\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(VOTE), VOTE);
    ck_assert(exchange(harness, client, text));
}

START_TEST(a_peer_whose_last_connection_closes_is_told_to_be_gone) {
    struct harness *harness = harness_begin();
    int peers[2] = {client_open(harness), client_open(harness)};
    for (int i = 0; i < 4; i++) {
        send_vote(harness, peers[i % 2]);
    }
    int client = client_open(harness);
    ck_assert(exchange(harness, client, HEALTH));
    close(client);
    close(peers[0]);
    settle(harness);
    ck_assert_uint_eq(harness->node->gone_count, 0);
    int once = client_open(harness); /* It says nothing, one way or the other. */
    send_vote(harness, once);
    close(peers[1]);
    settle(harness);
    close(once);
    settle(harness);
    ck_assert_uint_eq(harness->node->gone_count, 1);
    ck_assert_uint_eq(harness->node->gone[0], 2);
    /* What its last request asks still reaches the node before. */
    int last = client_open(harness);
    send_vote(harness, last);
    harness->node->hold = true;
    char text[1024];
    snprintf(text, sizeof text, "POST /raft/v1/request_vote HTTP/1.1\r\nHost: n\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(VOTE), VOTE);
    size_t calls = harness->node->call_count;
    client_send_text(harness, last, text);
    close(last);
    settle(harness);
    ck_assert_uint_eq(harness->node->call_count, calls + 1);
    ck_assert_uint_eq(harness->node->gone_count, 2);
    harness_end(harness);
}
END_TEST

START_TEST(a_connection_for_one_request_says_nothing_of_the_peer) {
    struct harness *harness = harness_begin();
    for (int i = 0; i < 3; i++) {
        int peer = client_open(harness);
        send_vote(harness, peer);
        close(peer);
        settle(harness);
    }
    ck_assert_uint_eq(harness->node->gone_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(a_connection_that_this_side_closes_says_nothing_of_the_peer) {
    struct harness *harness = harness_begin();
    int peer = client_open(harness);
    send_vote(harness, peer);
    send_vote(harness, peer);
    check_closed_after(harness, peer, CONNECTIONS_PEER_IDLE_MS);
    ck_assert_uint_eq(harness->node->gone_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(a_peer_is_never_closed_to_make_room_and_may_be_idle_for_longer) {
    struct harness *harness = harness_create();
    harness->options.connections_max = 2;
    harness_start(harness);
    int peer = client_open(harness);
    send_vote(harness, peer);
    for (int i = 0; i < 10; i++) {
        harness->now_ms += 1;
        int client = client_open(harness);
        ck_assert(exchange(harness, client, HEALTH));
        close(client);
        settle(harness);
    }
    int clients[4];
    for (int i = 0; i < 4; i++) {
        harness->now_ms += 1;
        clients[i] = client_open(harness);
        ck_assert(exchange(harness, clients[i], HEALTH));
    }
    ck_assert(client_is_open(harness, peer));
    for (int i = 0; i < 4; i++) {
        close(clients[i]);
    }
    send_vote(harness, peer);
    check_closed_after(harness, peer, CONNECTIONS_PEER_IDLE_MS);
    harness_end(harness);
}
END_TEST

START_TEST(when_all_are_busy_twice_the_limit_is_where_waiting_clients_go) {
    struct harness *harness = harness_create();
    harness->options.connections_max = 2;
    harness_start(harness);
    harness->node->hold = true;
    int clients[5];
    for (int i = 0; i < 4; i++) {
        harness->now_ms += 1;
        clients[i] = client_open(harness);
        client_send_text(harness, clients[i], "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1");
        harness_until_calls(harness, (size_t)i + 1);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert(client_is_open(harness, clients[i]));
    }
    harness->now_ms += 1;
    clients[4] = client_open(harness);
    ck_assert(client_sees_end(harness, clients[0]));
    settle(harness);
    ck_assert(harness->node->calls[0].cancelled);
    ck_assert(exchange(harness, clients[4], HEALTH));
    for (int i = 0; i < 5; i++) {
        close(clients[i]);
    }
    harness_end(harness);
}
END_TEST

START_TEST(three_hundred_idle_connections_slow_nobody) {
    struct harness *harness = harness_create();
    harness->options.connections_max = 1000;
    harness_start(harness);
    int clients[300];
    for (int i = 0; i < 300; i++) {
        clients[i] = client_open(harness);
        if (i % 2 == 0) {
            client_send_text(harness, clients[i], "POST /v1/propose HTTP/1.1\r\nHost: loc");
        }
    }
    for (int i = 0; i < 100; i++) {
        struct reply reply = post(harness, "/v1/propose", "1");
        ck_assert_uint_eq(reply.status, 200);
        reply_free(&reply);
    }
    for (int i = 0; i < 300; i++) {
        close(clients[i]);
    }
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_connection_that_says_nothing_is_closed_after_ten_seconds);
    tcase_add_test(tcase, a_drip_feeder_of_the_head_is_closed_though_it_goes_on);
    tcase_add_test(tcase, a_kept_connection_may_be_idle_for_a_minute);
    tcase_add_test(tcase, a_body_has_half_a_minute_and_a_second_for_each_64_kib);
    tcase_add_test(tcase, a_chunked_body_earns_its_time_by_what_it_sends);
    tcase_add_test(tcase, whoever_does_not_read_its_answer_is_closed);
    tcase_add_test(tcase, a_request_that_waits_has_no_deadline_here);
    tcase_add_test(tcase, a_client_that_hangs_up_while_it_waits_is_cancelled);
    tcase_add_test(tcase, a_client_that_hung_up_before_its_request_was_read_is_cancelled_at_once);
    tcase_add_test(tcase, beyond_the_limit_the_longest_idle_client_goes);
    tcase_add_test(tcase, a_peer_whose_last_connection_closes_is_told_to_be_gone);
    tcase_add_test(tcase, a_connection_for_one_request_says_nothing_of_the_peer);
    tcase_add_test(tcase, a_connection_that_this_side_closes_says_nothing_of_the_peer);
    tcase_add_test(tcase, a_peer_is_never_closed_to_make_room_and_may_be_idle_for_longer);
    tcase_add_test(tcase, when_all_are_busy_twice_the_limit_is_where_waiting_clients_go);
    tcase_add_test(tcase, three_hundred_idle_connections_slow_nobody);
}

CHECK_MAIN("connections", add_tests)
