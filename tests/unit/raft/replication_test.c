/* The leader's side: what it sends when, and what it makes of the answers. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

static struct raft_message append_to(const struct harness *h, raft_node_id to) {
    return harness_sent(h, to, RAFT_APPEND_ENTRIES);
}

static void assert_range(struct raft_message request, raft_index prev, size_t count) {
    ck_assert_int_eq(request.type, RAFT_APPEND_ENTRIES);
    ck_assert_uint_eq(request.append_entries.prev.index, prev);
    ck_assert_uint_eq(request.append_entries.entry_count, count);
}

static void assert_silent(const struct harness *h, raft_node_id to) {
    ck_assert_uint_eq(harness_sent_count(h, to, RAFT_APPEND_ENTRIES), 0);
}

/* Leads, 2 has everything, and a tick's heartbeats are answered too. */
static struct harness *start_leader(const struct harness_setup *setup) {
    struct harness *h = harness_start(setup);
    harness_lead_and_commit(h);
    return h;
}

#define LEADER(...) start_leader(&(struct harness_setup){__VA_ARGS__})

START_TEST(a_new_leader_appends_an_entry_of_its_term_and_sends_it_to_all) {
    struct harness *h = START(.voters = 3, .learners = 1, .log = "12");
    harness_win(h);
    harness_assert_log(h, "123");
    ck_assert_uint_eq(h->written_count, 1);
    ck_assert_uint_eq(h->written[0].term, 3);
    for (raft_node_id to = 2; to <= 4; to++) {
        ck_assert_uint_eq(harness_sent_count(h, to, RAFT_APPEND_ENTRIES), 1);
        assert_range(append_to(h, to), 2, 1);
        ck_assert_uint_eq(append_to(h, to).append_entries.prev.term, 2);
        ck_assert_uint_eq(append_to(h, to).term, 3);
        ck_assert_uint_eq(append_to(h, to).after_write, 0);
    }
    harness_stop(h);
}
END_TEST

START_TEST(a_probe_is_followed_by_nothing_until_it_is_answered) {
    struct harness *h = START(.voters = 3);
    harness_lead(h);
    struct raft_message probe = append_to(h, 2);
    harness_propose(h, 3, 10);
    assert_silent(h, 2);
    harness_succeed(h, probe);
    ck_assert_int_eq(harness_peer(h, 2).state, RAFT_REPLICATE);
    assert_range(append_to(h, 2), 2, 3);
    assert_silent(h, 3);
    harness_stop(h);
}
END_TEST

START_TEST(entries_are_sent_ahead_up_to_the_number_of_requests_in_flight) {
    struct harness *h = LEADER(.voters = 3, .in_flight = 3);
    struct raft_message first = {0};
    for (raft_index i = 0; i < 3; i++) {
        harness_propose(h, 1, 10);
        assert_range(append_to(h, 2), 2 + i, 1);
        first = i == 0 ? append_to(h, 2) : first;
    }
    harness_propose(h, 2, 10);
    assert_silent(h, 2);
    harness_succeed(h, first);
    assert_range(append_to(h, 2), 5, 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_batch_has_no_more_entries_than_the_limit) {
    struct harness *h = LEADER(.voters = 3, .batch_entries = 4);
    harness_propose(h, 9, 10);
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_APPEND_ENTRIES), 3);
    assert_range(append_to(h, 2), 2, 4);
    ck_assert_uint_eq(harness_peer(h, 2).next_index, 12);
    harness_stop(h);
}
END_TEST

START_TEST(a_batch_has_no_more_bytes_than_the_limit) {
    struct harness *h = LEADER(.voters = 3, .batch_bytes = 300);
    harness_propose(h, 3, 100);
    assert_range(append_to(h, 2), 2, 3);
    harness_stop(h);
    h = LEADER(.voters = 3, .batch_bytes = 299);
    harness_propose(h, 3, 100);
    assert_range(append_to(h, 2), 2, 2);
    harness_stop(h);
}
END_TEST

