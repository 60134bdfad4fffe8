/* Which configuration is in effect, as entries come, go and are committed. */
#include "tests/check_main.h"

#include "server/raft/configuration.h"
#include "tests/unit/raft/fellows.h"

/* A history with configurations of 1, 2, 3, ... voters at these indexes. */
static struct configuration_history history_of(size_t count, const raft_index *indexes) {
    struct configuration_history history;
    configuration_init(&history);
    for (size_t i = 0; i < count; i++) {
        struct raft_configuration configuration = harness_configuration(i + 1, 0);
        configuration_append(&history, indexes[i], &configuration);
    }
    return history;
}

static void assert_current(const struct configuration_history *history, raft_index index, size_t voters) {
    ck_assert_uint_eq(configuration_current(history)->index, index);
    ck_assert_uint_eq(configuration_current(history)->configuration.voter_count, voters);
}

START_TEST(before_the_first_entry_nobody_is_a_member) {
    struct configuration_history history = history_of(0, NULL);
    assert_current(&history, 0, 0);
    ck_assert_uint_eq(configuration_current(&history)->configuration.learner_count, 0);
    configuration_clear(&history);
}
END_TEST

START_TEST(a_configuration_is_in_effect_as_soon_as_it_is_appended) {
    struct configuration_history history = history_of(2, (raft_index[]){1, 5});
    assert_current(&history, 5, 2);
    configuration_clear(&history);
}
END_TEST

START_TEST(the_one_before_comes_back_when_an_entry_is_truncated) {
    struct configuration_history history = history_of(3, (raft_index[]){1, 5, 9});
    ck_assert(configuration_truncate(&history, 9));
    assert_current(&history, 5, 2);
    ck_assert(configuration_truncate(&history, 2));
    assert_current(&history, 1, 1);
    ck_assert(configuration_truncate(&history, 1));
    assert_current(&history, 0, 0);
    configuration_clear(&history);
}
END_TEST

START_TEST(several_are_truncated_at_once) {
    struct configuration_history history = history_of(4, (raft_index[]){1, 5, 6, 7});
    ck_assert(configuration_truncate(&history, 5));
    assert_current(&history, 1, 1);
    configuration_clear(&history);
}
END_TEST

START_TEST(truncation_above_the_newest_changes_nothing) {
    struct configuration_history history = history_of(2, (raft_index[]){1, 5});
    ck_assert(!configuration_truncate(&history, 6));
    assert_current(&history, 5, 2);
    configuration_clear(&history);
}
END_TEST

START_TEST(committing_forgets_what_cannot_come_back_and_nothing_else) {
    struct configuration_history history = history_of(3, (raft_index[]){1, 5, 9});
    configuration_commit(&history, 4);
    ck_assert_uint_eq(history.count, 3);
    ck_assert_uint_eq(history.list[0].index, 1);
    configuration_commit(&history, 5);
    ck_assert_uint_eq(history.count, 2);
    ck_assert_uint_eq(history.list[0].index, 5);
    assert_current(&history, 9, 3);
    ck_assert(configuration_truncate(&history, 6));
    assert_current(&history, 5, 2);
    configuration_clear(&history);
}
END_TEST

START_TEST(committing_all_keeps_the_newest) {
    struct configuration_history history = history_of(3, (raft_index[]){1, 5, 9});
    configuration_commit(&history, 100);
    ck_assert_uint_eq(history.count, 1);
    assert_current(&history, 9, 3);
    configuration_commit(&history, 200);
    assert_current(&history, 9, 3);
    configuration_clear(&history);
}
END_TEST

START_TEST(committing_before_the_first_entry_keeps_the_empty_one) {
    struct configuration_history history = history_of(1, (raft_index[]){3});
    configuration_commit(&history, 2);
    ck_assert(configuration_truncate(&history, 3));
    assert_current(&history, 0, 0);
    configuration_clear(&history);
}
END_TEST

START_TEST(a_configuration_of_the_largest_size_is_kept_whole) {
    struct configuration_history history = history_of(0, NULL);
    struct raft_configuration largest = harness_configuration(RAFT_MEMBERS_MAX - 4, 4);
    configuration_append(&history, 1, &largest);
    const struct raft_configuration *kept = &configuration_current(&history)->configuration;
    ck_assert_uint_eq(kept->voters[RAFT_MEMBERS_MAX - 5], RAFT_MEMBERS_MAX - 4);
    ck_assert_uint_eq(kept->learners[3], RAFT_MEMBERS_MAX);
    configuration_clear(&history);
}
END_TEST

static bool install(struct configuration_history *history, raft_index through, raft_index index, size_t voters) {
    return configuration_install(history, through, &(struct configuration_at){index, harness_configuration(voters, 0)});
}

