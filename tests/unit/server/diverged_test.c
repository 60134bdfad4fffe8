#include "cluster.h"
#include "cluster_diverging.h"
#include "tests/check_main.h"

START_TEST(the_same_index_has_the_same_hash_whatever_was_restarted_or_installed) {
    struct cluster *cluster = cluster_create(3, 1);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].options.snapshot_entries = 20;
    }
    size_t leader = cluster_form(cluster);
    ck_assert_uint_eq(cluster_status(cluster, leader).state_hash.index, 0);
    diverging_put(cluster, leader, 45);
    assert_hashes_equal(cluster);
    uint64_t session = client_await(cluster_change_session(cluster, leader, 0))->lines[0].id.index;
    client_await(cluster_propose_once(cluster, leader, PUT("s", "1"), NULL, session, 1));
    client_await(cluster_propose_once(cluster, leader, PUT("s", "1"), NULL, session, 1));
    client_await(cluster_propose_once(cluster, leader, PUT("s", "2"), "key", 0, 0));
    client_await(cluster_propose_once(cluster, leader, PUT("s", "3"), "key", 0, 0));
    client_await(cluster_change_session(cluster, leader, 12345));
    diverging_put(cluster, leader, 40);
    assert_hashes_equal(cluster);
    /* One has a snapshot and log after it, */
    size_t other = cluster_other(cluster, leader);
    cluster_restart(cluster, other);
    cluster_await_leader(cluster);
    assert_hashes_equal(cluster);
    /* one gets the leader's. */
    cluster_kill(cluster, other);
    cluster_run(cluster, 2 * ELECTION_MS);
    diverging_put(cluster, leader, 100);
    ck_assert_uint_gt(raft_base(cluster_node(cluster, leader)->core).index, 100);
    cluster_start(cluster, other);
    cluster_run(cluster, 5000);
    assert_hashes_equal(cluster);
    diverging_put(cluster, leader, 40);
    assert_hashes_equal(cluster);
    ck_assert(diverging_all_well(cluster));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_follower_that_differs_is_out_of_service_and_does_not_cost_the_quorum) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 2);
    size_t wrong = cluster_other(cluster, leader);
    size_t other = 3 - leader - wrong;
    cluster->members[leader].hold_jobs = true; /* No snapshot mends it. */
    raft_index shown = diverging_show(cluster, wrong, leader);
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    struct node_status status = cluster_status(cluster, wrong);
    ck_assert_uint_ne(status.diverged_since, 0);
    ck_assert_uint_le(status.diverged_since, shown);
    ck_assert_uint_eq(status.diverged_since % STATE_HASH_INTERVAL, 0);
    ck_assert_uint_eq(cluster_status(cluster, leader).diverged_since, 0);
    ck_assert_uint_eq(cluster_status(cluster, other).diverged_since, 0);
    /* It answers nothing from its state, */
    for (enum node_consistency consistency = NODE_LINEARIZABLE; consistency <= NODE_STALE; consistency++) {
        struct client *read = client_await(QUERY(cluster, wrong, .consistency = consistency));
        assert_problem(read, PROBLEM_NOT_READY, false);
        ck_assert_ptr_nonnull(strstr(read->problem.detail, "differs from the majority's since index"));
    }
    assert_problem(client_await(cluster_read_session(cluster, wrong, 5)), PROBLEM_NOT_READY, false);
    assert_problem(client_await(cluster_snapshot(cluster, wrong)), PROBLEM_NOT_READY, false);
    assert_problem(client_await(cluster_snapshot_with(cluster, wrong, true, 1000)), PROBLEM_NOT_READY, false);
    char why[PROBLEM_DETAIL_SIZE];
    ck_assert(!node_ready(cluster_node(cluster, wrong), why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "differs"));
    /* passes commands on, stores and acknowledges: with the other one gone it makes the majority, */
    cluster_kill(cluster, other);
    assert_result(client_await(cluster_propose(cluster, wrong, PUT("a", "3"))), "{\"previous\":1}");
    cluster_start(cluster, other);
    cluster_await_leader(cluster);
    /* and votes, but does not campaign. */
    cluster_kill(cluster, leader);
    ck_assert_uint_eq(cluster_await_leader(cluster), other);
    assert_result(client_await(cluster_get(cluster, other)), "{\"found\":true,\"value\":3}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(it_takes_no_snapshot_and_drops_the_one_being_taken) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 3);
    size_t wrong = cluster_other(cluster, leader);
    struct member *member = &cluster->members[wrong];
    cluster->members[leader].hold_jobs = true;
    member->hold_jobs = true;
    struct client *client = cluster_snapshot_with(cluster, wrong, false, 60000);
    cluster_settle(cluster);
    ck_assert_ptr_nonnull(cluster_node(cluster, wrong)->snapshots.taking);
    diverging_show(cluster, wrong, leader);
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    assert_problem(client, PROBLEM_NOT_READY, false);
    member->hold_jobs = false;
    cluster_run(cluster, HEARTBEAT_MS);
    ck_assert_uint_eq(cluster_status(cluster, wrong).snapshot.length, 0);
    ck_assert_uint_eq(cluster_status(cluster, wrong).snapshots_taken, 0);
    ck_assert_ptr_null(cluster_node(cluster, wrong)->snapshots.taking);
    member->node->options.snapshot_entries = 1; /* Due all the time. */
    diverging_put(cluster, leader, 10);
    cluster_run(cluster, HEARTBEAT_MS);
    ck_assert_uint_eq(cluster_status(cluster, wrong).snapshots_taken, 0);
    cluster_destroy(cluster);
}
END_TEST

