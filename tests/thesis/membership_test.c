/* Changing who the servers are: chapter 4, rule by rule, and the erratum of 2015. */
#include "tests/check_main.h"

#include "server/raft/commit.h"
#include "tests/unit/raft/fellows.h"

/* The leader of `voters`, with the first entry of its term committed. */
static struct fellows *lead(size_t voters) {
    struct fellows *f = fellows_start(voters);
    fellows_elect(f);
    fellows_answer(f);
    ck_assert_uint_eq(f->h->commit_index, raft_last_index(f->h->raft));
    return f;
}

static bool is_committed(const struct fellows *f) {
    return raft_commit_index(f->h->raft) == raft_last_index(f->h->raft);
}

static void assert_due(const struct fellows *f, struct raft_configuration expected) {
    ck_assert(f->h->has_due);
    ck_assert_uint_eq(f->h->due.voter_count, expected.voter_count);
    ck_assert_mem_eq(&f->h->due, &expected, sizeof expected);
}

/* A follower of leader 2 of term 1, which has said `configuration` and committed up to `commit`. */
static struct fellows *follow(struct raft_configuration first, struct raft_configuration second, raft_index commit) {
    struct fellows *f = fellows_start_with(first);
    fellows_learn(f, 2, 1, second, commit);
    return f;
}

/* -- §4.1: one server at a time -- */

START_TEST(a_configuration_takes_effect_when_it_is_appended) {
    struct fellows *f = lead(3);
    fellows_kill(f, "23");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("123", "4")), RAFT_CHANGE_BEGUN);
    fellows_assert_configuration(f->h, fellows_configuration("123", "4"));
    ck_assert(!is_committed(f));
    ck_assert_uint_eq(harness_sent_count(f->h, 4, RAFT_APPEND_ENTRIES), 1);
    fellows_stop(f);
}
END_TEST

START_TEST(a_removed_voter_counts_no_more_even_for_its_own_removal) {
    struct fellows *f = lead(2);
    fellows_kill(f, "2");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    ck_assert(is_committed(f));
    fellows_stop(f);
}
END_TEST

START_TEST(with_four_voters_three_must_have_an_entry) {
    struct fellows *f = lead(3);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1234", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    fellows_kill(f, "23");
    fellows_append_due(f);
    fellows_assert_configuration(f->h, fellows_configuration("1234", NULL));
    fellows_answer(f); /* 1 and 4 have it. */
    ck_assert(!is_committed(f));
    fellows_revive(f, "3");
    fellows_pass(f, HEARTBEAT_MS);
    ck_assert(is_committed(f));
    fellows_stop(f);
}
END_TEST

START_TEST(a_second_change_waits_until_the_first_is_committed) {
    struct fellows *f = lead(3);
    fellows_kill(f, "23");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_BEGUN);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1", NULL)), RAFT_CHANGE_IN_PROGRESS);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_IN_PROGRESS);
    fellows_answer(f);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1", NULL)), RAFT_CHANGE_IN_PROGRESS);
    fellows_revive(f, "2");
    fellows_pass(f, HEARTBEAT_MS);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1", NULL)), RAFT_CHANGE_BEGUN);
    fellows_stop(f);
}
END_TEST

/* The erratum of 2015: voters 1 to 4, and S1, here number 4, has a configuration of five in its log alone. If S2, here
 * number 1, removed a server before it has committed anything in its term, both {1,2,3,4} less one and the five could
 * decide. With its first entry on three of four, number 4 can win no election any more. */
START_TEST(nothing_changes_before_the_leader_has_committed_in_its_term) {
    struct fellows *f = fellows_start(4);
    fellows_elect(f);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("123", NULL)), RAFT_CHANGE_NOT_YET);
    fellows_kill(f, "34");
    fellows_answer(f); /* Two of four have the entry: enough of {1,2,3}, not of {1,2,3,4}. */
    ck_assert_int_eq(fellows_change(f, fellows_configuration("123", NULL)), RAFT_CHANGE_NOT_YET);
    fellows_revive(f, "3");
    fellows_pass(f, HEARTBEAT_MS);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("123", NULL)), RAFT_CHANGE_BEGUN);
    fellows_stop(f);
}
END_TEST

/* So with the steps that a new leader finds: the joint configuration is committed, as far as it can know, by its own first
 * entry alone. */
START_TEST(no_step_is_due_before_the_leader_has_committed_in_its_term) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_joint("145", "123", NULL, NULL), 2);
    for (raft_node_id id = 2; id <= 5; id++) {
        f->length[id] = 2;
    }
    fellows_elect(f);
    ck_assert(!f->h->has_due);
    fellows_kill(f, "45");
    fellows_answer(f); /* Its first entry is on a majority of the old voters alone. */
    ck_assert(!f->h->has_due);
    fellows_revive(f, "45");
    fellows_pass(f, HEARTBEAT_MS);
    assert_due(f, fellows_configuration("145", NULL));
    fellows_stop(f);
}
END_TEST

START_TEST(a_truncated_configuration_gives_way_to_the_one_before) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_catching_up("123", "4", "4", "1234", NULL), 0);
    fellows_learn(f, 2, 1, fellows_joint("14", "123", NULL, "2"), 0);
    fellows_assert_configuration(f->h, fellows_joint("14", "123", NULL, "2"));
    ck_assert(APPEND(f->h, .from = 3, .term = 2, .prev = ID(2, 1), .entries = "2").append_answer.success);
    fellows_assert_configuration(f->h, fellows_catching_up("123", "4", "4", "1234", NULL));
    ck_assert(APPEND(f->h, .from = 3, .term = 2, .prev = ID(1, 1), .entries = "22").append_answer.success);
    fellows_assert_configuration(f->h, harness_configuration(3, 0));
    /* And that is what it campaigns with. */
    harness_campaign(f->h);
    ck_assert_uint_eq(harness_sent_count(f->h, 2, RAFT_REQUEST_VOTE), 1);
    ck_assert_uint_eq(harness_sent_count(f->h, 3, RAFT_REQUEST_VOTE), 1);
    ck_assert_uint_eq(harness_sent_count(f->h, 4, RAFT_REQUEST_VOTE), 0);
    fellows_stop(f);
}
END_TEST

