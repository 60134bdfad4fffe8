#include "server/mending.h"

#include "server/node_state.h"

#include <inttypes.h>

/* -- Hearing -- */

/* What was known under another term is forgotten: who has been mended meanwhile is not known. */
static bool leads(struct node *node) {
    struct mending *mending = &node->mending;
    if (!node_is_leader(node)) {
        mending->term = 0;
        mending->alarm = false;
        return false;
    }
    if (mending->term != raft_current_term(node->core)) {
        *mending = (struct mending){.term = raft_current_term(node->core)};
    }
    return true;
}

static const struct mending_peer *find(const struct mending *mending, raft_node_id id) {
    for (size_t i = 0; i < mending->peer_count; i++) {
        if (mending->peers[i].id == id) {
            return &mending->peers[i];
        }
    }
    return NULL;
}

static struct mending_peer *peer_of(struct mending *mending, raft_node_id id) {
    struct mending_peer *peer = (struct mending_peer *)find(mending, id);
    if (peer == NULL && mending->peer_count < RAFT_MEMBERS_MAX) {
        peer = &mending->peers[mending->peer_count++];
        *peer = (struct mending_peer){.id = id};
    }
    return peer;
}

static enum divergence_verdict verdict_of(const struct node *node, raft_node_id id, raft_index *out_since) {
    const struct divergence_server *server = divergence_find(&node->mending.judged, id);
    *out_since = server == NULL ? 0 : server->since;
    return server == NULL ? DIVERGENCE_UNKNOWN : server->verdict;
}

void mending_heard(struct node *node, raft_node_id from, raft_round round, const struct message_answer *answer) {
    struct mending *mending = &node->mending;
    if (!leads(node)) {
        return;
    }
    struct mending_peer *peer = peer_of(mending, from);
    if (peer == NULL || round <= peer->round) {
        return; /* It was overtaken: its sender may have been mended since. */
    }
    peer->round = round;
    peer->knows = answer->diverged;
    if (answer->state_hash.index == 0) {
        return;
    }
    const struct raft_configuration *configuration = raft_current_configuration(node->core, NULL);
    struct state_hash_report own;
    divergence_note(&mending->judged, configuration, from, answer->state_hash);
    if (state_hash_at(&node->applier.hash, answer->state_hash.index, &own)) {
        divergence_note(&mending->judged, configuration, node->options.id, own);
    }
}

void mending_complete_request(const struct node *node, raft_node_id to, struct message_request *request) {
    const struct mending_peer *peer = find(&node->mending, to);
    request->state = DIVERGENCE_UNKNOWN;
    if (peer == NULL || node->mending.term != request->raft.term) {
        return;
    }
    enum divergence_verdict verdict = verdict_of(node, to, &request->diverged_since);
    /* Who is well and knows it needs no word. */
    if (verdict == DIVERGENCE_DIFFERS || (verdict == DIVERGENCE_AGREES && peer->knows)) {
        request->state = verdict;
    }
}

/* -- Saying -- */

static void say(const struct node *node, enum diagnostics_level level, raft_node_id id, const char *what,
                raft_index index) {
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, level, "state", "of node %" PRIu64 " %s %" PRIu64, id, what, index);
    }
}

static void judge_peer(struct node *node, struct mending_peer *peer) {
    raft_index since;
    enum divergence_verdict verdict = verdict_of(node, peer->id, &since);
    if (verdict == DIVERGENCE_DIFFERS && !peer->differs) {
        peer->differs = true;
        if (node->now_ms >= peer->next_ms + (uint64_t)MENDING_PAUSE_MAX * node->options.election_timeout_ms) {
            peer->sent = 0; /* It agreed for long. */
        }
        say(node, DIAGNOSTICS_ERROR, peer->id, "differs from the majority's since index", since);
    } else if (verdict == DIVERGENCE_AGREES && peer->differs) {
        peer->differs = false;
        peer->wanted = 0;
        say(node, DIAGNOSTICS_ERROR, peer->id, "agrees with the majority's again, after it differed since index", since);
    }
}

static void watch_dispute(struct node *node) {
    struct mending *mending = &node->mending;
    if (mending->judged.disputed == 0) {
        if (mending->alarm && node->io.diagnostics != NULL) {
            diagnostics_write(node->io.diagnostics, DIAGNOSTICS_ERROR, "state", "a majority of voters agrees again");
        }
        mending->alarm = false;
        mending->disputed_ms = 0;
        return;
    }
    mending->disputed_ms = mending->disputed_ms == 0 ? node->now_ms : mending->disputed_ms;
    if (!mending->alarm && node->now_ms >= mending->disputed_ms + node->options.election_timeout_ms) {
        mending->alarm = true;
        if (node->io.diagnostics != NULL) {
            diagnostics_write(node->io.diagnostics, DIAGNOSTICS_ERROR, "state",
                              "alarm: the states of voters differ at index %" PRIu64
                              ", and no majority agrees: nobody can tell which is right",
                              mending->judged.disputed);
        }
    }
}

/* -- Mending -- */

static void send_snapshot(struct node *node, struct mending_peer *peer) {
    if (peer->wanted == 0) {
        peer->wanted = node->applier.applied.index;
        snapshots_want(node);
    }
    if (snapshots_current(node)->id.index < peer->wanted) {
        return; /* It is being taken. */
    }
    snapshot_sends_mend(node, peer->id);
    peer->next_ms = node->now_ms + node->options.heartbeat_ms; /* If it comes to nothing. */
}

void mending_sent(struct node *node, raft_node_id to, bool installed) {
    struct mending_peer *peer = (struct mending_peer *)find(&node->mending, to);
    if (peer == NULL) {
        return;
    }
    uint64_t pause = peer->sent < MENDING_PAUSES_MAX ? (uint64_t)MENDING_PAUSE << peer->sent : MENDING_PAUSE_MAX;
    peer->wanted = 0;
    if (installed) {
        peer->next_ms = node->now_ms + pause * node->options.election_timeout_ms;
        peer->sent++;
    }
}

void mending_turn(struct node *node) {
    struct mending *mending = &node->mending;
    raft_index since;
    if (!leads(node)) {
        return;
    }
    divergence_keep_members(&mending->judged, raft_current_configuration(node->core, NULL));
    if (verdict_of(node, node->options.id, &since) == DIVERGENCE_DIFFERS) {
        diverged_begin(node, since);
    }
    for (size_t i = 0; i < mending->peer_count; i++) {
        struct mending_peer *peer = &mending->peers[i];
        judge_peer(node, peer);
        if (peer->differs && peer->knows && !diverged_is(node) && node->now_ms >= peer->next_ms &&
            divergence_find(&mending->judged, peer->id) != NULL) {
            send_snapshot(node, peer);
        }
    }
    watch_dispute(node);
}

uint64_t mending_deadline_ms(const struct node *node) {
    const struct mending *mending = &node->mending;
    if (mending->disputed_ms != 0 && !mending->alarm) {
        return mending->disputed_ms + node->options.election_timeout_ms;
    }
    return UINT64_MAX; /* All else happens when somebody answers a heartbeat. */
}
