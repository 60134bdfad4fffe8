/* The newest entries of the log, with their bytes: what followers, the machine and /v1/log mostly ask for. Entries that are
 * not on disk yet, or not applied, are always here; older ones go when the cache is larger than its limit, and those that a
 * follower which keeps up has not got yet a little later. */
#ifndef RAFTD_ENTRY_CACHE_H
#define RAFTD_ENTRY_CACHE_H

#include "server/raft/raft.h"

enum { ENTRY_CACHE_WANTED = 4 };

struct entry_cache {
    uint64_t bytes_max;
    uint64_t bytes;             /* Of what is kept, overhead included. */
    struct raft_entry *entries; /* Owned; contiguous indexes; one reference of each buffer. */
    size_t begin;               /* The first kept. */
    size_t end;
    size_t capacity;
    raft_index next; /* The index that the next append must have. */
};

/* `next` is one past the end of the log. */
void entry_cache_init(struct entry_cache *cache, uint64_t bytes_max, raft_index next);
void entry_cache_clear(struct entry_cache *cache);

void entry_cache_append(struct entry_cache *cache, const struct raft_entry *entry);
/* Drops `index` and everything above. */
void entry_cache_truncate(struct entry_cache *cache, raft_index index);
/* Drops everything; the log's next entry is `next`. */
void entry_cache_restart(struct entry_cache *cache, raft_index next);
/* Larger than its limit. */
bool entry_cache_is_full(const struct entry_cache *cache);
/* Drops the oldest entries, up to `index`, while the cache is full. Those from `wanted` on, which somebody asks for soon,
 * only while it is larger than ENTRY_CACHE_WANTED times that. */
void entry_cache_evict(struct entry_cache *cache, raft_index index, raft_index wanted);

/* The first index that is here; one past the end of the log when there is none. */
raft_index entry_cache_first(const struct entry_cache *cache);
/* True when the entries from `first` on, `count` of them, are all here. */
bool entry_cache_has(const struct entry_cache *cache, raft_index first, size_t count);
/* The entries from `first` on, `count` of them, all of which must be here; NULL for none. Borrowed until the cache
 * changes. */
const struct raft_entry *entry_cache_range(const struct entry_cache *cache, raft_index first, size_t count);

#endif