START_TEST(a_snapshot_takes_the_place_of_what_it_covers_and_later_ones_stay) {
    struct configuration_history history = history_of(3, (raft_index[]){1, 5, 9});
    ck_assert(!install(&history, 8, 5, 7));
    assert_current(&history, 9, 3);
    ck_assert_uint_eq(history.count, 2);
    ck_assert(configuration_truncate(&history, 9));
    assert_current(&history, 5, 7);
    configuration_clear(&history);
}
END_TEST

START_TEST(a_snapshot_brings_a_configuration_that_the_log_never_had) {
    struct configuration_history history = history_of(1, (raft_index[]){1});
    ck_assert(install(&history, 20, 17, 5));
    assert_current(&history, 17, 5);
    ck_assert_uint_eq(history.count, 1);
    configuration_clear(&history);
}
END_TEST

START_TEST(a_snapshot_in_the_place_of_the_whole_log_leaves_no_other) {
    struct configuration_history history = history_of(3, (raft_index[]){1, 5, 9});
    ck_assert(install(&history, UINT64_MAX, 3, 4));
    assert_current(&history, 3, 4);
    ck_assert_uint_eq(history.count, 1);
    configuration_clear(&history);
}
END_TEST

START_TEST(a_snapshot_with_the_configuration_in_effect_changes_nothing) {
    struct configuration_history history = history_of(2, (raft_index[]){1, 5});
    ck_assert(!install(&history, 8, 5, 2));
    assert_current(&history, 5, 2);
    ck_assert_uint_eq(history.count, 1);
    configuration_clear(&history);
}
END_TEST

START_TEST(an_installed_configuration_takes_effect_also_where_another_stood) {
    struct configuration_history history = history_of(2, (raft_index[]){1, 5});
    struct configuration_at snapshot = {5, harness_configuration(4, 0)};
    ck_assert(configuration_install(&history, UINT64_MAX, &snapshot));
    assert_current(&history, 5, 4);
    ck_assert(!configuration_install(&history, UINT64_MAX, &snapshot));
    configuration_clear(&history);
}
END_TEST

START_TEST(the_one_before_is_the_one_that_can_come_back) {
    struct configuration_history history = history_of(2, (raft_index[]){1, 5});
    ck_assert_uint_eq(configuration_previous(&history)->index, 1);
    configuration_commit(&history, 5);
    ck_assert_ptr_null(configuration_previous(&history));
    configuration_clear(&history);
}
END_TEST

static void assert_valid(struct raft_configuration configuration, bool valid) {
    ck_assert(configuration_is_valid(&configuration) == valid);
}

START_TEST(lists_ascend_and_are_of_ids) {
    assert_valid(fellows_configuration("123", "45"), true);
    assert_valid(fellows_configuration("", "45"), false);
    assert_valid(fellows_configuration("213", NULL), false);
    assert_valid(fellows_configuration("11", NULL), false);
    assert_valid(fellows_configuration("01", NULL), false);
    assert_valid(fellows_configuration("1", "32"), false);
    struct raft_configuration far = {.voter_count = 1, .voters = {RAFT_NUMBER_MAX + 1}};
    assert_valid(far, false);
    far.voters[0] = RAFT_NUMBER_MAX;
    assert_valid(far, true);
    far.voter_count = RAFT_MEMBERS_MAX + 1;
    assert_valid(far, false);
    struct raft_configuration full = harness_configuration(RAFT_MEMBERS_MAX, 0);
    assert_valid(full, true);
    full.voter_count++; /* As long as it says it cannot be. */
    assert_valid(full, false);
    assert_valid(harness_configuration(RAFT_MEMBERS_MAX, 1), false);
}
END_TEST

START_TEST(nobody_is_a_learner_and_a_voter_old_or_new) {
    assert_valid(fellows_configuration("12", "2"), false);
    assert_valid(fellows_joint("12", "34", "4", NULL), false);
    assert_valid(fellows_joint("12", "34", "5", "45"), true);
}
END_TEST

START_TEST(a_change_leads_to_members_each_once) {
    assert_valid(fellows_catching_up("12", "3", "3", "123", NULL), true);
    assert_valid(fellows_catching_up("12", "3", "2", "123", NULL), false);  /* Joining are learners. */
    assert_valid(fellows_catching_up("12", "3", NULL, "124", NULL), false); /* 4 is nobody. */
    assert_valid(fellows_catching_up("12", "3", NULL, "123", "3"), false);
    assert_valid(fellows_catching_up("12", "3", "3", NULL, NULL), false);
    assert_valid(fellows_catching_up("12", "3", NULL, NULL, "3"), false);
}
END_TEST

