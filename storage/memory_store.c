/* The twin in memory: an array of entries under a lock. */
#include "storage/store.h"

#include "server/base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct memory_store {
    struct storage storage;
    pthread_mutex_t lock;       /* Over the array and what it points to: storage_read runs beside storage_write. */
    struct raft_entry *entries; /* entries[i] has index i + 1; each `data` and `key` is owned. */
    size_t count;
    size_t capacity;
    uint64_t size_bytes;
};

static struct memory_store *self(struct storage *storage) {
    return (struct memory_store *)storage;
}

static void cut(struct memory_store *store, raft_index from) {
    while (store->count >= from) {
        struct raft_entry *entry = &store->entries[--store->count];
        store->size_bytes -= entry->size + entry->key_size;
        free((char *)entry->data);
        free((char *)entry->key);
    }
}

static void append(struct memory_store *store, const struct raft_entry *entry) {
    store->entries = memory_grow(store->entries, &store->capacity, store->count + 1, sizeof *store->entries);
    struct raft_entry *kept = &store->entries[store->count++];
    *kept = *entry;
    kept->data = memory_copy(entry->data, entry->size);
    kept->key = entry->key_size == 0 ? NULL : memory_copy(entry->key, entry->key_size);
    kept->buffer = NULL;
    kept->configuration = NULL;
    store->size_bytes += entry->size + entry->key_size;
}

static enum storage_error memory_store_write(struct storage *storage, const struct storage_write *write,
                                             struct storage_message *out_message) {
    (void)out_message;
    struct memory_store *store = self(storage);
    pthread_mutex_lock(&store->lock);
    raft_index from = write->truncate_from;
    bool has_before = from > 1 && from <= store->count;
    raft_term term_before = has_before ? store->entries[from - 2].id.term : 0;
    struct raft_entry_id end = store_end_after_truncation(&storage->state, from, term_before);
    storage->state = store_state_after(&storage->state, write, end);
    cut(store, end.index + 1);
    for (size_t i = 0; i < write->entry_count; i++) {
        append(store, &write->entries[i]);
    }
    pthread_mutex_unlock(&store->lock);
    return STORAGE_OK;
}

static enum storage_error memory_store_read(struct storage *storage, raft_index first, raft_index last, size_t max_bytes,
                                            struct raft_entry **out_entries, size_t *out_count, struct buffer **out_buffer,
                                            struct storage_message *out_message) {
    (void)out_message;
    struct memory_store *store = self(storage);
    struct store_reading reading = {.max_bytes = max_bytes};
    pthread_mutex_lock(&store->lock);
    for (raft_index index = first; index >= 1 && index <= last && index <= store->count; index++) {
        if (!store_reading_add(&reading, &store->entries[index - 1])) {
            break;
        }
    }
    pthread_mutex_unlock(&store->lock);
    store_reading_finish(&reading, out_entries, out_count, out_buffer);
    return STORAGE_OK;
}

static enum storage_error memory_store_visit(struct storage *storage, raft_index first,
                                             bool (*visit)(void *context, const struct raft_entry *entry), void *context,
                                             struct storage_message *out_message) {
    (void)out_message;
    const struct memory_store *store = self(storage);
    for (raft_index index = first == 0 ? 1 : first; index <= store->count; index++) {
        if (!visit(context, &store->entries[index - 1])) {
            break;
        }
    }
    return STORAGE_OK;
}

static uint64_t memory_store_size_bytes(const struct storage *storage) {
    struct memory_store *store = self((struct storage *)storage);
    pthread_mutex_lock(&store->lock);
    uint64_t size_bytes = store->size_bytes;
    pthread_mutex_unlock(&store->lock);
    return size_bytes;
}

static void memory_store_close(struct storage *storage) {
    struct memory_store *store = self(storage);
    cut(store, 1);
    free(store->entries);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

static void memory_store_room(struct storage *storage, struct storage_room *out_room) {
    (void)storage;
    *out_room = STORAGE_ROOM_UNKNOWN;
}

static const struct store_operations operations = {.close = memory_store_close,
                                                   .visit = memory_store_visit,
                                                   .write = memory_store_write,
                                                   .read = memory_store_read,
                                                   .room = memory_store_room,
                                                   .size_bytes = memory_store_size_bytes};

struct storage *storage_memory_create(raft_node_id node_id, const char *incarnation) {
    assert(strlen(incarnation) <= STORAGE_INCARNATION_SIZE);
    struct memory_store *store = memory_zalloc(sizeof *store);
    store->storage.operations = &operations;
    store->storage.state.identity.node_id = node_id;
    memcpy(store->storage.state.identity.incarnation, incarnation, strlen(incarnation));
    pthread_mutex_init(&store->lock, NULL);
    return &store->storage;
}
