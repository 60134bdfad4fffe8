#include "server/raft/commit.h"

#include "server/raft/quorum.h"
#include "server/raft/replication.h"

#include <assert.h>
#include <inttypes.h>

static uint64_t match_of(const void *context, raft_node_id id) {
    const struct raft *raft = context;
    if (id == raft->options.id) {
        return raft_persisted_index(raft);
    }
    const struct progress *progress = raft_progress((struct raft *)raft, id);
    assert(progress != NULL);
    return progress->match_index;
}

static void advance(struct raft *raft, raft_index index) {
    assert(index > raft->commit_index);
    assert(index <= log_last_index(&raft->log));
    raft->commit_index = index;
    configuration_commit(&raft->configurations, index);
}

void commit_leader(struct raft *raft) {
    assert(raft->role == RAFT_LEADER);
    const struct configuration_at *current = configuration_current(&raft->configurations);
    raft_index majority = quorum_value(&current->configuration, match_of, raft);
    if (majority <= raft->commit_index || log_term_at(&raft->log, majority) != raft->hard_state.term) {
        return;
    }
    if (raft->commit_index < raft->term_first_index) {
        raft_trace(raft, true, "committed in own term=%" PRIu64 " index=%" PRIu64, raft->hard_state.term, majority);
    }
    advance(raft, majority);
    replication_committed(raft);
}

void commit_follower(struct raft *raft, raft_index leader_commit, raft_index last_new) {
    assert(raft->role == RAFT_FOLLOWER);
    assert(last_new <= log_last_index(&raft->log));
    raft_index index = leader_commit < last_new ? leader_commit : last_new;
    if (index > raft->commit_index) {
        advance(raft, index);
    }
}
