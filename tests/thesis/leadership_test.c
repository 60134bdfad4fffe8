/* Who may disturb a leader and how long it stays: §4.2.1, §4.2.3, §6.2, §6.4, §6.4.1, §9.6. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

static struct raft_message append_to(const struct harness *h, raft_node_id to) {
    return harness_sent(h, to, RAFT_APPEND_ENTRIES);
}

/* §4.2.3: a server that hears from its leader takes no part in an election, and not its term either. */
START_TEST(a_follower_that_hears_its_leader_ignores_vote_requests) {
    struct harness *h = START(.voters = 3);
    APPEND(h, .term = 1, .prev = ID(1, 1));
    harness_pass(h, ELECTION_MS / 2);
    struct raft_message answer = harness_ask_vote(h, 3, 99, ID(9, 9));
    ck_assert(!answer.vote_answer.vote_granted);
    ck_assert_uint_eq(answer.term, 1);
    ck_assert_uint_eq(raft_current_term(h->raft), 1);
    ck_assert_uint_eq(raft_leader(h->raft), 2);
    harness_stop(h);
}
END_TEST

/* §4.2.3: nor does a leader give way to who asks for votes, a removed server for one. */
START_TEST(a_leader_ignores_vote_requests) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    harness_ask_vote(h, 9, 99, ID(99, 99));
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    ck_assert_uint_eq(raft_current_term(h->raft), 2);
    harness_stop(h);
}
END_TEST

/* §4.2.3: after an election time-out of silence a vote request counts again. */
START_TEST(after_an_election_timeout_of_silence_votes_are_given_again) {
    struct harness *h = START(.voters = 3, .seed = 3);
    APPEND(h, .term = 1, .prev = ID(1, 1));
    harness_pass(h, ELECTION_MS);
    ck_assert(harness_ask_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

/* §4.2.1: a server without a vote receives the log and never campaigns. */
START_TEST(learners_receive_the_log_and_never_campaign) {
    struct harness *h = START(.voters = 1, .learners = 1, .id = 2);
    ck_assert(APPEND(h, .from = 1, .term = 2, .prev = ID(1, 1), .entries = "2").append_answer.success);
    harness_pass(h, 50 * ELECTION_MS);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_uint_eq(h->sent_count, 0);
    harness_stop(h);
}
END_TEST

/* §9.6: before it raises its term a server asks whether it could win, and only a majority of yeses lets it. */
START_TEST(a_server_that_cannot_win_raises_no_term) {
    struct harness *h = START(.voters = 3);
    for (int i = 0; i < 20; i++) {
        harness_pass(h, 2 * ELECTION_MS);
        ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
        ck_assert_uint_eq(raft_current_term(h->raft), 1);
        ck_assert(!h->hard_state_changed);
    }
    harness_stop(h);
}
END_TEST

/* §9.6: a yes changes nothing at who gives it: not the term, not the vote, nothing on disk; all may have one. */
START_TEST(a_pre_vote_changes_nothing_at_the_voter) {
    struct harness *h = START(.voters = 3);
    harness_pass(h, PROMISE_MS);
    for (raft_node_id from = 2; from <= 3; from++) {
        struct raft_message answer = harness_ask_pre_vote(h, from, 7, ID(1, 1));
        ck_assert(answer.vote_answer.vote_granted);
        ck_assert_uint_eq(answer.term, 7);
        ck_assert_uint_eq(h->write, 0);
        ck_assert_uint_eq(raft_current_term(h->raft), 1);
    }
    harness_stop(h);
}
END_TEST

/* §9.6: yes needs what a vote needs: a later term, a log as up-to-date, and no leader alive. */
START_TEST(a_pre_vote_needs_what_a_vote_needs) {
    struct harness *h = START(.voters = 3, .log = "12", .hard_state = {4, 0}, .seed = 3);
    harness_pass(h, PROMISE_MS);
    ck_assert(!harness_ask_pre_vote(h, 2, 4, ID(2, 2)).vote_answer.vote_granted);
    ck_assert(!harness_ask_pre_vote(h, 2, 5, ID(9, 1)).vote_answer.vote_granted);
    ck_assert(harness_ask_pre_vote(h, 2, 5, ID(2, 2)).vote_answer.vote_granted);
    APPEND(h, .term = 4, .prev = ID(2, 2));
    ck_assert(!harness_ask_pre_vote(h, 3, 5, ID(2, 2)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

/* §6.2: a leader that cannot reach a majority for an election time-out steps down: clients shall look elsewhere. */
START_TEST(a_leader_cut_off_from_the_majority_steps_down) {
    struct harness *h = START(.voters = 5);
    harness_lead(h);
    for (int i = 0; i < 2 * ELECTION_MS / HEARTBEAT_MS && harness_role(h) == RAFT_LEADER; i++) {
        harness_pass(h, HEARTBEAT_MS);
        if (harness_sent_count(h, 2, RAFT_APPEND_ENTRIES) > 0) {
            harness_succeed(h, append_to(h, 2)); /* One of four still answers. */
        }
    }
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert(!harness_propose(h, 1, 10));
    harness_stop(h);
}
END_TEST

/* §6.2: with a majority it stays, though others are silent. */
START_TEST(a_leader_that_hears_a_majority_stays) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    for (int i = 0; i < 20 * ELECTION_MS / HEARTBEAT_MS; i++) {
        harness_pass(h, HEARTBEAT_MS);
        harness_succeed(h, append_to(h, 2));
        ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    }
    harness_stop(h);
}
END_TEST

/* §6.4 step 1: a leader knows what is committed only after an entry of its own term is: it appends one at once. */
START_TEST(a_leader_answers_no_read_before_it_has_committed_in_its_term) {
    struct harness *h = START(.voters = 3, .log = "122");
    harness_lead(h);
    struct raft_message noop = append_to(h, 2);
    ck_assert(raft_read(h->raft, 1));
    harness_turn(h);
    ck_assert_uint_eq(h->read_count, 0);
    harness_succeed(h, noop);
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(h->read_count, 1);
    ck_assert_uint_eq(h->reads[0].index, 4);
    harness_stop(h);
}
END_TEST

/* §6.4 steps 2 and 3: the read's index is the commit index when it was asked, and it is answered after a majority has
 * answered heartbeats sent since. */
START_TEST(a_read_is_confirmed_by_heartbeats_sent_after_it) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    harness_pass(h, HEARTBEAT_MS);
    struct raft_message earlier = append_to(h, 2);
    raft_read(h->raft, 1);
    harness_turn(h);
    struct raft_message later = append_to(h, 2);
    harness_succeed(h, earlier);
    ck_assert_uint_eq(h->read_count, 0);
    harness_succeed(h, later);
    ck_assert_uint_eq(h->read_count, 1);
    ck_assert(h->reads[0].ok);
    ck_assert_uint_eq(h->reads[0].index, 2);
    harness_stop(h);
}
END_TEST

/* §6.4: a deposed leader answers no read. */
START_TEST(a_deposed_leader_answers_no_read) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    raft_read(h->raft, 1);
    harness_turn(h);
    struct raft_message request = append_to(h, 2);
    request.term = 9; /* The follower is in a later term already. */
    harness_refuse(h, request, ID(3, 0));
    ck_assert_uint_eq(h->read_count, 1);
    ck_assert(!h->reads[0].ok);
    harness_stop(h);
}
END_TEST

/* §6.4: any number of reads share one round of heartbeats. */
START_TEST(many_reads_cost_one_round) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    for (uint64_t ticket = 0; ticket < 100; ticket++) {
        raft_read(h->raft, ticket);
    }
    harness_turn(h);
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_APPEND_ENTRIES), 1);
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(h->read_count, 100);
    harness_stop(h);
}
END_TEST

