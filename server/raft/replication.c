#include "server/raft/replication.h"

#include "server/raft/commit.h"
#include "server/raft/election.h"
#include "server/raft/install_snapshot.h"
#include "server/raft/membership.h"
#include "server/raft/quorum.h"
#include "server/raft/read_index.h"

#include <assert.h>
#include <inttypes.h>

static raft_index smaller(raft_index left, raft_index right) {
    return left < right ? left : right;
}

void replication_become_leader(struct raft *raft) {
    assert(raft->role == RAFT_CANDIDATE);
    assert(raft->hard_state.voted_for == raft->options.id);
    raft->role = RAFT_LEADER;
    raft->leader = raft->options.id;
    for (size_t i = 0; i < raft->peer_count; i++) {
        progress_reset(&raft->peers[i], log_last_index(&raft->log) + 1, raft->now_ms);
    }
    raft_trace(raft, true, "becomes leader term=%" PRIu64 " last=%" PRIu64 "/%" PRIu64, raft->hard_state.term,
               log_last(&raft->log).index, log_last(&raft->log).term);
    raft->heartbeat_due_ms = raft->now_ms;
    raft->commit_notice_due_ms = UINT64_MAX;
    raft->lease_over = false;
    raft->transfer_last = 0;
    raft->transfer_retry_ms = raft->now_ms;
    raft->term_first_index = log_last_index(&raft->log) + 1;
    struct raft_entry noop = {.id = {raft->term_first_index, raft->hard_state.term}, .type = RAFT_NOOP};
    raft_append(raft, &noop);
}

/* -- Sending -- */

static void send(struct raft *raft, struct progress *peer, raft_index prev, size_t count, bool heartbeat) {
    assert(prev <= log_last_index(&raft->log) && (prev == 0 || prev >= raft->log.base.index));
    struct raft_message message = {
        .type = RAFT_APPEND_ENTRIES,
        .from = raft->options.id,
        .to = peer->id,
        .term = raft->hard_state.term,
        .round = raft->next_round++,
        .append_entries = {.prev = {prev, log_term_at(&raft->log, prev)},
                           .leader_commit = raft->commit_index,
                           .entry_count = count},
    };
    output_message(&raft->output, &message);
    progress_sent(peer, (struct progress_request){message.round, prev, prev + count, heartbeat, raft->now_ms});
    raft_index told = smaller(raft->commit_index, prev + count);
    if (told > peer->commit_told) {
        peer->commit_told = told;
    }
}

/* The follower is known to have something of the log, and we still have its term. */
static bool has_match(const struct raft *raft, const struct progress *peer) {
    return peer->match_index >= raft->log.base.index;
}

/* A heartbeat's predecessor is what the follower is known to have: it never conflicts, waits for no disk there, and carries
 * no commit index past what matches. Where that is compacted away, it stands before the first entry and says of the log
 * nothing at all. */
static void send_heartbeat_if_wanted(struct raft *raft, struct progress *peer) {
    if (peer->heartbeat_wanted && peer->heartbeats_in_flight < RAFT_HEARTBEATS_IN_FLIGHT) {
        peer->heartbeat_wanted = false;
        send(raft, peer, has_match(raft, peer) ? peer->match_index : 0, 0, true);
    }
}

/* What that server gets: the whole log, or as a farewell what leads to its removal. */
static raft_index last_for(const struct raft *raft, const struct progress *peer) {
    return peer->leaving ? peer->leaving_index : log_last_index(&raft->log);
}

/* How many entries from `first` up to `last` go into one request. */
static size_t batch_count(const struct raft *raft, raft_index first, raft_index last) {
    size_t count = 0;
    uint64_t bytes = 0;
    while (count < raft->options.max_batch_entries && first + count <= last) {
        bytes += log_at(&raft->log, first + count)->size;
        if (count > 0 && bytes > raft->options.max_batch_bytes) {
            break;
        }
        count++;
    }
    return count;
}

/* In PROBE: one request at a time, with entries, so that the first success already moves data. */
static void send_probe(struct raft *raft, struct progress *peer) {
    if (peer->paused || progress_entries_in_flight(peer) > 0) {
        return;
    }
    send(raft, peer, peer->next_index - 1, batch_count(raft, peer->next_index, last_for(raft, peer)), false);
}

