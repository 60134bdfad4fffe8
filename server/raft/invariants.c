#include "server/raft/invariants.h"

#include <assert.h>

static void check_log(const struct raft *raft) {
    assert(raft->log.base.index <= raft->commit_index);
    assert(raft->commit_index <= log_last_index(&raft->log));
    assert(log_last(&raft->log).term <= raft->hard_state.term);
    assert(output_persisted_index(&raft->output, log_last_index(&raft->log)) <= log_last_index(&raft->log));
    assert(configuration_current(&raft->configurations)->index <= log_last_index(&raft->log));
}

static void check_role(const struct raft *raft) {
    switch (raft->role) {
    case RAFT_LEADER:
        assert(raft->leader == raft->options.id);
        assert(raft->hard_state.voted_for == raft->options.id);
        assert(raft->term_first_index <= raft->log.base.index ||
               log_term_at(&raft->log, raft->term_first_index) == raft->hard_state.term);
        assert(raft->reorder.count == 0);
        break;
    case RAFT_CANDIDATE:
        assert(raft->hard_state.voted_for == raft->options.id);
        assert(raft->leader == 0);
        break;
    case RAFT_PRE_CANDIDATE:
        assert(raft->leader == 0);
        break;
    case RAFT_FOLLOWER:
        assert(raft->leader != raft->options.id);
        break;
    }
    if (raft->role != RAFT_LEADER) {
        assert(raft->read_count == 0);
        assert(raft->transfer_to == 0);
    }
}

static void check_progress(const struct raft *raft) {
    for (size_t i = 0; raft->role == RAFT_LEADER && i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        assert(peer->id != raft->options.id);
        assert(peer->next_index > peer->match_index);
        assert(peer->next_index <= log_last_index(&raft->log) + 1);
        assert(peer->commit_told <= raft->commit_index);
        assert(progress_entries_in_flight(peer) <= raft->options.max_in_flight);
        assert(peer->state == RAFT_SNAPSHOT || peer->snapshot_round == 0);
        assert(peer->state != RAFT_SNAPSHOT || progress_entries_in_flight(peer) == 0);
    }
}

/* Every member is a peer once; whoever else is one is on its way out, as the leader's guest. */
static void check_peers(const struct raft *raft) {
    const struct raft_configuration *current = &configuration_current(&raft->configurations)->configuration;
    size_t members = configuration_has(current, raft->options.id) ? 1 : 0;
    for (size_t i = 0; i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        assert(configuration_has(current, peer->id) != peer->leaving);
        assert(!peer->leaving || raft->role == RAFT_LEADER);
        members += peer->leaving ? 0 : 1;
    }
    assert(members == configuration_size(current));
}

static void check_offer(const struct raft *raft) {
    const struct configuration_at *current = configuration_current(&raft->configurations);
    if (raft->offer.after != 0) {
        assert(raft->role == RAFT_LEADER && raft->transfer_to == 0);
        assert(raft->offer.after == current->index && current->index <= raft->commit_index);
        assert(raft->term_first_index <= raft->commit_index);
        assert(configuration_is_valid(&raft->offer.configuration));
    }
    /* §4.2.2: it has stepped down when that is committed. */
    assert(raft->role != RAFT_LEADER || raft_is_voter(raft) || current->index > raft->commit_index);
}

void invariants_check(const struct raft *raft) {
    check_log(raft);
    check_role(raft);
    check_progress(raft);
    check_peers(raft);
    check_offer(raft);
}
