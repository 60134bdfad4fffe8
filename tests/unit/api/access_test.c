/* Every route, with every token: none, a wrong one, and one of each role. */
#include "api/access.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tokens *make_tokens(void) {
    char path[] = "/tmp/raftd-access-XXXXXX";
    int descriptor = mkstemp(path);
    static const char text[] = "read r-token\nwrite w-token\nadmin a-token\npeer p-token\n";
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq((int)write(descriptor, text, sizeof text - 1), (int)sizeof text - 1);
    close(descriptor);
    struct tokens_message message;
    struct tokens *tokens = tokens_open(path, &message);
    ck_assert_ptr_nonnull(tokens);
    unlink(path);
    return tokens;
}

static struct harness *begin(struct tokens *tokens) {
    struct harness *harness = harness_create();
    harness->options.tokens = tokens;
    harness_start(harness);
    return harness;
}

/* The contract's words (§6), not the table's: who gets through, of read, write, admin and peer; "*": anybody. */
static const struct row {
    const char *method;
    const char *path;
    const char *allowed;
} rows[] = {
    {"POST", "/v1/propose", "wa"},
    {"POST", "/v1/query", "rwa"},
    {"GET", "/v1/query", "rwa"},
    {"POST", "/raft/v1/append_entries", "p"},
    {"POST", "/raft/v1/request_vote", "p"},
    {"POST", "/raft/v1/read_index", "p"},
    {"POST", "/raft/v1/propose", "p"},
    {"POST", "/raft/v1/probe", "p"},
    {"POST", "/raft/v1/timeout_now", "p"},
    {"POST", "/raft/v1/transfer", "p"},
    {"POST", "/raft/v1/members", "p"},
    {"POST", "/raft/v1/install_snapshot", "p"},
    {"GET", "/raft/v1/status", "p"},
    {"GET", "/raft/v1/events", "p"},
    {"GET", "/raft/v1/reach", "p"},
    {"POST", "/v1/leader/transfer", "a"},
    {"POST", "/v1/sessions", "wa"},
    {"GET", "/v1/sessions/{id}", "wa"},
    {"DELETE", "/v1/sessions/{id}", "wa"},
    {"POST", "/v1/snapshot", "a"},
    {"GET", "/v1/snapshot", "a"},
    {"GET", "/v1/status", "rwa"},
    {"GET", "/v1/cluster", "rwa"},
    {"GET", "/v1/cluster/watch", "rwa"},
    {"GET", "/v1/doctor", "rwa"},
    {"GET", "/v1/events", "rwa"},
    {"GET", "/v1/members", "rwa"},
    {"POST", "/v1/members", "a"},
    {"PUT", "/v1/members", "a"},
    {"POST", "/v1/members/{id}/promote", "a"},
    {"DELETE", "/v1/members/{id}", "a"},
    {"GET", "/v1/log", "rwa"},
    {"GET", "/v1/watch", "rwa"},
    {"GET", "/healthz", "*"},
    {"GET", "/readyz", "*"},
    {"GET", "/metrics", "rwa"},
    {"GET", "/openapi.json", "*"},
    {"GET", "/", "*"},
    {"GET", "/{file}", "*"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static const struct row *find_row(const struct route *route) {
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].path, route->path) == 0 && strcmp(rows[i].method, route->method) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

START_TEST(every_route_stands_in_this_table) {
    ck_assert_uint_eq(ROWS, route_count);
    for (size_t i = 0; i < route_count; i++) {
        ck_assert_msg(find_row(&route_table[i]) != NULL, "who may %s %s?", route_table[i].method, route_table[i].path);
    }
}
END_TEST

static bool check(const struct tokens *tokens, const struct route *route, const char *field, struct problem *out_problem) {
    struct head head = {0};
    if (field != NULL) {
        head.authorization = (struct head_value){field, strlen(field), 1};
    }
    struct access_who who;
    return access_check(tokens, route, &head, &who, out_problem);
}

START_TEST(every_route_takes_the_tokens_of_the_contract_and_no_others) {
    struct tokens *tokens = make_tokens();
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &route_table[i];
        const char *allowed = find_row(route)->allowed;
        bool open = strcmp(allowed, "*") == 0;
        struct problem problem = {0};
        ck_assert_msg(check(tokens, route, NULL, &problem) == open, "%s", route->path);
        ck_assert(open || problem.code == PROBLEM_UNAUTHORIZED);
        ck_assert_msg(check(tokens, route, "Bearer x-token", &problem) == open, "%s", route->path);
        ck_assert(open || problem.code == PROBLEM_UNAUTHORIZED);
        for (const char *role = "rwap"; *role != '\0'; role++) {
            char field[] = "Bearer ?-token";
            field[7] = *role;
            bool expected = open || strchr(allowed, *role) != NULL;
            ck_assert_msg(check(tokens, route, field, &problem) == expected, "%s %s: %s", route->method, route->path,
                          field);
            ck_assert(expected || (problem.code == PROBLEM_FORBIDDEN && !problem.outcome_unknown));
        }
    }
    tokens_close(tokens);
}
END_TEST

