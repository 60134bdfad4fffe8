#include "server/node_state.h"
#include "server/proposals.h"

#include "server/base/memory.h"
#include "tests/check_main.h"

#include <stdlib.h>

enum { COMMANDS = 100000, MIB = 1024 * 1024, BYTES = 128 * MIB, FIRST = BYTES / PROPOSALS_FIRST_PART };
enum { FEW_COMMANDS = COMMANDS / PROPOSALS_SLOW_PART, FEW_BYTES = BYTES / PROPOSALS_SLOW_PART };

static struct node *make_node(uint32_t commands, uint64_t bytes) {
    struct node *node = memory_zalloc(sizeof *node);
    node->options.queued_commands_max = commands;
    node->options.queued_bytes_max = bytes;
    node->now_ms = 100000;
    proposals_init(node);
    return node;
}

/* One that went into the log so long ago, and now has its answer. */
static void learn(struct node *node, uint64_t took_ms, size_t count, size_t bytes, enum problem_code code) {
    struct message_line line = {.problem = {.code = code}};
    struct proposal proposal = {.moved_ms = node->now_ms - took_ms, .count = count, .bytes = bytes, .lines = &line};
    proposals_learn(node, &proposal);
}

static void check_window(struct node *node, size_t commands, uint64_t bytes) {
    node->proposals.commands_waiting = 1;
    node->proposals.bytes_waiting = 1;
    ck_assert(proposals_has_room(node, commands - 1, bytes - 1, 0));
    ck_assert(!proposals_has_room(node, commands, 1, 0));
    ck_assert(!proposals_has_room(node, 1, bytes, 0));
}

START_TEST(to_begin_with_an_eighth_of_the_bytes_may_wait_and_all_commands) {
    struct node *node = make_node(COMMANDS, BYTES);
    check_window(node, COMMANDS, FIRST);
    free(node);
}
END_TEST

START_TEST(who_comes_alone_finds_room_up_to_the_limits) {
    struct node *node = make_node(COMMANDS, BYTES);
    ck_assert(proposals_has_room(node, COMMANDS, BYTES, 0));
    ck_assert(!proposals_has_room(node, COMMANDS + 1, 1, 0));
    ck_assert(!proposals_has_room(node, 1, (uint64_t)BYTES + 1, 0));
    free(node);
}
END_TEST

START_TEST(what_is_on_its_way_counts_as_waiting) {
    struct node *node = make_node(COMMANDS, BYTES);
    ck_assert(proposals_has_room(node, 1, FIRST - 1, 1));
    ck_assert(!proposals_has_room(node, 1, FIRST, 1));
    free(node);
}
END_TEST

START_TEST(what_is_answered_quickly_lets_as_much_more_wait_up_to_the_limit) {
    struct node *node = make_node(COMMANDS, BYTES);
    learn(node, PROPOSALS_QUICK_MS, 1, MIB, PROBLEM_NONE);
    check_window(node, COMMANDS, FIRST + MIB);
    for (int i = 0; i < 1000; i++) {
        learn(node, 0, 1, MIB, PROBLEM_NONE);
    }
    check_window(node, COMMANDS, BYTES);
    free(node);
}
END_TEST

START_TEST(what_takes_neither_long_nor_little_changes_nothing) {
    struct node *node = make_node(COMMANDS, BYTES);
    learn(node, PROPOSALS_QUICK_MS + 1, 1, MIB, PROBLEM_NONE);
    learn(node, PROPOSALS_SLOW_MS, 1, MIB, PROBLEM_NONE);
    check_window(node, COMMANDS, FIRST);
    free(node);
}
END_TEST