/* A leader whose step was truncated while it was none begins anew from what came back. */
START_TEST(after_a_roll_back_the_catching_up_begins_anew) {
    struct fellows *f = lead(1);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    raft_index catching_up = raft_last_index(f->h->raft);
    fellows_append_due(f);
    /* 2 has won the next term without that last step. */
    raft_term term = raft_current_term(f->h->raft);
    ck_assert(
        APPEND(f->h, .from = 2, .term = term + 1, .prev = ID(catching_up, term), .entries = "3").append_answer.success);
    fellows_assert_configuration(f->h, fellows_catching_up("1", "2", "2", "12", NULL));
    ck_assert(!f->h->has_due);
    f->length[2] = 0;
    f->dead[2] = true;
    fellows_elect(f);
    fellows_answer(f);
    ck_assert(!f->h->has_due);
    fellows_revive(f, "2");
    fellows_pass(f, 2 * HEARTBEAT_MS);
    assert_due(f, fellows_configuration("12", NULL));
    fellows_stop(f);
}
END_TEST

/* -- §4.2.1: catching up -- */

/* Figure 4.4: a server with an empty log would make a gap in availability, so it gets the log without a vote. */
START_TEST(a_new_voter_is_a_learner_first) {
    struct fellows *f = lead(3);
    harness_propose(f->h, 5, 0);
    fellows_answer(f);
    fellows_kill(f, "4");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1234", NULL)), RAFT_CHANGE_BEGUN);
    fellows_assert_configuration(f->h, fellows_catching_up("123", "4", "4", "1234", NULL));
    fellows_answer(f);
    ck_assert(is_committed(f)); /* Without it. */
    ck_assert(!f->h->has_due);
    fellows_kill(f, "3");
    ck_assert(harness_propose(f->h, 1, 0));
    fellows_answer(f);
    ck_assert(is_committed(f)); /* Two of three are enough. */
    fellows_revive(f, "4");
    fellows_pass(f, HEARTBEAT_MS);
    assert_due(f, fellows_configuration("1234", NULL));
    fellows_append_due(f);
    fellows_answer(f);
    ck_assert(is_committed(f));
    ck_assert(!f->h->has_due);
    fellows_stop(f);
}
END_TEST

START_TEST(what_is_due_is_said_until_it_is_appended) {
    struct fellows *f = lead(1);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    for (int turn = 0; turn < 3; turn++) {
        assert_due(f, fellows_configuration("12", NULL));
        harness_turn(f->h);
    }
    fellows_append_due(f);
    ck_assert(!f->h->has_due);
    fellows_stop(f);
}
END_TEST

START_TEST(the_second_step_waits_for_the_first_to_be_committed) {
    struct fellows *f = lead(3);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1234", NULL)), RAFT_CHANGE_BEGUN);
    fellows_kill(f, "23");
    fellows_answer(f);
    ck_assert_uint_eq(harness_peer(f->h, 4).match_index, raft_last_index(f->h->raft));
    ck_assert(!f->h->has_due);
    fellows_revive(f, "2");
    fellows_pass(f, HEARTBEAT_MS);
    assert_due(f, fellows_configuration("1234", NULL));
    fellows_stop(f);
}
END_TEST

/* Rounds: only one that takes less than an election time-out shows that the server keeps up. */
START_TEST(a_slow_round_is_followed_by_another) {
    struct fellows *f = lead(3);
    fellows_kill(f, "4");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1234", NULL)), RAFT_CHANGE_BEGUN);
    raft_index target = raft_last_index(f->h->raft);
    fellows_pass(f, ELECTION_MS);
    ck_assert(harness_propose(f->h, 1, 0)); /* What comes during a round belongs to the next. */
    fellows_answer(f);
    fellows_revive(f, "4");
    f->limit[4] = target;
    fellows_pass(f, 3 * HEARTBEAT_MS);
    ck_assert_uint_eq(f->length[4], target);
    ck_assert(!f->h->has_due); /* The first round has ended, and it was slow. */
    f->limit[4] = 0;
    fellows_pass(f, HEARTBEAT_MS);
    ck_assert_uint_eq(f->length[4], target + 1);
    assert_due(f, fellows_configuration("1234", NULL));
    fellows_stop(f);
}
END_TEST

START_TEST(one_that_needs_more_rounds_than_there_are_is_given_up) {
    struct fellows *f = lead(1);
    fellows_kill(f, "2");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    for (int round = 1; round <= RAFT_CATCH_UP_ROUNDS_MAX; round++) {
        ck_assert_msg(!f->h->has_due, "round %d", round);
        raft_index target = raft_last_index(f->h->raft);
        fellows_kill(f, "2");
        fellows_pass(f, ELECTION_MS);
        ck_assert(harness_propose(f->h, 1, 0));
        fellows_answer(f);
        fellows_revive(f, "2");
        f->limit[2] = target;
        fellows_pass(f, 3 * HEARTBEAT_MS);
        ck_assert_uint_eq(f->length[2], target);
    }
    assert_due(f, fellows_configuration("1", NULL));
    ck_assert_uint_eq(f->h->given_up_on, 2);
    fellows_stop(f);
}
END_TEST

