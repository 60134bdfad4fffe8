#include "server/sessions.h"

#include "tests/check_main.h"
#include "tests/unit/server/sessions_driver.h"

#include <stdio.h>

START_TEST(a_command_without_origin_is_always_applied) {
    struct log log = log_begin();
    struct json_span result = text_span("1");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(log_propose(&log, (struct sessions_origin){0}, text_span("{}"), &result), SESSIONS_APPLY);
    }
    ck_assert_uint_eq(sessions_count(log.sessions), 0);
    ck_assert_uint_eq(sessions_key_count(log.sessions), 0);
    log_end(&log);
    sessions_destroy(NULL);
}
END_TEST

START_TEST(a_retried_key_gets_the_first_answer) {
    struct log log = log_begin();
    ck_assert_int_eq(log_key(&log, "k", "{\"a\":1}", "{\"n\": 1}"), SESSIONS_APPLY);
    ck_assert_int_eq(log_key(&log, "other", "{\"a\":1}", "2"), SESSIONS_APPLY);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(log_key(&log, "k", "{\"a\":1}", "9"), SESSIONS_DUPLICATE);
        log_answered(&log, 1, 0, "{\"n\": 1}");
    }
    ck_assert_uint_eq(sessions_key_count(log.sessions), 2);
    log_end(&log);
}
END_TEST

START_TEST(a_key_with_another_command_is_refused) {
    struct log log = log_begin();
    log_key(&log, "k", "{\"a\":1}", "1");
    ck_assert_int_eq(log_key(&log, "k", "{\"a\":2}", "2"), SESSIONS_KEY_REUSED);
    ck_assert_int_eq(log_key(&log, "k", "{\"a\": 1}", "2"), SESSIONS_KEY_REUSED); /* Byte for byte. */
    ck_assert_int_eq(log_key(&log, "k", "{\"a\":1}", "2"), SESSIONS_DUPLICATE);
    log_answered(&log, 1, 0, "1");
    log_end(&log);
}
END_TEST

START_TEST(a_refused_command_leaves_its_key_free) {
    struct log log = log_begin();
    ck_assert_int_eq(log_key(&log, "k", "{\"a\":1}", NULL), SESSIONS_APPLY);
    ck_assert_uint_eq(sessions_key_count(log.sessions), 0);
    ck_assert_int_eq(log_key(&log, "k", "{\"a\":2}", "2"), SESSIONS_APPLY);
    ck_assert_int_eq(log_key(&log, "k", "{\"a\":2}", "3"), SESSIONS_DUPLICATE);
    log_answered(&log, 2, 0, "2");
    log_end(&log);
}
END_TEST

START_TEST(a_key_is_kept_for_an_hour_from_its_first_use) {
    struct log log = log_begin();
    log_key(&log, "k", "{}", "1");
    uint64_t first_ms = log.time_ms;
    log.time_ms = first_ms + SESSIONS_EXPIRY_MS - 1;
    ck_assert_int_eq(log_key(&log, "k", "{}", "2"), SESSIONS_DUPLICATE); /* Does not make it live longer. */
    log.time_ms = first_ms + SESSIONS_EXPIRY_MS;
    ck_assert_int_eq(log_key(&log, "k", "[]", "3"), SESSIONS_APPLY);
    ck_assert_int_eq(log_key(&log, "k", "[]", "4"), SESSIONS_DUPLICATE);
    log_answered(&log, 3, 0, "3");
    ck_assert_uint_eq(sessions_key_count(log.sessions), 1);
    log_end(&log);
}
END_TEST

START_TEST(a_key_that_is_over_is_free_before_it_is_taken_out) {
    struct log log = log_begin();
    log_key(&log, "k", "{}", "1");
    struct sessions_origin origin = {.time_ms = log.time_ms + SESSIONS_EXPIRY_MS, .key = "k", .key_size = 1};
    struct sessions_answer answer;
    ck_assert_int_eq(sessions_begin(log.sessions, &origin, text_span("[]"), &answer), SESSIONS_APPLY);
    sessions_end(log.sessions, &origin, text_span("[]"), (struct raft_entry_id){2, 7}, false, text_span("22"));
    ck_assert_int_eq(sessions_begin(log.sessions, &origin, text_span("[]"), &answer), SESSIONS_DUPLICATE);
    ck_assert_uint_eq(answer.id.index, 2);
    ck_assert_uint_eq(sessions_key_count(log.sessions), 1);
    log_end(&log);
}
END_TEST

