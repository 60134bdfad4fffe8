/* One message at a time, to servers that answer, break, lie, sleep or are not there: how it ends. */
#include "server/peers.h"
#include "tests/check_main.h"
#include "tests/unit/server/peers_side.h"

START_TEST(an_answer_is_read_and_reported) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    struct end *end = ask(side, peer->url, MESSAGE_READ_INDEX, 3, LONG_MS);
    assert_end(end, TRANSPORT_ANSWERED, "");
    ck_assert_int_eq(end->problem.code, PROBLEM_NONE);
    ck_assert_uint_eq(end->read_index, 41);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_request_is_a_plain_post) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, PROPOSE_ANSWER);
    struct side *side = side_start();
    ask(side, peer->url, MESSAGE_PROPOSE, 3, LONG_MS);
    const char *request = peer->last_request;
    ck_assert_int_eq(strncmp(request, "POST /raft/v1/propose HTTP/1.1\r\n", 32), 0);
    ck_assert_ptr_nonnull(strstr(request, "\r\nContent-Type: application/json\r\n"));
    ck_assert_ptr_null(strcasestr(request, "\r\nExpect:"));
    ck_assert_ptr_null(strcasestr(request, "\r\nTransfer-Encoding:"));
    ck_assert_ptr_nonnull(strstr(request, "\r\n\r\n{\"cluster_id\":\"" CLUSTER "\""));
    ck_assert_ptr_nonnull(strstr(request, "\"commands\":[{\"op\":\"count\"}]}"));
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_piece_of_a_snapshot_is_posted_as_its_bytes) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    ask(side, peer->url, MESSAGE_INSTALL_SNAPSHOT, 3, LONG_MS);
    const char *request = peer->last_request;
    ck_assert_int_eq(strncmp(request, "POST /raft/v1/install_snapshot?cluster_id=" CLUSTER "&from=1&", 82), 0);
    ck_assert_ptr_nonnull(
        strstr(request, "&snapshot_index=40&snapshot_term=6&length=1000&crc=1&offset=2&done=false HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "\r\nContent-Type: application/octet-stream\r\n"));
    ck_assert_ptr_null(strcasestr(request, "application/json"));
    ck_assert_ptr_nonnull(strstr(request, "\r\nContent-Length: 5\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "\r\n\r\n23456"));
    /* The next one is JSON again. */
    ask(side, peer->url, MESSAGE_PROPOSE, 4, LONG_MS);
    ck_assert_ptr_nonnull(strstr(peer->last_request, "\r\nContent-Type: application/json\r\n"));
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(results_lie_in_the_body_that_comes_with_them) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, PROPOSE_ANSWER);
    struct side *side = side_start();
    struct end *end = ask(side, peer->url, MESSAGE_PROPOSE, 3, LONG_MS);
    ck_assert_uint_eq(end->line_count, 1);
    ck_assert_str_eq(end->result, "{ }");
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_refusal_is_an_answer_with_a_problem) {
    static const char answer[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: 91\r\n\r\n"
        "{\"status\":503,\"code\":\"not_leader\",\"detail\":\"term 8\",\"outcome\":\"rejected\",\"from\":2,\"term\":8}";
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, answer);
    struct side *side = side_start();
    struct end *end = ask(side, peer->url, MESSAGE_PROPOSE, 3, LONG_MS);
    assert_end(end, TRANSPORT_ANSWERED, "");
    ck_assert_int_eq(end->problem.code, PROBLEM_NOT_LEADER);
    ck_assert(!end->problem.outcome_unknown);
    ck_assert_str_eq(end->problem.detail, "term 8");
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_redirect_is_not_followed) {
    struct fake_peer *other = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    char answer[256];
    snprintf(answer, sizeof answer, "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s/\r\nContent-Length: 2\r\n\r\n{}",
             other->url);
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, answer);
    struct side *side = side_start();
    struct end *end = ask(side, peer->url, MESSAGE_READ_INDEX, 3, LONG_MS);
    assert_end(end, TRANSPORT_ANSWERED, "");
    ck_assert_int_eq(end->problem.code, PROBLEM_NOT_LEADER);
    ck_assert_uint_eq(fake_peer_connections(other), 0);
    side_stop(side);
    fake_peer_stop(peer);
    fake_peer_stop(other);
}
END_TEST

START_TEST(the_environments_proxies_are_not_used) {
    struct fake_peer *proxy = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    setenv("http_proxy", proxy->url, 1);
    setenv("all_proxy", proxy->url, 1);
    struct side *side = side_start();
    assert_end(ask(side, peer->url, MESSAGE_READ_INDEX, 0, LONG_MS), TRANSPORT_ANSWERED, "");
    ck_assert_uint_eq(fake_peer_requests(peer), 1);
    ck_assert_uint_eq(fake_peer_connections(proxy), 0);
    side_stop(side);
    fake_peer_stop(peer);
    fake_peer_stop(proxy);
}
END_TEST

START_TEST(a_proposal_whose_leader_closes_without_an_answer_arrives_once) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_READS_AND_CLOSES, "");
    struct side *side = side_start();
    assert_end(ask(side, peer->url, MESSAGE_PROPOSE, 3, LONG_MS), TRANSPORT_BROKEN, "connection broken");
    ck_assert_uint_eq(fake_peer_requests(peer), 1);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_proposal_on_a_reused_connection_that_dies_arrives_once_too) {
    /* Given a connection that has served a request */
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS_FIRST, PROPOSE_ANSWER);
    struct side *side = side_start();
    assert_end(ask(side, peer->url, MESSAGE_PROPOSE, 3, LONG_MS), TRANSPORT_ANSWERED, "");
    /* When it dies after the second one was read */
    assert_end(ask(side, peer->url, MESSAGE_PROPOSE, 4, LONG_MS), TRANSPORT_BROKEN, "connection broken");
    /* Then nothing was sent again */
    ck_assert_uint_eq(fake_peer_requests(peer), 2);
    /* And the next one takes a connection of its own */
    assert_end(ask(side, peer->url, MESSAGE_PROPOSE, 5, LONG_MS), TRANSPORT_ANSWERED, "");
    ck_assert_uint_eq(fake_peer_requests(peer), 3);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_proposal_whose_leader_dies_with_the_connection_may_have_arrived) {
    /* Given a connection that has served a request, to a server that takes no other one */
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS_FIRST, PROPOSE_ANSWER);
    struct side *side = side_start();
    assert_end(ask(side, peer->url, MESSAGE_PROPOSE, 3, LONG_MS), TRANSPORT_ANSWERED, "");
    fake_peer_stop_listening(peer);
    /* When the connection dies after the second one was read, and libcurl in vain tries to make another */
    struct end *end = ask(side, peer->url, MESSAGE_PROPOSE, 4, LONG_MS);
    /* Then it is not said that nothing was sent */
    ck_assert_uint_eq(fake_peer_requests(peer), 2);
    assert_end(end, TRANSPORT_BROKEN, "connection broken");
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_dead_leader_spoils_nothing_for_the_others) {
    /* Given a leader whose connection died under a proposal, so that libcurl tried again and was to rewind the body */
    struct fake_peer *leader = fake_peer_start(FAKE_PEER_ANSWERS_FIRST, PROPOSE_ANSWER);
    struct fake_peer *other = fake_peer_start(FAKE_PEER_ANSWERS, READ_INDEX_ANSWER);
    struct side *side = side_start();
    assert_end(ask(side, leader->url, MESSAGE_PROPOSE, 3, LONG_MS), TRANSPORT_ANSWERED, "");
    fake_peer_stop_listening(leader);
    assert_end(ask(side, leader->url, MESSAGE_PROPOSE, 4, LONG_MS), TRANSPORT_BROKEN, "connection broken");
    /* When another node is asked, then nothing of that is left */
    assert_end(ask(side, other->url, MESSAGE_READ_INDEX, 5, LONG_MS), TRANSPORT_ANSWERED, "");
    ck_assert_uint_eq(fake_peer_requests(other), 1);
    side_stop(side);
    fake_peer_stop(leader);
    fake_peer_stop(other);
}
END_TEST

