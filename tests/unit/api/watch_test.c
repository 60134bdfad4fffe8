/* Streams on loopback sockets, on a clock that the test moves. HTTP/1.0 readers get them without chunks around. */
#include "api/watch.h"

#include "server/base/memory.h"
#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPENING "\r\n\r\n: every committed command from here on\n\n"

enum { BIG = 16 * 1024, QUIET_TURNS = 100 };

struct stream {
    struct harness *harness;
    int client;
    struct fake_call *call; /* What the node was asked. */
    char *bytes;            /* All that came, NUL-terminated. */
    size_t size;
    size_t capacity;
    bool ended;
    const char *wanted;
};

static void receive(struct stream *stream) {
    ssize_t got;
    do {
        stream->bytes = memory_grow(stream->bytes, &stream->capacity, stream->size + 65536 + 1, 1);
        got = recv(stream->client, stream->bytes + stream->size, 65536, 0);
        stream->size += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    stream->ended = stream->ended || got == 0 || errno != EAGAIN;
    stream->bytes[stream->size] = '\0';
}

static bool has_wanted(void *context) {
    struct stream *stream = context;
    receive(stream);
    ck_assert_msg(!stream->ended || strstr(stream->bytes, stream->wanted) != NULL, "ended: %s", stream->bytes);
    return strstr(stream->bytes, stream->wanted) != NULL;
}

static void until_text(struct stream *stream, const char *text) {
    stream->wanted = text;
    harness_until(stream->harness, has_wanted, stream);
}

static bool has_ended(void *context) {
    struct stream *stream = context;
    receive(stream);
    return stream->ended;
}

static void until_end(struct stream *stream) {
    harness_until(stream->harness, has_ended, stream);
}

static void settle(struct harness *harness) {
    for (int i = 0; i < 5; i++) {
        harness_turn(harness);
    }
}

/* Time passes, a second at a time. */
static void pass(struct harness *harness, uint64_t ms) {
    for (; ms > 1000; ms -= 1000) {
        harness->now_ms += 1000;
        settle(harness);
    }
    harness->now_ms += ms;
    settle(harness);
}

static size_t count_text(const struct stream *stream, const char *text) {
    size_t count = 0;
    for (const char *at = stream->bytes; (at = strstr(at, text)) != NULL; at += strlen(text)) {
        count++;
    }
    return count;
}

static void stream_ask(struct stream *stream, struct harness *harness, const char *version, const char *target,
                       const char *head) {
    *stream = (struct stream){.harness = harness, .client = client_open(harness)};
    size_t calls = harness->node->call_count;
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/%s\r\nHost: localhost\r\n%s\r\n", target, version, head);
    client_send_text(harness, stream->client, request);
    harness_until_calls(harness, calls + 1);
    stream->call = fake_node_last(harness->node);
    ck_assert_int_eq(stream->call->kind, FAKE_WATCH);
}

static void stream_open(struct stream *stream, struct harness *harness) {
    stream_ask(stream, harness, "1.0", "/v1/watch?from=5", "");
    until_text(stream, OPENING);
}

static void stream_close(struct stream *stream) {
    close(stream->client);
    free(stream->bytes);
}

/* One command for the reader. Answers whether there is room for more. */
static bool tell(struct stream *stream, raft_index index, const char *text, size_t size) {
    const struct raft_entry entry = {.id = {index, 7}, .type = RAFT_COMMAND, .data = text, .size = (uint32_t)size};
    return stream->call->watcher.command(stream->call->context, &entry);
}

static void tell_end(struct stream *stream, enum problem_code code, raft_index first_index) {
    struct problem problem;
    problem_set(&problem, code, false, "so it is");
    stream->call->cancelled = true; /* It must not be cancelled after this. */
    stream->call->watcher.ended(stream->call->context, &problem, first_index);
}

/* Commands until neither the server nor the system has room for more; answers the index of the last. */
static raft_index fill(struct stream *stream) {
    static char big[BIG];
    memset(big, 'x', sizeof big);
    big[0] = big[sizeof big - 1] = '"';
    raft_index index = 4;
    for (int quiet = 0; quiet < QUIET_TURNS; quiet++) {
        bool room = true;
        while (room) {
            ck_assert_uint_lt(index, 10000);
            room = tell(stream, ++index, big, sizeof big);
        }
        unsigned resumed = stream->call->resumed;
        for (; quiet < QUIET_TURNS && stream->call->resumed == resumed; quiet++) {
            harness_turn(stream->harness);
        }
        if (quiet < QUIET_TURNS) {
            quiet = 0;
        }
    }
    return index;
}

START_TEST(the_stream_is_open_at_once_and_says_what_it_is) {
    struct harness *harness = harness_begin();
    struct stream stream;
    stream_ask(&stream, harness, "1.1", "/v1/watch", "");
    until_text(&stream, ": every committed command from here on\n\n");
    static const char *const fields[] = {"HTTP/1.1 200 OK\r\n",
                                         "\r\nContent-Type: text/event-stream\r\n",
                                         "\r\nCache-Control: no-store\r\n",
                                         "\r\nRaft-Node: 1\r\n",
                                         "\r\nX-Content-Type-Options: nosniff\r\n",
                                         "\r\nTransfer-Encoding: chunked\r\n",
                                         "\r\nRaft-Leader: 2\r\n",
                                         "\r\nRaft-Term: 7\r\n",
                                         "\r\nRaft-Index: 40\r\n",
                                         "\r\nConnection: close\r\n",
                                         "\r\nRaft-Cluster: 00112233445566778899aabbccddeeff\r\n"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        ck_assert_msg(strstr(stream.bytes, fields[i]) != NULL, "%s: %s", fields[i], stream.bytes);
    }
    ck_assert_ptr_null(strstr(stream.bytes, "Content-Length"));
    /* Each piece comes as soon as it is there; the last chunk says that nothing is missing. */
    ck_assert(tell(&stream, 41, "1", 1));
    until_text(&stream, "event: command\nid: 41\ndata: {\"index\":41,\"term\":7,\"command\":1}\n\n");
    tell_end(&stream, PROBLEM_SHUTTING_DOWN, 0);
    until_end(&stream);
    ck_assert_str_eq(stream.bytes + stream.size - 7, "\r\n0\r\n\r\n");
    stream_close(&stream);
    harness_end(harness);
}
END_TEST

START_TEST(commands_keep_their_bytes_but_stay_on_one_line) {
    struct harness *harness = harness_begin();
    struct stream stream;
    stream_open(&stream, harness);
    static const char text[] = "[1e2,\r\n \"\\n\\u0000\",\n10000000000000000001]";
    ck_assert(tell(&stream, 9, text, sizeof text - 1));
    ck_assert(tell(&stream, RAFT_NUMBER_MAX, "{\"b\":1, \"a\":2}", 14));
    until_text(&stream,
               OPENING "event: command\nid: 9\n"
                       "data: {\"index\":9,\"term\":7,\"command\":[1e2,   \"\\n\\u0000\", 10000000000000000001]}\n\n"
                       "event: command\nid: 9007199254740991\n"
                       "data: {\"index\":9007199254740991,\"term\":7,\"command\":{\"b\":1, \"a\":2}}\n\n");
    stream_close(&stream);
    harness_end(harness);
}
END_TEST

START_TEST(where_a_command_came_from_is_told_so_that_a_retry_can_be_known) {
    struct harness *harness = harness_begin();
    struct stream stream;
    stream_open(&stream, harness);
    const struct raft_entry entries[] = {
        {.id = {5, 7}, .type = RAFT_COMMAND, .data = "1", .size = 1, .time_ms = 9, .session = 3, .sequence = 4},
        {.id = {6, 7}, .type = RAFT_COMMAND, .data = "2", .size = 1, .key = "\"a\\\"b\"", .key_size = 6},
    };
    for (size_t i = 0; i < 2; i++) {
        ck_assert(stream.call->watcher.command(stream.call->context, &entries[i]));
    }
    until_text(&stream, "data: {\"index\":5,\"term\":7,\"command\":1,\"session\":3,\"seq\":4}\n\n");
    until_text(&stream, "data: {\"index\":6,\"term\":7,\"command\":2,\"idempotency_key\":\"a\\\"b\"}\n\n");
    stream_close(&stream);
    harness_end(harness);
}
END_TEST

START_TEST(where_it_begins) {
    static const struct {
        const char *target;
        const char *head;
        raft_index from;
    } rows[] = {
        {"/v1/watch", "", 0},
        {"/v1/watch?other=7", "", 0},
        {"/v1/watch?from=0", "", 1},
        {"/v1/watch?from=1", "", 1},
        {"/v1/watch?fr%6Fm=0", "", 1},
        {"/v1/watch?from=9007199254740991", "", RAFT_NUMBER_MAX},
        {"/v1/watch", "Last-Event-ID: 0\r\n", 1},
        {"/v1/watch", "last-event-id:  12 \r\n", 13},
        {"/v1/watch?from=3", "Last-Event-ID: 12\r\n", 13},
        {"/v1/watch", "Last-Event-ID: 9007199254740991\r\n", (raft_index)RAFT_NUMBER_MAX + 1},
    };
    struct harness *harness = harness_begin();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stream stream;
        stream_ask(&stream, harness, "1.0", rows[i].target, rows[i].head);
        ck_assert_msg(stream.call->from == rows[i].from, "%s %s: %llu", rows[i].target, rows[i].head,
                      (unsigned long long)stream.call->from);
        stream_close(&stream);
    }
    harness_end(harness);
}
END_TEST

