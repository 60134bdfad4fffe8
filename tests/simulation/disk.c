#include "disk.h"

#include "server/base/memory.h"
#include "storage/batch.h"
#include "storage/record.h"
#include "storage/store.h"
#include "tests/simulation/check/check.h"

#include <stdlib.h>

struct record {
    char *bytes; /* Owned. */
    size_t size;
};

struct disk {
    struct storage storage;
    struct batch *batch;
    uint64_t number;        /* Of the newest write. */
    struct record *entries; /* Owned; the first is of index `first`, the others follow. */
    raft_index first;
    size_t count;
    size_t capacity;
    struct record small[RECORD_UNKNOWN]; /* By kind. */
};

static struct disk *self(struct storage *storage) {
    return (struct disk *)storage;
}

/* -- Bytes -- */

static void set(struct record *record, const char *bytes, size_t size) {
    free(record->bytes);
    *record = (struct record){.bytes = memory_copy(bytes, size), .size = size};
}

static void cut_end(struct disk *disk, size_t count) {
    while (disk->count > count) {
        free(disk->entries[--disk->count].bytes);
    }
}

/* What is at or below the base is of no account. */
static void cut_beginning(struct disk *disk, raft_index base) {
    size_t gone = 0;
    while (gone < disk->count && disk->first + gone <= base) {
        free(disk->entries[gone++].bytes);
    }
    disk->count -= gone;
    disk->first += gone;
    if (gone > 0) {
        memmove(disk->entries, disk->entries + gone, disk->count * sizeof *disk->entries);
    }
}

static void put(void *context, const char *key, size_t key_size, const char *value, size_t size) {
    struct disk *disk = context;
    raft_index index = 0;
    enum record_kind kind = record_key_kind(key, key_size, &index);
    ck_assert_int_eq(kind == RECORD_UNKNOWN, false);
    if (kind != RECORD_ENTRY) {
        set(&disk->small[kind], value, size);
        return;
    }
    if (disk->count == 0) {
        disk->first = index;
    }
    ck_assert_uint_ge(index, disk->first);
    ck_assert_uint_le(index, disk->first + disk->count);
    if (index == disk->first + disk->count) {
        disk->entries = memory_grow(disk->entries, &disk->capacity, disk->count + 1, sizeof *disk->entries);
        disk->entries[disk->count++] = (struct record){0};
    }
    set(&disk->entries[index - disk->first], value, size);
}

static void removed(void *context, const char *key, size_t key_size) {
    struct disk *disk = context;
    raft_index index = 0;
    ck_assert_int_eq(record_key_kind(key, key_size, &index), RECORD_ENTRY);
    if (index < disk->first + disk->count) {
        cut_end(disk, index < disk->first ? 0 : (size_t)(index - disk->first));
    }
}

/* Points into the record. */
static struct raft_entry entry_at(const struct disk *disk, raft_index index) {
    struct raft_entry entry;
    ck_assert(index >= disk->first && index < disk->first + disk->count);
    const struct record *record = &disk->entries[index - disk->first];
    ck_assert_int_eq(record_decode_entry(index, record->bytes, record->size, &entry), RECORD_OK);
    return entry;
}

/* -- The store's operations -- */

static enum storage_error disk_write(struct storage *storage, const struct storage_write *write,
                                     struct storage_message *out_message) {
    struct disk *disk = self(storage);
    struct storage_state after;
    enum storage_error error = store_state_after(storage, write, &after, out_message);
    ck_assert_int_eq(error, STORAGE_OK);
    const struct record_newest_write newest = {.number = ++disk->number, .last = after.last};
    batch_fill(disk->batch, write, &storage->state, &after, newest);
    if (write->replaced_by.index != 0) {
        cut_end(disk, 0); /* Left where it is by the batch, and of no account. */
    }
    leveldb_writebatch_iterate(disk->batch->batch, disk, put, removed);
    cut_beginning(disk, after.base.index);
    storage->state = after;
    ck_assert_uint_eq(disk->count, after.last.index - after.base.index);
    return STORAGE_OK;
}

static enum storage_error disk_term_of(struct storage *storage, raft_index index, raft_term *out_term,
                                       struct storage_message *out_message) {
    (void)out_message;
    *out_term = entry_at(self(storage), index).id.term;
    return STORAGE_OK;
}

static enum storage_error disk_read(struct storage *storage, raft_index first, raft_index last, size_t max_bytes,
                                    struct raft_entry **out_entries, size_t *out_count, struct buffer **out_buffer,
                                    struct storage_message *out_message) {
    (void)out_message;
    const struct disk *disk = self(storage);
    struct store_reading reading = {.max_bytes = max_bytes};
    bool there = disk->count > 0 && first >= disk->first;
    for (raft_index index = first; there && index <= last && index < disk->first + disk->count; index++) {
        struct raft_entry entry = entry_at(disk, index);
        if (!store_reading_add(&reading, &entry)) {
            break;
        }
    }
    store_reading_finish(&reading, out_entries, out_count, out_buffer);
    return STORAGE_OK;
}