START_TEST(a_connection_that_is_closed_unread_is_broken) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_CLOSES_UNREAD, "");
    struct side *side = side_start();
    struct end *end = ask(side, peer->url, MESSAGE_PROPOSE, 3, LONG_MS);
    /* Whether a byte of the body was on its way when the connection was reset is a matter of luck. */
    ck_assert(end->end == TRANSPORT_BROKEN || end->end == TRANSPORT_NOT_SENT);
    ck_assert_str_eq(end->why, "connection broken");
    ck_assert_uint_eq(fake_peer_requests(peer), 0);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(where_nobody_listens_nothing_is_sent) {
    char url[64];
    int listener = fake_peer_listen("127.0.0.1", 0, 1, url, sizeof url);
    close(listener);
    struct side *side = side_start();
    assert_end(ask(side, url, MESSAGE_PROPOSE, 3, LONG_MS), TRANSPORT_NOT_SENT, "connection refused");
    side_stop(side);
}
END_TEST

START_TEST(a_host_that_takes_no_connection_is_given_up) {
    /* Given a listener whose queue is full: further connections are not answered */
    char url[64];
    int listener = fake_peer_listen("127.0.0.1", 0, 0, url, sizeof url);
    int waiting[8];
    for (size_t i = 0; i < 8; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)fake_peer_port(url))};
        inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(waiting[i], (struct sockaddr *)&at, sizeof at);
    }
    struct side *side = side_start();
    /* When the time for the connection is over, or the request's own time is */
    assert_end(ask(side, url, MESSAGE_PROPOSE, 3, LONG_MS), TRANSPORT_NOT_SENT, "timed out");
    assert_end(ask(side, url, MESSAGE_PROPOSE, 4, 50), TRANSPORT_NOT_SENT, "timed out");
    side_stop(side);
    for (size_t i = 0; i < 8; i++) {
        close(waiting[i]);
    }
    close(listener);
}
END_TEST

