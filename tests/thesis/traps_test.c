/* The classic mistakes in Raft implementations, each by name. Those of membership changes, snapshots, sessions and
 * transfers are tested with them. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

static struct raft_message append_to(const struct harness *h, raft_node_id to) {
    return harness_sent(h, to, RAFT_APPEND_ENTRIES);
}

START_TEST(the_commit_index_does_not_go_back_on_a_late_or_repeated_request) {
    struct harness *h = START(.voters = 3, .log = "11111");
    APPEND(h, .term = 1, .prev = ID(5, 1), .commit = 5);
    APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "11", .commit = 2);
    ck_assert_uint_eq(h->commit_index, 5);
    APPEND(h, .term = 2, .prev = ID(5, 1), .commit = 0);
    ck_assert_uint_eq(h->commit_index, 5);
    harness_stop(h);
}
END_TEST

START_TEST(a_follower_commits_to_the_last_new_entry_not_to_its_own_tail) {
    struct harness *h = START(.voters = 3, .log = "11111"); /* 4 and 5 may not be the leader's. */
    APPEND(h, .term = 2, .prev = ID(2, 1), .entries = "1", .commit = 5);
    ck_assert_uint_eq(h->commit_index, 3);
    harness_stop(h);
}
END_TEST

START_TEST(match_is_the_predecessor_and_the_count_not_the_followers_tail) {
    struct harness *h = START(.voters = 3, .log = "11111");
    ck_assert_uint_eq(APPEND(h, .term = 2, .prev = ID(1, 1), .entries = "1").append_answer.match_index, 2);
    ck_assert_uint_eq(APPEND(h, .term = 2, .prev = ID(1, 1)).append_answer.match_index, 1);
    harness_stop(h);
    struct harness *leader = START(.voters = 3, .log = "111");
    harness_lead(leader);
    struct raft_message heartbeat = append_to(leader, 2);
    heartbeat.append_entries.entry_count += 3; /* As if it told its tail. */
    harness_succeed(leader, heartbeat);
    ck_assert_uint_eq(harness_peer(leader, 2).match_index, 0);
    ck_assert_uint_eq(leader->commit_index, 0);
    harness_stop(leader);
}
END_TEST

START_TEST(a_rejection_at_or_below_match_changes_nothing) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    harness_propose(h, 1, 10);
    struct raft_message first = append_to(h, 2);
    harness_propose(h, 1, 10);
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 4);
    harness_refuse(h, first, ID(1, 0));
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 4);
    ck_assert_uint_eq(harness_peer(h, 2).next_index, 5);
    ck_assert_int_eq(harness_peer(h, 2).state, RAFT_REPLICATE);
    harness_stop(h);
}
END_TEST

START_TEST(late_entries_do_not_cut_what_does_not_conflict) {
    struct harness *h = START(.voters = 3);
    APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "1111");
    APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "11");
    harness_assert_log(h, "11111");
    ck_assert_uint_eq(h->write, 0);
    harness_stop(h);
}
END_TEST

START_TEST(entries_that_overtook_are_no_conflict_at_the_follower) {
    struct harness *h = START(.voters = 3);
    APPEND(h, .term = 1, .prev = ID(1, 1));
    RECEIVE(h, .term = 1, .prev = ID(3, 1), .entries = "1");
    RECEIVE(h, .term = 1, .prev = ID(1, 1), .entries = "11");
    harness_turn(h);
    ck_assert_uint_eq(h->sent_count, 2);
    ck_assert(h->sent[0].append_answer.success && h->sent[1].append_answer.success);
    harness_assert_log(h, "1111");
    harness_stop(h);
}
END_TEST

START_TEST(entries_that_overtook_are_no_conflict_at_the_leader) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    harness_propose(h, 1, 10);
    struct raft_message first = append_to(h, 2);
    harness_propose(h, 1, 10);
    harness_refuse(h, append_to(h, 2), ID(3, 0));
    ck_assert_int_eq(harness_peer(h, 2).state, RAFT_REPLICATE);
    ck_assert_uint_eq(harness_peer(h, 2).next_index, 5);
    harness_succeed(h, first);
    ck_assert_uint_eq(append_to(h, 2).append_entries.prev.index, 3);
    harness_stop(h);
}
END_TEST

START_TEST(replicas_of_an_older_term_are_not_counted) {
    struct harness *h = START(.voters = 3, .log = "1222", .batch_entries = 3);
    harness_lead(h);
    harness_refuse(h, append_to(h, 2), ID(2, 0));
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 4);
    ck_assert_uint_eq(h->commit_index, 0);
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(h->commit_index, 5);
    harness_stop(h);
}
END_TEST

