/* The turn's actions, and which writes are not on disk yet. */
#include "tests/check_main.h"

#include "server/raft/output.h"

static void append(struct output *output, raft_index index) {
    output_entry(output, &(struct raft_entry){.id = {index, 1}, .type = RAFT_COMMAND});
}

static void append_range(struct output *output, raft_index first, raft_index last) {
    for (raft_index index = first; index <= last; index++) {
        append(output, index);
    }
}

static const struct raft_actions *take(struct output *output) {
    return output_take(output, (struct raft_hard_state){0}, 0);
}

START_TEST(a_turn_in_which_nothing_happened_has_no_actions) {
    struct output output;
    output_init(&output);
    const struct raft_actions *actions = output_take(&output, (struct raft_hard_state){4, 2}, 17);
    ck_assert_uint_eq(actions->write, 0);
    ck_assert(!actions->hard_state_changed);
    ck_assert_uint_eq(actions->truncate_from, 0);
    ck_assert_uint_eq(actions->entry_count, 0);
    ck_assert_uint_eq(actions->message_count, 0);
    ck_assert_uint_eq(actions->read_count, 0);
    ck_assert_uint_eq(actions->commit_index, 17);
    output_clear(&output);
}
END_TEST

START_TEST(writes_are_numbered_from_one_and_only_when_there_is_something_to_write) {
    struct output output;
    output_init(&output);
    append(&output, 1);
    ck_assert_uint_eq(take(&output)->write, 1);
    ck_assert_uint_eq(take(&output)->write, 0);
    output_hard_state(&output);
    ck_assert_uint_eq(take(&output)->write, 2);
    output_truncate(&output, 1);
    const struct raft_actions *actions = take(&output);
    ck_assert_uint_eq(actions->write, 3);
    ck_assert_uint_eq(actions->truncate_from, 1);
    output_clear(&output);
}
END_TEST

START_TEST(a_turn_hands_out_its_own_things_only_once) {
    struct output output;
    output_init(&output);
    output_hard_state(&output);
    append(&output, 1);
    output_message(&output, &(struct raft_message){.to = 9});
    output_read(&output, (struct raft_read_answer){.ticket = 5, .ok = true, .index = 3});
    const struct raft_actions *actions = take(&output);
    ck_assert(actions->hard_state_changed);
    ck_assert_uint_eq(actions->entry_count, 1);
    ck_assert_uint_eq(actions->messages[0].to, 9);
    ck_assert_uint_eq(actions->reads[0].ticket, 5);
    actions = take(&output);
    ck_assert(!actions->hard_state_changed);
    ck_assert_uint_eq(actions->entry_count + actions->message_count + actions->read_count, 0);
    output_clear(&output);
}
END_TEST

START_TEST(room_is_used_again_but_not_that_of_a_long_turn) {
    struct output output;
    output_init(&output);
    append_range(&output, 1, OUTPUT_KEPT);
    const struct raft_entry *room = take(&output)->entries;
    append(&output, OUTPUT_KEPT + 1);
    const struct raft_actions *actions = take(&output);
    ck_assert(actions->entries != room); /* The host may read those of the turn before until it takes this one. */
    ck_assert_uint_eq(actions->entry_count, 1);
    append(&output, OUTPUT_KEPT + 2);
    actions = take(&output);
    ck_assert_ptr_eq(actions->entries, room);
    ck_assert_uint_eq(actions->entries[0].id.index, OUTPUT_KEPT + 2);
    append_range(&output, OUTPUT_KEPT + 3, 2 * OUTPUT_KEPT + 3);
    ck_assert_uint_gt(output.turn.entry_capacity, OUTPUT_KEPT);
    ck_assert_uint_eq(take(&output)->entry_count, OUTPUT_KEPT + 1);
    take(&output);
    take(&output);
    ck_assert_uint_le(output.turn.entry_capacity, OUTPUT_KEPT);
    ck_assert_uint_le(output.taken.entry_capacity, OUTPUT_KEPT);
    output_clear(&output);
}
END_TEST

START_TEST(bytes_stay_alive_until_the_next_turn_is_taken) {
    struct output output;
    output_init(&output);
    struct buffer *buffer = buffer_copy("abc", 3);
    struct raft_configuration configuration = {.voter_count = 0};
    output_entry(&output, &(struct raft_entry){.id = {1, 1},
                                               .type = RAFT_CONFIGURATION,
                                               .size = 3,
                                               .data = buffer->data,
                                               .buffer = buffer,
                                               .configuration = &configuration});
    ck_assert_uint_eq(buffer->references, 2);
    const struct raft_actions *actions = take(&output);
    ck_assert_uint_eq(buffer->references, 2);
    ck_assert_mem_eq(actions->entries[0].data, "abc", 3);
    ck_assert_ptr_null(actions->entries[0].configuration);
    take(&output);
    ck_assert_uint_eq(buffer->references, 1);
    output_clear(&output);
    buffer_release(buffer);
}
END_TEST