START_TEST(an_entry_larger_than_a_batch_goes_alone) {
    struct harness *h = LEADER(.voters = 3, .batch_bytes = 300);
    harness_propose(h, 2, 1000);
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_APPEND_ENTRIES), 2);
    assert_range(append_to(h, 2), 2, 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_request_that_failed_makes_it_probe_after_the_next_heartbeat) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 1, 10);
    harness_fail(h, append_to(h, 2));
    ck_assert_int_eq(harness_peer(h, 2).state, RAFT_PROBE);
    ck_assert_uint_eq(harness_peer(h, 2).next_index, 3);
    assert_silent(h, 2);
    harness_pass(h, HEARTBEAT_MS);
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_APPEND_ENTRIES), 2); /* The heartbeat, and the probe. */
    assert_range(h->sent[0], 2, 0);
    assert_range(h->sent[1], 2, 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_failed_probe_is_repeated_where_it_was) {
    struct harness *h = START(.voters = 3, .log = "111111");
    harness_lead(h);
    harness_fail(h, append_to(h, 2));
    assert_silent(h, 2);
    harness_pass(h, HEARTBEAT_MS);
    assert_range(h->sent[1], 6, 1); /* After the heartbeat. Nothing is known to be missing before it. */
    ck_assert_uint_eq(h->sent[1].to, 2);
    harness_stop(h);
}
END_TEST

START_TEST(requests_ahead_of_one_that_failed_keep_the_probe_waiting) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 1, 10);
    struct raft_message first = append_to(h, 2);
    harness_propose(h, 1, 10);
    struct raft_message second = append_to(h, 2);
    harness_fail(h, first);
    harness_pass(h, HEARTBEAT_MS); /* Heartbeats only: the second request is still out. */
    for (size_t i = 0; i < h->sent_count; i++) {
        ck_assert_uint_eq(h->sent[i].append_entries.entry_count, 0);
    }
    harness_refuse(h, second, ID(3, 0));
    assert_range(append_to(h, 2), 2, 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_refusal_makes_it_probe_where_the_follower_ends) {
    struct harness *h = START(.voters = 3, .log = "112233");
    harness_lead(h);
    harness_refuse(h, append_to(h, 2), ID(3, 0));
    assert_range(append_to(h, 2), 2, 5);
    harness_stop(h);
}
END_TEST

START_TEST(a_refusal_passes_over_a_term_that_the_leader_does_not_have) {
    struct harness *h = START(.voters = 3, .log = "1144455", .hard_state = {6, 0});
    harness_lead(h);
    harness_refuse(h, append_to(h, 2), ID(4, 3));
    assert_range(append_to(h, 2), 3, 5);
    harness_stop(h);
}
END_TEST

START_TEST(a_refusal_passes_to_the_end_of_a_term_that_both_have) {
    struct harness *h = START(.voters = 3, .log = "1144455", .hard_state = {6, 0});
    harness_lead(h);
    harness_refuse(h, append_to(h, 2), ID(2, 4));
    assert_range(append_to(h, 2), 5, 3);
    harness_stop(h);
}
END_TEST

START_TEST(every_refusal_moves_on_whatever_it_says) {
    static const struct raft_entry_id said[] = {{9, 0}, {0, 0}, {100, 0}, {7, 5}, {0, 1}, {UINT64_MAX, 99}, {3, 4}};
    struct harness *h = START(.voters = 3, .log = "1144455", .hard_state = {6, 0});
    harness_lead(h);
    raft_index last_prev = append_to(h, 2).append_entries.prev.index;
    for (size_t i = 0; i < sizeof said / sizeof *said && last_prev > 0; i++) {
        harness_refuse(h, append_to(h, 2), said[i]);
        raft_index prev = append_to(h, 2).append_entries.prev.index;
        ck_assert_uint_lt(prev, last_prev);
        last_prev = prev;
    }
    harness_stop(h);
}
END_TEST

START_TEST(a_refusal_at_the_very_beginning_waits_for_a_heartbeat) {
    struct harness *h = START(.voters = 3);
    harness_lead(h);
    harness_refuse(h, append_to(h, 2), ID(1, 0));
    assert_range(append_to(h, 2), 0, 2);
    harness_refuse(h, append_to(h, 2), ID(1, 0)); /* Nothing before it can be missing. */
    assert_silent(h, 2);
    harness_pass(h, HEARTBEAT_MS);
    ck_assert_uint_ge(harness_sent_count(h, 2, RAFT_APPEND_ENTRIES), 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_follower_that_refuses_what_it_has_acknowledged_is_asked_once_a_heartbeat) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 1, 10);
    harness_refuse(h, append_to(h, 2), ID(1, 0)); /* It follows what matched: the follower must have lost that. */
    assert_silent(h, 2);
    harness_pass(h, HEARTBEAT_MS);
    ck_assert_uint_ge(harness_sent_count(h, 2, RAFT_APPEND_ENTRIES), 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_refusal_while_an_earlier_request_is_out_is_not_acted_upon) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 1, 10);
    struct raft_message first = append_to(h, 2);
    harness_propose(h, 1, 10);
    struct raft_message second = append_to(h, 2);
    harness_refuse(h, second, ID(3, 0));
    ck_assert_int_eq(harness_peer(h, 2).state, RAFT_REPLICATE);
    assert_silent(h, 2);
    harness_succeed(h, first);
    assert_range(append_to(h, 2), 3, 1); /* What was refused is sent again. */
    harness_stop(h);
}
END_TEST