START_TEST(a_start_that_is_no_number_is_400) {
    struct harness *harness = harness_begin();
    static const char *const heads[] = {"Last-Event-ID: x\r\n",
                                        "Last-Event-ID: -1\r\n",
                                        "Last-Event-ID: 1.0\r\n",
                                        "Last-Event-ID: 9007199254740992\r\n",
                                        "Last-Event-ID: 99999999999999999999\r\n",
                                        "Last-Event-ID:\r\n"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct reply reply = ask(harness, "GET", "/v1/watch?from=1", heads[i], NULL);
        check_problem(&reply, 400, "bad_request", NULL);
    }
    static const char *const targets[] = {"/v1/watch?from=", "/v1/watch?from=-1", "/v1/watch?from=9007199254740992",
                                          "/v1/watch?from=1&from=2"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct reply reply = get(harness, targets[i]);
        check_problem(&reply, 400, "bad_request", NULL);
    }
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(what_cannot_be_watched_is_a_problem) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_COMPACTED, false, "the log begins at 5");
    struct reply reply = get(harness, "/v1/watch?from=4");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"first_index\":5"));
    check_problem(&reply, 410, "compacted", NULL);
    problem_set(&harness->node->problem, PROBLEM_NOT_READY, false, "waits");
    reply = get(harness, "/v1/watch?from=4");
    ck_assert_ptr_null(strstr(reply.body, "first_index"));
    check_problem(&reply, 503, "not_ready", NULL);
    reply = ask(harness, "HEAD", "/v1/watch?from=4", "", NULL);
    ck_assert_uint_eq(reply.status, 503);
    reply_free(&reply);
    reply = post(harness, "/v1/watch", "{}");
    check_problem(&reply, 405, "method_not_allowed", "rejected");
    harness_end(harness);
}
END_TEST

