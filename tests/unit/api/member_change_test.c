#include "api/member_change.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <string.h>

#define TWO_MEMBERS                                                                                                        \
    "{\"index\":9,\"voters\":[{\"id\":1,\"url\":\"http://a:1\"}],\"learners\":[{\"id\":4,\"url\":\"http://d:1\","          \
    "\"promote\":true}],\"outgoing\":[]}"

static struct reply ask_body(struct harness *harness, const char *method, const char *target, const char *body) {
    return ask(harness, method, target, "", body);
}

START_TEST(a_new_member_is_passed_on_and_the_configuration_answered) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/v1/members", "{\"id\":4,\"url\":\"http://d:1\",\"zone\":\"x\"}");
    /* What this node has applied, as on every answer but those of propose and query. */
    ck_assert(reply_has(&reply, "Raft-Index", "40"));
    check_reply(&reply, 200, TWO_MEMBERS);
    struct fake_call *call = fake_node_last(harness->node);
    ck_assert_int_eq(call->kind, FAKE_CHANGE);
    ck_assert_int_eq(call->change.kind, CHANGE_ADD);
    ck_assert(!call->change.own);
    ck_assert_uint_eq(call->change.members.count, 1);
    ck_assert_uint_eq(call->change.members.list[0].id, 4);
    ck_assert_str_eq(call->change.members.list[0].url, "http://d:1");
    ck_assert_str_eq(call->change.members.list[0].incarnation, "");
    ck_assert(call->change.members.list[0].voter);
    ck_assert_uint_eq(call->timeout_ms, 60000);
    ck_assert(call->forward);
    harness_end(harness);
}
END_TEST

START_TEST(a_role_may_be_named) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/v1/members", "{\"role\":\"learner\",\"id\":4,\"url\":\"http://d:1\"}");
    check_reply(&reply, 200, TWO_MEMBERS);
    ck_assert(!fake_node_last(harness->node)->change.members.list[0].voter);
    reply = post(harness, "/v1/members?timeout=3s&forward=false", "{\"role\":\"voter\",\"id\":4,\"url\":\"http://d:1\"}");
    check_reply(&reply, 200, TWO_MEMBERS);
    ck_assert(fake_node_last(harness->node)->change.members.list[0].voter);
    ck_assert_uint_eq(fake_node_last(harness->node)->timeout_ms, 3000);
    ck_assert(!fake_node_last(harness->node)->forward);
    harness_end(harness);
}
END_TEST

START_TEST(whole_configurations_are_passed_on) {
    struct harness *harness = harness_begin();
    struct reply reply = ask_body(harness, "PUT", "/v1/members",
                                  "{\"voters\":[{\"id\":5,\"url\":\"http://e\"},{\"id\":2,\"url\":\"http://b\"}],"
                                  "\"learners\":[{\"id\":3,\"url\":\"http://c\"}]}");
    check_reply(&reply, 200, TWO_MEMBERS);
    const struct change *change = &fake_node_last(harness->node)->change;
    ck_assert_int_eq(change->kind, CHANGE_PUT);
    ck_assert_uint_eq(change->members.count, 3);
    ck_assert(members_find(&change->members, 2)->voter);
    ck_assert(members_find(&change->members, 5)->voter);
    ck_assert(!members_find(&change->members, 3)->voter);
    harness_end(harness);
}
END_TEST

START_TEST(members_are_promoted_and_removed_by_their_id) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/v1/members/4/promote", NULL);
    check_reply(&reply, 200, TWO_MEMBERS);
    ck_assert_int_eq(fake_node_last(harness->node)->change.kind, CHANGE_PROMOTE);
    ck_assert_uint_eq(fake_node_last(harness->node)->change.members.list[0].id, 4);
    reply = ask_body(harness, "DELETE", "/v1/members/9007199254740991", NULL);
    check_reply(&reply, 200, TWO_MEMBERS);
    ck_assert_int_eq(fake_node_last(harness->node)->change.kind, CHANGE_REMOVE);
    ck_assert_uint_eq(fake_node_last(harness->node)->change.members.list[0].id, UINT64_C(9007199254740991));
    harness_end(harness);
}
END_TEST