START_TEST(a_joint_configuration_says_where_it_leads) {
    struct raft_configuration joint = fellows_joint("12", "34", NULL, NULL);
    assert_valid(joint, true);
    joint.next_voters[1] = 3;
    assert_valid(joint, false);
    joint.next_voter_count = 0;
    assert_valid(joint, false);
}
END_TEST

START_TEST(a_list_of_any_kind_that_does_not_ascend_is_refused) {
    assert_valid(fellows_joint("12", "34", "56", "56"), true);
    assert_valid(fellows_joint("12", "43", "56", "56"), false);
    assert_valid(fellows_joint("12", "34", "56", "65"), false);
    assert_valid(fellows_catching_up("12", "34", "34", "1234", NULL), true);
    assert_valid(fellows_catching_up("12", "34", "43", "1234", NULL), false);
    assert_valid(fellows_catching_up("12", "34", "34", "1243", NULL), false);
}
END_TEST

START_TEST(nobody_joins_and_nobody_unknown_comes_of_what_is_joint) {
    struct raft_configuration joint = fellows_joint("12", "34", "5", "5");
    joint.joining[joint.joining_count++] = 5;
    assert_valid(joint, false);
    assert_valid(fellows_joint("12", "34", "5", "6"), false);
    assert_valid(fellows_catching_up("12", "3", "3", "123", "4"), false);
}
END_TEST

START_TEST(configurations_are_equal_when_all_their_lists_are) {
    struct raft_configuration one = fellows_catching_up("12", "345", "3", "123", "45");
    struct raft_configuration joint = fellows_joint("12", "34", "5", "5");
    const struct raft_configuration others[] = {
        fellows_catching_up("16", "345", "3", "123", "45"), fellows_catching_up("12", "346", "3", "123", "45"),
        fellows_catching_up("12", "345", "4", "123", "45"), fellows_catching_up("12", "345", "3", "124", "45"),
        fellows_catching_up("12", "345", "3", "123", "4"),  fellows_catching_up("12", "345", NULL, "123", "45"),
    };
    ck_assert(configuration_equal(&one, &(struct raft_configuration){0}) == false);
    ck_assert(configuration_equal(&one, &one));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ck_assert_msg(!configuration_equal(&one, &others[i]), "number %zu", i);
        ck_assert_msg(!configuration_equal(&others[i], &one), "number %zu", i);
    }
    struct raft_configuration from_others = fellows_joint("12", "46", "5", "5");
    ck_assert(configuration_equal(&joint, &joint));
    ck_assert(!configuration_equal(&joint, &from_others));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_list_of_any_kind_that_does_not_ascend_is_refused);
    tcase_add_test(tcase, nobody_joins_and_nobody_unknown_comes_of_what_is_joint);
    tcase_add_test(tcase, configurations_are_equal_when_all_their_lists_are);
    tcase_add_test(tcase, an_installed_configuration_takes_effect_also_where_another_stood);
    tcase_add_test(tcase, the_one_before_is_the_one_that_can_come_back);
    tcase_add_test(tcase, lists_ascend_and_are_of_ids);
    tcase_add_test(tcase, nobody_is_a_learner_and_a_voter_old_or_new);
    tcase_add_test(tcase, a_change_leads_to_members_each_once);
    tcase_add_test(tcase, a_joint_configuration_says_where_it_leads);
    tcase_add_test(tcase, before_the_first_entry_nobody_is_a_member);
    tcase_add_test(tcase, a_configuration_is_in_effect_as_soon_as_it_is_appended);
    tcase_add_test(tcase, the_one_before_comes_back_when_an_entry_is_truncated);
    tcase_add_test(tcase, several_are_truncated_at_once);
    tcase_add_test(tcase, truncation_above_the_newest_changes_nothing);
    tcase_add_test(tcase, committing_forgets_what_cannot_come_back_and_nothing_else);
    tcase_add_test(tcase, committing_all_keeps_the_newest);
    tcase_add_test(tcase, committing_before_the_first_entry_keeps_the_empty_one);
    tcase_add_test(tcase, a_configuration_of_the_largest_size_is_kept_whole);
    tcase_add_test(tcase, a_snapshot_takes_the_place_of_what_it_covers_and_later_ones_stay);
    tcase_add_test(tcase, a_snapshot_brings_a_configuration_that_the_log_never_had);
    tcase_add_test(tcase, a_snapshot_in_the_place_of_the_whole_log_leaves_no_other);
    tcase_add_test(tcase, a_snapshot_with_the_configuration_in_effect_changes_nothing);
}

CHECK_MAIN("raft/configuration", add_tests)
