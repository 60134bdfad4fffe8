#include "cluster.h"
#include "cluster_diverging.h"
#include "tests/check_main.h"

static void await_well(struct cluster *cluster) {
    ck_assert_msg(cluster_run_until(cluster, diverging_all_well, 60000), "not mended");
}

static void await_found(struct cluster *cluster) {
    ck_assert_msg(cluster_run_until(cluster, diverging_one, 5000), "not found");
}

START_TEST(a_follower_is_mended_by_a_snapshot_and_keeps_its_log) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 1);
    size_t wrong = cluster_other(cluster, leader);
    raft_index shown = diverging_show(cluster, wrong, leader);
    await_found(cluster);
    await_well(cluster);
    struct node_status status = cluster_status(cluster, wrong);
    ck_assert_uint_ge(status.snapshot.id.index, shown);
    ck_assert_uint_eq(status.raft.first_index, 1);
    ck_assert_uint_eq(cluster_status(cluster, leader).snapshots_taken, 1);
    assert_result(client_await(QUERY(cluster, wrong, .consistency = NODE_STALE)), "{\"found\":true,\"value\":1}");
    assert_machines_equal(cluster);
    assert_hashes_equal(cluster);
    /* It lasts, */
    cluster_restart(cluster, wrong);
    cluster_await_leader(cluster);
    assert_machines_equal(cluster);
    /* and is sent once. */
    diverging_put(cluster, leader, 2 * STATE_HASH_INTERVAL);
    cluster_run(cluster, 10 * ELECTION_MS);
    ck_assert(diverging_all_well(cluster));
    ck_assert_uint_eq(cluster_status(cluster, leader).snapshots_taken, 1);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(nothing_has_to_be_proposed_for_it_to_be_found_and_mended) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 2);
    size_t wrong = cluster_other(cluster, leader);
    diverging_spoil(cluster, wrong, PUT("n", "8"));
    raft_index index = 0;
    do { /* Up to a report, then not a word. */
        index = diverging_put(cluster, leader, 1);
    } while (index % STATE_HASH_INTERVAL != 0);
    await_found(cluster);
    ck_assert_uint_eq(cluster_status(cluster, wrong).diverged_since, index);
    await_well(cluster);
    assert_machines_equal(cluster);
    ck_assert_uint_eq(cluster_status(cluster, leader).raft.last.index, index);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_leader_in_the_minority_hands_over_and_the_next_one_mends_it) {
    struct cluster *cluster;
    size_t wrong = diverging_begin(&cluster, 3, 3);
    diverging_spoil(cluster, wrong, PUT("a", "2"));
    struct client *client = client_await(cluster_propose(cluster, wrong, PUT("a", "1")));
    assert_result(client, "{\"previous\":2}"); /* Nobody can know yet. */
    raft_term term = cluster_status(cluster, wrong).raft.hard_state.term;
    diverging_put(cluster, cluster_other(cluster, wrong), STATE_HASH_INTERVAL);
    await_found(cluster);
    ck_assert_uint_ne(cluster_status(cluster, wrong).diverged_since, 0);
    size_t leader = cluster_await_leader(cluster);
    ck_assert_uint_ne(leader, wrong);
    ck_assert_uint_eq(cluster_status(cluster, leader).raft.hard_state.term, term + 1);
    await_well(cluster);
    assert_machines_equal(cluster);
    assert_hashes_equal(cluster);
    /* It may lead again. */
    struct client *transfer = client_await(cluster_transfer(cluster, leader, wrong));
    assert_problem(transfer, PROBLEM_NONE, false);
    ck_assert_uint_eq(cluster_await_leader(cluster), wrong);
    ck_assert_uint_eq(cluster_status(cluster, wrong).snapshots_taken, 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(results_of_a_state_that_is_known_to_differ_are_not_told) {
    struct cluster *cluster;
    size_t wrong = diverging_begin(&cluster, 3, 4);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].hold_writes = i != wrong;
    }
    diverging_spoil(cluster, wrong, PUT("a", "2"));
    struct client *client = cluster_propose(cluster, wrong, PUT("a", "1"));
    cluster_settle(cluster);
    ck_assert_uint_eq(client->answers, 0);
    diverged_begin(cluster_node(cluster, wrong), 32);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].hold_writes = false;
    }
    client_await(client);
    assert_problem(client, PROBLEM_LEADERSHIP_LOST, true);
    cluster_destroy(cluster);
}
END_TEST

