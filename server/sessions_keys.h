/* The idempotency keys of the exactly-once table, in two trees:
 *
 *     index    key                      ->  first use, index              where a key's answer is
 *     ages     first use, index, key    ->  term, hash, result            the answers, oldest first
 *
 * An answer that was cut has an empty result. Snapshots need the ages alone.
 *
 * Keys that are over are not found, whether or not they were taken out already: taking them out is house-keeping, done a
 * few at a time, so that no single entry pays for a million. As they are the oldest, they are also the first to go when a
 * limit is exceeded, and no other key goes too early for them. */
#ifndef RAFTD_SESSIONS_KEYS_H
#define RAFTD_SESSIONS_KEYS_H

#include "server/json/json.h"
#include "server/machine/cow_cursor.h"
#include "server/machine/cow_tree.h"
#include "server/raft/raft.h"
#include "server/sessions_hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise to begin. */
struct sessions_keys {
    struct cow_tree index;
    struct cow_tree ages;
    uint64_t result_bytes;
    char *scratch; /* Owned; where records are put together. */
    size_t scratch_capacity;
};

/* One key with its answer; pointers are borrowed. */
struct sessions_key {
    const char *key;
    size_t key_size;
    uint64_t first_used_ms;
    struct raft_entry_id id;
    struct sessions_hash command;
    struct json_span result; /* Size 0: cut. */
};

void sessions_keys_clear(struct sessions_keys *keys);

/* False: no such key, or it is over. */
bool sessions_keys_find(const struct sessions_keys *keys, const char *key, size_t key_size, uint64_t now_ms,
                        struct sessions_key *out_record);
/* Puts a key in, in place of its record that is over, if that is still there. */
void sessions_keys_put(struct sessions_keys *keys, const struct sessions_key *record);
/* Takes out one key that is over. False: there is none. */
bool sessions_keys_remove_over(struct sessions_keys *keys, uint64_t now_ms);
/* Takes the oldest keys out until at most `count_max` are left and their results have at most `bytes_max` bytes. */
void sessions_keys_trim(struct sessions_keys *keys, uint64_t count_max, uint64_t bytes_max);

/* A walk over the keys of `ages` that are not over, oldest first. */
struct cow_cursor sessions_keys_walk(const struct cow_tree *ages, uint64_t now_ms);
/* The record in a pair of `ages`, borrowed from the pair. */
struct sessions_key sessions_keys_read(const struct pair *pair);
/* Order of age: below, equal to or above 0. */
int sessions_keys_compare(const struct sessions_key *left, const struct sessions_key *right);

#endif
