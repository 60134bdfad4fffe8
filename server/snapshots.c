#include "server/snapshots.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

void snapshots_init(struct node *node, struct storage *storage, const struct storage_snapshot *current) {
    node->snapshots = (struct snapshots){.storage = storage, .current = *current};
}

const struct storage_snapshot *snapshots_current(const struct node *node) {
    return &node->snapshots.current;
}

void snapshots_applied(struct node *node, const struct raft_entry *entry) {
    node->snapshots.bytes += SNAPSHOTS_ENTRY_BYTES + entry->size;
}

/* -- Taking -- */

void snapshots_want(struct node *node) {
    node->snapshots.wanted = node->applier.applied.index;
    node->work = true;
}

void snapshots_hold(struct node *node) {
    node->snapshots.holds++;
}

void snapshots_release(struct node *node) {
    assert(node->snapshots.holds > 0);
    node->snapshots.holds--;
    node->work = true;
}

/* The newest there is or is about to be. */
static raft_index covered(const struct snapshots *snapshots) {
    if (snapshots->fresh.length != 0) {
        return snapshots->fresh.id.index;
    }
    return snapshots->naming_write != 0 ? snapshots->naming.id.index : snapshots->current.id.index;
}

static bool log_is_long(const struct node *node) {
    const struct snapshots *snapshots = &node->snapshots;
    return node->applier.applied.index - covered(snapshots) >= node->options.snapshot_entries &&
           snapshots->bytes >= snapshots->current.length / SNAPSHOTS_SIZE_DIVISOR;
}

/* Before the next file, of at most the last one's size and all that was written since, would not fit any more; and on a
 * full disk. Not for a log whose end would give nothing back: others may have filled the disk. */
static bool disk_wants_one(const struct node *node) {
    const struct snapshots *snapshots = &node->snapshots;
    bool full = disk_space_is_full(node);
    bool is_short =
        node->disk_space.room.for_commands < SNAPSHOTS_EARLY_BYTES + snapshots->current.length + snapshots->bytes;
    bool in_proportion = snapshots->bytes >= snapshots->current.length / SNAPSHOTS_SIZE_DIVISOR;
    return snapshots->bytes >= SNAPSHOTS_EARLY_LOG_BYTES && (full || is_short) &&
           (in_proportion || (full && node->now_ms >= snapshots->again_ms));
}

static bool is_due(const struct node *node) {
    const struct snapshots *snapshots = &node->snapshots;
    if (node->applier.applied.index <= covered(snapshots) || node->io.snapshots == NULL || diverged_is(node)) {
        return false;
    }
    /* A log in which nobody is named can only come from a peer that lies: nobody could start from its snapshot. */
    if (roster_as_of(&node->roster, node->applier.applied.index)->index == 0) {
        return false;
    }
    if (snapshots->asked > covered(snapshots)) {
        return true;
    }
    return node->now_ms >= snapshots->retry_ms &&
           (snapshots->wanted > covered(snapshots) || log_is_long(node) || disk_wants_one(node));
}

static void fail(struct node *node, const struct snapshot_taken *taken) {
    struct snapshots *snapshots = &node->snapshots;
    uint64_t wait_ms = (uint64_t)SNAPSHOTS_RETRY_MS << (snapshots->failures < 10 ? snapshots->failures : 10);
    wait_ms = wait_ms < SNAPSHOTS_RETRY_MAX_MS ? wait_ms : (uint64_t)SNAPSHOTS_RETRY_MAX_MS;
    snapshots->failures++;
    snapshots->failed++;
    snapshots->retry_ms = node->now_ms + wait_ms;
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, DIAGNOSTICS_WARNING, "snapshot",
                          "of index %" PRIu64 " could not be written, the log stays as it is: %s", taken->id.index,
                          taken->why.text);
    }
    snapshot_wishes_failed(node, taken);
}

static void taken(struct node *node, const struct snapshot_taken *taken) {
    struct snapshots *snapshots = &node->snapshots;
    snapshots->taking = NULL;
    snapshots->asked = 0; /* Those who still wait ask again. */
    node->work = true;
    if (taken->cancelled) {
        return;
    }
    if (taken->snapshot.length == 0) {
        fail(node, taken);
        return;
    }
    snapshots->failures = 0;
    snapshots->retry_ms = 0;
    snapshots->again_ms = node->now_ms + SNAPSHOTS_RETRY_MS;
    snapshots->duration_ms = node->now_ms - snapshots->taking_since_ms;
    snapshots->taken++;
    if (taken->id.index <= covered(snapshots)) {
        snapshots->clean_due = true; /* One from the leader was quicker. */
        return;
    }
    snapshots->fresh = taken->snapshot;
    snapshots->bytes -= snapshots->taking_bytes;
    snapshots->look_ms = 0;
}

static void begin(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    snapshots->pressed = disk_wants_one(node);
    snapshots->taking_bytes = snapshots->bytes;
    snapshots->taking_since_ms = node->now_ms;
    snapshots->taking = snapshot_taking_begin(node, taken);
}

/* -- Cutting the log -- */

