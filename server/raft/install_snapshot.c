#include "server/raft/install_snapshot.h"

#include "server/raft/append_entries.h"

#include <assert.h>
#include <inttypes.h>

/* -- Leader -- */

bool install_snapshot_is_needed(const struct raft *raft, const struct progress *peer) {
    return peer->next_index <= raft->log.base.index;
}

void install_snapshot_begin(struct raft *raft, struct progress *peer) {
    assert(progress_entries_in_flight(peer) == 0);
    peer->state = RAFT_SNAPSHOT;
    peer->snapshot_round = 0;
    raft_trace(raft, true, "has to send a snapshot to=%" PRIu64 " next=%" PRIu64 " base=%" PRIu64, peer->id,
               peer->next_index, raft->log.base.index);
}

void install_snapshot_send(struct raft *raft, struct progress *peer) {
    assert(peer->state == RAFT_SNAPSHOT);
    if (peer->paused || peer->snapshot_round != 0) {
        return;
    }
    peer->snapshot_round = raft->next_round++;
    struct raft_message request = {
        .type = RAFT_INSTALL_SNAPSHOT,
        .from = raft->options.id,
        .to = peer->id,
        .term = raft->hard_state.term,
        .round = peer->snapshot_round,
    };
    output_message(&raft->output, &request);
}

/* Its log equals ours up to `installed`, which is committed: go on after it. Compacted meanwhile: once more. */
static void go_on_after(struct raft *raft, struct progress *peer, raft_index installed) {
    bool grew = installed > peer->match_index;
    if (grew) {
        peer->match_index = installed;
        peer->progress_ms = raft->now_ms;
    }
    if (installed > peer->commit_told) {
        peer->commit_told = installed; /* Whoever has a snapshot knows that it is committed. */
    }
    peer->next_index = peer->match_index + 1;
    if (install_snapshot_is_needed(raft, peer)) {
        peer->paused = !grew; /* A snapshot that brings it no further is not sent in a circle. */
        return;
    }
    peer->state = RAFT_REPLICATE;
    peer->paused = false;
}

/* The peer whose transfer that is, which ends herewith; NULL: none, or of a term that is over. */
static struct progress *end_transfer(struct raft *raft, raft_node_id to, raft_round round) {
    struct progress *peer = raft_progress(raft, to);
    if (raft->role != RAFT_LEADER || peer == NULL || round == 0 || peer->snapshot_round != round) {
        return NULL;
    }
    peer->snapshot_round = 0;
    return peer;
}

void install_snapshot_receive_answer(struct raft *raft, const struct raft_message *answer) {
    struct progress *peer = end_transfer(raft, answer->from, answer->round);
    if (peer == NULL) {
        return;
    }
    raft_index installed = answer->install_answer.installed;
    if (answer->term != raft->hard_state.term || !answer->install_answer.accepted || installed > raft->commit_index) {
        raft_trace(raft, true, "takes a snapshot as not installed at=%" PRIu64 " index=%" PRIu64, peer->id, installed);
        peer->paused = true;
        return;
    }
    raft_trace(raft, true, "has sent a snapshot to=%" PRIu64 " index=%" PRIu64, peer->id, installed);
    peer->last_contact_ms = raft->now_ms;
    go_on_after(raft, peer, installed);
}

void install_snapshot_send_failed(struct raft *raft, raft_node_id to, raft_round round) {
    struct progress *peer = end_transfer(raft, to, round);
    if (peer != NULL) {
        peer->paused = true; /* Until the next heartbeat. */
    }
}

/* -- Follower -- */

/* Figure 5.3, InstallSnapshot receiver, step 1; keeping the chunk is the host's. */
void install_snapshot_receive(struct raft *raft, const struct raft_message *request) {
    bool accepted = append_entries_hear_leader(raft, request->from, request->term);
    struct raft_message answer = {
        .type = RAFT_INSTALL_ANSWER,
        .from = raft->options.id,
        .to = request->from,
        .term = raft->hard_state.term,
        .round = request->round,
        .ticket = request->ticket,
        .after_write = output_wait_for(&raft->output, 0), /* Its term must be on disk before anybody hears of it. */
        .install_answer = {.accepted = accepted},
    };
    output_message(&raft->output, &answer);
}

/* Of who the servers are, it may come from another server and is looked at like an entry. None at all is possible. */
static bool tells_who(const struct raft_snapshot *snapshot) {
    struct raft_configuration none = {0};
    return configuration_is_valid(snapshot->configuration) ||
           (snapshot->configuration_index == 0 && configuration_equal(snapshot->configuration, &none));
}

/* Figure 5.3, steps 6 and 7: where the log has the snapshot's last entry, what follows it is kept; else all of it goes. */
static void replace_log(struct raft *raft, const struct raft_snapshot *snapshot) {
    struct configuration_at as_of = {snapshot->configuration_index, *snapshot->configuration};
    bool keeps = log_term_at(&raft->log, snapshot->id.index) == snapshot->id.term;
    raft_trace(raft, true, "installs a snapshot of %" PRIu64 "/%" PRIu64 ", %s its log last=%" PRIu64 " committed=%" PRIu64,
               snapshot->id.index, snapshot->id.term, keeps ? "keeps the rest of" : "gives up", log_last_index(&raft->log),
               raft->commit_index);
    if (keeps) {
        log_compact(&raft->log, snapshot->id.index);
        output_compact(&raft->output, snapshot->id);
    } else {
        log_reset(&raft->log, snapshot->id);
        output_replace(&raft->output, snapshot->id);
    }
    /* Step 8: "use its cluster configuration", unless what was kept has a later one. */
    if (configuration_install(&raft->configurations, keeps ? snapshot->id.index : UINT64_MAX, &as_of)) {
        raft_configuration_changed(raft);
    }
}

bool install_snapshot_take(struct raft *raft, const struct raft_snapshot *snapshot) {
    assert(snapshot->id.index >= 1 && snapshot->id.term >= 1);
    assert(snapshot->configuration_index <= snapshot->id.index && snapshot->configuration != NULL);
    if (snapshot->id.index <= raft->commit_index || raft->role == RAFT_LEADER) {
        return false;
    }
    if (!tells_who(snapshot)) {
        raft_trace(raft, true, "ignores a snapshot whose configuration makes no sense: %" PRIu64 "/%" PRIu64,
                   snapshot->id.index, snapshot->id.term);
        return false;
    }
    if (snapshot->id.term > raft->hard_state.term) {
        raft_trace(raft, true, "ignores a snapshot of a term that no leader has spoken of: %" PRIu64 "/%" PRIu64,
                   snapshot->id.index, snapshot->id.term);
        return false;
    }
    if (raft->role != RAFT_FOLLOWER) {
        raft_become_follower(raft, raft->hard_state.term, 0); /* It asked for votes with the log that goes. */
    }
    replace_log(raft, snapshot);
    raft->commit_index = snapshot->id.index;
    if (raft->leader != 0) {
        raft->stream_begun = true; /* The leader goes on from here: a gap is an overtaking. */
    }
    append_entries_take_held(raft);
    return true;
}
