/* Leases (§6.4.1): while a leader may answer reads from its own state, without asking anybody, no later leader commits
 * anything. Looked at whenever an entry is committed: seldom is a read there in the very moment in which it would show. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_LEASE_H
#define RAFTD_TESTS_SERVER_CLUSTER_LEASE_H

#include "cluster.h"
#include "server/raft/quorum.h"
#include "server/raft/state.h"

static inline uint64_t lease_until(const void *context, raft_node_id id) {
    const struct raft *raft = context;
    for (size_t i = 0; i < raft->peer_count; i++) {
        if (raft->peers[i].id == id) {
            return raft->peers[i].lease_until_ms;
        }
    }
    return id == raft->options.id ? UINT64_MAX : 0;
}

/* By its own clock, that of a process that stands still included: it may read the time and answer before it ticks. */
static inline bool lease_holds(const struct member *member) {
    const struct node *node = member->node;
    if (node == NULL || !node_is_leader(node)) {
        return false;
    }
    const struct raft *raft = node->core;
    const struct raft_configuration *current = raft_current_configuration(raft, NULL);
    return raft->commit_index >= raft->term_first_index && !raft->lease_over &&
           member_now_ms(member) < quorum_value(current, lease_until, raft);
}

/* No lease outlives the promise that it rests on, whichever clocks the two go by; a start does not shorten a promise. */
static inline void lease_check_promises(const struct member *member) {
    const struct cluster *cluster = member->cluster;
    const struct raft *raft = member->node->core;
    for (size_t i = 0; node_is_leader(member->node) && i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        const struct members_member *listed = roster_find(&member->node->roster, peer->id);
        const struct member *other = peer->id <= cluster->count ? &cluster->members[peer->id - 1] : NULL;
        if (peer->lease_until_ms == 0 || listed == NULL || other == NULL || other->node == NULL ||
            other->node->core == NULL || strcmp(listed->incarnation, other->incarnation) != 0) {
            continue;
        }
        ck_assert_msg(member_when_ms(member, peer->lease_until_ms) <=
                          member_when_ms(other, other->node->core->promise_until_ms),
                      "node %zu takes a promise of node %" PRIu64 " for longer than it was made", member->at + 1, peer->id);
    }
}

/* That node has committed something that nobody had. */
static inline void lease_check_commit(const struct cluster *cluster, const struct node *committer) {
    for (size_t i = 0; i < cluster->count; i++) {
        const struct member *member = &cluster->members[i];
        ck_assert_msg(!lease_holds(member) || raft_current_term(member->node->core) >= raft_current_term(committer->core),
                      "node %" PRIu64 " commits in term %" PRIu64 " while node %zu holds a lease of an earlier one",
                      committer->options.id, raft_current_term(committer->core), i + 1);
    }
}

#endif
