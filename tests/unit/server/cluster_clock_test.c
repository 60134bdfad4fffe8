/* The clock in the log: it goes on from what was seen, with what passes on the leader, and never back. */
#include "server/cluster_clock.h"
#include "tests/check_main.h"

START_TEST(it_runs_with_the_leaders_own_clock) {
    struct cluster_clock clock = {0};
    cluster_clock_lead(&clock, 1, 5000);
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 5000), 0);
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 5040), 40);
    cluster_clock_lead(&clock, 1, 5050); /* The same leadership goes on. */
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 5060), 60);
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 5060), 60);
}
END_TEST

START_TEST(a_new_leader_goes_on_from_the_highest_stamp_it_has_seen) {
    struct cluster_clock clock = {0};
    cluster_clock_see(&clock, 70000);
    cluster_clock_see(&clock, 300);
    cluster_clock_lead(&clock, 4, 100); /* Its own clock has nothing to do with the leader's before. */
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 107), 70007);
}
END_TEST

START_TEST(what_passes_while_others_lead_or_nobody_does_is_not_counted_twice) {
    struct cluster_clock clock = {0};
    cluster_clock_lead(&clock, 1, 1000);
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 1010), 10);
    cluster_clock_see(&clock, 25); /* Another's, of term 2. */
    cluster_clock_lead(&clock, 3, 9000);
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 9001), 26);
}
END_TEST

START_TEST(what_was_truncated_has_not_passed) {
    struct cluster_clock clock = {0};
    cluster_clock_lead(&clock, 1, 1000);
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 1010), 10);
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 9010), 8010); /* Nobody else ever has this one. */
    cluster_clock_truncate(&clock, 10);
    cluster_clock_see(&clock, 50);
    cluster_clock_lead(&clock, 3, 9100);
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 9101), 51);
    cluster_clock_truncate(&clock, 70); /* Of nothing that was newest. */
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 9101), 51);
}
END_TEST

START_TEST(a_stamp_does_not_pass_the_largest_number) {
    struct cluster_clock clock = {0};
    cluster_clock_see(&clock, RAFT_NUMBER_MAX - 5);
    cluster_clock_lead(&clock, 1, 0);
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 5), RAFT_NUMBER_MAX);
    ck_assert_uint_eq(cluster_clock_stamp(&clock, 900), RAFT_NUMBER_MAX);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, it_runs_with_the_leaders_own_clock);
    tcase_add_test(tcase, a_new_leader_goes_on_from_the_highest_stamp_it_has_seen);
    tcase_add_test(tcase, what_passes_while_others_lead_or_nobody_does_is_not_counted_twice);
    tcase_add_test(tcase, what_was_truncated_has_not_passed);
    tcase_add_test(tcase, a_stamp_does_not_pass_the_largest_number);
}

CHECK_MAIN("cluster_clock", add_tests)