static void send_entries(struct raft *raft, struct progress *peer) {
    if (peer->paused || install_snapshot_is_needed(raft, peer)) {
        return; /* In the latter case older requests are still on the way. */
    }
    raft_index last = last_for(raft, peer);
    while (peer->next_index <= last && progress_entries_in_flight(peer) < raft->options.max_in_flight) {
        size_t count = batch_count(raft, peer->next_index, last);
        send(raft, peer, peer->next_index - 1, count, false);
        peer->next_index += count;
    }
}

/* With nothing on the way the follower's state is known, as far as it ever will be. What is on the way may still show that
 * it needs no snapshot. */
static void settle(struct raft *raft, struct progress *peer) {
    if (progress_entries_in_flight(peer) > 0 || peer->state == RAFT_SNAPSHOT) {
        return;
    }
    if (peer->state == RAFT_REPLICATE) {
        /* Whatever was refused out of order or lost is known now: go on after what is known to match. */
        peer->next_index = peer->match_index + 1;
    }
    if (install_snapshot_is_needed(raft, peer)) {
        install_snapshot_begin(raft, peer);
    }
}

void replication_flush(struct raft *raft) {
    assert(raft->role == RAFT_LEADER);
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct progress *peer = &raft->peers[i];
        send_heartbeat_if_wanted(raft, peer);
        settle(raft, peer);
        switch (peer->state) {
        case RAFT_PROBE:
            send_probe(raft, peer);
            break;
        case RAFT_REPLICATE:
            send_entries(raft, peer);
            break;
        case RAFT_SNAPSHOT:
            install_snapshot_send(raft, peer);
            break;
        }
    }
}

void replication_want_heartbeats(struct raft *raft) {
    for (size_t i = 0; i < raft->peer_count; i++) {
        raft->peers[i].heartbeat_wanted = true;
    }
}

void replication_committed(struct raft *raft) {
    if (raft->commit_notice_due_ms == UINT64_MAX) {
        raft->commit_notice_due_ms = raft->now_ms + raft->options.heartbeat_ms / 10 + 1;
    }
}

/* -- Time -- */

static uint64_t contact_of(const void *context, raft_node_id id) {
    const struct raft *raft = context;
    if (id == raft->options.id) {
        return raft->now_ms;
    }
    const struct progress *progress = raft_progress((struct raft *)raft, id);
    assert(progress != NULL);
    return progress->last_contact_ms;
}

/* §6.2: a leader that has not heard a majority for an election time-out cannot know whether it still is one. */
static bool has_lost_quorum(const struct raft *raft) {
    uint64_t heard = quorum_value(&configuration_current(&raft->configurations)->configuration, contact_of, raft);
    return raft->now_ms >= heard + raft->options.election_timeout_ms;
}

static void tell_commit(struct raft *raft) {
    raft->commit_notice_due_ms = UINT64_MAX;
    for (size_t i = 0; i < raft->peer_count; i++) {
        struct progress *peer = &raft->peers[i];
        if (has_match(raft, peer) && peer->commit_told < smaller(raft->commit_index, peer->match_index)) {
            peer->heartbeat_wanted = true;
        }
    }
}

void replication_tick(struct raft *raft) {
    assert(raft->role == RAFT_LEADER);
    if (has_lost_quorum(raft)) {
        raft_trace(raft, true, "has not heard a majority and steps down term=%" PRIu64, raft->hard_state.term);
        raft_become_follower(raft, raft->hard_state.term, 0);
        return;
    }
    if (raft->now_ms >= raft->commit_notice_due_ms) {
        tell_commit(raft);
    }
    if (raft->now_ms < raft->heartbeat_due_ms) {
        return;
    }
    raft->heartbeat_due_ms = raft->now_ms + raft->options.heartbeat_ms;
    replication_want_heartbeats(raft);
    for (size_t i = 0; i < raft->peer_count; i++) {
        raft->peers[i].paused = false;
    }
}

/* -- Answers -- */

static void back_to_probe(struct raft *raft, struct progress *peer, raft_index next_index) {
    assert(next_index > peer->match_index);
    if (peer->state == RAFT_REPLICATE) {
        raft_trace(raft, false, "probes node=%" PRIu64 " next=%" PRIu64, peer->id, next_index);
    }
    peer->state = RAFT_PROBE;
    peer->next_index = next_index;
}

