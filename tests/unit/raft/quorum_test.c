/* Majorities, against a second version that counts naively. */
#include "tests/check_main.h"

#include "server/raft/quorum.h"
#include "tests/unit/raft/harness.h"

/* The value of voter i + 1 is at i. */
static uint64_t value_at(const void *context, raft_node_id id) {
    const uint64_t *values = context;
    return values[id - 1];
}

static uint64_t quorum_of(const uint64_t *values, size_t count) {
    struct raft_configuration configuration = harness_configuration(count, 0);
    return quorum_value(&configuration, value_at, values);
}

/* The largest value that more than half of the voters have reached, found by counting for each. */
static uint64_t naive_quorum_of(const uint64_t *values, size_t count) {
    uint64_t best = 0;
    for (size_t i = 0; i < count; i++) {
        size_t reached = 0;
        for (size_t j = 0; j < count; j++) {
            reached += values[j] >= values[i] ? 1 : 0;
        }
        if (2 * reached > count && values[i] > best) {
            best = values[i];
        }
    }
    return best;
}

START_TEST(a_majority_is_more_than_half) {
    for (size_t voters = 1; voters <= RAFT_MEMBERS_MAX; voters++) {
        ck_assert(2 * quorum_size(voters) > voters);
        ck_assert(2 * (quorum_size(voters) - 1) <= voters);
    }
}
END_TEST

START_TEST(two_majorities_share_a_voter) {
    for (size_t voters = 1; voters <= RAFT_MEMBERS_MAX; voters++) {
        ck_assert(quorum_size(voters) + quorum_size(voters) > voters);
    }
}
END_TEST

START_TEST(without_voters_nothing_is_reached) {
    ck_assert_uint_eq(quorum_of(NULL, 0), 0);
}
END_TEST

START_TEST(a_sole_voter_is_its_own_majority) {
    ck_assert_uint_eq(quorum_of((uint64_t[]){7}, 1), 7);
    ck_assert_uint_eq(quorum_of((uint64_t[]){UINT64_MAX}, 1), UINT64_MAX);
}
END_TEST

START_TEST(of_two_voters_both_are_needed) {
    ck_assert_uint_eq(quorum_of((uint64_t[]){7, 3}, 2), 3);
    ck_assert_uint_eq(quorum_of((uint64_t[]){0, 9}, 2), 0);
}
END_TEST

START_TEST(of_three_voters_the_middle_counts) {
    ck_assert_uint_eq(quorum_of((uint64_t[]){9, 1, 5}, 3), 5);
    ck_assert_uint_eq(quorum_of((uint64_t[]){5, 5, 0}, 3), 5);
}
END_TEST

START_TEST(of_four_voters_three_are_needed) {
    ck_assert_uint_eq(quorum_of((uint64_t[]){9, 8, 7, 6}, 4), 7);
}
END_TEST

START_TEST(any_values_agree_with_naive_counting) {
    uint64_t random = 1;
    for (int round = 0; round < 20000; round++) {
        uint64_t values[RAFT_MEMBERS_MAX];
        size_t count = (size_t)round % (RAFT_MEMBERS_MAX + 1);
        for (size_t i = 0; i < count; i++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            values[i] = (random >> 33) % (round % 3 == 0 ? 4 : 1000000);
        }
        ck_assert_uint_eq(quorum_of(values, count), naive_quorum_of(values, count));
    }
}
END_TEST

START_TEST(learners_count_for_nothing) {
    struct raft_configuration configuration = harness_configuration(1, 2);
    ck_assert_uint_eq(quorum_value(&configuration, value_at, (uint64_t[]){3, 9, 9}), 3);
    ck_assert(quorum_has_voter(&configuration, 1));
    ck_assert(!quorum_has_voter(&configuration, 2));
}
END_TEST

START_TEST(who_is_no_member_is_no_voter) {
    struct raft_configuration configuration = harness_configuration(RAFT_MEMBERS_MAX, 0);
    ck_assert(quorum_has_voter(&configuration, RAFT_MEMBERS_MAX));
    ck_assert(!quorum_has_voter(&configuration, RAFT_MEMBERS_MAX + 1));
    ck_assert(!quorum_has_voter(&configuration, 0));
}
END_TEST

/* §4.3 */
START_TEST(while_there_are_outgoing_voters_both_majorities_are_needed) {
    struct raft_configuration joint = {.voter_count = 3, .voters = {4, 5, 6}, .outgoing_count = 3, .outgoing = {1, 2, 3}};
    ck_assert_uint_eq(quorum_value(&joint, value_at, (uint64_t[]){9, 9, 9, 0, 0, 0}), 0);
    ck_assert_uint_eq(quorum_value(&joint, value_at, (uint64_t[]){0, 0, 0, 9, 9, 9}), 0);
    ck_assert_uint_eq(quorum_value(&joint, value_at, (uint64_t[]){0, 7, 9, 5, 9, 0}), 5);
    ck_assert_uint_eq(quorum_value(&joint, value_at, (uint64_t[]){0, 4, 9, 5, 9, 0}), 4);
}
END_TEST

START_TEST(one_that_is_in_both_counts_in_both) {
    struct raft_configuration joint = {.voter_count = 2, .voters = {1, 2}, .outgoing_count = 2, .outgoing = {2, 3}};
    ck_assert_uint_eq(quorum_value(&joint, value_at, (uint64_t[]){3, 5, 4}), 3);
}
END_TEST

START_TEST(an_outgoing_voter_decides_and_is_no_voter) {
    struct raft_configuration joint = {
        .voter_count = 1, .voters = {1}, .learner_count = 1, .learners = {3}, .outgoing_count = 1, .outgoing = {2}};
    ck_assert(quorum_has_decider(&joint, 1) && quorum_has_decider(&joint, 2) && !quorum_has_decider(&joint, 3));
    ck_assert(!quorum_has_voter(&joint, 2));
    ck_assert(!quorum_is_sole_voter(&joint, 1));
    joint.outgoing_count = 0;
    ck_assert(quorum_is_sole_voter(&joint, 1) && !quorum_is_sole_voter(&joint, 2));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, while_there_are_outgoing_voters_both_majorities_are_needed);
    tcase_add_test(tcase, one_that_is_in_both_counts_in_both);
    tcase_add_test(tcase, an_outgoing_voter_decides_and_is_no_voter);
    tcase_add_test(tcase, a_majority_is_more_than_half);
    tcase_add_test(tcase, two_majorities_share_a_voter);
    tcase_add_test(tcase, without_voters_nothing_is_reached);
    tcase_add_test(tcase, a_sole_voter_is_its_own_majority);
    tcase_add_test(tcase, of_two_voters_both_are_needed);
    tcase_add_test(tcase, of_three_voters_the_middle_counts);
    tcase_add_test(tcase, of_four_voters_three_are_needed);
    tcase_add_test(tcase, any_values_agree_with_naive_counting);
    tcase_add_test(tcase, learners_count_for_nothing);
    tcase_add_test(tcase, who_is_no_member_is_no_voter);
}

CHECK_MAIN("raft/quorum", add_tests)
