/* The limits of the table at their edges: real ones where that is quick, else small ones. */
#include "server/sessions.h"

#include "tests/check_main.h"
#include "tests/unit/server/sessions_driver.h"

#include <stdio.h>

static enum sessions_verdict numbered_key(struct log *log, uint64_t number) {
    char key[20];
    sprintf(key, "%llu", (unsigned long long)number);
    return log_key(log, key, "{}", "1");
}

START_TEST(a_table_has_the_limits_of_the_format) {
    struct sessions *sessions = sessions_create();
    ck_assert_uint_eq(sessions->limits.sessions, 100000);
    ck_assert_uint_eq(sessions->limits.keys, 1000000);
    ck_assert_uint_eq(sessions->limits.result_bytes, 256 * 1024 * 1024);
    ck_assert_uint_eq(sessions->limits.result_size, 1024 * 1024);
    ck_assert_uint_eq(SESSIONS_EXPIRY_MS, 3600 * 1000);
    sessions_destroy(sessions);
}
END_TEST

START_TEST(so_many_keys_are_kept_and_the_oldest_goes_first) {
    enum { KEYS = 5000 };
    struct log log = log_begin_limited((struct sessions_limits){1, KEYS, KEYS + 1, 1});
    for (uint64_t i = 1; i <= KEYS; i++) {
        log.time_ms += i % 2; /* Some at the same time. */
        ck_assert_int_eq(numbered_key(&log, i), SESSIONS_APPLY);
    }
    ck_assert_uint_eq(sessions_key_count(log.sessions), KEYS);
    ck_assert_int_eq(numbered_key(&log, 1), SESSIONS_DUPLICATE);
    for (uint64_t i = 1; i <= KEYS; i++) {
        ck_assert_int_eq(numbered_key(&log, i), SESSIONS_DUPLICATE);
        ck_assert_int_eq(numbered_key(&log, KEYS + i), SESSIONS_APPLY); /* Pushes the one before out. */
        ck_assert_uint_eq(sessions_key_count(log.sessions), KEYS);
    }
    ck_assert_int_eq(numbered_key(&log, KEYS), SESSIONS_APPLY);
    log_end(&log);
}
END_TEST

START_TEST(a_hundred_thousand_sessions_are_kept_and_the_least_recently_used_goes_first) {
    struct log log = log_begin();
    for (uint64_t i = 1; i <= SESSIONS_MAX; i++) {
        log.time_ms += i % 2;
        ck_assert_uint_eq(log_open(&log), i);
    }
    ck_assert(log_has(&log, 1));
    log.time_ms++;
    ck_assert_int_eq(log_session(&log, 1, 1, "1"), SESSIONS_APPLY);
    uint64_t one_more = log_open(&log);
    ck_assert_uint_eq(sessions_count(log.sessions), SESSIONS_MAX);
    ck_assert(log_has(&log, one_more));
    ck_assert(log_has(&log, 1));
    ck_assert(!log_has(&log, 2));
    ck_assert(log_has(&log, 3));
    log_open(&log);
    ck_assert(!log_has(&log, 3));
    ck_assert(log_has(&log, 4));
    log_end(&log);
}
END_TEST

START_TEST(a_quarter_gigabyte_of_results_of_keys_is_kept_and_the_oldest_goes_first) {
    struct log log = log_begin();
    struct json_span large = literal_of(SESSIONS_RESULT_MAX);
    enum { FILLING = SESSIONS_RESULTS_MAX / SESSIONS_RESULT_MAX };
    char key[20];
    for (int i = 1; i <= FILLING; i++) {
        size_t size = (size_t)sprintf(key, "%d", i);
        struct sessions_origin origin = {.key = key, .key_size = size};
        ck_assert_int_eq(log_propose(&log, origin, text_span("{}"), &large), SESSIONS_APPLY);
    }
    ck_assert_uint_eq(sessions_key_count(log.sessions), FILLING);
    ck_assert_int_eq(log_key(&log, "cut", "{}", "no json"), SESSIONS_APPLY); /* Takes no bytes. */
    ck_assert_int_eq(log_key(&log, "1", "{}", ""), SESSIONS_DUPLICATE);
    ck_assert_int_eq(log_key(&log, "more", "{}", "1"), SESSIONS_APPLY); /* A byte too many. */
    ck_assert_uint_eq(sessions_key_count(log.sessions), FILLING + 1);
    ck_assert_int_eq(log_key(&log, "2", "{}", ""), SESSIONS_DUPLICATE);
    ck_assert_int_eq(log_key(&log, "1", "{}", "no json"), SESSIONS_APPLY);
    literal_free(large);
    log_end(&log);
}
END_TEST

static const struct sessions_limits small = {.sessions = 3, .keys = 3, .result_bytes = 10, .result_size = 6};

START_TEST(of_sessions_used_at_the_same_time_the_lowest_goes) {
    struct log log = log_begin_limited(small);
    uint64_t sessions[3];
    for (int i = 0; i < 3; i++) {
        sessions[i] = log_open(&log);
    }
    log_session(&log, sessions[0], 1, "1"); /* No later than the others. */
    log_open(&log);
    ck_assert(!log_has(&log, sessions[0]));
    ck_assert(log_has(&log, sessions[1]));
    ck_assert(log_has(&log, sessions[2]));
    log_end(&log);
}
END_TEST

