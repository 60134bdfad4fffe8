#include "server/restoring.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURE "; remove this member from the cluster, wipe its data and let it join again"

static bool fail(struct storage_message *out_message, const struct snapshot_head *head, const char *what) {
    snprintf(out_message->text, sizeof out_message->text, "the snapshot of index %" PRIu64 " %s", head->id.index, what);
    return false;
}

/* -- Reading -- */

struct section {
    struct snapshot_file *file;
    enum snapshot_section section;
};

static size_t read_section(void *context, void *bytes, size_t capacity) {
    const struct section *section = context;
    return snapshot_file_read(section->file, section->section, bytes, capacity);
}

static bool is_read_through(struct snapshot_file *file, enum snapshot_section section) {
    char byte;
    return snapshot_file_read(file, section, &byte, 1) == 0;
}

static bool read_members(struct snapshot_file *file, struct members *out_members) {
    struct json_writer text = {0};
    char bytes[4096];
    size_t size;
    while ((size = snapshot_file_read(file, SNAPSHOT_CONFIGURATION, bytes, sizeof bytes)) > 0) {
        json_write_bytes(&text, bytes, size);
    }
    struct json_span value;
    size_t offset;
    bool sense = text.size > 0 && json_scan(text.data, text.size, &value, &offset) && members_read(value, out_members);
    json_writer_discard(&text);
    return sense;
}

static bool read_sessions(struct snapshot_file *file, struct restored *restored, struct storage_message *out_message) {
    struct section section = {file, SNAPSHOT_SESSIONS};
    struct json_writer why = {0};
    bool sense = sessions_restore(restored->sessions, (struct machine_input){read_section, &section}, applier_output(&why));
    if (!sense) {
        char what[256];
        snprintf(what, sizeof what, "has an exactly-once table that makes no sense: %.*s", (int)why.size,
                 why.size == 0 ? "" : why.data);
        fail(out_message, &restored->head, what);
    } else if (!is_read_through(file, SNAPSHOT_SESSIONS)) {
        sense = fail(out_message, &restored->head, "has bytes after its exactly-once table");
    }
    json_writer_discard(&why);
    return sense;
}

static bool read_state(struct snapshot_file *file, struct restored *restored, struct storage_message *out_message) {
    struct section section = {file, SNAPSHOT_STATE};
    struct json_writer why = {0};
    bool sense =
        restored->machine->restore(restored->state, (struct machine_input){read_section, &section}, applier_output(&why));
    if (!sense) {
        char what[256];
        snprintf(what, sizeof what, "cannot be read by the state machine: %.*s", (int)why.size,
                 why.size == 0 ? "" : why.data);
        fail(out_message, &restored->head, what);
    } else if (!is_read_through(file, SNAPSHOT_STATE)) {
        sense = fail(out_message, &restored->head, "has bytes that the state machine does not read");
    }
    json_writer_discard(&why);
    return sense;
}

static bool judge_head(const struct restored *restored, const char *cluster_id, struct storage_message *out_message) {
    const struct snapshot_head *head = &restored->head;
    char what[256];
    if (strcmp(head->machine, restored->machine->name) != 0) {
        snprintf(what, sizeof what, "is of the state machine %s, and this node runs --machine %.64s", head->machine,
                 restored->machine->name);
        return fail(out_message, head, what);
    }
    if (strcmp(head->cluster_id, cluster_id) != 0) {
        snprintf(what, sizeof what, "is of cluster %s, and this node belongs to %s", head->cluster_id, cluster_id);
        return fail(out_message, head, what);
    }
    if (head->hash_index > head->id.index) {
        return fail(out_message, head, "has the hash of a later state");
    }
    if (head->configuration_index == 0 || head->configuration_index > head->id.index) {
        return fail(out_message, head, "has no configuration");
    }
    return true;
}

bool restoring_read(struct snapshot_file *file, const struct machine *machine, const char *cluster_id,
                    struct restored *out_restored, struct storage_message *out_message) {
    struct restored restored = {.head = *snapshot_file_head(file), .machine = machine};
    if (!judge_head(&restored, cluster_id, out_message)) {
        return false;
    }
    restored.state = machine->create();
    restored.sessions = sessions_create();
    bool sense = read_members(file, &restored.members)
                     ? read_sessions(file, &restored, out_message) && read_state(file, &restored, out_message)
                     : fail(out_message, &restored.head, "has a configuration that makes no sense");
    if (!sense) {
        restoring_discard(&restored);
        return false;
    }
    *out_restored = restored;
    return true;
}

void restoring_discard(struct restored *restored) {
    restored->machine->destroy(restored->state);
    sessions_destroy(restored->sessions);
    restored->state = NULL;
    restored->sessions = NULL;
}

/* -- In a running node -- */