#define A "{\"id\":1,\"url\":\"http://a\"}"

START_TEST(bodies_that_are_none_are_400_and_rejected) {
    struct harness *harness = harness_begin();
    static const struct {
        const char *method;
        const char *body;
    } rows[] = {
        {"POST", "[]"},
        {"POST", "{}"},
        {"POST", "{\"id\":4}"},
        {"POST", "{\"url\":\"http://a\"}"},
        {"POST", "{\"id\":\"4\",\"url\":\"http://a\"}"},
        {"POST", "{\"id\":0,\"url\":\"http://a\"}"},
        {"POST", "{\"id\":9007199254740992,\"url\":\"http://a\"}"},
        {"POST", "{\"id\":4,\"url\":7}"},
        {"POST", "{\"id\":4,\"url\":\"http://a/\"}"},
        {"POST", "{\"id\":4,\"url\":\"http://a\\u0000b\"}"},
        {"POST", "{\"id\":4,\"url\":\"http://a\",\"role\":\"boss\"}"},
        {"POST", "{\"id\":4,\"url\":\"http://a\",\"role\":true}"},
        {"PUT", "[]"},
        {"PUT", "{}"},
        {"PUT", "{\"voters\":[]}"},
        {"PUT", "{\"voters\":{}}"},
        {"PUT", "{\"voters\":[1]}"},
        {"PUT", "{\"voters\":[" A "," A "]}"},
        {"PUT", "{\"voters\":[" A ",{\"id\":2,\"url\":\"http://a\"}]}"},
        {"PUT", "{\"voters\":[" A "],\"learners\":[{\"id\":1,\"url\":\"http://b\"}]}"},
        {"PUT", "{\"voters\":[" A "],\"learners\":7}"},
        {"PUT", "{\"learners\":[" A "]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reply reply = ask_body(harness, rows[i].method, "/v1/members", rows[i].body);
        check_problem(&reply, 400, "bad_request", "rejected");
    }
    struct reply reply = ask_body(harness, "PUT", "/v1/members", "{\"voters\":");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"offset\":10"));
    check_problem(&reply, 400, "bad_json", "rejected");
    ck_assert_uint_eq(harness->node->call_count, 0);
    harness_end(harness);
}
END_TEST

START_TEST(problems_carry_the_nodes_outcome) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_CHANGE_IN_PROGRESS, false, "wait");
    struct reply reply = ask_body(harness, "DELETE", "/v1/members/3", NULL);
    check_problem(&reply, 409, "change_in_progress", "rejected");
    problem_set(&harness->node->problem, PROBLEM_CATCH_UP_FAILED, true, "http://d:1 made no progress");
    reply = post(harness, "/v1/members", "{\"id\":4,\"url\":\"http://d:1\"}");
    check_problem(&reply, 504, "catch_up_failed", "unknown");
    harness_end(harness);
}
END_TEST

START_TEST(an_id_that_is_none_is_refused) {
    struct harness *harness = harness_begin();
    struct reply reply = ask_body(harness, "DELETE", "/v1/members/x", NULL);
    ck_assert_uint_eq(reply.status, 404);
    reply_free(&reply);
    reply = ask_body(harness, "PATCH", "/v1/members", NULL);
    ck_assert_uint_eq(reply.status, 405);
    ck_assert(reply_has(&reply, "Allow", "GET, HEAD, POST, PUT"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_new_member_is_passed_on_and_the_configuration_answered);
    tcase_add_test(tcase, a_role_may_be_named);
    tcase_add_test(tcase, whole_configurations_are_passed_on);
    tcase_add_test(tcase, members_are_promoted_and_removed_by_their_id);
    tcase_add_test(tcase, bodies_that_are_none_are_400_and_rejected);
    tcase_add_test(tcase, problems_carry_the_nodes_outcome);
    tcase_add_test(tcase, an_id_that_is_none_is_refused);
}

CHECK_MAIN("member_change", add_tests)
