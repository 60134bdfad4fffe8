/* A key with its value, in one block of memory, counted: nodes of the tree and its copies share pairs, so that copying a
 * node copies pointers and never a value, however large. A pair never changes once it is made; a new value is a new pair.
 *
 * Threads: the count is not atomic. Only the reactor's thread takes and drops references; another thread may read key and
 * value while a reference is held for it. */
#ifndef RAFTD_MACHINE_PAIR_H
#define RAFTD_MACHINE_PAIR_H

#include "server/json/json.h"

#include <stddef.h>
#include <stdint.h>

/* Longest key in bytes after decoding: part of the snapshot's format and of what `apply` accepts, hence never a flag. */
enum { PAIR_KEY_SIZE_MAX = 4096 };

struct pair {
    size_t value_size;
    uint32_t references;
    uint16_t key_size; /* At most PAIR_KEY_SIZE_MAX. */
    char bytes[];      /* The key, then the value. */
};

/* A pair with one reference around copies of both. `key_size` is at most PAIR_KEY_SIZE_MAX. */
struct pair *pair_create(const char *key, size_t key_size, struct json_span value);
/* One more reference. */
struct pair *pair_retain(struct pair *pair);
/* One less; the last one frees. NULL is a no-op. */
void pair_release(struct pair *pair);

/* The value's bytes, borrowed from the pair. */
struct json_span pair_value(const struct pair *pair);

/* Byte order of `key` against the pair's key: below, equal to or above 0. A key comes after its own beginnings. */
int pair_compare(const char *key, size_t key_size, const struct pair *pair);

#endif
