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
    struct raft_entry *entries; /* entries[i] has index base + 1 + i; each `data` and `key` is owned. */
    size_t count;
    size_t capacity;
    uint64_t size_bytes;
};

static struct memory_store *self(struct storage *storage) {
    return (struct memory_store *)storage;
}

static void drop(struct memory_store *store, struct raft_entry *entry) {
    store->size_bytes -= entry->size + entry->key_size;
    free((char *)entry->data);
    free((char *)entry->key);
}

/* Leaves the first `count`. */
static void cut_end(struct memory_store *store, size_t count) {
    while (store->count > count) {
        drop(store, &store->entries[--store->count]);
    }
}

/* Drops the first `count`, or all. */
static void cut_beginning(struct memory_store *store, size_t count) {
    count = count < store->count ? count : store->count;
    for (size_t i = 0; i < count; i++) {
        drop(store, &store->entries[i]);
    }
    store->count -= count;
    if (count > 0) {
        memmove(store->entries, store->entries + count, store->count * sizeof *store->entries);
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
    struct memory_store *store = self(storage);
    struct storage_state before = storage->state;
    struct storage_state after;
    pthread_mutex_lock(&store->lock);
    enum storage_error error = store_state_after(storage, write, &after, out_message);
    assert(error == STORAGE_OK);
    cut_end(store, write->replaced_by.index != 0 ? 0 : after.last.index - write->entry_count - before.base.index);
    for (size_t i = 0; i < write->entry_count; i++) {
        append(store, &write->entries[i]);
    }
    if (write->replaced_by.index == 0) {
        cut_beginning(store, after.base.index - before.base.index);
    }
    storage->state = after;
    assert(store->count == after.last.index - after.base.index);
    pthread_mutex_unlock(&store->lock);
    return error;
}

static enum storage_error memory_store_term_of(struct storage *storage, raft_index index, raft_term *out_term,
                                               struct storage_message *out_message) {
    (void)out_message;
    *out_term = self(storage)->entries[index - storage->state.base.index - 1].id.term;
    return STORAGE_OK;
}

static enum storage_error memory_store_read(struct storage *storage, raft_index first, raft_index last, size_t max_bytes,
                                            struct raft_entry **out_entries, size_t *out_count, struct buffer **out_buffer,
                                            struct storage_message *out_message) {
    (void)out_message;
    struct memory_store *store = self(storage);
    struct store_reading reading = {.max_bytes = max_bytes};
    pthread_mutex_lock(&store->lock);
    raft_index base = storage->state.base.index;
    for (raft_index index = first; index > base && index <= last && index - base <= store->count; index++) {
        if (!store_reading_add(&reading, &store->entries[index - base - 1])) {
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
    raft_index base = storage->state.base.index;
    for (raft_index index = first <= base ? base + 1 : first; index - base <= store->count; index++) {
        if (!visit(context, &store->entries[index - base - 1])) {
            break;
        }
    }
    return STORAGE_OK;
}

static bool memory_store_compact(struct storage *storage) {
    (void)storage; /* What was removed is gone already. */
    return true;
}

static const char *memory_store_directory(const struct storage *storage) {
    (void)storage;
    return NULL;
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
    cut_end(store, 0);
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
                                                   .term_of = memory_store_term_of,
                                                   .compact = memory_store_compact,
                                                   .directory = memory_store_directory,
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