/* An append_entries without entries as the leader would send it. */
static void tell(struct cluster *cluster, size_t leader, size_t to, raft_round round, enum divergence_verdict state) {
    struct message_request request = network_request(cluster, leader, to, MESSAGE_APPEND_ENTRIES);
    request.round = round;
    request.raft.term = raft_current_term(cluster_node(cluster, leader)->core);
    request.state = state;
    request.diverged_since = state == DIVERGENCE_DIFFERS ? 32 : 0;
    network_ask(cluster, to, &request);
    node_turn(cluster_node(cluster, to), cluster->now_ms);
}

START_TEST(the_newest_word_of_the_leader_counts) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 4);
    size_t to = cluster_other(cluster, leader);
    tell(cluster, leader, to, 1000000, DIVERGENCE_DIFFERS);
    ck_assert_uint_eq(cluster_status(cluster, to).diverged_since, 32);
    tell(cluster, leader, to, 999999, DIVERGENCE_AGREES); /* Overtaken. */
    ck_assert_uint_eq(cluster_status(cluster, to).diverged_since, 32);
    tell(cluster, leader, to, 1000001, DIVERGENCE_UNKNOWN);
    ck_assert_uint_eq(cluster_status(cluster, to).diverged_since, 32);
    tell(cluster, leader, to, 1000002, DIVERGENCE_AGREES);
    ck_assert_uint_eq(cluster_status(cluster, to).diverged_since, 0);
    tell(cluster, leader, to, 1000000, DIVERGENCE_DIFFERS); /* Late. */
    ck_assert_uint_eq(cluster_status(cluster, to).diverged_since, 0);
    /* Somebody who does not lead has no say. */
    struct message_request request = network_request(cluster, 3 - leader - to, to, MESSAGE_APPEND_ENTRIES);
    request.round = 2000000;
    request.raft.term = raft_current_term(cluster_node(cluster, leader)->core) - 1;
    request.state = DIVERGENCE_DIFFERS;
    network_ask(cluster, to, &request);
    ck_assert_uint_eq(cluster_status(cluster, to).diverged_since, 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_new_leader_does_not_take_an_early_report_for_health) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 6);
    size_t wrong = cluster_other(cluster, leader);
    /* Given a node that differs since an index after a rounder one, as its leader found out */
    raft_index last = cluster_status(cluster, leader).raft.last.index;
    diverging_put(cluster, leader, (unsigned)(STATE_HASH_INTERVAL * STATE_HASH_ROUND_REPORTS + 1 - last));
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].hold_jobs = true;
    }
    diverging_show(cluster, wrong, leader);
    ck_assert(cluster_run_until(cluster, diverging_one, 5000));
    raft_index since = cluster_status(cluster, wrong).diverged_since;
    ck_assert_uint_gt(since, STATE_HASH_INTERVAL * STATE_HASH_ROUND_REPORTS);
    for (unsigned i = 0; i < 6; i++) {
        /* when leadership goes from one to the other, again and again, */
        size_t to = 3 - leader - wrong;
        assert_problem(client_await(cluster_transfer(cluster, leader, to)), PROBLEM_NONE, false);
        leader = to;
        /* then it stays out of service. */
        for (unsigned ms = 0; ms < 4 * HEARTBEAT_MS; ms += 10) {
            cluster_run(cluster, 10 + i);
            ck_assert_uint_eq(cluster_status(cluster, wrong).diverged_since, since);
        }
    }
    cluster_destroy(cluster);
}
END_TEST

START_TEST(who_was_told_wrongly_is_in_service_again_by_its_reports_alone) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 5);
    size_t to = cluster_other(cluster, leader);
    tell(cluster, leader, to, 1, DIVERGENCE_DIFFERS);
    cluster_node(cluster, to)->diverged.round = 0;
    ck_assert_uint_eq(cluster_status(cluster, to).diverged_since, 32);
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    ck_assert(diverging_all_well(cluster));
    ck_assert_uint_eq(cluster_status(cluster, to).snapshot.length, 0);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_same_index_has_the_same_hash_whatever_was_restarted_or_installed);
    tcase_add_test(tcase, a_follower_that_differs_is_out_of_service_and_does_not_cost_the_quorum);
    tcase_add_test(tcase, it_takes_no_snapshot_and_drops_the_one_being_taken);
    tcase_add_test(tcase, the_newest_word_of_the_leader_counts);
    tcase_add_test(tcase, a_new_leader_does_not_take_an_early_report_for_health);
    tcase_add_test(tcase, who_was_told_wrongly_is_in_service_again_by_its_reports_alone);
}

CHECK_MAIN("diverged", add_tests)
