#include "cluster.h"
#include "tests/check_main.h"

#include "server/chronicle.h"

static size_t read_all(struct cluster *cluster, size_t at, struct chronicle_event events[CHRONICLE_EVENTS_MAX]) {
    uint64_t now_ms;
    return node_events(cluster_node(cluster, at), events, &now_ms);
}

/* How many of that kind and subject are told. */
static size_t count(struct cluster *cluster, size_t at, enum chronicle_kind kind, uint64_t subject) {
    struct chronicle_event events[CHRONICLE_EVENTS_MAX];
    size_t found = 0;
    size_t all = read_all(cluster, at, events);
    for (size_t i = 0; i < all; i++) {
        found += events[i].kind == kind && events[i].subject == subject ? 1 : 0;
    }
    return found;
}

static uint64_t id_of(struct cluster *cluster, size_t at) {
    return cluster_status(cluster, at).id;
}

START_TEST(an_election_is_told_by_who_won_and_who_follows) {
    struct cluster *cluster = cluster_create(3, 1);
    size_t leader = cluster_form(cluster);
    cluster_run(cluster, HEARTBEAT_MS);
    struct chronicle_event events[CHRONICLE_EVENTS_MAX];
    ck_assert_uint_gt(read_all(cluster, leader, events), 3);
    ck_assert_int_eq(events[0].kind, CHRONICLE_STARTED);
    ck_assert_uint_eq(count(cluster, leader, CHRONICLE_LEADER, id_of(cluster, leader)), 1);
    ck_assert_uint_eq(count(cluster, leader, CHRONICLE_CANDIDATE, 0), 1);
    size_t other = cluster_other(cluster, leader);
    ck_assert_uint_eq(count(cluster, other, CHRONICLE_FOLLOWS, id_of(cluster, leader)), 1);
    ck_assert_uint_eq(cluster_status(cluster, leader).elections, 1);
    ck_assert_uint_eq(cluster_status(cluster, leader).leader_changes, 1);
    ck_assert_uint_eq(cluster_status(cluster, other).elections, 0);
    ck_assert_uint_eq(cluster_status(cluster, other).leader_changes, 1);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_leader_that_is_lost_is_told_before_the_next_election_and_asking_again_is_one_event) {
    struct cluster *cluster = cluster_create(3, 2);
    size_t leader = cluster_form(cluster);
    cluster_run(cluster, HEARTBEAT_MS);
    size_t other = cluster_other(cluster, leader);
    for (size_t at = 0; at < 3; at++) {
        if (at != other) {
            cluster_kill(cluster, at);
        }
    }
    cluster_run(cluster, 20 * ELECTION_MS);
    struct chronicle_event events[CHRONICLE_EVENTS_MAX];
    size_t all = read_all(cluster, other, events);
    ck_assert_int_eq(events[all - 2].kind, CHRONICLE_NO_LEADER);
    ck_assert_int_eq(events[all - 1].kind, CHRONICLE_PRE_CANDIDATE);
    ck_assert_uint_eq(count(cluster, other, CHRONICLE_PRE_CANDIDATE, 0), 1);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_disk_that_stalls_is_told_and_that_it_is_well_again) {
    struct cluster *cluster = cluster_create(1, 3);
    cluster_form(cluster);
    cluster->members[0].hold_writes = true;
    cluster_propose(cluster, 0, PUT("a", "1"));
    cluster_run(cluster, 2 * ELECTION_MS);
    ck_assert_uint_eq(count(cluster, 0, CHRONICLE_DISK_STALLED, 0), 1);
    cluster->members[0].hold_writes = false;
    cluster_run(cluster, 3 * ELECTION_MS);
    ck_assert_uint_eq(count(cluster, 0, CHRONICLE_DISK_WELL, 0), 1);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(what_is_older_than_an_hour_is_told_no_more_and_the_newest_are_kept) {
    struct chronicle chronicle = {0};
    struct chronicle_event events[CHRONICLE_EVENTS_MAX];
    for (uint64_t i = 0; i < CHRONICLE_EVENTS_MAX + 5; i++) {
        chronicle.events[i % CHRONICLE_EVENTS_MAX] = (struct chronicle_event){.at_ms = i, .subject = i};
        chronicle.count++;
    }
    ck_assert_uint_eq(chronicle_read(&chronicle, 1000, events), CHRONICLE_EVENTS_MAX);
    ck_assert_uint_eq(events[0].subject, 5);
    ck_assert_uint_eq(events[CHRONICLE_EVENTS_MAX - 1].subject, CHRONICLE_EVENTS_MAX + 4);
    ck_assert_uint_eq(chronicle_read(&chronicle, CHRONICLE_KEPT_MS + CHRONICLE_EVENTS_MAX + 3, events), 1);
    ck_assert_uint_eq(chronicle_read(&chronicle, CHRONICLE_KEPT_MS + CHRONICLE_EVENTS_MAX + 4, events), 0);
}
END_TEST

START_TEST(the_terms_of_a_log_are_told_in_runs) {
    struct cluster *cluster = cluster_create(3, 4);
    size_t leader = cluster_form(cluster);
    cluster_propose(cluster, leader, PUT("a", "1"));
    cluster_run(cluster, HEARTBEAT_MS);
    struct node_status before = cluster_status(cluster, leader);
    cluster_kill(cluster, leader);
    size_t next = cluster_await_leader(cluster);
    cluster_propose(cluster, next, PUT("b", "2"));
    cluster_run(cluster, HEARTBEAT_MS);
    struct node_status after = cluster_status(cluster, next);
    const struct node_term_run *newest = &after.log_terms[after.log_term_count - 1];
    ck_assert_uint_eq(newest->from, before.raft.last.index + 1);
    ck_assert_uint_eq(newest->term, after.raft.last.term);
    ck_assert_uint_eq(after.log_terms[0].from, after.raft.first_index);
    for (size_t i = 0; i < after.log_term_count; i++) {
        const struct raft *core = cluster_node(cluster, next)->core;
        ck_assert_uint_eq(raft_term_at(core, after.log_terms[i].from), after.log_terms[i].term);
        ck_assert_uint_ne(raft_term_at(core, after.log_terms[i].from - 1), after.log_terms[i].term);
    }
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_election_is_told_by_who_won_and_who_follows);
    tcase_add_test(tcase, a_leader_that_is_lost_is_told_before_the_next_election_and_asking_again_is_one_event);
    tcase_add_test(tcase, a_disk_that_stalls_is_told_and_that_it_is_well_again);
    tcase_add_test(tcase, what_is_older_than_an_hour_is_told_no_more_and_the_newest_are_kept);
    tcase_add_test(tcase, the_terms_of_a_log_are_told_in_runs);
}

CHECK_MAIN("chronicle", add_tests)
