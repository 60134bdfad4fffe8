#include "server/raft/transfer.h"

#include "server/raft/election.h"
#include "server/raft/quorum.h"

#include <assert.h>
#include <inttypes.h>

static bool is_heard_voter(struct raft *raft, const struct progress *peer) {
    return quorum_has_voter(raft_current_configuration(raft, NULL), peer->id) &&
           raft->now_ms < peer->last_contact_ms + raft->options.election_timeout_ms;
}

/* The voter that needs the least to have the whole log. */
static raft_node_id furthest_voter(struct raft *raft, raft_node_id but) {
    const struct progress *best = NULL;
    for (size_t i = 0; i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        if (peer->id != but && is_heard_voter(raft, peer) && (best == NULL || peer->match_index > best->match_index)) {
            best = peer;
        }
    }
    return best == NULL ? 0 : best->id;
}

bool transfer_start(struct raft *raft, raft_node_id to) {
    if (raft->role != RAFT_LEADER || raft->transfer_to != 0) {
        return false;
    }
    if (to == 0) {
        to = furthest_voter(raft, 0);
    }
    const struct progress *peer = raft_progress(raft, to);
    if (peer == NULL || !quorum_has_voter(raft_current_configuration(raft, NULL), to)) {
        return false;
    }
    raft->transfer_to = to;
    raft->transfer_round = 0;
    raft->transfer_deadline_ms = raft->now_ms + raft->options.election_timeout_ms;
    raft_trace(raft, true, "hands over to=%" PRIu64 " match=%" PRIu64 " last=%" PRIu64, to, peer->match_index,
               log_last_index(&raft->log));
    return true;
}

void transfer_end(struct raft *raft) {
    raft->transfer_to = 0;
    raft->transfer_round = 0;
}

static void give_up(struct raft *raft) {
    raft_trace(raft, true, "gives up handing over to=%" PRIu64, raft->transfer_to);
    transfer_end(raft);
}

/* Another one than last time, if there is another: that one may be no better off. */
void transfer_start_unfit(struct raft *raft) {
    assert(raft->role == RAFT_LEADER && raft->unfit);
    if (election_is_sole_voter(raft) || raft->transfer_to != 0) {
        return;
    }
    raft_node_id to = furthest_voter(raft, raft->transfer_last);
    if (to == 0) {
        to = furthest_voter(raft, 0);
    }
    if (to != 0) {
        bool started = transfer_start(raft, to);
        assert(started);
        raft->transfer_last = started ? to : 0;
    }
    raft->transfer_retry_ms = raft->now_ms + raft->options.heartbeat_ms;
}

void transfer_tick(struct raft *raft) {
    assert(raft->role == RAFT_LEADER);
    if (raft->transfer_to != 0 && raft->now_ms >= raft->transfer_deadline_ms) {
        give_up(raft);
    }
    if (raft->unfit && raft->now_ms >= raft->transfer_retry_ms) {
        transfer_start_unfit(raft);
    }
}

/* TimeoutNow: the rest is the election's (§3.10 step 3). */
raft_round transfer_tell(struct raft *raft, raft_node_id to) {
    raft->lease_over = true; /* Its voters will break their promises: this election is a transfer's (§6.4.1). */
    struct raft_message request = {
        .type = RAFT_TIMEOUT_NOW,
        .from = raft->options.id,
        .to = to,
        .term = raft->hard_state.term,
        .round = raft->next_round++,
    };
    output_message(&raft->output, &request);
    return request.round;
}

raft_node_id transfer_furthest(const struct raft *raft) {
    const struct progress *best = NULL;
    for (size_t i = 0; i < raft->peer_count; i++) {
        const struct progress *peer = &raft->peers[i];
        if (quorum_has_voter(raft_current_configuration(raft, NULL), peer->id) &&
            (best == NULL || peer->match_index > best->match_index)) {
            best = peer;
        }
    }
    assert(best != NULL); /* Every configuration has voters. */
    return best->id;
}

void transfer_flush(struct raft *raft) {
    assert(raft->role == RAFT_LEADER);
    if (raft->transfer_to == 0 || raft->transfer_round != 0) {
        return;
    }
    const struct progress *peer = raft_progress(raft, raft->transfer_to);
    /* It was a voter, and meanwhile no configuration is appended. */
    assert(peer != NULL && quorum_has_voter(raft_current_configuration(raft, NULL), peer->id));
    if (peer->match_index < log_last_index(&raft->log)) {
        return;
    }
    raft->transfer_round = transfer_tell(raft, peer->id);
}

void transfer_send_failed(struct raft *raft, raft_node_id to, raft_round round) {
    if (raft->transfer_to == to && raft->transfer_round != 0 && raft->transfer_round == round) {
        give_up(raft);
    }
}

void transfer_receive(struct raft *raft, const struct raft_message *request) {
    bool obeys = request->term == raft->hard_state.term && raft->role == RAFT_FOLLOWER && raft->leader == request->from &&
                 raft_is_voter(raft) && !raft->stranger && raft->hard_state.term < RAFT_NUMBER_MAX &&
                 (!raft->unfit || election_is_sole_voter(raft));
    struct raft_message answer = {
        .type = RAFT_TIMEOUT_NOW_ANSWER,
        .from = raft->options.id,
        .to = request->from,
        .term = raft->hard_state.term,
        .round = request->round,
        .ticket = request->ticket,
        .after_write = output_wait_for(&raft->output, 0),
    };
    output_message(&raft->output, &answer);
    if (obeys) {
        election_start_transfer(raft);
    }
}
