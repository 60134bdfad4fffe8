#include "storage/store.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool is_none(struct raft_entry_id id) {
    return id.index == 0;
}

/* The whole id of the entry of the log, or its base, at `index`. */
static enum storage_error id_at(struct storage *storage, raft_index index, struct raft_entry_id *out_id,
                                struct storage_message *out_message) {
    const struct storage_state *state = &storage->state;
    assert(index >= state->base.index && index <= state->last.index);
    if (index == state->base.index || index == state->last.index) {
        *out_id = index == state->base.index ? state->base : state->last;
        return STORAGE_OK;
    }
    out_id->index = index;
    return storage->operations->term_of(storage, index, &out_id->term, out_message);
}

/* Replacement or truncation: where the log ends before the new entries. */
static enum storage_error find_end(struct storage *storage, const struct storage_write *write, struct storage_state *after,
                                   struct storage_message *out_message) {
    const struct storage_state *state = &storage->state;
    if (!is_none(write->replaced_by)) {
        assert(write->truncate_from == 0 && write->compact_through == 0);
        assert(write->snapshot_changed && write->snapshot.id.index == write->replaced_by.index &&
               write->snapshot.id.term == write->replaced_by.term);
        /* What is left of the old log at or below the base is ignored from now on, so the base must not go back. */
        assert(write->replaced_by.index > state->base.index && write->replaced_by.term >= state->base.term);
        after->base = after->last = write->replaced_by;
        return STORAGE_OK;
    }
    if (write->truncate_from == 0 || write->truncate_from > state->last.index) {
        return STORAGE_OK;
    }
    assert(write->truncate_from > state->base.index);
    return id_at(storage, write->truncate_from - 1, &after->last, out_message);
}

static void add_entries(const struct storage_write *write, struct storage_state *after) {
    for (size_t i = 0; i < write->entry_count; i++) {
        const struct raft_entry *entry = &write->entries[i];
        assert(entry->id.index == after->last.index + 1);
        assert(entry->id.term >= after->last.term);
        after->last = entry->id;
    }
}

/* The new base, which may be one of the entries of this very write. */
static enum storage_error find_base(struct storage *storage, const struct storage_write *write, struct storage_state *after,
                                    struct storage_message *out_message) {
    raft_index through = write->compact_through;
    if (through <= after->base.index) {
        return STORAGE_OK;
    }
    assert(through <= after->last.index);
    if (write->entry_count > 0 && through >= write->entries[0].id.index) {
        after->base = write->entries[through - write->entries[0].id.index].id;
        return STORAGE_OK;
    }
    return id_at(storage, through, &after->base, out_message);
}

enum storage_error store_state_after(struct storage *storage, const struct storage_write *write,
                                     struct storage_state *out_after, struct storage_message *out_message) {
    const struct storage_state *state = &storage->state;
    struct storage_state after = *state;
    enum storage_error error = find_end(storage, write, &after, out_message);
    if (error == STORAGE_OK) {
        add_entries(write, &after);
        error = find_base(storage, write, &after, out_message);
    }
    if (error != STORAGE_OK) {
        return error;
    }
    if (write->snapshot_changed) {
        assert(write->snapshot.length >= 1 && write->snapshot.id.index >= state->snapshot.id.index);
        after.snapshot = write->snapshot;
    }
    assert(after.base.index <= after.snapshot.id.index && after.snapshot.id.index <= after.last.index);
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
    *out_after = after;
    return STORAGE_OK;
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
