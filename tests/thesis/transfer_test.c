/* Handing leadership over: §3.10, and §4.2.3 about whom a living leader does not protect itself from. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

/* The leader of this term tells the server to campaign; the turn ends. */
static void tell_to_campaign(struct harness *h, raft_node_id from, raft_term term) {
    struct raft_message request = {.type = RAFT_TIMEOUT_NOW,
                                   .from = from,
                                   .to = 1,
                                   .term = term,
                                   .round = h->next_round++,
                                   .ticket = h->next_ticket++};
    raft_receive(h->raft, &request);
    harness_turn(h);
    struct raft_message answer = harness_sent(h, from, RAFT_TIMEOUT_NOW_ANSWER);
    ck_assert_uint_eq(answer.ticket, request.ticket);
    ck_assert_uint_eq(answer.round, request.round);
}

static bool ask_vote_by_transfer(struct harness *h, raft_node_id from, raft_term term, struct raft_entry_id last,
                                 bool pre_vote) {
    struct raft_message request = {.type = RAFT_REQUEST_VOTE,
                                   .from = from,
                                   .to = 1,
                                   .term = term,
                                   .round = h->next_round++,
                                   .ticket = h->next_ticket++,
                                   .request_vote = {.pre_vote = pre_vote, .transfer = true, .last_log = last}};
    raft_receive(h->raft, &request);
    harness_turn(h);
    return harness_sent(h, from, RAFT_VOTE_ANSWER).vote_answer.vote_granted;
}

static bool transfer(struct harness *h, raft_node_id to) {
    bool taken = raft_transfer(h->raft, to);
    harness_turn(h);
    return taken;
}

/* A heartbeat to 2 and its answer: the leader keeps its majority. */
static void hear_from_second(struct harness *h) {
    harness_succeed(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES));
}

/* §3.10 step 2: first the target's log is brought up to date. */
START_TEST(a_target_that_is_behind_is_caught_up_first) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    ck_assert(harness_propose(h, 1, 0));
    struct raft_message append = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    ck_assert(transfer(h, 2));
    ck_assert_uint_eq(raft_transferring(h->raft), 2);
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_TIMEOUT_NOW), 0);
    harness_succeed(h, append);
    ck_assert_uint_eq(harness_sent(h, 2, RAFT_TIMEOUT_NOW).term, raft_current_term(h->raft));
    ck_assert_uint_eq(harness_sent_count(h, 3, RAFT_TIMEOUT_NOW), 0);
    /* It is told once. */
    harness_turn(h);
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_TIMEOUT_NOW), 0);
    harness_stop(h);
}
END_TEST

START_TEST(a_target_that_has_the_whole_log_is_told_at_once) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    ck_assert(transfer(h, 2));
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_TIMEOUT_NOW), 1);
    harness_stop(h);
}
END_TEST

/* §3.10 step 1: meanwhile nothing is proposed. Given up after an election time-out, it leads on. */
START_TEST(proposals_are_refused_until_it_is_given_up_after_an_election_timeout) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    ck_assert(transfer(h, 3));
    ck_assert_uint_eq(harness_sent_count(h, 3, RAFT_TIMEOUT_NOW), 0);
    raft_index last = raft_last_index(h->raft);
    ck_assert(!harness_propose(h, 1, 0));
    ck_assert_uint_eq(raft_last_index(h->raft), last);
    for (int ms = 0; ms < ELECTION_MS - HEARTBEAT_MS; ms += HEARTBEAT_MS) {
        harness_pass(h, HEARTBEAT_MS);
        hear_from_second(h);
    }
    harness_pass(h, HEARTBEAT_MS - 1);
    ck_assert_uint_eq(raft_transferring(h->raft), 3);
    ck_assert(!harness_propose(h, 1, 0));
    ck_assert_uint_le(raft_next_deadline_ms(h->raft), h->now_ms + 1);
    harness_pass(h, 1);
    ck_assert_uint_eq(raft_transferring(h->raft), 0);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    ck_assert(harness_propose(h, 1, 0));
    harness_stop(h);
}
END_TEST

