#include "api/client/verdict.h"

#include "tests/check_main.h"

#include <stdio.h>
#include <string.h>

static struct verdict judge(unsigned status, const char *body, enum verdict_kind kind, bool doubtful) {
    struct exchange_answer answer = {.end = EXCHANGE_ANSWERED, .status = status};
    struct verdict_problem problem;
    verdict_read_problem(body, strlen(body), &problem);
    return verdict_of(&answer, &problem, kind, doubtful);
}

static struct verdict judge_code(unsigned status, const char *code, const char *outcome, enum verdict_kind kind,
                                 bool doubtful) {
    char body[256];
    snprintf(body, sizeof body, "{\"code\":\"%s\",\"outcome\":\"%s\"}", code, outcome);
    return judge(status, body, kind, doubtful);
}

/* Every code of the contract. */
static const struct {
    unsigned status;
    const char *code;
    enum verdict_next next;
} contract[] = {
    {400, "bad_request", VERDICT_FINAL},      {400, "bad_json", VERDICT_FINAL},
    {401, "unauthorized", VERDICT_FINAL},     {403, "forbidden", VERDICT_FINAL},
    {404, "not_found", VERDICT_FINAL},        {405, "method_not_allowed", VERDICT_FINAL},
    {409, "conflict", VERDICT_FINAL},         {409, "change_in_progress", VERDICT_FINAL},
    {409, "stale_sequence", VERDICT_FINAL},   {410, "session_expired", VERDICT_FINAL},
    {410, "compacted", VERDICT_FINAL},        {413, "too_large", VERDICT_FINAL},
    {421, "wrong_cluster", VERDICT_NOT_HERE}, {421, "wrong_host", VERDICT_NOT_HERE},
    {422, "invalid_command", VERDICT_FINAL},  {422, "key_reused", VERDICT_FINAL},
    {429, "overloaded", VERDICT_LATER},       {307, "not_leader", VERDICT_LATER},
    {503, "not_leader", VERDICT_LATER},       {503, "no_leader", VERDICT_LATER},
    {503, "leadership_lost", VERDICT_LATER},  {503, "shutting_down", VERDICT_LATER},
    {504, "timeout", VERDICT_LATER},          {504, "catch_up_failed", VERDICT_FINAL},
    {507, "storage_full", VERDICT_LATER},     {503, "not_ready", VERDICT_LATER},
};

START_TEST(what_passes_by_itself_is_tried_again_and_nothing_else) {
    for (size_t i = 0; i < sizeof contract / sizeof contract[0]; i++) {
        for (enum verdict_kind kind = VERDICT_READ; kind <= VERDICT_PLAIN; kind++) {
            struct verdict verdict = judge_code(contract[i].status, contract[i].code, "rejected", kind, false);
            ck_assert_msg(verdict.next == contract[i].next, "%s", contract[i].code);
            ck_assert(!verdict.took_effect_perhaps);
            ck_assert(!verdict.node_failed);
        }
    }
}
END_TEST

START_TEST(an_unknown_outcome_is_doubtful_and_tried_again_only_by_what_may_be_repeated) {
    for (size_t i = 0; i < sizeof contract / sizeof contract[0]; i++) {
        struct verdict verdict = judge_code(contract[i].status, contract[i].code, "unknown", VERDICT_REPEATABLE, false);
        ck_assert(verdict.took_effect_perhaps);
        ck_assert_int_eq(verdict.next, contract[i].next);
        verdict = judge_code(contract[i].status, contract[i].code, "unknown", VERDICT_PLAIN, false);
        ck_assert(verdict.took_effect_perhaps);
        ck_assert_int_eq(verdict.next, VERDICT_FINAL);
        verdict = judge_code(contract[i].status, contract[i].code, "unknown", VERDICT_READ, false);
        ck_assert(!verdict.took_effect_perhaps);
    }
}
END_TEST

START_TEST(a_change_under_way_may_be_our_own_when_an_attempt_was_doubtful) {
    ck_assert_int_eq(judge_code(409, "change_in_progress", "rejected", VERDICT_REPEATABLE, true).next, VERDICT_LATER);
    ck_assert_int_eq(judge_code(409, "change_in_progress", "rejected", VERDICT_REPEATABLE, false).next, VERDICT_FINAL);
    ck_assert_int_eq(judge_code(409, "conflict", "rejected", VERDICT_REPEATABLE, true).next, VERDICT_FINAL);
}
END_TEST

