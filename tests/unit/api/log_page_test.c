#include "api/log_page.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <string.h>

START_TEST(entries_are_shown_with_their_commands_bytes) {
    struct harness *harness = harness_begin();
    const struct raft_entry entries[] = {
        {.id = {40, 7}, .type = RAFT_NOOP},
        {.id = {41, 7}, .type = RAFT_COMMAND, .size = 8, .data = "[1e2, 3]"},
    };
    harness->node->entries = entries;
    harness->node->entry_count = 2;
    struct reply reply = get(harness, "/v1/log?from=40&limit=2");
    check_reply(&reply, 200,
                "{\"first_index\":5,\"last_index\":41,\"commit_index\":40,\"entries\":["
                "{\"index\":40,\"term\":7,\"type\":\"noop\",\"command\":null},"
                "{\"index\":41,\"term\":7,\"type\":\"command\",\"command\":[1e2, 3]}]}");
    ck_assert_uint_eq(fake_node_last(harness->node)->from, 40);
    ck_assert_uint_eq(fake_node_last(harness->node)->limit, 2);
    harness_end(harness);
}
END_TEST

START_TEST(without_parameters_it_begins_at_the_first_entry) {
    struct harness *harness = harness_begin();
    struct reply reply = get(harness, "/v1/log");
    check_reply(&reply, 200, "{\"first_index\":5,\"last_index\":41,\"commit_index\":40,\"entries\":[]}");
    ck_assert_uint_eq(fake_node_last(harness->node)->from, 0);
    ck_assert_uint_eq(fake_node_last(harness->node)->limit, 100);
    harness_end(harness);
}
END_TEST

START_TEST(what_is_no_longer_in_the_log_is_410_and_says_what_is) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_COMPACTED, false, "the log begins at 5");
    struct reply reply = get(harness, "/v1/log?from=4");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"first_index\":5"));
    check_problem(&reply, 410, "compacted", NULL);
    problem_set(&harness->node->problem, PROBLEM_SHUTTING_DOWN, false, "ends");
    reply = get(harness, "/v1/log?from=4");
    check_problem(&reply, 503, "shutting_down", NULL);
    harness_end(harness);
}
END_TEST

START_TEST(limits_outside_1_to_1000_are_400) {
    struct harness *harness = harness_begin();
    const char *targets[] = {"/v1/log?limit=0", "/v1/log?limit=1001", "/v1/log?limit=x", "/v1/log?from=-1",
                             "/v1/log?from="};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct reply reply = get(harness, targets[i]);
        check_problem(&reply, 400, "bad_request", NULL);
    }
    struct reply reply = get(harness, "/v1/log?limit=1000");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, entries_are_shown_with_their_commands_bytes);
    tcase_add_test(tcase, without_parameters_it_begins_at_the_first_entry);
    tcase_add_test(tcase, what_is_no_longer_in_the_log_is_410_and_says_what_is);
    tcase_add_test(tcase, limits_outside_1_to_1000_are_400);
}

CHECK_MAIN("log_page", add_tests)
