#include "storage/batch.h"

#include "server/base/memory.h"

#include <stdlib.h>

enum { KEPT_BYTES = 1 << 20 /* A batch larger than this is not kept for the next one. */ };

struct batch *batch_create(void) {
    struct batch *batch = memory_zalloc(sizeof *batch);
    batch->batch = leveldb_writebatch_create();
    return batch;
}

void batch_destroy(struct batch *batch) {
    if (batch != NULL) {
        leveldb_writebatch_destroy(batch->batch);
        free(batch->value);
        free(batch);
    }
}

static void begin(struct batch *batch) {
    if (batch->batch_bytes > KEPT_BYTES) {
        leveldb_writebatch_destroy(batch->batch);
        batch->batch = leveldb_writebatch_create();
    } else {
        leveldb_writebatch_clear(batch->batch);
    }
    batch->batch_bytes = 0;
    if (batch->value_capacity > KEPT_BYTES) {
        free(batch->value);
        batch->value = NULL;
        batch->value_capacity = 0;
    }
}

static void put(struct batch *batch, struct record_key key, const char *value, size_t size) {
    leveldb_writebatch_put(batch->batch, key.bytes, key.size, value, size);
    batch->batch_bytes += key.size + size;
}

void batch_fill(struct batch *batch, const struct storage_write *write, const struct storage_state *before,
                const struct storage_state *after, struct record_newest_write newest) {
    begin(batch);
    /* What the truncation or replacement removes and no new entry replaces. */
    for (raft_index index = after->last.index + 1; index <= before->last.index; index++) {
        struct record_key key = record_entry_key(index);
        leveldb_writebatch_delete(batch->batch, key.bytes, key.size);
        batch->batch_bytes += key.size;
    }
    for (size_t i = 0; i < write->entry_count; i++) {
        const struct raft_entry *entry = &write->entries[i];
        batch->value = memory_grow(batch->value, &batch->value_capacity, record_entry_size(entry), 1);
        put(batch, record_entry_key(entry->id.index), batch->value, record_encode_entry(entry, batch->value));
    }
    char small[RECORD_SMALL_MAX];
    if (after->base.index > before->base.index) {
        put(batch, record_key(RECORD_BASE), small, record_encode_base(after->base, small));
    }
    if (write->snapshot_changed) {
        put(batch, record_key(RECORD_SNAPSHOT), small, record_encode_snapshot(&after->snapshot, small));
    }
    if (write->hard_state_changed) {
        put(batch, record_key(RECORD_HARD_STATE), small, record_encode_hard_state(after->hard_state, small));
    }
    if (write->cluster_changed) {
        put(batch, record_key(RECORD_IDENTITY), small, record_encode_identity(&after->identity, small));
    }
    put(batch, record_key(RECORD_NEWEST_WRITE), small, record_encode_newest_write(newest, small));
}
