/* What every request goes through before its handler: target, sender, route, limits, body. */
#include "api/request.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct reply raw(struct harness *harness, const char *text) {
    return ask_raw(harness, text, strlen(text));
}

START_TEST(an_unknown_path_is_404) {
    struct harness *harness = harness_begin();
    struct reply reply = get(harness, "/v1/nope");
    ck_assert(reply_has(&reply, "Raft-Node", "1"));
    check_problem(&reply, 404, "not_found", NULL);
    reply = get(harness, "/nope");
    check_problem(&reply, 404, "not_found", NULL);
    reply = get(harness, "/v1%2Fstatus");
    check_problem(&reply, 404, "not_found", NULL);
    reply = get(harness, "/v1/status/");
    check_problem(&reply, 404, "not_found", NULL);
    reply = post(harness, "/v1/session", "");
    check_problem(&reply, 404, "not_found", "rejected");
    harness_end(harness);
}
END_TEST

START_TEST(a_wrong_method_is_405_and_says_which_are_right) {
    struct harness *harness = harness_begin();
    struct reply reply = ask(harness, "DELETE", "/v1/status", "", NULL);
    ck_assert(reply_has(&reply, "Allow", "GET, HEAD"));
    check_problem(&reply, 405, "method_not_allowed", "rejected");
    reply = get(harness, "/v1/propose");
    ck_assert(reply_has(&reply, "Allow", "POST"));
    check_problem(&reply, 405, "method_not_allowed", NULL);
    reply = ask(harness, "OPTIONS", "/v1/query", "", NULL);
    ck_assert(reply_has(&reply, "Allow", "POST, GET, HEAD"));
    check_problem(&reply, 405, "method_not_allowed", NULL);
    reply = ask(harness, "BREW", "/", "", NULL);
    ck_assert(reply_has(&reply, "Allow", "GET, HEAD"));
    check_problem(&reply, 405, "method_not_allowed", "rejected");
    harness_end(harness);
}
END_TEST

START_TEST(head_works_where_get_does_and_has_no_body) {
    struct harness *harness = harness_begin();
    const char *paths[] = {"/v1/status", "/v1/query?q=1", "/healthz", "/"};
    for (size_t i = 0; i < 4; i++) {
        struct reply reply = ask(harness, "HEAD", paths[i], "", NULL);
        ck_assert_uint_eq(reply.status, 200);
        ck_assert_uint_eq(reply.size, 0);
        ck_assert(!reply_has(&reply, "Content-Length", "0"));
        reply_free(&reply);
    }
    harness_end(harness);
}
END_TEST

