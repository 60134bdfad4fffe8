/* Steps between configurations, against what chapter 4 asks of every one of them. */
#include "tests/check_main.h"

#include "server/raft/change.h"
#include "server/raft/configuration.h"
#include "server/raft/quorum.h"
#include "tests/unit/raft/fellows.h"

static void assert_first(struct raft_configuration current, struct raft_configuration target,
                         struct raft_configuration expected) {
    struct raft_configuration first = change_first(&current, &target);
    ck_assert(configuration_is_valid(&first));
    ck_assert(configuration_equal(&first, &expected));
}

static void assert_next(struct raft_configuration current, struct raft_configuration expected) {
    ck_assert(configuration_is_valid(&current));
    struct raft_configuration next = change_next(&current);
    ck_assert(configuration_is_valid(&next));
    ck_assert(configuration_equal(&next, &expected));
}

START_TEST(one_voter_less_is_one_step) {
    assert_first(fellows_configuration("123", NULL), fellows_configuration("13", NULL), fellows_configuration("13", NULL));
    assert_first(fellows_configuration("123", NULL), fellows_configuration("12", "3"), fellows_configuration("12", "3"));
}
END_TEST

START_TEST(learners_come_and_go_in_one_step) {
    assert_first(fellows_configuration("12", "34"), fellows_configuration("12", "567"), fellows_configuration("12", "567"));
}
END_TEST

START_TEST(two_voters_less_are_joint) {
    assert_first(fellows_configuration("12345", NULL), fellows_configuration("123", NULL),
                 fellows_joint("123", "12345", NULL, NULL));
    assert_next(fellows_joint("123", "12345", NULL, NULL), fellows_configuration("123", NULL));
}
END_TEST

START_TEST(voters_that_become_learners_are_outgoing_until_joint_is_left) {
    assert_first(fellows_configuration("1234", "5"), fellows_configuration("12", "346"),
                 fellows_joint("12", "1234", "6", "346"));
    assert_next(fellows_joint("12", "1234", "6", "346"), fellows_configuration("12", "346"));
}
END_TEST

START_TEST(new_voters_catch_up_first_and_nobody_goes_meanwhile) {
    assert_first(fellows_configuration("123", "57"), fellows_configuration("145", "6"),
                 fellows_catching_up("123", "4567", "46", "145", "6"));
    assert_next(fellows_catching_up("123", "4567", "46", "145", "6"), fellows_joint("145", "123", "6", "6"));
    assert_next(fellows_joint("145", "123", "6", "6"), fellows_configuration("145", "6"));
    assert_next(fellows_catching_up("12", "3", "3", "123", NULL), fellows_configuration("123", NULL));
}
END_TEST

START_TEST(one_voter_for_another_is_joint) {
    assert_next(fellows_catching_up("123", "4", "4", "124", NULL), fellows_joint("124", "123", NULL, NULL));
}
END_TEST

START_TEST(what_is_taken_back_leaves_who_was_there) {
    struct raft_configuration current = fellows_catching_up("123", "4567", "46", "145", "6");
    struct raft_configuration back = change_taken_back(&current);
    struct raft_configuration expected = fellows_configuration("123", "57");
    ck_assert(configuration_equal(&back, &expected));
}
END_TEST

START_TEST(the_union_counts_everybody_once) {
    struct raft_configuration current = fellows_joint("145", "123", "6", "26");
    struct raft_configuration target = fellows_configuration("18", "69");
    ck_assert_uint_eq(configuration_size(&current), 6);
    ck_assert_uint_eq(change_union_size(&current, &target), 8);
}
END_TEST

/* Sets of servers 1 to 5 as bits. */
static size_t put_bits(unsigned bits, raft_node_id *ids) {
    size_t count = 0;
    for (raft_node_id id = 1; id <= 5; id++) {
        if (bits & (1U << (id - 1))) {
            ids[count++] = id;
        }
    }
    return count;
}

static uint64_t has_bit(const void *context, raft_node_id id) {
    return (*(const unsigned *)context >> (id - 1)) & 1U;
}

/* Safety of every step (§4.1, §4.3): whoever decides in the one and whoever decides in the other share a server. */
static void assert_overlap(const struct raft_configuration *one, const struct raft_configuration *other) {
    for (unsigned deciding = 0; deciding < 32; deciding++) {
        unsigned rest = 31U & ~deciding;
        ck_assert(quorum_value(one, has_bit, &deciding) == 0 || quorum_value(other, has_bit, &rest) == 0);
    }
}

START_TEST(every_way_is_short_ends_at_the_target_and_its_steps_share_majorities) {
    for (unsigned from = 1; from < 32; from++) {
        for (unsigned to = 1; to < 32; to++) {
            for (unsigned learning = 0; learning < 32; learning += 5) {
                struct raft_configuration current = {0};
                struct raft_configuration target = {0};
                current.voter_count = put_bits(from, current.voters);
                current.learner_count = put_bits(learning & ~from, current.learners);
                target.voter_count = put_bits(to, target.voters);
                target.learner_count = put_bits((learning ^ from) & ~to, target.learners);
                struct raft_configuration step = change_first(&current, &target);
                int steps = 1;
                assert_overlap(&current, &step);
                while (change_is_under_way(&step)) {
                    ck_assert(configuration_is_valid(&step));
                    struct raft_configuration next = change_next(&step);
                    assert_overlap(&step, &next);
                    step = next;
                    steps++;
                }
                ck_assert_int_le(steps, 3);
                ck_assert(configuration_is_valid(&step));
                ck_assert(configuration_equal(&step, &target));
            }
        }
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, one_voter_less_is_one_step);
    tcase_add_test(tcase, learners_come_and_go_in_one_step);
    tcase_add_test(tcase, two_voters_less_are_joint);
    tcase_add_test(tcase, voters_that_become_learners_are_outgoing_until_joint_is_left);
    tcase_add_test(tcase, new_voters_catch_up_first_and_nobody_goes_meanwhile);
    tcase_add_test(tcase, one_voter_for_another_is_joint);
    tcase_add_test(tcase, what_is_taken_back_leaves_who_was_there);
    tcase_add_test(tcase, the_union_counts_everybody_once);
    tcase_add_test(tcase, every_way_is_short_ends_at_the_target_and_its_steps_share_majorities);
}

CHECK_MAIN("raft/change", add_tests)