START_TEST(without_a_token_file_nobody_is_asked) {
    for (size_t i = 0; i < route_count; i++) {
        struct problem problem;
        ck_assert(check(NULL, &route_table[i], NULL, &problem));
        ck_assert(check(NULL, &route_table[i], "Basic nonsense", &problem));
    }
}
END_TEST

START_TEST(the_field_is_read_as_the_standard_says) {
    struct tokens *tokens = make_tokens();
    char allow[ROUTE_ALLOW_SIZE];
    const struct route *route = route_find("GET", "/v1/status", 10, allow);
    struct problem problem;
    static const char *const good[] = {"Bearer r-token", "bearer r-token", "BEARER   r-token", "Bearer r-token  "};
    static const char *const bad[] = {"",
                                      "Bearer",
                                      "Bearer ",
                                      "Bearer    ",
                                      "r-token",
                                      "Bearerr-token",
                                      "Basic r-token",
                                      "Bearer r-token x",
                                      "Bearer\tr-token",
                                      "Bearer: r-token"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(check(tokens, route, good[i], &problem), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!check(tokens, route, bad[i], &problem), "%s", bad[i]);
        ck_assert_int_eq(problem.code, PROBLEM_UNAUTHORIZED);
    }
    struct head twice = {.authorization = {"Bearer r-token", 14, 2}};
    struct access_who who;
    ck_assert(!access_check(tokens, route, &twice, &who, &problem));
    ck_assert_int_eq(who.role, TOKENS_NOBODY);
    tokens_close(tokens);
}
END_TEST

START_TEST(refusals_are_problems_and_reach_nobody) {
    struct tokens *tokens = make_tokens();
    struct harness *harness = begin(tokens);
    struct reply reply = ask(harness, "POST", "/v1/propose", "", "{\"op\":\"count\"}");
    ck_assert(reply_has(&reply, "WWW-Authenticate", "Bearer realm=\"raftd\""));
    check_problem(&reply, 401, "unauthorized", "rejected");
    reply = ask(harness, "POST", "/v1/propose", "Authorization: Bearer r-token\r\n", "{\"op\":\"count\"}");
    check_problem(&reply, 403, "forbidden", "rejected");
    reply = ask(harness, "GET", "/v1/status?nonsense=1", "", NULL); /* Not even what is wrong with it is told. */
    check_problem(&reply, 401, "unauthorized", NULL);
    reply = ask(harness, "POST", "/raft/v1/append_entries", "Authorization: Bearer a-token\r\n", "{}");
    check_problem(&reply, 403, "forbidden", NULL);
    ck_assert_uint_eq(harness->node->call_count, 0);
    reply = ask(harness, "GET", "/v1/status", "Authorization: Bearer r-token\r\n", NULL);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    reply = get(harness, "/healthz");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    harness_end(harness);
    tokens_close(tokens);
}
END_TEST

START_TEST(a_refused_body_is_not_waited_for) {
    struct tokens *tokens = make_tokens();
    struct harness *harness = begin(tokens);
    int client = client_open(harness);
    client_send_text(harness, client,
                     "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                     "Content-Length: 5000000\r\n\r\n");
    struct reply reply = client_read(harness, client);
    check_problem(&reply, 401, "unauthorized", "rejected");
    close(client);
    harness_end(harness);
    tokens_close(tokens);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, every_route_stands_in_this_table);
    tcase_add_test(tcase, every_route_takes_the_tokens_of_the_contract_and_no_others);
    tcase_add_test(tcase, without_a_token_file_nobody_is_asked);
    tcase_add_test(tcase, the_field_is_read_as_the_standard_says);
    tcase_add_test(tcase, refusals_are_problems_and_reach_nobody);
    tcase_add_test(tcase, a_refused_body_is_not_waited_for);
}

CHECK_MAIN("access", add_tests)
