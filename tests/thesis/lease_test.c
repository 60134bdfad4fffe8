/* Reads under the leader's lease: §6.4.1. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

/* The promise of 15 ms, less one for rounding and a tenth for drift. */
enum { LEASE_MS = (PROMISE_MS - 1) * (100 - RAFT_LEASE_DRIFT_PERCENT) / 100 };

/* A follower has taken the request and promises so much; the turn ends. */
static void promise(struct harness *h, struct raft_message request, uint32_t promise_ms) {
    raft_index match = request.append_entries.prev.index + request.append_entries.entry_count;
    struct raft_message answer = {
        .type = RAFT_APPEND_ANSWER,
        .from = request.to,
        .to = request.from,
        .term = request.term,
        .round = request.round,
        .append_answer = {.success = true, .promise_ms = promise_ms, .match_index = match},
    };
    raft_receive(h->raft, &answer);
    harness_turn(h);
}

/* True: answered under the lease. Otherwise it waits for a round of heartbeats. */
static bool read_at_once(struct harness *h) {
    ck_assert(raft_read_lease(h->raft, 7));
    harness_turn(h);
    ck_assert_uint_le(h->read_count, 1);
    if (h->read_count == 1) {
        ck_assert(h->reads[0].ok);
        ck_assert_uint_eq(h->reads[0].ticket, 7);
        ck_assert_uint_eq(h->reads[0].index, raft_commit_index(h->raft));
    }
    return h->read_count == 1;
}

/* A leader that has committed in its term, by answers that promise nothing; the next heartbeats leave in this turn. */
static struct harness *leader_of(size_t voters) {
    struct harness *h = START(.voters = voters);
    harness_lead(h);
    struct raft_message requests[RAFT_MEMBERS_MAX];
    for (raft_node_id to = 2; to <= voters; to++) {
        requests[to - 1] = harness_sent(h, to, RAFT_APPEND_ENTRIES);
    }
    for (raft_node_id to = 2; to <= voters; to++) {
        harness_succeed(h, requests[to - 1]);
    }
    ck_assert_uint_eq(raft_commit_index(h->raft), raft_last_index(h->raft));
    harness_pass(h, HEARTBEAT_MS);
    return h;
}

/* The lease begins when the request was sent, not when its answer came, and ends before the promise does. */
START_TEST(a_lease_is_counted_from_before_sending_and_ends_before_the_promise) {
    struct harness *h = leader_of(3);
    struct raft_message heartbeat = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    harness_pass(h, 5);
    promise(h, heartbeat, PROMISE_MS);
    ck_assert(read_at_once(h));
    harness_pass(h, LEASE_MS - 5 - 1);
    ck_assert(read_at_once(h));
    harness_pass(h, 1);
    ck_assert(!read_at_once(h));
    harness_stop(h);
}
END_TEST

/* The other end of it: for so long by its own clock a follower elects nobody, whatever becomes of its leader. That clock
 * may be faster than the leader's by a tenth, and round away a millisecond. */
