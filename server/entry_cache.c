#include "server/entry_cache.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void entry_cache_init(struct entry_cache *cache, uint64_t bytes_max, raft_index next) {
    assert(next >= 1);
    *cache = (struct entry_cache){.bytes_max = bytes_max, .next = next};
}

void entry_cache_clear(struct entry_cache *cache) {
    for (size_t i = cache->begin; i < cache->end; i++) {
        buffer_release(cache->entries[i].buffer);
    }
    free(cache->entries);
    *cache = (struct entry_cache){0};
}

static uint64_t cost(const struct raft_entry *entry) {
    return sizeof *entry + entry->size + entry->key_size;
}

void entry_cache_append(struct entry_cache *cache, const struct raft_entry *entry) {
    assert(entry->id.index == cache->next);
    if (cache->end == cache->capacity && cache->begin > cache->capacity / 2) {
        /* Mostly evicted: move down instead of growing. */
        memmove(cache->entries, cache->entries + cache->begin, (cache->end - cache->begin) * sizeof *cache->entries);
        cache->end -= cache->begin;
        cache->begin = 0;
    }
    cache->entries = memory_grow(cache->entries, &cache->capacity, cache->end + 1, sizeof *cache->entries);
    cache->entries[cache->end++] = *entry;
    buffer_retain(entry->buffer);
    cache->bytes += cost(entry);
    cache->next++;
}

void entry_cache_truncate(struct entry_cache *cache, raft_index index) {
    assert(index >= 1);
    while (cache->end > cache->begin && cache->entries[cache->end - 1].id.index >= index) {
        struct raft_entry *entry = &cache->entries[--cache->end];
        cache->bytes -= cost(entry);
        buffer_release(entry->buffer);
    }
    if (index < cache->next) {
        cache->next = index;
    }
}

void entry_cache_restart(struct entry_cache *cache, raft_index next) {
    uint64_t bytes_max = cache->bytes_max;
    entry_cache_clear(cache);
    entry_cache_init(cache, bytes_max, next);
}

bool entry_cache_is_full(const struct entry_cache *cache) {
    return cache->bytes > cache->bytes_max;
}

void entry_cache_evict(struct entry_cache *cache, raft_index index, raft_index wanted) {
    while (entry_cache_is_full(cache) && cache->begin < cache->end && cache->entries[cache->begin].id.index <= index) {
        struct raft_entry *entry = &cache->entries[cache->begin];
        if (entry->id.index >= wanted && cache->bytes <= ENTRY_CACHE_WANTED * cache->bytes_max) {
            break;
        }
        cache->begin++;
        cache->bytes -= cost(entry);
        buffer_release(entry->buffer);
    }
    if (cache->begin == cache->end) {
        cache->begin = cache->end = 0;
    }
}

raft_index entry_cache_first(const struct entry_cache *cache) {
    return cache->next - (cache->end - cache->begin);
}

bool entry_cache_has(const struct entry_cache *cache, raft_index first, size_t count) {
    return first >= entry_cache_first(cache) && first <= cache->next && count <= cache->next - first;
}

const struct raft_entry *entry_cache_range(const struct entry_cache *cache, raft_index first, size_t count) {
    assert(entry_cache_has(cache, first, count));
    if (count == 0) {
        return NULL; /* Nothing may be here at all, and then there is no array to point into. */
    }
    return cache->entries + cache->begin + (first - entry_cache_first(cache));
}
