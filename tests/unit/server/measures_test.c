#include "cluster.h"
#include "tests/check_main.h"

#include "server/measures.h"

/* Each look at the clock takes a millisecond. */
static uint64_t ticking(void *context) {
    uint64_t *now_us = context;
    *now_us += 1000;
    return *now_us;
}

static uint64_t clock_us = 5000000;

static void measure(struct cluster *cluster, size_t at) {
    cluster_node(cluster, at)->io.clock_us = ticking;
    cluster_node(cluster, at)->io.clock_context = &clock_us;
}

static const struct measures_peer *peer_of(struct cluster *cluster, size_t at, size_t peer) {
    const struct measures *measures = node_measures(cluster_node(cluster, at));
    for (size_t i = 0; i < measures->peer_count; i++) {
        if (measures->peers[i]->id == peer + 1) {
            return measures->peers[i];
        }
    }
    ck_abort_msg("node %zu has not measured node %zu", at + 1, peer + 1);
}

static uint64_t answered(const struct measures_peer *peer, size_t rpc) {
    return histogram_count(&peer->round_trips[rpc]);
}

static void put(struct cluster *cluster, size_t at) {
    struct client *client = cluster_propose(cluster, at, "{\"op\":\"put\",\"key\":\"a\",\"value\":1}");
    cluster_settle(cluster);
    ck_assert_uint_eq(client->answers, 1);
}

START_TEST(without_a_clock_nothing_is_measured) {
    struct cluster *cluster = cluster_create(3, 1);
    size_t leader = cluster_form(cluster);
    cluster_run(cluster, 1000);
    const struct measures *measures = node_measures(cluster_node(cluster, leader));
    ck_assert_uint_eq(measures->peer_count, 0);
    ck_assert_uint_eq(histogram_count(&measures->apply), 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(each_entry_is_measured_from_the_end_of_the_one_before) {
    struct cluster *cluster = cluster_create(1, 2);
    size_t leader = cluster_form(cluster);
    measure(cluster, leader);
    for (int i = 0; i < 7; i++) {
        put(cluster, leader);
    }
    const struct histogram *apply = &node_measures(cluster_node(cluster, leader))->apply;
    ck_assert_uint_eq(histogram_count(apply), 7);
    ck_assert_uint_eq(apply->sum_us, 7000);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(heartbeats_and_entries_are_told_apart_and_answers_from_failures) {
    struct cluster *cluster = cluster_create(3, 3);
    size_t leader = cluster_form(cluster);
    size_t other = cluster_other(cluster, leader);
    measure(cluster, leader);
    cluster_run(cluster, 20 * HEARTBEAT_MS);
    const struct measures_peer *peer = peer_of(cluster, leader, other);
    ck_assert_uint_ge(answered(peer, MEASURES_HEARTBEAT), 10);
    ck_assert_uint_eq(answered(peer, MESSAGE_APPEND_ENTRIES), 0);
    put(cluster, leader);
    cluster_run(cluster, 2 * HEARTBEAT_MS);
    ck_assert_uint_ge(answered(peer, MESSAGE_APPEND_ENTRIES), 1);
    ck_assert_uint_eq(peer->failed[MEASURES_HEARTBEAT], 0);
    ck_assert_uint_ge(peer->round_trips[MEASURES_HEARTBEAT].sum_us, 1000 * answered(peer, MEASURES_HEARTBEAT));
    cluster_kill(cluster, other);
    uint64_t before = answered(peer, MEASURES_HEARTBEAT);
    cluster_run(cluster, 20 * HEARTBEAT_MS);
    ck_assert_uint_ge(peer->failed[MEASURES_HEARTBEAT], 5);
    ck_assert_uint_le(answered(peer, MEASURES_HEARTBEAT), before + 2);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(of_too_many_peers_one_who_is_no_member_goes_first) {
    struct cluster *cluster = cluster_create(3, 4);
    size_t leader = cluster_form(cluster);
    size_t other = cluster_other(cluster, leader);
    struct node *node = cluster_node(cluster, leader);
    measure(cluster, leader);
    cluster_run(cluster, 20 * HEARTBEAT_MS);
    uint64_t known = answered(peer_of(cluster, leader, other), MEASURES_HEARTBEAT);
    for (raft_node_id id = 100; id < 100 + 2 * MEASURES_PEERS_MAX; id++) {
        const struct call call = {.kind = MESSAGE_PROBE, .to = id, .begun_us = 1};
        measures_call_ended(node, &call, true);
    }
    ck_assert_uint_eq(node_measures(node)->peer_count, MEASURES_PEERS_MAX);
    ck_assert_uint_eq(answered(peer_of(cluster, leader, other), MEASURES_HEARTBEAT), known);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(every_rpc_has_a_name_of_its_own) {
    for (size_t i = 0; i < MEASURES_RPC_COUNT; i++) {
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(measures_rpc_name(i), measures_rpc_name(j));
        }
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, without_a_clock_nothing_is_measured);
    tcase_add_test(tcase, each_entry_is_measured_from_the_end_of_the_one_before);
    tcase_add_test(tcase, heartbeats_and_entries_are_told_apart_and_answers_from_failures);
    tcase_add_test(tcase, of_too_many_peers_one_who_is_no_member_goes_first);
    tcase_add_test(tcase, every_rpc_has_a_name_of_its_own);
}

CHECK_MAIN("measures", add_tests)
