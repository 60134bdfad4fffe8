#include "cluster.h"
#include "tests/check_main.h"

struct setting {
    struct cluster *cluster;
    size_t leader;
    size_t follower;
    size_t third;
};

static struct setting begin(uint64_t seed, uint64_t cache_bytes) {
    struct cluster *cluster = cluster_create(3, seed);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].options.cache_bytes = cache_bytes;
    }
    size_t leader = cluster_form(cluster);
    cluster_run(cluster, HEARTBEAT_MS);
    size_t follower = cluster_other(cluster, leader);
    return (struct setting){cluster, leader, follower, cluster_other(cluster, follower)};
}

static bool has_candidate(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i].node != NULL && cluster_status(cluster, i).role == NODE_CANDIDATE) {
            return true;
        }
    }
    return false;
}

START_TEST(no_vote_is_asked_for_before_the_candidates_own_is_on_disk) {
    struct setting now = begin(1, 1000000);
    cluster_kill(now.cluster, now.leader);
    now.cluster->members[now.follower].hold_writes = now.cluster->members[now.third].hold_writes = true;
    ck_assert(cluster_run_until(now.cluster, has_candidate, 3 * ELECTION_MS));
    size_t candidate = cluster_status(now.cluster, now.follower).role == NODE_CANDIDATE ? now.follower : now.third;
    ck_assert_int_eq(cluster_status(now.cluster, candidate).role, NODE_CANDIDATE);
    raft_term term = cluster_status(now.cluster, candidate).raft.hard_state.term;
    size_t voter = now.follower + now.third - candidate;
    ck_assert_uint_lt(cluster_status(now.cluster, voter).raft.hard_state.term, term);
    /* Then the voter says yes, but not before that is on its disk. */
    now.cluster->members[candidate].hold_writes = false;
    cluster_settle(now.cluster);
    ck_assert_uint_eq(cluster_status(now.cluster, voter).raft.hard_state.voted_for, candidate + 1);
    ck_assert_uint_ge(network_count(now.cluster, candidate, voter, MESSAGE_REQUEST_VOTE, PACKET_ARRIVED), 1);
    ck_assert_int_eq(cluster_status(now.cluster, candidate).role, NODE_CANDIDATE);
    now.cluster->members[voter].hold_writes = false;
    cluster_settle(now.cluster);
    ck_assert_int_eq(cluster_status(now.cluster, candidate).role, NODE_LEADER);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_vote_that_was_not_on_disk_yet_was_not_given) {
    /* Given a voter that dies with its vote on the way to the disk. */
    struct setting now = begin(2, 1000000);
    cluster_kill(now.cluster, now.leader);
    now.cluster->members[now.third].hold_writes = true;
    while (cluster_status(now.cluster, now.third).raft.hard_state.voted_for != now.follower + 1) {
        cluster_run(now.cluster, 1);
        if (cluster_status(now.cluster, now.third).role == NODE_CANDIDATE) {
            cluster_restart(now.cluster, now.third);
            now.cluster->members[now.third].hold_writes = true;
        }
    }
    cluster_run(now.cluster, 100);
    ck_assert_int_eq(cluster_status(now.cluster, now.follower).role, NODE_CANDIDATE);
    cluster_restart(now.cluster, now.third);
    ck_assert_uint_ne(cluster_status(now.cluster, now.third).raft.hard_state.voted_for, now.follower + 1);
    cluster_await_leader(now.cluster);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(entries_are_acknowledged_when_they_are_on_the_followers_disk) {
    struct setting now = begin(3, 1000000);
    now.cluster->members[now.follower].hold_writes = true;
    cluster_propose(now.cluster, now.leader, PUT("a", "1"));
    cluster_run(now.cluster, 10);
    ck_assert_uint_eq(network_count(now.cluster, now.leader, now.follower, MESSAGE_APPEND_ENTRIES, PACKET_ARRIVED), 1);
    struct client *commands[3];
    for (size_t i = 0; i < 3; i++) {
        commands[i] = cluster_propose(now.cluster, now.leader, PUT("a", "2"));
        cluster_settle(now.cluster);
    }
    ck_assert_uint_eq(network_count(now.cluster, now.leader, now.follower, MESSAGE_APPEND_ENTRIES, PACKET_ARRIVED), 4);
    /* Writes end one by one, and with each the answers that rest on it. */
    for (size_t left = 3; left < 4; left--) {
        disk_finish_write(&now.cluster->members[now.follower]);
        cluster_settle(now.cluster);
        ck_assert_uint_eq(network_count(now.cluster, now.leader, now.follower, MESSAGE_APPEND_ENTRIES, PACKET_ARRIVED),
                          left);
    }
    client_await(commands[2]);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(entries_leave_before_the_leaders_own_disk_has_them_and_heartbeats_wait_for_no_disk) {
    struct setting now = begin(4, 1000000);
    for (size_t i = 0; i < 3; i++) {
        now.cluster->members[i].hold_writes = i == now.leader;
    }
    struct client *client = cluster_propose(now.cluster, now.leader, PUT("a", "1"));
    cluster_settle(now.cluster);
    assert_result(client, "{}"); /* Two other disks are a majority. */
    for (size_t i = 0; i < 3; i++) {
        now.cluster->members[i].hold_writes = true;
    }
    cluster_propose_with(now.cluster, now.leader, PUT("a", "2"), 100, true);
    cluster_run(now.cluster, 3 * ELECTION_MS);
    ck_assert_uint_eq(cluster_leader(now.cluster), now.leader);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_range_of_which_the_disk_has_only_the_beginning_is_sent_whole) {
    /* Given a leader whose cache keeps nothing that it need not, and whose disk hangs; and a follower far behind. */
    struct setting now = begin(5, 0);
    cluster_kill(now.cluster, now.follower);
    for (unsigned i = 0; i < 10; i++) {
        client_await(cluster_propose(now.cluster, now.leader, PUT("a", "1")));
    }
    cluster_run(now.cluster, HEARTBEAT_MS);
    now.cluster->members[now.leader].hold_writes = true;
    cluster_set_around(now.cluster, now.cluster->refused, now.third, true);
    struct client *client = cluster_propose(now.cluster, now.leader, PUT("a", "2"));
    cluster_settle(now.cluster);
    ck_assert_uint_gt(entry_cache_first(&cluster_node(now.cluster, now.leader)->cache), 10);
    cluster_start(now.cluster, now.follower);
    cluster_run(now.cluster, 3 * HEARTBEAT_MS);
    ck_assert_uint_eq(cluster_status(now.cluster, now.follower).raft.last.index,
                      cluster_status(now.cluster, now.leader).raft.last.index);
    ck_assert_uint_eq(client->answers, 0);
    now.cluster->members[now.leader].hold_writes = false;
    cluster_settle(now.cluster);
    assert_result(client, "{\"previous\":1}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(what_the_disk_read_for_a_term_that_is_over_is_not_sent) {
    struct setting now = begin(6, 0);
    cluster_kill(now.cluster, now.follower);
    for (unsigned i = 0; i < 10; i++) {
        client_await(cluster_propose(now.cluster, now.leader, PUT("a", "1")));
    }
    cluster_run(now.cluster, HEARTBEAT_MS);
    struct member *old = &now.cluster->members[now.leader];
    old->hold_reads = true;
    cluster_start(now.cluster, now.follower);
    while (old->read_count == 0) {
        cluster_run(now.cluster, 10);
    }
    /* When a later term comes to the leader before its disk has read. */
    struct message_request request = network_request(now.cluster, now.third, now.leader, MESSAGE_APPEND_ENTRIES);
    request.raft.term = raft_current_term(old->node->core) + 1;
    network_ask(now.cluster, now.leader, &request);
    cluster_settle(now.cluster);
    now.cluster->held[now.leader][now.follower] = true;
    size_t before = network_count(now.cluster, now.leader, now.follower, MESSAGE_APPEND_ENTRIES, PACKET_SENT);
    old->hold_reads = false;
    cluster_settle(now.cluster);
    ck_assert_uint_eq(old->read_count, 0);
    ck_assert_uint_eq(network_count(now.cluster, now.leader, now.follower, MESSAGE_APPEND_ENTRIES, PACKET_SENT), before);
    now.cluster->held[now.leader][now.follower] = false;
    cluster_await_leader(now.cluster);
    cluster_run(now.cluster, 1000);
    assert_machines_equal(now.cluster);
    cluster_destroy(now.cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, no_vote_is_asked_for_before_the_candidates_own_is_on_disk);
    tcase_add_test(tcase, a_vote_that_was_not_on_disk_yet_was_not_given);
    tcase_add_test(tcase, entries_are_acknowledged_when_they_are_on_the_followers_disk);
    tcase_add_test(tcase, entries_leave_before_the_leaders_own_disk_has_them_and_heartbeats_wait_for_no_disk);
    tcase_add_test(tcase, a_range_of_which_the_disk_has_only_the_beginning_is_sent_whole);
    tcase_add_test(tcase, what_the_disk_read_for_a_term_that_is_over_is_not_sent);
}

CHECK_MAIN("outbox", add_tests)
