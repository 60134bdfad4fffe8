#include "storage/removal.h"

#include "storage/record.h"
#include "storage/space.h"

/* The first entry at or after `from` that is still there; false when none is up to `base`. */
static bool find_first(const struct database *database, raft_index from, raft_index base, raft_index *out_index) {
    struct record_key key = record_entry_key(from);
    leveldb_iterator_t *iterator = leveldb_create_iterator(database->handle, database->verified);
    leveldb_iter_seek(iterator, key.bytes, key.size);
    bool found = false;
    if (leveldb_iter_valid(iterator)) {
        size_t size = 0;
        const char *bytes = leveldb_iter_key(iterator, &size);
        found = record_key_kind(bytes, size, out_index) == RECORD_ENTRY && *out_index <= base;
    }
    leveldb_iter_destroy(iterator);
    return found;
}

/* Synced, though nothing rests on it: an unsynced record in front of a synced one is what a loss of power could leave
 * torn in the middle of a .log, which is to be told from damage (log_file.h). */
static bool remove_range(struct database *database, raft_index first, raft_index last) {
    leveldb_writebatch_t *batch = leveldb_writebatch_create();
    for (raft_index index = first; index <= last; index++) {
        struct record_key key = record_entry_key(index);
        leveldb_writebatch_delete(batch, key.bytes, key.size);
    }
    char *text = database_write(database, batch);
    leveldb_writebatch_destroy(batch);
    bool ok = text == NULL;
    leveldb_free(text);
    return ok;
}

bool removal_run(struct database *database, int directory, raft_index base) {
    raft_index first = 0;
    bool ok = true;
    for (raft_index from = 1; ok && from <= base && find_first(database, from, base, &first);) {
        if (!space_has_slack(directory, space_measure_directory)) {
            return false;
        }
        raft_index last = base - first < REMOVAL_CHUNK ? base : first + REMOVAL_CHUNK - 1;
        ok = remove_range(database, first, last);
        from = last + 1;
    }
    if (!space_has_slack(directory, space_measure_directory)) {
        return false;
    }
    if (ok && base > 0) {
        struct record_key begin = record_entry_key(0);
        struct record_key end = record_entry_key(base);
        leveldb_compact_range(database->handle, begin.bytes, begin.size, end.bytes, end.size);
    }
    return true;
}
