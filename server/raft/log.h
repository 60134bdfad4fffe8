/* The module's view of the log: a small record per entry, no bytes. It begins after its base, the last entry that a
 * snapshot took the place of (ch. 5). */
#ifndef RAFT_LOG_H
#define RAFT_LOG_H

#include "server/raft/raft.h"

struct log_record {
    raft_term term;
    uint32_t size; /* Bytes of the payload, for the size of batches. */
    uint8_t type;  /* enum raft_entry_type. */
};

struct log {
    struct raft_entry_id base;  /* Of the entry before records[0]; {0,0} as long as nothing is compacted. */
    struct log_record *records; /* Owned. */
    size_t count;
    size_t capacity;
};

void log_init(struct log *log);
void log_clear(struct log *log);

/* Index of the last entry; the base's when empty. */
raft_index log_last_index(const struct log *log);
/* The base when the log is empty. */
struct raft_entry_id log_last(const struct log *log);
/* The base's term, too; 0 for any other index outside the log. Terms never fall from one index to the next. */
raft_term log_term_at(const struct log *log, raft_index index);
/* The index must be in the log, after the base. */
const struct log_record *log_at(const struct log *log, raft_index index);

/* `id.index` must be the next, `id.term` not below the last. */
void log_append(struct log *log, struct raft_entry_id id, enum raft_entry_type type, uint32_t size);
/* Removes `index` and everything after it; index must be in the log. */
void log_truncate(struct log *log, raft_index index);
/* Removes `index` and everything before it, and gives memory back: `index` is the base now. It must be in the log. */
void log_compact(struct log *log, raft_index index);
/* Removes everything: the log begins anew after `base`. */
void log_reset(struct log *log, struct raft_entry_id base);

/* The first index after the base that has the term of the entry at `index` (which must be in the log). */
raft_index log_first_of_term_at(const struct log *log, raft_index index);
/* The last index not above `index` whose term is not above `term`; the base's when there is none in the log. */
raft_index log_last_not_above(const struct log *log, raft_index index, raft_term term);

#endif
