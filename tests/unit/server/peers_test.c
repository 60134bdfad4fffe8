/* Many messages and gets beside each other, on connections that are used again. */
#include "server/peers.h"
#include "tests/check_main.h"
#include "tests/unit/server/peers_side.h"

START_TEST(one_connection_serves_one_request_after_the_other) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    for (uint64_t token = 0; token < 100; token++) {
        assert_end(ask(side, peer->url, MESSAGE_READ_INDEX, token, LONG_MS), TRANSPORT_ANSWERED, "");
    }
    ck_assert_uint_eq(fake_peer_requests(peer), 100);
    ck_assert_uint_eq(fake_peer_connections(peer), 1);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_connection_that_was_closed_while_idle_is_not_used_again) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS_AND_CLOSES, PROPOSE_ANSWER);
    struct side *side = side_start();
    for (uint64_t token = 0; token < 5; token++) {
        assert_end(ask(side, peer->url, MESSAGE_PROPOSE, token, LONG_MS), TRANSPORT_ANSWERED, "");
        /* The close has arrived when the other side has let go of the socket. */
        pthread_mutex_lock(&peer->mutex);
        int socket = peer->sockets[peer->thread_count - 1];
        pthread_mutex_unlock(&peer->mutex);
        while (socket >= 0) {
            sched_yield();
            pthread_mutex_lock(&peer->mutex);
            socket = peer->sockets[peer->thread_count - 1];
            pthread_mutex_unlock(&peer->mutex);
        }
    }
    ck_assert_uint_eq(fake_peer_requests(peer), 5);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_hundred_requests_are_under_way_at_once) {
    /* Given four servers that answer when they are told to */
    enum { PEERS = 4, REQUESTS = 100 };
    struct fake_peer *peers[PEERS];
    for (size_t i = 0; i < PEERS; i++) {
        peers[i] = fake_peer_start(FAKE_PEER_HOLDS, READ_INDEX_ANSWER);
    }
    struct side *side = side_start();
    for (uint64_t token = 0; token < REQUESTS; token++) {
        send_kind(side, peers[token % PEERS]->url, MESSAGE_READ_INDEX, token, LONG_MS);
    }
    /* When all have arrived, none is answered */
    size_t arrived = 0;
    while (arrived < REQUESTS) {
        turn(side);
        arrived = 0;
        for (size_t i = 0; i < PEERS; i++) {
            arrived += fake_peer_requests(peers[i]);
        }
    }
    ck_assert_uint_eq(side->end_count, 0);
    /* Then each gets its answer */
    for (size_t i = 0; i < PEERS; i++) {
        fake_peer_release(peers[i]);
    }
    turn_until_ends(side, REQUESTS);
    for (uint64_t token = 0; token < REQUESTS; token++) {
        ck_assert_uint_eq(side->ends[token].count, 1);
        assert_end(&side->ends[token], TRANSPORT_ANSWERED, "");
    }
    /* And their connections serve the next ones */
    for (uint64_t token = REQUESTS; token < 2 * REQUESTS; token++) {
        send_kind(side, peers[token % PEERS]->url, MESSAGE_READ_INDEX, token, LONG_MS);
    }
    turn_until_ends(side, 2 * REQUESTS);
    for (size_t i = 0; i < PEERS; i++) {
        ck_assert_uint_eq(fake_peer_connections(peers[i]), REQUESTS / PEERS);
    }
    side_stop(side);
    for (size_t i = 0; i < PEERS; i++) {
        fake_peer_stop(peers[i]);
    }
}
END_TEST

