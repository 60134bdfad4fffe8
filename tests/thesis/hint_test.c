/* A hint that the leader's process is gone shortens what is waited for it, and nothing else: neither the promise on which
 * leases rest (§6.4.1), nor that pre-votes are asked for first (§9.6). */
#include "tests/check_main.h"
#include "tests/unit/raft/harness.h"

enum { SPREAD_MS = PROMISE_MS };

/* Server 1 of three follows server 2, for longer than its own first promise lasts. */
static struct harness *follower(uint64_t seed) {
    struct harness *h = START(.voters = 3, .seed = seed);
    harness_pass(h, 2 * PROMISE_MS);
    ck_assert(APPEND(h, .term = 1, .prev = ID(1, 1)).append_answer.success);
    ck_assert_uint_eq(raft_leader(h->raft), 2);
    return h;
}

static uint64_t left_ms(const struct harness *h) {
    return raft_next_deadline_ms(h->raft) - h->now_ms;
}

START_TEST(it_waits_as_long_as_was_promised_and_a_little_that_differs) {
    bool differs = false;
    uint64_t before = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct harness *h = follower(seed);
        raft_hint_gone(h->raft, 2);
        ck_assert_uint_ge(left_ms(h), PROMISE_MS);
        ck_assert_uint_lt(left_ms(h), PROMISE_MS + SPREAD_MS);
        differs = differs || (before != 0 && left_ms(h) != before);
        before = left_ms(h);
        harness_pass(h, left_ms(h) - 1);
        ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
        harness_pass(h, 1);
        ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
        ck_assert_uint_eq(raft_current_term(h->raft), 1);
        ck_assert(harness_sent(h, 3, RAFT_REQUEST_VOTE).request_vote.pre_vote);
        harness_stop(h);
    }
    ck_assert(differs);
}
END_TEST

START_TEST(after_the_promise_it_waits_only_the_little) {
    struct harness *h = follower(1);
    harness_pass(h, PROMISE_MS + 5);
    raft_hint_gone(h->raft, 2);
    ck_assert_uint_lt(left_ms(h), SPREAD_MS);
    harness_stop(h);
}
END_TEST

START_TEST(it_is_never_later_for_it) {
    struct harness *h = follower(1);
    harness_pass(h, left_ms(h) - 1);
    raft_hint_gone(h->raft, 2);
    ck_assert_uint_le(left_ms(h), 1);
    harness_stop(h);
}
END_TEST

START_TEST(that_anybody_else_is_gone_changes_nothing) {
    struct harness *h = follower(1);
    uint64_t deadline_ms = raft_next_deadline_ms(h->raft);
    raft_hint_gone(h->raft, 3);
    raft_hint_gone(h->raft, 1);
    raft_hint_gone(h->raft, 9);
    raft_hint_gone(h->raft, 0);
    ck_assert_uint_eq(raft_next_deadline_ms(h->raft), deadline_ms);
    harness_stop(h);
    struct harness *unled = START(.voters = 3);
    deadline_ms = raft_next_deadline_ms(unled->raft);
    raft_hint_gone(unled->raft, 2);
    ck_assert_uint_eq(raft_next_deadline_ms(unled->raft), deadline_ms);
    harness_lead(unled);
    deadline_ms = raft_next_deadline_ms(unled->raft);
    raft_hint_gone(unled->raft, 1);
    ck_assert_int_eq(harness_role(unled), RAFT_LEADER);
    ck_assert_uint_eq(raft_next_deadline_ms(unled->raft), deadline_ms);
    harness_stop(unled);
}
END_TEST

/* Another connection of the same leader closes. */
START_TEST(the_same_hint_again_draws_no_new_time) {
    struct harness *h = follower(1);
    raft_hint_gone(h->raft, 2);
    uint64_t deadline_ms = raft_next_deadline_ms(h->raft);
    for (int i = 0; i < 10; i++) {
        raft_hint_gone(h->raft, 2);
        ck_assert_uint_eq(raft_next_deadline_ms(h->raft), deadline_ms);
    }
    harness_stop(h);
}
END_TEST

