/* The log: Figure 3.1 (AppendEntries, rules for leaders), §3.5, §3.6.2, Figure 3.7, §3.7. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

static struct raft_message append_to(const struct harness *h, raft_node_id to) {
    return harness_sent(h, to, RAFT_APPEND_ENTRIES);
}

/* Answers as a follower with this log would, until it has all. */
static void bring_up(struct harness *leader, struct harness *follower) {
    for (int i = 0; i < 50 && harness_sent_count(leader, 2, RAFT_APPEND_ENTRIES) > 0; i++) {
        struct raft_message request = append_to(leader, 2);
        struct raft_entry entries[HARNESS_ENTRIES_MAX];
        for (size_t e = 0; e < request.append_entries.entry_count; e++) {
            raft_index index = request.append_entries.prev.index + 1 + e;
            entries[e] = (struct raft_entry){.id = {index, raft_term_at(leader->raft, index)},
                                             .type = index == 1 ? RAFT_CONFIGURATION : RAFT_COMMAND,
                                             .configuration = &leader->configuration};
        }
        request.append_entries.entries = entries;
        raft_receive(follower->raft, &request);
        harness_turn(follower);
        struct raft_append_answer answer = harness_sent(follower, 1, RAFT_APPEND_ANSWER).append_answer;
        if (answer.success) {
            harness_succeed(leader, request);
        } else {
            harness_refuse(leader, request, (struct raft_entry_id){answer.conflict_index, answer.conflict_term});
        }
    }
}

/* §3.5: a command is appended to the leader's log and sent to all others, which it does not wait for to take the next. */
START_TEST(a_command_is_appended_and_sent_to_all) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    ck_assert(harness_propose(h, 1, 10));
    harness_assert_log(h, "122");
    struct raft_message request = append_to(h, 2);
    ck_assert_uint_eq(request.append_entries.prev.index, 2);
    ck_assert_uint_eq(request.append_entries.prev.term, 2);
    ck_assert_uint_eq(request.append_entries.entry_count, 1);
    ck_assert(harness_propose(h, 1, 10));
    harness_stop(h);
}
END_TEST

/* §3.5: what is lost is sent again for ever, the commit index or not. */
START_TEST(lost_entries_are_sent_again_until_they_arrive) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    harness_propose(h, 1, 10);
    struct raft_message request = append_to(h, 2);
    for (int i = 0; i < 5; i++) {
        harness_fail(h, request);
        harness_pass(h, HEARTBEAT_MS);
        for (size_t m = 0; m < h->sent_count; m++) {
            request = h->sent[m].to == 2 ? h->sent[m] : request; /* The last: after the heartbeat. */
        }
        ck_assert_uint_eq(request.append_entries.entry_count, 1);
        ck_assert_uint_eq(request.append_entries.prev.index, 2);
    }
    harness_succeed(h, request);
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 3);
    harness_stop(h);
}
END_TEST

/* Figure 3.1, receiver 2: without an entry that matches prev in index and term, nothing is taken. */
START_TEST(entries_need_their_predecessor) {
    struct harness *h = START(.voters = 3, .log = "112");
    ck_assert(!APPEND(h, .term = 3, .prev = ID(4, 2), .entries = "3").append_answer.success);
    ck_assert(!APPEND(h, .term = 3, .prev = ID(3, 3), .entries = "3").append_answer.success);
    harness_assert_log(h, "112");
    ck_assert(APPEND(h, .term = 3, .prev = ID(3, 2), .entries = "3").append_answer.success);
    harness_assert_log(h, "1123");
    harness_stop(h);
}
END_TEST

/* Figure 3.1, receiver 3: an entry of another term is removed with all that follow. */
START_TEST(a_conflict_removes_the_entry_and_all_that_follow) {
    struct harness *h = START(.voters = 3, .log = "112233");
    ck_assert(APPEND(h, .term = 4, .prev = ID(3, 2), .entries = "4").append_answer.success);
    harness_assert_log(h, "1124");
    harness_stop(h);
}
END_TEST