START_TEST(a_malformed_percent_sign_anywhere_is_400) {
    struct harness *harness = harness_begin();
    const char *targets[] = {"/%", "/v1/%zz", "/v1/stat%00us", "/v1/status?x=%", "/v1/status?%4", "/v1/status?x=%00"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct reply reply = get(harness, targets[i]);
        check_problem(&reply, 400, "bad_request", NULL);
    }
    struct reply reply = post(harness, "/v1/propose?timeout=%zz", "1");
    check_problem(&reply, 400, "bad_request", "rejected");
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(an_encoded_path_is_the_path_it_stands_for) {
    struct harness *harness = harness_begin();
    struct reply reply = get(harness, "/v1/%73tatus");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(ambiguous_lengths_are_400_and_end_the_connection) {
    struct harness *harness = harness_begin();
    const char *heads[] = {
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Host: other\r\nContent-Length: 2\r\n",
        "Content-Length : 2\r\n",
        "Content-Length\t: 2\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\n%s\r\n{}", heads[i]);
        int client = client_open(harness);
        client_send_text(harness, client, text);
        struct reply reply = client_read(harness, client);
        ck_assert(reply_has(&reply, "Connection", "close"));
        check_problem(&reply, 400, "bad_request", "rejected");
        ck_assert(client_sees_end(harness, client));
        close(client);
    }
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(a_missing_host_is_400_in_http_1_1_and_fine_in_http_1_0) {
    struct harness *harness = harness_begin();
    struct reply reply = raw(harness, "GET /v1/status HTTP/1.1\r\n\r\n");
    check_problem(&reply, 400, "bad_request", NULL);
    reply = raw(harness, "GET /v1/status HTTP/1.0\r\n\r\n");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    reply = raw(harness, "GET /v1/status with spaces HTTP/1.1\r\nHost: localhost\r\n\r\n");
    check_problem(&reply, 400, "bad_request", NULL);
    harness_end(harness);
}
END_TEST

START_TEST(a_foreign_host_is_421_but_for_peers_and_health) {
    struct harness *harness = harness_begin();
    const char *format = "%s HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1\r\n\r\n1";
    const struct {
        const char *line;
        unsigned status;
    } cases[] = {{"GET /v1/status", 421}, {"POST /v1/propose", 421}, {"GET /", 421},       {"GET /metrics", 421},
                 {"GET /v1/nope", 421},   {"GET /healthz", 200},     {"GET /readyz", 200}, {"POST /raft/v1/probe", 400}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, format, cases[i].line);
        struct reply reply = raw(harness, text);
        ck_assert_msg(reply.status == cases[i].status, "%s: %u", cases[i].line, reply.status);
        if (reply.status == 421) {
            check_problem(&reply, 421, "wrong_host", strstr(cases[i].line, "propose") != NULL ? "rejected" : NULL);
        }
        reply_free(&reply);
    }
    struct reply reply = raw(harness, "GET http://evil.example/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    check_problem(&reply, 421, "wrong_host", NULL);
    reply = raw(harness, "GET http://localhost/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_foreign_origin_is_403_everywhere) {
    struct harness *harness = harness_begin();
    struct reply reply = ask(harness, "POST", "/v1/propose", "Origin: http://evil.example\r\n", "1");
    check_problem(&reply, 403, "forbidden", "rejected");
    reply = ask(harness, "GET", "/v1/status", "Origin: null\r\n", NULL);
    check_problem(&reply, 403, "forbidden", NULL);
    reply = ask(harness, "POST", "/raft/v1/probe", "Origin: http://evil.example\r\n", "{}");
    check_problem(&reply, 403, "forbidden", NULL);
    const char *rebound =
        "POST /raft/v1/probe HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}";
    reply = raw(harness, rebound);
    check_problem(&reply, 403, "forbidden", NULL);
    reply = ask(harness, "GET", "/v1/status", "Origin: http://localhost\r\n", NULL);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_listed_origin_may_read_the_answer) {
    static const char *const origins[] = {"http://console.example", NULL};
    struct harness *harness = harness_create();
    harness->options.allow_origins = origins;
    harness_start(harness);
    struct reply reply = ask(harness, "GET", "/v1/status", "Origin: http://console.example\r\n", NULL);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Access-Control-Allow-Origin", "http://console.example"));
    ck_assert(reply_has(&reply, "Vary", "Origin"));
    static const char *const exposed[] = {"Raft-Cluster", "Raft-Node",        "Raft-Leader", "Raft-Term",
                                          "Raft-Index",   "Raft-Consistency", "Retry-After", "Location"};
    char value[512];
    for (size_t i = 0; i < sizeof exposed / sizeof exposed[0]; i++) {
        ck_assert_ptr_nonnull(strstr(reply_field(&reply, "Access-Control-Expose-Headers", value), exposed[i]));
    }
    reply_free(&reply);
    reply = get(harness, "/v1/status");
    ck_assert_ptr_null(reply_field(&reply, "Access-Control-Allow-Origin", value));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(browsers_of_a_listed_origin_are_told_what_they_may_ask) {
    static const char *const origins[] = {"http://console.example", NULL};
    static const char asks[] = "Origin: http://console.example\r\nAccess-Control-Request-Method: POST\r\n";
    struct harness *harness = harness_create();
    harness->options.allow_origins = origins;
    harness_start(harness);
    struct reply reply = ask(harness, "OPTIONS", "/v1/propose", asks, NULL);
    char value[512];
    ck_assert_uint_eq(reply.status, 204);
    ck_assert(reply_has(&reply, "Access-Control-Allow-Origin", "http://console.example"));
    ck_assert(reply_has(&reply, "Access-Control-Allow-Methods", "POST"));
    ck_assert_ptr_nonnull(strstr(reply_field(&reply, "Access-Control-Allow-Headers", value), "Authorization"));
    ck_assert_ptr_nonnull(strstr(value, "Idempotency-Key"));
    reply_free(&reply);
    /* What is no such question is a method like any other */
    reply = ask(harness, "OPTIONS", "/v1/propose", "Origin: http://console.example\r\n", NULL);
    check_problem(&reply, 405, "method_not_allowed", NULL);
    reply = ask(harness, "OPTIONS", "/v1/propose", "Access-Control-Request-Method: POST\r\n", NULL);
    check_problem(&reply, 405, "method_not_allowed", NULL);
    reply = ask(harness, "OPTIONS", "/nowhere", asks, NULL);
    check_problem(&reply, 404, "not_found", NULL);
    reply = ask(harness, "OPTIONS", "/v1/propose", "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n",
                NULL);
    check_problem(&reply, 403, "forbidden", NULL);
    harness_end(harness);
}
END_TEST

static struct reply post_sized(struct harness *harness, const char *target, size_t size) {
    char *body = malloc(size + 1);
    memset(body, '1', size);
    body[size] = '\0';
    struct reply reply = post(harness, target, body);
    free(body);
    return reply;
}

START_TEST(a_body_at_its_limit_is_taken_and_one_byte_more_is_413) {
    struct harness *harness = harness_begin();
    struct reply reply = post_sized(harness, "/v1/propose", 1000);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    reply = post_sized(harness, "/v1/propose", 1001);
    ck_assert(reply_has(&reply, "Connection", "close"));
    check_problem(&reply, 413, "too_large", "rejected");
    reply = post_sized(harness, "/v1/query", 500);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    reply = post_sized(harness, "/v1/query", 501);
    check_problem(&reply, 413, "too_large", NULL);
    reply = post_sized(harness, "/raft/v1/probe", 100001);
    check_problem(&reply, 413, "too_large", NULL);
    ck_assert_uint_eq(harness->node->call_count, 2);
    harness_end(harness);
}
END_TEST

START_TEST(an_oversized_body_is_refused_before_it_is_sent) {
    struct harness *harness = harness_begin();
    const char *lengths[] = {"1001", "1073741824", "18446744073709551615"};
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        snprintf(text, sizeof text, "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: %s\r\n\r\n",
                 lengths[i]);
        int client = client_open(harness);
        client_send_text(harness, client, text);
        struct reply reply = client_read(harness, client);
        check_problem(&reply, 413, "too_large", "rejected");
        ck_assert(client_sees_end(harness, client));
        close(client);
    }
    harness_end(harness);
}
END_TEST

/* Chunks of `size` bytes in all, without the last chunk. */
static void send_chunked(struct harness *harness, int client, const char *target, size_t size) {
    char *text = malloc(size + 256);
    int used =
        sprintf(text, "POST %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n", target, size);
    memset(text + used, '1', size);
    memcpy(text + used + size, "\r\n", 2);
    client_send(harness, client, text, (size_t)used + size + 2);
    free(text);
}

START_TEST(a_chunked_body_at_the_limit_is_taken) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    send_chunked(harness, client, "/v1/propose", 1000);
    client_send_text(harness, client, "0\r\n\r\n");
    struct reply reply = client_read(harness, client);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_uint_eq(fake_node_last(harness->node)->sizes[0], 1000);
    reply_free(&reply);
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(a_body_in_several_chunks_is_put_together) {
    struct harness *harness = harness_begin();
    const char *text = "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3\r\n[1,\r\n1;x=y\r\n2\r\n1\r\n]\r\n0\r\nTrailer: 1\r\n\r\n";
    struct reply reply = raw(harness, text);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    ck_assert_str_eq(fake_node_last(harness->node)->texts[0], "[1,2]");
    harness_end(harness);
}
END_TEST

START_TEST(a_chunked_body_is_cut_at_the_limit_without_waiting_for_its_end) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    send_chunked(harness, client, "/v1/propose", 1001);
    struct reply reply = client_read(harness, client);
    ck_assert(reply_has(&reply, "Connection", "close"));
    ck_assert(reply_has(&reply, "Raft-Node", "1"));
    check_problem(&reply, 413, "too_large", "rejected");
    ck_assert(client_sees_end(harness, client));
    ck_assert_uint_eq(harness->node->call_count, 0);
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(a_client_who_goes_on_sending_still_reads_why_and_is_then_closed) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    send_chunked(harness, client, "/v1/propose", 200000);
    client_send_text(harness, client, "0\r\n\r\n");
    struct reply reply = client_read(harness, client);
    check_problem(&reply, 413, "too_large", "rejected");
    ck_assert(client_sees_end(harness, client));
    close(client);
    client = client_open(harness);
    send_chunked(harness, client, "/v1/propose", 2000);
    char *more = malloc(1 << 20);
    memset(more, 'f', 1 << 20);
    bool open = client_send(harness, client, "7000000\r\n", 9);
    for (int i = 0; open && i < 100; i++) {
        open = client_send(harness, client, more, 1 << 20);
    }
    ck_assert(!open);
    free(more);
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(a_refused_request_with_a_small_body_keeps_its_connection) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    client_send_text(harness, client,
                     "POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
                     "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    struct reply reply = client_read(harness, client);
    check_problem(&reply, 404, "not_found", "rejected");
    reply = client_read(harness, client);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(a_refused_body_of_64_kib_is_read_and_one_byte_more_ends_the_connection) {
    struct harness *harness = harness_begin();
    char *body = calloc(1, API_DROPPED_BODY_MAX + 2);
    for (int more = 0; more < 2; more++) {
        char head[128];
        memset(body, ' ', (size_t)API_DROPPED_BODY_MAX + (size_t)more);
        snprintf(head, sizeof head, "POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n",
                 API_DROPPED_BODY_MAX + more);
        int client = client_open(harness);
        client_send_text(harness, client, head);
        client_send_text(harness, client, body);
        struct reply reply = client_read(harness, client);
        ck_assert_uint_eq(reply.status, 404);
        reply_free(&reply);
        ck_assert(more == 0 ? client_is_open(harness, client) : client_sees_end(harness, client));
        close(client);
    }
    free(body);
    harness_end(harness);
}
END_TEST

START_TEST(a_body_sent_with_get_is_passed_over) {
    struct harness *harness = harness_begin();
    int client = client_open(harness);
    client_send_text(harness, client,
                     "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 31\r\n\r\n"
                     "GET /evil HTTP/1.1\r\nHost: e\r\n\r\n"
                     "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    struct reply reply = client_read(harness, client);
    check_reply(&reply, 200, "{\"status\":\"ok\"}");
    reply = client_read(harness, client);
    check_reply(&reply, 200, "{\"status\":\"ok\"}");
    close(client);
    harness_end(harness);
}
END_TEST

START_TEST(large_bodies_together_are_bounded) {
    struct harness *harness = harness_create();
    harness->options.ndjson_bytes_max = (size_t)API_BODIES_MAX;
    harness_start(harness);
    char head[256];
    snprintf(
        head, sizeof head,
        "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n1",
        API_BODIES_MAX - API_SMALL_BODY);
    int first = client_open(harness);
    client_send_text(harness, first, head);
    harness_turn(harness);
    struct reply reply = raw(harness, head);
    ck_assert(reply_has(&reply, "Retry-After", "1"));
    check_problem(&reply, 429, "overloaded", "rejected");
    reply = post(harness, "/v1/propose", "1");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    close(first);
    for (int i = 0; i < 100 && !api_idle(harness->api); i++) {
        harness_turn(harness);
    }
    /* The first one's share has come back: as much is read again. */
    int again = client_open(harness);
    client_send_text(harness, again, head);
    ck_assert(client_is_open(harness, again));
    char byte;
    ck_assert_int_lt(recv(again, &byte, 1, MSG_PEEK), 0); /* Nor has it been refused. */
    close(again);
    harness_end(harness);
}
END_TEST

START_TEST(a_large_command_that_would_find_no_room_is_refused_before_it_is_sent) {
    struct harness *harness = harness_create();
    harness->options.command_bytes_max = 2 * (size_t)API_SMALL_BODY;
    harness_start(harness);
    harness->node->full = true;
    char head[256];
    for (int more = 0; more < 2; more++) {
        snprintf(head, sizeof head, "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n",
                 API_SMALL_BODY + more);
        int client = client_open(harness);
        client_send_text(harness, client, head);
        for (int i = 0; i < 10; i++) {
            harness_turn(harness);
        }
        if (more == 1) {
            struct reply reply = client_read(harness, client);
            ck_assert(reply_has(&reply, "Retry-After", "1"));
            check_problem(&reply, 429, "overloaded", "rejected");
            ck_assert(client_sees_end(harness, client));
        } else {
            char byte;
            ck_assert_int_lt(recv(client, &byte, 1, MSG_PEEK | MSG_DONTWAIT), 0); /* A small one is the node's to judge. */
        }
        close(client);
    }
    harness_end(harness);
}
END_TEST

START_TEST(heads_of_24_kib_are_answered_by_us) {
    struct harness *harness = harness_begin();
    char *text = malloc(32768);
    char *filler = malloc(32768);
    memset(filler, 'a', 24000);
    filler[24000] = '\0';
    sprintf(text, "GET /v1/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", filler);
    struct reply reply = raw(harness, text);
    check_problem(&reply, 404, "not_found", NULL);
    sprintf(text, "GET /v1/nope HTTP/1.1\r\nHost: localhost\r\nX-Long: %s\r\n\r\n", filler);
    reply = raw(harness, text);
    check_problem(&reply, 404, "not_found", NULL);
    for (int i = 0; i < 24000; i += 2) {
        memcpy(filler + i, "a&", 2);
    }
    sprintf(text, "GET /v1/nope?%s HTTP/1.1\r\nHost: localhost\r\n\r\n", filler);
    reply = raw(harness, text);
    check_problem(&reply, 404, "not_found", NULL);
    free(filler);
    free(text);
    harness_end(harness);
}
END_TEST

START_TEST(what_is_not_http_ends_the_connection_and_nothing_else) {
    struct harness *harness = harness_begin();
    const char *texts[] = {
        "\x16\x03\x01\x02\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\r\n\r\nnonsense\r\n",
        "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length : 1\r\n\r\n1",
        "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int client = client_open(harness);
        client_send_text(harness, client, texts[i]);
        client_sees_end(harness, client);
        close(client);
    }
    ck_assert_uint_eq(harness->node->call_count, 0);
    struct reply reply = get(harness, "/healthz");
    check_reply(&reply, 200, "{\"status\":\"ok\"}");
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_unknown_path_is_404);
    tcase_add_test(tcase, a_wrong_method_is_405_and_says_which_are_right);
    tcase_add_test(tcase, head_works_where_get_does_and_has_no_body);
    tcase_add_test(tcase, a_malformed_percent_sign_anywhere_is_400);
    tcase_add_test(tcase, an_encoded_path_is_the_path_it_stands_for);
    tcase_add_test(tcase, ambiguous_lengths_are_400_and_end_the_connection);
    tcase_add_test(tcase, a_missing_host_is_400_in_http_1_1_and_fine_in_http_1_0);
    tcase_add_test(tcase, a_foreign_host_is_421_but_for_peers_and_health);
    tcase_add_test(tcase, a_foreign_origin_is_403_everywhere);
    tcase_add_test(tcase, a_listed_origin_may_read_the_answer);
    tcase_add_test(tcase, browsers_of_a_listed_origin_are_told_what_they_may_ask);
    tcase_add_test(tcase, a_body_at_its_limit_is_taken_and_one_byte_more_is_413);
    tcase_add_test(tcase, an_oversized_body_is_refused_before_it_is_sent);
    tcase_add_test(tcase, a_chunked_body_at_the_limit_is_taken);
    tcase_add_test(tcase, a_body_in_several_chunks_is_put_together);
    tcase_add_test(tcase, a_chunked_body_is_cut_at_the_limit_without_waiting_for_its_end);
    tcase_add_test(tcase, a_client_who_goes_on_sending_still_reads_why_and_is_then_closed);
    tcase_add_test(tcase, a_refused_request_with_a_small_body_keeps_its_connection);
    tcase_add_test(tcase, a_refused_body_of_64_kib_is_read_and_one_byte_more_ends_the_connection);
    tcase_add_test(tcase, a_body_sent_with_get_is_passed_over);
    tcase_add_test(tcase, large_bodies_together_are_bounded);
    tcase_add_test(tcase, a_large_command_that_would_find_no_room_is_refused_before_it_is_sent);
    tcase_add_test(tcase, heads_of_24_kib_are_answered_by_us);
    tcase_add_test(tcase, what_is_not_http_ends_the_connection_and_nothing_else);
}

CHECK_MAIN("request", add_tests)
