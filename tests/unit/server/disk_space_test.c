#include "cluster.h"
#include "tests/check_main.h"

enum { PLENTY = 100 * 1024 * 1024, NONE = 0 };

struct setting {
    struct cluster *cluster;
    size_t leader;
    size_t follower;
    size_t third;
};

/* The disk of this member says what it has room for. */
static void tell(struct setting *now, size_t at, uint64_t for_commands, uint64_t for_entries) {
    struct storage_room room = {.free_bytes = 4711, .for_commands = for_commands, .for_entries = for_entries};
    node_room(cluster_node(now->cluster, at), &room);
    cluster_run(now->cluster, 2 * HEARTBEAT_MS);
}

static struct setting begin(uint64_t seed) {
    struct cluster *cluster = cluster_create(3, seed);
    size_t leader = cluster_form(cluster);
    size_t follower = cluster_other(cluster, leader);
    struct setting now = {cluster, leader, follower, cluster_other(cluster, follower)};
    for (size_t i = 0; i < 3; i++) {
        tell(&now, i, PLENTY, PLENTY);
    }
    return now;
}

static struct client *put(struct setting *now, size_t at) {
    return client_await(cluster_propose(now->cluster, at, PUT("a", "1")));
}

static void assert_full(const struct client *client, const char *why) {
    assert_problem(client, PROBLEM_STORAGE_FULL, false);
    ck_assert_msg(strstr(client->lines[0].problem.detail, why) != NULL, "%s", client->lines[0].problem.detail);
}

