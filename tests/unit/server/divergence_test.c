#include "server/divergence.h"

#include "tests/check_main.h"

enum { RIGHT = 100, WRONG = 200, OTHER = 300 };

static struct divergence judged;
static struct raft_configuration configuration;

/* Voters 1 to `count`. */
static void begin(size_t count) {
    divergence_clear(&judged);
    configuration = (struct raft_configuration){.voter_count = count};
    for (size_t i = 0; i < count; i++) {
        configuration.voters[i] = i + 1;
    }
}

static void note(raft_node_id from, raft_index index, uint64_t hash) {
    divergence_note(&judged, &configuration, from, (struct state_hash_report){index, hash + index});
}

static enum divergence_verdict verdict(raft_node_id id) {
    const struct divergence_server *server = divergence_find(&judged, id);
    return server == NULL ? DIVERGENCE_UNKNOWN : server->verdict;
}

static raft_index since(raft_node_id id) {
    return divergence_find(&judged, id)->since;
}

START_TEST(who_reports_another_hash_than_the_majority_differs) {
    begin(3);
    note(1, 32, RIGHT);
    note(2, 32, WRONG);
    ck_assert_int_eq(verdict(2), DIVERGENCE_UNKNOWN);
    note(3, 32, RIGHT);
    ck_assert_int_eq(verdict(1), DIVERGENCE_AGREES);
    ck_assert_int_eq(verdict(2), DIVERGENCE_DIFFERS);
    ck_assert_int_eq(verdict(3), DIVERGENCE_AGREES);
    ck_assert_uint_eq(since(2), 32);
    ck_assert_int_eq(verdict(4), DIVERGENCE_UNKNOWN);
}
END_TEST

START_TEST(any_one_may_be_in_the_minority_whoever_asks) {
    for (raft_node_id minority = 1; minority <= 5; minority++) {
        begin(5);
        for (raft_node_id id = 1; id <= 5; id++) {
            note(id, 64, id == minority ? WRONG : RIGHT);
        }
        for (raft_node_id id = 1; id <= 5; id++) {
            ck_assert_int_eq(verdict(id), id == minority ? DIVERGENCE_DIFFERS : DIVERGENCE_AGREES);
        }
        ck_assert_uint_eq(judged.disputed, 0);
    }
}
END_TEST

START_TEST(half_of_the_voters_is_no_majority) {
    begin(4);
    note(1, 32, RIGHT);
    note(2, 32, RIGHT);
    note(3, 32, WRONG);
    ck_assert_int_eq(verdict(3), DIVERGENCE_UNKNOWN);
    ck_assert_uint_eq(judged.disputed, 32);
    note(4, 32, WRONG);
    for (raft_node_id id = 1; id <= 4; id++) {
        ck_assert_int_eq(verdict(id), DIVERGENCE_UNKNOWN);
    }
    ck_assert_uint_eq(judged.disputed, 32);
}
END_TEST

START_TEST(two_that_contradict_each_other_are_a_dispute_until_they_agree) {
    begin(2);
    note(1, 32, RIGHT);
    ck_assert_uint_eq(judged.disputed, 0);
    note(2, 32, WRONG);
    ck_assert_uint_eq(judged.disputed, 32);
    note(1, 64, RIGHT);
    ck_assert_uint_eq(judged.disputed, 32);
    note(2, 64, RIGHT);
    ck_assert_uint_eq(judged.disputed, 0);
}
END_TEST

START_TEST(three_hashes_of_three_are_a_dispute) {
    begin(3);
    note(1, 32, RIGHT);
    note(2, 32, WRONG);
    note(3, 32, OTHER);
    ck_assert_uint_eq(judged.disputed, 32);
    for (raft_node_id id = 1; id <= 3; id++) {
        ck_assert_int_eq(verdict(id), DIVERGENCE_UNKNOWN);
    }
}
END_TEST

START_TEST(who_is_known_to_differ_disputes_nothing) {
    begin(3);
    for (raft_node_id id = 1; id <= 3; id++) {
        note(id, 32, id == 2 ? WRONG : RIGHT);
    }
    note(2, 64, WRONG);
    note(1, 64, RIGHT);
    ck_assert_uint_eq(judged.disputed, 0);
    ck_assert_int_eq(verdict(2), DIVERGENCE_DIFFERS);
}
END_TEST

START_TEST(a_sole_voter_is_right) {
    begin(1);
    note(1, 32, WRONG);
    ck_assert_int_eq(verdict(1), DIVERGENCE_AGREES);
}
END_TEST

START_TEST(learners_are_judged_and_do_not_count) {
    begin(2);
    configuration.learner_count = 2;
    configuration.learners[0] = 3;
    configuration.learners[1] = 4;
    note(3, 32, WRONG);
    note(4, 32, WRONG);
    note(1, 32, WRONG);
    ck_assert_int_eq(verdict(3), DIVERGENCE_UNKNOWN);
    ck_assert_uint_eq(judged.disputed, 0);
    note(1, 64, RIGHT);
    note(2, 64, RIGHT);
    note(3, 64, WRONG);
    ck_assert_int_eq(verdict(3), DIVERGENCE_DIFFERS);
    ck_assert_int_eq(verdict(4), DIVERGENCE_UNKNOWN);
}
END_TEST

