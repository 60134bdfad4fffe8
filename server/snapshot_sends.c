#include "server/snapshot_sends.h"

#include "server/node_state.h"
#include "server/snapshot_sends_file.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void snapshot_sends_clear(struct snapshot_sends *sends) {
    for (size_t i = 0; i < sends->count; i++) {
        snapshot_sends_file_release(NULL, sends, sends->list[i].file);
    }
    assert(sends->files == NULL);
    *sends = (struct snapshot_sends){0};
}

/* -- The list -- */

static struct snapshot_send *find(struct node *node, raft_node_id to) {
    for (size_t i = 0; i < node->snapshot_sends.count; i++) {
        if (node->snapshot_sends.list[i].to == to) {
            return &node->snapshot_sends.list[i];
        }
    }
    return NULL;
}

static struct snapshot_send *find_serial(struct node *node, uint64_t serial) {
    for (size_t i = 0; i < node->snapshot_sends.count; i++) {
        if (node->snapshot_sends.list[i].serial == serial) {
            return &node->snapshot_sends.list[i];
        }
    }
    return NULL;
}

static void let_go(struct node *node, struct snapshot_send *send) {
    snapshot_sends_file_release(node, &node->snapshot_sends, send->file);
    send->file = NULL;
}

static void log_line(const struct node *node, enum diagnostics_level level, const struct snapshot_send *send,
                     const char *what) {
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, level, "snapshot", "of index %" PRIu64 " to node %" PRIu64 ": %s",
                          send->index, send->to, what);
    }
}

/* Whoever wanted it asks again. What is still under way ends unheard. */
static void fail(struct node *node, struct snapshot_send *send, const char *why) {
    log_line(node, DIAGNOSTICS_DEBUG, send, why);
    if (!send->mend) {
        raft_send_failed(node->core, send->to, send->round);
    }
    send->state = SNAPSHOT_SEND_IDLE;
    send->serial = node_new_number(node);
    node->work = true;
}

static void make_due(struct node *node, raft_node_id to, raft_term term, raft_round round) {
    struct snapshot_sends *sends = &node->snapshot_sends;
    struct snapshot_send *send = find(node, to);
    if (send == NULL) {
        assert(sends->count < RAFT_MEMBERS_MAX); /* Those of former members were dropped in the turn that removed them. */
        send = &sends->list[sends->count++];
        *send = (struct snapshot_send){.to = to, .began_ms = node->now_ms};
    }
    send->state = SNAPSHOT_SEND_DUE;
    send->round = round;
    send->term = term;
    send->mend = round == 0;
    send->serial = node_new_number(node);
}

void snapshot_sends_begin(struct node *node, const struct raft_message *request) {
    assert(request->round != 0);
    make_due(node, request->to, request->term, request->round);
}

void snapshot_sends_mend(struct node *node, raft_node_id to) {
    const struct snapshot_send *send = find(node, to);
    bool under_way =
        send != NULL && send->state != SNAPSHOT_SEND_FOLLOWING && !(send->mend && send->state == SNAPSHOT_SEND_IDLE);
    if (!under_way) {
        make_due(node, to, raft_current_term(node->core), 0);
        node->work = true;
    }
}

/* -- Steps -- */

/* The file that is being sent already goes on while the log still begins at or before its end; else the newest one. False:
 * the newest is being named by a write that is under way. */
static bool choose(struct node *node, struct snapshot_send *send) {
    raft_index base = raft_base(node->core).index;
    if (send->file != NULL && send->file->snapshot.id.index >= base) {
        return true;
    }
    const struct storage_snapshot *current = snapshots_current(node);
    if (current->length == 0 || current->id.index < base) {
        assert(node->snapshots.naming_write != 0); /* The log is never cut but with a snapshot of what is cut. */
        return false;
    }
    let_go(node, send);
    send->file = snapshot_sends_file_use(&node->snapshot_sends, current);
    send->index = current->id.index;
    send->stored = 0;
    return true;
}

static void post(struct node *node, struct snapshot_send *send, struct buffer *buffer, uint64_t size) {
    const struct members_member *to = roster_find(&node->roster, send->to);
    if (to == NULL) {
        fail(node, send, "it is no member any more");
        return;
    }
    if (diverged_is(node)) {
        fail(node, send, "it is of a state that differs from the majority's");
        return;
    }
    uint64_t length = send->file->snapshot.length;
    uint64_t offset = send->stored;
    struct message_request request;
    request.kind = MESSAGE_INSTALL_SNAPSHOT;
    request.round = 0;
    request.install = (struct message_install){
        .term = send->term,
        .snapshot = send->file->snapshot,
        .offset = offset,
        .done = offset + size == length,
        .mend = send->mend,
        .bytes = buffer == NULL ? NULL : buffer->data,
        .size = (size_t)size,
        .buffer = buffer,
    };
    send->state = SNAPSHOT_SEND_POSTED;
    send->expected = offset + size;
    calls_send(node, to, &request, send->serial, SNAPSHOT_SENDS_CALL_MS);
}

