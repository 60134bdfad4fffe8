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
    /* The term of an entry of the log that is neither its base nor its last. */
    enum storage_error (*term_of)(struct storage *storage, raft_index index, raft_term *out_term,
                                  struct storage_message *out_message);
    bool (*compact)(struct storage *storage);
    const char *(*directory)(const struct storage *storage);
    uint64_t (*size_bytes)(const struct storage *storage);
};

/* The first member of each implementation. */
struct storage {
    const struct store_operations *operations;
    struct storage_state state; /* Touched by the writing thread only. */
};

/* The state after `write`; asserts the rules of storage_write. Fails only when a term cannot be looked up. */
enum storage_error store_state_after(struct storage *storage, const struct storage_write *write,
                                     struct storage_state *out_after, struct storage_message *out_message);

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