/* §6.4.1: leases rest on a follower's promise not to vote for a while after it heard the leader, which a restart, with all
 * memory of the leader lost, must not shorten. */
START_TEST(the_promise_not_to_vote_outlives_a_restart) {
    struct harness *h = START(.voters = 3, .hard_state = {2, 0});
    harness_pass(h, PROMISE_MS - 1);
    ck_assert(!harness_ask_vote(h, 3, 3, ID(9, 2)).vote_answer.vote_granted);
    harness_pass(h, 1);
    ck_assert(harness_ask_vote(h, 3, 3, ID(9, 2)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_follower_that_hears_its_leader_ignores_vote_requests);
    tcase_add_test(tcase, a_leader_ignores_vote_requests);
    tcase_add_test(tcase, after_an_election_timeout_of_silence_votes_are_given_again);
    tcase_add_test(tcase, learners_receive_the_log_and_never_campaign);
    tcase_add_test(tcase, a_server_that_cannot_win_raises_no_term);
    tcase_add_test(tcase, a_pre_vote_changes_nothing_at_the_voter);
    tcase_add_test(tcase, a_pre_vote_needs_what_a_vote_needs);
    tcase_add_test(tcase, a_leader_cut_off_from_the_majority_steps_down);
    tcase_add_test(tcase, a_leader_that_hears_a_majority_stays);
    tcase_add_test(tcase, a_leader_answers_no_read_before_it_has_committed_in_its_term);
    tcase_add_test(tcase, a_read_is_confirmed_by_heartbeats_sent_after_it);
    tcase_add_test(tcase, a_deposed_leader_answers_no_read);
    tcase_add_test(tcase, many_reads_cost_one_round);
    tcase_add_test(tcase, the_promise_not_to_vote_outlives_a_restart);
}

CHECK_MAIN("thesis/leadership", add_tests)