static void free_old(void *context) {
    restoring_discard(context);
}

static void forget_old(void *context, bool ran) {
    if (!ran) {
        restoring_discard(context);
    }
    free(context);
}

/* Hands out what the applier had before. */
static void swap(struct node *node, struct restored *restored) {
    struct restored old = {.machine = restored->machine, .state = node->applier.state, .sessions = node->applier.sessions};
    applier_replace(&node->applier, restored->state, restored->sessions, restored->head.id);
    state_hash_begin(&node->applier.hash, restored->head.chain,
                     (struct state_hash_report){restored->head.hash_index, restored->head.hash});
    roster_reset(&node->roster, restored->head.configuration_index, &restored->members);
    cluster_clock_see(&node->clock, sessions_time_ms(node->applier.sessions));
    *restored = old;
}

void restoring_adopt(struct node *node, struct restored *restored) {
    assert(node->snapshots.taking == NULL); /* It reads a frozen view of what is freed here (snapshots_hold). */
    struct restored *old = memory_alloc(sizeof *old);
    swap(node, restored);
    *old = *restored;
    restored->state = NULL;
    restored->sessions = NULL;
    /* A million keys take a second. */
    const struct disk_job job = {.context = old, .work = free_old, .done = forget_old};
    node->io.disk.run(node->io.disk.context, DISK_LANE_LONG, &job);
}

/* -- At the start -- */

static void name_cure(struct storage_message *message) {
    size_t size = strlen(message->text);
    snprintf(message->text + size, sizeof message->text - size, "%s", CURE);
}

/* The one that the store names, whole and of this machine. */
static bool read_snapshot(struct node *node, const struct storage_state *state, struct restored *out_restored,
                          struct storage_message *out_message) {
    const struct machine *machine = node->options.machine;
    struct snapshot_file *file;
    assert(node->io.snapshots != NULL);
    if (snapshot_file_open(node->io.snapshots, &state->snapshot, &file, out_message) != STORAGE_OK) {
        name_cure(out_message);
        return false;
    }
    bool same_machine = strcmp(snapshot_file_head(file)->machine, machine->name) == 0;
    bool sense = restoring_read(file, machine, state->identity.cluster_id, out_restored, out_message);
    snapshot_file_close(file);
    if (!sense && same_machine) { /* Another machine is a mistake in the options, not of the disk. */
        name_cure(out_message);
    }
    return sense;
}

static bool start_from_snapshot(struct node *node, const struct storage_state *state, struct raft *core,
                                struct storage_message *out_message) {
    struct restored restored;
    if (!read_snapshot(node, state, &restored, out_message)) {
        return false;
    }
    assert(restored.head.id.index == state->snapshot.id.index && restored.head.id.term == state->snapshot.id.term);
    struct raft_configuration configuration;
    members_configuration(&restored.members, &configuration);
    const struct raft_snapshot snapshot = {
        .id = restored.head.id, .configuration_index = restored.head.configuration_index, .configuration = &configuration};
    raft_restore_snapshot(core, state->base, &snapshot);
    swap(node, &restored);
    restoring_discard(&restored);
    return true;
}

struct log_reading {
    struct node *node;
    struct raft *core;
    bool ok;
};

static bool restore_entry(void *context, const struct raft_entry *entry) {
    struct log_reading *reading = context;
    struct raft_entry restored = *entry;
    struct raft_configuration configuration;
    struct members members;
    if (entry->type == RAFT_CONFIGURATION) {
        struct roster *roster = &reading->node->roster;
        bool known = entry->id.index <= roster_current(roster)->index; /* The snapshot told of it, or of a later one. */
        if (known ? !roster_read(entry, &members) : !roster_append(roster, entry)) {
            reading->ok = false;
            return false;
        }
        members_configuration(known ? &members : &roster_current(roster)->members, &configuration);
        restored.configuration = &configuration;
    }
    cluster_clock_see(&reading->node->clock, entry->time_ms);
    raft_restore_entry(reading->core, &restored);
    return true;
}

struct raft *restoring_start(struct node *node, struct storage *storage, const struct storage_state *state,
                             struct storage_message *out_message) {
    struct log_reading reading = {.node = node, .core = node_make_core(node, state->hard_state), .ok = true};
    bool well = state->snapshot.length == 0 || start_from_snapshot(node, state, reading.core, out_message);
    if (well) {
        well = storage_visit(storage, state->base.index + 1, restore_entry, &reading, out_message) == STORAGE_OK;
    }
    if (well && !reading.ok) {
        snprintf(out_message->text, sizeof out_message->text, "a configuration entry of the log cannot be read" CURE);
        well = false;
    }
    if (!well) {
        raft_destroy(reading.core);
        return NULL;
    }
    return reading.core;
}