START_TEST(a_promise_outlasts_the_lease_also_when_clocks_drift_apart) {
    ck_assert_uint_le(LEASE_MS * (100 + RAFT_LEASE_DRIFT_PERCENT), (PROMISE_MS - 1) * 100);
    struct harness *h = START(.voters = 3);
    struct raft_message answer = APPEND(h, .term = 1, .prev = ID(1, 1));
    ck_assert_uint_eq(answer.append_answer.promise_ms, PROMISE_MS);
    /* Its leader's name is forgotten with the term: what holds then is the promise alone. */
    struct raft_message deposing = {.type = RAFT_APPEND_ANSWER, .from = 3, .to = 1, .term = 2};
    raft_receive(h->raft, &deposing);
    harness_persist(h);
    ck_assert_uint_eq(raft_leader(h->raft), 0);
    harness_pass(h, PROMISE_MS - 1);
    ck_assert(!harness_ask_pre_vote(h, 3, 3, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(!harness_ask_vote(h, 3, 3, ID(1, 1)).vote_answer.vote_granted);
    harness_pass(h, 1);
    ck_assert(harness_ask_pre_vote(h, 3, 3, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

/* The time was read before the turn gathered; the request may have been sent after it. */
START_TEST(a_promise_counts_from_the_end_of_the_turn_in_which_it_was_given) {
    struct harness *h = START(.voters = 3);
    RECEIVE(h, .term = 1, .prev = ID(1, 1));
    h->now_ms += 7;
    raft_tick(h->raft, h->now_ms);
    harness_turn(h);
    struct raft_message deposing = {.type = RAFT_APPEND_ANSWER, .from = 3, .to = 1, .term = 2};
    raft_receive(h->raft, &deposing);
    harness_persist(h);
    harness_pass(h, PROMISE_MS - 1);
    ck_assert(!harness_ask_pre_vote(h, 3, 3, ID(1, 1)).vote_answer.vote_granted);
    harness_pass(h, 1);
    ck_assert(harness_ask_pre_vote(h, 3, 3, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

/* Nodes may be started with different heartbeats: each is taken at its own word. */
START_TEST(of_a_majority_the_shortest_promise_counts) {
    struct harness *h = leader_of(5);
    struct raft_message second = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    struct raft_message third = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    promise(h, second, 1000);
    ck_assert(!read_at_once(h)); /* Two of five. */
    promise(h, third, 6);        /* 4 ms. */
    ck_assert(read_at_once(h));
    harness_pass(h, 3);
    ck_assert(read_at_once(h));
    harness_pass(h, 1);
    ck_assert(!read_at_once(h));
    harness_stop(h);
}
END_TEST

START_TEST(who_promises_nothing_gives_no_lease) {
    struct harness *h = leader_of(3);
    promise(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES), 0);
    ck_assert(!read_at_once(h));
    harness_stop(h);
}
END_TEST

/* A learner's promise is none: it has no vote to withhold. */
START_TEST(learners_do_not_count) {
    struct harness *h = START(.voters = 3, .learners = 1);
    harness_lead_and_commit(h);
    harness_pass(h, HEARTBEAT_MS);
    struct raft_message second = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    promise(h, harness_sent(h, 4, RAFT_APPEND_ENTRIES), PROMISE_MS);
    ck_assert(!read_at_once(h));
    promise(h, second, PROMISE_MS);
    ck_assert(read_at_once(h));
    harness_stop(h);
}
END_TEST

/* §6.4 step 1 holds for leases too: what the last leader committed is not known before. */
START_TEST(there_is_no_lease_before_the_first_entry_of_the_term_is_committed) {
    struct harness *h = START(.voters = 3);
    harness_win(h); /* Its own entry is not on its disk. */
    promise(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES), PROMISE_MS);
    ck_assert_uint_lt(raft_commit_index(h->raft), raft_last_index(h->raft));
    ck_assert(!read_at_once(h));
    harness_persist(h);
    ck_assert_uint_eq(raft_commit_index(h->raft), raft_last_index(h->raft));
    ck_assert(read_at_once(h));
    harness_stop(h);
}
END_TEST

/* §6.4.1: voters break their promises for a transfer. */
START_TEST(sending_timeout_now_ends_leases_for_the_term) {
    struct harness *h = leader_of(3);
    promise(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES), 1000);
    ck_assert(read_at_once(h));
    ck_assert(raft_transfer(h->raft, 2));
    harness_turn(h);
    struct raft_message told = harness_sent(h, 2, RAFT_TIMEOUT_NOW);
    ck_assert(!read_at_once(h));
    /* Also when it was given up, and whatever is promised from now on: the request may still be on its way. */
    harness_fail(h, told);
    ck_assert_uint_eq(raft_transferring(h->raft), 0);
    harness_pass(h, HEARTBEAT_MS);
    promise(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES), 1000);
    ck_assert(!read_at_once(h));
    harness_stop(h);
}
END_TEST

START_TEST(a_promise_of_an_earlier_term_of_leadership_is_gone) {
    struct harness *h = leader_of(3);
    promise(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES), 60000);
    ck_assert(read_at_once(h));
    struct raft_message deposing = {.type = RAFT_APPEND_ANSWER, .from = 3, .to = 1, .term = 5};
    raft_receive(h->raft, &deposing);
    harness_persist(h);
    ck_assert(!raft_read_lease(h->raft, 8));
    harness_lead(h);
    harness_succeed(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES));
    ck_assert_uint_eq(raft_commit_index(h->raft), raft_last_index(h->raft));
    ck_assert(!read_at_once(h));
    harness_stop(h);
}
END_TEST

/* §6.4: without a lease the read costs a round, and is answered by it. */
START_TEST(when_the_lease_is_over_a_round_of_heartbeats_answers) {
    struct harness *h = leader_of(3);
    harness_succeed(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES));
    ck_assert(!read_at_once(h));
    harness_succeed(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES));
    ck_assert_uint_eq(h->read_count, 1);
    ck_assert(h->reads[0].ok);
    ck_assert_uint_eq(h->reads[0].index, raft_commit_index(h->raft));
    harness_stop(h);
}
END_TEST

START_TEST(a_sole_voter_always_has_its_own_lease) {
    struct harness *h = START(.voters = 1);
    harness_pass(h, 1);
    harness_persist(h);
    harness_persist(h);
    ck_assert(read_at_once(h));
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_lease_is_counted_from_before_sending_and_ends_before_the_promise);
    tcase_add_test(tcase, a_promise_outlasts_the_lease_also_when_clocks_drift_apart);
    tcase_add_test(tcase, a_promise_counts_from_the_end_of_the_turn_in_which_it_was_given);
    tcase_add_test(tcase, of_a_majority_the_shortest_promise_counts);
    tcase_add_test(tcase, who_promises_nothing_gives_no_lease);
    tcase_add_test(tcase, learners_do_not_count);
    tcase_add_test(tcase, there_is_no_lease_before_the_first_entry_of_the_term_is_committed);
    tcase_add_test(tcase, sending_timeout_now_ends_leases_for_the_term);
    tcase_add_test(tcase, a_promise_of_an_earlier_term_of_leadership_is_gone);
    tcase_add_test(tcase, when_the_lease_is_over_a_round_of_heartbeats_answers);
    tcase_add_test(tcase, a_sole_voter_always_has_its_own_lease);
}

CHECK_MAIN("thesis/lease", add_tests)
