/* Both commit rules, at their edges. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

static struct raft_message append_to(const struct harness *h, raft_node_id to) {
    return harness_sent(h, to, RAFT_APPEND_ENTRIES);
}

START_TEST(one_of_three_is_no_majority_and_two_are) {
    struct harness *h = START(.voters = 3);
    harness_lead(h);
    struct raft_message probe = append_to(h, 2);
    harness_turn(h);
    ck_assert_uint_eq(h->commit_index, 0);
    harness_succeed(h, probe);
    ck_assert_uint_eq(h->commit_index, 2);
    harness_stop(h);
}
END_TEST

START_TEST(the_leader_counts_itself_only_with_what_is_on_its_disk) {
    struct harness *h = START(.voters = 3);
    harness_win(h);
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(h->commit_index, 0);
    harness_persist(h);
    ck_assert_uint_eq(h->commit_index, 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_majority_without_the_leader_commits_too) {
    struct harness *h = START(.voters = 3);
    harness_win(h);
    struct raft_message to_3 = append_to(h, 3);
    harness_succeed(h, append_to(h, 2));
    harness_succeed(h, to_3);
    ck_assert_uint_eq(h->commit_index, 2);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 1);
    harness_stop(h);
}
END_TEST

START_TEST(learners_do_not_count) {
    struct harness *h = START(.voters = 2, .learners = 2);
    harness_lead(h);
    struct raft_message to_2 = append_to(h, 2);
    struct raft_message to_4 = append_to(h, 4);
    harness_succeed(h, append_to(h, 3));
    harness_succeed(h, to_4);
    ck_assert_uint_eq(h->commit_index, 0);
    harness_succeed(h, to_2);
    ck_assert_uint_eq(h->commit_index, 2);
    harness_stop(h);
}
END_TEST

START_TEST(entries_of_older_terms_are_committed_only_with_one_of_the_own) {
    struct harness *h = START(.voters = 3, .log = "1122", .batch_entries = 2);
    harness_lead(h);
    harness_refuse(h, append_to(h, 2), ID(2, 0));
    harness_succeed(h, append_to(h, 2)); /* 2 and 3 are on a majority, but of terms 1 and 2. */
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 3);
    ck_assert_uint_eq(h->commit_index, 0);
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(h->commit_index, 5);
    harness_stop(h);
}
END_TEST

START_TEST(the_second_highest_of_three_is_committed) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    harness_propose(h, 1, 10);
    struct raft_message to_2 = append_to(h, 2);
    harness_propose(h, 1, 10);
    raft_persisted(h->raft, h->last_write);
    harness_succeed(h, to_2);
    ck_assert_uint_eq(h->commit_index, 3);
    harness_stop(h);
}
END_TEST

START_TEST(a_sole_voter_commits_what_is_on_its_disk) {
    struct harness *h = START(.voters = 1);
    harness_pass(h, 1);
    harness_persist(h);
    ck_assert_uint_eq(h->commit_index, 0);
    harness_persist(h);
    ck_assert_uint_eq(h->commit_index, 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_follower_commits_what_the_leader_has_as_far_as_the_request_shows) {
    struct harness *h = START(.voters = 3, .log = "11111");
    APPEND(h, .term = 1, .prev = ID(2, 1), .entries = "1", .commit = 5);
    ck_assert_uint_eq(h->commit_index, 3);
    APPEND(h, .term = 1, .prev = ID(3, 1), .entries = "11", .commit = 4);
    ck_assert_uint_eq(h->commit_index, 4);
    APPEND(h, .term = 1, .prev = ID(5, 1), .commit = RAFT_NUMBER_MAX);
    ck_assert_uint_eq(h->commit_index, 5);
    harness_stop(h);
}
END_TEST

START_TEST(a_late_request_does_not_move_the_commit_index_back) {
    struct harness *h = START(.voters = 3, .log = "111");
    APPEND(h, .term = 1, .prev = ID(3, 1), .commit = 3);
    APPEND(h, .term = 1, .prev = ID(1, 1), .commit = 1);
    ck_assert_uint_eq(h->commit_index, 3);
    ck_assert_uint_eq(raft_commit_index(h->raft), 3);
    harness_stop(h);
}
END_TEST

START_TEST(a_refused_request_commits_nothing) {
    struct harness *h = START(.voters = 3, .log = "11");
    APPEND(h, .term = 1, .prev = ID(5, 1), .commit = 2);
    ck_assert_uint_eq(h->commit_index, 0);
    harness_stop(h);
}
END_TEST

START_TEST(a_committed_configuration_cannot_come_back) {
    struct harness *h = START(.voters = 3, .log = "111");
    APPEND(h, .term = 1, .prev = ID(3, 1), .commit = 3);
    raft_index index;
    ck_assert_uint_eq(raft_current_configuration(h->raft, &index)->voter_count, 3);
    ck_assert_uint_eq(index, 1);
    ck_assert(!APPEND(h, .from = 3, .term = 2, .prev = ID(0, 0), .entries = "2").append_answer.success);
    ck_assert_uint_eq(raft_current_configuration(h->raft, &index)->voter_count, 3);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, one_of_three_is_no_majority_and_two_are);
    tcase_add_test(tcase, the_leader_counts_itself_only_with_what_is_on_its_disk);
    tcase_add_test(tcase, a_majority_without_the_leader_commits_too);
    tcase_add_test(tcase, learners_do_not_count);
    tcase_add_test(tcase, entries_of_older_terms_are_committed_only_with_one_of_the_own);
    tcase_add_test(tcase, the_second_highest_of_three_is_committed);
    tcase_add_test(tcase, a_sole_voter_commits_what_is_on_its_disk);
    tcase_add_test(tcase, a_follower_commits_what_the_leader_has_as_far_as_the_request_shows);
    tcase_add_test(tcase, a_late_request_does_not_move_the_commit_index_back);
    tcase_add_test(tcase, a_refused_request_commits_nothing);
    tcase_add_test(tcase, a_committed_configuration_cannot_come_back);
}

CHECK_MAIN("raft/commit", add_tests)
