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

/* Entries 1 to the length; compacted through `base`. */
static struct log compacted(const char *terms, raft_index base) {
    struct log log = log_of(terms);
    log_compact(&log, base);
    return log;
}

START_TEST(a_compacted_log_begins_after_its_base_whose_term_it_knows) {
    struct log log = compacted("112233", 3);
    ck_assert_uint_eq(log.base.index, 3);
    ck_assert_uint_eq(log.base.term, 2);
    ck_assert_uint_eq(log_last_index(&log), 6);
    ck_assert_uint_eq(log_term_at(&log, 0), 0);
    ck_assert_uint_eq(log_term_at(&log, 2), 0);
    ck_assert_uint_eq(log_term_at(&log, 3), 2);
    ck_assert_uint_eq(log_term_at(&log, 4), 2);
    ck_assert_uint_eq(log_term_at(&log, 6), 3);
    ck_assert_uint_eq(log_at(&log, 4)->size, 103);
    ck_assert_uint_eq(log_at(&log, 6)->size, 105);
    log_clear(&log);
}
END_TEST

START_TEST(a_log_compacted_to_its_end_ends_with_its_base) {
    struct log log = compacted("1123", 4);
    ck_assert_uint_eq(log_last_index(&log), 4);
    ck_assert_uint_eq(log_last(&log).index, 4);
    ck_assert_uint_eq(log_last(&log).term, 3);
    log_append(&log, (struct raft_entry_id){5, 3}, RAFT_COMMAND, 7);
    ck_assert_uint_eq(log_at(&log, 5)->size, 7);
    log_truncate(&log, 5);
    ck_assert_uint_eq(log_last(&log).term, 3);
    log_clear(&log);
}
END_TEST

START_TEST(a_log_that_was_reset_is_empty_after_its_new_base) {
    struct log log = log_of("111");
    log_reset(&log, (struct raft_entry_id){9, 4});
    ck_assert_uint_eq(log_last_index(&log), 9);
    ck_assert_uint_eq(log_last(&log).term, 4);
    ck_assert_uint_eq(log_term_at(&log, 3), 0);
    log_append(&log, (struct raft_entry_id){10, 4}, RAFT_COMMAND, 1);
    ck_assert_uint_eq(log_term_at(&log, 10), 4);
    log_clear(&log);
}
END_TEST

START_TEST(compaction_gives_memory_back) {
    struct log log;
    log_init(&log);
    for (raft_index i = 1; i <= 100000; i++) {
        log_append(&log, (struct raft_entry_id){i, 1 + i / 1000}, RAFT_COMMAND, (uint32_t)i);
    }
    log_compact(&log, 99000);
    ck_assert_uint_le(log.capacity, 2000);
    for (raft_index i = 99001; i <= 100000; i++) {
        ck_assert_uint_eq(log_at(&log, i)->size, i);
    }
    log_append(&log, (struct raft_entry_id){100001, 101}, RAFT_COMMAND, 1);
    log_compact(&log, 100001);
    ck_assert_uint_le(log.capacity, 128);
    log_append(&log, (struct raft_entry_id){100002, 101}, RAFT_COMMAND, 2);
    ck_assert_uint_eq(log_last_index(&log), 100002);
    log_clear(&log);
}
END_TEST

START_TEST(both_searches_stay_behind_the_base) {
    struct log log = compacted("1112233", 4);
    ck_assert_uint_eq(log_first_of_term_at(&log, 5), 5); /* Its term began before. */
    ck_assert_uint_eq(log_first_of_term_at(&log, 7), 6);
    ck_assert_uint_eq(log_last_not_above(&log, 7, 2), 5);
    ck_assert_uint_eq(log_last_not_above(&log, 7, 1), 4); /* None: the base. */
    ck_assert_uint_eq(log_last_not_above(&log, 2, 9), 4);
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
    tcase_add_test(tcase, a_compacted_log_begins_after_its_base_whose_term_it_knows);
    tcase_add_test(tcase, a_log_compacted_to_its_end_ends_with_its_base);
    tcase_add_test(tcase, a_log_that_was_reset_is_empty_after_its_new_base);
    tcase_add_test(tcase, compaction_gives_memory_back);
    tcase_add_test(tcase, both_searches_stay_behind_the_base);
}

CHECK_MAIN("raft/log", add_tests)
