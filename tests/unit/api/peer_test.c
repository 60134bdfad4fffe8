#include "api/peer.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include "server/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ADDRESS                                                                                                            \
    "\"cluster_id\":\"00112233445566778899aabbccddeeff\",\"from\":2,\"from_incarnation\":"                                 \
    "\"0123456789abcdef0123456789abcdef\",\"to\":1,\"to_incarnation\":\"0123456789abcdef0123456789abcdef\",\"round\":5,\"term\":8"
#define VOTE "{" ADDRESS ",\"candidate_id\":2,\"last_log_index\":40,\"last_log_term\":7,\"pre_vote\":true}"

START_TEST(a_request_reaches_the_node_and_its_answer_the_peer) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/raft/v1/request_vote", VOTE);
    ck_assert(reply_has(&reply, "Content-Type", "application/json"));
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(strstr(reply.body, "\"vote_granted\":true") != NULL);
    ck_assert(strstr(reply.body, "\"round\":5") != NULL);
    reply_free(&reply);
    ck_assert_int_eq(fake_node_last(harness->node)->message, MESSAGE_REQUEST_VOTE);
    ck_assert_uint_ne(fake_node_last(harness->node)->ticket, 0);
    harness_end(harness);
}
END_TEST

START_TEST(a_refusal_is_a_problem_with_its_status) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_WRONG_CLUSTER, false, "not this cluster");
    struct reply reply = post(harness, "/raft/v1/request_vote", VOTE);
    ck_assert(strstr(reply.body, "\"incarnation\"") != NULL);
    ck_assert_uint_eq(reply.status, 421);
    ck_assert(reply_has(&reply, "Content-Type", "application/problem+json"));
    ck_assert(strstr(reply.body, "\"code\":\"wrong_cluster\"") != NULL);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_refusal_that_passes_says_when_to_try_again) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_NO_LEADER, false, "no leader is known");
    struct reply reply = post(harness, "/raft/v1/request_vote", VOTE);
    ck_assert_uint_eq(reply.status, 503);
    ck_assert(reply_has(&reply, "Retry-After", "1"));
    reply_free(&reply);
    problem_set(&harness->node->problem, PROBLEM_WRONG_CLUSTER, false, "not this cluster");
    reply = post(harness, "/raft/v1/request_vote", VOTE);
    ck_assert(!reply_has(&reply, "Retry-After", "1"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(what_is_malformed_never_reaches_the_node) {
    struct harness *harness = harness_begin();
    const char *kinds[] = {"append_entries", "request_vote", "read_index", "propose", "probe"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "/raft/v1/%s", kinds[i]);
        struct reply reply = post(harness, path, "{}");
        check_problem(&reply, 400, "bad_request", NULL);
        reply = post(harness, path, "{x");
        ck_assert(strstr(reply.body, "\"offset\":1") != NULL);
        check_problem(&reply, 400, "bad_json", NULL);
        reply = post(harness, path, "");
        check_problem(&reply, 400, "bad_json", NULL);
        reply = post(harness, path, "[]");
        check_problem(&reply, 400, "bad_request", NULL);
    }
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

#define CHUNK                                                                                                              \
    "/raft/v1/install_snapshot?cluster_id=00112233445566778899aabbccddeeff&from=2&from_incarnation="                       \
    "0123456789abcdef0123456789abcdef&to=1&to_incarnation=0123456789abcdef0123456789abcdef&round=5&term=8"                 \
    "&snapshot_index=40&snapshot_term=7&length=1048576&crc=1&offset=0&done=false"

START_TEST(a_piece_of_a_snapshot_reaches_the_node_and_its_answer_the_peer) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, CHUNK, "not JSON");
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(strstr(reply.body, "\"stored\":8") != NULL);
    ck_assert(strstr(reply.body, "\"round\":5") != NULL);
    reply_free(&reply);
    ck_assert_int_eq(fake_node_last(harness->node)->message, MESSAGE_INSTALL_SNAPSHOT);
    /* An empty one as well. */
    reply = post(harness, CHUNK, "");
    ck_assert(strstr(reply.body, "\"stored\":0") != NULL);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_malformed_piece_never_reaches_the_node) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/raft/v1/install_snapshot", "{}");
    check_problem(&reply, 400, "bad_request", NULL);
    reply = post(harness, CHUNK "&offset=0", "");
    check_problem(&reply, 400, "bad_request", NULL);
    reply = get(harness, CHUNK);
    check_problem(&reply, 405, "method_not_allowed", NULL);
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(a_piece_has_a_largest_size) {
    struct harness *harness = harness_begin();
    char *bytes = memory_zalloc(MESSAGE_CHUNK_BYTES_MAX + 2);
    memset(bytes, 'x', MESSAGE_CHUNK_BYTES_MAX + 1);
    struct reply reply = post(harness, CHUNK, bytes);
    check_problem(&reply, 413, "too_large", NULL);
    ck_assert_uint_eq(harness->node->call_count, 0);
    bytes[MESSAGE_CHUNK_BYTES_MAX] = '\0';
    reply = post(harness, CHUNK, bytes);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    free(bytes);
    harness_end(harness);
}
END_TEST

START_TEST(an_answer_that_comes_after_the_peer_hung_up_is_dropped) {
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    char text[1024];
    snprintf(text, sizeof text, "POST /raft/v1/request_vote HTTP/1.1\r\nHost: n\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(VOTE), VOTE);
    int first = client_open(harness);
    client_send_text(harness, first, text);
    harness_until_calls(harness, 1);
    close(first);
    for (int i = 0; i < 100 && !api_idle(harness->api); i++) {
        harness_turn(harness);
    }
    ck_assert(api_idle(harness->api));
    /* Another request may have taken the place of the first: it must not get its answer. */
    int second = client_open(harness);
    client_send_text(harness, second, text);
    harness_until_calls(harness, 2);
    ck_assert_uint_ne(harness->node->calls[0].ticket, harness->node->calls[1].ticket);
    struct message_answer stale = {.kind = MESSAGE_READ_INDEX, .from = 1, .term = 7, .round = 5};
    strcpy(stale.incarnation, "0123456789abcdef0123456789abcdef");
    api_reply(harness->api, harness->node->calls[0].ticket, &stale);
    api_reply(harness->api, 0, &stale);
    api_reply(harness->api, UINT64_MAX, &stale);
    harness->node->calls[0].answered = true;
    harness->node->hold = false;
    struct reply reply = client_read(harness, second);
    ck_assert(strstr(reply.body, "vote_granted") != NULL);
    reply_free(&reply);
    close(second);
    harness_end(harness);
}
END_TEST

START_TEST(answers_to_peers_carry_no_fields_for_clients) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/raft/v1/request_vote", VOTE);
    char value[512];
    ck_assert_ptr_null(reply_field(&reply, "Raft-Term", value));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_request_reaches_the_node_and_its_answer_the_peer);
    tcase_add_test(tcase, a_refusal_is_a_problem_with_its_status);
    tcase_add_test(tcase, a_refusal_that_passes_says_when_to_try_again);
    tcase_add_test(tcase, what_is_malformed_never_reaches_the_node);
    tcase_add_test(tcase, a_piece_of_a_snapshot_reaches_the_node_and_its_answer_the_peer);
    tcase_add_test(tcase, a_malformed_piece_never_reaches_the_node);
    tcase_add_test(tcase, a_piece_has_a_largest_size);
    tcase_add_test(tcase, an_answer_that_comes_after_the_peer_hung_up_is_dropped);
    tcase_add_test(tcase, answers_to_peers_carry_no_fields_for_clients);
}

CHECK_MAIN("peer", add_tests)