START_TEST(what_was_gathered_is_given_back_when_no_turn_takes_it) {
    struct output output;
    output_init(&output);
    struct buffer *buffer = buffer_copy("abc", 3);
    output_entry(&output, &(struct raft_entry){.id = {1, 1}, .size = 3, .data = buffer->data, .buffer = buffer});
    output_clear(&output);
    ck_assert_uint_eq(buffer->references, 1);
    buffer_release(buffer);
}
END_TEST

START_TEST(truncating_what_the_same_turn_appended_needs_nothing_on_disk) {
    struct output output;
    output_init(&output);
    struct buffer *buffer = buffer_copy("abc", 3);
    append_range(&output, 5, 6);
    output_entry(&output, &(struct raft_entry){.id = {7, 1}, .size = 3, .data = buffer->data, .buffer = buffer});
    output_truncate(&output, 6);
    ck_assert_uint_eq(buffer->references, 1);
    const struct raft_actions *actions = take(&output);
    ck_assert_uint_eq(actions->truncate_from, 0);
    ck_assert_uint_eq(actions->entry_count, 1);
    ck_assert_uint_eq(actions->entries[0].id.index, 5);
    output_clear(&output);
    buffer_release(buffer);
}
END_TEST

START_TEST(truncating_all_that_the_turn_appended_leaves_nothing_to_write) {
    struct output output;
    output_init(&output);
    append_range(&output, 5, 7);
    output_truncate(&output, 5);
    ck_assert_uint_eq(take(&output)->write, 0);
    output_clear(&output);
}
END_TEST

START_TEST(truncating_below_what_the_turn_appended_reaches_the_disk) {
    struct output output;
    output_init(&output);
    append_range(&output, 5, 7);
    output_truncate(&output, 3);
    append(&output, 3);
    const struct raft_actions *actions = take(&output);
    ck_assert_uint_eq(actions->truncate_from, 3);
    ck_assert_uint_eq(actions->entry_count, 1);
    ck_assert_uint_eq(actions->entries[0].id.index, 3);
    output_clear(&output);
}
END_TEST

START_TEST(of_several_truncations_in_a_turn_the_lowest_is_carried_out) {
    struct output output;
    output_init(&output);
    output_truncate(&output, 4);
    append_range(&output, 4, 6);
    output_truncate(&output, 2);
    append_range(&output, 2, 5);
    output_truncate(&output, 4);
    append(&output, 4);
    const struct raft_actions *actions = take(&output);
    ck_assert_uint_eq(actions->truncate_from, 2);
    ck_assert_uint_eq(actions->entry_count, 3);
    ck_assert_uint_eq(actions->entries[0].id.index, 2);
    output_clear(&output);
}
END_TEST

START_TEST(nothing_waits_when_everything_is_on_disk) {
    struct output output;
    output_init(&output);
    ck_assert_uint_eq(output_wait_for(&output, 9), 0);
    append(&output, 1);
    take(&output);
    output_persisted(&output, 1);
    ck_assert_uint_eq(output_wait_for(&output, 9), 0);
    output_clear(&output);
}
END_TEST

START_TEST(an_answer_waits_for_the_newest_write_that_it_rests_on) {
    struct output output;
    output_init(&output);
    append_range(&output, 1, 2);
    take(&output);
    append_range(&output, 3, 4);
    take(&output);
    ck_assert_uint_eq(output_wait_for(&output, 0), 0);
    ck_assert_uint_eq(output_wait_for(&output, 1), 1);
    ck_assert_uint_eq(output_wait_for(&output, 2), 1);
    ck_assert_uint_eq(output_wait_for(&output, 3), 2);
    append(&output, 5);
    ck_assert_uint_eq(output_wait_for(&output, 4), 2);
    ck_assert_uint_eq(output_wait_for(&output, 5), 3);
    output_clear(&output);
}
END_TEST

START_TEST(every_answer_waits_for_a_term_or_vote_under_way) {
    struct output output;
    output_init(&output);
    output_hard_state(&output);
    ck_assert_uint_eq(output_wait_for(&output, 0), 1);
    take(&output);
    ck_assert_uint_eq(output_wait_for(&output, 0), 1);
    append(&output, 1);
    take(&output);
    ck_assert_uint_eq(output_wait_for(&output, 0), 1);
    ck_assert_uint_eq(output_wait_for(&output, 1), 2);
    output_persisted(&output, 1);
    ck_assert_uint_eq(output_wait_for(&output, 0), 0);
    output_clear(&output);
}
END_TEST

