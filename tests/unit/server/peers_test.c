/* Messages to servers that answer, break, lie, sleep or are not there. */
#include "server/peers.h"
#include "tests/check_main.h"
#include "tests/unit/server/fake_peer.h"
#include "tests/unit/server/message_text.h"

#include <dlfcn.h>
#include <netdb.h>
#include <time.h>

#define ANSWER_HEAD       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define READ_INDEX_BODY   "{\"from\":2,\"incarnation\":\"" TWO "\",\"term\":7,\"round\":9,\"read_index\":41}"
#define READ_INDEX_ANSWER ANSWER_HEAD "Content-Length: 94\r\n\r\n" READ_INDEX_BODY
_Static_assert(sizeof READ_INDEX_BODY - 1 == 94, "the Content-Length above");
#define PROPOSE_BODY                                                                                                       \
    "{\"from\":2,\"incarnation\":\"" TWO "\",\"term\":7,\"round\":9,\"lines\":[{\"index\":5,\"term\":7,\"result\":{ }}]}"
#define PROPOSE_ANSWER ANSWER_HEAD "Content-Length: 122\r\n\r\n" PROPOSE_BODY
_Static_assert(sizeof PROPOSE_BODY - 1 == 122, "the Content-Length above");

/* -- Names. getaddrinfo is this program's own: libcurl's calls come here. -- */

static pthread_mutex_t names_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t names_changed = PTHREAD_COND_INITIALIZER;
static bool names_released;
static size_t names_waiting;
static size_t names_asked;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof real);
    if (node != NULL && strcmp(node, "stalled.test") == 0) {
        pthread_mutex_lock(&names_mutex);
        names_waiting++;
        pthread_cond_broadcast(&names_changed);
        while (!names_released) {
            pthread_cond_wait(&names_changed, &names_mutex);
        }
        names_waiting--;
        pthread_cond_broadcast(&names_changed);
        pthread_mutex_unlock(&names_mutex);
        return EAI_NONAME;
    }
    if (node != NULL && strcmp(node, "nobody.test") == 0) {
        return EAI_NONAME;
    }
    if (node != NULL && strcmp(node, "moving.test") == 0) {
        pthread_mutex_lock(&names_mutex);
        node = names_asked++ == 0 ? "127.0.0.1" : "127.0.0.2";
        pthread_mutex_unlock(&names_mutex);
    }
    return real(node, service, hints, result);
}

static void release_names(void) {
    pthread_mutex_lock(&names_mutex);
    names_released = true;
    pthread_cond_broadcast(&names_changed);
    while (names_waiting > 0) {
        pthread_cond_wait(&names_changed, &names_mutex);
    }
    pthread_mutex_unlock(&names_mutex);
}

/* -- The side under test -- */

enum { ENDS_MAX = 256, ANSWER_MAX = 4096, LONG_MS = 30000 };

struct end {
    size_t count;
    enum transport_end end;
    char why[64];
    struct problem problem;
    raft_index read_index;
    size_t line_count;
    char result[64];
};

struct side {
    struct peers *peers;
    struct transport transport;
    struct end ends[ENDS_MAX]; /* By token. */
    size_t end_count;
    bool running;
    uint64_t longest_run_ms;
    const char *again_url; /* Not NULL: the end of token 0 sends token 1 there. */
    /* Of gets: */
    size_t got_count;
    unsigned got_status;
    char got_body[64];
    char got_why[64];
};

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void send_kind(struct side *side, const char *url, enum message_kind kind, uint64_t token, uint32_t timeout_ms) {
    struct json_span command = {"{\"op\":\"count\"}", 14};
    struct message_request request = {
        .kind = kind,
        .address = {.cluster_id = CLUSTER, .from = 1, .from_incarnation = ONE, .to = 2, .to_incarnation = TWO},
        .round = 9};
    if (kind == MESSAGE_PROPOSE) {
        request.propose =
            (struct message_propose){.term = 7, .sequence = token, .timeout_ms = 5000, .count = 1, .commands = &command};
    }
    side->transport.send(side->transport.context, url, &request, timeout_ms, token);
}

