#include "cluster_members.h"
#include "tests/check_main.h"

static const char *why_waits(struct cluster *cluster, size_t at) {
    static struct node_status status;
    status = cluster_status(cluster, at);
    ck_assert_int_eq(status.role, NODE_WAITING);
    ck_assert_uint_gt(status.waiting_count, 0);
    return status.waiting[0].why;
}

static void assert_waits_because(struct cluster *cluster, size_t at, const char *part) {
    const char *why = why_waits(cluster, at);
    ck_assert_msg(strstr(why, part) != NULL, "'%s' does not say %s", why, part);
}

START_TEST(whoever_is_asked_in_vain_is_asked_again) {
    struct cluster *cluster = cluster_create(2, 1);
    cluster->members[0].options.cluster = cluster_list(1);
    cluster->members[1].options.cluster = (struct members){0};
    cluster->members[1].options.join_url = cluster->members[0].url;
    cluster_start(cluster, 1);
    cluster_settle(cluster);
    assert_waits_because(cluster, 1, "connection refused");
    ck_assert_str_eq(cluster_status(cluster, 1).waiting[0].url, "http://node1:8001");
    cluster_run(cluster, 60000);
    cluster_start(cluster, 0);
    members_await(cluster, 1, "1,2");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_that_is_asked_while_its_own_cluster_forms_is_asked_again) {
    struct cluster *cluster = cluster_create(3, 2);
    for (size_t i = 0; i < 2; i++) {
        cluster->members[i].options.cluster = cluster_list(2);
    }
    cluster->members[2].options.cluster = (struct members){0};
    cluster->members[2].options.join_url = cluster->members[0].url;
    cluster_start(cluster, 0);
    cluster_start(cluster, 2);
    cluster_run(cluster, 1000);
    assert_waits_because(cluster, 2, "in no cluster yet");
    cluster_start(cluster, 1);
    members_await(cluster, 2, "1,2,3");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(the_members_it_has_heard_of_are_asked_when_the_first_is_gone) {
    struct cluster *cluster = members_cluster(4, 3, 3);
    size_t leader = cluster_leader(cluster);
    client_await(cluster_transfer(cluster, leader, leader == 0 ? 1 : leader));
    cluster_await_leader(cluster);
    cluster_start(cluster, 3);
    cluster->lost[1][3] = cluster->lost[2][3] = true; /* No leader's call comes. */
    cluster_run(cluster, 1);
    cluster_kill(cluster, 0);
    cluster->lost[1][3] = cluster->lost[2][3] = false;
    members_await(cluster, 3, "1,2,3,4");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(another_machine_is_a_reason_to_wait) {
    struct cluster *cluster = members_cluster(4, 3, 4);
    cluster->members[3].options.machine = machine_by_name("register");
    cluster_start(cluster, 3);
    cluster_run(cluster, 1000);
    assert_waits_because(cluster, 3, "runs --machine hashmap");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(an_id_that_is_taken_is_a_reason_to_wait_and_the_cure_is_named) {
    struct cluster *cluster = members_cluster(3, 3, 5);
    size_t lost = (cluster_leader(cluster) + 1) % 3;
    size_t other = (lost + 1) % 3;
    cluster_kill(cluster, lost);
    cluster_blank_disk(cluster, lost);
    cluster->members[lost].options.cluster = (struct members){0};
    cluster->members[lost].options.join_url = cluster->members[other].url;
    cluster_start(cluster, lost);
    cluster_run(cluster, 3000);
    assert_waits_because(cluster, lost, "--replace");
    cluster_destroy(cluster);
}
END_TEST

/* By --join or by --cluster, alike. */
START_TEST(a_blank_disk_takes_the_place_of_a_lost_one) {
    struct cluster *cluster = members_cluster(3, 3, 6 + (uint64_t)_i);
    assert_result(client_await(cluster_propose(cluster, 0, PUT("a", "1"))), "{}");
    size_t lost = (cluster_leader(cluster) + 1) % 3;
    size_t other = (lost + 1) % 3;
    cluster_kill(cluster, lost);
    cluster_blank_disk(cluster, lost);
    if (_i == 0) {
        cluster->members[lost].options.cluster = (struct members){0};
        cluster->members[lost].options.join_url = cluster->members[other].url;
    }
    cluster->members[lost].options.replace = true;
    cluster_start(cluster, lost);
    members_await(cluster, lost, "1,2,3");
    ck_assert_int_eq(cluster_status(cluster, lost).role, NODE_FOLLOWER);
    const struct members_member *self =
        roster_self(&cluster_node(cluster, lost)->roster, lost + 1, cluster->members[lost].incarnation);
    ck_assert_ptr_nonnull(self);
    assert_result(client_await(cluster_get(cluster, lost)), "{\"found\":true,\"value\":1}");
    cluster_destroy(cluster);
}
END_TEST

/* The log begins with a cluster of which that id was the only voter. */
START_TEST(who_reads_of_the_disk_that_was_lost_does_not_stand_for_it) {
    struct cluster *cluster = members_cluster(2, 1, 36);
    cluster->members[1].options.batch_entries = 1;
    cluster_start(cluster, 1);
    members_await(cluster, 1, "1,2");
    client_await(members_by_id(cluster, 1, CHANGE_REMOVE, 0));
    members_await(cluster, 1, "2");
    cluster_kill(cluster, 0);
    cluster_blank_disk(cluster, 0);
    cluster->members[0].options.cluster = (struct members){0};
    cluster->members[0].options.join_url = cluster->members[1].url;
    cluster->members[0].options.learner = true;
    cluster_start(cluster, 0);
    struct storage_state state = {0};
    cluster->network_ms = 20;
    for (unsigned ms = 0; state.last.index == 0; ms++) {
        ck_assert_uint_lt(ms, 20000);
        cluster_run(cluster, 1);
        storage_state(cluster->members[0].storage, &state);
    }
    cluster_set_around(cluster, cluster->lost, 0, true);
    assert_members(cluster, 0, "1");
    cluster_restart(cluster, 0);
    cluster_run(cluster, 20 * ELECTION_MS);
    ck_assert(!node_is_leader(cluster_node(cluster, 0)));
    ck_assert_uint_eq(raft_last_index(cluster_node(cluster, 0)->core), state.last.index);
    cluster_set_around(cluster, cluster->lost, 0, false);
    members_await(cluster, 0, "2+1");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(who_takes_a_learners_place_is_a_learner) {
    struct cluster *cluster = members_cluster(4, 3, 12);
    cluster->members[3].options.learner = true;
    cluster_start(cluster, 3);
    members_await(cluster, 3, "1,2,3+4");
    cluster_kill(cluster, 3);
    cluster_blank_disk(cluster, 3);
    cluster->members[3].options.learner = false;
    cluster->members[3].options.replace = true;
    cluster_run(cluster, 2 * ELECTION_MS);
    cluster_start(cluster, 3);
    members_await(cluster, 3, "1,2,3+4");
    cluster_run(cluster, 10 * ELECTION_MS);
    assert_members(cluster, 3, "1,2,3+4");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(nobodys_place_is_taken_while_it_is_heard) {
    struct cluster *cluster = members_cluster(4, 3, 9);
    size_t leader = cluster_leader(cluster);
    struct change change = {.kind = CHANGE_REPLACE, .own = true, .members = {.count = 1}};
    for (size_t i = 0; i < 3; i++) {
        change.members.list[0] = members_at(cluster, i, true);
        snprintf(change.members.list[0].incarnation, sizeof change.members.list[0].incarnation,
                 "ffffffffffffffffffffffffffffffff");
        struct client *client = members_change(cluster, leader, &change, 5000, true);
        assert_problem(client_await(client), PROBLEM_CONFLICT, false);
        ck_assert_ptr_nonnull(strstr(client->problem.detail, "was heard"));
    }
    assert_members(cluster, leader, "1,2,3");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(of_two_voters_the_rest_is_no_majority_and_that_is_said) {
    struct cluster *cluster = members_cluster(2, 2, 10);
    cluster_kill(cluster, 1);
    cluster_blank_disk(cluster, 1);
    cluster->members[1].options.replace = true;
    cluster_start(cluster, 1);
    cluster_run(cluster, 20000);
    char why[PROBLEM_DETAIL_SIZE];
    ck_assert(!node_ready(cluster_node(cluster, 1), why, sizeof why)); /* It has room for the first reason. */
    ck_assert_msg(strncmp(why, "waiting to join", 15) == 0 && strstr(why, "no majority") != NULL, "%s", why);
    struct node_status status = cluster_status(cluster, 1);
    for (size_t i = 0; i < status.waiting_count; i++) { /* Nobody is told to do what was done. */
        ck_assert_ptr_null(strstr(status.waiting[i].why, "start this one with --replace"));
    }
    assert_members(cluster, 0, "1,2");
    cluster_destroy(cluster);
}
END_TEST

/* The leader dies after it has taken the old one out: the blank one's own request brings it in. */
START_TEST(a_replacement_goes_on_under_the_next_leader) {
    struct cluster *cluster = members_cluster(5, 5, 11);
    size_t leader = cluster_leader(cluster);
    size_t lost = (leader + 1) % 5;
    cluster_kill(cluster, lost);
    cluster_blank_disk(cluster, lost);
    cluster->members[lost].options.replace = true;
    cluster->network_ms = 10;
    cluster_start(cluster, lost);
    while (cluster_status(cluster, leader).members.count == 5) {
        cluster_run(cluster, 1);
        ck_assert_uint_lt(cluster->now_ms, 1000000 + 60000);
    }
    cluster_kill(cluster, leader);
    members_await(cluster, lost, "1,2,3,4,5");
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, whoever_is_asked_in_vain_is_asked_again);
    tcase_add_test(tcase, a_node_that_is_asked_while_its_own_cluster_forms_is_asked_again);
    tcase_add_test(tcase, the_members_it_has_heard_of_are_asked_when_the_first_is_gone);
    tcase_add_test(tcase, another_machine_is_a_reason_to_wait);
    tcase_add_test(tcase, an_id_that_is_taken_is_a_reason_to_wait_and_the_cure_is_named);
    tcase_add_loop_test(tcase, a_blank_disk_takes_the_place_of_a_lost_one, 0, 2);
    tcase_add_test(tcase, who_reads_of_the_disk_that_was_lost_does_not_stand_for_it);
    tcase_add_test(tcase, who_takes_a_learners_place_is_a_learner);
    tcase_add_test(tcase, nobodys_place_is_taken_while_it_is_heard);
    tcase_add_test(tcase, of_two_voters_the_rest_is_no_majority_and_that_is_said);
    tcase_add_test(tcase, a_replacement_goes_on_under_the_next_leader);
}

CHECK_MAIN("joining", add_tests)
