/* Terms and elections: Figure 3.1 (RequestVote, rules for servers), §3.3, §3.4, §3.6.1, §3.9, §9.3. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

/* No promise of its start binds the server any more. */
static struct harness *start_free(const struct harness_setup *setup) {
    struct harness *h = harness_start(setup);
    harness_pass(h, PROMISE_MS);
    return h;
}

#define FREE(...) start_free(&(struct harness_setup){__VA_ARGS__})

/* §3.4: servers start as followers. */
START_TEST(a_server_starts_as_a_follower) {
    struct harness *h = START(.voters = 3);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_stop(h);
}
END_TEST

/* §3.4: a follower stays one as long as it hears from a leader in time. */
START_TEST(heartbeats_keep_a_follower_a_follower) {
    struct harness *h = START(.voters = 3);
    for (int i = 0; i < 50; i++) {
        harness_pass(h, ELECTION_MS - 1);
        ck_assert(APPEND(h, .term = 1, .prev = ID(1, 1)).append_answer.success);
        ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    }
    harness_stop(h);
}
END_TEST

/* §3.4: who hears nothing for an election time-out takes it that there is no leader, and campaigns. */
START_TEST(silence_for_an_election_timeout_starts_a_campaign) {
    struct harness *h = START(.voters = 3);
    harness_pass(h, 2 * ELECTION_MS);
    ck_assert_int_eq(harness_role(h), RAFT_PRE_CANDIDATE);
    ck_assert_uint_eq(raft_leader(h->raft), 0);
    harness_stop(h);
}
END_TEST

/* Figure 3.1, candidates: a new term, a vote for itself, a request to every other server. */
START_TEST(a_candidate_raises_its_term_votes_for_itself_and_asks_all_others) {
    struct harness *h = START(.voters = 5, .log = "13");
    harness_win_pre_votes(h);
    ck_assert_uint_eq(h->hard_state.term, 4);
    ck_assert_uint_eq(h->hard_state.voted_for, 1);
    for (raft_node_id to = 2; to <= 5; to++) {
        struct raft_message request = harness_sent(h, to, RAFT_REQUEST_VOTE);
        ck_assert(!request.request_vote.pre_vote);
        ck_assert_uint_eq(request.term, 4);
        ck_assert_uint_eq(request.request_vote.last_log.index, 2);
        ck_assert_uint_eq(request.request_vote.last_log.term, 3);
    }
    harness_stop(h);
}
END_TEST

/* §3.4: the votes of a majority of all servers, its own among them, make a leader; fewer do not. */
START_TEST(a_majority_of_votes_makes_a_leader) {
    struct harness *h = START(.voters = 5);
    harness_win_pre_votes(h);
    struct raft_message to_2 = harness_sent(h, 2, RAFT_REQUEST_VOTE);
    struct raft_message to_3 = harness_sent(h, 3, RAFT_REQUEST_VOTE);
    harness_persist(h);
    harness_answer_vote(h, to_2, 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    harness_answer_vote(h, to_3, 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_stop(h);
}
END_TEST

/* §3.4: a new leader speaks to all others at once, so that nobody else campaigns. */
START_TEST(a_new_leader_tells_all_others_at_once) {
    struct harness *h = START(.voters = 5);
    harness_win(h);
    for (raft_node_id to = 2; to <= 5; to++) {
        ck_assert_uint_ge(harness_sent_count(h, to, RAFT_APPEND_ENTRIES), 1);
    }
    harness_stop(h);
}
END_TEST

/* §3.4: an idle leader repeats that, well within an election time-out. */
START_TEST(an_idle_leader_sends_heartbeats) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    for (int i = 0; i < 20; i++) {
        harness_pass(h, HEARTBEAT_MS);
        struct raft_message heartbeat = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
        ck_assert_uint_eq(heartbeat.append_entries.entry_count, 0);
        harness_succeed(h, heartbeat);
    }
    harness_stop(h);
}
END_TEST

/* §3.4: a candidate that hears a leader of its own term has lost and follows it. */
START_TEST(a_candidate_follows_a_leader_of_its_term) {
    struct harness *h = START(.voters = 3);
    harness_win_pre_votes(h);
    APPEND(h, .from = 3, .term = 2, .prev = ID(1, 1));
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_uint_eq(raft_leader(h->raft), 3);
    harness_stop(h);
}
END_TEST

/* §3.4: a leader of an older term is refused, and the candidate goes on. */
START_TEST(a_candidate_refuses_a_leader_of_an_older_term) {
    struct harness *h = START(.voters = 3);
    harness_win_pre_votes(h);
    struct raft_message answer = APPEND(h, .from = 3, .term = 1, .prev = ID(1, 1));
    ck_assert(!answer.append_answer.success);
    ck_assert_uint_eq(answer.term, 2);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    harness_stop(h);
}
END_TEST

/* §3.4: votes may be split so that nobody wins; then a time-out, drawn anew, starts the next campaign. */
START_TEST(a_split_vote_is_followed_by_another_campaign) {
    struct harness *h = START(.voters = 3);
    harness_win_pre_votes(h);
    struct raft_message to_2 = harness_sent(h, 2, RAFT_REQUEST_VOTE);
    struct raft_message to_3 = harness_sent(h, 3, RAFT_REQUEST_VOTE);
    harness_persist(h);
    harness_answer_vote(h, to_2, 2, false);
    harness_answer_vote(h, to_3, 2, false);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    harness_win(h);
    ck_assert_uint_eq(raft_current_term(h->raft), 3);
    harness_stop(h);
}
END_TEST

/* §3.4, §9.3: time-outs are random, so that split votes are rare: two of three servers seldom draw the same. */
START_TEST(election_timeouts_are_random) {
    size_t equal = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct harness *one = START(.voters = 3, .seed = 2 * seed);
        struct harness *other = START(.voters = 3, .seed = 2 * seed + 1);
        equal += raft_next_deadline_ms(one->raft) == raft_next_deadline_ms(other->raft) ? 1 : 0;
        harness_stop(one);
        harness_stop(other);
    }
    ck_assert_uint_lt(equal, 10);
}
END_TEST