START_TEST(no_refusal_goes_back_behind_what_matches) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 1, 10);
    struct raft_message first = append_to(h, 2);
    harness_propose(h, 1, 10);
    struct raft_message second = append_to(h, 2);
    harness_fail(h, first);
    harness_refuse(h, second, ID(1, 0));
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 2);
    ck_assert_uint_eq(harness_peer(h, 2).next_index, 3);
    harness_stop(h);
}
END_TEST

START_TEST(successes_out_of_order_never_lower_what_matches) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 1, 10);
    struct raft_message first = append_to(h, 2);
    harness_propose(h, 1, 10);
    struct raft_message second = append_to(h, 2);
    harness_succeed(h, second);
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 4);
    harness_succeed(h, first);
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 4);
    ck_assert_uint_eq(harness_peer(h, 2).next_index, 5);
    harness_stop(h);
}
END_TEST

START_TEST(a_success_for_more_than_was_sent_is_not_believed) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 1, 10);
    struct raft_message request = append_to(h, 2);
    request.append_entries.entry_count = 5;
    harness_succeed(h, request);
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 2);
    harness_stop(h);
}
END_TEST

START_TEST(an_answer_to_an_unknown_round_or_of_another_term_is_ignored) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 1, 10);
    struct raft_message request = append_to(h, 2);
    struct raft_message wrong = request;
    wrong.round += 1000;
    harness_succeed(h, wrong);
    wrong = request;
    wrong.term--;
    harness_succeed(h, wrong);
    wrong = request;
    wrong.to = 99;
    harness_succeed(h, wrong);
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 2);
    harness_succeed(h, request);
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 3);
    harness_succeed(h, request); /* Twice. */
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 3);
    harness_stop(h);
}
END_TEST

START_TEST(a_failure_of_an_unknown_round_changes_nothing) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 1, 10);
    raft_send_failed(h->raft, 2, 99999);
    raft_send_failed(h->raft, 77, append_to(h, 2).round);
    ck_assert_int_eq(harness_peer(h, 2).state, RAFT_REPLICATE);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_new_leader_appends_an_entry_of_its_term_and_sends_it_to_all);
    tcase_add_test(tcase, a_probe_is_followed_by_nothing_until_it_is_answered);
    tcase_add_test(tcase, entries_are_sent_ahead_up_to_the_number_of_requests_in_flight);
    tcase_add_test(tcase, a_batch_has_no_more_entries_than_the_limit);
    tcase_add_test(tcase, a_batch_has_no_more_bytes_than_the_limit);
    tcase_add_test(tcase, an_entry_larger_than_a_batch_goes_alone);
    tcase_add_test(tcase, a_request_that_failed_makes_it_probe_after_the_next_heartbeat);
    tcase_add_test(tcase, a_failed_probe_is_repeated_where_it_was);
    tcase_add_test(tcase, requests_ahead_of_one_that_failed_keep_the_probe_waiting);
    tcase_add_test(tcase, a_refusal_makes_it_probe_where_the_follower_ends);
    tcase_add_test(tcase, a_refusal_passes_over_a_term_that_the_leader_does_not_have);
    tcase_add_test(tcase, a_refusal_passes_to_the_end_of_a_term_that_both_have);
    tcase_add_test(tcase, every_refusal_moves_on_whatever_it_says);
    tcase_add_test(tcase, a_refusal_at_the_very_beginning_waits_for_a_heartbeat);
    tcase_add_test(tcase, a_follower_that_refuses_what_it_has_acknowledged_is_asked_once_a_heartbeat);
    tcase_add_test(tcase, a_refusal_while_an_earlier_request_is_out_is_not_acted_upon);
    tcase_add_test(tcase, no_refusal_goes_back_behind_what_matches);
    tcase_add_test(tcase, successes_out_of_order_never_lower_what_matches);
    tcase_add_test(tcase, a_success_for_more_than_was_sent_is_not_believed);
    tcase_add_test(tcase, an_answer_to_an_unknown_round_or_of_another_term_is_ignored);
    tcase_add_test(tcase, a_failure_of_an_unknown_round_changes_nothing);
}

CHECK_MAIN("raft/replication", add_tests)