static void succeeded(struct raft *raft, struct progress *peer, raft_index match_index) {
    if (match_index > peer->match_index) {
        peer->match_index = match_index;
    }
    if (peer->next_index <= peer->match_index) {
        peer->next_index = peer->match_index + 1;
    }
    if (peer->state != RAFT_SNAPSHOT) {
        peer->paused = false; /* A heartbeat's success says nothing of a snapshot that failed. */
    }
    commit_leader(raft);
}

/* Where to try next after a refusal at `prev`: past our last entry of the follower's conflicting term, if we have that
 * term; else where that term begins at the follower (§3.5). Always lower than before, never at or below what matches. */
static raft_index next_after_refusal(const struct raft *raft, const struct progress *peer, raft_index prev,
                                     const struct raft_append_answer *refusal) {
    raft_index next = refusal->conflict_index;
    if (refusal->conflict_term != 0) {
        raft_index last = log_last_not_above(&raft->log, prev, refusal->conflict_term);
        if (log_term_at(&raft->log, last) == refusal->conflict_term) {
            next = last + 1;
        }
    }
    next = smaller(next, prev);
    return next > peer->match_index ? next : peer->match_index + 1;
}

static void refused(struct raft *raft, struct progress *peer, const struct progress_request *request,
                    const struct raft_append_answer *refusal) {
    if (request->heartbeat || request->prev <= peer->match_index) {
        /* Known to match: late, or the follower has lost what it promised to keep, which nothing here can mend. */
        peer->paused = true;
        return;
    }
    if (progress_entries_in_flight(peer) > 0) {
        return; /* An earlier one is under way and this may only have overtaken it. */
    }
    back_to_probe(raft, peer, next_after_refusal(raft, peer, request->prev, refusal));
}

/* §6.4.1: the promise began after the request was sent, so the lease is counted from before sending. Both ends count in
 * whole milliseconds: one is taken off for what they round away. */
static void note_promise(struct progress *peer, const struct progress_request *request, uint32_t promise_ms) {
    uint64_t whole_ms = promise_ms == 0 ? 0 : promise_ms - 1;
    uint64_t lease_ms = whole_ms * (100 - RAFT_LEASE_DRIFT_PERCENT) / 100;
    if (request->sent_ms + lease_ms > peer->lease_until_ms) {
        peer->lease_until_ms = request->sent_ms + lease_ms;
    }
}

void replication_receive_answer(struct raft *raft, const struct raft_message *answer) {
    struct progress *peer = raft_progress(raft, answer->from);
    struct progress_request request;
    if (raft->role != RAFT_LEADER || answer->term != raft->hard_state.term || peer == NULL ||
        !progress_ended(peer, answer->round, &request)) {
        return;
    }
    peer->last_contact_ms = raft->now_ms;
    note_promise(peer, &request, answer->append_answer.promise_ms);
    if (answer->round > peer->confirmed_round) {
        peer->confirmed_round = answer->round;
    }
    if (!answer->append_answer.success) {
        refused(raft, peer, &request, &answer->append_answer);
    } else if (answer->append_answer.match_index == request.last) {
        if (!request.heartbeat && peer->state == RAFT_PROBE) {
            peer->state = RAFT_REPLICATE;
        }
        membership_said_farewell(peer, &request);
        succeeded(raft, peer, request.last);
    } else {
        raft_trace(raft, true, "ignores a match index that was not asked for node=%" PRIu64, peer->id);
    }
    read_index_confirm(raft);
}

void replication_send_failed(struct raft *raft, raft_node_id to, raft_round round) {
    struct progress *peer = raft_progress(raft, to);
    struct progress_request request;
    if (raft->role != RAFT_LEADER || peer == NULL || !progress_ended(peer, round, &request)) {
        return;
    }
    if (request.heartbeat && progress_entries_in_flight(peer) > 0) {
        return; /* Entries are under way and will tell themselves how it stands. */
    }
    peer->paused = true;
    /* A probe that was lost has told nothing: it is repeated where it was, not from the beginning of the log. */
    if (peer->state == RAFT_REPLICATE) {
        back_to_probe(raft, peer, peer->match_index + 1);
    }
}
