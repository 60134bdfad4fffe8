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

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_oldest_unfinished_write_counts_and_a_new_one_does_not_hide_it);
    tcase_add_test(tcase, a_disk_stalls_when_a_write_has_taken_an_election_time_out);
    tcase_add_test(tcase, it_is_well_again_when_for_as_long_no_write_has_taken_half_of_that);
    tcase_add_test(tcase, a_write_that_takes_less_than_half_does_not_begin_the_time_anew);
}

CHECK_MAIN("disk_watch", add_tests)
