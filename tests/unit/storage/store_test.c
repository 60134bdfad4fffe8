#include "storage/store.h"

#include "tests/check_main.h"

#include <signal.h>
#include <stdlib.h>

static const struct storage_state state = {.last = {.index = 5, .term = 2}, .hard_state = {.term = 2}};

START_TEST(the_end_after_a_truncation_is_the_entry_before_it) {
    ck_assert_uint_eq(store_end_after_truncation(&state, 0, 0).index, 5);
    ck_assert_uint_eq(store_end_after_truncation(&state, 6, 0).index, 5);
    ck_assert_uint_eq(store_end_after_truncation(&state, 5, 1).index, 4);
    ck_assert_uint_eq(store_end_after_truncation(&state, 5, 1).term, 1);
    ck_assert_uint_eq(store_end_after_truncation(&state, 1, 0).index, 0);
}
END_TEST

static void advance(struct raft_entry_id id, struct raft_hard_state hard_state) {
    const struct raft_entry entry = {.id = id, .type = RAFT_NOOP};
    const struct storage_write write = {
        .entries = &entry, .entry_count = 1, .hard_state_changed = true, .hard_state = hard_state};
    struct storage_state after = store_state_after(&state, &write, state.last);
    ck_assert_uint_eq(after.last.index, 6);
    ck_assert_uint_eq(after.hard_state.term, hard_state.term);
}

START_TEST(an_entry_may_follow_in_the_same_or_a_later_term) {
    advance((struct raft_entry_id){6, 2}, (struct raft_hard_state){.term = 2});
    advance((struct raft_entry_id){6, 3}, (struct raft_hard_state){.term = 3});
}
END_TEST

START_TEST(a_gap_stops_the_program) {
    advance((struct raft_entry_id){7, 2}, (struct raft_hard_state){.term = 2});
}
END_TEST

START_TEST(an_entry_of_an_earlier_term_stops_the_program) {
    advance((struct raft_entry_id){6, 1}, (struct raft_hard_state){.term = 2});
}
END_TEST

START_TEST(an_entry_ahead_of_the_hard_state_stops_the_program) {
    advance((struct raft_entry_id){6, 3}, (struct raft_hard_state){.term = 2});
}
END_TEST

START_TEST(a_term_that_goes_back_stops_the_program) {
    advance((struct raft_entry_id){6, 2}, (struct raft_hard_state){.term = 1});
}
END_TEST

START_TEST(what_was_read_points_into_one_buffer) {
    struct store_reading reading = {.max_bytes = 7};
    const struct raft_entry entry = {.id = {1, 1}, .type = RAFT_COMMAND, .size = 3, .data = "abc"};
    ck_assert(store_reading_add(&reading, &entry));
    ck_assert(store_reading_add(&reading, &entry));
    ck_assert(!store_reading_add(&reading, &entry));
    struct raft_entry *entries = NULL;
    struct buffer *buffer = NULL;
    size_t count = 0;
    store_reading_finish(&reading, &entries, &count, &buffer);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(buffer->size, 6);
    ck_assert_ptr_eq(entries[0].data, buffer->data);
    ck_assert_ptr_eq(entries[1].data, buffer->data + 3);
    ck_assert_mem_eq(buffer->data, "abcabc", 6);
    free(entries);
    buffer_release(buffer);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_end_after_a_truncation_is_the_entry_before_it);
    tcase_add_test(tcase, an_entry_may_follow_in_the_same_or_a_later_term);
    tcase_add_test_raise_signal(tcase, a_gap_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, an_entry_of_an_earlier_term_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, an_entry_ahead_of_the_hard_state_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_term_that_goes_back_stops_the_program, SIGABRT);
    tcase_add_test(tcase, what_was_read_points_into_one_buffer);
}

CHECK_MAIN("store", add_tests)