START_TEST(who_is_told_of_an_end_may_send) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    side->again_url = peer->url;
    send_kind(side, peer->url, MESSAGE_READ_INDEX, 0, LONG_MS);
    turn_until_ends(side, 2);
    assert_end(&side->ends[1], TRANSPORT_ANSWERED, "");
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_stalled_look_up_delays_nobody) {
    /* Given a name whose look-up hangs */
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    send_kind(side, "http://stalled.test:8001", MESSAGE_PROPOSE, 200, 300);
    uint64_t ticket = peers_get(side->peers, "http://stalled.test:8001/v1/status", LONG_MS, got, side);
    turn(side);
    side->longest_run_ms = 0;
    /* When others are asked until its time is over */
    uint64_t token = 0;
    while (side->ends[200].count == 0) {
        send_kind(side, peer->url, MESSAGE_READ_INDEX, token, LONG_MS);
        while (side->ends[token].count == 0) {
            turn(side);
        }
        assert_end(&side->ends[token], TRANSPORT_ANSWERED, "");
        side->ends[token].count = 0;
        token = (token + 1) % 100;
    }
    /* Then no turn waited, neither for the end of that request nor of the one that is cancelled */
    assert_end(&side->ends[200], TRANSPORT_NOT_SENT, "timed out");
    uint64_t before = now_ms();
    peers_cancel(side->peers, ticket);
    ck_assert_uint_lt(now_ms() - before, 250);
    ck_assert_uint_lt(side->longest_run_ms, 250);
    /* Nor does the end of all */
    before = now_ms();
    side_stop(side);
    ck_assert_uint_lt(now_ms() - before, 1000);
    release_names();
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_name_is_resolved_anew_for_each_connection) {
    /* Given a server, and another one at the same port of another address */
    struct fake_peer *old = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    unsigned port = fake_peer_port(old->url);
    struct fake_peer *new = fake_peer_start_at("127.0.0.2", port, FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    char url[64];
    snprintf(url, sizeof url, "http://moving.test:%u", port);
    assert_end(ask(side, url, MESSAGE_READ_INDEX, 0, LONG_MS), TRANSPORT_ANSWERED, "");
    ck_assert_uint_eq(fake_peer_requests(old), 1);
    /* When the first one is gone */
    fake_peer_stop(old);
    /* Then the name leads to the second */
    assert_end(ask(side, url, MESSAGE_READ_INDEX, 1, LONG_MS), TRANSPORT_ANSWERED, "");
    ck_assert_uint_eq(fake_peer_requests(new), 1);
    side_stop(side);
    fake_peer_stop(new);
}
END_TEST

/* What stands in the last request's Authorization field; empty: there is none. */
static void last_authorization(struct fake_peer *peer, char out_value[64]) {
    pthread_mutex_lock(&peer->mutex);
    const char *field = strcasestr(peer->last_request, "\r\nAuthorization: ");
    snprintf(out_value, 64, "%.*s", field == NULL ? 0 : (int)strcspn(field + 17, "\r"), field == NULL ? "" : field + 17);
    pthread_mutex_unlock(&peer->mutex);
}

START_TEST(every_request_carries_the_newest_token) {
    static const char *const tokens[] = {NULL, "first", "second", "second", NULL, "third"};
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    for (uint64_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        char expected[64];
        char found[64];
        snprintf(expected, sizeof expected, "%s%s", tokens[i] != NULL ? "Bearer " : "", tokens[i] != NULL ? tokens[i] : "");
        peers_set_token(side->peers, tokens[i]);
        assert_end(ask(side, peer->url, MESSAGE_READ_INDEX, i, LONG_MS), TRANSPORT_ANSWERED, "");
        last_authorization(peer, found);
        ck_assert_str_eq(found, expected);
    }
    ck_assert_uint_eq(fake_peer_connections(peer), 1);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_token_that_is_refused_is_not_sent_again) {
    struct fake_peer *peer =
        fake_peer_start(FAKE_PEER_ANSWERS, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"raftd\"\r\n"
                                           "Content-Length: 23\r\n\r\n{\"code\":\"unauthorized\"}");
    struct side *side = side_start();
    peers_set_token(side->peers, "old");
    assert_end(ask(side, peer->url, MESSAGE_PROPOSE, 0, LONG_MS), TRANSPORT_ANSWERED, "");
    ck_assert_uint_eq(fake_peer_requests(peer), 1);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_get_brings_status_and_body) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
    struct side *side = side_start();
    char url[128];
    snprintf(url, sizeof url, "%s/v1/status?x=1", peer->url);
    ck_assert_uint_ne(peers_get(side->peers, url, LONG_MS, got, side), 0);
    ck_assert_uint_eq(side->got_count, 0);
    while (side->got_count == 0) {
        turn(side);
    }
    ck_assert_uint_eq(side->got_status, 404);
    ck_assert_str_eq(side->got_body, "none");
    ck_assert_str_eq(side->got_why, "");
    ck_assert_int_eq(strncmp(peer->last_request, "GET /v1/status?x=1 HTTP/1.1\r\n", 29), 0);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_get_without_an_answer_says_why) {
    char url[64];
    int listener = fake_peer_listen("127.0.0.1", 0, 1, url, sizeof url);
    close(listener);
    struct side *side = side_start();
    peers_get(side->peers, url, LONG_MS, got, side);
    while (side->got_count == 0) {
        turn(side);
    }
    ck_assert_uint_eq(side->got_status, 0);
    ck_assert_str_eq(side->got_body, "");
    ck_assert_str_eq(side->got_why, "connection refused");
    side_stop(side);
}
END_TEST