START_TEST(head_answers_the_fields_and_ends) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    client_send_text(harness, client, "HEAD /v1/watch?from=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    struct reply reply = client_read_head(harness, client);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Content-Type", "text/event-stream"));
    ck_assert(client_sees_end(harness, client));
    ck_assert(fake_node_last(harness->node)->cancelled);
    ck_assert(api_idle(harness->api));
    reply_free(&reply);
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(silence_is_broken_by_a_comment_at_least_every_15_s_for_hours) {
    struct harness *harness = harness_begin();
    struct stream stream;
    stream_open(&stream, harness);
    pass(harness, WATCH_COMMENT_MS - 1);
    receive(&stream);
    ck_assert_uint_eq(count_text(&stream, ":\n\n"), 0);
    for (size_t i = 1; i <= 100; i++) {
        harness->now_ms += 15000;
        settle(harness);
        receive(&stream);
        ck_assert_uint_ge(count_text(&stream, ":\n\n"), i);
        ck_assert_uint_le(count_text(&stream, ":\n\n"), 2 * i);
    }
    /* Commands break it as well. */
    size_t comments = count_text(&stream, ":\n\n");
    for (raft_index index = 5; index < 10; index++) {
        tell(&stream, index, "1", 1);
        pass(harness, WATCH_COMMENT_MS - 1000);
    }
    receive(&stream);
    ck_assert_uint_eq(count_text(&stream, "event: command\n"), 5);
    ck_assert_uint_eq(count_text(&stream, ":\n\n"), comments);
    ck_assert(!stream.ended);
    stream_close(&stream);
    harness_end(harness);
}
END_TEST

START_TEST(a_slow_reader_pauses_the_node_and_misses_nothing) {
    struct harness *harness = harness_begin();
    struct stream stream;
    stream_open(&stream, harness);
    raft_index last = fill(&stream);
    unsigned resumed = stream.call->resumed;
    /* When it goes on reading */
    char text[64];
    snprintf(text, sizeof text, "id: %llu\n", (unsigned long long)last);
    until_text(&stream, text);
    settle(harness);
    receive(&stream);
    ck_assert_uint_eq(stream.call->resumed, resumed + 1);
    ck_assert_uint_eq(count_text(&stream, "event: command\n"), last - 4);
    const char *at = stream.bytes;
    for (raft_index index = 5; index <= last; index++) {
        snprintf(text, sizeof text, "id: %llu\n", (unsigned long long)index);
        at = strstr(at, text);
        ck_assert_msg(at != NULL, "%s is missing", text);
    }
    ck_assert(tell(&stream, last + 1, "\"at last\"", 9));
    until_text(&stream, "\"at last\"}\n\n");
    stream_close(&stream);
    harness_end(harness);
}
END_TEST

