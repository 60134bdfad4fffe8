/* What tests of formation look at. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_FORMING_H
#define RAFTD_TESTS_SERVER_CLUSTER_FORMING_H

#include "cluster.h"

#define OTHER_CLUSTER "ffffffffffffffffffffffffffffffff"

static inline struct storage_state disk_state(const struct cluster *cluster, size_t at) {
    struct storage_state state;
    storage_state(cluster->members[at].storage, &state);
    return state;
}

/* What must hold at every moment: one cluster id, and nobody takes part before all disks hold the configuration. */
static inline void check_formation(const struct cluster *cluster) {
    const char *known = "";
    static char id[STORAGE_CLUSTER_ID_SIZE + 1];
    bool all_hold = true;
    bool any_core = false;
    for (size_t i = 0; i < cluster->count; i++) {
        struct storage_state state = disk_state(cluster, i);
        any_core = any_core || (cluster->members[i].node != NULL && cluster->members[i].node->core != NULL);
        all_hold = all_hold && state.last.index >= 1;
        if (state.identity.cluster_id[0] != '\0') {
            memcpy(id, known[0] == '\0' ? state.identity.cluster_id : id, sizeof id);
            known = id;
            ck_assert_str_eq(state.identity.cluster_id, id);
        }
    }
    ck_assert_msg(!any_core || all_hold, "somebody takes part before all hold the first configuration");
}

static inline bool all_formed(struct cluster *cluster) {
    check_formation(cluster);
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i].node == NULL || cluster->members[i].node->core == NULL) {
            return false;
        }
    }
    return true;
}

static inline bool never(struct cluster *cluster) {
    check_formation(cluster);
    return false;
}

/* Why `at` waits for node `id`; empty: it does not. */
static inline struct node_waiting waiting_for(struct cluster *cluster, size_t at, raft_node_id id) {
    struct node_status status = cluster_status(cluster, at);
    for (size_t i = 0; i < status.waiting_count; i++) {
        if (status.waiting[i].id == id) {
            return status.waiting[i];
        }
    }
    return (struct node_waiting){0};
}

static inline void assert_waits(struct cluster *cluster, size_t at, raft_node_id id, const char *why) {
    struct node_status status = cluster_status(cluster, at);
    ck_assert_int_eq(status.role, NODE_WAITING);
    ck_assert_str_eq(status.cluster_id, "");
    struct node_waiting waiting = waiting_for(cluster, at, id);
    ck_assert_msg(strstr(waiting.why, why) != NULL, "node %zu waits for %" PRIu64 ": '%s', not '%s'", at + 1, id,
                  waiting.why, why);
    ck_assert_str_eq(waiting.url, cluster->members[id - 1].url);
}

static inline void assert_serves(struct cluster *cluster) {
    size_t leader = cluster_await_leader(cluster);
    struct client *client = cluster_propose(cluster, cluster_other(cluster, leader), PUT("a", "1"));
    assert_result(client_await(client), "{}");
}

#endif