START_TEST(a_name_that_nobody_has_is_not_resolved) {
    struct side *side = side_start();
    assert_end(ask(side, "http://nobody.test:8001", MESSAGE_PROPOSE, 3, LONG_MS), TRANSPORT_NOT_SENT, "name not resolved");
    side_stop(side);
}
END_TEST

START_TEST(an_answer_that_does_not_come_in_time_is_unknown) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_HOLDS, PROPOSE_ANSWER);
    struct side *side = side_start();
    uint64_t begin = now_ms();
    assert_end(ask(side, peer->url, MESSAGE_PROPOSE, 3, 100), TRANSPORT_BROKEN, "timed out");
    ck_assert_uint_ge(now_ms() - begin, 100);
    /* The answer that comes late is nobody's. */
    fake_peer_release(peer);
    assert_end(ask(side, peer->url, MESSAGE_PROPOSE, 4, LONG_MS), TRANSPORT_ANSWERED, "");
    ck_assert_uint_eq(side->ends[3].count, 1);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_peer_that_reads_nothing_is_given_up) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_READS_NOTHING, "");
    struct side *side = side_start();
    char *large = memory_alloc(2 << 20);
    memset(large, '1', 2 << 20);
    struct json_span command = {large, 2 << 20};
    struct message_request request = {.kind = MESSAGE_PROPOSE, .propose = {.term = 1, .count = 1, .commands = &command}};
    side->transport.send(side->transport.context, peer->url, &request, 300, 3);
    turn_until_ends(side, 1);
    assert_end(&side->ends[3], TRANSPORT_BROKEN, "timed out");
    free(large);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(a_large_request_arrives_whole) {
    struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, PROPOSE_ANSWER);
    struct side *side = side_start();
    enum { SIZE = 3 << 20 };
    char *large = memory_alloc(SIZE);
    memset(large, '1', SIZE);
    struct json_span command = {large, SIZE};
    struct message_request request = {.kind = MESSAGE_PROPOSE, .propose = {.term = 1, .count = 1, .commands = &command}};
    side->transport.send(side->transport.context, peer->url, &request, LONG_MS, 3);
    turn_until_ends(side, 1);
    assert_end(&side->ends[3], TRANSPORT_ANSWERED, "");
    char *commands = strstr(peer->last_request, "\"commands\":[");
    ck_assert_ptr_nonnull(commands);
    ck_assert_int_eq(memcmp(commands + 12, large, SIZE), 0);
    ck_assert_str_eq(commands + 12 + SIZE, "]}");
    free(large);
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

