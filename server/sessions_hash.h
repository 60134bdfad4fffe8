/* What is kept of a command in place of its bytes, to tell whether a key comes back with another one.
 *
 * 128 bits: two commands that differ by chance have the same hash once in 10^38 times. It is no secret and no signature:
 * whoever makes two commands with one hash on purpose, and sends both with one key of their own, gets the answer of the
 * first for both. The same on every node and for ever: hashes are part of snapshots. */
#ifndef RAFTD_SESSIONS_HASH_H
#define RAFTD_SESSIONS_HASH_H

#include "server/json/json.h"

#include <stdbool.h>
#include <stdint.h>

struct sessions_hash {
    uint64_t high;
    uint64_t low;
};

struct sessions_hash sessions_hash_of(struct json_span bytes);
bool sessions_hash_equal(struct sessions_hash left, struct sessions_hash right);

#endif
