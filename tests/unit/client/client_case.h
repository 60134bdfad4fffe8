/* Fake nodes and a client of them, for tests of whole calls. */
#ifndef TESTS_UNIT_CLIENT_CLIENT_CASE_H
#define TESTS_UNIT_CLIENT_CLIENT_CASE_H

#include "api/client/raftclient.h"

#include "tests/unit/client/fake_server.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { CASE_NODES = 3 };

/* Headers of a node that leads, is node 1, and knows node 1 to lead. */
#define LEADS "Raft-Node: 1\r\nRaft-Leader: 1\r\nRaft-Index: 5\r\n"

static struct fake_server fakes[CASE_NODES];
static struct raftclient *client;

__attribute__((unused)) static void begin(size_t nodes, struct raftclient_options options) {
    char urls[256] = "", error[256] = "";
    for (size_t i = 0; i < CASE_NODES; i++) {
        fake_open(&fakes[i]);
        if (i < nodes) {
            snprintf(urls + strlen(urls), sizeof urls - strlen(urls), "%s%.63s", i > 0 ? "," : "", fakes[i].url);
        }
    }
    options.size = sizeof options;
    client = raftclient_create(urls, &options, error, sizeof error);
    ck_assert_msg(client != NULL, "%s", error);
}

/* One node, no learning. */
__attribute__((unused)) static void begin_alone(struct raftclient_options options) {
    options.only_given = true;
    begin(1, options);
}

__attribute__((unused)) static void end(void) {
    raftclient_destroy(client);
    for (size_t i = 0; i < CASE_NODES; i++) {
        fake_close(&fakes[i]);
    }
}

__attribute__((unused)) static const struct raftclient_answer *propose(const char *command) {
    return raftclient_propose(client, command, strlen(command));
}

__attribute__((unused)) static void is_problem(const struct raftclient_answer *answer, enum raftclient_outcome outcome,
                                               const char *code) {
    ck_assert_str_eq(answer->code, code);
    ck_assert_str_eq(raftclient_outcome_name(answer->outcome), raftclient_outcome_name(outcome));
    ck_assert_str_ne(answer->detail, "");
}

__attribute__((unused)) static void is_result(const struct raftclient_answer *answer, const char *result) {
    ck_assert_msg(answer->outcome == RAFTCLIENT_DONE, "%s: %s", answer->code, answer->detail);
    ck_assert_str_eq(answer->code, "");
    ck_assert_uint_eq(answer->result_size, strlen(result));
    ck_assert_int_eq(memcmp(answer->result, result, strlen(result)), 0);
}

/* Problems as nodes tell them. */
__attribute__((unused)) static void fake_problem(struct fake_server *fake, unsigned status, const char *code,
                                                 const char *outcome, const char *headers) {
    char body[256];
    snprintf(body, sizeof body, "{\"title\":\"x\",\"status\":%u,\"code\":\"%s\",\"detail\":\"told so\",\"outcome\":\"%s\"}",
             status, code, outcome);
    fake_answer(fake, status, headers, body);
}

#endif
