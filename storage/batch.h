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

/* Fills `batch->batch` with what turns a log that ends at `last_before` into `after`, as `write` says, and with `newest`.
 */
void batch_fill(struct batch *batch, const struct storage_write *write, raft_index last_before,
                const struct storage_state *after, struct record_newest_write newest);

#endif
