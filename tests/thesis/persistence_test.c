/* What is on disk before anybody may rest on it: Figure 3.1 "persistent state", §3.8; the leader's disk works beside the
 * network, §10.2.1. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

/* §3.8: a vote is on disk before it is told, or a restart could give it a second time. */
START_TEST(a_vote_is_on_disk_before_it_is_told) {
    struct harness *h = START(.voters = 3);
    harness_pass(h, PROMISE_MS);
    struct raft_message vote = harness_ask_vote(h, 2, 2, ID(1, 1));
    ck_assert(vote.vote_answer.vote_granted);
    ck_assert(h->hard_state_changed);
    ck_assert_uint_eq(h->hard_state.voted_for, 2);
    ck_assert_uint_ne(h->write, 0);
    ck_assert_uint_eq(vote.after_write, h->write);
    /* Asked again while the write is under way: it waits for the same. */
    ck_assert_uint_eq(harness_ask_vote(h, 2, 2, ID(1, 1)).after_write, h->last_write);
    harness_stop(h);
}
END_TEST

/* §3.8: what was voted before a restart binds after it. */
START_TEST(a_vote_binds_after_a_restart) {
    struct harness *h = START(.voters = 3, .hard_state = {2, 3});
    harness_pass(h, PROMISE_MS);
    ck_assert(!harness_ask_vote(h, 2, 2, ID(9, 2)).vote_answer.vote_granted);
    ck_assert(harness_ask_vote(h, 3, 2, ID(9, 2)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

/* §3.8: so does the term. */
START_TEST(a_term_is_on_disk_before_anybody_hears_of_it) {
    struct harness *h = START(.voters = 3);
    struct raft_message answer = APPEND(h, .term = 6, .prev = ID(1, 1));
    ck_assert_uint_eq(answer.term, 6);
    ck_assert_uint_eq(answer.after_write, h->write);
    harness_stop(h);
    h = START(.voters = 3);
    harness_win_pre_votes(h);
    ck_assert_uint_eq(harness_sent(h, 2, RAFT_REQUEST_VOTE).after_write, h->write);
    ck_assert_uint_ne(h->write, 0);
    harness_stop(h);
}
END_TEST

/* §3.8: entries are on a follower's disk before it confirms them: the leader counts that answer for the commitment. */
START_TEST(entries_are_on_disk_before_they_are_confirmed) {
    struct harness *h = START(.voters = 3);
    struct raft_message answer = APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "11");
    ck_assert_uint_eq(answer.after_write, h->write);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 1);
    harness_persist(h);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 3);
    ck_assert_uint_eq(APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "11").after_write, 0);
    harness_stop(h);
}
END_TEST

/* §3.8: what is volatile starts anew: nothing is known to be committed, no leader is known. */
START_TEST(commit_index_and_leader_start_anew) {
    struct harness *h = START(.voters = 3, .log = "1222");
    ck_assert_uint_eq(raft_commit_index(h->raft), 0);
    ck_assert_uint_eq(raft_leader(h->raft), 0);
    harness_assert_log(h, "1222");
    harness_stop(h);
}
END_TEST

/* §10.2.1: the leader sends entries to its followers while its own disk is still writing them. */
START_TEST(the_leader_sends_before_its_own_disk_has_the_entries) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    harness_propose(h, 1, 10);
    ck_assert_uint_ne(h->write, 0);
    struct raft_message request = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    ck_assert_uint_eq(request.append_entries.entry_count, 1);
    ck_assert_uint_eq(request.after_write, 0);
    harness_stop(h);
}
END_TEST

/* §10.2.1: it counts itself only when they are there, and commits without itself when a majority of others has them. */
START_TEST(the_leaders_own_disk_counts_when_it_has_the_entries_and_may_be_last) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    struct raft_message entry;
    harness_propose(h, 1, 10);
    entry = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    harness_succeed(h, entry);
    ck_assert_uint_eq(h->commit_index, 2);
    harness_persist(h);
    ck_assert_uint_eq(h->commit_index, 3);
    harness_stop(h);
    h = START(.voters = 3);
    harness_win(h);
    struct raft_message to_3 = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    harness_succeed(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES));
    harness_succeed(h, to_3);
    ck_assert_uint_eq(h->commit_index, 2);
    ck_assert_uint_lt(raft_persisted_index(h->raft), 2);
    harness_stop(h);
}
END_TEST

/* §10.2.1: the next entries leave before the answer to the ones before has come. */
START_TEST(requests_follow_each_other_without_waiting) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    for (raft_index i = 0; i < 4; i++) {
        harness_propose(h, 1, 10);
        ck_assert_uint_eq(harness_sent(h, 2, RAFT_APPEND_ENTRIES).append_entries.prev.index, 2 + i);
    }
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_vote_is_on_disk_before_it_is_told);
    tcase_add_test(tcase, a_vote_binds_after_a_restart);
    tcase_add_test(tcase, a_term_is_on_disk_before_anybody_hears_of_it);
    tcase_add_test(tcase, entries_are_on_disk_before_they_are_confirmed);
    tcase_add_test(tcase, commit_index_and_leader_start_anew);
    tcase_add_test(tcase, the_leader_sends_before_its_own_disk_has_the_entries);
    tcase_add_test(tcase, the_leaders_own_disk_counts_when_it_has_the_entries_and_may_be_last);
    tcase_add_test(tcase, requests_follow_each_other_without_waiting);
}

CHECK_MAIN("thesis/persistence", add_tests)