START_TEST(an_answer_that_is_none_of_raftds_is_believed_as_little_as_it_says) {
    /* Somebody between us and the node failed: the node may have begun. */
    struct verdict verdict = judge(502, "<html>", VERDICT_REPEATABLE, false);
    ck_assert(verdict.took_effect_perhaps && verdict.node_failed);
    ck_assert_int_eq(verdict.next, VERDICT_LATER);
    ck_assert_int_eq(judge(502, "<html>", VERDICT_PLAIN, false).next, VERDICT_FINAL);
    ck_assert_int_eq(judge(502, "", VERDICT_READ, false).next, VERDICT_LATER);
    ck_assert(judge(408, "", VERDICT_REPEATABLE, false).took_effect_perhaps);
    /* It was not understood. */
    verdict = judge(404, "nothing here", VERDICT_PLAIN, false);
    ck_assert(!verdict.took_effect_perhaps);
    ck_assert_int_eq(verdict.next, VERDICT_FINAL);
    /* A problem of raftd's without an outcome that says it failed. */
    ck_assert(judge(503, "{\"code\":\"no_leader\"}", VERDICT_PLAIN, false).took_effect_perhaps);
}
END_TEST

START_TEST(what_never_left_did_not_take_effect_and_what_left_without_an_answer_may_have) {
    struct exchange_answer answer = {.end = EXCHANGE_NOT_SENT};
    struct verdict_problem none = {.code = ""};
    struct verdict verdict = verdict_of(&answer, &none, VERDICT_PLAIN, false);
    ck_assert(!verdict.took_effect_perhaps && verdict.node_failed);
    ck_assert_int_eq(verdict.next, VERDICT_ELSEWHERE);
    answer.end = EXCHANGE_BROKEN;
    verdict = verdict_of(&answer, &none, VERDICT_PLAIN, false);
    ck_assert(verdict.took_effect_perhaps);
    ck_assert_int_eq(verdict.next, VERDICT_FINAL);
    verdict = verdict_of(&answer, &none, VERDICT_REPEATABLE, false);
    ck_assert(verdict.took_effect_perhaps);
    ck_assert_int_eq(verdict.next, VERDICT_ELSEWHERE);
    verdict = verdict_of(&answer, &none, VERDICT_READ, false);
    ck_assert(!verdict.took_effect_perhaps);
    answer.end = EXCHANGE_REFUSED;
    verdict = verdict_of(&answer, &none, VERDICT_PLAIN, false);
    ck_assert(!verdict.took_effect_perhaps);
    ck_assert_int_eq(verdict.next, VERDICT_NOT_HERE);
}
END_TEST

START_TEST(a_done_answer_is_done) {
    ck_assert_int_eq(judge(200, "{}", VERDICT_PLAIN, true).next, VERDICT_DONE);
    ck_assert_int_eq(judge(201, "", VERDICT_REPEATABLE, true).next, VERDICT_DONE);
    ck_assert_int_eq(judge(204, "", VERDICT_READ, false).next, VERDICT_DONE);
}
END_TEST

START_TEST(a_problem_is_read_as_far_as_it_fits) {
    struct verdict_problem problem;
    static const char text[] = "{\"code\":\"compacted\",\"detail\":\"a\\nb\",\"outcome\":\"rejected\",\"first_index\":77}";
    verdict_read_problem(text, sizeof text - 1, &problem);
    ck_assert_str_eq(problem.code, "compacted");
    ck_assert_str_eq(problem.detail, "a b");
    ck_assert(problem.outcome_rejected && !problem.outcome_unknown);
    ck_assert_uint_eq(problem.first_index, 77);
    static const char *const none[] = {"", "[]", "{", "{\"code\":7,\"detail\":null,\"outcome\":[],\"first_index\":\"1\"}",
                                       "\"code\""};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        verdict_read_problem(none[i], strlen(none[i]), &problem);
        ck_assert_str_eq(problem.code, "");
        ck_assert_str_eq(problem.detail, "");
        ck_assert(!problem.outcome_rejected && !problem.outcome_unknown && problem.first_index == 0);
    }
    char long_text[2000] = "{\"code\":\"";
    memset(long_text + 9, 'c', 900);
    strcat(long_text, "\"}");
    verdict_read_problem(long_text, strlen(long_text), &problem);
    ck_assert_uint_eq(strlen(problem.code), VERDICT_CODE_SIZE - 1);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_passes_by_itself_is_tried_again_and_nothing_else);
    tcase_add_test(tcase, an_unknown_outcome_is_doubtful_and_tried_again_only_by_what_may_be_repeated);
    tcase_add_test(tcase, a_change_under_way_may_be_our_own_when_an_attempt_was_doubtful);
    tcase_add_test(tcase, an_answer_that_is_none_of_raftds_is_believed_as_little_as_it_says);
    tcase_add_test(tcase, what_never_left_did_not_take_effect_and_what_left_without_an_answer_may_have);
    tcase_add_test(tcase, a_done_answer_is_done);
    tcase_add_test(tcase, a_problem_is_read_as_far_as_it_fits);
}

CHECK_MAIN("verdict", add_tests)
