#include "server/snapshot_receipt.h"

#include "server/base/memory.h"
#include "server/node_state.h"
#include "server/restoring.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_same(const struct storage_snapshot *left, const struct storage_snapshot *right) {
    return left->id.index == right->id.index && left->id.term == right->id.term && left->length == right->length &&
           left->crc == right->crc;
}

void snapshot_receipt_clear(struct snapshot_receipt *receipt) {
    for (size_t i = 0; i < receipt->count; i++) {
        buffer_release(receipt->pieces[i].install.buffer);
    }
    free(receipt->pieces);
    *receipt = (struct snapshot_receipt){0};
}

static void log_line(const struct node *node, enum diagnostics_level level, const struct storage_snapshot *snapshot,
                     const char *what, const char *why) {
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, level, "snapshot", "of index %" PRIu64 " from the leader %s%s",
                          snapshot->id.index, what, why);
    }
}

/* -- Putting it into effect -- */

struct installation {
    struct node *node;
    struct snapshot_directory *directory;
    const struct machine *machine;
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1];
    struct storage_snapshot snapshot;
    bool stored;   /* The file is whole, checked and named, */
    bool restored; /* and makes sense here. */
    struct restored state;
    struct storage_message message; /* Otherwise: why not. */
};

static void install(void *context) {
    struct installation *installation = context;
    struct snapshot_file *file;
    installation->stored =
        snapshot_incoming_finish(installation->directory, &installation->snapshot, &installation->message) == STORAGE_OK &&
        snapshot_file_open(installation->directory, &installation->snapshot, &file, &installation->message) == STORAGE_OK;
    if (!installation->stored) {
        return;
    }
    installation->restored =
        restoring_read(file, installation->machine, installation->cluster_id, &installation->state, &installation->message);
    snapshot_file_close(file);
}

static void discard(void *context) {
    restoring_discard(context);
}

static void discarded(void *context, bool ran) {
    if (!ran) {
        restoring_discard(context);
    }
    free(context);
}

/* A large state is not freed on the reactor. */
static void discard_elsewhere(struct node *node, const struct restored *state) {
    const struct disk_job job = {.context = memory_copy(state, sizeof *state), .work = discard, .done = discarded};
    node->io.disk.run(node->io.disk.context, DISK_LANE_LONG, &job);
}

static void give_up(struct node *node) {
    node->snapshot_receipt.installing = (struct storage_snapshot){.length = 0};
    snapshots_release(node);
}

static void refuse(struct node *node, const struct storage_snapshot *snapshot, const char *why) {
    struct snapshot_receipt *receipt = &node->snapshot_receipt;
    receipt->refused = *snapshot;
    problem_set(&receipt->refusal, PROBLEM_CONFLICT, false, "the snapshot is of no use to node %" PRIu64 ": %s",
                node->options.id, why);
    log_line(node, DIAGNOSTICS_ERROR, snapshot, "is of no use: ", why);
}

/* The log has what the snapshot covers, and goes on after it. */
static bool may_mend(const struct node *node, const struct storage_snapshot *snapshot) {
    return snapshots_may_name(node, snapshot) && raft_term_at(node->core, snapshot->id.index) == snapshot->id.term;
}

/* The log is right, the state is not: it is replaced, and what the log has after it is applied once more. */
static bool mend(struct node *node, struct installation *installation) {
    if (!diverged_is(node) || !may_mend(node, &installation->snapshot)) {
        return false;
    }
    diverged_step_back(node);
    restoring_adopt(node, &installation->state);
    snapshots_name(node, &installation->snapshot);
    return true;
}

/* Everything at once: log, state, table, members, cache, and whoever waits for what the log no longer has. False: it has
 * been overtaken by the log, or by an election. */
static bool take_effect(struct node *node, struct installation *installation) {
    struct restored *state = &installation->state;
    if (node->snapshot_receipt.mends && state->head.id.index <= raft_commit_index(node->core)) {
        return mend(node, installation);
    }
    struct raft_configuration configuration;
    members_configuration(&state->members, &configuration);
    const struct raft_snapshot snapshot = {
        .id = state->head.id, .configuration_index = state->head.configuration_index, .configuration = &configuration};
    if (!raft_install(node->core, &snapshot)) {
        return false;
    }
    cluster_clock_see(&node->clock, sessions_time_ms(state->sessions));
    restoring_adopt(node, state);
    proposals_passed_over(node, snapshot.id.index);
    snapshots_name(node, &installation->snapshot);
    return true;
}

