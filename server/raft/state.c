#include "server/raft/state.h"

#include "server/raft/append_entries.h"
#include "server/raft/election.h"
#include "server/raft/membership.h"
#include "server/raft/quorum.h"
#include "server/raft/read_index.h"
#include "server/raft/transfer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void raft_become_follower(struct raft *raft, raft_term term, raft_node_id leader) {
    assert(term >= raft->hard_state.term);
    bool was_leader = raft->role == RAFT_LEADER;
    raft->role = RAFT_FOLLOWER;
    if (was_leader) {
        raft->commit_notice_due_ms = UINT64_MAX;
        read_index_fail(raft);
        transfer_end(raft);
        membership_end(raft);
        election_restart_timer(raft); /* As a leader it had none. */
    }
    bool new_term = term > raft->hard_state.term;
    if (new_term) {
        raft->hard_state = (struct raft_hard_state){.term = term, .voted_for = 0};
        output_hard_state(&raft->output);
        append_entries_new_term(raft);
    }
    if (new_term || was_leader || leader != 0) {
        raft_trace(raft, true, "becomes follower term=%" PRIu64 " leader=%" PRIu64, term, leader);
    }
    raft->leader = leader;
    raft->leader_contact_ms = raft->now_ms;
}

struct progress *raft_progress(struct raft *raft, raft_node_id id) {
    for (size_t i = 0; i < raft->peer_count; i++) {
        if (raft->peers[i].id == id) {
            return &raft->peers[i];
        }
    }
    return NULL;
}

bool raft_is_voter(const struct raft *raft) {
    return quorum_has_decider(&configuration_current(&raft->configurations)->configuration, raft->options.id);
}

static void add_peer(struct raft *raft, const struct progress *known, size_t known_count, raft_node_id id) {
    if (id == raft->options.id || raft_progress(raft, id) != NULL) {
        return; /* It may be a voter and an outgoing one. */
    }
    struct progress *peer = &raft->peers[raft->peer_count++];
    for (size_t i = 0; i < known_count; i++) {
        if (known[i].id == id && !known[i].leaving) {
            *peer = known[i];
            return;
        }
    }
    /* Also for one that was removed and comes back: its disk may be another. */
    peer->id = id;
    progress_reset(peer, log_last_index(&raft->log) + 1, raft->now_ms);
}

void raft_configuration_changed(struct raft *raft) {
    struct progress known[RAFT_MEMBERS_MAX];
    size_t known_count = raft->peer_count;
    memcpy(known, raft->peers, known_count * sizeof *known);
    const struct raft_configuration *configuration = &configuration_current(&raft->configurations)->configuration;
    raft->peer_count = 0;
    for (size_t i = 0; i < configuration->voter_count; i++) {
        add_peer(raft, known, known_count, configuration->voters[i]);
    }
    for (size_t i = 0; i < configuration->learner_count; i++) {
        add_peer(raft, known, known_count, configuration->learners[i]);
    }
    for (size_t i = 0; i < configuration->outgoing_count; i++) {
        add_peer(raft, known, known_count, configuration->outgoing[i]);
    }
    for (size_t i = 0; raft->role == RAFT_LEADER && i < known_count; i++) {
        if (!configuration_has(configuration, known[i].id) && raft->peer_count < RAFT_MEMBERS_MAX) {
            membership_begin_farewell(raft, &known[i]);
        }
    }
}

void raft_append(struct raft *raft, const struct raft_entry *entry) {
    log_append(&raft->log, entry->id, entry->type, entry->size);
    output_entry(&raft->output, entry);
    if (entry->type == RAFT_CONFIGURATION) {
        configuration_append(&raft->configurations, entry->id.index, entry->configuration);
        raft_configuration_changed(raft);
    }
}

/* SplitMix64: full period, good enough to keep time-outs apart. */
uint64_t raft_random(struct raft *raft, uint64_t bound) {
    assert(bound > 0);
    raft->random += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = raft->random;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (mixed ^ (mixed >> 31)) % bound;
}

void raft_trace(struct raft *raft, bool important, const char *format, ...) {
    if (raft->options.trace == NULL) {
        return;
    }
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    raft->options.trace(raft->options.trace_context, important, line);
}