/* -- Applying once more -- */

struct seen {
    unsigned opened;
    raft_index next;
    raft_index last;
    size_t count;
};

static void opened(void *context, raft_index next) {
    struct seen *seen = context;
    seen->opened++;
    seen->next = next;
}

static bool command(void *context, const struct raft_entry *entry) {
    struct seen *seen = context;
    ck_assert_uint_gt(entry->id.index, seen->last);
    ck_assert_uint_ge(entry->id.index, seen->next);
    seen->last = entry->id.index;
    seen->count++;
    return true;
}

static void ended(void *context, const struct problem *problem, raft_index first_index) {
    (void)context;
    (void)first_index;
    ck_assert_int_eq(problem->code, PROBLEM_SHUTTING_DOWN);
}

START_TEST(what_was_applied_is_applied_once_more_and_nobody_hears_of_it_twice) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 5);
    size_t wrong = cluster_other(cluster, leader);
    struct member *member = &cluster->members[wrong];
    struct seen before = {0};
    struct seen during = {0};
    node_watch(member->node, 1,
               &(struct node_watcher){.context = &before, .opened = opened, .command = command, .ended = ended});
    /* Given a snapshot that waits to be put into effect while the log goes on */
    diverging_show(cluster, wrong, leader);
    cluster->disk_ms = 5;
    await_found(cluster);
    raft_index snapshot = cluster_status(cluster, leader).applied_index;
    while (member->node->snapshot_receipt.installing.length == 0) {
        cluster_run(cluster, 1);
    }
    member->hold_jobs = member->hold_ends = true;
    diverging_put(cluster, leader, 50);
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    raft_index reached = cluster_status(cluster, wrong).applied_index;
    ck_assert_uint_ge(reached, snapshot + 50);
    size_t seen = before.count;
    /* when it takes effect, and its disk is slow to tell what comes after it, */
    member->node->cache.bytes_max = 0;
    cluster_run(cluster, HEARTBEAT_MS);
    member->hold_reads = true;
    member->hold_jobs = member->hold_ends = false;
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    struct node_status status = cluster_status(cluster, wrong);
    ck_assert_uint_eq(status.applied_index, status.snapshot.id.index);
    ck_assert_uint_lt(status.applied_index, reached);
    node_watch(member->node, 0,
               &(struct node_watcher){.context = &during, .opened = opened, .command = command, .ended = ended});
    /* then it is not in service, though its report agrees, */
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    ck_assert_uint_ne(cluster_status(cluster, wrong).diverged_since, 0);
    assert_problem(client_await(QUERY(cluster, wrong, .consistency = NODE_STALE)), PROBLEM_NOT_READY, false);
    ck_assert_uint_eq(before.count, seen);
    ck_assert_uint_eq(during.opened, 1);
    ck_assert_uint_eq(during.next, reached + 1);
    /* until as much is applied as was. */
    member->hold_reads = false;
    await_well(cluster);
    ck_assert_uint_ge(cluster_status(cluster, wrong).applied_index, reached);
    ck_assert_uint_eq(before.count, seen);
    diverging_put(cluster, leader, 3);
    cluster_run(cluster, HEARTBEAT_MS);
    ck_assert_uint_eq(before.count, seen + 3);
    ck_assert_uint_eq(during.count, 3);
    assert_machines_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_snapshot_of_its_own_that_holds_the_wrong_state_is_replaced) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 6);
    size_t wrong = cluster_other(cluster, leader);
    diverging_spoil(cluster, wrong, PUT("a", "2"));
    struct client *taken = client_await(cluster_snapshot(cluster, wrong));
    assert_problem(taken, PROBLEM_NONE, false);
    cluster_restart(cluster, wrong);
    cluster_await_leader(cluster);
    assert_result(client_await(QUERY(cluster, wrong, .consistency = NODE_STALE)), "{\"found\":true,\"value\":2}");
    client_await(cluster_propose(cluster, leader, PUT("a", "1")));
    client_await(cluster_propose(cluster, leader, PUT("a", "3")));
    diverging_put(cluster, leader, STATE_HASH_INTERVAL);
    await_found(cluster);
    await_well(cluster);
    ck_assert_uint_gt(cluster_status(cluster, wrong).snapshot.id.index, taken->lines[0].id.index);
    cluster_restart(cluster, wrong);
    cluster_await_leader(cluster);
    cluster_run(cluster, 10 * HEARTBEAT_MS);
    ck_assert(diverging_all_well(cluster));
    assert_machines_equal(cluster);
    assert_hashes_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_snapshot_of_its_own_as_of_the_same_index_is_replaced_as_well) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 7);
    size_t wrong = cluster_other(cluster, leader);
    diverging_spoil(cluster, wrong, PUT("n", "8"));
    raft_index index = 0;
    cluster_set_around(cluster, cluster->refused, wrong, true);
    do {
        index = diverging_put(cluster, leader, 1);
    } while (index % STATE_HASH_INTERVAL != 0);
    /* Given a node that takes a snapshot of all there is before it hears that it differs */
    node_turn(cluster_node(cluster, wrong), cluster->now_ms);
    cluster_set_around(cluster, cluster->refused, wrong, false);
    for (unsigned ms = 0; cluster_status(cluster, wrong).applied_index < index; ms++) {
        ck_assert_uint_lt(ms, 60000);
        cluster_run(cluster, 1);
    }
    if (cluster_status(cluster, wrong).diverged_since == 0) {
        struct client *taken = client_await(cluster_snapshot(cluster, wrong));
        ck_assert_uint_eq(taken->lines[0].id.index, index);
    }
    struct storage_snapshot own = cluster_status(cluster, wrong).snapshot;
    await_found(cluster);
    await_well(cluster);
    struct storage_snapshot now = cluster_status(cluster, wrong).snapshot;
    ck_assert_uint_eq(now.id.index, index);
    ck_assert(own.length == 0 || own.crc != now.crc);
    cluster_restart(cluster, wrong);
    cluster_await_leader(cluster);
    assert_machines_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_death_at_any_moment_of_it_leaves_a_node_that_is_well_in_the_end) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 8);
    size_t wrong = cluster_other(cluster, leader);
    cluster->disk_ms = 3;
    cluster->network_ms = 3;
    diverging_spoil(cluster, wrong, PUT("a", "2"));
    client_await(cluster_snapshot(cluster, wrong)); /* So that it is wrong after its restart as well. */
    client_await(cluster_propose(cluster, leader, PUT("a", "1")));
    diverging_put(cluster, leader, STATE_HASH_INTERVAL);
    await_found(cluster);
    cluster_run(cluster, (uint64_t)_i);
    cluster_restart(cluster, wrong);
    diverging_put(cluster, leader, STATE_HASH_INTERVAL);
    cluster_run(cluster, 10 * HEARTBEAT_MS);
    await_well(cluster);
    assert_machines_equal(cluster);
    assert_hashes_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(the_leaders_death_in_the_middle_of_it_does_not_matter) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 9);
    size_t wrong = cluster_other(cluster, leader);
    cluster->network_ms = 5;
    diverging_show(cluster, wrong, leader);
    await_found(cluster);
    cluster_run(cluster, (uint64_t)(5 * _i));
    cluster_restart(cluster, leader);
    await_well(cluster);
    cluster_await_leader(cluster);
    cluster_run(cluster, 20 * ELECTION_MS);
    ck_assert(diverging_all_well(cluster));
    assert_machines_equal(cluster);
    assert_hashes_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_machine_that_errs_again_is_sent_snapshots_with_longer_and_longer_pauses) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 10);
    size_t wrong = cluster_other(cluster, leader);
    raft_index named = 0;
    unsigned mended = 0;
    diverging_show(cluster, wrong, leader);
    for (uint64_t end = cluster->now_ms + 100 * ELECTION_MS; cluster->now_ms < end; cluster_run(cluster, 50)) {
        diverging_put(cluster, leader, 1);
        struct node_status status = cluster_status(cluster, wrong);
        diverging_spoil(cluster, wrong, PUT("n", "8")); /* Each result is wrong. */
        if (status.snapshot.id.index > named) {
            named = status.snapshot.id.index;
            mended++;
        }
    }
    ck_assert_uint_ge(mended, 3);
    ck_assert_uint_le(mended, 6);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(an_answer_that_was_overtaken_reports_nothing) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 13);
    size_t other = cluster_other(cluster, leader);
    struct node *node = cluster_node(cluster, leader);
    struct state_hash_report right = cluster_status(cluster, other).state_hash;
    raft_index since;
    struct message_answer answer = node_answer_to(cluster_node(cluster, other), MESSAGE_APPEND_ENTRIES, 1);
    ck_assert_uint_ne(right.index, 0);
    answer.state_hash = (struct state_hash_report){right.index, right.hash ^ 1};
    raft_round newest =
        node->mending.peers[0].id == other + 1 ? node->mending.peers[0].round : node->mending.peers[1].round;
    mending_heard(node, other + 1, newest, &answer);
    ck_assert_int_eq(divergence_find(&node->mending.judged, other + 1)->verdict, DIVERGENCE_AGREES);
    mending_heard(node, other + 1, newest + 1, &answer);
    ck_assert_int_eq(divergence_find(&node->mending.judged, other + 1)->verdict, DIVERGENCE_DIFFERS);
    since = divergence_find(&node->mending.judged, other + 1)->since;
    ck_assert_uint_eq(since, right.index);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(the_same_snapshot_is_put_into_effect_again_when_it_is_needed_again) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 3, 14);
    size_t wrong = cluster_other(cluster, leader);
    struct node *node = cluster_node(cluster, wrong);
    diverging_show(cluster, wrong, leader);
    await_found(cluster);
    await_well(cluster);
    struct storage_snapshot snapshot = cluster_status(cluster, wrong).snapshot;
    /* Given a state that went wrong after it was mended */
    diverging_spoil(cluster, wrong, PUT("a", "5"));
    struct message_request piece = network_request(cluster, leader, wrong, MESSAGE_INSTALL_SNAPSHOT);
    piece.install = (struct message_install){
        .term = raft_current_term(cluster_node(cluster, leader)->core), .snapshot = snapshot, .mend = true};
    diverged_begin(node, 32);
    uint64_t writes = node->writes_begun;
    /* when the leader begins once more, and goes on to the end, */
    for (unsigned i = 0; i < 2; i++) {
        piece.install.offset = i == 0 ? 0 : snapshot.length;
        piece.install.done = i != 0;
        struct packet *packet = network_ask(cluster, wrong, &piece);
        node_turn(node, cluster->now_ms);
        while (packet->state != PACKET_ANSWERED) {
            disk_step_run(&cluster->members[wrong], disk_next_run(&cluster->members[wrong]));
            node_turn(node, cluster->now_ms);
        }
        struct message_answer answer = network_answer(packet);
        ck_assert_uint_eq(answer.install.stored, snapshot.length);
        ck_assert(!answer.install.installed);
    }
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    /* then it is right again. */
    ck_assert_uint_gt(node->writes_begun, writes);
    ck_assert(diverging_all_well(cluster));
    assert_machines_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