static void answered(void *context, uint64_t token, enum transport_end how, const struct message_answer *answer,
                     struct buffer *body, const char *why) {
    struct side *side = context;
    ck_assert(side->running);
    ck_assert_uint_lt(token, ENDS_MAX);
    struct end *end = &side->ends[token];
    end->count++;
    end->end = how;
    snprintf(end->why, sizeof end->why, "%s", why);
    side->end_count++;
    ck_assert((how == TRANSPORT_ANSWERED) == (answer != NULL));
    ck_assert((how == TRANSPORT_ANSWERED) == (body != NULL));
    if (answer != NULL) {
        end->problem = answer->problem;
        if (answer->problem.code == PROBLEM_NONE && answer->kind == MESSAGE_READ_INDEX) {
            end->read_index = answer->read_index;
        }
        if (answer->problem.code == PROBLEM_NONE && answer->kind == MESSAGE_PROPOSE) {
            end->line_count = answer->propose.count;
            struct json_span result = answer->propose.lines[0].result;
            ck_assert(result.data > body->data && result.data < body->data + body->size);
            snprintf(end->result, sizeof end->result, "%.*s", (int)result.size, result.data);
        }
    }
    if (side->again_url != NULL && token == 0) {
        send_kind(side, side->again_url, MESSAGE_READ_INDEX, 1, LONG_MS);
    }
}

static void got(void *context, unsigned status, const char *body, size_t size, const char *why) {
    struct side *side = context;
    ck_assert(side->running);
    side->got_count++;
    side->got_status = status;
    snprintf(side->got_body, sizeof side->got_body, "%.*s", (int)size, body);
    snprintf(side->got_why, sizeof side->got_why, "%s", why);
}

static struct side *side_start(void) {
    struct side *side = memory_zalloc(sizeof *side);
    struct peers_options options = {.connect_timeout_ms = 1000, .answer_bytes_max = ANSWER_MAX};
    side->peers = peers_create(&options);
    peers_attach(side->peers, answered, side);
    side->transport = peers_transport(side->peers);
    return side;
}

static void side_stop(struct side *side) {
    peers_destroy(side->peers);
    free(side);
}

/* One turn of the loop. */
static void turn(struct side *side) {
    uint64_t before = now_ms();
    side->running = true;
    peers_run(side->peers);
    side->running = false;
    uint64_t took = now_ms() - before;
    side->longest_run_ms = took > side->longest_run_ms ? took : side->longest_run_ms;
    peers_wait(side->peers, NULL, 0, 20);
}

static void turn_until_ends(struct side *side, size_t count) {
    while (side->end_count < count) {
        turn(side);
    }
    ck_assert_uint_eq(side->end_count, count);
}

/* Sends one message and waits for its end. */
static struct end *ask(struct side *side, const char *url, enum message_kind kind, uint64_t token, uint32_t timeout_ms) {
    size_t before = side->end_count;
    send_kind(side, url, kind, token, timeout_ms);
    ck_assert_uint_eq(side->end_count, before);
    turn_until_ends(side, before + 1);
    ck_assert_uint_eq(side->ends[token].count, 1);
    return &side->ends[token];
}

static void assert_end(const struct end *end, enum transport_end how, const char *why) {
    ck_assert_msg(end->end == how && strcmp(end->why, why) == 0, "ended as %d, '%s' instead of %d, '%s'", (int)end->end,
                  end->why, (int)how, why);
}

/* -- Tests -- */

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
    tcase_add_test(tcase, an_answer_is_read_and_reported);
    tcase_add_test(tcase, a_request_is_a_plain_post);
    tcase_add_test(tcase, results_lie_in_the_body_that_comes_with_them);
    tcase_add_test(tcase, one_connection_serves_one_request_after_the_other);
    tcase_add_test(tcase, a_refusal_is_an_answer_with_a_problem);
    tcase_add_test(tcase, a_redirect_is_not_followed);
    tcase_add_test(tcase, a_proposal_whose_leader_closes_without_an_answer_arrives_once);
    tcase_add_test(tcase, a_proposal_on_a_reused_connection_that_dies_arrives_once_too);
    tcase_add_test(tcase, a_proposal_whose_leader_dies_with_the_connection_may_have_arrived);
    tcase_add_test(tcase, a_connection_that_was_closed_while_idle_is_not_used_again);
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
    tcase_add_test(tcase, a_hundred_requests_are_under_way_at_once);
    tcase_add_test(tcase, who_is_told_of_an_end_may_send);
    tcase_add_test(tcase, a_stalled_look_up_delays_nobody);
    tcase_add_test(tcase, a_name_is_resolved_anew_for_each_connection);
    tcase_add_test(tcase, the_environments_proxies_are_not_used);
    tcase_add_test(tcase, a_get_brings_status_and_body);
    tcase_add_test(tcase, a_get_without_an_answer_says_why);
    tcase_add_test(tcase, gets_and_messages_use_the_same_handles);
    tcase_add_test(tcase, a_cancelled_get_is_reported_to_nobody);
    tcase_add_test(tcase, what_is_under_way_at_the_end_is_reported_to_nobody);
    tcase_add_test(tcase, waiting_ends_when_another_descriptor_is_ready);
}

CHECK_MAIN("peers", add_tests)