START_TEST(while_joint_a_majority_of_both_is_needed) {
    begin(3);
    configuration.outgoing_count = 3;
    configuration.outgoing[0] = 1;
    configuration.outgoing[1] = 4;
    configuration.outgoing[2] = 5;
    note(1, 32, RIGHT);
    note(2, 32, RIGHT);
    note(3, 32, WRONG);
    ck_assert_int_eq(verdict(3), DIVERGENCE_UNKNOWN);
    note(4, 32, WRONG);
    ck_assert_int_eq(verdict(3), DIVERGENCE_UNKNOWN);
    ck_assert_uint_eq(judged.disputed, 32);
    note(5, 32, RIGHT);
    ck_assert_int_eq(verdict(1), DIVERGENCE_AGREES);
    ck_assert_int_eq(verdict(3), DIVERGENCE_DIFFERS);
    ck_assert_int_eq(verdict(4), DIVERGENCE_DIFFERS);
    ck_assert_uint_eq(judged.disputed, 0);
}
END_TEST

START_TEST(who_agreed_before_may_differ_since) {
    begin(3);
    for (raft_node_id id = 1; id <= 3; id++) {
        note(id, 32, RIGHT);
    }
    ck_assert_int_eq(verdict(3), DIVERGENCE_AGREES);
    note(3, 64, WRONG); /* Nobody else has come so far. */
    ck_assert_int_eq(verdict(3), DIVERGENCE_UNKNOWN);
    note(1, 64, RIGHT);
    note(2, 64, RIGHT);
    ck_assert_int_eq(verdict(3), DIVERGENCE_DIFFERS);
    ck_assert_uint_eq(since(3), 64);
}
END_TEST

START_TEST(who_differs_does_so_until_its_newest_report_agrees) {
    begin(3);
    for (raft_node_id id = 1; id <= 3; id++) {
        note(id, 96, id == 2 ? WRONG : RIGHT);
    }
    note(2, 128, WRONG);
    note(2, 64, RIGHT); /* It was mended, and is on its way: */
    note(1, 64, RIGHT);
    note(3, 64, RIGHT);
    ck_assert_int_eq(verdict(2), DIVERGENCE_DIFFERS);
    note(2, 96, RIGHT); /* this takes the place of what it said before, */
    ck_assert_int_eq(verdict(2), DIVERGENCE_AGREES);
    note(2, 160, RIGHT); /* and this is not judged yet. */
    ck_assert_int_eq(verdict(2), DIVERGENCE_UNKNOWN);
    note(1, 160, RIGHT);
    ck_assert_int_eq(verdict(2), DIVERGENCE_AGREES);
}
END_TEST

START_TEST(only_so_many_reports_are_kept_and_the_oldest_go) {
    begin(3);
    for (raft_index index = 1; index <= DIVERGENCE_REPORTS + 1; index++) {
        note(1, 32 * index, RIGHT);
    }
    const struct divergence_server *server = divergence_find(&judged, 1);
    ck_assert_uint_eq(server->count, DIVERGENCE_REPORTS);
    ck_assert_uint_eq(server->reports[0].report.index, 64);
    note(1, 32, RIGHT); /* Too old. */
    ck_assert_uint_eq(server->count, DIVERGENCE_REPORTS);
    ck_assert_uint_eq(server->reports[0].report.index, 64);
    note(1, 80, RIGHT); /* Between others. */
    for (size_t i = 1; i < server->count; i++) {
        ck_assert_uint_gt(server->reports[i].report.index, server->reports[i - 1].report.index);
    }
    ck_assert_uint_eq(server->reports[0].report.index, 80);
}
END_TEST

START_TEST(former_members_are_forgotten_and_strangers_not_heard) {
    begin(RAFT_MEMBERS_MAX);
    for (raft_node_id id = 1; id <= RAFT_MEMBERS_MAX; id++) {
        note(id, 32, RIGHT);
    }
    ck_assert_uint_eq(judged.count, RAFT_MEMBERS_MAX);
    note(77, 32, WRONG);
    ck_assert_ptr_null(divergence_find(&judged, 77));
    configuration.voters[0] = 77;
    note(77, 32, WRONG);
    ck_assert_ptr_null(divergence_find(&judged, 1));
    ck_assert_int_eq(verdict(77), DIVERGENCE_DIFFERS);
    ck_assert_uint_eq(judged.count, RAFT_MEMBERS_MAX);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, who_reports_another_hash_than_the_majority_differs);
    tcase_add_test(tcase, any_one_may_be_in_the_minority_whoever_asks);
    tcase_add_test(tcase, half_of_the_voters_is_no_majority);
    tcase_add_test(tcase, two_that_contradict_each_other_are_a_dispute_until_they_agree);
    tcase_add_test(tcase, three_hashes_of_three_are_a_dispute);
    tcase_add_test(tcase, who_is_known_to_differ_disputes_nothing);
    tcase_add_test(tcase, a_sole_voter_is_right);
    tcase_add_test(tcase, learners_are_judged_and_do_not_count);
    tcase_add_test(tcase, while_joint_a_majority_of_both_is_needed);
    tcase_add_test(tcase, who_agreed_before_may_differ_since);
    tcase_add_test(tcase, who_differs_does_so_until_its_newest_report_agrees);
    tcase_add_test(tcase, only_so_many_reports_are_kept_and_the_oldest_go);
    tcase_add_test(tcase, former_members_are_forgotten_and_strangers_not_heard);
}

CHECK_MAIN("divergence", add_tests)