START_TEST(answers_that_make_no_sense_are_broken) {
    static const char *const answers[] = {
        "hello\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"from\":2}",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n<html>nothing</html>",
        "HTTP/9.9 200 OK\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS_AND_CLOSES, answers[i]);
        struct side *side = side_start();
        struct end *end = ask(side, peer->url, MESSAGE_READ_INDEX, 3, LONG_MS);
        ck_assert_msg(end->end == TRANSPORT_BROKEN, "taken: %s", answers[i]);
        ck_assert_msg(strcmp(end->why, "answer not understood") == 0, "'%s': %s", end->why, answers[i]);
        side_stop(side);
        fake_peer_stop(peer);
    }
}
END_TEST

START_TEST(an_answer_that_is_cut_off_is_broken) {
    struct fake_peer *peer =
        fake_peer_start(FAKE_PEER_ANSWERS_AND_CLOSES, ANSWER_HEAD "Content-Length: 95\r\n\r\n" READ_INDEX_BODY);
    struct side *side = side_start();
    assert_end(ask(side, peer->url, MESSAGE_READ_INDEX, 3, LONG_MS), TRANSPORT_BROKEN, "connection broken");
    side_stop(side);
    fake_peer_stop(peer);
}
END_TEST

/* An answer whose body is READ_INDEX_BODY and white space up to `size`; chunked: in one chunk without a length in the head.
 */
static char *answer_of_size(size_t size, bool chunked) {
    char *answer = malloc(size + 256);
    ck_assert_ptr_nonnull(answer);
    int head = chunked ? sprintf(answer, ANSWER_HEAD "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", size)
                       : sprintf(answer, ANSWER_HEAD "Content-Length: %zu\r\n\r\n", size);
    memset(answer + head, ' ', size);
    memcpy(answer + head, READ_INDEX_BODY, sizeof READ_INDEX_BODY - 1);
    strcpy(answer + (size_t)head + size, chunked ? "\r\n0\r\n\r\n" : "");
    return answer;
}

START_TEST(an_answer_may_be_as_large_as_the_limit_and_no_larger) {
    for (int chunked = 0; chunked <= 1; chunked++) {
        for (size_t more = 0; more <= 1; more++) {
            char *answer = answer_of_size(ANSWER_MAX + more, chunked == 1);
            struct fake_peer *peer = fake_peer_start(FAKE_PEER_ANSWERS, answer);
            struct side *side = side_start();
            struct end *end = ask(side, peer->url, MESSAGE_READ_INDEX, 3, LONG_MS);
            assert_end(end, more == 0 ? TRANSPORT_ANSWERED : TRANSPORT_BROKEN, more == 0 ? "" : "answer too large");
            side_stop(side);
            fake_peer_stop(peer);
            free(answer);
        }
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_answer_is_read_and_reported);
    tcase_add_test(tcase, a_request_is_a_plain_post);
    tcase_add_test(tcase, a_piece_of_a_snapshot_is_posted_as_its_bytes);
    tcase_add_test(tcase, results_lie_in_the_body_that_comes_with_them);
    tcase_add_test(tcase, a_refusal_is_an_answer_with_a_problem);
    tcase_add_test(tcase, a_redirect_is_not_followed);
    tcase_add_test(tcase, the_environments_proxies_are_not_used);
    tcase_add_test(tcase, a_proposal_whose_leader_closes_without_an_answer_arrives_once);
    tcase_add_test(tcase, a_proposal_on_a_reused_connection_that_dies_arrives_once_too);
    tcase_add_test(tcase, a_proposal_whose_leader_dies_with_the_connection_may_have_arrived);
    tcase_add_test(tcase, a_dead_leader_spoils_nothing_for_the_others);
    tcase_add_test(tcase, a_connection_that_is_closed_unread_is_broken);
    tcase_add_test(tcase, where_nobody_listens_nothing_is_sent);
    tcase_add_test(tcase, a_host_that_takes_no_connection_is_given_up);
    tcase_add_test(tcase, a_name_that_nobody_has_is_not_resolved);
    tcase_add_test(tcase, an_answer_that_does_not_come_in_time_is_unknown);
    tcase_add_test(tcase, a_peer_that_reads_nothing_is_given_up);
    tcase_add_test(tcase, a_large_request_arrives_whole);
    tcase_add_test(tcase, answers_that_make_no_sense_are_broken);
    tcase_add_test(tcase, an_answer_that_is_cut_off_is_broken);
    tcase_add_test(tcase, an_answer_may_be_as_large_as_the_limit_and_no_larger);
}

CHECK_MAIN("peers_exchange", add_tests)
