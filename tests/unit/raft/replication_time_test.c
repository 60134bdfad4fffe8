/* The leader's side over time: heartbeats, news of commitment, check quorum. */
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

/* -- Heartbeats -- */

START_TEST(heartbeats_go_out_at_their_time_beside_the_entries) {
    struct harness *h = LEADER(.voters = 3);
    harness_pass(h, 1); /* The first follow at once. */
    for (int i = 0; i < 3; i++) {
        uint64_t due_ms = raft_next_deadline_ms(h->raft);
        if (due_ms - h->now_ms > 1) {
            harness_pass(h, due_ms - h->now_ms - 1);
            assert_silent(h, 2);
        }
        harness_pass(h, due_ms - h->now_ms);
        for (size_t m = 0; m < h->sent_count; m++) {
            ck_assert_uint_eq(h->sent[m].append_entries.entry_count, 0);
        }
    }
    harness_stop(h);
}
END_TEST

START_TEST(a_heartbeat_names_what_the_follower_is_known_to_have) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 2, 10);
    harness_pass(h, HEARTBEAT_MS);
    struct raft_message heartbeat = append_to(h, 2);
    assert_range(heartbeat, 2, 0);
    ck_assert_uint_eq(heartbeat.append_entries.prev.term, 2);
    assert_range(append_to(h, 3), 0, 0);
    harness_stop(h);
}
END_TEST

START_TEST(no_more_heartbeats_are_out_than_the_limit) {
    struct harness *h = LEADER(.voters = 3);
    size_t sent = 0;
    struct raft_message last = {0};
    for (int i = 0; i < 6; i++) {
        harness_pass(h, HEARTBEAT_MS);
        size_t count = harness_sent_count(h, 2, RAFT_APPEND_ENTRIES);
        last = count > 0 ? append_to(h, 2) : last;
        sent += count;
    }
    ck_assert_uint_eq(sent, RAFT_HEARTBEATS_IN_FLIGHT);
    harness_succeed(h, last);
    assert_range(append_to(h, 2), 2, 0); /* The one that had no room. */
    harness_stop(h);
}
END_TEST

START_TEST(a_refused_heartbeat_changes_neither_match_nor_next) {
    struct harness *h = LEADER(.voters = 3);
    harness_pass(h, HEARTBEAT_MS);
    harness_refuse(h, append_to(h, 2), ID(1, 0));
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 2);
    ck_assert_uint_eq(harness_peer(h, 2).next_index, 3);
    ck_assert_int_eq(harness_peer(h, 2).state, RAFT_REPLICATE);
    harness_stop(h);
}
END_TEST

START_TEST(a_failed_heartbeat_does_not_stop_entries_under_way) {
    struct harness *h = LEADER(.voters = 3);
    harness_pass(h, HEARTBEAT_MS);
    struct raft_message heartbeat = append_to(h, 2);
    harness_propose(h, 1, 10);
    harness_fail(h, heartbeat);
    ck_assert_int_eq(harness_peer(h, 2).state, RAFT_REPLICATE);
    harness_stop(h);
}
END_TEST

START_TEST(an_idle_follower_whose_heartbeat_failed_is_probed) {
    struct harness *h = LEADER(.voters = 3);
    harness_pass(h, HEARTBEAT_MS);
    harness_fail(h, append_to(h, 2));
    ck_assert_int_eq(harness_peer(h, 2).state, RAFT_PROBE);
    ck_assert_uint_eq(harness_peer(h, 2).next_index, harness_peer(h, 2).match_index + 1);
    harness_stop(h);
}
END_TEST

START_TEST(idle_followers_are_told_of_a_commit_soon) {
    struct harness *h = LEADER(.voters = 3);
    harness_pass(h, 1); /* Heartbeats. */
    struct raft_message heartbeat = append_to(h, 2);
    harness_succeed(h, heartbeat);
    harness_propose(h, 1, 10);
    struct raft_message request = append_to(h, 2);
    raft_persisted(h->raft, h->last_write);
    harness_succeed(h, request);
    ck_assert_uint_eq(h->commit_index, 3);
    uint64_t due_ms = raft_next_deadline_ms(h->raft);
    ck_assert_uint_le(due_ms, h->now_ms + HEARTBEAT_MS / 10 + 1);
    harness_pass(h, due_ms - h->now_ms);
    assert_range(append_to(h, 2), 3, 0);
    ck_assert_uint_eq(append_to(h, 2).append_entries.leader_commit, 3);
    harness_stop(h);
}
END_TEST

