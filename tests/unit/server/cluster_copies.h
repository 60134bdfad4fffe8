/* What disks hold of the log, and what is believed of that: a leader of its followers' disks, everybody of what is
 * committed. Looked at when the belief changes and when a disk is told to cut its log, for most mistakes here are mended
 * before anybody is told a wrong answer. Part of cluster_truth.h. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_COPIES_H
#define RAFTD_TESTS_SERVER_CLUSTER_COPIES_H

#include "cluster.h"
#include "server/raft/state.h"

/* Match indexes as they were after the last turn. */
struct copies_seen {
    raft_term term;
    raft_index match[CLUSTER_MAX];
};

/* Whether that store has the entry, be it in a snapshot. */
static inline bool truth_stores(struct storage *storage, uint64_t index, uint64_t term) {
    struct storage_state state;
    storage_state(storage, &state);
    if (index <= state.base.index || index > state.last.index) {
        return index <= state.base.index;
    }
    struct raft_entry *entries;
    size_t count;
    struct buffer *buffer;
    struct storage_message message;
    ck_assert_int_eq(storage_read(storage, index, index, 1, &entries, &count, &buffer, &message), STORAGE_OK);
    bool same = count == 1 && entries[0].id.term == term;
    free(entries);
    buffer_release(buffer);
    return same;
}

/* A disk that has heard of a later term may have been cut by its leader: then nobody commits by the match index. */
static inline void copies_check_match(const struct member *leader, const struct progress *peer) {
    const struct raft *raft = leader->node->core;
    const struct members_member *listed = roster_find(&leader->node->roster, peer->id);
    const struct member *other = &leader->cluster->members[peer->id - 1];
    raft_term term = raft_term_at(raft, peer->match_index);
    struct storage_state state;
    storage_state(other->storage, &state);
    if (listed == NULL || strcmp(listed->incarnation, other->incarnation) != 0 ||
        state.hard_state.term > raft_current_term(raft)) {
        return;
    }
    ck_assert_msg(
        peer->match_index <= state.last.index && (term == 0 || truth_stores(other->storage, peer->match_index, term)),
        "node %zu takes it that node %" PRIu64 " has %" PRIu64 " on its disk", leader->at + 1, peer->id, peer->match_index);
}

/* Figure 3.1: matchIndex is known to be replicated, that is, on disk (§3.8). After a turn. */
static inline void copies_check_matches(const struct member *member, struct copies_seen *seen) {
    const struct raft *raft = member->node->core;
    if (!node_is_leader(member->node)) {
        return;
    }
    if (seen->term != raft_current_term(raft)) {
        *seen = (struct copies_seen){.term = raft_current_term(raft)};
    }
    for (size_t i = 0; i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        if (peer->id <= member->cluster->count && peer->match_index != seen->match[peer->id - 1]) {
            seen->match[peer->id - 1] = peer->match_index;
            if (peer->match_index > 0) {
                copies_check_match(member, peer);
            }
        }
    }
}

#endif
