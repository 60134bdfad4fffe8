/* The table of functions behind storage.h, and what both implementations share. Private to this room. */
#ifndef RAFTD_STORE_H
#define RAFTD_STORE_H

#include "storage/storage.h"

struct store_operations {
    void (*close)(struct storage *storage);
    enum storage_error (*visit)(struct storage *storage, raft_index first,
                                bool (*visit)(void *context, const struct raft_entry *entry), void *context,
                                struct storage_message *out_message);
    enum storage_error (*write)(struct storage *storage, const struct storage_write *write,
                                struct storage_message *out_message);
    enum storage_error (*read)(struct storage *storage, raft_index first, raft_index last, size_t max_bytes,
                               struct raft_entry **out_entries, size_t *out_count, struct buffer **out_buffer,
                               struct storage_message *out_message);
    void (*room)(struct storage *storage, struct storage_room *out_room);
    uint64_t (*size_bytes)(const struct storage *storage);
};

/* The first member of each implementation. */
struct storage {
    const struct store_operations *operations;
    struct storage_state state; /* Touched by the writing thread only. */
};

/* Where the log ends after the truncation alone, given the term of the entry before `truncate_from` (0 when that is index
 * 0). */
struct raft_entry_id store_end_after_truncation(const struct storage_state *state, raft_index truncate_from,
                                                raft_term term_before);

/* The state after `write`; asserts the rules of storage_write. `end` is the log's end after the truncation. */
struct storage_state store_state_after(const struct storage_state *state, const struct storage_write *write,
                                       struct raft_entry_id end);

/* Entries on their way to the caller of storage_read, their bytes in one growing block. */
struct store_reading {
    size_t max_bytes;
    struct raft_entry *entries;
    size_t count;
    size_t entry_capacity;
    char *bytes;
    size_t size;
    size_t byte_capacity;
};

/* Copies `entry` to the end; false when it does not fit any more. */
bool store_reading_add(struct store_reading *reading, const struct raft_entry *entry);
/* Hands everything over as storage_read describes. */
void store_reading_finish(struct store_reading *reading, struct raft_entry **out_entries, size_t *out_count,
                          struct buffer **out_buffer);
/* Frees what was gathered. */
void store_reading_drop(struct store_reading *reading);

#endif
