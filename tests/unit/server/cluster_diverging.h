/* A cluster in which the state of one member is made wrong behind the log's back. Included after cluster.h. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_DIVERGING_H
#define RAFTD_TESTS_SERVER_CLUSTER_DIVERGING_H

/* As if its memory had failed. */
static inline void diverging_spoil(struct cluster *cluster, size_t at, const char *command) {
    struct node *node = cluster_node(cluster, at);
    struct json_writer result = {0};
    ck_assert_int_eq(node->options.machine->apply(node->applier.state, node->applier.applied.index, command,
                                                  strlen(command), applier_output(&result)),
                     MACHINE_DONE);
    json_writer_discard(&result);
}

/* Puts `count` values under "n"; each result shows the one before. Answers the last index. */
static inline raft_index diverging_put(struct cluster *cluster, size_t at, unsigned count) {
    raft_index last = 0;
    for (unsigned i = 0; i < count; i++) {
        struct client *client = client_await(cluster_propose(cluster, at, PUT("n", "7")));
        ck_assert_msg(client->lines[0].problem.code == PROBLEM_NONE, "%s", client->lines[0].problem.detail);
        last = client->lines[0].id.index;
    }
    return last;
}

/* A formed cluster with something in it, "a" included. */
static inline size_t diverging_begin(struct cluster **out_cluster, size_t count, uint64_t seed) {
    struct cluster *cluster = *out_cluster = cluster_create(count, seed);
    for (size_t i = 0; i < count; i++) {
        cluster->members[i].options.piece_bytes = 100;
    }
    size_t leader = cluster_form(cluster);
    client_await(cluster_propose(cluster, leader, PUT("a", "1")));
    diverging_put(cluster, leader, 40);
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    return leader;
}

/* Its next results are wrong, and a report of them is due. The last index. */
static inline raft_index diverging_show(struct cluster *cluster, size_t wrong, size_t through) {
    diverging_spoil(cluster, wrong, PUT("a", "2"));
    struct client *client = client_await(cluster_propose(cluster, through, PUT("a", "1")));
    ck_assert_int_eq(client->lines[0].problem.code, PROBLEM_NONE);
    return diverging_put(cluster, through, STATE_HASH_INTERVAL);
}

static inline bool diverging_all_well(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i].node != NULL && cluster_status(cluster, i).diverged_since != 0) {
            return false;
        }
    }
    return true;
}

static inline bool diverging_one(struct cluster *cluster) {
    return !diverging_all_well(cluster);
}

/* Same index, same hash. */
static inline void assert_hashes_equal(struct cluster *cluster) {
    struct state_hash_report first = {0};
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i].node == NULL) {
            continue;
        }
        struct node_status status = cluster_status(cluster, i);
        ck_assert_uint_eq(status.state_hash.index, status.applied_index / STATE_HASH_INTERVAL * STATE_HASH_INTERVAL);
        if (first.index == 0) {
            first = status.state_hash;
        }
        ck_assert_uint_eq(status.state_hash.index, first.index);
        ck_assert_uint_eq(status.state_hash.hash, first.hash);
    }
    ck_assert_uint_ne(first.index, 0);
}

#endif