START_TEST(the_log_is_on_disk_up_to_the_first_index_that_a_write_under_way_touches) {
    struct output output;
    output_init(&output);
    append_range(&output, 1, 3);
    ck_assert_uint_eq(output_persisted_index(&output, 3), 0);
    take(&output);
    append(&output, 4);
    take(&output);
    ck_assert_uint_eq(output_persisted_index(&output, 4), 0);
    output_persisted(&output, 1);
    ck_assert_uint_eq(output_persisted_index(&output, 4), 3);
    output_persisted(&output, 2);
    ck_assert_uint_eq(output_persisted_index(&output, 4), 4);
    output_clear(&output);
}
END_TEST

START_TEST(an_index_written_truncated_and_written_again_counts_with_the_last_write) {
    struct output output;
    output_init(&output);
    append_range(&output, 1, 3);
    take(&output);
    output_truncate(&output, 2);
    append(&output, 2);
    take(&output);
    output_persisted(&output, 1);
    ck_assert_uint_eq(output_persisted_index(&output, 2), 1);
    ck_assert_uint_eq(output_wait_for(&output, 1), 0);
    ck_assert_uint_eq(output_wait_for(&output, 2), 2);
    output_persisted(&output, 2);
    ck_assert_uint_eq(output_persisted_index(&output, 2), 2);
    output_clear(&output);
}
END_TEST

START_TEST(a_truncation_under_way_above_the_end_hides_nothing) {
    struct output output;
    output_init(&output);
    output_truncate(&output, 5);
    ck_assert_uint_eq(output_persisted_index(&output, 4), 4);
    output_clear(&output);
}
END_TEST

START_TEST(one_report_covers_all_writes_before_it_and_may_come_twice) {
    struct output output;
    output_init(&output);
    for (raft_index index = 1; index <= 3; index++) {
        append(&output, index);
        take(&output);
    }
    output_persisted(&output, 2);
    ck_assert_uint_eq(output_persisted_index(&output, 3), 2);
    output_persisted(&output, 2);
    output_persisted(&output, 1);
    ck_assert_uint_eq(output_persisted_index(&output, 3), 2);
    output_clear(&output);
}
END_TEST

static void assert_cut(const struct raft_actions *actions, raft_index truncated, raft_index replaced,
                       raft_index compacted) {
    ck_assert_uint_ne(actions->write, 0);
    ck_assert_uint_eq(actions->truncate_from, truncated);
    ck_assert_uint_eq(actions->replaced_by.index, replaced);
    ck_assert_uint_eq(actions->compact_through, compacted);
}

START_TEST(a_compaction_is_a_write_that_nothing_waits_for) {
    struct output output;
    output_init(&output);
    output_compact(&output, (struct raft_entry_id){7, 1});
    ck_assert_uint_eq(output_wait_for(&output, 9), 0);
    ck_assert_uint_eq(output_persisted_index(&output, 9), 9);
    assert_cut(take(&output), 0, 0, 7);
    ck_assert_uint_eq(output_persisted_index(&output, 9), 9);
    ck_assert_uint_eq(output_wait_for(&output, 9), 0);
    ck_assert_uint_eq(take(&output)->write, 0);
    output_clear(&output);
}
END_TEST

START_TEST(compaction_truncation_and_entries_of_a_turn_are_one_write) {
    struct output output;
    output_init(&output);
    output_truncate(&output, 8);
    append_range(&output, 8, 9);
    output_compact(&output, (struct raft_entry_id){5, 1});
    output_compact(&output, (struct raft_entry_id){7, 1});
    const struct raft_actions *actions = take(&output);
    assert_cut(actions, 8, 0, 7);
    ck_assert_uint_eq(actions->entry_count, 2);
    output_clear(&output);
}
END_TEST

START_TEST(compacting_entries_of_the_turn_replaces_the_log_by_what_is_left_of_it) {
    struct output output;
    output_init(&output);
    struct buffer *buffer = buffer_copy("abc", 3);
    output_truncate(&output, 5);
    output_entry(&output, &(struct raft_entry){.id = {5, 1}, .size = 3, .data = buffer->data, .buffer = buffer});
    append_range(&output, 6, 8);
    output_compact(&output, (struct raft_entry_id){6, 1});
    ck_assert_uint_eq(buffer->references, 1);
    const struct raft_actions *actions = take(&output);
    assert_cut(actions, 0, 6, 0);
    ck_assert_uint_eq(actions->entry_count, 2);
    ck_assert_uint_eq(actions->entries[0].id.index, 7);
    output_clear(&output);
    buffer_release(buffer);
}
END_TEST

