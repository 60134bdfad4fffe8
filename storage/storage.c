#include "storage/storage.h"

#include "storage/leveldb_store.h"
#include "storage/store.h"

enum storage_error storage_open(const char *directory, raft_node_id node_id, void (*log)(void *context, const char *line),
                                void *log_context, struct storage **out_storage, struct storage_message *out_message) {
    return leveldb_store_open(directory, node_id, log, log_context, out_storage, out_message);
}

void storage_close(struct storage *storage) {
    if (storage != NULL) {
        storage->operations->close(storage);
    }
}

void storage_state(const struct storage *storage, struct storage_state *out_state) {
    *out_state = storage->state;
}

enum storage_error storage_visit(struct storage *storage, raft_index first,
                                 bool (*visit)(void *context, const struct raft_entry *entry), void *context,
                                 struct storage_message *out_message) {
    return storage->operations->visit(storage, first, visit, context, out_message);
}

enum storage_error storage_write(struct storage *storage, const struct storage_write *write,
                                 struct storage_message *out_message) {
    return storage->operations->write(storage, write, out_message);
}

enum storage_error storage_read(struct storage *storage, raft_index first, raft_index last, size_t max_bytes,
                                struct raft_entry **out_entries, size_t *out_count, struct buffer **out_buffer,
                                struct storage_message *out_message) {
    return storage->operations->read(storage, first, last, max_bytes, out_entries, out_count, out_buffer, out_message);
}

void storage_room(struct storage *storage, struct storage_room *out_room) {
    storage->operations->room(storage, out_room);
}

bool storage_compact(struct storage *storage) {
    return storage->operations->compact(storage);
}

const char *storage_directory(const struct storage *storage) {
    return storage->operations->directory(storage);
}

uint64_t storage_size_bytes(const struct storage *storage) {
    return storage->operations->size_bytes(storage);
}