/* Figure 3.1, receiver 4: what is there already is not appended again, and what follows it stays. */
START_TEST(what_is_there_already_is_not_appended_again) {
    struct harness *h = START(.voters = 3, .log = "112");
    for (int i = 0; i < 3; i++) {
        ck_assert(APPEND(h, .term = 2, .prev = ID(1, 1), .entries = "122").append_answer.success);
        harness_assert_log(h, "1122");
    }
    harness_stop(h);
}
END_TEST

/* Figure 3.1, receiver 5: the smaller of the leader's commit index and the index of the last new entry. */
START_TEST(a_follower_commits_the_smaller_of_leader_commit_and_last_new_entry) {
    struct harness *h = START(.voters = 3, .log = "1111");
    APPEND(h, .term = 2, .prev = ID(1, 1), .entries = "1", .commit = 4);
    ck_assert_uint_eq(h->commit_index, 2);
    APPEND(h, .term = 2, .prev = ID(4, 1), .commit = 3);
    ck_assert_uint_eq(h->commit_index, 3);
    harness_stop(h);
}
END_TEST

/* §3.5, Figure 3.6: whatever a follower's log looks like, the leader makes it equal to its own. The followers are those of
 * the figure, with the configuration as their first entry. */
START_TEST(every_followers_log_of_figure_3_6_becomes_the_leaders) {
    static const char *const logs[] = {"111445566", "1114", "11144556666", "111445566677", "1114444", "11122233333"};
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        struct harness *leader = START(.voters = 3, .log = "1114455666", .hard_state = {7, 0});
        struct harness *follower = START(.voters = 3, .log = logs[i], .id = 2);
        harness_lead(leader);
        bring_up(leader, follower);
        harness_assert_log(leader, "11144556668");
        harness_assert_log(follower, "11144556668");
        harness_stop(leader);
        harness_stop(follower);
    }
}
END_TEST

/* §3.5: a refusal names the conflicting term, and one request passes over all of it. */
START_TEST(one_refusal_passes_over_a_whole_term) {
    struct harness *h = START(.voters = 3, .log = "1155555555");
    harness_lead(h);
    harness_refuse(h, append_to(h, 2), ID(3, 4));
    ck_assert_uint_eq(append_to(h, 2).append_entries.prev.index, 2);
    harness_stop(h);
}
END_TEST

/* Figure 3.2, leader append-only: a leader neither changes nor removes what is in its log. */
START_TEST(a_leader_only_appends) {
    struct harness *h = START(.voters = 3, .log = "112");
    harness_lead(h);
    APPEND(h, .from = 3, .term = 3, .prev = ID(1, 1), .entries = "3");
    APPEND(h, .from = 3, .term = 2, .prev = ID(1, 1), .entries = "2");
    harness_assert_log(h, "1123");
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    harness_stop(h);
}
END_TEST

/* §3.5: committed is what a majority has, the leader with it or not. */
START_TEST(an_entry_on_a_majority_is_committed_and_all_before_it) {
    struct harness *h = START(.voters = 5);
    harness_lead(h);
    struct raft_message to_3 = append_to(h, 3);
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(h->commit_index, 0);
    harness_succeed(h, to_3);
    ck_assert_uint_eq(h->commit_index, 2); /* The configuration, too. */
    harness_stop(h);
}
END_TEST

/* §3.6.2, Figure 3.7 (c): a leader of term 4 has put an entry of term 2 on a majority. It is not committed by that: a
 * server with an entry of term 3 there could still be elected and remove it. */