START_TEST(a_leader_without_room_refuses_commands_whoever_was_asked_and_answers_queries) {
    struct setting now = begin(1);
    assert_result(put(&now, now.leader), "{}");
    tell(&now, now.third, NONE, PLENTY); /* So that handing over would help nobody. */
    tell(&now, now.leader, NONE, NONE);
    raft_index last = cluster_status(now.cluster, now.leader).raft.last.index;
    assert_full(put(&now, now.leader), "no room is left");
    assert_full(put(&now, now.follower), "no room is left");
    ck_assert_uint_eq(cluster_status(now.cluster, now.leader).raft.last.index, last);
    ck_assert(cluster_status(now.cluster, now.leader).disk.full);
    ck_assert_uint_eq(cluster_status(now.cluster, now.leader).disk.free_bytes, 4711);
    for (size_t i = 0; i < 3; i++) {
        assert_result(client_await(cluster_get(now.cluster, i)), "{\"found\":true,\"value\":1}");
    }
    tell(&now, now.leader, PLENTY, PLENTY);
    assert_result(put(&now, now.follower), "{\"previous\":1}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_leader_without_room_hands_over_to_one_that_has_and_nobody_is_refused) {
    /* With five voters, one other full one must not be the next. */
    struct cluster *cluster = cluster_create(5, 10);
    struct setting now = {.cluster = cluster, .leader = cluster_form(cluster)};
    size_t full = cluster_other(cluster, now.leader);
    tell(&now, full, NONE, PLENTY);
    raft_term term = cluster_status(cluster, now.leader).raft.hard_state.term;
    struct storage_room none = {0};
    node_room(cluster_node(cluster, now.leader), &none);
    struct client *client = put(&now, now.leader); /* Held meanwhile, then forwarded. */
    assert_result(client, "{}");
    size_t next = cluster_await_leader(cluster);
    ck_assert_uint_ne(next, now.leader);
    ck_assert_uint_ne(next, full);
    ck_assert_uint_eq(cluster_status(cluster, next).raft.hard_state.term, term + 1);
    cluster_run(cluster, 10 * ELECTION_MS);
    ck_assert_uint_eq(cluster_status(cluster, next).raft.hard_state.term, term + 1);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(what_is_on_its_way_to_the_disk_counts) {
    struct setting now = begin(2);
    now.cluster->members[now.leader].hold_writes = true;
    tell(&now, now.leader, 1000, PLENTY);
    struct client *clients[20];
    size_t refused = 0;
    for (size_t i = 0; i < 20; i++) {
        clients[i] = cluster_propose(now.cluster, now.leader, PUT("a", "1"));
    }
    cluster_run(now.cluster, 1);
    for (size_t i = 0; i < 20; i++) {
        refused += clients[i]->answers == 1 && clients[i]->lines[0].problem.code == PROBLEM_STORAGE_FULL ? 1 : 0;
    }
    /* About 160 bytes each: six fit, in one turn ... */
    ck_assert_uint_eq(refused, 14);
    /* ... and no more in later ones, until the disk has told anew. */
    assert_full(put(&now, now.leader), "has no room for");
    now.cluster->members[now.leader].hold_writes = false;
    cluster_run(now.cluster, 1);
    assert_problem(put(&now, now.leader), PROBLEM_NONE, false);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(one_full_follower_is_no_reason_to_refuse_two_are) {
    struct setting now = begin(3);
    tell(&now, now.follower, NONE, PLENTY);
    assert_result(put(&now, now.leader), "{}");
    tell(&now, now.third, NONE, PLENTY);
    assert_full(put(&now, now.leader), "no majority");
    assert_full(put(&now, now.third), "no majority");
    assert_result(client_await(cluster_get(now.cluster, now.third)), "{\"found\":true,\"value\":1}");
    tell(&now, now.third, PLENTY, PLENTY);
    assert_result(put(&now, now.leader), "{\"previous\":1}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_silent_voter_has_no_room_either) {
    struct setting now = begin(4);
    tell(&now, now.follower, NONE, PLENTY);
    cluster_kill(now.cluster, now.third);
    cluster_run(now.cluster, 2 * ELECTION_MS);
    assert_full(put(&now, now.leader), "no majority");
    tell(&now, now.follower, PLENTY, PLENTY);
    assert_result(put(&now, now.leader), "{}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_full_follower_that_falls_silent_is_forgotten) {
    struct setting now = begin(5);
    tell(&now, now.follower, NONE, PLENTY);
    cluster_kill(now.cluster, now.follower);
    cluster_run(now.cluster, 2 * ELECTION_MS);
    assert_result(put(&now, now.leader), "{}");
    cluster_start(now.cluster, now.follower); /* And says nothing of a full disk now. */
    cluster_run(now.cluster, 2 * ELECTION_MS);
    tell(&now, now.third, NONE, PLENTY);
    assert_result(put(&now, now.leader), "{\"previous\":1}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_follower_at_its_end_stores_no_more_commands_and_catches_up_later) {
    struct setting now = begin(6);
    cluster_run(now.cluster, HEARTBEAT_MS);
    tell(&now, now.follower, NONE, NONE);
    raft_index last = cluster_status(now.cluster, now.follower).raft.last.index;
    assert_result(put(&now, now.leader), "{}");
    cluster_run(now.cluster, 5 * HEARTBEAT_MS);
    ck_assert_uint_eq(cluster_status(now.cluster, now.follower).raft.last.index, last);
    ck_assert_uint_eq(node_leader(cluster_node(now.cluster, now.follower)), now.leader + 1); /* Heartbeats are answered. */
    tell(&now, now.follower, PLENTY, PLENTY);
    cluster_run(now.cluster, 5 * HEARTBEAT_MS);
    ck_assert_uint_eq(cluster_status(now.cluster, now.follower).applied_index,
                      cluster_status(now.cluster, now.leader).applied_index);
    assert_machines_equal(now.cluster);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(elections_go_on_when_all_are_full) {
    struct setting now = begin(7);
    assert_result(put(&now, now.leader), "{}");
    cluster_run(now.cluster, 2 * HEARTBEAT_MS);
    for (size_t i = 0; i < 3; i++) {
        tell(&now, i, NONE, NONE);
    }
    cluster_kill(now.cluster, now.leader);
    size_t next = cluster_await_leader(now.cluster);
    ck_assert_uint_ne(next, now.leader);
    assert_result(client_await(cluster_get(now.cluster, next)), "{\"found\":true,\"value\":1}");
    assert_full(put(&now, next), "no room is left");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_peer_that_took_no_more_is_sent_nothing_until_it_has_room) {
    struct setting now = begin(8);
    tell(&now, now.follower, NONE, NONE);
    put(&now, now.leader);
    cluster_run(now.cluster, 3 * HEARTBEAT_MS);
    ck_assert(disk_space_refuses(cluster_node(now.cluster, now.leader), now.follower + 1));
    ck_assert(!disk_space_refuses(cluster_node(now.cluster, now.leader), now.third + 1));
    tell(&now, now.follower, PLENTY, PLENTY);
    ck_assert(!disk_space_refuses(cluster_node(now.cluster, now.leader), now.follower + 1));
    cluster_destroy(now.cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_leader_without_room_refuses_commands_whoever_was_asked_and_answers_queries);
    tcase_add_test(tcase, a_leader_without_room_hands_over_to_one_that_has_and_nobody_is_refused);
    tcase_add_test(tcase, what_is_on_its_way_to_the_disk_counts);
    tcase_add_test(tcase, one_full_follower_is_no_reason_to_refuse_two_are);
    tcase_add_test(tcase, a_silent_voter_has_no_room_either);
    tcase_add_test(tcase, a_full_follower_that_falls_silent_is_forgotten);
    tcase_add_test(tcase, a_follower_at_its_end_stores_no_more_commands_and_catches_up_later);
    tcase_add_test(tcase, elections_go_on_when_all_are_full);
    tcase_add_test(tcase, a_peer_that_took_no_more_is_sent_nothing_until_it_has_room);
}

CHECK_MAIN("disk_space", add_tests)