START_TEST(what_waits_for_a_reader_is_bounded_by_one_command_more) {
    struct harness *harness = harness_begin();
    struct stream stream;
    stream_open(&stream, harness);
    char *text = memory_alloc(WATCH_PENDING_MAX);
    memset(text, '1', WATCH_PENDING_MAX);
    size_t around = strlen("event: command\nid: 5\ndata: {\"index\":5,\"term\":7,\"command\":}\n\n");
    /* One byte less than the bound leaves room. */
    ck_assert(tell(&stream, 5, text, WATCH_PENDING_MAX - around - 1));
    ck_assert(!tell(&stream, 6, "1", 1));
    until_text(&stream, "id: 6\ndata: {\"index\":6,\"term\":7,\"command\":1}\n\n");
    ck_assert_uint_eq(stream.call->resumed, 1);
    ck_assert(!tell(&stream, 7, text, WATCH_PENDING_MAX - around));
    free(text);
    stream_close(&stream);
    harness_end(harness);
}
END_TEST

START_TEST(a_reader_that_takes_nothing_for_30_s_is_told_so) {
    struct harness *harness = harness_begin();
    struct stream stream;
    stream_open(&stream, harness);
    raft_index last = fill(&stream);
    /* Two checks more than the time: the first sees how much the system holds. */
    pass(harness, WATCH_STALLED_MS - 1000);
    ck_assert(!stream.call->cancelled);
    pass(harness, 3 * WATCH_CHECK_MS);
    ck_assert(stream.call->cancelled);
    /* When it reads after all, it finds everything it was sent, and why there is no more. */
    until_end(&stream);
    ck_assert_uint_eq(count_text(&stream, "event: command\n"), last - 4);
    const char *end =
        strstr(stream.bytes, "event: end\ndata: {\"type\":\"about:blank\",\"title\":\"Timed out\",\"status\":504,"
                             "\"code\":\"timeout\",");
    ck_assert_ptr_nonnull(end);
    ck_assert_str_eq(stream.bytes + stream.size - 3, "}\n\n");
    settle(harness);
    ck_assert(api_idle(harness->api));
    stream_close(&stream);
    harness_end(harness);
}
END_TEST

START_TEST(a_reader_that_does_not_take_the_end_either_is_cut_off) {
    struct harness *harness = harness_begin();
    struct stream stream;
    stream_open(&stream, harness);
    fill(&stream);
    pass(harness, 2 * WATCH_STALLED_MS - 1000);
    ck_assert(stream.call->cancelled);
    ck_assert(!api_idle(harness->api));
    pass(harness, 5 * WATCH_CHECK_MS);
    ck_assert(api_idle(harness->api));
    until_end(&stream);
    ck_assert_uint_eq(count_text(&stream, "event: end\n"), 0);
    stream_close(&stream);
    harness_end(harness);
}
END_TEST

START_TEST(a_reader_that_takes_a_little_now_and_then_may_be_slow) {
    struct harness *harness = harness_begin();
    struct stream stream;
    stream_open(&stream, harness);
    fill(&stream);
    static char some[512 * 1024]; /* So much that the system offers the sender room again. */
    for (int i = 0; i < 4; i++) {
        pass(harness, WATCH_STALLED_MS - 5 * WATCH_CHECK_MS);
        for (size_t taken = 0; taken < sizeof some;) {
            ssize_t got = recv(stream.client, some, sizeof some - taken, 0);
            taken += got > 0 ? (size_t)got : 0;
            harness_turn(harness);
        }
    }
    ck_assert(!stream.call->cancelled);
    stream_close(&stream);
    harness_end(harness);
}
END_TEST

START_TEST(a_reader_that_hangs_up_is_forgotten) {
    struct harness *harness = harness_begin();
    for (int full = 0; full < 2; full++) {
        struct stream stream;
        stream_open(&stream, harness);
        if (full) {
            fill(&stream);
        }
        stream_close(&stream);
        settle(harness);
        ck_assert(stream.call->cancelled);
        ck_assert(api_idle(harness->api));
    }
    /* And before it was opened. */
    harness->node->hold = true;
    struct stream stream;
    stream_ask(&stream, harness, "1.1", "/v1/watch", "");
    stream_close(&stream);
    settle(harness);
    ck_assert(stream.call->cancelled);
    harness_end(harness);
}
END_TEST