START_TEST(a_new_voter_that_is_silent_is_given_up) {
    struct fellows *f = lead(3);
    fellows_kill(f, "4");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1234", "5")), RAFT_CHANGE_BEGUN);
    fellows_assert_configuration(f->h, fellows_catching_up("123", "45", "45", "1234", "5"));
    fellows_answer(f);
    fellows_pass(f, RAFT_CATCH_UP_SILENCE_MS - HEARTBEAT_MS);
    ck_assert(!f->h->has_due);
    fellows_pass(f, 2 * HEARTBEAT_MS);
    assert_due(f, fellows_configuration("123", NULL));
    ck_assert_uint_eq(f->h->given_up_on, 4);
    fellows_append_due(f);
    fellows_answer(f);
    ck_assert(is_committed(f));
    ck_assert_int_eq(fellows_change(f, fellows_configuration("123", "5")), RAFT_CHANGE_BEGUN);
    fellows_stop(f);
}
END_TEST

/* It answers heartbeats, but its disk takes nothing: contact is no progress. */
START_TEST(a_new_voter_that_answers_and_takes_nothing_is_given_up) {
    struct fellows *f = lead(3);
    f->full[4] = true;
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1234", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    fellows_pass(f, RAFT_CATCH_UP_SILENCE_MS + HEARTBEAT_MS);
    ck_assert_uint_eq(f->h->given_up_on, 4);
    fellows_stop(f);
}
END_TEST

START_TEST(what_arrives_of_a_snapshot_is_progress) {
    struct fellows *f = lead(3);
    fellows_kill(f, "4");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1234", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    fellows_pass(f, RAFT_CATCH_UP_SILENCE_MS / 2);
    raft_snapshot_progress(f->h->raft, 4);
    fellows_pass(f, RAFT_CATCH_UP_SILENCE_MS - HEARTBEAT_MS);
    ck_assert(!f->h->has_due);
    fellows_pass(f, 2 * HEARTBEAT_MS);
    ck_assert_uint_eq(f->h->given_up_on, 4);
    fellows_stop(f);
}
END_TEST

/* Two at once: the one that has everything waits for the other and is neither silent nor promoted before. */
START_TEST(two_learners_are_promoted_together) {
    struct fellows *f = lead(3);
    fellows_kill(f, "5");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12345", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    fellows_pass(f, RAFT_CATCH_UP_SILENCE_MS / 2);
    ck_assert_uint_eq(harness_peer(f->h, 4).match_index, raft_last_index(f->h->raft));
    ck_assert(!f->h->has_due);
    raft_snapshot_progress(f->h->raft, 5);
    fellows_pass(f, RAFT_CATCH_UP_SILENCE_MS - HEARTBEAT_MS);
    ck_assert(!f->h->has_due);
    fellows_revive(f, "5");
    fellows_pass(f, HEARTBEAT_MS);
    assert_due(f, fellows_joint("12345", "123", NULL, NULL));
    fellows_stop(f);
}
END_TEST

START_TEST(one_that_dies_after_it_has_caught_up_is_not_promoted) {
    struct fellows *f = lead(3);
    fellows_kill(f, "5");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12345", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    fellows_kill(f, "4");
    fellows_pass(f, 2 * ELECTION_MS);
    fellows_revive(f, "5");
    fellows_pass(f, 2 * ELECTION_MS);
    ck_assert(!f->h->has_due);
    fellows_pass(f, RAFT_CATCH_UP_SILENCE_MS);
    assert_due(f, fellows_configuration("123", NULL));
    ck_assert_uint_eq(f->h->given_up_on, 4);
    fellows_stop(f);
}
END_TEST

START_TEST(a_learner_that_has_everything_is_promoted_at_once) {
    struct fellows *f = fellows_start_with(fellows_configuration("12", "3"));
    fellows_elect(f);
    fellows_answer(f);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("123", NULL)), RAFT_CHANGE_BEGUN);
    fellows_assert_configuration(f->h, fellows_catching_up("12", "3", NULL, "123", NULL));
    fellows_answer(f);
    assert_due(f, fellows_configuration("123", NULL));
    fellows_stop(f);
}
END_TEST

START_TEST(a_learner_that_was_one_before_remains_one_when_it_is_given_up) {
    struct fellows *f = fellows_start_with(fellows_configuration("12", "3"));
    fellows_kill(f, "3");
    fellows_elect(f);
    fellows_answer(f);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("123", NULL)), RAFT_CHANGE_BEGUN);
    fellows_pass(f, RAFT_CATCH_UP_SILENCE_MS + HEARTBEAT_MS);
    assert_due(f, fellows_configuration("12", "3"));
    ck_assert_uint_eq(f->h->given_up_on, 3);
    fellows_stop(f);
}
END_TEST

START_TEST(a_new_leader_goes_on_with_the_catching_up_it_finds) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_catching_up("123", "4", "4", "1234", NULL), 2);
    fellows_kill(f, "4");
    fellows_elect(f);
    fellows_answer(f);
    fellows_pass(f, RAFT_CATCH_UP_SILENCE_MS / 2);
    ck_assert(!f->h->has_due);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_IN_PROGRESS);
    fellows_revive(f, "4");
    fellows_pass(f, HEARTBEAT_MS);
    assert_due(f, fellows_configuration("1234", NULL));
    fellows_stop(f);
}
END_TEST

START_TEST(learners_neither_vote_in_commitment_nor_campaign_but_vote_when_asked) {
    struct fellows *f = fellows_start_with(fellows_configuration("23", "1"));
    harness_pass(f->h, 10 * ELECTION_MS);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    ck_assert_uint_eq(f->h->sent_count, 0);
    ck_assert(harness_ask_vote(f->h, 9, 2, ID(1, 1)).vote_answer.vote_granted);
    fellows_stop(f);
}
END_TEST

START_TEST(a_sole_voter_grows_to_two) {
    struct fellows *f = fellows_start(1);
    fellows_elect(f);
    fellows_answer(f);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_BEGUN);
    fellows_assert_configuration(f->h, fellows_catching_up("1", "2", "2", "12", NULL));
    fellows_answer(f);
    fellows_append_due(f);
    fellows_kill(f, "2");
    fellows_answer(f);
    ck_assert(!is_committed(f)); /* Two of two. */
    fellows_revive(f, "2");
    fellows_pass(f, HEARTBEAT_MS);
    ck_assert(is_committed(f));
    fellows_stop(f);
}
END_TEST