START_TEST(what_is_answered_late_or_refused_by_the_leader_cuts_both_down_at_once) {
    struct node *node = make_node(COMMANDS, BYTES);
    if (_i == 0) {
        learn(node, PROPOSALS_SLOW_MS + 1, 1, MIB, PROBLEM_NONE);
    } else {
        learn(node, 1, 1, MIB, PROBLEM_OVERLOADED);
    }
    check_window(node, FEW_COMMANDS, FEW_BYTES);
    learn(node, 1, 5, MIB, PROBLEM_NONE);
    check_window(node, FEW_COMMANDS + 5, FEW_BYTES + MIB);
    free(node);
}
END_TEST

START_TEST(who_waited_for_a_leader_or_was_refused_here_says_nothing) {
    struct node *node = make_node(COMMANDS, BYTES);
    struct message_line line = {.problem = {.code = PROBLEM_OVERLOADED}};
    struct proposal proposal = {.moved_ms = 0, .count = 1, .bytes = MIB, .lines = &line};
    proposals_learn(node, &proposal);
    check_window(node, COMMANDS, FIRST);
    free(node);
}
END_TEST

START_TEST(while_nothing_is_applied_for_a_second_few_may_wait) {
    struct node *node = make_node(COMMANDS, BYTES);
    struct proposal oldest = {.moved_ms = node->now_ms};
    node->proposals.appended.head = &oldest;
    node->now_ms += PROPOSALS_SLOW_MS;
    check_window(node, COMMANDS, FIRST);
    node->now_ms++;
    check_window(node, FEW_COMMANDS, FEW_BYTES);
    oldest.lost = true; /* It waits for another leader. */
    check_window(node, COMMANDS, FIRST);
    free(node);
}
END_TEST

START_TEST(small_commands_find_room_up_to_twice_the_window_and_never_beyond_the_limit) {
    struct node *node = make_node(COMMANDS, BYTES);
    node->proposals.bytes_waiting = 2 * (uint64_t)FIRST - PROPOSALS_SMALL_BYTES;
    ck_assert(proposals_has_room(node, 1, PROPOSALS_SMALL_BYTES, 0));
    ck_assert(!proposals_has_room(node, 1, PROPOSALS_SMALL_BYTES + 1, 0));
    ck_assert(!proposals_has_room(node, 1, PROPOSALS_SMALL_BYTES, 1));
    node->proposals.bytes_window = BYTES;
    node->proposals.bytes_waiting = BYTES - 1;
    ck_assert(proposals_has_room(node, 1, 1, 0));
    ck_assert(!proposals_has_room(node, 1, 2, 0));
    free(node);
}
END_TEST

START_TEST(small_limits_are_not_cut_down) {
    struct node *node = make_node(PROPOSALS_COMMANDS_MIN, PROPOSALS_BYTES_MIN);
    learn(node, PROPOSALS_SLOW_MS + 1, 1, MIB, PROBLEM_NONE);
    check_window(node, PROPOSALS_COMMANDS_MIN, PROPOSALS_BYTES_MIN);
    free(node);
    node = make_node(3, 20); /* However small the command: twice the window is beyond the limit. */
    check_window(node, 3, 20);
    free(node);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, to_begin_with_an_eighth_of_the_bytes_may_wait_and_all_commands);
    tcase_add_test(tcase, who_comes_alone_finds_room_up_to_the_limits);
    tcase_add_test(tcase, what_is_on_its_way_counts_as_waiting);
    tcase_add_test(tcase, what_is_answered_quickly_lets_as_much_more_wait_up_to_the_limit);
    tcase_add_test(tcase, what_takes_neither_long_nor_little_changes_nothing);
    tcase_add_loop_test(tcase, what_is_answered_late_or_refused_by_the_leader_cuts_both_down_at_once, 0, 2);
    tcase_add_test(tcase, who_waited_for_a_leader_or_was_refused_here_says_nothing);
    tcase_add_test(tcase, while_nothing_is_applied_for_a_second_few_may_wait);
    tcase_add_test(tcase, small_commands_find_room_up_to_twice_the_window_and_never_beyond_the_limit);
    tcase_add_test(tcase, small_limits_are_not_cut_down);
}

CHECK_MAIN("proposals_window", add_tests)
