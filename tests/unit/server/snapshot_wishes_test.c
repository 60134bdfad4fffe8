#include "cluster.h"
#include "tests/check_main.h"

static size_t form(struct cluster **out_cluster, size_t count, uint64_t seed) {
    *out_cluster = cluster_create(count, seed);
    size_t leader = cluster_form(*out_cluster);
    cluster_run(*out_cluster, HEARTBEAT_MS);
    return leader;
}

START_TEST(whoever_asks_gets_one_that_covers_what_was_applied) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 1);
    client_await(cluster_propose(cluster, leader, PUT("a", "1")));
    cluster_run(cluster, 2 * HEARTBEAT_MS);
    for (size_t i = 0; i < 3; i++) {
        raft_index applied = cluster_status(cluster, i).applied_index;
        struct client *client = client_await(cluster_snapshot(cluster, i));
        assert_problem(client, PROBLEM_NONE, false);
        ck_assert_uint_eq(client->lines[0].id.index, applied);
        ck_assert_uint_eq(client->lines[0].id.term, cluster_status(cluster, i).applied_term);
        ck_assert_uint_gt(client->number, 0);
        ck_assert_uint_eq(cluster_status(cluster, i).snapshot.id.index, applied);
    }
    cluster_destroy(cluster);
}
END_TEST

START_TEST(when_nothing_was_applied_since_it_is_the_one_there_is) {
    struct cluster *cluster;
    form(&cluster, 1, 2);
    struct client *first = client_await(cluster_snapshot(cluster, 0));
    struct client *second = client_await(cluster_snapshot(cluster, 0));
    ck_assert_uint_eq(first->lines[0].id.index, second->lines[0].id.index);
    ck_assert_uint_eq(cluster_status(cluster, 0).snapshots_taken, 1);
    client_await(cluster_propose(cluster, 0, PUT("a", "1")));
    struct client *third = client_await(cluster_snapshot(cluster, 0));
    ck_assert_uint_gt(third->lines[0].id.index, first->lines[0].id.index);
    ck_assert_uint_eq(cluster_status(cluster, 0).snapshots_taken, 2);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(one_under_way_is_not_enough_when_more_was_applied_since_it_began) {
    struct cluster *cluster;
    form(&cluster, 1, 3);
    cluster->members[0].hold_jobs = true;
    struct client *early = cluster_snapshot(cluster, 0);
    cluster_settle(cluster);
    client_await(cluster_propose(cluster, 0, PUT("a", "1")));
    raft_index applied = cluster_status(cluster, 0).applied_index;
    struct client *late = cluster_snapshot(cluster, 0);
    struct client *later = cluster_snapshot(cluster, 0);
    cluster_settle(cluster);
    cluster->members[0].hold_jobs = false;
    client_await(early);
    client_await(late);
    client_await(later);
    ck_assert_uint_eq(early->lines[0].id.index, applied - 1);
    ck_assert_uint_eq(late->lines[0].id.index, applied);
    ck_assert_uint_eq(later->lines[0].id.index, applied);
    ck_assert_uint_eq(cluster_status(cluster, 0).snapshots_taken, 2);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_without_state_is_not_ready) {
    struct cluster *cluster = cluster_create(2, 4);
    cluster_start(cluster, 0);
    assert_problem(client_await(cluster_snapshot(cluster, 0)), PROBLEM_NOT_READY, false);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(after_the_time_out_it_goes_on) {
    struct cluster *cluster;
    form(&cluster, 1, 5);
    cluster->members[0].hold_jobs = true;
    struct client *client = cluster_snapshot_with(cluster, 0, false, 300);
    cluster_run(cluster, 299);
    ck_assert_uint_eq(client->answers, 0);
    cluster_run(cluster, 1);
    assert_problem(client, PROBLEM_TIMEOUT, true);
    cluster->members[0].hold_jobs = false;
    cluster_run(cluster, 10);
    ck_assert_uint_gt(cluster_status(cluster, 0).snapshot.id.index, 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(the_file_is_opened_for_whoever_wants_it) {
    struct cluster *cluster;
    form(&cluster, 1, 6);
    struct client *client = client_await(cluster_snapshot_with(cluster, 0, true, 1000));
    assert_problem(client, PROBLEM_NONE, false);
    ck_assert_uint_eq(client->number, cluster_status(cluster, 0).snapshot.length);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(clients_that_leave_in_any_state_leave_nothing_behind) {
    struct cluster *cluster;
    form(&cluster, 1, 7);
    for (int stage = 0; stage < 4; stage++) {
        client_await(cluster_propose(cluster, 0, PUT("a", "1")));
        struct client *client = cluster_snapshot_with(cluster, 0, true, 60000);
        if (stage == 1) {
            cluster->members[0].hold_jobs = true; /* Being written. */
            cluster_settle(cluster);
        } else if (stage >= 2) {
            client_await(cluster_snapshot(cluster, 0));
            cluster->members[0].hold_jobs = stage == 2; /* Being opened: not begun, */
            cluster->members[0].hold_ends = stage == 3; /* or open and not told. */
            cluster_settle(cluster);
        }
        if (client->answers == 0) {
            client_cancel(client);
        }
        cluster->members[0].hold_jobs = cluster->members[0].hold_ends = false;
        cluster_run(cluster, 10); /* The sanitizers see what is not freed. */
    }
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_that_ends_tells_those_who_wait_though_a_file_is_being_opened) {
    for (int stage = 0; stage < 2; stage++) {
        struct cluster *cluster;
        form(&cluster, 1, 8);
        client_await(cluster_snapshot(cluster, 0));
        cluster->members[0].hold_jobs = stage == 0;
        cluster->members[0].hold_ends = stage == 1;
        struct client *client = cluster_snapshot_with(cluster, 0, true, 60000);
        cluster_settle(cluster);
        cluster_kill(cluster, 0);
        assert_problem(client, PROBLEM_SHUTTING_DOWN, true);
        cluster_destroy(cluster);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, whoever_asks_gets_one_that_covers_what_was_applied);
    tcase_add_test(tcase, when_nothing_was_applied_since_it_is_the_one_there_is);
    tcase_add_test(tcase, one_under_way_is_not_enough_when_more_was_applied_since_it_began);
    tcase_add_test(tcase, a_node_without_state_is_not_ready);
    tcase_add_test(tcase, after_the_time_out_it_goes_on);
    tcase_add_test(tcase, the_file_is_opened_for_whoever_wants_it);
    tcase_add_test(tcase, clients_that_leave_in_any_state_leave_nothing_behind);
    tcase_add_test(tcase, a_node_that_ends_tells_those_who_wait_though_a_file_is_being_opened);
}

CHECK_MAIN("snapshot_wishes", add_tests)