START_TEST(gets_and_messages_use_the_same_handles) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    for (uint64_t token = 0; token < 6; token++) {
        assert_end(ask(side, peer->url, MESSAGE_READ_INDEX, token, LONG_MS), TRANSPORT_ANSWERED, "");
        ck_assert_int_eq(strncmp(peer->last_request, "POST ", 5), 0);
        peers_get(side->peers, peer->url, LONG_MS, got, side);
        while (side->got_count == token) {
            turn(side);
        }
        ck_assert_uint_eq(side->got_status, 200);
        ck_assert_int_eq(strncmp(peer->last_request, "GET ", 4), 0);
        ck_assert_ptr_null(strcasestr(peer->last_request, "Content-Length"));
    }
    ck_assert_uint_eq(fake_peer_connections(peer), 1);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_cancelled_get_is_reported_to_nobody) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_HOLDS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    uint64_t ticket = peers_get(side->peers, peer->url, LONG_MS, got, side);
    uint64_t other = peers_get(side->peers, peer->url, LONG_MS, got, side);
    ck_assert_uint_ne(ticket, other);
    while (fake_peer_requests(peer) < 2) {
        turn(side);
    }
    peers_cancel(side->peers, ticket);
    peers_cancel(side->peers, ticket);
    fake_peer_release(peer);
    while (side->got_count == 0) {
        turn(side);
    }
    /* Neither does one appear that has not set out. */
    peers_cancel(side->peers, peers_get(side->peers, peer->url, LONG_MS, got, side));
    peers_cancel(side->peers, other);
    assert_end(ask(side, peer->url, MESSAGE_READ_INDEX, 0, LONG_MS), TRANSPORT_ANSWERED, "");
    ck_assert_uint_eq(side->got_count, 1);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(what_is_under_way_at_the_end_is_reported_to_nobody) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_HOLDS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    for (uint64_t token = 0; token < 10; token++) {
        send_kind(side, peer->url, MESSAGE_READ_INDEX, token, LONG_MS);
        peers_get(side->peers, peer->url, LONG_MS, got, side);
    }
    while (fake_peer_requests(peer) < 10) {
        turn(side);
    }
    peers_destroy(side->peers);
    ck_assert_uint_eq(side->end_count, 0);
    ck_assert_uint_eq(side->got_count, 0);
    free(side);
    fake_peer_stop(peer);
    peers_destroy(NULL);
}
END_TEST

START_TEST(waiting_ends_when_another_descriptor_is_ready) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct side *side = side_start();
    ck_assert_int_eq((int)write(ends[1], "x", 1), 1);
    struct curl_waitfd extra = {.fd = ends[0], .events = CURL_WAIT_POLLIN};
    uint64_t before = now_ms();
    peers_wait(side->peers, &extra, 1, LONG_MS);
    ck_assert_uint_lt(now_ms() - before, LONG_MS / 2);
    ck_assert_int_ne(extra.revents & CURL_WAIT_POLLIN, 0);
    side_stop(side);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, one_connection_serves_one_request_after_the_other);
    tcase_add_test(tcase, a_connection_that_was_closed_while_idle_is_not_used_again);
    tcase_add_test(tcase, a_hundred_requests_are_under_way_at_once);
    tcase_add_test(tcase, who_is_told_of_an_end_may_send);
    tcase_add_test(tcase, a_stalled_look_up_delays_nobody);
    tcase_add_test(tcase, a_name_is_resolved_anew_for_each_connection);
    tcase_add_test(tcase, every_request_carries_the_newest_token);
    tcase_add_test(tcase, a_token_that_is_refused_is_not_sent_again);
    tcase_add_test(tcase, a_get_brings_status_and_body);
    tcase_add_test(tcase, a_get_without_an_answer_says_why);
    tcase_add_test(tcase, gets_and_messages_use_the_same_handles);
    tcase_add_test(tcase, a_cancelled_get_is_reported_to_nobody);
    tcase_add_test(tcase, what_is_under_way_at_the_end_is_reported_to_nobody);
    tcase_add_test(tcase, waiting_ends_when_another_descriptor_is_ready);
}

CHECK_MAIN("peers", add_tests)