static void installed(void *context, bool ran) {
    struct installation *installation = context;
    struct node *node = installation->node;
    const struct storage_snapshot *snapshot = &installation->snapshot;
    const char *why = installation->message.text;
    bool right = installation->restored && installation->state.head.id.index == snapshot->id.index &&
                 installation->state.head.id.term == snapshot->id.term;
    bool used = false;
    if (!ran) {
        give_up(node);
    } else if (!installation->stored) {
        log_line(node, DIAGNOSTICS_WARNING, snapshot, "is not as it was sent, or cannot be kept: ", why);
        give_up(node);
    } else if (!right) {
        refuse(node, snapshot, installation->restored ? "it holds another index than it says" : why);
        give_up(node);
    } else if (!take_effect(node, installation)) {
        log_line(node, DIAGNOSTICS_INFO, snapshot, "is not needed any more", "");
        give_up(node);
    } else {
        log_line(node, DIAGNOSTICS_INFO, snapshot, "takes effect", "");
        node->snapshot_receipt.installed++;
        used = true;
    }
    if (installation->restored && !used) {
        discard_elsewhere(node, &installation->state);
    }
    node->work = true;
    free(installation);
}

/* From here on no piece is stored: the file is to be checked by another thread. */
static void end_storing(struct node *node, const struct storage_snapshot *snapshot, bool mends) {
    struct snapshot_receipt *receipt = &node->snapshot_receipt;
    if (receipt->installing.length == 0 && (mends || snapshot->id.index > raft_commit_index(node->core))) {
        receipt->installing = *snapshot;
        receipt->mends = mends;
        receipt->write = 0;
        receipt->begun = false;
        snapshots_hold(node);
    }
}

static void begin_installing(struct node *node) {
    struct snapshot_receipt *receipt = &node->snapshot_receipt;
    if (receipt->installing.length == 0 || receipt->begun || receipt->storing > 0) {
        return;
    }
    receipt->begun = true;
    const struct storage_snapshot *snapshot = &receipt->installing;
    struct installation *installation = memory_zalloc(sizeof *installation);
    installation->node = node;
    installation->directory = node->io.snapshots;
    installation->machine = node->options.machine;
    memcpy(installation->cluster_id, node->identity.cluster_id, sizeof installation->cluster_id);
    installation->snapshot = *snapshot;
    const struct disk_job job = {.context = installation, .work = install, .done = installed};
    node->io.disk.run(node->io.disk.context, DISK_LANE_LONG, &job);
}

void snapshot_receipt_write_begun(struct node *node, const struct storage_write *write, uint64_t number) {
    struct snapshot_receipt *receipt = &node->snapshot_receipt;
    if (receipt->installing.length != 0 && write->snapshot_changed && is_same(&write->snapshot, &receipt->installing)) {
        receipt->write = number;
    }
}

void snapshot_receipt_written(struct node *node) {
    struct snapshot_receipt *receipt = &node->snapshot_receipt;
    if (receipt->write != 0 && node->writes_done >= receipt->write) {
        receipt->write = 0;
        receipt->mended = receipt->mends ? receipt->installing : receipt->mended;
        give_up(node); /* Of the hold: it counts now. */
    }
}

/* -- Storing -- */

struct storing {
    struct node *node;
    struct snapshot_directory *directory;
    struct snapshot_receipt_piece piece; /* One reference of the buffer. */
    enum storage_error error;
    uint64_t stored;
    struct storage_message message;
};

static void store(void *context) {
    struct storing *storing = context;
    const struct message_install *install = &storing->piece.install;
    storing->error = snapshot_incoming_begin(storing->directory, &install->snapshot, &storing->stored, &storing->message);
    if (storing->error == STORAGE_OK && install->size > 0 && install->offset == storing->stored) {
        storing->error = snapshot_incoming_append(storing->directory, &install->snapshot, install->offset, install->bytes,
                                                  install->size, &storing->stored, &storing->message);
    }
}

static void answer_piece(struct node *node, const struct snapshot_receipt_piece *piece, uint64_t stored, bool installed) {
    struct message_answer answer = node_answer_to(node, MESSAGE_INSTALL_SNAPSHOT, piece->round);
    answer.install.stored = stored;
    answer.install.installed = installed;
    node_reply(node, piece->ticket, &answer);
}

static void refuse_piece(struct node *node, const struct snapshot_receipt_piece *piece, enum problem_code code,
                         const char *detail) {
    struct problem problem;
    problem_set(&problem, code, false, "%s", detail);
    node_reply_problem(node, piece->ticket, MESSAGE_INSTALL_SNAPSHOT, piece->round, &problem);
}

/* It is for a state that differs, as this node's does, and has not been put into effect since its sender began. */
static bool is_to_mend(const struct node *node, const struct message_install *install) {
    return install->mend && diverged_is(node) && !is_same(&install->snapshot, &node->snapshot_receipt.mended);
}

