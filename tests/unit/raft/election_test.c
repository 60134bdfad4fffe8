/* Elections: time-outs, pre-votes and votes, at their edges. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

/* When it first asks for pre-votes, after nothing but its start. */
static uint64_t first_campaign_ms(uint64_t seed) {
    struct harness *h = START(.voters = 3, .seed = seed);
    uint64_t started_ms = h->now_ms;
    harness_campaign(h);
    uint64_t waited_ms = h->now_ms - started_ms;
    harness_stop(h);
    return waited_ms;
}

START_TEST(the_election_timeout_is_one_to_two_times_the_setting_and_differs) {
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t waited_ms = first_campaign_ms(seed);
        ck_assert_uint_ge(waited_ms, ELECTION_MS);
        ck_assert_uint_lt(waited_ms, 2 * ELECTION_MS);
        least = waited_ms < least ? waited_ms : least;
        most = waited_ms > most ? waited_ms : most;
    }
    ck_assert_uint_lt(least, ELECTION_MS + 10);
    ck_assert_uint_gt(most, 2 * ELECTION_MS - 10);
}
END_TEST

START_TEST(the_same_seed_waits_the_same_time) {
    ck_assert_uint_eq(first_campaign_ms(77), first_campaign_ms(77));
}
END_TEST

START_TEST(it_campaigns_at_the_deadline_that_it_named_and_not_before) {
    struct harness *h = START(.voters = 3);
    uint64_t deadline_ms = raft_next_deadline_ms(h->raft);
    harness_pass(h, deadline_ms - h->now_ms - 1);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_pass(h, 1);
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    harness_stop(h);
}
END_TEST

START_TEST(a_pre_candidate_asks_every_other_voter_about_the_next_term) {
    struct harness *h = START(.voters = 3, .learners = 1, .log = "12", .hard_state = {5, 3});
    harness_campaign(h);
    for (raft_node_id to = 2; to <= 3; to++) {
        ck_assert_uint_eq(harness_sent_count(h, to, RAFT_REQUEST_VOTE), 1);
        struct raft_message request = harness_sent(h, to, RAFT_REQUEST_VOTE);
        ck_assert(request.request_vote.pre_vote);
        ck_assert_uint_eq(request.term, 6);
        ck_assert_uint_eq(request.request_vote.last_log.index, 2);
        ck_assert_uint_eq(request.request_vote.last_log.term, 2);
        ck_assert_uint_eq(request.after_write, 0);
    }
    ck_assert_uint_eq(harness_sent_count(h, 4, RAFT_REQUEST_VOTE), 0);
    ck_assert(!h->hard_state_changed);
    ck_assert_uint_eq(raft_current_term(h->raft), 5);
    harness_stop(h);
}
END_TEST

START_TEST(a_failed_pre_vote_is_tried_again_within_half_to_one_timeout) {
    struct harness *h = START(.voters = 3);
    harness_campaign(h);
    raft_round first = harness_sent(h, 2, RAFT_REQUEST_VOTE).round;
    uint64_t deadline_ms = raft_next_deadline_ms(h->raft);
    ck_assert_uint_ge(deadline_ms, h->now_ms + ELECTION_MS / 2);
    ck_assert_uint_le(deadline_ms, h->now_ms + ELECTION_MS);
    harness_pass(h, deadline_ms - h->now_ms);
    ck_assert_uint_gt(harness_sent(h, 2, RAFT_REQUEST_VOTE).round, first);
    ck_assert_uint_eq(raft_current_term(h->raft), 1);
    harness_stop(h);
}
END_TEST

