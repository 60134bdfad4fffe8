#include "api/auditing.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static struct harness *begin(void) {
    strcpy(path, "/tmp/raftd-auditing-XXXXXX");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    struct audit_message message;
    struct harness *harness = harness_create();
    harness->options.audit = audit_open(path, 1, &message);
    ck_assert_ptr_nonnull(harness->options.audit);
    harness_start(harness);
    return harness;
}

static void end(struct harness *harness) {
    struct audit *audit = harness->options.audit;
    harness_end(harness);
    audit_close(audit);
    unlink(path);
}

static const char *lines(void) {
    static char text[4096];
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

START_TEST(what_an_administrator_asks_is_a_line_and_what_others_ask_is_none) {
    struct harness *harness = begin();
    struct reply reply = post(harness, "/v1/snapshot", "");
    reply_free(&reply);
    ck_assert_ptr_nonnull(
        strstr(lines(),
               "\"request\":\"POST /v1/snapshot\",\"status\":200,\"who\":\"\",\"role\":\"\",\"address\":\"127.0.0.1\"}\n"));
    reply = post(harness, "/v1/propose", "1");
    reply_free(&reply);
    reply = get(harness, "/v1/nothing");
    reply_free(&reply);
    ck_assert_ptr_null(strstr(lines(), "propose"));
    ck_assert_ptr_null(strstr(lines(), "nothing"));
    end(harness);
}
END_TEST

START_TEST(who_is_refused_is_a_line_whatever_was_asked) {
    struct harness *harness = begin();
    struct reply reply = ask(harness, "GET", "/v1/status?secret=1", "Origin: https://evil.example\r\n", NULL);
    reply_free(&reply);
    ck_assert_ptr_nonnull(strstr(lines(), "\"request\":\"GET /v1/status\",\"status\":403,\"code\":\"forbidden\""));
    ck_assert_ptr_null(strstr(lines(), "secret"));
    end(harness);
}
END_TEST

static bool is_told(void *context) {
    (void)context;
    return strstr(lines(), "client_gone") != NULL;
}

START_TEST(who_hangs_up_before_the_answer_is_a_line_all_the_same) {
    struct harness *harness = begin();
    harness->node->hold = true;
    int client = client_open(harness);
    client_send_text(harness, client, "POST /v1/leader/transfer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    harness_until_calls(harness, 1);
    close(client);
    harness_until(harness, is_told, NULL);
    ck_assert_ptr_nonnull(
        strstr(lines(), "\"request\":\"POST /v1/leader/transfer\",\"status\":0,\"code\":\"client_gone\",\"who\":\"\""));
    /* A reader who does is none. */
    client = client_open(harness);
    client_send_text(harness, client, "GET /v1/query?q=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    harness_until_calls(harness, 2);
    close(client);
    for (int i = 0; i < 100 && !api_idle(harness->api); i++) {
        harness_turn(harness);
    }
    ck_assert_ptr_null(strstr(lines(), "query"));
    end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_an_administrator_asks_is_a_line_and_what_others_ask_is_none);
    tcase_add_test(tcase, who_is_refused_is_a_line_whatever_was_asked);
    tcase_add_test(tcase, who_hangs_up_before_the_answer_is_a_line_all_the_same);
}

CHECK_MAIN("auditing", add_tests)
