/* One storage_write as one LevelDB batch. The memory is kept from batch to batch, unless a large one has blown it up. */
#ifndef RAFTD_BATCH_H
#define RAFTD_BATCH_H

#include "storage/record.h"
#include "storage/storage.h"

#include <leveldb/c.h>

struct batch {
    leveldb_writebatch_t *batch;
    size_t batch_bytes;
    char *value; /* Where a value is put together. */
    size_t value_capacity;
};

struct batch *batch_create(void);
void batch_destroy(struct batch *batch); /* NULL is a no-op. */

/* Fills `batch->batch` with what turns the state `before` into `after`, as `write` says, and with `newest`.
 * Entries at or below a new base are left where they are: they are of no account from then on, and removed later
 * (removal.h). */
void batch_fill(struct batch *batch, const struct storage_write *write, const struct storage_state *before,
                const struct storage_state *after, struct record_newest_write newest);

#endif
