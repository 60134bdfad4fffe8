/* A cluster of three in which one has slept through more than the others' logs keep. Included after cluster.h. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_INSTALLING_H
#define RAFTD_TESTS_SERVER_CLUSTER_INSTALLING_H

enum { PIECE_BYTES = 100, INSTALLING_KEYS = 60 };

struct installing {
    struct cluster *cluster;
    size_t leader;
    size_t sleeper;
    size_t other;
};

static inline void installing_put(struct cluster *cluster, size_t at, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char command[128];
        snprintf(command, sizeof command, "{\"op\":\"put\",\"key\":\"k%u\",\"value\":%u}", i, i);
        client_await(cluster_propose(cluster, at, command));
    }
    cluster_run(cluster, 2 * HEARTBEAT_MS);
}

/* The sleeper does not run yet. */
static inline struct installing installing_begin(uint64_t seed) {
    struct installing now = {.cluster = cluster_create(3, seed)};
    for (size_t i = 0; i < 3; i++) {
        now.cluster->members[i].options.snapshot_entries = 20;
        now.cluster->members[i].options.piece_bytes = PIECE_BYTES;
    }
    now.leader = cluster_form(now.cluster);
    cluster_run(now.cluster, HEARTBEAT_MS);
    now.sleeper = cluster_other(now.cluster, now.leader);
    now.other = 3 - now.leader - now.sleeper;
    cluster_kill(now.cluster, now.sleeper);
    cluster_run(now.cluster, 2 * ELECTION_MS); /* Then the log is kept for it no longer. */
    installing_put(now.cluster, now.leader, INSTALLING_KEYS);
    ck_assert_uint_gt(raft_base(cluster_node(now.cluster, now.leader)->core).index, 30);
    ck_assert_uint_gt(snapshots_current(cluster_node(now.cluster, now.leader))->length, 10 * PIECE_BYTES);
    return now;
}

static inline const struct raft_peer_status *installing_peer(struct installing now, struct node_status *status) {
    *status = cluster_status(now.cluster, now.leader);
    for (size_t i = 0; i < status->raft.peer_count; i++) {
        if (status->raft.peers[i].id == now.sleeper + 1) {
            return &status->raft.peers[i];
        }
    }
    ck_abort_msg("the sleeper is no peer of the leader's");
    return NULL;
}

static inline struct snapshot_send *installing_send(struct installing now) {
    struct snapshot_sends *sends = &cluster_node(now.cluster, now.leader)->snapshot_sends;
    return sends->count == 0 ? NULL : &sends->list[0];
}

/* Until so much of the snapshot is there, by the leader's reckoning. */
static inline void installing_until_stored(struct installing now, uint64_t bytes) {
    for (unsigned i = 0; i < 20000; i++) {
        const struct snapshot_send *send = installing_send(now);
        if (send != NULL && send->stored >= bytes) {
            return;
        }
        cluster_run(now.cluster, 1);
    }
    ck_abort_msg("%" PRIu64 " bytes do not arrive", bytes);
}

/* The sleeper has the leader's state and follows its log. */
static inline void installing_assert_equal(struct installing now) {
    cluster_run(now.cluster, 5000);
    struct node_status status;
    const struct raft_peer_status *peer = installing_peer(now, &status);
    ck_assert_int_eq(peer->state, RAFT_REPLICATE);
    ck_assert_uint_eq(peer->match_index, status.raft.last.index);
    assert_machines_equal(now.cluster);
}

#endif
