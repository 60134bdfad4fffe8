#include "storage/entries.h"

#include "storage/failure.h"
#include "storage/record.h"

#include <inttypes.h>
#include <string.h>

enum storage_error entries_base(leveldb_iterator_t *iterator, struct raft_entry_id *out_base,
                                struct storage_message *out_message) {
    struct record_key key = record_key(RECORD_BASE);
    *out_base = (struct raft_entry_id){.index = 0};
    leveldb_iter_seek(iterator, key.bytes, key.size);
    size_t size = 0;
    const char *found = leveldb_iter_valid(iterator) ? leveldb_iter_key(iterator, &size) : NULL;
    if (found == NULL || size != key.size || memcmp(found, key.bytes, size) != 0) {
        return database_end_of_loop(iterator, out_message);
    }
    const char *value = leveldb_iter_value(iterator, &size);
    enum record_error error = record_decode_base(value, size, out_base);
    return error == RECORD_OK ? STORAGE_OK
                              : failure_tell(out_message, STORAGE_DAMAGED, "the base of the log %s" FAILURE_CURE,
                                             record_error_text(error));
}

/* The loop of entries_visit; what the iterator itself says is looked at by the caller. */
static enum storage_error visit(leveldb_iterator_t *iterator, raft_index first,
                                bool (*each)(void *context, const struct raft_entry *entry), void *context,
                                struct storage_message *out_message) {
    bool goes_on = true;
    struct raft_entry entry = {.size = 0};
    struct record_key from = record_entry_key(first);
    raft_index expected = first;
    for (leveldb_iter_seek(iterator, from.bytes, from.size); goes_on && leveldb_iter_valid(iterator);
         leveldb_iter_next(iterator)) {
        size_t size = 0;
        raft_index index = 0;
        const char *key = leveldb_iter_key(iterator, &size);
        if (record_key_kind(key, size, &index) != RECORD_ENTRY) {
            break;
        }
        const char *value = leveldb_iter_value(iterator, &size);
        enum record_error record = record_decode_entry(index, value, size, &entry);
        if (record != RECORD_OK || index != expected) {
            return failure_tell(out_message, STORAGE_DAMAGED, "entry %" PRIu64 " %s" FAILURE_CURE, expected,
                                record != RECORD_OK ? record_error_text(record) : "is missing");
        }
        expected++;
        goes_on = each(context, &entry);
    }
    return STORAGE_OK;
}

enum storage_error entries_visit(const struct database *database, raft_index first,
                                 bool (*each)(void *context, const struct raft_entry *entry), void *context,
                                 struct storage_message *out_message) {
    /* The base is read by the same iterator, so it is of the same moment: with an older one an entry that was compacted
     * away in between would look lost. */
    leveldb_iterator_t *iterator = leveldb_create_iterator(database->handle, database->verified);
    struct raft_entry_id base;
    enum storage_error error = entries_base(iterator, &base, out_message);
    if (error == STORAGE_OK) {
        error = visit(iterator, first > base.index ? first : base.index + 1, each, context, out_message);
    }
    /* First of all: what could not be read looks missing. */
    enum storage_error end = database_end_of_loop(iterator, out_message);
    leveldb_iter_destroy(iterator);
    return end != STORAGE_OK ? end : error;
}