START_TEST(it_votes_for_others_after_the_promise_and_not_before) {
    struct harness *unaware = follower(1);
    struct harness *h = follower(1);
    raft_hint_gone(h->raft, 2);
    for (uint64_t seed = 2; left_ms(h) <= PROMISE_MS; seed++) { /* Else it would campaign at that moment. */
        harness_stop(h);
        h = follower(seed);
        raft_hint_gone(h->raft, 2);
    }
    ck_assert(!harness_ask_pre_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    harness_pass(h, PROMISE_MS - 1);
    ck_assert(!harness_ask_pre_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(!harness_ask_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert_uint_eq(raft_current_term(h->raft), 1);
    harness_pass(h, 1);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert(harness_ask_pre_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(harness_ask_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    /* Who has no hint takes the leader to be alive for a whole election time-out (§4.2.3). */
    harness_pass(unaware, PROMISE_MS);
    ck_assert(!harness_ask_pre_vote(unaware, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(!harness_ask_vote(unaware, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
    harness_stop(unaware);
}
END_TEST

START_TEST(a_leader_that_is_heard_again_was_not_gone) {
    struct harness *h = follower(1);
    raft_hint_gone(h->raft, 2);
    harness_pass(h, PROMISE_MS - 1);
    ck_assert(APPEND(h, .term = 1, .prev = ID(1, 1)).append_answer.success);
    ck_assert_uint_ge(left_ms(h), ELECTION_MS);
    harness_pass(h, PROMISE_MS);
    ck_assert(!harness_ask_pre_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    /* And may go later. */
    raft_hint_gone(h->raft, 2);
    ck_assert_uint_lt(left_ms(h), SPREAD_MS);
    harness_stop(h);
}
END_TEST

START_TEST(lost_elections_are_tried_again_soon_but_not_for_long) {
    struct harness *h = follower(1);
    uint64_t begin_ms = h->now_ms;
    raft_hint_gone(h->raft, 2);
    unsigned soon = 0;
    harness_pass(h, left_ms(h));
    while (h->now_ms < begin_ms + 2 * ELECTION_MS) {
        ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
        ck_assert_uint_ge(left_ms(h), PROMISE_MS / 2);
        ck_assert_uint_le(left_ms(h), PROMISE_MS);
        harness_pass(h, left_ms(h));
        soon++;
    }
    ck_assert_uint_gt(soon, 5);
    ck_assert_uint_ge(left_ms(h), ELECTION_MS / 2);
    ck_assert_uint_eq(raft_current_term(h->raft), 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_candidate_in_a_hurry_leaves_its_election_the_time_of_a_promise) {
    struct harness *h = follower(1);
    raft_hint_gone(h->raft, 2);
    harness_pass(h, left_ms(h));
    harness_answer_vote(h, harness_sent(h, 3, RAFT_REQUEST_VOTE), 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    ck_assert_uint_ge(left_ms(h), PROMISE_MS);
    ck_assert_uint_lt(left_ms(h), 2 * PROMISE_MS);
    harness_stop(h);
}
END_TEST

START_TEST(who_was_started_and_hears_nobody_waits_for_its_first_promise) {
    struct harness *h = START(.voters = 3);
    raft_hint_gone(h->raft, 0);
    ck_assert_uint_ge(left_ms(h), PROMISE_MS);
    ck_assert_uint_lt(left_ms(h), PROMISE_MS + SPREAD_MS);
    harness_pass(h, left_ms(h) - 1);
    ck_assert(APPEND(h, .term = 1, .prev = ID(1, 1)).append_answer.success);
    ck_assert_uint_ge(left_ms(h), ELECTION_MS);
    harness_stop(h);
}
END_TEST

START_TEST(a_learner_forgets_the_leader_sooner_and_does_not_campaign) {
    struct harness *h = START(.voters = 3, .learners = 1, .id = 4);
    ck_assert(APPEND(h, .term = 1, .prev = ID(1, 1)).append_answer.success);
    raft_hint_gone(h->raft, 2);
    ck_assert_uint_lt(left_ms(h), PROMISE_MS + SPREAD_MS);
    harness_pass(h, left_ms(h));
    ck_assert_uint_eq(raft_leader(h->raft), 0);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, it_waits_as_long_as_was_promised_and_a_little_that_differs);
    tcase_add_test(tcase, after_the_promise_it_waits_only_the_little);
    tcase_add_test(tcase, it_is_never_later_for_it);
    tcase_add_test(tcase, that_anybody_else_is_gone_changes_nothing);
    tcase_add_test(tcase, the_same_hint_again_draws_no_new_time);
    tcase_add_test(tcase, it_votes_for_others_after_the_promise_and_not_before);
    tcase_add_test(tcase, a_leader_that_is_heard_again_was_not_gone);
    tcase_add_test(tcase, lost_elections_are_tried_again_soon_but_not_for_long);
    tcase_add_test(tcase, a_candidate_in_a_hurry_leaves_its_election_the_time_of_a_promise);
    tcase_add_test(tcase, who_was_started_and_hears_nobody_waits_for_its_first_promise);
    tcase_add_test(tcase, a_learner_forgets_the_leader_sooner_and_does_not_campaign);
}

CHECK_MAIN("hint", add_tests)