START_TEST(what_would_leave_no_majority_is_not_begun) {
    struct fellows *f = lead(4);
    fellows_kill(f, "34");
    fellows_pass(f, ELECTION_MS - 3 * HEARTBEAT_MS);
    fellows_revive(f, "4");
    fellows_pass(f, 4 * HEARTBEAT_MS); /* 1, 2 and 4 are heard, 3 is not. */
    ck_assert_int_eq(fellows_change(f, fellows_configuration("13", NULL)), RAFT_CHANGE_NO_MAJORITY);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("3", NULL)), RAFT_CHANGE_NO_MAJORITY);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("123", NULL)), RAFT_CHANGE_BEGUN);
    fellows_stop(f);
}
END_TEST

START_TEST(servers_to_come_count_as_heard) {
    struct fellows *f = lead(1);
    fellows_kill(f, "234");
    fellows_pass(f, 2 * ELECTION_MS);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("234", NULL)), RAFT_CHANGE_BEGUN);
    fellows_stop(f);
}
END_TEST

START_TEST(to_be_what_it_is_is_no_change_and_may_be_said_again) {
    struct fellows *f = fellows_start_with(fellows_configuration("12", "3"));
    fellows_elect(f);
    fellows_answer(f);
    struct raft_configuration same = fellows_configuration("12", "3");
    struct raft_configuration first;
    ck_assert_int_eq(raft_change(f->h->raft, &same, &first), RAFT_CHANGE_NONE);
    struct raft_entry entry = {.type = RAFT_CONFIGURATION, .configuration = &first};
    ck_assert(raft_propose(f->h->raft, &entry, 1)); /* With another URL, say. */
    harness_turn(f->h);
    fellows_answer(f);
    ck_assert(is_committed(f));
    fellows_assert_configuration(f->h, same);
    fellows_stop(f);
}
END_TEST

/* -- §4.2.2: removing the leader -- */

START_TEST(a_leader_that_is_left_out_leads_until_that_is_committed_and_counts_itself_no_more) {
    struct fellows *f = lead(3);
    fellows_kill(f, "23");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("23", NULL)), RAFT_CHANGE_BEGUN);
    ck_assert(!raft_accepts(f->h->raft));
    struct raft_entry command = {.type = RAFT_COMMAND};
    ck_assert(!raft_propose(f->h->raft, &command, 1));
    fellows_revive(f, "2");
    fellows_pass(f, 2 * HEARTBEAT_MS); /* 1 and 2 have it: of {2,3} that is one. */
    ck_assert(!is_committed(f));
    ck_assert_int_eq(harness_role(f->h), RAFT_LEADER);
    fellows_revive(f, "3");
    fellows_pass(f, HEARTBEAT_MS);
    ck_assert(is_committed(f));
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    ck_assert_uint_eq(raft_leader(f->h->raft), 0);
    ck_assert(f->told_to_campaign == 2 || f->told_to_campaign == 3);
    ck_assert_uint_eq(f->length[f->told_to_campaign], raft_last_index(f->h->raft));
    fellows_stop(f);
}
END_TEST

START_TEST(it_never_campaigns_again) {
    struct fellows *f = lead(3);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("23", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    raft_term term = raft_current_term(f->h->raft);
    fellows_pass(f, 20 * ELECTION_MS);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    ck_assert_uint_eq(raft_current_term(f->h->raft), term);
    ck_assert_uint_eq(raft_next_deadline_ms(f->h->raft), UINT64_MAX);
    fellows_stop(f);
}
END_TEST

START_TEST(a_leader_that_becomes_a_learner_leaves_in_the_same_way) {
    struct fellows *f = lead(3);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("23", "1")), RAFT_CHANGE_BEGUN);
    ck_assert(!raft_accepts(f->h->raft));
    fellows_answer(f);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    ck_assert_uint_ne(f->told_to_campaign, 0);
    fellows_stop(f);
}
END_TEST

START_TEST(reads_that_wait_fail_when_it_leaves) {
    struct fellows *f = lead(3);
    fellows_kill(f, "23");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("23", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    ck_assert(raft_read(f->h->raft, 77));
    harness_turn(f->h); /* The heartbeats that would confirm it are lost, but for entries that come through. */
    for (size_t i = 0; i < f->h->sent_count; i++) {
        raft_send_failed(f->h->raft, f->h->sent[i].to, f->h->sent[i].round);
    }
    raft_progress(f->h->raft, 2)->match_index = raft_last_index(f->h->raft);
    raft_progress(f->h->raft, 3)->match_index = raft_last_index(f->h->raft);
    raft_progress(f->h->raft, 2)->next_index = raft_last_index(f->h->raft) + 1;
    raft_progress(f->h->raft, 3)->next_index = raft_last_index(f->h->raft) + 1;
    commit_leader(f->h->raft);
    harness_turn(f->h);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    ck_assert_uint_eq(f->h->read_count, 1);
    ck_assert(!f->h->reads[0].ok);
    ck_assert(!raft_read(f->h->raft, 78));
    fellows_stop(f);
}
END_TEST

/* Figure 4.6: {1,2} to {2}, and 1 stops with the new configuration in its log alone. 2 needs its vote and does not get it,
 * so 1 must be leader again, to leave for good. */
START_TEST(a_server_outside_its_own_configuration_campaigns_while_that_may_be_uncommitted) {
    struct fellows *f = follow(harness_configuration(2, 0), fellows_configuration("2", NULL), 0);
    ck_assert_uint_eq(raft_commit_index(f->h->raft), 0);
    ck_assert(!harness_ask_vote(f->h, 2, 2, ID(1, 1)).vote_answer.vote_granted);
    fellows_elect(f);
    ck_assert_uint_eq(f->length[2], 1);
    fellows_answer(f);
    ck_assert_uint_eq(f->length[2], raft_last_index(f->h->raft));
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    ck_assert_uint_eq(f->told_to_campaign, 2);
    fellows_pass(f, 10 * ELECTION_MS);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    fellows_stop(f);
}
END_TEST

START_TEST(it_does_not_count_its_own_vote) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_configuration("23", NULL), 0);
    fellows_kill(f, "3");
    harness_campaign(f->h);
    fellows_answer(f); /* Its own and that of 2: of {2,3} one. */
    ck_assert_int_eq(harness_role(f->h), RAFT_PRE_CANDIDATE);
    fellows_stop(f);
}
END_TEST