static void stored(void *context, bool ran) {
    struct storing *storing = context;
    struct node *node = storing->node;
    const struct snapshot_receipt_piece *piece = &storing->piece;
    if (!ran) {
        refuse_piece(node, piece, PROBLEM_SHUTTING_DOWN, "the node is shutting down");
    } else if (storing->error != STORAGE_OK) {
        refuse_piece(node, piece, PROBLEM_STORAGE_FULL, storing->message.text);
    } else {
        if (piece->install.done && storing->stored == piece->install.snapshot.length) {
            end_storing(node, &piece->install.snapshot, is_to_mend(node, &piece->install));
        }
        answer_piece(node, piece, storing->stored, false);
    }
    buffer_release(piece->install.buffer);
    node->snapshot_receipt.storing--;
    begin_installing(node);
    node->work = true;
    free(storing);
}

static void begin_storing(struct node *node, const struct snapshot_receipt_piece *piece) {
    node->snapshot_receipt.storing++;
    struct storing *storing = memory_zalloc(sizeof *storing);
    storing->node = node;
    storing->directory = node->io.snapshots;
    storing->piece = *piece;
    buffer_retain(piece->install.buffer);
    const struct disk_job job = {.context = storing, .work = store, .done = stored};
    node->io.disk.run(node->io.disk.context, DISK_LANE_SHORT, &job);
}

/* -- Receiving -- */

void snapshot_receipt_receive(struct node *node, const struct message_request *request, uint64_t ticket) {
    struct snapshot_receipt *receipt = &node->snapshot_receipt;
    receipt->pieces = memory_grow(receipt->pieces, &receipt->capacity, receipt->count + 1, sizeof *receipt->pieces);
    struct snapshot_receipt_piece *piece = &receipt->pieces[receipt->count++];
    *piece = (struct snapshot_receipt_piece){.ticket = ticket, .round = request->round, .install = request->install};
    buffer_retain(piece->install.buffer);
    const struct raft_message message = {
        .type = RAFT_INSTALL_SNAPSHOT,
        .from = request->address.from,
        .to = request->address.to,
        .term = request->install.term,
        .round = request->round,
        .ticket = ticket,
    };
    raft_receive(node->core, &message);
}

/* The log reaches that far here, and on this disk, and nothing of it rests on a write that is under way. */
static bool is_installed(const struct node *node, const struct storage_snapshot *snapshot) {
    const struct snapshot_receipt *receipt = &node->snapshot_receipt;
    bool writing = receipt->installing.length != 0 && receipt->installing.id.index <= raft_commit_index(node->core);
    return !writing && raft_persisted_index(node->core) >= snapshot->id.index;
}

/* It comes from the leader of this term. */
static void take(struct node *node, const struct snapshot_receipt_piece *piece) {
    struct snapshot_receipt *receipt = &node->snapshot_receipt;
    const struct storage_snapshot *snapshot = &piece->install.snapshot;
    bool covered = snapshot->id.index <= raft_commit_index(node->core);
    if (piece->install.mend && piece->install.offset == 0) {
        receipt->mended.length = 0; /* The same may be needed again. */
    }
    if (covered && !is_to_mend(node, &piece->install)) {
        answer_piece(node, piece, snapshot->length, is_installed(node, snapshot));
    } else if (is_same(snapshot, &receipt->installing)) {
        answer_piece(node, piece, snapshot->length, false);
    } else if (receipt->installing.length != 0) {
        refuse_piece(node, piece, PROBLEM_NOT_READY, "another snapshot is being put into effect");
    } else if (covered && !may_mend(node, snapshot)) {
        refuse_piece(node, piece, PROBLEM_CONFLICT, "this node's log begins, or its own snapshot is, after that snapshot");
    } else if (is_same(snapshot, &receipt->refused)) {
        node_reply_problem(node, piece->ticket, MESSAGE_INSTALL_SNAPSHOT, piece->round, &receipt->refusal);
    } else {
        begin_storing(node, piece);
    }
}

void snapshot_receipt_judged(struct node *node, const struct raft_message *answer) {
    struct snapshot_receipt *receipt = &node->snapshot_receipt;
    size_t at = 0;
    while (at < receipt->count && receipt->pieces[at].ticket != answer->ticket) {
        at++;
    }
    assert(at < receipt->count);
    struct snapshot_receipt_piece piece = receipt->pieces[at];
    receipt->pieces[at] = receipt->pieces[--receipt->count];
    if (answer->install_answer.accepted) {
        take(node, &piece);
    } else if (answer->term > piece.install.term) {
        answer_piece(node, &piece, 0, false); /* The later term is what it says; it is on disk. */
    } else {
        refuse_piece(node, &piece, PROBLEM_CONFLICT, "this node knows another leader of that term");
    }
    buffer_release(piece.install.buffer);
}