void snapshot_sends_piece_read(struct node *node, uint64_t serial, struct buffer *piece) {
    struct snapshot_send *send = find_serial(node, serial);
    if (send == NULL || send->state != SNAPSHOT_SEND_READING) {
        return;
    }
    if (piece == NULL) {
        fail(node, send, "its file cannot be read");
        return;
    }
    post(node, send, piece, piece->size);
}

/* The follower has `stored` bytes: what comes after them? */
static void go_on(struct node *node, struct snapshot_send *send) {
    const struct storage_snapshot *snapshot = &send->file->snapshot;
    if (send->stored == snapshot->length) {
        bool was_told = send->expected == snapshot->length;
        send->state = SNAPSHOT_SEND_FINISHING;
        send->ask_ms = node->now_ms + (was_told ? node->options.heartbeat_ms : 0);
    } else if (send->file->reader == NULL) {
        send->state = SNAPSHOT_SEND_OPENING;
        snapshot_sends_file_open(node, send->file);
    } else {
        uint64_t left = snapshot->length - send->stored;
        size_t most = node->options.piece_bytes != 0 ? node->options.piece_bytes : (size_t)MESSAGE_CHUNK_BYTES_MAX;
        send->state = SNAPSHOT_SEND_READING;
        snapshot_sends_file_read(node, send->file, send->serial, send->stored, left < most ? (size_t)left : most);
    }
}

void snapshot_sends_opened(struct node *node, const struct snapshot_sends_file *file, const char *why) {
    struct snapshot_sends *sends = &node->snapshot_sends;
    for (size_t i = 0; i < sends->count; i++) {
        struct snapshot_send *send = &sends->list[i];
        if (send->file != file || send->state != SNAPSHOT_SEND_OPENING) {
            continue;
        }
        if (file->reader != NULL) {
            go_on(node, send);
        } else {
            /* The next attempt is with the newest one. */
            log_line(node, DIAGNOSTICS_WARNING, send, why);
            fail(node, send, "its file cannot be opened");
            let_go(node, send);
        }
    }
}

static void end_as_installed(struct node *node, struct snapshot_send *send, raft_term term) {
    const struct raft_message answer = {
        .type = RAFT_INSTALL_ANSWER,
        .from = send->to,
        .to = node->options.id,
        .term = term,
        .round = send->round,
        .install_answer = {.accepted = true, .installed = send->index},
    };
    char what[64];
    snprintf(what, sizeof what, "installed after %" PRIu64 " ms", node->now_ms - send->began_ms);
    log_line(node, DIAGNOSTICS_INFO, send, what);
    send->state = SNAPSHOT_SEND_FOLLOWING;
    send->serial = node_new_number(node);
    let_go(node, send);
    if (send->mend) {
        mending_sent(node, send->to, true);
    } else {
        raft_receive(node->core, &answer);
    }
}

/* Where a transfer begins or goes on, said once. */
static void tell_stored(const struct node *node, struct snapshot_send *send) {
    if (send->told != send->stored + 1) {
        char what[96];
        snprintf(what, sizeof what, "the follower has %" PRIu64 " of %" PRIu64 " bytes", send->stored,
                 send->file->snapshot.length);
        log_line(node, DIAGNOSTICS_INFO, send, what);
        send->told = send->stored + 1;
    }
}

/* What came as an answer to a piece of the size that `expected` tells, or to a question. */
static void stored_so_far(struct node *node, struct snapshot_send *send, uint64_t stored) {
    uint64_t length = send->file->snapshot.length;
    uint64_t before = send->stored;
    bool question = send->expected == before;
    if (stored > length || stored < before || (!question && stored != send->expected)) {
        /* A piece that was not the next one, or a file that was not what was sent and is gone. */
        fail(node, send, "was not stored as it was sent");
        return;
    }
    if (send->index < raft_base(node->core).index) {
        fail(node, send, "the log begins later now");
        return;
    }
    send->stored = stored;
    if (question && stored < length) {
        tell_stored(node, send);
    }
    if (stored > before || stored == length) {
        raft_snapshot_progress(node->core, send->to); /* Putting it into effect is progress as well. */
        send->complained = false;
    }
    go_on(node, send);
}

void snapshot_sends_answered(struct node *node, uint64_t serial, const struct message_answer *answer, const char *why) {
    struct snapshot_send *send = find_serial(node, serial);
    if (send == NULL || send->state != SNAPSHOT_SEND_POSTED) {
        return;
    }
    node->work = true;
    if (answer == NULL) {
        fail(node, send, why);
        return;
    }
    if (answer->problem.code != PROBLEM_NONE) {
        if (!send->complained) {
            log_line(node, DIAGNOSTICS_WARNING, send, answer->problem.detail);
            send->complained = true;
        }
        fail(node, send, "refused");
        if (send->mend && answer->problem.code == PROBLEM_CONFLICT) {
            let_go(node, send);
            mending_sent(node, send->to, false);
        }
        return;
    }
    send->began_ms = send->heard_ms == 0 ? node->now_ms : send->began_ms;
    send->heard_ms = node->now_ms;
    if (answer->term > send->term) {
        const struct raft_message later = {.type = RAFT_INSTALL_ANSWER,
                                           .from = send->to,
                                           .to = node->options.id,
                                           .term = answer->term,
                                           .round = send->round};
        send->state = SNAPSHOT_SEND_IDLE;
        raft_receive(node->core, &later);
    } else if (answer->install.installed) {
        end_as_installed(node, send, answer->term);
    } else {
        stored_so_far(node, send, answer->install.stored);
    }
}