START_TEST(who_knows_that_it_was_removed_does_not_campaign) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_configuration("23", NULL), 2);
    ck_assert_uint_eq(raft_commit_index(f->h->raft), 2);
    harness_pass(f->h, 10 * ELECTION_MS);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    fellows_stop(f);
}
END_TEST

/* The leader that leaves the cluster to one server may serve reads under its lease until it is told otherwise. */
START_TEST(who_becomes_the_sole_voter_waits_for_the_leader_that_made_it_so) {
    struct fellows *f = follow(harness_configuration(2, 0), fellows_configuration("1", NULL), 0);
    harness_pass(f->h, PROMISE_MS);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    ck_assert_uint_eq(raft_leader(f->h->raft), 2);
    harness_pass(f->h, 2 * ELECTION_MS);
    ck_assert_int_eq(harness_role(f->h), RAFT_CANDIDATE);
    fellows_answer(f);
    ck_assert_int_eq(harness_role(f->h), RAFT_LEADER);
    fellows_stop(f);
}
END_TEST

START_TEST(so_it_does_after_a_restart_as_long_as_a_promise_lasts) {
    struct harness *h = START(.voters = 2);
    struct raft_configuration sole = harness_configuration(1, 0);
    struct raft_entry entry = {.id = {2, 1}, .type = RAFT_CONFIGURATION, .configuration = &sole};
    raft_restore_entry(h->raft, &entry);
    ck_assert_uint_eq(raft_next_deadline_ms(h->raft), h->now_ms + PROMISE_MS);
    harness_pass(h, PROMISE_MS - 1);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_pass(h, 1);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    harness_stop(h);
}
END_TEST

/* -- Telling who is left out -- */

START_TEST(a_removed_server_hears_that_its_removal_is_committed_and_no_more) {
    struct fellows *f = lead(3);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_BEGUN);
    raft_index removal = raft_last_index(f->h->raft);
    fellows_answer(f);
    ck_assert_uint_eq(f->told[3], removal);
    ck_assert(harness_propose(f->h, 3, 0));
    fellows_answer(f);
    fellows_pass(f, 3 * HEARTBEAT_MS);
    ck_assert_uint_eq(f->length[3], removal);
    ck_assert_uint_eq(harness_sent_count(f->h, 3, RAFT_APPEND_ENTRIES), 0);
    fellows_stop(f);
}
END_TEST

START_TEST(one_that_lags_is_brought_up_to_its_removal) {
    struct fellows *f = lead(3);
    fellows_kill(f, "3");
    ck_assert(harness_propose(f->h, 8, 0));
    fellows_answer(f);
    ck_assert(harness_propose(f->h, 8, 0));
    fellows_answer(f);
    fellows_pass(f, ELECTION_MS / 2);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_BEGUN);
    raft_index removal = raft_last_index(f->h->raft);
    fellows_answer(f);
    ck_assert(harness_propose(f->h, 8, 0));
    fellows_answer(f);
    fellows_revive(f, "3");
    fellows_pass(f, 3 * HEARTBEAT_MS);
    ck_assert_uint_eq(f->length[3], removal);
    ck_assert_uint_eq(f->told[3], removal);
    fellows_stop(f);
}
END_TEST

START_TEST(one_that_is_dead_is_left_alone_after_an_election_timeout) {
    struct fellows *f = lead(3);
    fellows_kill(f, "3");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    harness_pass(f->h, HEARTBEAT_MS);
    ck_assert_uint_ge(harness_sent_count(f->h, 3, RAFT_APPEND_ENTRIES), 1);
    fellows_answer(f);
    fellows_pass(f, ELECTION_MS);
    harness_pass(f->h, HEARTBEAT_MS);
    ck_assert_uint_eq(harness_sent_count(f->h, 3, RAFT_APPEND_ENTRIES), 0);
    fellows_stop(f);
}
END_TEST

START_TEST(who_leaves_counts_for_nothing) {
    struct fellows *f = lead(3);
    fellows_kill(f, "2");
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    ck_assert_uint_eq(f->length[3], raft_last_index(f->h->raft));
    ck_assert(!is_committed(f));
    struct raft_status status;
    raft_status(f->h->raft, &status);
    ck_assert_uint_eq(status.peer_count, 1);
    fellows_pass(f, ELECTION_MS); /* Hearing from 3 does not keep it the leader. */
    ck_assert_int_ne(harness_role(f->h), RAFT_LEADER);
    fellows_stop(f);
}
END_TEST

/* -- §4.2.3: disruptive servers -- */

START_TEST(a_server_that_never_learnt_of_its_removal_disturbs_nobody) {
    struct fellows *f = lead(2);
    raft_term term = raft_current_term(f->h->raft);
    struct raft_entry_id last = {raft_last_index(f->h->raft), term};
    for (int beat = 0; beat < 30; beat++) {
        fellows_pass(f, HEARTBEAT_MS);
        ck_assert(!harness_ask_pre_vote(f->h, 9, term + 1, last).vote_answer.vote_granted);
        ck_assert(!harness_ask_vote(f->h, 9, term + 1, last).vote_answer.vote_granted);
    }
    ck_assert_uint_eq(raft_current_term(f->h->raft), term);
    ck_assert_int_eq(harness_role(f->h), RAFT_LEADER);
    fellows_stop(f);
}
END_TEST