START_TEST(a_replaced_log_takes_the_turns_entries_and_cuts_with_it) {
    struct output output;
    output_init(&output);
    struct buffer *buffer = buffer_copy("abc", 3);
    output_compact(&output, (struct raft_entry_id){2, 1});
    output_truncate(&output, 4);
    output_entry(&output, &(struct raft_entry){.id = {4, 1}, .size = 3, .data = buffer->data, .buffer = buffer});
    output_replace(&output, (struct raft_entry_id){9, 3});
    ck_assert_uint_eq(buffer->references, 1);
    append(&output, 10);
    const struct raft_actions *actions = take(&output);
    assert_cut(actions, 0, 9, 0);
    ck_assert_uint_eq(actions->replaced_by.term, 3);
    ck_assert_uint_eq(actions->entry_count, 1);
    ck_assert_uint_eq(actions->entries[0].id.index, 10);
    assert_cut((output_hard_state(&output), take(&output)), 0, 0, 0);
    output_clear(&output);
    buffer_release(buffer);
}
END_TEST

START_TEST(after_a_replacement_entries_of_the_turn_are_truncated_in_memory) {
    struct output output;
    output_init(&output);
    output_replace(&output, (struct raft_entry_id){9, 3});
    append_range(&output, 10, 12);
    output_truncate(&output, 10);
    append(&output, 10);
    const struct raft_actions *actions = take(&output);
    assert_cut(actions, 0, 9, 0);
    ck_assert_uint_eq(actions->entry_count, 1);
    output_clear(&output);
}
END_TEST

START_TEST(nothing_of_a_replaced_log_is_on_disk_before_that_write_is_done) {
    struct output output;
    output_init(&output);
    append_range(&output, 1, 12); /* Write 1, of entries that go. */
    take(&output);
    output_replace(&output, (struct raft_entry_id){9, 3});
    ck_assert_uint_eq(output_persisted_index(&output, 9), 0);
    ck_assert_uint_eq(output_wait_for(&output, 1), 2);
    ck_assert_uint_eq(output_wait_for(&output, 0), 0);
    take(&output);
    append_range(&output, 10, 11); /* Write 3: the indexes of write 1 anew. */
    take(&output);
    output_persisted(&output, 1);
    ck_assert_uint_eq(output_persisted_index(&output, 11), 0);
    ck_assert_uint_eq(output_wait_for(&output, 9), 2);
    output_persisted(&output, 2);
    ck_assert_uint_eq(output_persisted_index(&output, 11), 9);
    ck_assert_uint_eq(output_wait_for(&output, 9), 0);
    output_persisted(&output, 3);
    ck_assert_uint_eq(output_persisted_index(&output, 11), 11);
    output_clear(&output);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_turn_in_which_nothing_happened_has_no_actions);
    tcase_add_test(tcase, writes_are_numbered_from_one_and_only_when_there_is_something_to_write);
    tcase_add_test(tcase, a_turn_hands_out_its_own_things_only_once);
    tcase_add_test(tcase, room_is_used_again_but_not_that_of_a_long_turn);
    tcase_add_test(tcase, bytes_stay_alive_until_the_next_turn_is_taken);
    tcase_add_test(tcase, what_was_gathered_is_given_back_when_no_turn_takes_it);
    tcase_add_test(tcase, truncating_what_the_same_turn_appended_needs_nothing_on_disk);
    tcase_add_test(tcase, truncating_all_that_the_turn_appended_leaves_nothing_to_write);
    tcase_add_test(tcase, truncating_below_what_the_turn_appended_reaches_the_disk);
    tcase_add_test(tcase, of_several_truncations_in_a_turn_the_lowest_is_carried_out);
    tcase_add_test(tcase, nothing_waits_when_everything_is_on_disk);
    tcase_add_test(tcase, an_answer_waits_for_the_newest_write_that_it_rests_on);
    tcase_add_test(tcase, every_answer_waits_for_a_term_or_vote_under_way);
    tcase_add_test(tcase, the_log_is_on_disk_up_to_the_first_index_that_a_write_under_way_touches);
    tcase_add_test(tcase, an_index_written_truncated_and_written_again_counts_with_the_last_write);
    tcase_add_test(tcase, a_truncation_under_way_above_the_end_hides_nothing);
    tcase_add_test(tcase, one_report_covers_all_writes_before_it_and_may_come_twice);
    tcase_add_test(tcase, a_compaction_is_a_write_that_nothing_waits_for);
    tcase_add_test(tcase, compaction_truncation_and_entries_of_a_turn_are_one_write);
    tcase_add_test(tcase, compacting_entries_of_the_turn_replaces_the_log_by_what_is_left_of_it);
    tcase_add_test(tcase, a_replaced_log_takes_the_turns_entries_and_cuts_with_it);
    tcase_add_test(tcase, after_a_replacement_entries_of_the_turn_are_truncated_in_memory);
    tcase_add_test(tcase, nothing_of_a_replaced_log_is_on_disk_before_that_write_is_done);
}

CHECK_MAIN("raft/output", add_tests)
