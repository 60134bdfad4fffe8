/* The records of the log: ends, terms, and the two searches by term. */
#include "tests/check_main.h"

#include "server/raft/log.h"

#include <string.h>

/* A log of entries with these terms, one digit each. */
static struct log log_of(const char *terms) {
    struct log log;
    log_init(&log);
    for (size_t i = 0; i < strlen(terms); i++) {
        log_append(&log, (struct raft_entry_id){i + 1, (raft_term)(terms[i] - '0')}, RAFT_COMMAND, 100 + (uint32_t)i);
    }
    return log;
}

START_TEST(an_empty_log_ends_before_the_first_entry) {
    struct log log = log_of("");
    ck_assert_uint_eq(log_last_index(&log), 0);
    ck_assert_uint_eq(log_last(&log).index, 0);
    ck_assert_uint_eq(log_last(&log).term, 0);
    log_clear(&log);
}
END_TEST

START_TEST(what_was_appended_is_found) {
    struct log log = log_of("112");
    ck_assert_uint_eq(log_last_index(&log), 3);
    ck_assert_uint_eq(log_last(&log).index, 3);
    ck_assert_uint_eq(log_last(&log).term, 2);
    ck_assert_uint_eq(log_at(&log, 1)->size, 100);
    ck_assert_uint_eq(log_at(&log, 3)->size, 102);
    ck_assert_int_eq(log_at(&log, 3)->type, RAFT_COMMAND);
    log_clear(&log);
}
END_TEST

START_TEST(outside_the_log_the_term_is_none) {
    struct log log = log_of("12");
    ck_assert_uint_eq(log_term_at(&log, 0), 0);
    ck_assert_uint_eq(log_term_at(&log, 1), 1);
    ck_assert_uint_eq(log_term_at(&log, 2), 2);
    ck_assert_uint_eq(log_term_at(&log, 3), 0);
    ck_assert_uint_eq(log_term_at(&log, UINT64_MAX), 0);
    log_clear(&log);
}
END_TEST

START_TEST(truncation_removes_the_index_and_all_above_it) {
    struct log log = log_of("1123");
    log_truncate(&log, 3);
    ck_assert_uint_eq(log_last_index(&log), 2);
    ck_assert_uint_eq(log_term_at(&log, 3), 0);
    log_append(&log, (struct raft_entry_id){3, 5}, RAFT_NOOP, 0);
    ck_assert_uint_eq(log_last(&log).term, 5);
    ck_assert_int_eq(log_at(&log, 3)->type, RAFT_NOOP);
    log_truncate(&log, 1);
    ck_assert_uint_eq(log_last_index(&log), 0);
    log_clear(&log);
}
END_TEST

START_TEST(both_searches_agree_with_going_through_the_log) {
    static const char *const logs[] = {"1", "1111", "1223", "13579", "111222333444", "2255", "123456789"};
    for (size_t l = 0; l < sizeof logs / sizeof *logs; l++) {
        struct log log = log_of(logs[l]);
        for (raft_index index = 1; index <= log_last_index(&log); index++) {
            raft_index first = index;
            while (first > 1 && log_term_at(&log, first - 1) == log_term_at(&log, index)) {
                first--;
            }
            ck_assert_uint_eq(log_first_of_term_at(&log, index), first);
            for (raft_term term = 0; term <= 10; term++) {
                raft_index last = index;
                while (last > 0 && log_term_at(&log, last) > term) {
                    last--;
                }
                ck_assert_uint_eq(log_last_not_above(&log, index, term), last);
            }
        }
        log_clear(&log);
    }
}
END_TEST

START_TEST(a_search_from_beyond_the_end_begins_at_the_end) {
    struct log log = log_of("123");
    ck_assert_uint_eq(log_last_not_above(&log, 1000, 9), 3);
    ck_assert_uint_eq(log_last_not_above(&log, UINT64_MAX - 1, 2), 2);
    log_clear(&log);
    log = log_of("");
    ck_assert_uint_eq(log_last_not_above(&log, 5, 9), 0);
    log_clear(&log);
}
END_TEST

START_TEST(a_log_of_a_hundred_thousand_entries_keeps_them_all) {
    struct log log;
    log_init(&log);
    for (raft_index i = 1; i <= 100000; i++) {
        log_append(&log, (struct raft_entry_id){i, 1 + i / 1000}, RAFT_COMMAND, (uint32_t)i);
    }
    for (raft_index i = 1; i <= 100000; i += 997) {
        ck_assert_uint_eq(log_at(&log, i)->size, i);
        ck_assert_uint_eq(log_term_at(&log, i), 1 + i / 1000);
    }
    log_clear(&log);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_empty_log_ends_before_the_first_entry);
    tcase_add_test(tcase, what_was_appended_is_found);
    tcase_add_test(tcase, outside_the_log_the_term_is_none);
    tcase_add_test(tcase, truncation_removes_the_index_and_all_above_it);
    tcase_add_test(tcase, both_searches_agree_with_going_through_the_log);
    tcase_add_test(tcase, a_search_from_beyond_the_end_begins_at_the_end);
    tcase_add_test(tcase, a_log_of_a_hundred_thousand_entries_keeps_them_all);
}

CHECK_MAIN("raft/log", add_tests)