/* §4.1: the caller's configuration counts; the voter's may be older. */
START_TEST(a_voter_votes_for_a_candidate_that_its_configuration_does_not_have) {
    struct fellows *f = fellows_start(3);
    harness_pass(f->h, PROMISE_MS);
    ck_assert(harness_ask_pre_vote(f->h, 9, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(harness_ask_vote(f->h, 9, 2, ID(1, 1)).vote_answer.vote_granted);
    fellows_stop(f);
}
END_TEST

/* -- §4.3: any configuration -- */

START_TEST(three_servers_are_replaced_by_three_others) {
    struct fellows *f = lead(3);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("456", NULL)), RAFT_CHANGE_BEGUN);
    fellows_assert_configuration(f->h, fellows_catching_up("123", "456", "456", "456", NULL));
    fellows_answer(f);
    assert_due(f, fellows_joint("456", "123", NULL, NULL));
    fellows_append_due(f);
    fellows_answer(f);
    ck_assert(raft_accepts(f->h->raft)); /* An outgoing voter is one still. */
    ck_assert(harness_propose(f->h, 1, 0));
    fellows_answer(f);
    assert_due(f, fellows_configuration("456", NULL));
    fellows_append_due(f);
    ck_assert(!raft_accepts(f->h->raft));
    fellows_answer(f);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    ck_assert_uint_ge(f->told_to_campaign, 4);
    ck_assert_uint_eq(f->told[2], raft_last_index(f->h->raft)); /* All who left know it. */
    ck_assert_uint_eq(f->told[3], raft_last_index(f->h->raft));
    fellows_stop(f);
}
END_TEST

static void joint_commits_only_with(const char *dead, bool commits) {
    struct fellows *f = lead(3);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("456", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    fellows_append_due(f);
    fellows_kill(f, dead);
    fellows_answer(f);
    ck_assert_msg(is_committed(f) == commits, "without %s", dead);
    ck_assert(f->h->has_due == commits);
    fellows_stop(f);
}

START_TEST(a_joint_configuration_commits_with_both_majorities) {
    joint_commits_only_with("", true);
    joint_commits_only_with("36", true);
    joint_commits_only_with("23", false); /* All of the new. */
    joint_commits_only_with("56", false); /* All of the old. */
    joint_commits_only_with("236", false);
    joint_commits_only_with("356", false);
}
END_TEST

static void joint_elects_only_with(const char *dead, bool elects) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_joint("456", "123", NULL, NULL), 0);
    fellows_kill(f, dead);
    harness_campaign(f->h);
    for (raft_node_id id = 2; id <= 6; id++) {
        ck_assert_uint_eq(harness_sent_count(f->h, id, RAFT_REQUEST_VOTE), 1);
    }
    fellows_answer(f);
    ck_assert_msg((harness_role(f->h) == RAFT_LEADER) == elects, "without %s", dead);
    fellows_stop(f);
}

START_TEST(a_joint_configuration_elects_with_both_majorities) {
    joint_elects_only_with("", true);
    joint_elects_only_with("36", true);
    joint_elects_only_with("23", false);
    joint_elects_only_with("56", false);
}
END_TEST

START_TEST(a_joint_leader_steps_down_without_either_majority) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_joint("456", "123", NULL, NULL), 0);
    fellows_elect(f);
    fellows_kill(f, "56");
    fellows_pass(f, ELECTION_MS);
    ck_assert_int_ne(harness_role(f->h), RAFT_LEADER);
    fellows_stop(f);
}
END_TEST

static bool lease_lasts_without(const char *dead) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_joint("456", "123", NULL, NULL), 0);
    fellows_elect(f);
    fellows_answer(f);
    fellows_kill(f, dead);
    fellows_pass(f, 2 * HEARTBEAT_MS);
    ck_assert(raft_read_lease(f->h->raft, 5));
    harness_turn(f->h);
    bool at_once = f->h->read_count == 1;
    fellows_stop(f);
    return at_once;
}

static bool read_is_confirmed_without(const char *dead) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_joint("456", "123", NULL, NULL), 0);
    fellows_elect(f);
    fellows_answer(f);
    fellows_kill(f, dead);
    ck_assert(raft_read(f->h->raft, 5));
    harness_turn(f->h);
    bool confirmed = false;
    for (raft_node_id id = 2; id <= 6; id++) {
        if (f->dead[id] || harness_sent_count(f->h, id, RAFT_APPEND_ENTRIES) == 0) {
            continue;
        }
        struct raft_message sent[HARNESS_SENT_MAX];
        memcpy(sent, f->h->sent, sizeof sent);
        size_t count = f->h->sent_count;
        harness_succeed(f->h, harness_sent(f->h, id, RAFT_APPEND_ENTRIES));
        confirmed = confirmed || f->h->read_count == 1;
        memcpy(f->h->sent, sent, sizeof sent);
        f->h->sent_count = count;
    }
    fellows_stop(f);
    return confirmed;
}

START_TEST(reads_of_a_joint_leader_are_confirmed_by_both_majorities) {
    ck_assert(lease_lasts_without(""));
    ck_assert(lease_lasts_without("36"));
    ck_assert(!lease_lasts_without("23"));
    ck_assert(!lease_lasts_without("56"));
    ck_assert(read_is_confirmed_without("36"));
    ck_assert(!read_is_confirmed_without("23"));
    ck_assert(!read_is_confirmed_without("56"));
}
END_TEST

START_TEST(a_new_leader_that_finds_a_joint_configuration_leads_on_to_the_new_one) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_joint("145", "123", NULL, "2"), 0);
    fellows_elect(f);
    fellows_answer(f);
    assert_due(f, fellows_configuration("145", "2"));
    fellows_append_due(f);
    fellows_answer(f);
    ck_assert(is_committed(f));
    ck_assert_int_eq(harness_role(f->h), RAFT_LEADER);
    fellows_stop(f);
}
END_TEST