START_TEST(an_older_terms_entry_on_a_majority_is_not_committed) {
    struct harness *h = START(.voters = 5, .log = "12", .hard_state = {3, 0}, .batch_entries = 1);
    harness_lead(h);
    ck_assert_uint_eq(raft_current_term(h->raft), 4);
    struct raft_message to_2 = append_to(h, 2);
    struct raft_message to_3 = append_to(h, 3);
    harness_refuse(h, to_2, ID(2, 0));
    to_2 = append_to(h, 2);
    harness_refuse(h, to_3, ID(2, 0));
    to_3 = append_to(h, 3);
    harness_succeed(h, to_2);
    harness_succeed(h, to_3);
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 2);
    ck_assert_uint_eq(harness_peer(h, 3).match_index, 2);
    ck_assert_uint_eq(h->commit_index, 0);
    harness_stop(h);
}
END_TEST

/* §3.6.2, Figure 3.7 (e): with an entry of its own term on a majority, all before it are committed as well. */
START_TEST(an_entry_of_the_own_term_commits_older_ones_with_it) {
    struct harness *h = START(.voters = 5, .log = "12", .hard_state = {3, 0});
    harness_lead(h);
    struct raft_message to_3 = append_to(h, 3);
    harness_succeed(h, append_to(h, 2));
    harness_succeed(h, to_3);
    ck_assert_uint_eq(h->commit_index, 3);
    harness_stop(h);
}
END_TEST

/* §3.7: requests may come twice and late; the second time changes nothing and is answered the same. */
START_TEST(requests_are_idempotent) {
    struct harness *h = START(.voters = 3);
    struct raft_append_answer first = APPEND(h, .term = 2, .prev = ID(1, 1), .entries = "22").append_answer;
    struct raft_append_answer second = APPEND(h, .term = 2, .prev = ID(1, 1), .entries = "22").append_answer;
    ck_assert(first.success && second.success);
    ck_assert_uint_eq(first.match_index, second.match_index);
    ck_assert_uint_eq(h->write, 0);
    harness_stop(h);
}
END_TEST

/* §4.1: the newest configuration in the log is in effect, committed or not: votes are asked of its voters. */
START_TEST(the_newest_configuration_in_the_log_is_in_effect) {
    struct harness *h = START(.voters = 3);
    struct raft_configuration five = harness_configuration(5, 0);
    struct raft_entry entry = {.id = {2, 1}, .type = RAFT_CONFIGURATION, .configuration = &five};
    struct raft_message request = {.type = RAFT_APPEND_ENTRIES,
                                   .from = 2,
                                   .to = 1,
                                   .term = 1,
                                   .round = 1,
                                   .ticket = 1,
                                   .append_entries = {.prev = {1, 1}, .entry_count = 1, .entries = &entry}};
    raft_receive(h->raft, &request);
    harness_turn(h);
    ck_assert_uint_eq(h->commit_index, 0);
    harness_campaign(h);
    ck_assert_uint_eq(harness_sent_count(h, 5, RAFT_REQUEST_VOTE), 1);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_command_is_appended_and_sent_to_all);
    tcase_add_test(tcase, lost_entries_are_sent_again_until_they_arrive);
    tcase_add_test(tcase, entries_need_their_predecessor);
    tcase_add_test(tcase, a_conflict_removes_the_entry_and_all_that_follow);
    tcase_add_test(tcase, what_is_there_already_is_not_appended_again);
    tcase_add_test(tcase, a_follower_commits_the_smaller_of_leader_commit_and_last_new_entry);
    tcase_add_test(tcase, every_followers_log_of_figure_3_6_becomes_the_leaders);
    tcase_add_test(tcase, one_refusal_passes_over_a_whole_term);
    tcase_add_test(tcase, a_leader_only_appends);
    tcase_add_test(tcase, an_entry_on_a_majority_is_committed_and_all_before_it);
    tcase_add_test(tcase, an_older_terms_entry_on_a_majority_is_not_committed);
    tcase_add_test(tcase, an_entry_of_the_own_term_commits_older_ones_with_it);
    tcase_add_test(tcase, requests_are_idempotent);
    tcase_add_test(tcase, the_newest_configuration_in_the_log_is_in_effect);
}

CHECK_MAIN("thesis/replication", add_tests)