START_TEST(followers_that_were_told_already_are_not_told_again) {
    struct harness *h = LEADER(.voters = 3);
    harness_pass(h, 1);
    harness_succeed(h, append_to(h, 2));
    harness_propose(h, 1, 10);
    struct raft_message first = append_to(h, 2);
    raft_persisted(h->raft, h->last_write);
    harness_succeed(h, first);
    harness_propose(h, 1, 10); /* Carries the commit index 3. */
    struct raft_message second = append_to(h, 2);
    ck_assert_uint_eq(second.append_entries.leader_commit, 3);
    harness_pass(h, HEARTBEAT_MS / 10 + 1);
    assert_silent(h, 2);
    harness_stop(h);
}
END_TEST

/* -- Check quorum -- */

START_TEST(without_a_majority_for_an_election_timeout_it_steps_down) {
    struct harness *h = START(.voters = 5);
    harness_lead(h);
    harness_succeed(h, append_to(h, 2));
    uint64_t heard_ms = harness_peer(h, 3).last_contact_ms; /* Never since the election. */
    harness_pass(h, heard_ms + ELECTION_MS - 1 - h->now_ms);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_pass(h, 1);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_uint_eq(raft_leader(h->raft), 0);
    ck_assert_uint_eq(raft_current_term(h->raft), 2);
    ck_assert_uint_ge(raft_next_deadline_ms(h->raft), h->now_ms + ELECTION_MS);
    harness_stop(h);
}
END_TEST

START_TEST(any_answer_is_contact_a_refusal_too) {
    struct harness *h = START(.voters = 3, .log = "11");
    harness_lead(h);
    struct raft_message probe = append_to(h, 2);
    harness_pass(h, ELECTION_MS - 1);
    harness_refuse(h, probe, ID(2, 0));
    ck_assert_uint_eq(harness_peer(h, 2).last_contact_ms, h->now_ms);
    harness_pass(h, ELECTION_MS - 1);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_pass(h, 1);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_stop(h);
}
END_TEST

START_TEST(learners_keep_nobody_in_office) {
    struct harness *h = START(.voters = 2, .learners = 1);
    harness_lead(h);
    struct raft_message probe = append_to(h, 3);
    harness_pass(h, ELECTION_MS - 1);
    harness_succeed(h, probe);
    harness_pass(h, 1);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_stop(h);
}
END_TEST

START_TEST(a_sole_voter_stays_for_ever) {
    struct harness *h = START(.voters = 1, .learners = 1);
    harness_pass(h, 1);
    harness_persist(h);
    harness_pass(h, 100 * ELECTION_MS);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_stop(h);
}
END_TEST

START_TEST(a_new_term_of_leadership_starts_with_nothing_known) {
    struct harness *h = LEADER(.voters = 3);
    harness_propose(h, 1, 10);
    struct raft_message old = append_to(h, 2);
    harness_pass(h, 2 * ELECTION_MS);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_lead(h);
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 0);
    ck_assert_uint_eq(harness_peer(h, 2).next_index, 4);
    harness_succeed(h, old);
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 0);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, heartbeats_go_out_at_their_time_beside_the_entries);
    tcase_add_test(tcase, a_heartbeat_names_what_the_follower_is_known_to_have);
    tcase_add_test(tcase, no_more_heartbeats_are_out_than_the_limit);
    tcase_add_test(tcase, a_refused_heartbeat_changes_neither_match_nor_next);
    tcase_add_test(tcase, a_failed_heartbeat_does_not_stop_entries_under_way);
    tcase_add_test(tcase, an_idle_follower_whose_heartbeat_failed_is_probed);
    tcase_add_test(tcase, idle_followers_are_told_of_a_commit_soon);
    tcase_add_test(tcase, followers_that_were_told_already_are_not_told_again);
    tcase_add_test(tcase, without_a_majority_for_an_election_timeout_it_steps_down);
    tcase_add_test(tcase, any_answer_is_contact_a_refusal_too);
    tcase_add_test(tcase, learners_keep_nobody_in_office);
    tcase_add_test(tcase, a_sole_voter_stays_for_ever);
    tcase_add_test(tcase, a_new_term_of_leadership_starts_with_nothing_known);
}

CHECK_MAIN("raft/replication_time", add_tests)