START_TEST(a_joint_configuration_is_left_only_when_it_is_committed) {
    struct fellows *f = lead(3);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("145", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    fellows_append_due(f);
    fellows_kill(f, "45");
    fellows_answer(f);
    fellows_pass(f, 5 * HEARTBEAT_MS);
    ck_assert(!f->h->has_due);
    fellows_revive(f, "4");
    fellows_pass(f, HEARTBEAT_MS);
    assert_due(f, fellows_configuration("145", NULL));
    fellows_stop(f);
}
END_TEST

START_TEST(leadership_goes_only_to_a_voter_that_stays) {
    struct fellows *f = follow(harness_configuration(3, 0), fellows_joint("145", "123", NULL, NULL), 0);
    fellows_elect(f);
    fellows_answer(f);
    ck_assert(!raft_transfer(f->h->raft, 2));
    ck_assert(raft_transfer(f->h->raft, 4));
    harness_turn(f->h);
    ck_assert(!f->h->has_due); /* Meanwhile nothing is appended. */
    fellows_stop(f);
}
END_TEST

START_TEST(an_offer_does_not_outlive_leadership) {
    struct fellows *f = lead(1);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("12", NULL)), RAFT_CHANGE_BEGUN);
    fellows_answer(f);
    ck_assert(f->h->has_due);
    struct raft_configuration due = f->h->due;
    raft_term term = raft_current_term(f->h->raft);
    APPEND(f->h, .from = 2, .term = term + 1, .prev = ID(1, 1));
    ck_assert(!f->h->has_due);
    struct raft_entry entry = {.type = RAFT_CONFIGURATION, .configuration = &due};
    ck_assert(!raft_propose(f->h->raft, &entry, 1));
    fellows_stop(f);
}
END_TEST

/* -- A leader that must not lead -- */

START_TEST(an_unfit_leader_hands_over_and_tries_again_with_another) {
    struct fellows *f = lead(3);
    raft_set_unfit(f->h->raft, true);
    harness_turn(f->h);
    raft_node_id first = raft_transferring(f->h->raft);
    ck_assert_uint_ne(first, 0);
    ck_assert_uint_eq(harness_sent_count(f->h, first, RAFT_TIMEOUT_NOW), 1);
    harness_fail(f->h, harness_sent(f->h, first, RAFT_TIMEOUT_NOW));
    ck_assert_uint_eq(raft_transferring(f->h->raft), 0);
    fellows_pass(f, HEARTBEAT_MS);
    ck_assert_uint_ne(raft_transferring(f->h->raft), 0);
    ck_assert_uint_ne(raft_transferring(f->h->raft), first);
    fellows_stop(f);
}
END_TEST

START_TEST(an_unfit_server_neither_campaigns_nor_obeys) {
    struct fellows *f = fellows_start(3);
    harness_campaign(f->h);
    raft_set_unfit(f->h->raft, true);
    harness_turn(f->h);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    harness_pass(f->h, 10 * ELECTION_MS);
    ck_assert_uint_eq(f->h->sent_count, 0);
    APPEND(f->h, .term = 2, .prev = ID(1, 1));
    struct raft_message told = {.type = RAFT_TIMEOUT_NOW, .from = 2, .to = 1, .term = 2, .round = 99, .ticket = 99};
    raft_receive(f->h->raft, &told);
    harness_turn(f->h);
    ck_assert_int_eq(harness_role(f->h), RAFT_FOLLOWER);
    ck_assert(harness_ask_vote(f->h, 3, 3, ID(1, 1)).vote_answer.vote_granted == false); /* 2 is alive. */
    raft_set_unfit(f->h->raft, false);
    harness_campaign(f->h);
    fellows_stop(f);
}
END_TEST

START_TEST(an_unfit_sole_voter_leads_all_the_same) {
    struct fellows *f = fellows_start(1);
    raft_set_unfit(f->h->raft, true);
    fellows_elect(f);
    fellows_answer(f);
    fellows_pass(f, 2 * ELECTION_MS);
    ck_assert_int_eq(harness_role(f->h), RAFT_LEADER);
    ck_assert(raft_accepts(f->h->raft));
    fellows_stop(f);
}
END_TEST

START_TEST(a_sole_voter_s_campaign_goes_on_whether_it_is_fit_or_not) {
    struct harness *h = START(.voters = 1);
    for (int i = 0; i < 2; i++) {
        harness_pass(h, ELECTION_MS);
        ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE); /* Its vote is on the way to the disk. */
        raft_set_unfit(h->raft, i == 0);
    }
    ck_assert_uint_eq(raft_current_term(h->raft), 2); /* One campaign. */
    harness_persist(h);
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_stop(h);
}
END_TEST

/* Until the joint configuration is left, an unfit leader that will be the only voter has nobody to hand over to. */
START_TEST(an_unfit_leader_that_stays_alone_finishes_the_change) {
    struct fellows *f = lead(3);
    ck_assert_int_eq(fellows_change(f, fellows_configuration("1", NULL)), RAFT_CHANGE_BEGUN);
    fellows_assert_configuration(f->h, fellows_joint("1", "123", NULL, NULL));
    raft_set_unfit(f->h->raft, true);
    ck_assert_uint_eq(raft_transferring(f->h->raft), 0);
    fellows_answer(f);
    fellows_append_due(f);
    fellows_assert_configuration(f->h, fellows_configuration("1", NULL));
    fellows_pass(f, 2 * ELECTION_MS);
    ck_assert_int_eq(harness_role(f->h), RAFT_LEADER);
    ck_assert(is_committed(f));
    fellows_stop(f);
}
END_TEST

