#include "server/applier.h"

#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>

static bool append_to_writer(void *context, const void *bytes, size_t size) {
    json_write_bytes(context, bytes, size);
    return true;
}

struct machine_output applier_output(struct json_writer *writer) {
    return (struct machine_output){.append = append_to_writer, .context = writer};
}

void applier_init(struct applier *applier, const struct machine *machine) {
    *applier = (struct applier){.state = machine->create(), .sessions = sessions_create()};
}

void applier_clear(struct applier *applier, const struct machine *machine) {
    machine->destroy(applier->state);
    sessions_destroy(applier->sessions);
    json_writer_discard(&applier->result);
    *applier = (struct applier){0};
}

static void apply(struct node *node, const struct raft_entry *entry) {
    struct applier *applier = &node->applier;
    assert(entry->id.index == applier->applied.index + 1);
    assert(entry->id.term >= applier->applied.term);
    assert(raft_term_at(node->core, entry->id.index) == entry->id.term);
    applier->result.size = 0;
    enum machine_verdict verdict = MACHINE_DONE;
    if (entry->type == RAFT_COMMAND) {
        verdict = node->options.machine->apply(applier->state, entry->id.index, entry->data, entry->size,
                                               applier_output(&applier->result));
    }
    applier->applied = entry->id;
    proposals_applied(node, entry, verdict, (struct json_span){applier->result.data, applier->result.size});
}

static void load(struct node *node, raft_index commit_index) {
    struct applier *applier = &node->applier;
    raft_index first = applier->applied.index + 1;
    raft_index last = entry_cache_first(&node->cache) - 1;
    applier->load_token = node_new_number(node);
    node->io.disk.read(node->io.disk.context, applier->load_token, first, last < commit_index ? last : commit_index,
                       APPLIER_READ_BYTES);
}

void applier_run(struct node *node) {
    struct applier *applier = &node->applier;
    raft_index commit_index = raft_commit_index(node->core);
    while (applier->applied.index < commit_index && applier->load_token == 0) {
        raft_index next = applier->applied.index + 1;
        if (next < entry_cache_first(&node->cache)) {
            load(node, commit_index);
            return;
        }
        apply(node, entry_cache_range(&node->cache, next, 1));
    }
}

bool applier_loaded(struct node *node, uint64_t token, const struct raft_entry *entries, size_t count) {
    struct applier *applier = &node->applier;
    if (applier->load_token == 0 || applier->load_token != token) {
        return false;
    }
    applier->load_token = 0;
    assert(count > 0); /* Committed entries are on this disk or in the cache; the read itself was checked. */
    for (size_t i = 0; i < count; i++) {
        apply(node, &entries[i]);
    }
    return true; /* The next turn goes on: entries that came in this one are not in the cache yet. */
}
