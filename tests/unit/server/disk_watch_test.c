#include "cluster.h"
#include "tests/check_main.h"

struct setting {
    struct cluster *cluster;
    size_t leader;
    size_t follower;
};

static struct setting begin(size_t count, uint64_t seed) {
    struct cluster *cluster = cluster_create(count, seed);
    size_t leader = cluster_form(cluster);
    cluster_run(cluster, HEARTBEAT_MS);
    return (struct setting){cluster, leader, cluster_other(cluster, leader)};
}

static struct node_disk_status disk_of(struct setting *now, size_t at) {
    return cluster_status(now->cluster, at).disk;
}

START_TEST(the_oldest_unfinished_write_counts_and_a_new_one_does_not_hide_it) {
    struct setting now = begin(3, 1);
    ck_assert_uint_eq(disk_of(&now, now.leader).oldest_write_ms, 0);
    now.cluster->members[now.leader].hold_writes = true;
    cluster_propose(now.cluster, now.leader, PUT("a", "1"));
    cluster_run(now.cluster, 300);
    cluster_propose(now.cluster, now.leader, PUT("a", "2"));
    cluster_run(now.cluster, 100);
    ck_assert_uint_eq(disk_of(&now, now.leader).oldest_write_ms, 400);
    ck_assert_uint_gt(cluster_node(now.cluster, now.leader)->disk_watch.bytes, 0);
    disk_finish_write(&now.cluster->members[now.leader]);
    cluster_run(now.cluster, 50);
    ck_assert_uint_eq(disk_of(&now, now.leader).oldest_write_ms, 150);
    now.cluster->members[now.leader].hold_writes = false;
    cluster_run(now.cluster, 1);
    ck_assert_uint_eq(disk_of(&now, now.leader).oldest_write_ms, 0);
    ck_assert_uint_eq(cluster_node(now.cluster, now.leader)->disk_watch.bytes, 0);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_disk_stalls_when_a_write_has_taken_an_election_time_out) {
    struct setting now = begin(1, 2);
    now.cluster->members[0].hold_writes = true;
    cluster_propose(now.cluster, 0, PUT("a", "1"));
    cluster_run(now.cluster, ELECTION_MS - 1);
    ck_assert(!disk_of(&now, 0).stalled);
    cluster_run(now.cluster, 1);
    ck_assert(disk_of(&now, 0).stalled);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(it_is_well_again_when_for_as_long_no_write_has_taken_half_of_that) {
    struct setting now = begin(1, 3);
    struct member *member = &now.cluster->members[0];
    member->hold_writes = true;
    cluster_propose(now.cluster, 0, PUT("a", "1"));
    cluster_run(now.cluster, 3 * ELECTION_MS);
    ck_assert(disk_of(&now, 0).stalled);
    /* One more slow write begins the time anew. */
    member->hold_writes = false;
    cluster_run(now.cluster, ELECTION_MS / 2 - 100);
    member->hold_writes = true;
    cluster_propose(now.cluster, 0, PUT("a", "2"));
    cluster_run(now.cluster, ELECTION_MS / 2);
    member->hold_writes = false;
    cluster_run(now.cluster, ELECTION_MS - 1);
    ck_assert(disk_of(&now, 0).stalled);
    cluster_run(now.cluster, 1);
    ck_assert(!disk_of(&now, 0).stalled);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_write_that_takes_less_than_half_does_not_begin_the_time_anew) {
    struct setting now = begin(1, 4);
    struct member *member = &now.cluster->members[0];
    member->hold_writes = true;
    cluster_propose(now.cluster, 0, PUT("a", "1"));
    cluster_run(now.cluster, ELECTION_MS);
    member->hold_writes = false;
    cluster_run(now.cluster, ELECTION_MS / 2);
    member->hold_writes = true;
    cluster_propose(now.cluster, 0, PUT("a", "2"));
    cluster_run(now.cluster, ELECTION_MS / 2 - 1);
    member->hold_writes = false;
    cluster_run(now.cluster, 1);
    ck_assert(!disk_of(&now, 0).stalled);
    cluster_destroy(now.cluster);
}
END_TEST

/* Leadership can be given to it again. */
static void assert_led_by(struct cluster *cluster, size_t at) {
    struct client *client = client_await(cluster_transfer(cluster, cluster_leader(cluster), at));
    assert_problem(client, PROBLEM_NONE, false);
    ck_assert_uint_eq(cluster_await_leader(cluster), at);
}

static bool leads_elsewhere(struct cluster *cluster, size_t than) {
    size_t leader = cluster_leader(cluster);
    return leader != CLUSTER_MAX && leader != than;
}

START_TEST(a_leader_whose_disk_stalls_hands_over_when_the_time_is_over_and_writes_go_on) {
    struct setting now = begin(3, 5);
    struct cluster *cluster = now.cluster;
    raft_term term = cluster_status(cluster, now.leader).raft.hard_state.term;
    cluster->members[now.leader].hold_writes = true;
    assert_result(client_await(cluster_propose(cluster, now.leader, PUT("a", "1"))), "{}"); /* The others' disks. */
    cluster_run(cluster, ELECTION_MS - 1);
    ck_assert_uint_eq(cluster_leader(cluster), now.leader);
    cluster_run(cluster, HEARTBEAT_MS);
    ck_assert(leads_elsewhere(cluster, now.leader));
    size_t next = cluster_leader(cluster);
    ck_assert_uint_eq(cluster_status(cluster, next).raft.hard_state.term, term + 1);
    assert_result(client_await(cluster_propose(cluster, now.leader, PUT("a", "2"))), "{\"previous\":1}");
    /* It does not campaign, and nobody can make it: no leader is better than one that cannot write. */
    client_await(cluster_transfer_with(cluster, next, now.leader, 2000, true));
    ck_assert_uint_eq(cluster_leader(cluster), next);
    cluster_kill(cluster, next);
    cluster_run(cluster, 5 * ELECTION_MS);
    ck_assert_int_eq(cluster_status(cluster, now.leader).role, NODE_FOLLOWER);
    cluster_start(cluster, next);
    cluster->members[now.leader].hold_writes = false;
    cluster_run(cluster, 3 * ELECTION_MS);
    cluster_await_leader(cluster);
    assert_led_by(cluster, now.leader);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_alone_leads_on_whatever_its_disk_does) {
    struct setting now = begin(1, 6);
    now.cluster->members[0].hold_writes = true;
    struct client *client = cluster_propose(now.cluster, 0, PUT("a", "1"));
    cluster_run(now.cluster, 3 * ELECTION_MS);
    ck_assert_uint_eq(cluster_leader(now.cluster), 0);
    ck_assert_uint_eq(client->answers, 0);
    now.cluster->members[0].hold_writes = false;
    assert_result(client_await(client), "{}");
    cluster_destroy(now.cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_oldest_unfinished_write_counts_and_a_new_one_does_not_hide_it);
    tcase_add_test(tcase, a_disk_stalls_when_a_write_has_taken_an_election_time_out);
    tcase_add_test(tcase, it_is_well_again_when_for_as_long_no_write_has_taken_half_of_that);
    tcase_add_test(tcase, a_leader_whose_disk_stalls_hands_over_when_the_time_is_over_and_writes_go_on);
    tcase_add_test(tcase, a_node_alone_leads_on_whatever_its_disk_does);
    tcase_add_test(tcase, a_write_that_takes_less_than_half_does_not_begin_the_time_anew);
}

CHECK_MAIN("disk_watch", add_tests)