START_TEST(a_stamp_that_goes_back_ends_nothing_and_revives_nothing) {
    struct log log = log_begin();
    log.time_ms = 2 * SESSIONS_EXPIRY_MS;
    log_key(&log, "k", "{}", "1");
    uint64_t session = log_open(&log);
    log.time_ms = 5;
    ck_assert_int_eq(log_key(&log, "k", "{}", "1"), SESSIONS_DUPLICATE);
    ck_assert_int_eq(log_session(&log, session, 1, "1"), SESSIONS_APPLY);
    log_key(&log, "early", "{}", "1");
    log.time_ms = 3 * SESSIONS_EXPIRY_MS - 1;
    ck_assert_int_eq(log_key(&log, "early", "{}", "1"), SESSIONS_DUPLICATE);
    log.time_ms = 3 * SESSIONS_EXPIRY_MS;
    sessions_advance(log.sessions, log.time_ms);
    log.time_ms = 5;
    ck_assert_int_eq(log_key(&log, "k", "{}", "1"), SESSIONS_APPLY);
    ck_assert_int_eq(log_session(&log, session, 2, "1"), SESSIONS_EXPIRED);
    log_end(&log);
}
END_TEST

START_TEST(keys_are_bytes_of_up_to_the_longest) {
    struct log log = log_begin();
    char longest[SESSIONS_KEY_SIZE_MAX + 1] = {0};
    memset(longest, '~', SESSIONS_KEY_SIZE_MAX);
    struct json_span result = text_span("1");
    for (size_t size = 1; size <= SESSIONS_KEY_SIZE_MAX; size++) {
        struct sessions_origin origin = {.key = longest, .key_size = size};
        ck_assert_int_eq(log_propose(&log, origin, text_span("{}"), &result), SESSIONS_APPLY);
    }
    ck_assert_uint_eq(sessions_key_count(log.sessions), SESSIONS_KEY_SIZE_MAX);
    for (size_t size = 1; size <= SESSIONS_KEY_SIZE_MAX; size++) {
        struct sessions_origin origin = {.key = longest, .key_size = size};
        ck_assert_int_eq(log_propose(&log, origin, text_span("{}"), &result), SESSIONS_DUPLICATE);
        log_answered(&log, size, 0, "1");
    }
    log_end(&log);
}
END_TEST

START_TEST(what_is_over_is_taken_out_little_by_little) {
    struct log log = log_begin();
    for (int i = 0; i < 40; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        log_key(&log, key, "{}", "1");
        log_open(&log);
    }
    static const size_t left[] = {24, 8, 0, 0};
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        sessions_advance(log.sessions, log.time_ms + SESSIONS_EXPIRY_MS);
        ck_assert_uint_eq(sessions_count(log.sessions), left[i]);
        ck_assert_uint_eq(sessions_key_count(log.sessions), left[i]);
        ck_assert(!log_has(&log, 80));
    }
    log_end(&log);
}
END_TEST

START_TEST(sequences_decide_within_a_session) {
    struct log log = log_begin();
    uint64_t session = log_open(&log);
    ck_assert_int_eq(log_session(&log, session, 0, "0"), SESSIONS_STALE);
    ck_assert_int_eq(log_session(&log, session, 1, "\"a\""), SESSIONS_APPLY);
    ck_assert_int_eq(log_session(&log, session, 1, "9"), SESSIONS_DUPLICATE);
    log_answered(&log, 3, 1, "\"a\"");
    ck_assert_int_eq(log_session(&log, session, 5, "\"b\""), SESSIONS_APPLY); /* Gaps are fine. */
    ck_assert_int_eq(log_session(&log, session, 5, "9"), SESSIONS_DUPLICATE);
    log_answered(&log, 5, 5, "\"b\"");
    ck_assert_int_eq(log_session(&log, session, 4, "9"), SESSIONS_STALE);
    ck_assert_int_eq(log_session(&log, session, 1, "9"), SESSIONS_STALE);
    ck_assert_int_eq(log_session(&log, session, 0, "9"), SESSIONS_STALE);
    ck_assert_int_eq(log_session(&log, session, 6, "\"c\""), SESSIONS_APPLY);
    log_end(&log);
}
END_TEST

START_TEST(a_retry_in_a_session_is_one_whatever_its_body) {
    struct log log = log_begin();
    uint64_t session = log_open(&log);
    struct sessions_origin origin = {.session = session, .sequence = 1};
    struct json_span result = text_span("1");
    ck_assert_int_eq(log_propose(&log, origin, text_span("{}"), &result), SESSIONS_APPLY);
    ck_assert_int_eq(log_propose(&log, origin, text_span("[]"), &result), SESSIONS_DUPLICATE);
    log_answered(&log, 2, 1, "1");
    log_end(&log);
}
END_TEST