/* How far the log may be cut once the newest snapshot covers it. */
static raft_index cut_goal(const struct node *node) {
    raft_index index = covered(&node->snapshots);
    raft_index tail = node->options.snapshot_entries / SNAPSHOTS_TAIL_DIVISOR;
    if (node->snapshots.pressed && tail > SNAPSHOTS_EARLY_TAIL) {
        tail = SNAPSHOTS_EARLY_TAIL;
    }
    if (disk_space_is_full(node)) {
        tail = 0;
    }
    return index > tail ? index - tail : 0;
}

/* The same, less what others still need. */
static raft_index cut_now(const struct node *node) {
    raft_index goal = cut_goal(node);
    raft_index index = covered(&node->snapshots);
    raft_index most = SNAPSHOTS_HOLD_FACTOR * node->options.snapshot_entries;
    raft_index least = index > most ? index - most : 0;
    raft_index kept = snapshot_sends_keep_after(node);
    raft_index through = kept < goal ? kept : goal;
    if (disk_space_is_full(node)) {
        return through; /* Who is behind needs a snapshot then. */
    }
    struct raft_status status;
    raft_status(node->core, &status);
    for (size_t i = 0; i < status.peer_count; i++) {
        const struct raft_peer_status *peer = &status.peers[i];
        bool in_contact = node->now_ms - peer->last_contact_ms <= node->options.election_timeout_ms;
        if (peer->state != RAFT_SNAPSHOT && in_contact && peer->match_index < through) {
            through = peer->match_index > least ? peer->match_index : least;
        }
    }
    return through;
}

static void cut(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    raft_index base = raft_base(node->core).index;
    raft_index goal = cut_goal(node);
    if (goal <= base || node->now_ms < snapshots->look_ms) {
        return;
    }
    raft_index through = cut_now(node);
    raft_index step = node->options.snapshot_entries / SNAPSHOTS_STEP_DIVISOR;
    if (through > base && (through == goal || through - base > step)) {
        raft_compact(node->core, through);
    }
    if (through < goal) {
        snapshots->look_ms = node->now_ms + node->options.election_timeout_ms;
    }
}

/* -- Naming -- */

bool snapshots_may_name(const struct node *node, const struct storage_snapshot *snapshot) {
    const struct snapshots *snapshots = &node->snapshots;
    return snapshot->id.index >= snapshots->current.id.index &&
           (snapshots->naming_write == 0 || snapshot->id.index >= snapshots->naming.id.index);
}

/* One that is being named counts soon: it is replaced with the state. */
void snapshots_distrust(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    snapshots_shut_down(node);
    if (snapshots->fresh.length != 0) {
        snapshots->fresh.length = 0;
        snapshots->clean_due = true;
    }
}

void snapshots_name(struct node *node, const struct storage_snapshot *snapshot) {
    struct snapshots *snapshots = &node->snapshots;
    assert(snapshot->length > 0 && snapshots_may_name(node, snapshot));
    if (snapshots->fresh.length != 0) {
        snapshots->clean_due = true; /* What was about to be named is not needed any more. */
    }
    snapshots->fresh = *snapshot;
    snapshots->bytes = 0;
    snapshots->look_ms = 0;
    node->work = true;
}

bool snapshots_has_name(const struct node *node) {
    return node->snapshots.fresh.length != 0;
}

void snapshots_complete_write(struct node *node, struct storage_write *write) {
    struct snapshots *snapshots = &node->snapshots;
    assert(write->replaced_by.index == 0 || write->replaced_by.index == snapshots->fresh.id.index);
    if (snapshots->fresh.length != 0) {
        write->snapshot_changed = true;
        write->snapshot = snapshots->fresh;
    }
}

void snapshots_write_begun(struct node *node, const struct storage_write *write, uint64_t number) {
    struct snapshots *snapshots = &node->snapshots;
    if (write->snapshot_changed) {
        snapshots->naming = write->snapshot;
        snapshots->naming_write = number;
        snapshots->fresh = (struct storage_snapshot){.length = 0};
    }
    if (write->compact_through != 0 || write->replaced_by.index != 0) {
        snapshots->cut_write = number;
        roster_compact(&node->roster, raft_base(node->core).index);
    }
}

void snapshots_written(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    if (snapshots->naming_write != 0 && node->writes_done >= snapshots->naming_write) {
        snapshots->current = snapshots->naming;
        snapshots->naming_write = 0;
        snapshots->clean_due = true;
        if (node->io.diagnostics != NULL) {
            diagnostics_write(node->io.diagnostics, DIAGNOSTICS_INFO, "snapshot",
                              "of index %" PRIu64 ", %" PRIu64 " bytes; the log begins after %" PRIu64,
                              snapshots->current.id.index, snapshots->current.length, raft_base(node->core).index);
        }
    }
    if (snapshots->cut_write != 0 && node->writes_done >= snapshots->cut_write) {
        snapshots->cut_write = 0;
        snapshots->compact_due = true;
    }
}

/* -- Removing what nobody needs -- */