START_TEST(it_is_given_up_in_time_also_between_two_heartbeats) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    ck_assert(transfer(h, 3));
    uint64_t deadline_ms = h->now_ms + ELECTION_MS;
    harness_pass(h, HEARTBEAT_MS / 2);
    while (h->now_ms + HEARTBEAT_MS < deadline_ms) {
        harness_pass(h, HEARTBEAT_MS);
        hear_from_second(h);
    }
    ck_assert_uint_eq(raft_transferring(h->raft), 3);
    ck_assert_uint_eq(raft_next_deadline_ms(h->raft), deadline_ms);
    harness_pass(h, deadline_ms - h->now_ms);
    ck_assert_uint_eq(raft_transferring(h->raft), 0);
    ck_assert_uint_gt(raft_next_deadline_ms(h->raft), deadline_ms);
    harness_stop(h);
}
END_TEST

START_TEST(a_target_that_cannot_be_told_is_given_up_at_once) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    transfer(h, 2);
    struct raft_message told = harness_sent(h, 2, RAFT_TIMEOUT_NOW);
    harness_fail(h, told);
    ck_assert_uint_eq(raft_transferring(h->raft), 0);
    ck_assert(harness_propose(h, 1, 0));
    /* And may be tried again. */
    struct raft_message append = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    ck_assert(transfer(h, 2));
    harness_succeed(h, append);
    ck_assert_uint_gt(harness_sent(h, 2, RAFT_TIMEOUT_NOW).round, told.round);
    harness_stop(h);
}
END_TEST

START_TEST(only_a_leader_hands_over_and_only_to_another_voter_and_to_one_at_a_time) {
    struct harness *h = START(.voters = 3, .learners = 1);
    ck_assert(!transfer(h, 2));
    harness_lead_and_commit(h);
    ck_assert(!transfer(h, 1));
    ck_assert(!transfer(h, 4));
    ck_assert(!transfer(h, 9));
    ck_assert(harness_propose(h, 1, 0));
    ck_assert(transfer(h, 2));
    ck_assert(!transfer(h, 3));
    ck_assert(!transfer(h, 2));
    ck_assert_uint_eq(raft_transferring(h->raft), 2);
    harness_stop(h);
}
END_TEST

START_TEST(without_a_name_it_is_the_voter_that_is_the_furthest) {
    struct harness *h = START(.voters = 3);
    harness_lead(h);
    harness_succeed(h, harness_sent(h, 3, RAFT_APPEND_ENTRIES));
    ck_assert(transfer(h, 0));
    ck_assert_uint_eq(raft_transferring(h->raft), 3);
    harness_stop(h);
}
END_TEST

START_TEST(a_sole_voter_has_nobody_to_hand_over_to) {
    struct harness *h = START(.voters = 1, .learners = 1);
    harness_pass(h, 1);
    harness_persist(h);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    ck_assert(!transfer(h, 0));
    ck_assert(!transfer(h, 2));
    harness_stop(h);
}
END_TEST

/* §3.10 step 3: an election at once, without pre-votes; its vote requests say why. */
START_TEST(who_is_told_campaigns_at_once_when_its_vote_is_on_disk) {
    struct harness *h = START(.voters = 3);
    APPEND(h, .term = 1, .prev = ID(1, 1));
    tell_to_campaign(h, 2, 1);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    ck_assert_uint_eq(raft_current_term(h->raft), 2);
    ck_assert_uint_eq(h->hard_state.voted_for, 1);
    for (raft_node_id to = 2; to <= 3; to++) {
        struct raft_message request = harness_sent(h, to, RAFT_REQUEST_VOTE);
        ck_assert(request.request_vote.transfer);
        ck_assert(!request.request_vote.pre_vote);
        ck_assert_uint_eq(request.term, 2);
        ck_assert_uint_eq(request.after_write, h->last_write);
    }
    /* A later campaign of its own is nobody's wish. */
    harness_persist(h);
    harness_pass(h, 2 * ELECTION_MS);
    struct raft_message request = harness_sent(h, 3, RAFT_REQUEST_VOTE);
    ck_assert(request.request_vote.pre_vote);
    ck_assert(!request.request_vote.transfer);
    harness_stop(h);
}
END_TEST

START_TEST(nobody_but_the_leader_of_the_term_is_obeyed) {
    struct harness *h = START(.voters = 3);
    tell_to_campaign(h, 2, 1);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER); /* It knows no leader. */
    APPEND(h, .term = 2, .prev = ID(1, 1));
    tell_to_campaign(h, 3, 2);
    tell_to_campaign(h, 2, 1);
    tell_to_campaign(h, 2, 3);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_uint_eq(raft_current_term(h->raft), 2);
    tell_to_campaign(h, 2, 2);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    /* Told twice, it campaigns once. */
    tell_to_campaign(h, 2, 2);
    ck_assert_uint_eq(raft_current_term(h->raft), 3);
    harness_stop(h);
}
END_TEST