/* §3.3: whoever hears of a later term, in whatever message, is in it, as a follower that has not voted. */
START_TEST(a_later_term_makes_anybody_a_follower_in_it) {
    struct harness *follower = FREE(.voters = 3, .hard_state = {1, 2});
    harness_ask_vote(follower, 2, 5, ID(1, 1));
    ck_assert_uint_eq(follower->hard_state.term, 5);
    harness_stop(follower);
    struct harness *candidate = START(.voters = 3);
    harness_win_pre_votes(candidate);
    harness_answer_vote(candidate, harness_sent(candidate, 2, RAFT_REQUEST_VOTE), 7, false);
    ck_assert_int_eq(harness_role(candidate), RAFT_FOLLOWER);
    ck_assert_uint_eq(candidate->hard_state.term, 7);
    ck_assert_uint_eq(candidate->hard_state.voted_for, 0);
    harness_stop(candidate);
    struct harness *leader = START(.voters = 3);
    harness_lead(leader);
    APPEND(leader, .from = 3, .term = 8, .prev = ID(1, 1));
    ck_assert_int_eq(harness_role(leader), RAFT_FOLLOWER);
    ck_assert_uint_eq(leader->hard_state.term, 8);
    ck_assert_uint_eq(raft_leader(leader->raft), 3);
    harness_stop(leader);
}
END_TEST

/* §3.3: a request of an older term is refused. */
START_TEST(requests_of_an_older_term_are_refused) {
    struct harness *h = FREE(.voters = 3, .hard_state = {5, 0});
    ck_assert(!harness_ask_vote(h, 2, 4, ID(9, 4)).vote_answer.vote_granted);
    ck_assert(!APPEND(h, .term = 4, .prev = ID(1, 1)).append_answer.success);
    ck_assert_uint_eq(raft_current_term(h->raft), 5);
    harness_stop(h);
}
END_TEST

/* §3.4: one vote a term, to who asks first; the same candidate may ask again. */
START_TEST(one_vote_is_given_in_a_term_first_come_first_served) {
    struct harness *h = FREE(.voters = 3);
    ck_assert(harness_ask_vote(h, 2, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(!harness_ask_vote(h, 3, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(harness_ask_vote(h, 2, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert_uint_eq(h->write, 0);
    ck_assert(harness_ask_vote(h, 3, 3, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

/* §3.4, §3.6.1: the vote for itself is one, too. */
START_TEST(a_candidate_gives_nobody_else_its_vote) {
    struct harness *h = START(.voters = 3);
    harness_win_pre_votes(h);
    ck_assert(!harness_ask_vote(h, 2, 2, ID(9, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

/* §3.6.1: no vote for a log that is less up-to-date: an older last term, or the same and a shorter log. */
START_TEST(a_vote_needs_a_log_at_least_as_up_to_date) {
    static const struct {
        struct raft_entry_id last;
        bool granted;
    } cases[] = {
        {{4, 3}, true},  /* The same. */
        {{5, 3}, true},  /* Longer. */
        {{3, 3}, false}, /* Shorter. */
        {{1, 4}, true},  /* A later term, though shorter. */
        {{9, 2}, false}, /* An older term, though longer. */
        {{0, 0}, false}, /* Empty. */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct harness *h = FREE(.voters = 3, .log = "1233");
        ck_assert_int_eq(harness_ask_pre_vote(h, 2, 5, cases[i].last).vote_answer.vote_granted, cases[i].granted);
        ck_assert_int_eq(harness_ask_vote(h, 2, 5, cases[i].last).vote_answer.vote_granted, cases[i].granted);
        harness_stop(h);
    }
}
END_TEST

/* §3.6.1: a refused vote is not spent. */
START_TEST(refusing_one_leaves_the_vote_for_another) {
    struct harness *h = FREE(.voters = 3, .log = "12");
    ck_assert(!harness_ask_vote(h, 2, 3, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(harness_ask_vote(h, 3, 3, ID(2, 2)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_server_starts_as_a_follower);
    tcase_add_test(tcase, heartbeats_keep_a_follower_a_follower);
    tcase_add_test(tcase, silence_for_an_election_timeout_starts_a_campaign);
    tcase_add_test(tcase, a_candidate_raises_its_term_votes_for_itself_and_asks_all_others);
    tcase_add_test(tcase, a_majority_of_votes_makes_a_leader);
    tcase_add_test(tcase, a_new_leader_tells_all_others_at_once);
    tcase_add_test(tcase, an_idle_leader_sends_heartbeats);
    tcase_add_test(tcase, a_candidate_follows_a_leader_of_its_term);
    tcase_add_test(tcase, a_candidate_refuses_a_leader_of_an_older_term);
    tcase_add_test(tcase, a_split_vote_is_followed_by_another_campaign);
    tcase_add_test(tcase, election_timeouts_are_random);
    tcase_add_test(tcase, a_later_term_makes_anybody_a_follower_in_it);
    tcase_add_test(tcase, requests_of_an_older_term_are_refused);
    tcase_add_test(tcase, one_vote_is_given_in_a_term_first_come_first_served);
    tcase_add_test(tcase, a_candidate_gives_nobody_else_its_vote);
    tcase_add_test(tcase, a_vote_needs_a_log_at_least_as_up_to_date);
    tcase_add_test(tcase, refusing_one_leaves_the_vote_for_another);
}

CHECK_MAIN("thesis/elections", add_tests)
