#include "server/raft/raft.h"
#include "server/raft/state.h"

static void show_peer(const struct progress *peer, struct raft_peer_status *out_peer) {
    *out_peer = (struct raft_peer_status){
        .id = peer->id,
        .state = peer->state,
        .match_index = peer->match_index,
        .next_index = peer->next_index,
        .last_contact_ms = peer->last_contact_ms,
    };
}

void raft_status(const struct raft *raft, struct raft_status *out_status) {
    *out_status = (struct raft_status){
        .role = raft->role,
        .hard_state = raft->hard_state,
        .leader = raft->leader,
        .first_index = raft->log.base.index + 1,
        .last = log_last(&raft->log),
        .commit_index = raft->commit_index,
        .persisted_index = raft_persisted_index(raft),
        .configuration_index = configuration_current(&raft->configurations)->index,
    };
    if (raft->role == RAFT_LEADER) {
        out_status->has_committed_in_term = raft->commit_index >= raft->term_first_index;
        for (size_t i = 0; i < raft->peer_count; i++) {
            if (!raft->peers[i].leaving) { /* Who is no member is nobody's business. */
                show_peer(&raft->peers[i], &out_status->peers[out_status->peer_count++]);
            }
        }
    }
}

enum raft_role raft_role(const struct raft *raft) {
    return raft->role;
}

raft_node_id raft_leader(const struct raft *raft) {
    return raft->leader;
}

raft_term raft_current_term(const struct raft *raft) {
    return raft->hard_state.term;
}

raft_index raft_last_index(const struct raft *raft) {
    return log_last_index(&raft->log);
}

struct raft_entry_id raft_base(const struct raft *raft) {
    return raft->log.base;
}

raft_index raft_commit_index(const struct raft *raft) {
    return raft->commit_index;
}

raft_index raft_persisted_index(const struct raft *raft) {
    return output_persisted_index(&raft->output, log_last_index(&raft->log));
}

raft_term raft_term_at(const struct raft *raft, raft_index index) {
    return log_term_at(&raft->log, index);
}

const struct raft_configuration *raft_current_configuration(const struct raft *raft, raft_index *out_index) {
    const struct configuration_at *current = configuration_current(&raft->configurations);
    if (out_index != NULL) {
        *out_index = current->index;
    }
    return &current->configuration;
}
