/* The follower's side of AppendEntries, at its edges. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

#include <string.h>

static void assert_refused(struct raft_message answer, raft_index conflict_index, raft_term conflict_term) {
    ck_assert(!answer.append_answer.success);
    ck_assert_uint_eq(answer.append_answer.conflict_index, conflict_index);
    ck_assert_uint_eq(answer.append_answer.conflict_term, conflict_term);
}

static void assert_matches(struct raft_message answer, raft_index match_index) {
    ck_assert(answer.append_answer.success);
    ck_assert_uint_eq(answer.append_answer.match_index, match_index);
}

START_TEST(entries_after_the_end_are_appended_and_written) {
    struct harness *h = START(.voters = 3);
    assert_matches(APPEND(h, .term = 2, .prev = ID(1, 1), .entries = "22"), 3);
    harness_assert_log(h, "122");
    ck_assert_uint_eq(h->written_count, 2);
    ck_assert_uint_eq(h->written[0].index, 2);
    ck_assert_uint_eq(h->written[1].term, 2);
    ck_assert_uint_eq(h->truncate_from, 0);
    harness_stop(h);
}
END_TEST

START_TEST(the_first_entry_follows_nothing) {
    struct harness *h = START(.voters = 0);
    assert_matches(APPEND(h, .term = 1, .prev = ID(0, 0), .entries = "11"), 2);
    harness_assert_log(h, "11");
    harness_stop(h);
}
END_TEST

START_TEST(an_empty_request_confirms_its_predecessor) {
    struct harness *h = START(.voters = 3, .log = "1122");
    struct raft_message answer = APPEND(h, .term = 2, .prev = ID(3, 2));
    assert_matches(answer, 3);
    ck_assert_uint_eq(answer.after_write, 0);
    assert_matches(APPEND(h, .term = 2, .prev = ID(0, 0)), 0);
    ck_assert_uint_eq(h->write, 0);
    harness_stop(h);
}
END_TEST

START_TEST(a_success_waits_for_its_entries_to_be_on_disk) {
    struct harness *h = START(.voters = 3);
    struct raft_message first = APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "1");
    ck_assert_uint_eq(first.after_write, h->write);
    struct raft_message second = APPEND(h, .term = 1, .prev = ID(2, 1), .entries = "1");
    ck_assert_uint_eq(second.after_write, first.after_write + 1);
    struct raft_message of_the_first = APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "1");
    ck_assert_uint_eq(of_the_first.after_write, first.after_write);
    ck_assert_uint_eq(h->write, 0);
    harness_stop(h);
}
END_TEST

START_TEST(an_answer_in_a_new_term_waits_for_the_term_to_be_on_disk) {
    struct harness *h = START(.voters = 3);
    struct raft_message answer = APPEND(h, .term = 4, .prev = ID(9, 4));
    ck_assert_uint_eq(answer.term, 4);
    ck_assert(h->hard_state_changed);
    ck_assert_uint_eq(answer.after_write, h->write);
    harness_stop(h);
}
END_TEST

START_TEST(a_gap_is_refused_with_the_end_of_the_log) {
    struct harness *h = START(.voters = 3, .log = "112");
    assert_refused(APPEND(h, .term = 2, .prev = ID(5, 2), .entries = "2"), 4, 0);
    harness_assert_log(h, "112");
    harness_stop(h);
}
END_TEST

START_TEST(a_conflicting_predecessor_is_refused_with_the_whole_of_its_term) {
    struct harness *h = START(.voters = 3, .log = "1222233");
    assert_refused(APPEND(h, .term = 5, .prev = ID(5, 4), .entries = "5"), 2, 2);
    assert_refused(APPEND(h, .term = 5, .prev = ID(7, 5)), 6, 3);
    assert_refused(APPEND(h, .term = 5, .prev = ID(1, 5)), 1, 1);
    harness_assert_log(h, "1222233");
    harness_stop(h);
}
END_TEST

START_TEST(a_request_of_an_old_term_is_refused_with_the_own_term) {
    struct harness *h = START(.voters = 3, .hard_state = {5, 0});
    struct raft_message answer = APPEND(h, .term = 4, .prev = ID(1, 1), .entries = "4", .commit = 2);
    ck_assert(!answer.append_answer.success);
    ck_assert_uint_eq(answer.term, 5);
    ck_assert_uint_eq(raft_leader(h->raft), 0);
    harness_assert_log(h, "1");
    harness_stop(h);
}
END_TEST

START_TEST(a_conflicting_entry_is_truncated_with_all_after_it) {
    struct harness *h = START(.voters = 3, .log = "112233");
    assert_matches(APPEND(h, .term = 4, .prev = ID(2, 1), .entries = "24"), 4);
    harness_assert_log(h, "1124");
    ck_assert_uint_eq(h->truncate_from, 4);
    ck_assert_uint_eq(h->written_count, 1);
    ck_assert_uint_eq(h->written[0].index, 4);
    harness_stop(h);
}
END_TEST

START_TEST(a_request_that_has_nothing_new_leaves_the_rest_of_the_log_alone) {
    struct harness *h = START(.voters = 3, .log = "11222");
    assert_matches(APPEND(h, .term = 2, .prev = ID(1, 1), .entries = "12"), 3);
    assert_matches(APPEND(h, .term = 2, .prev = ID(1, 1)), 1);
    harness_assert_log(h, "11222");
    ck_assert_uint_eq(h->write, 0);
    harness_stop(h);
}
END_TEST

START_TEST(entries_that_contradict_committed_ones_are_refused) {
    struct harness *h = START(.voters = 3, .log = "1122");
    APPEND(h, .term = 3, .prev = ID(4, 2), .commit = 3);
    ck_assert_uint_eq(h->commit_index, 3);
    ck_assert(!APPEND(h, .term = 3, .prev = ID(2, 1), .entries = "3").append_answer.success);
    harness_assert_log(h, "1122");
    assert_matches(APPEND(h, .term = 3, .prev = ID(3, 2), .entries = "3"), 4); /* 4 is not committed. */
    harness_assert_log(h, "1123");
    harness_stop(h);
}
END_TEST