/* -- The turn -- */

static uint64_t silence_ms(const struct node *node) {
    return (uint64_t)SNAPSHOT_SENDS_SILENCE_FACTOR * node->options.election_timeout_ms;
}

/* Since when nothing was heard of it. */
static uint64_t silent_since_ms(const struct snapshot_send *send) {
    return send->heard_ms != 0 ? send->heard_ms : send->began_ms;
}

static const struct raft_peer_status *find_peer(const struct raft_status *status, raft_node_id id) {
    for (size_t i = 0; i < status->peer_count; i++) {
        if (status->peers[i].id == id) {
            return &status->peers[i];
        }
    }
    return NULL;
}

/* The follower has gone past the snapshot, or as far as there is anything; it is heard of by all that it answers. */
static bool has_followed(const struct node *node, struct snapshot_send *send, const struct raft_status *status) {
    const struct raft_peer_status *peer = find_peer(status, send->to);
    send->heard_ms = peer->last_contact_ms > send->heard_ms ? peer->last_contact_ms : send->heard_ms;
    return peer->match_index > send->index || peer->match_index == raft_last_index(node->core);
}

static bool is_over(struct node *node, struct snapshot_send *send, const struct raft_status *status) {
    if (find_peer(status, send->to) == NULL) {
        return true;
    }
    if (send->state == SNAPSHOT_SEND_FOLLOWING && has_followed(node, send, status)) {
        return true;
    }
    bool waits = send->state == SNAPSHOT_SEND_FOLLOWING || send->state == SNAPSHOT_SEND_IDLE;
    return waits && node->now_ms >= silent_since_ms(send) + silence_ms(node);
}

static void drop(struct node *node, size_t at) {
    struct snapshot_sends *sends = &node->snapshot_sends;
    let_go(node, &sends->list[at]);
    sends->list[at] = sends->list[--sends->count];
}

/* Only who leads sends, in the term in which it was asked for. */
static void drop_those_over(struct node *node) {
    struct snapshot_sends *sends = &node->snapshot_sends;
    struct raft_status status;
    raft_status(node->core, &status);
    for (size_t i = sends->count; i > 0; i--) {
        struct snapshot_send *send = &sends->list[i - 1];
        if (send->term != status.hard_state.term || status.role != RAFT_LEADER || is_over(node, send, &status)) {
            drop(node, i - 1);
        }
    }
}

void snapshot_sends_turn(struct node *node) {
    struct snapshot_sends *sends = &node->snapshot_sends;
    if (sends->count == 0) {
        return;
    }
    drop_those_over(node);
    for (size_t i = 0; i < sends->count; i++) {
        struct snapshot_send *send = &sends->list[i];
        if (send->state == SNAPSHOT_SEND_DUE && choose(node, send)) {
            send->stored = 0; /* It says what it has: so much may have been lost with it. */
            post(node, send, NULL, 0);
        } else if (send->state == SNAPSHOT_SEND_FINISHING && node->now_ms >= send->ask_ms) {
            post(node, send, NULL, 0);
        }
    }
}

uint64_t snapshot_sends_deadline_ms(const struct node *node) {
    uint64_t deadline = UINT64_MAX;
    for (size_t i = 0; i < node->snapshot_sends.count; i++) {
        const struct snapshot_send *send = &node->snapshot_sends.list[i];
        uint64_t due = UINT64_MAX;
        if (send->state == SNAPSHOT_SEND_FINISHING) {
            due = send->ask_ms;
        } else if (send->state == SNAPSHOT_SEND_IDLE || send->state == SNAPSHOT_SEND_FOLLOWING) {
            due = silent_since_ms(send) + silence_ms(node);
        }
        deadline = due < deadline ? due : deadline;
    }
    return deadline;
}

/* -- Looking -- */

raft_index snapshot_sends_keep_after(const struct node *node) {
    raft_index lowest = UINT64_MAX;
    for (size_t i = 0; i < node->snapshot_sends.count; i++) {
        const struct snapshot_send *send = &node->snapshot_sends.list[i];
        /* For who never answered nothing is kept: there is nothing of it there. */
        if (send->heard_ms != 0 && send->index < lowest) {
            lowest = send->index;
        }
    }
    return lowest;
}

int snapshot_sends_percent(const struct node *node, raft_node_id to) {
    for (size_t i = 0; i < node->snapshot_sends.count; i++) {
        const struct snapshot_send *send = &node->snapshot_sends.list[i];
        if (send->to == to && send->file != NULL) {
            return (int)(send->stored * 100 / send->file->snapshot.length);
        }
    }
    return -1;
}