START_TEST(of_sessions_the_oldest_answers_are_cut_and_the_sessions_stay) {
    struct log log = log_begin_limited(small);
    uint64_t sessions[3] = {log_open(&log), log_open(&log), log_open(&log)};
    log_session(&log, sessions[1], 1, "[1]");
    log_session(&log, sessions[0], 1, "[2]");
    log_session(&log, sessions[2], 1, "[34]"); /* 10 bytes. */
    ck_assert_int_eq(log_session(&log, sessions[1], 1, "0"), SESSIONS_DUPLICATE);
    log_answered(&log, 4, 1, "[1]");
    log_session(&log, sessions[2], 2, "[345]"); /* 11 bytes. */
    ck_assert_int_eq(log_session(&log, sessions[1], 1, "0"), SESSIONS_DUPLICATE);
    log_answered(&log, 4, 1, NULL);
    ck_assert_int_eq(log_session(&log, sessions[0], 1, "0"), SESSIONS_DUPLICATE);
    log_answered(&log, 5, 1, "[2]");
    ck_assert_int_eq(log_session(&log, sessions[1], 2, "[6]"), SESSIONS_APPLY); /* 11 bytes again. */
    ck_assert_int_eq(log_session(&log, sessions[0], 1, "0"), SESSIONS_DUPLICATE);
    log_answered(&log, 5, 1, NULL);
    ck_assert_int_eq(log_session(&log, sessions[2], 2, "0"), SESSIONS_DUPLICATE);
    log_answered(&log, 8, 2, "[345]");
    log_end(&log);
}
END_TEST

START_TEST(sessions_that_are_over_cost_no_other_its_answer) {
    struct log log = log_begin_limited(small);
    uint64_t over = log_open(&log);
    uint64_t kept = log_open(&log);
    log_session(&log, kept, 1, "[111]");
    log_session(&log, over, 1, "[222]"); /* Ten bytes; the answer of `kept` is older. */
    log.time_ms += 1;
    log_session(&log, kept, 1, "0");
    /* Nobody takes the session out that is over now. */
    uint64_t time_ms = log.time_ms - 1 + SESSIONS_EXPIRY_MS;
    sessions_open(log.sessions, 100, time_ms);
    ck_assert_uint_eq(sessions_count(log.sessions), 3);
    struct sessions_origin origin = {.time_ms = time_ms, .session = 100, .sequence = 1};
    ck_assert_int_eq(sessions_begin(log.sessions, &origin, text_span("{}"), &log.answer), SESSIONS_APPLY);
    sessions_end(log.sessions, &origin, text_span("{}"), (struct raft_entry_id){101, 7}, false, text_span("[333]"));
    ck_assert(sessions_last(log.sessions, kept, &log.answer));
    log_answered(&log, 3, 1, "[111]");
    log_end(&log);
}
END_TEST

START_TEST(room_that_an_answer_gives_back_is_room_for_others) {
    struct log log = log_begin_limited(small);
    uint64_t one = log_open(&log);
    uint64_t other = log_open(&log);
    for (uint64_t sequence = 1; sequence <= 20; sequence++) {
        log_session(&log, one, sequence, "[111]");
        log_session(&log, other, sequence, "[222]");
    }
    ck_assert(sessions_last(log.sessions, one, &log.answer) && !log.answer.omitted);
    ck_assert(sessions_last(log.sessions, other, &log.answer) && !log.answer.omitted);
    ck_assert(log_close(&log, one));
    uint64_t third = log_open(&log);
    log_session(&log, third, 1, "[333]");
    ck_assert(sessions_last(log.sessions, other, &log.answer) && !log.answer.omitted);
    log_end(&log);
}
END_TEST

START_TEST(keys_and_sessions_have_their_own_room) {
    struct log log = log_begin_limited(small);
    uint64_t session = log_open(&log);
    log_session(&log, session, 1, "[1111]");
    log_key(&log, "a", "{}", "[1111]");
    log_key(&log, "b", "{}", "1111");
    ck_assert_int_eq(log_key(&log, "a", "{}", "0"), SESSIONS_DUPLICATE);
    ck_assert(sessions_last(log.sessions, session, &log.answer) && !log.answer.omitted);
    log_key(&log, "c", "{}", "1"); /* 11 bytes of keys. */
    ck_assert_uint_eq(sessions_key_count(log.sessions), 2);
    ck_assert(sessions_last(log.sessions, session, &log.answer) && !log.answer.omitted);
    log_end(&log);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_table_has_the_limits_of_the_format);
    tcase_add_test(tcase, so_many_keys_are_kept_and_the_oldest_goes_first);
    tcase_add_test(tcase, a_hundred_thousand_sessions_are_kept_and_the_least_recently_used_goes_first);
    tcase_add_test(tcase, a_quarter_gigabyte_of_results_of_keys_is_kept_and_the_oldest_goes_first);
    tcase_add_test(tcase, of_sessions_used_at_the_same_time_the_lowest_goes);
    tcase_add_test(tcase, of_sessions_the_oldest_answers_are_cut_and_the_sessions_stay);
    tcase_add_test(tcase, sessions_that_are_over_cost_no_other_its_answer);
    tcase_add_test(tcase, room_that_an_answer_gives_back_is_room_for_others);
    tcase_add_test(tcase, keys_and_sessions_have_their_own_room);
}

CHECK_MAIN("sessions_limits", add_tests)