START_TEST(truncating_a_configuration_brings_the_one_before_back) {
    struct harness *h = START(.voters = 3);
    struct raft_configuration five = harness_configuration(5, 0);
    struct raft_entry entry = {.id = {2, 2}, .type = RAFT_CONFIGURATION, .configuration = &five};
    struct raft_message request = {.type = RAFT_APPEND_ENTRIES,
                                   .from = 2,
                                   .to = 1,
                                   .term = 2,
                                   .round = 1,
                                   .ticket = 1,
                                   .append_entries = {.prev = {1, 1}, .entry_count = 1, .entries = &entry}};
    raft_receive(h->raft, &request);
    harness_turn(h);
    raft_index index;
    ck_assert_uint_eq(raft_current_configuration(h->raft, &index)->voter_count, 5);
    ck_assert_uint_eq(index, 2);
    APPEND(h, .from = 3, .term = 3, .prev = ID(1, 1), .entries = "3");
    ck_assert_uint_eq(raft_current_configuration(h->raft, &index)->voter_count, 3);
    ck_assert_uint_eq(index, 1);
    harness_stop(h);
}
END_TEST

START_TEST(the_sender_is_the_leader_of_its_term) {
    struct harness *h = START(.voters = 3);
    APPEND(h, .from = 3, .term = 1, .prev = ID(1, 1));
    ck_assert_uint_eq(raft_leader(h->raft), 3);
    APPEND(h, .from = 2, .term = 2, .prev = ID(1, 1));
    ck_assert_uint_eq(raft_leader(h->raft), 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_second_leader_of_the_same_term_is_refused) {
    struct harness *h = START(.voters = 3);
    APPEND(h, .from = 3, .term = 2, .prev = ID(1, 1), .entries = "2");
    ck_assert(!APPEND(h, .from = 2, .term = 2, .prev = ID(2, 2), .entries = "2").append_answer.success);
    ck_assert_uint_eq(raft_leader(h->raft), 3);
    harness_assert_log(h, "12");
    harness_stop(h);
}
END_TEST

START_TEST(a_leader_refuses_another_of_its_own_term_and_stays_one) {
    struct harness *h = START(.voters = 3);
    harness_lead(h);
    ck_assert(!APPEND(h, .from = 2, .term = 2, .prev = ID(1, 1), .entries = "2").append_answer.success);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_stop(h);
}
END_TEST

START_TEST(campaigns_end_when_a_leader_of_the_term_is_heard) {
    struct harness *pre_candidate = START(.voters = 3);
    harness_campaign(pre_candidate);
    assert_matches(APPEND(pre_candidate, .term = 1, .prev = ID(1, 1)), 1);
    ck_assert_int_eq(harness_role(pre_candidate), RAFT_FOLLOWER);
    harness_stop(pre_candidate);
    struct harness *candidate = START(.voters = 3);
    harness_win_pre_votes(candidate);
    assert_matches(APPEND(candidate, .term = 2, .prev = ID(1, 1)), 1);
    ck_assert_int_eq(harness_role(candidate), RAFT_FOLLOWER);
    ck_assert_uint_eq(raft_leader(candidate->raft), 2);
    harness_stop(candidate);
}
END_TEST

START_TEST(a_request_that_contradicts_itself_is_refused) {
    struct harness *h = START(.voters = 3, .log = "12");
    struct raft_entry good = {.id = {3, 2}, .type = RAFT_COMMAND};
    struct raft_entry bad[] = {
        {.id = {4, 2}, .type = RAFT_COMMAND}, /* Not the next index. */
        {.id = {3, 1}, .type = RAFT_COMMAND}, /* A term below its predecessor's. */
        {.id = {3, 4}, .type = RAFT_COMMAND}, /* A term above the leader's. */
        {.id = {3, 0}, .type = RAFT_COMMAND}, /* No term. */
    };
    struct raft_message request = {.type = RAFT_APPEND_ENTRIES,
                                   .from = 2,
                                   .to = 1,
                                   .term = 3,
                                   .round = 1,
                                   .ticket = 1,
                                   .append_entries = {.prev = {2, 2}, .entry_count = 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        request.append_entries.entries = &bad[i];
        raft_receive(h->raft, &request);
        harness_turn(h);
        ck_assert(!harness_sent(h, 2, RAFT_APPEND_ANSWER).append_answer.success);
        harness_assert_log(h, "12");
    }
    request.append_entries.entries = &good;
    raft_receive(h->raft, &request);
    harness_turn(h);
    ck_assert(harness_sent(h, 2, RAFT_APPEND_ANSWER).append_answer.success);
    harness_stop(h);
}
END_TEST

START_TEST(a_predecessor_beyond_the_log_without_a_term_is_refused) {
    struct harness *h = START(.voters = 3);
    ck_assert(!APPEND(h, .term = 1, .prev = ID(7, 0)).append_answer.success);
    ck_assert(!APPEND(h, .term = 1, .prev = ID(7, 0), .entries = "1").append_answer.success);
    ck_assert(!APPEND(h, .term = 1, .prev = ID(0, 1), .entries = "1").append_answer.success);
    ck_assert(!APPEND(h, .term = 1, .prev = ID(1, 2)).append_answer.success);
    harness_assert_log(h, "1");
    harness_stop(h);
}
END_TEST

START_TEST(entries_in_the_own_name_are_refused) {
    struct harness *h = START(.voters = 3);
    ck_assert(!APPEND(h, .from = 1, .term = 1, .prev = ID(1, 1)).append_answer.success);
    ck_assert(!APPEND(h, .from = 1, .term = 2, .prev = ID(1, 1)).append_answer.success);
    ck_assert_uint_eq(raft_leader(h->raft), 0);
    harness_stop(h);
}
END_TEST

/* -- Requests that overtook their predecessors -- */

/* A follower that has accepted something from its leader, 2 in term 2. */
static struct harness *start_stream(void) {
    struct harness *h = START(.voters = 3, .hard_state = {2, 0});
    APPEND(h, .term = 2, .prev = ID(1, 1));
    return h;
}

START_TEST(a_request_that_overtook_is_held_and_taken_in_order) {
    struct harness *h = start_stream();
    RECEIVE(h, .term = 2, .prev = ID(2, 2), .entries = "2");
    harness_turn(h);
    ck_assert_uint_eq(h->sent_count, 0);
    RECEIVE(h, .term = 2, .prev = ID(1, 1), .entries = "2");
    harness_turn(h);
    ck_assert_uint_eq(h->sent_count, 2);
    assert_matches(h->sent[0], 2);
    assert_matches(h->sent[1], 3);
    ck_assert_uint_eq(h->sent[1].ticket, h->sent[0].ticket - 1);
    harness_assert_log(h, "122");
    harness_stop(h);
}
END_TEST

START_TEST(many_that_overtook_come_in_any_order) {
    struct harness *h = start_stream();
    RECEIVE(h, .term = 2, .prev = ID(4, 2), .entries = "2");
    RECEIVE(h, .term = 2, .prev = ID(2, 2), .entries = "2");
    RECEIVE(h, .term = 2, .prev = ID(3, 2), .entries = "2");
    RECEIVE(h, .term = 2, .prev = ID(1, 1), .entries = "2");
    harness_turn(h);
    ck_assert_uint_eq(h->sent_count, 4);
    harness_assert_log(h, "12222");
    harness_stop(h);
}
END_TEST

START_TEST(what_is_held_is_refused_after_a_heartbeat) {
    struct harness *h = start_stream();
    RECEIVE(h, .term = 2, .prev = ID(5, 2), .entries = "2");
    ck_assert_uint_eq(raft_next_deadline_ms(h->raft), h->now_ms + HEARTBEAT_MS);
    harness_pass(h, HEARTBEAT_MS - 1);
    ck_assert_uint_eq(h->sent_count, 0);
    harness_pass(h, 1);
    assert_refused(harness_sent(h, 2, RAFT_APPEND_ANSWER), 2, 0);
    harness_stop(h);
}
END_TEST

START_TEST(what_is_held_contradicts_the_log_that_came_meanwhile_and_is_refused) {
    struct harness *h = start_stream();
    RECEIVE(h, .term = 2, .prev = ID(2, 1), .entries = "2"); /* 2 will be of another term. */
    RECEIVE(h, .term = 2, .prev = ID(1, 1), .entries = "2");
    harness_turn(h);
    assert_matches(h->sent[0], 2);
    assert_refused(h->sent[1], 2, 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_new_term_refuses_what_is_held) {
    struct harness *h = start_stream();
    RECEIVE(h, .term = 2, .prev = ID(5, 2), .entries = "2");
    RECEIVE(h, .from = 3, .term = 3, .prev = ID(1, 1));
    harness_turn(h);
    struct raft_message refusal = harness_sent(h, 2, RAFT_APPEND_ANSWER);
    ck_assert(!refusal.append_answer.success);
    ck_assert_uint_eq(refusal.term, 3);
    ck_assert_uint_eq(refusal.after_write, h->write);
    ck_assert(harness_sent(h, 3, RAFT_APPEND_ANSWER).append_answer.success);
    harness_stop(h);
}
END_TEST

START_TEST(before_the_leader_has_matched_a_gap_is_a_gap) {
    struct harness *h = start_stream();
    assert_refused(APPEND(h, .from = 3, .term = 3, .prev = ID(5, 2), .entries = "3"), 2, 0);
    harness_stop(h);
}
END_TEST

START_TEST(after_an_own_campaign_a_gap_is_a_gap) {
    struct harness *h = start_stream();
    harness_win_pre_votes(h);
    assert_refused(APPEND(h, .from = 3, .term = 3, .prev = ID(5, 2), .entries = "3"), 2, 0);
    harness_stop(h);
}
END_TEST

START_TEST(more_gaps_than_can_be_held_are_refused_at_once) {
    struct harness *h = start_stream();
    for (raft_index i = 0; i < RAFT_IN_FLIGHT_MAX; i++) {
        RECEIVE(h, .term = 2, .prev = ID(5 + i, 2), .entries = "2");
    }
    harness_turn(h);
    ck_assert_uint_eq(h->sent_count, 0);
    assert_refused(APPEND(h, .term = 2, .prev = ID(40, 2), .entries = "2"), 2, 0);
    harness_pass(h, HEARTBEAT_MS);
    ck_assert_uint_eq(h->sent_count, RAFT_IN_FLIGHT_MAX);
    harness_stop(h);
}
END_TEST

START_TEST(destroying_a_server_gives_back_what_it_holds) {
    struct harness *h = start_stream();
    struct buffer *buffer = buffer_copy("abc", 3);
    struct raft_entry entry = {.id = {6, 2}, .type = RAFT_COMMAND, .size = 3, .data = buffer->data, .buffer = buffer};
    struct raft_message request = {.type = RAFT_APPEND_ENTRIES,
                                   .from = 2,
                                   .to = 1,
                                   .term = 2,
                                   .round = 1,
                                   .ticket = 1,
                                   .append_entries = {.prev = {5, 2}, .entry_count = 1, .entries = &entry}};
    raft_receive(h->raft, &request);
    ck_assert_uint_eq(buffer->references, 2);
    harness_stop(h);
    ck_assert_uint_eq(buffer->references, 1);
    buffer_release(buffer);
}
END_TEST

START_TEST(a_predecessor_before_the_base_is_known_to_match) {
    struct harness *h = START(.voters = 3, .base = ID(6, 2), .log = "2");
    struct raft_append_answer below = APPEND(h, .term = 2, .prev = ID(2, 1), .entries = "12", .commit = 4).append_answer;
    ck_assert(below.success);
    ck_assert_uint_eq(below.match_index, 4);
    struct raft_append_answer across = APPEND(h, .term = 2, .prev = ID(3, 1), .entries = "22222").append_answer;
    ck_assert(across.success);
    ck_assert_uint_eq(across.match_index, 8);
    ck_assert_uint_eq(h->written_count, 1);
    ck_assert_uint_eq(h->written[0].index, 8);
    harness_assert_log(h, "22");
    struct raft_append_answer all = APPEND(h, .term = 2, .prev = ID(0, 0), .entries = "1111").append_answer;
    ck_assert(all.success);
    ck_assert_uint_eq(all.match_index, 4);
    ck_assert_uint_eq(h->commit_index, 6);
    harness_stop(h);
}
END_TEST

START_TEST(entries_that_contradict_what_is_compacted_are_refused) {
    struct harness *h = START(.voters = 3, .base = ID(6, 2), .log = "2", .hard_state = {5, 0});
    ck_assert(!APPEND(h, .term = 5, .prev = ID(2, 3), .entries = "3").append_answer.success);
    ck_assert(!APPEND(h, .term = 5, .prev = ID(2, 2), .entries = "23").append_answer.success);
    ck_assert(!APPEND(h, .term = 5, .prev = ID(2, 1), .entries = "1111").append_answer.success); /* 6 is of term 2. */
    ck_assert(!APPEND(h, .term = 5, .prev = ID(5, 2), .entries = "5").append_answer.success);
    harness_assert_log(h, "2");
    ck_assert_uint_eq(h->write, 0);
    harness_stop(h);
}
END_TEST

START_TEST(a_heartbeat_before_the_first_entry_is_answered_and_says_nothing_of_the_log) {
    struct harness *h = START(.voters = 3, .base = ID(6, 2), .log = "2");
    struct raft_message answer = APPEND(h, .term = 2, .prev = ID(0, 0), .commit = 7);
    ck_assert(answer.append_answer.success);
    ck_assert_uint_eq(answer.append_answer.match_index, 0);
    ck_assert_uint_eq(answer.append_answer.promise_ms, PROMISE_MS);
    ck_assert_uint_eq(answer.after_write, 0);
    ck_assert_uint_eq(h->commit_index, 6);
    harness_stop(h);
}
END_TEST

START_TEST(a_hint_is_never_at_or_below_the_base) {
    struct harness *h = START(.voters = 3, .base = ID(6, 2), .log = "223");
    struct raft_append_answer hint = APPEND(h, .term = 5, .prev = ID(8, 4)).append_answer;
    ck_assert_uint_eq(hint.conflict_term, 2);
    ck_assert_uint_eq(hint.conflict_index, 7);                   /* Its term began before the base. */
    hint = APPEND(h, .term = 4, .prev = ID(6, 2)).append_answer; /* An earlier term's. */
    ck_assert(!hint.success);
    ck_assert_uint_eq(hint.conflict_index, 10);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, entries_after_the_end_are_appended_and_written);
    tcase_add_test(tcase, the_first_entry_follows_nothing);
    tcase_add_test(tcase, an_empty_request_confirms_its_predecessor);
    tcase_add_test(tcase, a_success_waits_for_its_entries_to_be_on_disk);
    tcase_add_test(tcase, an_answer_in_a_new_term_waits_for_the_term_to_be_on_disk);
    tcase_add_test(tcase, a_gap_is_refused_with_the_end_of_the_log);
    tcase_add_test(tcase, a_conflicting_predecessor_is_refused_with_the_whole_of_its_term);
    tcase_add_test(tcase, a_request_of_an_old_term_is_refused_with_the_own_term);
    tcase_add_test(tcase, a_conflicting_entry_is_truncated_with_all_after_it);
    tcase_add_test(tcase, a_request_that_has_nothing_new_leaves_the_rest_of_the_log_alone);
    tcase_add_test(tcase, entries_that_contradict_committed_ones_are_refused);
    tcase_add_test(tcase, truncating_a_configuration_brings_the_one_before_back);
    tcase_add_test(tcase, the_sender_is_the_leader_of_its_term);
    tcase_add_test(tcase, a_second_leader_of_the_same_term_is_refused);
    tcase_add_test(tcase, a_leader_refuses_another_of_its_own_term_and_stays_one);
    tcase_add_test(tcase, campaigns_end_when_a_leader_of_the_term_is_heard);
    tcase_add_test(tcase, a_request_that_contradicts_itself_is_refused);
    tcase_add_test(tcase, a_predecessor_beyond_the_log_without_a_term_is_refused);
    tcase_add_test(tcase, entries_in_the_own_name_are_refused);
    tcase_add_test(tcase, a_request_that_overtook_is_held_and_taken_in_order);
    tcase_add_test(tcase, many_that_overtook_come_in_any_order);
    tcase_add_test(tcase, what_is_held_is_refused_after_a_heartbeat);
    tcase_add_test(tcase, what_is_held_contradicts_the_log_that_came_meanwhile_and_is_refused);
    tcase_add_test(tcase, a_new_term_refuses_what_is_held);
    tcase_add_test(tcase, before_the_leader_has_matched_a_gap_is_a_gap);
    tcase_add_test(tcase, after_an_own_campaign_a_gap_is_a_gap);
    tcase_add_test(tcase, more_gaps_than_can_be_held_are_refused_at_once);
    tcase_add_test(tcase, destroying_a_server_gives_back_what_it_holds);
    tcase_add_test(tcase, a_predecessor_before_the_base_is_known_to_match);
    tcase_add_test(tcase, entries_that_contradict_what_is_compacted_are_refused);
    tcase_add_test(tcase, a_heartbeat_before_the_first_entry_is_answered_and_says_nothing_of_the_log);
    tcase_add_test(tcase, a_hint_is_never_at_or_below_the_base);
}

CHECK_MAIN("raft/append_entries", add_tests)