START_TEST(an_unfit_leader_that_hears_nobody_waits_for_somebody) {
    struct fellows *f = fellows_start_with(fellows_configuration("12", NULL));
    fellows_elect(f);
    fellows_answer(f);
    raft_set_unfit(f->h->raft, true);
    harness_turn(f->h);
    harness_fail(f->h, harness_sent(f->h, 2, RAFT_TIMEOUT_NOW));
    ck_assert(harness_propose(f->h, 1, 0)); /* Between two attempts it does its work. */
    fellows_pass(f, HEARTBEAT_MS);
    ck_assert_uint_eq(raft_transferring(f->h->raft), 2); /* There is no other. */
    fellows_stop(f);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_configuration_takes_effect_when_it_is_appended);
    tcase_add_test(tcase, a_removed_voter_counts_no_more_even_for_its_own_removal);
    tcase_add_test(tcase, with_four_voters_three_must_have_an_entry);
    tcase_add_test(tcase, a_second_change_waits_until_the_first_is_committed);
    tcase_add_test(tcase, nothing_changes_before_the_leader_has_committed_in_its_term);
    tcase_add_test(tcase, no_step_is_due_before_the_leader_has_committed_in_its_term);
    tcase_add_test(tcase, a_truncated_configuration_gives_way_to_the_one_before);
    tcase_add_test(tcase, after_a_roll_back_the_catching_up_begins_anew);
    tcase_add_test(tcase, a_new_voter_is_a_learner_first);
    tcase_add_test(tcase, what_is_due_is_said_until_it_is_appended);
    tcase_add_test(tcase, the_second_step_waits_for_the_first_to_be_committed);
    tcase_add_test(tcase, a_slow_round_is_followed_by_another);
    tcase_add_test(tcase, one_that_needs_more_rounds_than_there_are_is_given_up);
    tcase_add_test(tcase, a_new_voter_that_is_silent_is_given_up);
    tcase_add_test(tcase, a_new_voter_that_answers_and_takes_nothing_is_given_up);
    tcase_add_test(tcase, what_arrives_of_a_snapshot_is_progress);
    tcase_add_test(tcase, two_learners_are_promoted_together);
    tcase_add_test(tcase, one_that_dies_after_it_has_caught_up_is_not_promoted);
    tcase_add_test(tcase, a_learner_that_has_everything_is_promoted_at_once);
    tcase_add_test(tcase, a_learner_that_was_one_before_remains_one_when_it_is_given_up);
    tcase_add_test(tcase, a_new_leader_goes_on_with_the_catching_up_it_finds);
    tcase_add_test(tcase, learners_neither_vote_in_commitment_nor_campaign_but_vote_when_asked);
    tcase_add_test(tcase, a_sole_voter_grows_to_two);
    tcase_add_test(tcase, what_would_leave_no_majority_is_not_begun);
    tcase_add_test(tcase, servers_to_come_count_as_heard);
    tcase_add_test(tcase, to_be_what_it_is_is_no_change_and_may_be_said_again);
    tcase_add_test(tcase, a_leader_that_is_left_out_leads_until_that_is_committed_and_counts_itself_no_more);
    tcase_add_test(tcase, it_never_campaigns_again);
    tcase_add_test(tcase, a_leader_that_becomes_a_learner_leaves_in_the_same_way);
    tcase_add_test(tcase, reads_that_wait_fail_when_it_leaves);
    tcase_add_test(tcase, a_server_outside_its_own_configuration_campaigns_while_that_may_be_uncommitted);
    tcase_add_test(tcase, it_does_not_count_its_own_vote);
    tcase_add_test(tcase, who_knows_that_it_was_removed_does_not_campaign);
    tcase_add_test(tcase, who_becomes_the_sole_voter_waits_for_the_leader_that_made_it_so);
    tcase_add_test(tcase, so_it_does_after_a_restart_as_long_as_a_promise_lasts);
    tcase_add_test(tcase, a_removed_server_hears_that_its_removal_is_committed_and_no_more);
    tcase_add_test(tcase, one_that_lags_is_brought_up_to_its_removal);
    tcase_add_test(tcase, one_that_is_dead_is_left_alone_after_an_election_timeout);
    tcase_add_test(tcase, who_leaves_counts_for_nothing);
    tcase_add_test(tcase, a_server_that_never_learnt_of_its_removal_disturbs_nobody);
    tcase_add_test(tcase, a_voter_votes_for_a_candidate_that_its_configuration_does_not_have);
    tcase_add_test(tcase, three_servers_are_replaced_by_three_others);
    tcase_add_test(tcase, a_joint_configuration_commits_with_both_majorities);
    tcase_add_test(tcase, a_joint_configuration_elects_with_both_majorities);
    tcase_add_test(tcase, a_joint_leader_steps_down_without_either_majority);
    tcase_add_test(tcase, reads_of_a_joint_leader_are_confirmed_by_both_majorities);
    tcase_add_test(tcase, a_new_leader_that_finds_a_joint_configuration_leads_on_to_the_new_one);
    tcase_add_test(tcase, a_joint_configuration_is_left_only_when_it_is_committed);
    tcase_add_test(tcase, leadership_goes_only_to_a_voter_that_stays);
    tcase_add_test(tcase, an_offer_does_not_outlive_leadership);
    tcase_add_test(tcase, an_unfit_leader_hands_over_and_tries_again_with_another);
    tcase_add_test(tcase, an_unfit_server_neither_campaigns_nor_obeys);
    tcase_add_test(tcase, an_unfit_sole_voter_leads_all_the_same);
    tcase_add_test(tcase, an_unfit_leader_that_hears_nobody_waits_for_somebody);
    tcase_add_test(tcase, a_sole_voter_s_campaign_goes_on_whether_it_is_fit_or_not);
    tcase_add_test(tcase, an_unfit_leader_that_stays_alone_finishes_the_change);
}

CHECK_MAIN("thesis/membership", add_tests)