START_TEST(a_learner_and_a_server_in_the_last_term_do_not_campaign) {
    struct harness *h = START(.voters = 1, .learners = 1, .id = 2);
    APPEND(h, .from = 1, .term = 1, .prev = ID(1, 1));
    tell_to_campaign(h, 1, 1);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_stop(h);
    h = START(.voters = 3, .hard_state = {RAFT_NUMBER_MAX, 0});
    APPEND(h, .term = RAFT_NUMBER_MAX, .prev = ID(1, 1));
    tell_to_campaign(h, 2, RAFT_NUMBER_MAX);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_stop(h);
}
END_TEST

/* §4.2.3: "a living leader" is no reason to refuse whom it chose; everything else about a vote stays. */
START_TEST(a_transfers_vote_passes_stickiness_and_promise) {
    struct harness *h = START(.voters = 3);
    APPEND(h, .term = 1, .prev = ID(1, 1));
    ck_assert(!harness_ask_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(!ask_vote_by_transfer(h, 3, 2, ID(1, 1), true));
    ck_assert_uint_eq(raft_current_term(h->raft), 1);
    ck_assert(ask_vote_by_transfer(h, 3, 2, ID(1, 1), false));
    ck_assert_uint_eq(h->hard_state.voted_for, 3);
    ck_assert(!ask_vote_by_transfer(h, 2, 2, ID(1, 1), false));
    harness_stop(h);
}
END_TEST

START_TEST(a_transfers_vote_needs_a_log_as_up_to_date) {
    struct harness *h = START(.voters = 3, .log = "12");
    APPEND(h, .term = 2, .prev = ID(2, 2));
    ck_assert(!ask_vote_by_transfer(h, 3, 3, ID(1, 1), false));
    harness_stop(h);
}
END_TEST

START_TEST(the_leader_gives_way_to_whom_it_told) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    transfer(h, 2);
    raft_read(h->raft, 7);
    struct raft_entry_id last = {raft_last_index(h->raft), raft_current_term(h->raft)};
    ck_assert(ask_vote_by_transfer(h, 2, last.term + 1, last, false));
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_uint_eq(raft_transferring(h->raft), 0);
    ck_assert_uint_eq(h->read_count, 1);
    ck_assert(!h->reads[0].ok);
    harness_stop(h);
}
END_TEST

START_TEST(an_answer_of_a_later_term_deposes) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    transfer(h, 2);
    struct raft_message told = harness_sent(h, 2, RAFT_TIMEOUT_NOW);
    struct raft_message answer = {
        .type = RAFT_TIMEOUT_NOW_ANSWER, .from = 2, .to = 1, .term = told.term + 3, .round = told.round};
    raft_receive(h->raft, &answer);
    harness_turn(h);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_uint_eq(raft_current_term(h->raft), told.term + 3);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_target_that_is_behind_is_caught_up_first);
    tcase_add_test(tcase, a_target_that_has_the_whole_log_is_told_at_once);
    tcase_add_test(tcase, proposals_are_refused_until_it_is_given_up_after_an_election_timeout);
    tcase_add_test(tcase, it_is_given_up_in_time_also_between_two_heartbeats);
    tcase_add_test(tcase, a_target_that_cannot_be_told_is_given_up_at_once);
    tcase_add_test(tcase, only_a_leader_hands_over_and_only_to_another_voter_and_to_one_at_a_time);
    tcase_add_test(tcase, without_a_name_it_is_the_voter_that_is_the_furthest);
    tcase_add_test(tcase, a_sole_voter_has_nobody_to_hand_over_to);
    tcase_add_test(tcase, who_is_told_campaigns_at_once_when_its_vote_is_on_disk);
    tcase_add_test(tcase, nobody_but_the_leader_of_the_term_is_obeyed);
    tcase_add_test(tcase, a_learner_and_a_server_in_the_last_term_do_not_campaign);
    tcase_add_test(tcase, a_transfers_vote_passes_stickiness_and_promise);
    tcase_add_test(tcase, a_transfers_vote_needs_a_log_as_up_to_date);
    tcase_add_test(tcase, the_leader_gives_way_to_whom_it_told);
    tcase_add_test(tcase, an_answer_of_a_later_term_deposes);
}

CHECK_MAIN("thesis/transfer", add_tests)