START_TEST(a_vote_is_not_answered_before_it_is_durable) {
    struct harness *h = START(.voters = 3);
    harness_pass(h, PROMISE_MS);
    struct raft_message vote = harness_ask_vote(h, 2, 2, ID(1, 1));
    ck_assert(vote.vote_answer.vote_granted);
    ck_assert_uint_ge(vote.after_write, h->write);
    ck_assert_uint_ge(vote.after_write, 1);
    harness_stop(h);
}
END_TEST

START_TEST(the_own_vote_does_not_count_before_it_is_durable) {
    struct harness *h = START(.voters = 3);
    harness_win_pre_votes(h);
    harness_answer_vote(h, harness_sent(h, 2, RAFT_REQUEST_VOTE), 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    harness_stop(h);
}
END_TEST

START_TEST(a_late_pre_vote_is_not_counted_as_a_vote) {
    struct harness *h = START(.voters = 5);
    harness_campaign(h);
    struct raft_message pre_votes[4];
    for (raft_node_id to = 2; to <= 5; to++) {
        pre_votes[to - 2] = harness_sent(h, to, RAFT_REQUEST_VOTE);
    }
    harness_answer_vote(h, pre_votes[0], 2, true);
    harness_answer_vote(h, pre_votes[1], 2, true);
    harness_persist(h);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    harness_answer_vote(h, pre_votes[2], 2, true);
    harness_answer_vote(h, pre_votes[3], 2, true);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    harness_stop(h);
}
END_TEST

START_TEST(a_pre_vote_answer_to_a_vote_request_is_not_counted) {
    struct harness *h = START(.voters = 3);
    harness_win_pre_votes(h);
    struct raft_message request = harness_sent(h, 2, RAFT_REQUEST_VOTE);
    harness_persist(h);
    request.request_vote.pre_vote = true;
    harness_answer_vote(h, request, 2, true);
    harness_answer_vote(h, request, 3, true);
    ck_assert_int_eq(harness_role(h), RAFT_CANDIDATE);
    ck_assert_uint_eq(raft_current_term(h->raft), 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_heartbeat_sent_before_the_read_is_not_counted_for_it) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    harness_pass(h, HEARTBEAT_MS);
    struct raft_message before = append_to(h, 2);
    raft_read(h->raft, 1);
    harness_turn(h);
    harness_succeed(h, before);
    ck_assert_uint_eq(h->read_count, 0);
    harness_stop(h);
}
END_TEST

START_TEST(a_heartbeat_does_not_commit_past_what_the_follower_matches) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    harness_pass(h, HEARTBEAT_MS);
    struct raft_message to_3 = append_to(h, 3); /* Nothing is known of 3. */
    ck_assert_uint_eq(to_3.append_entries.prev.index, 0);
    ck_assert_uint_eq(to_3.append_entries.leader_commit, 2);
    harness_stop(h);
    struct harness *follower = START(.voters = 3, .log = "11"); /* What it has at 2 is not the leader's. */
    APPEND(follower, .term = 2, .prev = ID(0, 0), .commit = 2);
    ck_assert_uint_eq(follower->commit_index, 0);
    harness_stop(follower);
}
END_TEST

START_TEST(persisted_does_not_count_entries_that_were_truncated_meanwhile) {
    struct harness *h = START(.voters = 3);
    struct raft_message old = APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "111");
    raft_write first = h->write;
    struct raft_message new = APPEND(h, .from = 3, .term = 2, .prev = ID(1, 1), .entries = "2");
    ck_assert_uint_eq(old.after_write, first);
    ck_assert_uint_eq(new.after_write, first + 1);
    raft_persisted(h->raft, first);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 1);
    ck_assert_uint_eq(APPEND(h, .from = 3, .term = 2, .prev = ID(1, 1), .entries = "2").after_write, first + 1);
    harness_persist(h);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 2);
    harness_stop(h);
}
END_TEST

START_TEST(no_read_is_served_before_the_first_entry_of_the_term_is_committed) {
    struct harness *h = START(.voters = 3, .log = "111");
    harness_lead(h);
    raft_read(h->raft, 1);
    harness_pass(h, 1);
    harness_succeed(h, append_to(h, 2)); /* A heartbeat: prev is 0. */
    ck_assert_uint_eq(h->commit_index, 0);
    ck_assert_uint_eq(h->read_count, 0);
    harness_stop(h);
}
END_TEST

START_TEST(no_read_is_served_by_a_deposed_leader) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    raft_read(h->raft, 1);
    harness_turn(h);
    struct raft_message heartbeat = append_to(h, 2);
    APPEND(h, .from = 3, .term = 5, .prev = ID(2, 2), .entries = "5");
    ck_assert_uint_eq(h->read_count, 1);
    ck_assert(!h->reads[0].ok);
    harness_succeed(h, heartbeat);
    ck_assert_uint_eq(h->read_count, 0);
    harness_stop(h);
}
END_TEST