START_TEST(with_five_voters_one_grant_is_not_enough_and_two_are) {
    struct harness *h = START(.voters = 5);
    harness_campaign(h);
    struct raft_message to_2 = harness_sent(h, 2, RAFT_REQUEST_VOTE);
    struct raft_message to_3 = harness_sent(h, 3, RAFT_REQUEST_VOTE);
    harness_answer_vote(h, to_2, 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    harness_answer_vote(h, to_2, 2, true); /* The same server cannot grant twice. */
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    harness_answer_vote(h, to_3, 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    ck_assert_uint_eq(h->hard_state.term, 2);
    ck_assert_uint_eq(h->hard_state.voted_for, 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_refused_pre_vote_does_not_count) {
    struct harness *h = START(.voters = 3);
    harness_campaign(h);
    harness_answer_vote(h, harness_sent(h, 2, RAFT_REQUEST_VOTE), 1, false);
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    harness_stop(h);
}
END_TEST

START_TEST(a_pre_vote_granted_for_another_term_does_not_count) {
    struct harness *h = START(.voters = 3);
    harness_campaign(h);
    harness_answer_vote(h, harness_sent(h, 2, RAFT_REQUEST_VOTE), 3, true);
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    ck_assert_uint_eq(raft_current_term(h->raft), 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_pre_vote_refused_from_a_later_term_brings_that_term) {
    struct harness *h = START(.voters = 3);
    harness_campaign(h);
    harness_answer_vote(h, harness_sent(h, 2, RAFT_REQUEST_VOTE), 9, false);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_uint_eq(h->hard_state.term, 9);
    ck_assert_uint_eq(h->hard_state.voted_for, 0);
    harness_stop(h);
}
END_TEST

START_TEST(an_answer_after_the_request_was_given_up_does_not_count) {
    struct harness *h = START(.voters = 3);
    harness_campaign(h);
    struct raft_message request = harness_sent(h, 2, RAFT_REQUEST_VOTE);
    harness_fail(h, request);
    harness_answer_vote(h, request, 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    harness_stop(h);
}
END_TEST

START_TEST(an_answer_to_the_campaign_before_does_not_count) {
    struct harness *h = START(.voters = 3);
    harness_campaign(h);
    struct raft_message old = harness_sent(h, 2, RAFT_REQUEST_VOTE);
    harness_pass(h, ELECTION_MS);
    harness_answer_vote(h, old, 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    harness_stop(h);
}
END_TEST

START_TEST(an_answer_from_who_was_not_asked_does_not_count) {
    struct harness *h = START(.voters = 3, .learners = 1);
    harness_campaign(h);
    struct raft_message request = harness_sent(h, 2, RAFT_REQUEST_VOTE);
    request.to = 4;
    harness_answer_vote(h, request, 2, true);
    request.to = 99;
    harness_answer_vote(h, request, 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    harness_stop(h);
}
END_TEST

START_TEST(vote_requests_wait_until_term_and_own_vote_are_on_disk) {
    struct harness *h = START(.voters = 3);
    harness_win_pre_votes(h);
    ck_assert(h->hard_state_changed);
    struct raft_message request = harness_sent(h, 3, RAFT_REQUEST_VOTE);
    ck_assert(!request.request_vote.pre_vote);
    ck_assert_uint_eq(request.term, 2);
    ck_assert_uint_eq(request.after_write, h->write);
    harness_stop(h);
}
END_TEST

START_TEST(votes_that_come_before_the_own_one_is_on_disk_wait_for_it) {
    struct harness *h = START(.voters = 3);
    harness_win_pre_votes(h);
    struct raft_message request = harness_sent(h, 2, RAFT_REQUEST_VOTE);
    harness_answer_vote(h, request, 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    harness_persist(h);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_stop(h);
}
END_TEST

START_TEST(a_candidate_without_a_majority_asks_for_pre_votes_again) {
    struct harness *h = START(.voters = 3);
    harness_win_pre_votes(h);
    harness_persist(h);
    uint64_t deadline_ms = raft_next_deadline_ms(h->raft);
    ck_assert_uint_ge(deadline_ms, h->now_ms + ELECTION_MS);
    harness_pass(h, deadline_ms - h->now_ms);
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    ck_assert_uint_eq(harness_sent(h, 2, RAFT_REQUEST_VOTE).term, 3);
    ck_assert_uint_eq(raft_current_term(h->raft), 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_sole_voter_elects_itself_once_its_vote_is_on_disk) {
    struct harness *h = START(.voters = 1, .learners = 2);
    harness_pass(h, 1);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    ck_assert_uint_eq(h->sent_count, 0);
    harness_pass(h, 1);
    ck_assert_uint_eq(raft_current_term(h->raft), 2);
    harness_persist(h);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_stop(h);
}
END_TEST

START_TEST(a_sole_voter_on_a_slow_disk_names_no_deadline_that_is_over) {
    struct harness *h = START(.voters = 1);
    harness_pass(h, 1);
    for (int i = 0; i < 50; i++) {
        harness_pass(h, ELECTION_MS / 4);
        ck_assert_uint_gt(raft_next_deadline_ms(h->raft), h->now_ms);
    }
    ck_assert_uint_eq(raft_current_term(h->raft), 2);
    harness_persist(h);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_stop(h);
}
END_TEST

START_TEST(who_is_no_voter_does_not_campaign_and_has_no_deadline) {
    struct harness *learner = START(.voters = 3, .learners = 1, .id = 4);
    struct harness *stranger = START(.voters = 3, .id = 9);
    struct harness *blank = START(.voters = 0);
    struct harness *all[] = {learner, stranger, blank};
    for (size_t i = 0; i < 3; i++) {
        ck_assert(raft_next_deadline_ms(all[i]->raft) == UINT64_MAX);
        harness_pass(all[i], 100 * ELECTION_MS);
        ck_assert_int_eq(harness_role(all[i]), RAFT_FOLLOWER);
        ck_assert_uint_eq(all[i]->sent_count, 0);
        harness_stop(all[i]);
    }
}
END_TEST

/* It waits for nobody's election either: what is asked of it meanwhile shall not wait for a dead leader. */
START_TEST(who_may_not_campaign_forgets_a_silent_leader_at_the_deadline_that_it_named) {
    struct harness *learner = START(.voters = 3, .learners = 1, .id = 4);
    struct harness *unfit = START(.voters = 3);
    struct harness *last = START(.voters = 3, .hard_state = {RAFT_NUMBER_MAX, 0});
    raft_set_unfit(unfit->raft, true);
    struct harness *all[] = {learner, unfit, last};
    for (size_t i = 0; i < 3; i++) {
        struct harness *h = all[i];
        raft_term term = raft_current_term(h->raft);
        for (int again = 0; again < 2; again++) { /* It may come back. */
            APPEND(h, .term = term, .prev = ID(1, 1));
            ck_assert_uint_eq(raft_leader(h->raft), 2);
            uint64_t deadline_ms = raft_next_deadline_ms(h->raft);
            ck_assert_uint_ge(deadline_ms, h->now_ms + ELECTION_MS);
            ck_assert_uint_lt(deadline_ms, h->now_ms + 2 * ELECTION_MS);
            harness_pass(h, deadline_ms - h->now_ms - 1);
            ck_assert_uint_eq(raft_leader(h->raft), 2);
            harness_pass(h, 1);
            ck_assert_uint_eq(raft_leader(h->raft), 0);
            ck_assert(raft_next_deadline_ms(h->raft) == UINT64_MAX);
            harness_pass(h, 100 * ELECTION_MS);
            ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
            ck_assert_uint_eq(raft_current_term(h->raft), term);
            ck_assert_uint_eq(h->sent_count, 0);
        }
        harness_stop(h);
    }
}
END_TEST

START_TEST(who_is_no_voter_in_its_own_configuration_votes_all_the_same) {
    struct harness *h = START(.voters = 3, .learners = 1, .id = 4);
    harness_pass(h, PROMISE_MS);
    ck_assert(harness_ask_pre_vote(h, 2, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(harness_ask_vote(h, 2, 2, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

START_TEST(a_candidate_outside_the_own_configuration_gets_a_vote) {
    struct harness *h = START(.voters = 3);
    harness_pass(h, PROMISE_MS);
    ck_assert(harness_ask_vote(h, 9, 2, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

START_TEST(it_grants_no_vote_in_the_first_one_and_a_half_heartbeats) {
    struct harness *h = START(.voters = 3);
    harness_pass(h, PROMISE_MS - 1);
    ck_assert(!harness_ask_pre_vote(h, 2, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(!harness_ask_vote(h, 2, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert_uint_eq(raft_current_term(h->raft), 1);
    harness_pass(h, 1);
    ck_assert(harness_ask_pre_vote(h, 2, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(harness_ask_vote(h, 2, 2, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

START_TEST(a_leader_is_alive_for_one_election_timeout_after_it_was_heard) {
    struct harness *h = START(.voters = 3, .seed = 3);
    harness_pass(h, PROMISE_MS);
    APPEND(h, .term = 1, .prev = ID(1, 1));
    harness_pass(h, ELECTION_MS - 1);
    ck_assert(!harness_ask_pre_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(!harness_ask_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    harness_pass(h, 1);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert(harness_ask_pre_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(harness_ask_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

START_TEST(refused_entries_are_a_sign_of_life_too) {
    struct harness *h = START(.voters = 3);
    harness_pass(h, PROMISE_MS);
    ck_assert(!APPEND(h, .term = 1, .prev = ID(7, 1)).append_answer.success);
    harness_pass(h, ELECTION_MS - 1);
    ck_assert(!harness_ask_vote(h, 3, 2, ID(9, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

START_TEST(a_leader_of_an_old_term_is_no_sign_of_life) {
    struct harness *h = START(.voters = 3, .hard_state = {5, 0});
    harness_pass(h, PROMISE_MS);
    APPEND(h, .term = 4, .prev = ID(1, 1));
    ck_assert(harness_ask_pre_vote(h, 3, 6, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

START_TEST(a_pre_candidate_that_lost_its_leader_answers_other_pre_votes) {
    struct harness *h = START(.voters = 3);
    harness_campaign(h);
    ck_assert(harness_ask_pre_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    ck_assert(harness_ask_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_stop(h);
}
END_TEST

START_TEST(a_pre_candidate_that_votes_in_its_own_term_follows) {
    struct harness *h = START(.voters = 3, .hard_state = {4, 0});
    harness_campaign(h);
    ck_assert(harness_ask_vote(h, 3, 4, ID(1, 1)).vote_answer.vote_granted);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_uint_eq(h->hard_state.voted_for, 3);
    harness_stop(h);
}
END_TEST

START_TEST(a_vote_in_the_own_term_is_written_before_it_is_told) {
    struct harness *h = START(.voters = 3, .hard_state = {4, 0});
    harness_pass(h, PROMISE_MS);
    struct raft_message answer = harness_ask_vote(h, 3, 4, ID(1, 1));
    ck_assert(answer.vote_answer.vote_granted);
    ck_assert(h->hard_state_changed);
    ck_assert_uint_eq(answer.after_write, 1);
    harness_stop(h);
}
END_TEST

START_TEST(granting_a_vote_starts_the_timeout_anew) {
    struct harness *h = START(.voters = 3);
    uint64_t first_ms = raft_next_deadline_ms(h->raft);
    harness_pass(h, first_ms - h->now_ms - 1);
    harness_ask_vote(h, 2, 2, ID(1, 1));
    ck_assert_uint_ge(raft_next_deadline_ms(h->raft), h->now_ms + ELECTION_MS);
    harness_stop(h);
}
END_TEST

START_TEST(granting_a_pre_vote_leaves_the_timeout_alone) {
    struct harness *h = START(.voters = 3);
    uint64_t first_ms = raft_next_deadline_ms(h->raft);
    harness_pass(h, PROMISE_MS);
    harness_ask_pre_vote(h, 2, 2, ID(1, 1));
    ck_assert_uint_eq(raft_next_deadline_ms(h->raft), first_ms);
    harness_stop(h);
}
END_TEST

START_TEST(refusing_a_vote_leaves_the_timeout_alone) {
    struct harness *h = START(.voters = 3, .log = "12");
    uint64_t first_ms = raft_next_deadline_ms(h->raft);
    harness_pass(h, PROMISE_MS);
    ck_assert(!harness_ask_vote(h, 2, 3, ID(1, 1)).vote_answer.vote_granted);
    ck_assert_uint_eq(raft_next_deadline_ms(h->raft), first_ms);
    harness_stop(h);
}
END_TEST

START_TEST(a_refused_answer_tells_the_own_term) {
    struct harness *h = START(.voters = 3, .hard_state = {7, 0});
    harness_pass(h, PROMISE_MS);
    struct raft_message answer = harness_ask_pre_vote(h, 2, 7, ID(1, 1));
    ck_assert(!answer.vote_answer.vote_granted);
    ck_assert_uint_eq(answer.term, 7);
    answer = harness_ask_vote(h, 2, 3, ID(1, 1));
    ck_assert(!answer.vote_answer.vote_granted);
    ck_assert_uint_eq(answer.term, 7);
    harness_stop(h);
}
END_TEST

START_TEST(in_the_last_term_there_is_nobody_asks_for_another) {
    struct harness *h = START(.voters = 3, .hard_state = {RAFT_NUMBER_MAX, 0});
    struct harness *alone = START(.voters = 1, .hard_state = {RAFT_NUMBER_MAX, 0});
    for (int i = 0; i < 10; i++) {
        harness_pass(h, ELECTION_MS);
        harness_pass(alone, ELECTION_MS);
        ck_assert_uint_eq(h->sent_count, 0);
        ck_assert_uint_gt(raft_next_deadline_ms(h->raft), h->now_ms);
        ck_assert_uint_gt(raft_next_deadline_ms(alone->raft), alone->now_ms);
    }
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_int_eq(harness_role(alone), RAFT_FOLLOWER);
    harness_stop(h);
    harness_stop(alone);
}
END_TEST

START_TEST(a_campaign_refuses_what_was_held_for_the_term_before) {
    /* Only who is told to campaigns before what it holds has expired. */
    struct harness *h = START(.voters = 1);
    APPEND(h, .term = 2, .prev = ID(1, 1));
    RECEIVE(h, .term = 2, .prev = ID(5, 2), .entries = "2");
    struct raft_message told = {
        .type = RAFT_TIMEOUT_NOW, .from = 2, .to = 1, .term = 2, .round = h->next_round++, .ticket = h->next_ticket++};
    raft_receive(h->raft, &told);
    harness_turn(h);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_APPEND_ANSWER), 1);
    ck_assert(!harness_sent(h, 2, RAFT_APPEND_ANSWER).append_answer.success);
    harness_persist(h);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_election_timeout_is_one_to_two_times_the_setting_and_differs);
    tcase_add_test(tcase, the_same_seed_waits_the_same_time);
    tcase_add_test(tcase, it_campaigns_at_the_deadline_that_it_named_and_not_before);
    tcase_add_test(tcase, a_pre_candidate_asks_every_other_voter_about_the_next_term);
    tcase_add_test(tcase, a_failed_pre_vote_is_tried_again_within_half_to_one_timeout);
    tcase_add_test(tcase, with_five_voters_one_grant_is_not_enough_and_two_are);
    tcase_add_test(tcase, a_refused_pre_vote_does_not_count);
    tcase_add_test(tcase, a_pre_vote_granted_for_another_term_does_not_count);
    tcase_add_test(tcase, a_pre_vote_refused_from_a_later_term_brings_that_term);
    tcase_add_test(tcase, an_answer_after_the_request_was_given_up_does_not_count);
    tcase_add_test(tcase, an_answer_to_the_campaign_before_does_not_count);
    tcase_add_test(tcase, an_answer_from_who_was_not_asked_does_not_count);
    tcase_add_test(tcase, vote_requests_wait_until_term_and_own_vote_are_on_disk);
    tcase_add_test(tcase, votes_that_come_before_the_own_one_is_on_disk_wait_for_it);
    tcase_add_test(tcase, a_candidate_without_a_majority_asks_for_pre_votes_again);
    tcase_add_test(tcase, a_sole_voter_elects_itself_once_its_vote_is_on_disk);
    tcase_add_test(tcase, a_sole_voter_on_a_slow_disk_names_no_deadline_that_is_over);
    tcase_add_test(tcase, who_is_no_voter_does_not_campaign_and_has_no_deadline);
    tcase_add_test(tcase, who_may_not_campaign_forgets_a_silent_leader_at_the_deadline_that_it_named);
    tcase_add_test(tcase, who_is_no_voter_in_its_own_configuration_votes_all_the_same);
    tcase_add_test(tcase, a_candidate_outside_the_own_configuration_gets_a_vote);
    tcase_add_test(tcase, it_grants_no_vote_in_the_first_one_and_a_half_heartbeats);
    tcase_add_test(tcase, a_leader_is_alive_for_one_election_timeout_after_it_was_heard);
    tcase_add_test(tcase, refused_entries_are_a_sign_of_life_too);
    tcase_add_test(tcase, a_leader_of_an_old_term_is_no_sign_of_life);
    tcase_add_test(tcase, a_pre_candidate_that_lost_its_leader_answers_other_pre_votes);
    tcase_add_test(tcase, a_pre_candidate_that_votes_in_its_own_term_follows);
    tcase_add_test(tcase, a_vote_in_the_own_term_is_written_before_it_is_told);
    tcase_add_test(tcase, granting_a_vote_starts_the_timeout_anew);
    tcase_add_test(tcase, granting_a_pre_vote_leaves_the_timeout_alone);
    tcase_add_test(tcase, refusing_a_vote_leaves_the_timeout_alone);
    tcase_add_test(tcase, a_refused_answer_tells_the_own_term);
    tcase_add_test(tcase, in_the_last_term_there_is_nobody_asks_for_another);
    tcase_add_test(tcase, a_campaign_refuses_what_was_held_for_the_term_before);
}

CHECK_MAIN("raft/election", add_tests)
