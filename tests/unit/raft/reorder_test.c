/* AppendEntries held until their predecessors come. */
#include "tests/check_main.h"

#include "server/base/memory.h"
#include "server/raft/reorder.h"
#include "tests/unit/raft/harness.h"

static struct raft_message append_after(raft_index prev) {
    return (struct raft_message){
        .type = RAFT_APPEND_ENTRIES, .from = 2, .to = 1, .term = 1, .ticket = prev, .append_entries = {.prev = {prev, 1}}};
}

static void hold(struct reorder *reorder, raft_index prev, uint64_t deadline_ms) {
    struct raft_message message = append_after(prev);
    ck_assert(reorder_hold(reorder, &message, deadline_ms));
}

static void release_all(struct reorder *reorder) {
    struct reorder_held held;
    while (reorder_take_expired(reorder, UINT64_MAX, &held)) {
        reorder_release(&held);
    }
}

START_TEST(what_is_held_comes_out_when_its_predecessor_is_there) {
    struct reorder reorder = {0};
    struct reorder_held held;
    hold(&reorder, 5, 100);
    ck_assert(!reorder_take_ready(&reorder, 4, &held));
    ck_assert(reorder_take_ready(&reorder, 5, &held));
    ck_assert_uint_eq(held.message.ticket, 5);
    ck_assert_uint_eq(reorder.count, 0);
    ck_assert(!reorder_take_ready(&reorder, 5, &held));
    reorder_release(&held);
}
END_TEST

START_TEST(only_what_is_ready_comes_out) {
    struct reorder reorder = {0};
    struct reorder_held held;
    hold(&reorder, 9, 100);
    hold(&reorder, 5, 100);
    hold(&reorder, 7, 100);
    ck_assert(reorder_take_ready(&reorder, 6, &held));
    ck_assert_uint_eq(held.message.ticket, 5);
    reorder_release(&held);
    ck_assert(!reorder_take_ready(&reorder, 6, &held));
    ck_assert_uint_eq(reorder.count, 2);
    release_all(&reorder);
}
END_TEST

START_TEST(at_its_deadline_it_has_expired_and_before_it_has_not) {
    struct reorder reorder = {0};
    struct reorder_held held;
    hold(&reorder, 5, 100);
    ck_assert(!reorder_take_expired(&reorder, 99, &held));
    ck_assert(reorder_take_expired(&reorder, 100, &held));
    ck_assert(!reorder_take_expired(&reorder, 100, &held));
    reorder_release(&held);
}
END_TEST

START_TEST(the_deadline_is_that_of_the_first_to_expire) {
    struct reorder reorder = {0};
    ck_assert(reorder_deadline_ms(&reorder) == UINT64_MAX);
    hold(&reorder, 5, 300);
    hold(&reorder, 6, 100);
    hold(&reorder, 7, 200);
    ck_assert_uint_eq(reorder_deadline_ms(&reorder), 100);
    release_all(&reorder);
    ck_assert(reorder_deadline_ms(&reorder) == UINT64_MAX);
}
END_TEST

START_TEST(no_more_are_held_than_there_is_room_for) {
    struct reorder reorder = {0};
    for (raft_index prev = 1; prev <= REORDER_MAX; prev++) {
        hold(&reorder, prev, 100);
    }
    struct raft_message one_more = append_after(99);
    ck_assert(!reorder_hold(&reorder, &one_more, 100));
    ck_assert_uint_eq(reorder.count, REORDER_MAX);
    release_all(&reorder);
    ck_assert_uint_eq(reorder.count, 0);
}
END_TEST

START_TEST(entries_configurations_and_bytes_outlive_the_call) {
    struct reorder reorder = {0};
    struct buffer *buffer = buffer_copy("abc", 3);
    struct raft_configuration *configuration = memory_zalloc(sizeof *configuration);
    *configuration = harness_configuration(3, 1);
    struct raft_entry *entries = memory_zalloc(2 * sizeof *entries);
    entries[0] = (struct raft_entry){.id = {6, 1}, .type = RAFT_COMMAND, .size = 3, .data = buffer->data, .buffer = buffer};
    entries[1] = (struct raft_entry){.id = {7, 1}, .type = RAFT_CONFIGURATION, .configuration = configuration};
    struct raft_message message = append_after(5);
    message.append_entries.entry_count = 2;
    message.append_entries.entries = entries;
    ck_assert(reorder_hold(&reorder, &message, 100));
    free(entries);
    free(configuration);
    buffer_release(buffer);
    struct reorder_held held;
    ck_assert(reorder_take_ready(&reorder, 5, &held));
    const struct raft_entry *kept = held.message.append_entries.entries;
    ck_assert_mem_eq(kept[0].data, "abc", 3);
    ck_assert_uint_eq(kept[1].configuration->voter_count, 3);
    ck_assert_uint_eq(kept[1].configuration->learners[0], 4);
    reorder_release(&held);
}
END_TEST

START_TEST(its_references_are_given_back) {
    struct reorder reorder = {0};
    struct buffer *buffer = buffer_copy("abc", 3);
    struct raft_entry entry = {.id = {6, 1}, .type = RAFT_COMMAND, .size = 3, .data = buffer->data, .buffer = buffer};
    struct raft_message message = append_after(5);
    message.append_entries.entry_count = 1;
    message.append_entries.entries = &entry;
    ck_assert(reorder_hold(&reorder, &message, 100));
    ck_assert_uint_eq(buffer->references, 2);
    release_all(&reorder);
    ck_assert_uint_eq(buffer->references, 1);
    buffer_release(buffer);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_is_held_comes_out_when_its_predecessor_is_there);
    tcase_add_test(tcase, only_what_is_ready_comes_out);
    tcase_add_test(tcase, at_its_deadline_it_has_expired_and_before_it_has_not);
    tcase_add_test(tcase, the_deadline_is_that_of_the_first_to_expire);
    tcase_add_test(tcase, no_more_are_held_than_there_is_room_for);
    tcase_add_test(tcase, entries_configurations_and_bytes_outlive_the_call);
    tcase_add_test(tcase, its_references_are_given_back);
}

CHECK_MAIN("raft/reorder", add_tests)
