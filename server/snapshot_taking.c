#include "server/snapshot_taking.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct snapshot_taking {
    struct node *node;
    void (*done)(struct node *node, const struct snapshot_taken *taken);
    struct snapshot_directory *directory;
    const struct machine *machine;
    struct snapshot_head head;
    struct json_writer members;
    void *state; /* Whose view is frozen: the node may get another one meanwhile. */
    struct sessions *sessions;
    void *frozen_state;
    void *frozen_sessions;
    atomic_bool cancelled; /* Looked at on the lane's thread. */
    struct snapshot_writer_file *writer;
    struct snapshot_taken taken;
};

/* -- On the long lane -- */

struct section {
    struct snapshot_taking *taking;
    enum snapshot_section section;
};

static bool append(void *context, const void *bytes, size_t size) {
    const struct section *section = context;
    return !atomic_load_explicit(&section->taking->cancelled, memory_order_relaxed) &&
           snapshot_file_write(section->taking->writer, section->section, bytes, size);
}

static bool write_sections(struct snapshot_taking *taking) {
    struct section configuration = {taking, SNAPSHOT_CONFIGURATION};
    struct section sessions = {taking, SNAPSHOT_SESSIONS};
    struct section state = {taking, SNAPSHOT_STATE};
    return append(&configuration, taking->members.data, taking->members.size) &&
           sessions_write(taking->frozen_sessions, (struct machine_output){append, &sessions}) &&
           taking->machine->write(taking->frozen_state, (struct machine_output){append, &state});
}

static void work(void *context) {
    struct snapshot_taking *taking = context;
    struct snapshot_taken *taken = &taking->taken;
    if (snapshot_file_create(taking->directory, &taking->head, &taking->writer, &taken->why) != STORAGE_OK) {
        return;
    }
    bool whole = write_sections(taking);
    if (atomic_load(&taking->cancelled)) {
        snapshot_file_abandon(taking->writer);
        return;
    }
    struct storage_snapshot snapshot;
    /* After a write that failed, this says why. */
    enum storage_error error = snapshot_file_finish(taking->writer, &snapshot, &taken->why);
    assert(whole || error != STORAGE_OK);
    if (whole && error == STORAGE_OK) {
        taken->snapshot = snapshot;
    }
}

/* -- On the reactor's thread -- */

static void end(void *context, bool ran) {
    struct snapshot_taking *taking = context;
    taking->machine->release(taking->state, taking->frozen_state);
    sessions_release(taking->sessions, taking->frozen_sessions);
    json_writer_discard(&taking->members);
    taking->taken.cancelled = taking->taken.snapshot.length == 0 && (!ran || atomic_load(&taking->cancelled));
    taking->done(taking->node, &taking->taken);
    free(taking);
}

static struct snapshot_head head_of(const struct node *node, const struct roster_at *members) {
    struct state_hash_report report = state_hash_newest(&node->applier.hash);
    struct snapshot_head head = {
        .id = node->applier.applied,
        .configuration_index = members->index,
        .chain = node->applier.hash.chain,
        .hash_index = report.index,
        .hash = report.hash,
    };
    memcpy(head.cluster_id, node->identity.cluster_id, sizeof head.cluster_id);
    snprintf(head.machine, sizeof head.machine, "%s", node->options.machine->name);
    return head;
}

struct snapshot_taking *snapshot_taking_begin(struct node *node,
                                              void (*done)(struct node *node, const struct snapshot_taken *taken)) {
    const struct roster_at *members = roster_as_of(&node->roster, node->applier.applied.index);
    assert(node->applier.applied.index > 0 && members->index > 0);
    struct snapshot_taking *taking = memory_zalloc(sizeof *taking);
    taking->node = node;
    taking->done = done;
    taking->directory = node->io.snapshots;
    taking->machine = node->options.machine;
    taking->head = head_of(node, members);
    taking->taken.id = taking->head.id;
    members_write(&members->members, &taking->members);
    taking->state = node->applier.state;
    taking->sessions = node->applier.sessions;
    taking->frozen_state = taking->machine->freeze(taking->state);
    taking->frozen_sessions = sessions_freeze(taking->sessions);
    const struct disk_job job = {.context = taking, .work = work, .done = end};
    node->io.disk.run(node->io.disk.context, DISK_LANE_LONG, &job);
    return taking;
}

void snapshot_taking_cancel(struct snapshot_taking *taking) {
    atomic_store(&taking->cancelled, true);
}