static enum storage_error disk_visit(struct storage *storage, raft_index first,
                                     bool (*visit)(void *context, const struct raft_entry *entry), void *context,
                                     struct storage_message *out_message) {
    (void)out_message;
    const struct disk *disk = self(storage);
    for (raft_index index = first < disk->first ? disk->first : first; index < disk->first + disk->count; index++) {
        struct raft_entry entry = entry_at(disk, index);
        if (!visit(context, &entry)) {
            break;
        }
    }
    return STORAGE_OK;
}

static bool disk_compact(struct storage *storage) {
    (void)storage;
    return true;
}

static const char *disk_directory(const struct storage *storage) {
    (void)storage;
    return NULL;
}

static uint64_t disk_size_bytes(const struct storage *storage) {
    (void)storage;
    return 0;
}

static void disk_room(struct storage *storage, struct storage_room *out_room) {
    (void)storage;
    *out_room = STORAGE_ROOM_UNKNOWN;
}

static void disk_close(struct storage *storage) {
    struct disk *disk = self(storage);
    cut_end(disk, 0);
    free(disk->entries);
    for (size_t i = 0; i < RECORD_UNKNOWN; i++) {
        free(disk->small[i].bytes);
    }
    batch_destroy(disk->batch);
    free(disk);
}

static const struct store_operations operations = {.close = disk_close,
                                                   .visit = disk_visit,
                                                   .write = disk_write,
                                                   .read = disk_read,
                                                   .room = disk_room,
                                                   .term_of = disk_term_of,
                                                   .compact = disk_compact,
                                                   .directory = disk_directory,
                                                   .size_bytes = disk_size_bytes};

struct storage *disk_create(raft_node_id node_id, const char *incarnation) {
    struct disk *disk = memory_zalloc(sizeof *disk);
    disk->storage.operations = &operations;
    disk->batch = batch_create();
    disk->first = 1;
    struct storage_identity *identity = &disk->storage.state.identity;
    identity->node_id = node_id;
    memcpy(identity->incarnation, incarnation, strlen(incarnation));
    const struct storage_write write = {.hard_state_changed = true, .cluster_changed = true};
    struct storage_message message;
    disk_write(&disk->storage, &write, &message); /* So a directory begins. */
    return &disk->storage;
}

/* -- Starts -- */

static void decode_small(const struct disk *disk, struct storage_state *state, struct record_newest_write *newest) {
    const struct record *small = disk->small;
    const struct record *record = &small[RECORD_HARD_STATE];
    ck_assert_int_eq(record_decode_hard_state(record->bytes, record->size, &state->hard_state), RECORD_OK);
    record = &small[RECORD_IDENTITY];
    ck_assert_int_eq(record_decode_identity(record->bytes, record->size, &state->identity), RECORD_OK);
    record = &small[RECORD_NEWEST_WRITE];
    ck_assert_int_eq(record_decode_newest_write(record->bytes, record->size, newest), RECORD_OK);
    record = &small[RECORD_BASE];
    ck_assert(record->bytes == NULL || record_decode_base(record->bytes, record->size, &state->base) == RECORD_OK);
    record = &small[RECORD_SNAPSHOT];
    ck_assert(record->bytes == NULL || record_decode_snapshot(record->bytes, record->size, &state->snapshot) == RECORD_OK);
}

void disk_reopen(struct storage *storage) {
    struct disk *disk = self(storage);
    struct storage_state state = {0};
    struct record_newest_write newest;
    decode_small(disk, &state, &newest);
    state.last = state.base;
    for (raft_index index = state.base.index + 1; index < disk->first + disk->count; index++) {
        struct raft_entry entry = entry_at(disk, index);
        ck_assert_uint_ge(entry.id.term, state.last.term);
        state.last = entry.id;
    }
    ck_assert_uint_eq(newest.last.index, state.last.index);
    ck_assert_uint_eq(newest.last.term, state.last.term);
    ck_assert_uint_ge(state.hard_state.term, state.last.term);
    ck_assert_uint_ge(state.hard_state.term, state.snapshot.id.term);
    ck_assert_uint_le(state.base.index, state.snapshot.id.index);
    const struct storage_state *before = &storage->state; /* What was promised. */
    ck_assert_uint_eq(state.last.index, before->last.index);
    ck_assert_uint_eq(state.last.term, before->last.term);
    ck_assert_uint_eq(state.base.index, before->base.index);
    ck_assert_uint_eq(state.hard_state.term, before->hard_state.term);
    ck_assert_uint_eq(state.hard_state.voted_for, before->hard_state.voted_for);
    ck_assert_uint_eq(state.snapshot.id.index, before->snapshot.id.index);
    ck_assert_str_eq(state.identity.incarnation, before->identity.incarnation);
    storage->state = state;
    disk->number = newest.number;
}