/* -- Where nobody can tell -- */

START_TEST(of_two_that_differ_nobody_knows_which_is_right_and_an_alarm_is_all) {
    struct cluster *cluster;
    size_t leader = diverging_begin(&cluster, 2, 11);
    diverging_show(cluster, cluster_other(cluster, leader), leader);
    cluster_run(cluster, ELECTION_MS / 2);
    ck_assert(!cluster_status(cluster, leader).divergence_alarm);
    cluster_run(cluster, ELECTION_MS);
    ck_assert(cluster_status(cluster, leader).divergence_alarm);
    ck_assert(!cluster_status(cluster, cluster_other(cluster, leader)).divergence_alarm);
    ck_assert(diverging_all_well(cluster));
    ck_assert_uint_eq(cluster_await_leader(cluster), leader);
    assert_result(client_await(cluster_get(cluster, leader)), "{\"found\":true,\"value\":1}");
    /* A third one's word would decide: here the one that differs begins anew, and is right. */
    cluster_restart(cluster, cluster_other(cluster, leader));
    diverging_put(cluster, leader, STATE_HASH_INTERVAL);
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    ck_assert(!cluster_status(cluster, leader).divergence_alarm);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_sole_node_is_always_right) {
    struct cluster *cluster;
    diverging_begin(&cluster, 1, 12);
    diverging_show(cluster, 0, 0);
    cluster_run(cluster, 5 * ELECTION_MS);
    ck_assert(diverging_all_well(cluster));
    ck_assert(!cluster_status(cluster, 0).divergence_alarm);
    ck_assert_uint_eq(cluster_leader(cluster), 0);
    cluster_destroy(cluster);
}
END_TEST

