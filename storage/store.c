#include "storage/store.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct raft_entry_id store_end_after_truncation(const struct storage_state *state, raft_index truncate_from,
                                                raft_term term_before) {
    if (truncate_from == 0 || truncate_from > state->last.index) {
        return state->last;
    }
    assert(truncate_from > state->base.index);
    return (struct raft_entry_id){.index = truncate_from - 1, .term = term_before};
}

struct storage_state store_state_after(const struct storage_state *state, const struct storage_write *write,
                                       struct raft_entry_id end) {
    struct storage_state after = *state;
    after.last = end;
    for (size_t i = 0; i < write->entry_count; i++) {
        const struct raft_entry *entry = &write->entries[i];
        assert(entry->id.index == after.last.index + 1);
        assert(entry->id.term >= after.last.term);
        after.last = entry->id;
    }
    if (write->hard_state_changed) {
        assert(write->hard_state.term >= state->hard_state.term);
        after.hard_state = write->hard_state;
    }
    /* A server hears of a term before it holds an entry of it (§3.4), so a log ahead of the hard state is refused when
     * opened. */
    assert(after.last.term <= after.hard_state.term);
    if (write->cluster_changed) {
        assert(memchr(write->cluster_id, '\0', sizeof write->cluster_id) != NULL);
        memcpy(after.identity.cluster_id, write->cluster_id, sizeof write->cluster_id);
        after.identity.formed = write->formed;
    }
    return after;
}

static void copy(struct store_reading *reading, const char *bytes, size_t size) {
    if (size > 0) {
        memcpy(reading->bytes + reading->size, bytes, size);
        reading->size += size;
    }
}

bool store_reading_add(struct store_reading *reading, const struct raft_entry *entry) {
    bool is_first = reading->count == 0;
    size_t size = (size_t)entry->size + entry->key_size;
    if (!is_first && (reading->size > reading->max_bytes || size > reading->max_bytes - reading->size)) {
        return false;
    }
    reading->entries =
        memory_grow(reading->entries, &reading->entry_capacity, reading->count + 1, sizeof *reading->entries);
    reading->entries[reading->count++] = *entry;
    if (size > 0) {
        reading->bytes = memory_grow(reading->bytes, &reading->byte_capacity, reading->size + size, 1);
        copy(reading, entry->data, entry->size);
        copy(reading, entry->key, entry->key_size);
    }
    return true;
}

void store_reading_finish(struct store_reading *reading, struct raft_entry **out_entries, size_t *out_count,
                          struct buffer **out_buffer) {
    struct buffer *buffer = reading->count == 0 ? NULL : buffer_take(reading->bytes, reading->size);
    /* Only now is the block where it stays. */
    size_t offset = 0;
    for (size_t i = 0; i < reading->count; i++) {
        struct raft_entry *entry = &reading->entries[i];
        entry->data = entry->size == 0 ? NULL : buffer->data + offset;
        entry->key = entry->key_size == 0 ? NULL : buffer->data + offset + entry->size;
        entry->buffer = entry->size + entry->key_size == 0 ? NULL : buffer;
        offset += (size_t)entry->size + entry->key_size;
    }
    *out_entries = reading->entries;
    *out_count = reading->count;
    *out_buffer = buffer;
}

void store_reading_drop(struct store_reading *reading) {
    free(reading->entries);
    free(reading->bytes);
}