START_TEST(a_refused_command_uses_no_sequence_up) {
    struct log log = log_begin();
    uint64_t session = log_open(&log);
    log_session(&log, session, 1, "1");
    ck_assert_int_eq(log_session(&log, session, 2, NULL), SESSIONS_APPLY);
    ck_assert_int_eq(log_session(&log, session, 1, "9"), SESSIONS_DUPLICATE); /* The answer before is still there. */
    log_answered(&log, 2, 1, "1");
    ck_assert_int_eq(log_session(&log, session, 2, "2"), SESSIONS_APPLY);
    log_end(&log);
}
END_TEST

START_TEST(sessions_do_not_know_of_each_other) {
    struct log log = log_begin();
    uint64_t one = log_open(&log);
    uint64_t other = log_open(&log);
    ck_assert_int_eq(log_session(&log, one, 3, "1"), SESSIONS_APPLY);
    ck_assert_int_eq(log_session(&log, other, 3, "2"), SESSIONS_APPLY);
    ck_assert_int_eq(log_session(&log, one, 3, "9"), SESSIONS_DUPLICATE);
    log_answered(&log, 3, 3, "1");
    ck_assert(log_close(&log, one));
    ck_assert_int_eq(log_session(&log, other, 3, "9"), SESSIONS_DUPLICATE);
    log_answered(&log, 4, 3, "2");
    log_end(&log);
}
END_TEST

START_TEST(a_session_that_was_never_opened_or_is_closed_is_gone) {
    struct log log = log_begin();
    ck_assert_int_eq(log_session(&log, 1, 1, "1"), SESSIONS_EXPIRED);
    ck_assert(!log_close(&log, 1));
    uint64_t session = log_open(&log);
    log_session(&log, session, 1, "1");
    ck_assert(log_close(&log, session));
    ck_assert(!log_close(&log, session));
    ck_assert_int_eq(log_session(&log, session, 1, "1"), SESSIONS_EXPIRED);
    ck_assert(!log_has(&log, session));
    ck_assert_uint_eq(sessions_count(log.sessions), 0);
    log_end(&log);
}
END_TEST

/* Uses of a session: what keeps it alive for another hour. */
START_TEST(a_session_lives_for_an_hour_after_any_proposal) {
    static const struct {
        uint64_t sequence;
        const char *result;
        enum sessions_verdict verdict;
    } uses[] = {
        {6, "1", SESSIONS_APPLY}, {6, NULL, SESSIONS_APPLY}, {5, "1", SESSIONS_DUPLICATE}, {4, "1", SESSIONS_STALE}};
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        struct log log = log_begin();
        uint64_t session = log_open(&log);
        log_session(&log, session, 5, "1");
        log.time_ms += SESSIONS_EXPIRY_MS - 1;
        ck_assert_int_eq(log_session(&log, session, uses[i].sequence, uses[i].result), uses[i].verdict);
        log.time_ms += SESSIONS_EXPIRY_MS - 1;
        ck_assert_int_eq(log_session(&log, session, 7, NULL), SESSIONS_APPLY);
        log.time_ms += SESSIONS_EXPIRY_MS;
        ck_assert_int_eq(log_session(&log, session, 7, "1"), SESSIONS_EXPIRED);
        ck_assert(!log_close(&log, session));
        log_end(&log);
    }
}
END_TEST

START_TEST(looking_at_a_session_does_not_keep_it_alive) {
    struct log log = log_begin();
    uint64_t session = log_open(&log);
    log.time_ms += SESSIONS_EXPIRY_MS - 1;
    sessions_advance(log.sessions, log.time_ms);
    ck_assert(log_has(&log, session));
    log.time_ms += 1;
    sessions_advance(log.sessions, log.time_ms);
    ck_assert(!log_has(&log, session));
    log_end(&log);
}
END_TEST

START_TEST(the_last_answer_of_a_session_can_be_asked_for) {
    struct log log = log_begin();
    uint64_t session = log_open(&log);
    ck_assert(sessions_last(log.sessions, session, &log.answer));
    ck_assert_uint_eq(log.answer.sequence, 0);
    ck_assert_uint_eq(log.answer.id.index, 0);
    ck_assert_uint_eq(log.answer.id.term, 0);
    ck_assert_uint_eq(log.answer.result.size, 0);
    ck_assert(!log.answer.omitted);
    log_session(&log, session, 4, "[4]");
    log_session(&log, session, 5, NULL);
    ck_assert(sessions_last(log.sessions, session, &log.answer));
    log_answered(&log, 2, 4, "[4]");
    log_end(&log);
}
END_TEST