START_TEST(the_nodes_end_of_a_watch_is_an_event_and_closes) {
    struct harness *harness = harness_begin();
    struct stream stream;
    stream_open(&stream, harness);
    tell(&stream, 5, "1", 1);
    tell_end(&stream, PROBLEM_COMPACTED, 77);
    until_end(&stream);
    ck_assert_ptr_nonnull(strstr(stream.bytes, "\"command\":1}\n\nevent: end\ndata: {\"type\":\"about:blank\","
                                               "\"title\":\"No longer in the log\",\"status\":410,\"code\":\"compacted\","
                                               "\"detail\":\"so it is\",\"first_index\":77}\n\n"));
    stream_close(&stream);
    settle(harness);
    ck_assert(api_idle(harness->api));
    /* As when the server stops. */
    stream_open(&stream, harness);
    api_stop_accepting(harness->api);
    settle(harness);
    ck_assert(!api_idle(harness->api));
    tell_end(&stream, PROBLEM_SHUTTING_DOWN, 0);
    until_end(&stream);
    ck_assert_ptr_nonnull(strstr(stream.bytes, "\nevent: end\n"));
    ck_assert_ptr_null(strstr(stream.bytes, "first_index"));
    settle(harness);
    ck_assert(api_idle(harness->api));
    stream_close(&stream);
    harness_end(harness);
}
END_TEST

START_TEST(there_are_as_many_watches_as_connections_may_be_and_none_makes_room) {
    struct harness *harness = harness_create();
    harness->options.connections_max = 3;
    harness_start(harness);
    struct stream streams[3];
    for (size_t i = 0; i < 3; i++) {
        stream_open(&streams[i], harness);
        pass(harness, 1000);
    }
    struct reply reply = get(harness, "/v1/watch");
    ck_assert(reply_has(&reply, "Retry-After", "1"));
    check_problem(&reply, 429, "overloaded", NULL);
    /* Far too many connections are busy: others go, however much later they came. */
    harness->node->hold = true;
    int others[8];
    for (size_t i = 0; i < 8; i++) {
        others[i] = client_open(harness);
        client_send_text(harness, others[i], "GET /v1/log HTTP/1.1\r\nHost: localhost\r\n\r\n");
        settle(harness);
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert(client_is_open(harness, streams[i].client));
        ck_assert(!streams[i].call->cancelled);
    }
    /* A place that was left is taken. */
    harness->node->hold = false;
    stream_close(&streams[0]);
    settle(harness);
    stream_open(&streams[0], harness);
    for (size_t i = 0; i < 8; i++) {
        close(others[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        stream_close(&streams[i]);
    }
    harness_end(harness);
}
END_TEST

START_TEST(a_server_that_is_taken_down_forgets_its_watches) {
    struct harness *harness = harness_begin();
    struct stream idle;
    struct stream full;
    stream_open(&idle, harness);
    stream_open(&full, harness);
    fill(&full);
    harness_end(harness);
    receive(&idle);
    ck_assert(idle.ended);
    stream_close(&idle);
    stream_close(&full);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_stream_is_open_at_once_and_says_what_it_is);
    tcase_add_test(tcase, commands_keep_their_bytes_but_stay_on_one_line);
    tcase_add_test(tcase, where_a_command_came_from_is_told_so_that_a_retry_can_be_known);
    tcase_add_test(tcase, where_it_begins);
    tcase_add_test(tcase, a_start_that_is_no_number_is_400);
    tcase_add_test(tcase, what_cannot_be_watched_is_a_problem);
    tcase_add_test(tcase, head_answers_the_fields_and_ends);
    tcase_add_test(tcase, silence_is_broken_by_a_comment_at_least_every_15_s_for_hours);
    tcase_add_test(tcase, a_slow_reader_pauses_the_node_and_misses_nothing);
    tcase_add_test(tcase, what_waits_for_a_reader_is_bounded_by_one_command_more);
    tcase_add_test(tcase, a_reader_that_takes_nothing_for_30_s_is_told_so);
    tcase_add_test(tcase, a_reader_that_does_not_take_the_end_either_is_cut_off);
    tcase_add_test(tcase, a_reader_that_takes_a_little_now_and_then_may_be_slow);
    tcase_add_test(tcase, a_reader_that_hangs_up_is_forgotten);
    tcase_add_test(tcase, the_nodes_end_of_a_watch_is_an_event_and_closes);
    tcase_add_test(tcase, there_are_as_many_watches_as_connections_may_be_and_none_makes_room);
    tcase_add_test(tcase, a_server_that_is_taken_down_forgets_its_watches);
}

CHECK_MAIN("watch", add_tests)
