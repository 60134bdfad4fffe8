/* Formation, when nodes die and disks are lost on the way. */
#include "cluster_forming.h"
#include "tests/check_main.h"

/* -- Deaths -- */

enum { POSITIONS = 4 };

struct death {
    size_t at;
    uint64_t writes; /* It dies when it has handed in one write more than these, */
    bool performed;  /* which is lost, or on disk though the node was not told. */
    bool died;
};

static void run_death(struct cluster *cluster, struct death *death) {
    struct member *member = &cluster->members[death->at];
    member->write_limit = death->died ? UINT64_MAX : death->writes;
    if (!death->died && member->writes_done >= death->writes && member->write_count > 0) {
        if (death->performed) {
            disk_perform_write(member);
        }
        cluster_kill(cluster, death->at);
        member->write_limit = UINT64_MAX;
        death->died = true;
    }
}

START_TEST(killed_at_any_write_it_forms_one_cluster_all_the_same) {
    struct death death = {
        .at = (size_t)_i % 3, .writes = (uint64_t)(_i / 3 % POSITIONS), .performed = _i / 3 / POSITIONS != 0};
    struct cluster *cluster = cluster_create(3, 7);
    cluster_start_all(cluster);
    for (unsigned ms = 0; ms < 4000; ms++) {
        run_death(cluster, &death);
        check_formation(cluster);
        cluster_run(cluster, 1);
    }
    ck_assert(death.died);
    cluster_start(cluster, death.at);
    ck_assert(cluster_run_until(cluster, all_formed, 3000));
    assert_serves(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(any_pair_killed_at_any_writes_forms_one_cluster_all_the_same) {
    /* Each of the two dies once, in its own way, and comes back some time later. */
    size_t survivor = (size_t)_i % 3;
    unsigned ways = (unsigned)_i / 3;
    struct death deaths[2] = {
        {.at = (survivor + 1) % 3, .writes = ways % POSITIONS / 2, .performed = ways % 2 != 0},
        {.at = (survivor + 2) % 3, .writes = ways / POSITIONS % POSITIONS / 2, .performed = ways / POSITIONS % 2 != 0}};
    struct cluster *cluster = cluster_create(3, (uint64_t)_i);
    cluster->disk_ms = 5;
    cluster->network_ms = 5;
    cluster_start_all(cluster);
    for (unsigned ms = 0; ms < 3000; ms++) {
        for (size_t i = 0; i < 2; i++) {
            run_death(cluster, &deaths[i]);
            if (deaths[i].died && cluster->members[deaths[i].at].node == NULL && cluster_random(cluster, 100) == 0) {
                cluster_start(cluster, deaths[i].at);
            }
        }
        check_formation(cluster);
        cluster_run(cluster, 1);
    }
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].write_limit = UINT64_MAX;
        if (cluster->members[i].node == NULL) {
            cluster_start(cluster, i);
        }
    }
    ck_assert(cluster_run_until(cluster, all_formed, 5000));
    assert_serves(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_formed_node_restarted_alone_goes_on_as_a_member) {
    struct cluster *cluster = cluster_create(3, 8);
    cluster_form(cluster);
    char id[STORAGE_CLUSTER_ID_SIZE + 1];
    memcpy(id, cluster_status(cluster, 0).cluster_id, sizeof id);
    for (size_t i = 0; i < 3; i++) {
        cluster_kill(cluster, i);
    }
    /* Its list is only a hint now. */
    cluster->members[2].options.cluster = cluster_list(1);
    cluster_start(cluster, 2);
    cluster_run(cluster, 5000);
    struct node_status status = cluster_status(cluster, 2);
    ck_assert_int_ne(status.role, NODE_WAITING);
    ck_assert_int_ne(status.role, NODE_LEADER);
    ck_assert_str_eq(status.cluster_id, id);
    ck_assert_uint_eq(status.members.count, 3);
    cluster_start(cluster, 0);
    size_t other = 2 - cluster_await_leader(cluster);
    assert_result(client_await(cluster_propose(cluster, other, PUT("a", "1"))), "{}");
    cluster_destroy(cluster);
}
END_TEST

/* -- Lost disks -- */

START_TEST(a_wiped_disk_under_a_known_id_waits_and_says_so) {
    struct cluster *cluster = cluster_create(3, 9);
    cluster_form(cluster);
    for (size_t i = 0; i < 3; i++) {
        cluster_kill(cluster, i);
    }
    /* Given node 1's directory is lost, and one other that cannot do without it. */
    cluster_blank_disk(cluster, 0);
    cluster_start(cluster, 0);
    cluster_start(cluster, 1);
    cluster_run(cluster, 10000);
    assert_waits(cluster, 0, 1, "another data directory");
    assert_waits(cluster, 0, 2, "belongs to a cluster already");
    ck_assert_uint_eq(cluster_leader(cluster), CLUSTER_MAX);
    ck_assert_uint_eq(disk_state(cluster, 0).hard_state.term, 0);
    /* With the third they are a majority without it. */
    cluster_start(cluster, 2);
    cluster_run(cluster, 10000);
    ck_assert_uint_ne(cluster_leader(cluster), CLUSTER_MAX);
    assert_waits(cluster, 0, 1, "another data directory");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_reason_of_its_own_goes_when_it_does_not_hold_any_more) {
    struct cluster *cluster = cluster_create(3, 9);
    cluster_form(cluster);
    for (size_t i = 0; i < 3; i++) {
        cluster_kill(cluster, i);
    }
    cluster_blank_disk(cluster, 0);
    cluster_start(cluster, 0);
    cluster_start(cluster, 1);
    cluster_run(cluster, 1000);
    assert_waits(cluster, 0, 1, "another data directory");
    /* When the operator begins anew with all three. */
    cluster_kill(cluster, 1);
    cluster_blank_disk(cluster, 1);
    cluster_blank_disk(cluster, 2);
    cluster_start(cluster, 1);
    cluster_run(cluster, 1000);
    ck_assert_str_eq(waiting_for(cluster, 0, 1).why, "");
    cluster_start(cluster, 2);
    ck_assert(cluster_run_until(cluster, all_formed, 2000));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_founder_that_loses_its_disk_while_forming_is_not_replaced) {
    /* Given node 1 and 2 hold the configuration, and node 3 does not yet. */
    struct cluster *cluster = cluster_create(3, 10);
    cluster_start_all(cluster);
    cluster->members[2].hold_writes = true;
    cluster_run(cluster, 1000);
    ck_assert_uint_eq(disk_state(cluster, 1).last.index, 1);
    ck_assert_uint_eq(disk_state(cluster, 2).last.index, 0);
    /* When node 1 comes back with a blank disk. */
    cluster_kill(cluster, 0);
    cluster_blank_disk(cluster, 0);
    cluster_start(cluster, 0);
    cluster->members[2].hold_writes = false;
    cluster_run(cluster, 5000);
    /* Then nobody takes part, for node 1 may have done so; and everybody says why. */
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(cluster_status(cluster, i).role, NODE_WAITING);
    }
    assert_waits(cluster, 0, 1, "another data directory");
    assert_waits(cluster, 1, 1, "another data directory");
    assert_waits(cluster, 2, 1, "another data directory");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_holder_waits_for_all_who_founded_whatever_its_list_says_now) {
    /* Given node 1 and 2 hold the configuration, and node 3 is dead before it did. */
    struct cluster *cluster = cluster_create(3, 11);
    cluster_start_all(cluster);
    cluster->members[2].hold_writes = true;
    cluster_run(cluster, 1000);
    cluster_kill(cluster, 2);
    /* When the others are restarted with a list that leaves it out. */
    for (size_t i = 0; i < 2; i++) {
        cluster_kill(cluster, i);
        cluster->members[i].options.cluster = cluster_list(2);
        cluster_start(cluster, i);
    }
    cluster_run_until(cluster, never, 5000);
    assert_waits(cluster, 0, 3, "connection refused");
    cluster_start(cluster, 2);
    ck_assert(cluster_run_until(cluster, all_formed, 5000));
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, killed_at_any_write_it_forms_one_cluster_all_the_same, 0, 3 * POSITIONS * 2);
    tcase_add_loop_test(tcase, any_pair_killed_at_any_writes_forms_one_cluster_all_the_same, 0, 3 * POSITIONS * POSITIONS);
    tcase_add_test(tcase, a_formed_node_restarted_alone_goes_on_as_a_member);
    tcase_add_test(tcase, a_wiped_disk_under_a_known_id_waits_and_says_so);
    tcase_add_test(tcase, a_reason_of_its_own_goes_when_it_does_not_hold_any_more);
    tcase_add_test(tcase, a_founder_that_loses_its_disk_while_forming_is_not_replaced);
    tcase_add_test(tcase, a_holder_waits_for_all_who_founded_whatever_its_list_says_now);
}

CHECK_MAIN("formation_disks", add_tests)