struct cleaning {
    struct node *node;
    struct snapshot_directory *directory; /* NULL: no files. */
    struct storage_snapshot keep;
    struct storage *storage; /* NULL: no space to be given back. */
    bool compacted;
};

static void clean(void *context) {
    struct cleaning *cleaning = context;
    if (cleaning->directory != NULL) {
        snapshot_directory_clean(cleaning->directory, &cleaning->keep);
    }
    if (cleaning->storage != NULL) {
        cleaning->compacted = storage_compact(cleaning->storage);
    }
}

static void cleaned(void *context, bool ran) {
    struct cleaning *cleaning = context;
    struct snapshots *snapshots = &cleaning->node->snapshots;
    snapshots->cleaning = false;
    if (ran && cleaning->storage != NULL && !cleaning->compacted) { /* Not ran: another process will. */
        snapshots->compact_ms = cleaning->node->now_ms + SNAPSHOTS_RETRY_MS;
    }
    cleaning->node->work = true;
    free(cleaning);
}

struct dropping {
    struct snapshot_directory *directory;
    raft_index through;
};

static void drop(void *context) {
    const struct dropping *dropping = context;
    snapshot_incoming_drop(dropping->directory, dropping->through);
}

static void dropped(void *context, bool ran) {
    (void)ran; /* The next start removes it. */
    free(context);
}

/* What was being received is of the short lane's while pieces are stored (server/snapshot_receipt), and of the long lane's
 * while it is put into effect: neither is the case now, and further pieces come after this. */
static void drop_overtaken(struct node *node) {
    struct dropping *dropping = memory_alloc(sizeof *dropping);
    *dropping = (struct dropping){.directory = node->io.snapshots, .through = node->snapshots.current.id.index};
    node->snapshots.drop_due = false;
    const struct disk_job job = {.context = dropping, .work = drop, .done = dropped};
    node->io.disk.run(node->io.disk.context, DISK_LANE_SHORT, &job);
}

/* The lane does one job after the other, and no file is on its way to being named: none of those removed is needed. */
static void begin_cleaning(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    struct cleaning *cleaning = memory_alloc(sizeof *cleaning);
    *cleaning = (struct cleaning){
        .node = node,
        .directory = snapshots->clean_due ? node->io.snapshots : NULL,
        .keep = snapshots->current,
        .storage = snapshots->compact_due ? snapshots->storage : NULL,
    };
    snapshots->drop_due = cleaning->directory != NULL;
    snapshots->cleaning = true;
    snapshots->clean_due = snapshots->compact_due = false;
    const struct disk_job job = {.context = cleaning, .work = clean, .done = cleaned};
    node->io.disk.run(node->io.disk.context, DISK_LANE_LONG, &job);
}

/* -- The turn -- */

/* What keeps the log long may be forgotten now; and what an earlier process cut may still be there. */
static void look_at_disk(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    bool full = disk_space_is_full(node);
    if (full && !snapshots->was_full) {
        snapshots->look_ms = 0;
        snapshots->compact_due = raft_base(node->core).index > 0;
    }
    snapshots->was_full = full;
    if (snapshots->compact_ms != 0 && node->now_ms >= snapshots->compact_ms) {
        snapshots->compact_ms = 0;
        snapshots->compact_due = true;
    }
}

void snapshots_turn(struct node *node) {
    struct snapshots *snapshots = &node->snapshots;
    if (node->core == NULL) {
        return;
    }
    look_at_disk(node);
    cut(node);
    bool idle = snapshots->taking == NULL && snapshots->fresh.length == 0 && snapshots->naming_write == 0 &&
                snapshots->holds == 0 && !node->shutting_down;
    if (idle && !snapshots->cleaning && (snapshots->clean_due || snapshots->compact_due)) {
        begin_cleaning(node);
    }
    if (snapshots->drop_due && snapshots->holds == 0 && node->snapshot_receipt.storing == 0 && !node->shutting_down) {
        drop_overtaken(node);
    }
    if (idle && is_due(node)) {
        begin(node);
    }
}

uint64_t snapshots_deadline_ms(const struct node *node) {
    const struct snapshots *snapshots = &node->snapshots;
    uint64_t deadline = UINT64_MAX;
    if (node->core == NULL || node->shutting_down) {
        return deadline;
    }
    if (snapshots->look_ms > node->now_ms && cut_goal(node) > raft_base(node->core).index) {
        deadline = snapshots->look_ms;
    }
    if (snapshots->retry_ms > node->now_ms && snapshots->retry_ms < deadline) {
        deadline = snapshots->retry_ms;
    }
    if (snapshots->again_ms > node->now_ms && snapshots->again_ms < deadline && disk_space_is_full(node)) {
        deadline = snapshots->again_ms;
    }
    if (snapshots->compact_ms > node->now_ms && snapshots->compact_ms < deadline) {
        deadline = snapshots->compact_ms;
    }
    return deadline;
}

void snapshots_shut_down(struct node *node) {
    if (node->snapshots.taking != NULL) {
        snapshot_taking_cancel(node->snapshots.taking);
    }
}
