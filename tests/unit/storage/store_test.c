#include "storage/store.h"

#include "tests/check_main.h"

#include <signal.h>
#include <stdlib.h>

/* Entries up to 4 are of term 1, the fifth and last of term 2; the log begins after the second, the snapshot covers three.
 */
static enum storage_error term_of(struct storage *storage, raft_index index, raft_term *out_term,
                                  struct storage_message *out_message) {
    (void)storage;
    (void)out_message;
    ck_assert(index == 3 || index == 4);
    *out_term = 1;
    return STORAGE_OK;
}

static const struct store_operations operations = {.term_of = term_of};
static const struct storage_snapshot snapshot = {.id = {3, 1}, .length = 100, .crc = 1};
static const struct storage_snapshot newer = {.id = {5, 2}, .length = 200, .crc = 2};

static struct storage_state after(struct storage_write write) {
    struct storage storage = {.operations = &operations,
                              .state = {.base = {.index = 2, .term = 1},
                                        .last = {.index = 5, .term = 2},
                                        .snapshot = snapshot,
                                        .hard_state = {.term = 2}}};
    struct storage_state state;
    struct storage_message message;
    ck_assert_int_eq(store_state_after(&storage, &write, &state, &message), STORAGE_OK);
    return state;
}

static void expect_id(struct raft_entry_id id, raft_index index, raft_term term) {
    ck_assert_uint_eq(id.index, index);
    ck_assert_uint_eq(id.term, term);
}

START_TEST(the_end_after_a_truncation_is_the_entry_before_it) {
    expect_id(after((struct storage_write){.truncate_from = 0}).last, 5, 2);
    expect_id(after((struct storage_write){.truncate_from = 6}).last, 5, 2);
    expect_id(after((struct storage_write){.truncate_from = 5}).last, 4, 1);
    expect_id(after((struct storage_write){.truncate_from = 4}).last, 3, 1);
}
END_TEST

START_TEST(a_truncation_below_the_snapshot_stops_the_program) {
    after((struct storage_write){.truncate_from = 3});
}
END_TEST

START_TEST(a_truncation_of_the_base_stops_the_program) {
    after((struct storage_write){.truncate_from = 2});
}
END_TEST

START_TEST(a_compaction_takes_the_term_of_its_entry_with_it) {
    const struct raft_entry entry = {.id = {6, 2}, .type = RAFT_NOOP};
    const struct storage_snapshot of_new_entry = {.id = {6, 2}, .length = 1};
    expect_id(after((struct storage_write){.compact_through = 1}).base, 2, 1);
    expect_id(after((struct storage_write){.compact_through = 2}).base, 2, 1);
    expect_id(after((struct storage_write){.compact_through = 3}).base, 3, 1);
    expect_id(after((struct storage_write){.compact_through = 4, .snapshot_changed = true, .snapshot = newer}).base, 4, 1);
    expect_id(after((struct storage_write){.compact_through = 5, .snapshot_changed = true, .snapshot = newer}).base, 5, 2);
    struct storage_state state = after((struct storage_write){
        .compact_through = 6, .entries = &entry, .entry_count = 1, .snapshot_changed = true, .snapshot = of_new_entry});
    expect_id(state.base, 6, 2);
    expect_id(state.last, 6, 2);
}
END_TEST

START_TEST(a_compaction_past_the_snapshot_stops_the_program) {
    after((struct storage_write){.compact_through = 4});
}
END_TEST

START_TEST(a_compaction_past_the_log_stops_the_program) {
    after((struct storage_write){.compact_through = 6, .snapshot_changed = true, .snapshot = {.id = {6, 2}, .length = 1}});
}
END_TEST

START_TEST(a_replaced_log_begins_and_ends_with_its_snapshot) {
    struct storage_state state = after(
        (struct storage_write){.replaced_by = {9, 2}, .snapshot_changed = true, .snapshot = {.id = {9, 2}, .length = 7}});
    expect_id(state.base, 9, 2);
    expect_id(state.last, 9, 2);
    expect_id(state.snapshot.id, 9, 2);
    ck_assert_uint_eq(state.snapshot.length, 7);
    /* In the middle of the log, with new entries behind. */
    const struct raft_entry entry = {.id = {5, 2}, .type = RAFT_NOOP};
    state = after((struct storage_write){.replaced_by = {4, 2},
                                         .entries = &entry,
                                         .entry_count = 1,
                                         .snapshot_changed = true,
                                         .snapshot = {.id = {4, 2}, .length = 7}});
    expect_id(state.base, 4, 2);
    expect_id(state.last, 5, 2);
}
END_TEST

START_TEST(a_replacement_without_its_snapshot_stops_the_program) {
    after((struct storage_write){.replaced_by = {9, 2}});
}
END_TEST

START_TEST(a_replacement_by_another_than_its_snapshot_stops_the_program) {
    after((struct storage_write){.replaced_by = {9, 2}, .snapshot_changed = true, .snapshot = {.id = {9, 1}, .length = 7}});
}
END_TEST

START_TEST(a_replacement_that_takes_the_base_back_stops_the_program) {
    after((struct storage_write){.replaced_by = {2, 1}, .snapshot_changed = true, .snapshot = {.id = {2, 1}, .length = 7}});
}
END_TEST

START_TEST(a_snapshot_past_the_log_stops_the_program) {
    after((struct storage_write){.snapshot_changed = true, .snapshot = {.id = {6, 2}, .length = 7}});
}
END_TEST

START_TEST(a_snapshot_older_than_the_one_that_counts_stops_the_program) {
    after((struct storage_write){.snapshot_changed = true, .snapshot = {.id = {2, 1}, .length = 7}});
}
END_TEST

static void advance(struct raft_entry_id id, struct raft_hard_state hard_state) {
    const struct raft_entry entry = {.id = id, .type = RAFT_NOOP};
    struct storage_state state = after(
        (struct storage_write){.entries = &entry, .entry_count = 1, .hard_state_changed = true, .hard_state = hard_state});
    ck_assert_uint_eq(state.last.index, 6);
    ck_assert_uint_eq(state.hard_state.term, hard_state.term);
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
    tcase_add_test_raise_signal(tcase, a_truncation_below_the_snapshot_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_truncation_of_the_base_stops_the_program, SIGABRT);
    tcase_add_test(tcase, a_compaction_takes_the_term_of_its_entry_with_it);
    tcase_add_test_raise_signal(tcase, a_compaction_past_the_snapshot_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_compaction_past_the_log_stops_the_program, SIGABRT);
    tcase_add_test(tcase, a_replaced_log_begins_and_ends_with_its_snapshot);
    tcase_add_test_raise_signal(tcase, a_replacement_without_its_snapshot_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_replacement_by_another_than_its_snapshot_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_replacement_that_takes_the_base_back_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_snapshot_past_the_log_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_snapshot_older_than_the_one_that_counts_stops_the_program, SIGABRT);
    tcase_add_test(tcase, an_entry_may_follow_in_the_same_or_a_later_term);
    tcase_add_test_raise_signal(tcase, a_gap_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, an_entry_of_an_earlier_term_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, an_entry_ahead_of_the_hard_state_stops_the_program, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_term_that_goes_back_stops_the_program, SIGABRT);
    tcase_add_test(tcase, what_was_read_points_into_one_buffer);
}

CHECK_MAIN_APART("store", add_tests)