START_TEST(a_configuration_in_the_middle_of_a_batch_has_its_own_index) {
    struct harness *h = START(.voters = 3);
    struct raft_configuration five = harness_configuration(5, 0);
    struct raft_entry entries[] = {{.id = {2, 1}, .type = RAFT_COMMAND},
                                   {.id = {3, 1}, .type = RAFT_CONFIGURATION, .configuration = &five},
                                   {.id = {4, 1}, .type = RAFT_COMMAND}};
    struct raft_message request = {.type = RAFT_APPEND_ENTRIES,
                                   .from = 2,
                                   .to = 1,
                                   .term = 1,
                                   .round = 1,
                                   .ticket = 1,
                                   .append_entries = {.prev = {1, 1}, .entry_count = 3, .entries = entries}};
    raft_receive(h->raft, &request);
    harness_turn(h);
    raft_index index;
    raft_current_configuration(h->raft, &index);
    ck_assert_uint_eq(index, 3);
    APPEND(h, .from = 3, .term = 2, .prev = ID(3, 1), .entries = "2"); /* Cuts what follows it. */
    ck_assert_uint_eq(raft_current_configuration(h->raft, &index)->voter_count, 5);
    harness_stop(h);
}
END_TEST

START_TEST(truncating_a_configuration_goes_back_to_the_one_before) {
    struct harness *h = START(.voters = 3);
    struct raft_configuration one = harness_configuration(1, 0);
    struct raft_entry entry = {.id = {2, 1}, .type = RAFT_CONFIGURATION, .configuration = &one};
    struct raft_message request = {.type = RAFT_APPEND_ENTRIES,
                                   .from = 2,
                                   .to = 1,
                                   .term = 1,
                                   .round = 1,
                                   .ticket = 1,
                                   .append_entries = {.prev = {1, 1}, .entry_count = 1, .entries = &entry}};
    raft_receive(h->raft, &request);
    harness_turn(h);
    APPEND(h, .from = 3, .term = 2, .prev = ID(1, 1), .entries = "2");
    harness_pass(h, 1); /* With one voter it would elect itself at once. */
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    raft_index index;
    ck_assert_uint_eq(raft_current_configuration(h->raft, &index)->voter_count, 3);
    ck_assert_uint_eq(index, 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_candidate_outside_the_own_configuration_is_not_refused) {
    struct harness *h = START(.voters = 3);
    harness_pass(h, PROMISE_MS);
    ck_assert(harness_ask_pre_vote(h, 17, 2, ID(1, 1)).vote_answer.vote_granted);
    ck_assert(harness_ask_vote(h, 17, 2, ID(1, 1)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

START_TEST(the_last_logs_terms_are_compared_before_their_indexes) {
    struct harness *h = START(.voters = 3, .log = "1112");
    harness_pass(h, PROMISE_MS);
    ck_assert(!harness_ask_vote(h, 2, 3, ID(9, 1)).vote_answer.vote_granted);
    ck_assert(harness_ask_vote(h, 3, 4, ID(2, 3)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_commit_index_does_not_go_back_on_a_late_or_repeated_request);
    tcase_add_test(tcase, a_follower_commits_to_the_last_new_entry_not_to_its_own_tail);
    tcase_add_test(tcase, match_is_the_predecessor_and_the_count_not_the_followers_tail);
    tcase_add_test(tcase, a_rejection_at_or_below_match_changes_nothing);
    tcase_add_test(tcase, late_entries_do_not_cut_what_does_not_conflict);
    tcase_add_test(tcase, entries_that_overtook_are_no_conflict_at_the_follower);
    tcase_add_test(tcase, entries_that_overtook_are_no_conflict_at_the_leader);
    tcase_add_test(tcase, replicas_of_an_older_term_are_not_counted);
    tcase_add_test(tcase, a_vote_is_not_answered_before_it_is_durable);
    tcase_add_test(tcase, the_own_vote_does_not_count_before_it_is_durable);
    tcase_add_test(tcase, a_late_pre_vote_is_not_counted_as_a_vote);
    tcase_add_test(tcase, a_pre_vote_answer_to_a_vote_request_is_not_counted);
    tcase_add_test(tcase, a_heartbeat_sent_before_the_read_is_not_counted_for_it);
    tcase_add_test(tcase, a_heartbeat_does_not_commit_past_what_the_follower_matches);
    tcase_add_test(tcase, persisted_does_not_count_entries_that_were_truncated_meanwhile);
    tcase_add_test(tcase, no_read_is_served_before_the_first_entry_of_the_term_is_committed);
    tcase_add_test(tcase, no_read_is_served_by_a_deposed_leader);
    tcase_add_test(tcase, a_configuration_in_the_middle_of_a_batch_has_its_own_index);
    tcase_add_test(tcase, truncating_a_configuration_goes_back_to_the_one_before);
    tcase_add_test(tcase, a_candidate_outside_the_own_configuration_is_not_refused);
    tcase_add_test(tcase, the_last_logs_terms_are_compared_before_their_indexes);
}

CHECK_MAIN("thesis/traps", add_tests)