START_TEST(a_session_opened_twice_begins_anew) {
    struct log log = log_begin();
    sessions_open(log.sessions, 5, log.time_ms);
    log_session(&log, 5, 1, "1");
    sessions_open(log.sessions, 5, log.time_ms);
    ck_assert_uint_eq(sessions_count(log.sessions), 1);
    ck_assert_int_eq(log_session(&log, 5, 1, "1"), SESSIONS_APPLY);
    log_end(&log);
}
END_TEST

/* Proposes with a key and in a session; both retries say whether the result was kept. */
static void check_kept(struct log *log, struct json_span result, bool kept) {
    char key[20];
    sprintf(key, "%llu", (unsigned long long)log->index);
    struct sessions_origin origins[2] = {{.key = key, .key_size = strlen(key)}, {.session = log_open(log), .sequence = 1}};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(log_propose(log, origins[i], text_span("{}"), &result), SESSIONS_APPLY);
        ck_assert_int_eq(log_propose(log, origins[i], text_span("{}"), &result), SESSIONS_DUPLICATE);
        ck_assert_uint_eq(log->answer.id.index, log->index - 1);
        ck_assert(log->answer.omitted == !kept);
        ck_assert_uint_eq(log->answer.result.size, kept ? result.size : 0);
        if (kept) {
            ck_assert_mem_eq(log->answer.result.data, result.data, result.size);
        }
    }
}

START_TEST(a_result_that_is_too_large_is_cut) {
    struct log log = log_begin();
    for (size_t size = SESSIONS_RESULT_MAX - 1; size <= SESSIONS_RESULT_MAX + 1; size++) {
        struct json_span result = literal_of(size);
        check_kept(&log, result, size <= SESSIONS_RESULT_MAX);
        literal_free(result);
    }
    log_end(&log);
}
END_TEST

START_TEST(a_result_that_is_no_json_is_cut) {
    struct log log = log_begin();
    check_kept(&log, text_span(""), false);
    check_kept(&log, text_span("{"), false);
    check_kept(&log, text_span("1 2"), false);
    check_kept(&log, text_span(" {}\n"), true); /* As the machine wrote it. */
    char nested[2 * (JSON_DEPTH_MAX + 1)];
    memset(nested, '[', JSON_DEPTH_MAX + 1);
    memset(nested + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    check_kept(&log, (struct json_span){.data = nested, .size = sizeof nested}, false);
    check_kept(&log, (struct json_span){.data = nested + 1, .size = sizeof nested - 2}, true);
    log_end(&log);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_command_without_origin_is_always_applied);
    tcase_add_test(tcase, a_retried_key_gets_the_first_answer);
    tcase_add_test(tcase, a_key_with_another_command_is_refused);
    tcase_add_test(tcase, a_refused_command_leaves_its_key_free);
    tcase_add_test(tcase, a_key_is_kept_for_an_hour_from_its_first_use);
    tcase_add_test(tcase, a_key_that_is_over_is_free_before_it_is_taken_out);
    tcase_add_test(tcase, a_stamp_that_goes_back_ends_nothing_and_revives_nothing);
    tcase_add_test(tcase, keys_are_bytes_of_up_to_the_longest);
    tcase_add_test(tcase, what_is_over_is_taken_out_little_by_little);
    tcase_add_test(tcase, sequences_decide_within_a_session);
    tcase_add_test(tcase, a_retry_in_a_session_is_one_whatever_its_body);
    tcase_add_test(tcase, a_refused_command_uses_no_sequence_up);
    tcase_add_test(tcase, sessions_do_not_know_of_each_other);
    tcase_add_test(tcase, a_session_that_was_never_opened_or_is_closed_is_gone);
    tcase_add_test(tcase, a_session_lives_for_an_hour_after_any_proposal);
    tcase_add_test(tcase, looking_at_a_session_does_not_keep_it_alive);
    tcase_add_test(tcase, the_last_answer_of_a_session_can_be_asked_for);
    tcase_add_test(tcase, a_session_opened_twice_begins_anew);
    tcase_add_test(tcase, a_result_that_is_too_large_is_cut);
    tcase_add_test(tcase, a_result_that_is_no_json_is_cut);
}

CHECK_MAIN("sessions", add_tests)
