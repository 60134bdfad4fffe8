#include "server/raft/reorder.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>

bool reorder_hold(struct reorder *reorder, const struct raft_message *message, uint64_t deadline_ms) {
    assert(message->type == RAFT_APPEND_ENTRIES);
    if (reorder->count == REORDER_MAX) {
        return false;
    }
    struct reorder_held *held = &reorder->held[reorder->count++];
    size_t count = message->append_entries.entry_count;
    *held = (struct reorder_held){.message = *message, .deadline_ms = deadline_ms};
    held->entries = memory_copy(message->append_entries.entries, count * sizeof *held->entries);
    held->message.append_entries.entries = held->entries;
    for (size_t i = 0; i < count; i++) {
        struct raft_entry *entry = &held->entries[i];
        buffer_retain(entry->buffer);
        if (entry->configuration != NULL) {
            entry->configuration = memory_copy(entry->configuration, sizeof *entry->configuration);
        }
    }
    return true;
}

static void take(struct reorder *reorder, size_t at, struct reorder_held *out_held) {
    *out_held = reorder->held[at];
    reorder->held[at] = reorder->held[--reorder->count];
}

bool reorder_take_ready(struct reorder *reorder, raft_index last_index, struct reorder_held *out_held) {
    for (size_t i = 0; i < reorder->count; i++) {
        if (reorder->held[i].message.append_entries.prev.index <= last_index) {
            take(reorder, i, out_held);
            return true;
        }
    }
    return false;
}

bool reorder_take_expired(struct reorder *reorder, uint64_t now_ms, struct reorder_held *out_held) {
    for (size_t i = 0; i < reorder->count; i++) {
        if (reorder->held[i].deadline_ms <= now_ms) {
            take(reorder, i, out_held);
            return true;
        }
    }
    return false;
}

void reorder_release(struct reorder_held *held) {
    for (size_t i = 0; i < held->message.append_entries.entry_count; i++) {
        buffer_release(held->entries[i].buffer);
        free((void *)held->entries[i].configuration); /* A copy of ours. */
    }
    free(held->entries);
    *held = (struct reorder_held){0};
}

uint64_t reorder_deadline_ms(const struct reorder *reorder) {
    uint64_t deadline = UINT64_MAX;
    for (size_t i = 0; i < reorder->count; i++) {
        if (reorder->held[i].deadline_ms < deadline) {
            deadline = reorder->held[i].deadline_ms;
        }
    }
    return deadline;
}