/* -- Under load and faults -- */

START_TEST(under_load_with_deaths_whoever_differs_is_found_and_mended) {
    struct cluster *cluster;
    diverging_begin(&cluster, _i % 2 == 0 ? 3 : 5, 100 + (uint64_t)_i);
    cluster->disk_ms = 5;
    cluster->network_ms = 5;
    for (size_t i = 0; i < cluster->count; i++) {
        cluster->members[i].options.snapshot_entries = 200;
    }
    for (unsigned round = 0; round < 3; round++) {
        size_t wrong = cluster_random(cluster, cluster->count);
        diverging_spoil(cluster, wrong, PUT("a", "2"));
        bool found = false;
        for (unsigned i = 0; i < 200; i++) {
            size_t at = cluster_random(cluster, cluster->count);
            cluster_propose(cluster, at, i % 2 == 0 ? PUT("a", "1") : PUT("n", "7"));
            cluster_run(cluster, cluster_random(cluster, 20));
            found = found || diverging_one(cluster);
            if (cluster_random(cluster, 100) == 0) {
                size_t other = cluster_random(cluster, cluster->count);
                found = found || other == wrong; /* What it had in memory is gone. */
                cluster_restart(cluster, other);
            }
        }
        ck_assert_msg(found || cluster_run_until(cluster, diverging_one, 10000), "not found");
        cluster_run(cluster, 20 * ELECTION_MS);
        diverging_put(cluster, cluster_await_leader(cluster), STATE_HASH_INTERVAL);
        await_well(cluster);
        cluster_run(cluster, 5 * HEARTBEAT_MS);
        assert_machines_equal(cluster);
    }
    assert_hashes_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_follower_is_mended_by_a_snapshot_and_keeps_its_log);
    tcase_add_test(tcase, nothing_has_to_be_proposed_for_it_to_be_found_and_mended);
    tcase_add_test(tcase, a_leader_in_the_minority_hands_over_and_the_next_one_mends_it);
    tcase_add_test(tcase, results_of_a_state_that_is_known_to_differ_are_not_told);
    tcase_add_test(tcase, what_was_applied_is_applied_once_more_and_nobody_hears_of_it_twice);
    tcase_add_test(tcase, a_snapshot_of_its_own_that_holds_the_wrong_state_is_replaced);
    tcase_add_test(tcase, a_snapshot_of_its_own_as_of_the_same_index_is_replaced_as_well);
    tcase_add_loop_test(tcase, a_death_at_any_moment_of_it_leaves_a_node_that_is_well_in_the_end, 0, 16);
    tcase_add_loop_test(tcase, the_leaders_death_in_the_middle_of_it_does_not_matter, 0, 8);
    tcase_add_test(tcase, a_machine_that_errs_again_is_sent_snapshots_with_longer_and_longer_pauses);
    tcase_add_test(tcase, an_answer_that_was_overtaken_reports_nothing);
    tcase_add_test(tcase, the_same_snapshot_is_put_into_effect_again_when_it_is_needed_again);
    tcase_add_test(tcase, of_two_that_differ_nobody_knows_which_is_right_and_an_alarm_is_all);
    tcase_add_test(tcase, a_sole_node_is_always_right);
    tcase_add_loop_test(tcase, under_load_with_deaths_whoever_differs_is_found_and_mended, 0, 6);
}

CHECK_MAIN("mending", add_tests)
