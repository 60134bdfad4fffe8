#include "storage/leveldb_store.h"

#include "storage/batch.h"
#include "storage/creation.h"
#include "storage/database.h"
#include "storage/directory.h"
#include "storage/entries.h"
#include "storage/failure.h"
#include "storage/floor.h"
#include "storage/identity.h"
#include "storage/new_names.h"
#include "storage/record.h"
#include "storage/recovery.h"
#include "storage/removal.h"
#include "storage/resident.h"
#include "storage/space.h"
#include "storage/store.h"
#include "storage/verify.h"

#include "server/base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RELEASE_AFTER_BYTES = 16 << 20, /* Of reading for followers; giving memory back costs a tenth of a millisecond. */
    TRIES = 3                       /* Of a write that has no room, with LevelDB opened anew between them. */
};

struct leveldb_store {
    struct storage storage;
    struct directory *directory;
    void (*log)(void *context, const char *line); /* What was mended; NULL: nobody is told. */
    void *log_context;
    struct database *database; /* NULL when it could not be opened anew. */
    pthread_rwlock_t lock;     /* Who writes takes it to open LevelDB anew, all others to use it. */
    struct batch *batch;
    char *real_path; /* Owned; of LevelDB's directory, as /proc tells it. NULL when it could not be found out. */
    struct new_names names;
    struct space space;
    size_t read_bytes;               /* Read by storage_read since memory was last given back; its thread's. */
    int floor;                       /* Descriptor of the file, -1 before it is open. */
    uint64_t number;                 /* Of the newest write. */
    _Atomic raft_index base_on_disk; /* storage.state.base's, for storage_compact beside a write. */
    bool failed;                     /* A write has failed: what LevelDB holds is unknown, so nothing more is written. */
    struct storage_message failure;  /* Of that write. */
};

static struct leveldb_store *self(struct storage *storage) {
    return (struct leveldb_store *)storage;
}

static void leveldb_store_close(struct storage *storage) {
    struct leveldb_store *store = self(storage);
    database_close(store->database);
    batch_destroy(store->batch);
    free(store->real_path);
    new_names_close(&store->names);
    if (store->floor >= 0) {
        close(store->floor);
    }
    directory_close(store->directory); /* Last: it holds the lock. */
    pthread_rwlock_destroy(&store->lock);
    free(store);
}

static void release_memory(const struct leveldb_store *store) {
    if (store->real_path != NULL) {
        resident_release(store->real_path);
    }
}

/* As entries_visit; beside writes. */
static enum storage_error visit_entries(struct leveldb_store *store, raft_index first,
                                        bool (*visit)(void *context, const struct raft_entry *entry), void *context,
                                        struct storage_message *out_message) {
    pthread_rwlock_rdlock(&store->lock);
    enum storage_error error = store->database == NULL
                                   ? failure_tell(out_message, STORAGE_FAILED, "the log is not open any more")
                                   : entries_visit(store->database, first, visit, context, out_message);
    pthread_rwlock_unlock(&store->lock);
    return error;
}

static enum storage_error leveldb_store_visit(struct storage *storage, raft_index first,
                                              bool (*visit)(void *context, const struct raft_entry *entry), void *context,
                                              struct storage_message *out_message) {
    struct leveldb_store *store = self(storage);
    enum storage_error error = visit_entries(store, first, visit, context, out_message);
    release_memory(store);
    return error;
}

struct bounded_reading {
    struct store_reading reading;
    raft_index first;
    raft_index last;
};

static bool add_to_reading(void *context, const struct raft_entry *entry) {
    struct bounded_reading *bounded = context;
    if (bounded->reading.count == 0 && entry->id.index != bounded->first) {
        return false; /* The log begins later. */
    }
    return entry->id.index <= bounded->last && store_reading_add(&bounded->reading, entry) &&
           entry->id.index < bounded->last;
}

/* Touches no field of the store that a write beside it changes. */
static enum storage_error leveldb_store_read(struct storage *storage, raft_index first, raft_index last, size_t max_bytes,
                                             struct raft_entry **out_entries, size_t *out_count, struct buffer **out_buffer,
                                             struct storage_message *out_message) {
    struct bounded_reading bounded = {.reading = {.max_bytes = max_bytes}, .first = first, .last = last};
    if (first >= 1 && first <= last) {
        enum storage_error error = visit_entries(self(storage), first, add_to_reading, &bounded, out_message);
        if (error != STORAGE_OK) {
            store_reading_drop(&bounded.reading);
            return error;
        }
    }
    struct leveldb_store *store = self(storage);
    store->read_bytes += bounded.reading.size;
    if (store->read_bytes >= RELEASE_AFTER_BYTES) {
        store->read_bytes = 0;
        release_memory(store);
    }
    store_reading_finish(&bounded.reading, out_entries, out_count, out_buffer);
    return STORAGE_OK;
}

static bool take_term(void *context, const struct raft_entry *entry) {
    *(raft_term *)context = entry->id.term;
    return false;
}

static enum storage_error leveldb_store_term_of(struct storage *storage, raft_index index, raft_term *out_term,
                                                struct storage_message *out_message) {
    return visit_entries(self(storage), index, take_term, out_term, out_message);
}

/* Batch, names, floor: in this order, because each says that the one before is on disk. */
static enum storage_error put_on_disk(struct leveldb_store *store, const struct floor *floor, bool *out_lacked_room,
                                      struct storage_message *out_message) {
    char *text = database_write(store->database, store->batch->batch);
    if (text != NULL) {
        *out_lacked_room = strstr(text, strerror(ENOSPC)) != NULL; /* LevelDB tells it in the system's words only. */
        enum storage_error error = failure_tell(out_message, STORAGE_FAILED, "writing the log failed: %.300s", text);
        leveldb_free(text);
        return error;
    }
    if (!new_names_sync(&store->names)) {
        *out_lacked_room = errno == ENOSPC;
        return failure_tell(out_message, STORAGE_FAILED, "syncing the log's directory failed: %s", strerror(errno));
    }
    if (!floor_write(store->floor, floor)) {
        *out_lacked_room = errno == ENOSPC;
        return failure_tell(out_message, STORAGE_FAILED, "writing the file floor failed: %s", strerror(errno));
    }
    *out_lacked_room = false;
    return STORAGE_OK;
}

/* Opens LevelDB, and the directory beside it, as a start does: the names of new files are synced before anything counts. */
static enum storage_error open_database(struct leveldb_store *store, struct storage_message *out_message) {
    enum storage_error error = database_open(store->directory->database_path, false, &store->database, out_message);
    if (error == STORAGE_OK && !new_names_open(&store->names, store->directory->descriptor, DIRECTORY_DATABASE)) {
        return failure_tell(out_message, STORAGE_FAILED, "cannot sync %.200s: %s", store->directory->database_path,
                            strerror(errno));
    }
    return error;
}

/* What is there must be all that was promised; of the write that failed all may be there, or nothing. */
static enum storage_error check_promised(const struct leveldb_store *store, struct storage_message *out_message) {
    const struct storage_state *state = &store->storage.state;
    struct floor promised = {.newest = {.number = store->number, .last = state->last}, .hard_state = state->hard_state};
    struct floor found = {.newest = {.number = 0}};
    struct storage_state found_state;
    enum storage_error error = verify_all(store->database, &found_state, &found.newest, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    found.hard_state = found_state.hard_state;
    return floor_check(&promised, &found, out_message);
}

/* After a call that had no room, also one of LevelDB's own thread, which refuses all writes from then on: the reserve is
 * let go and LevelDB opened anew, as a new process would. That removes what it had half made. */
static enum storage_error open_anew(struct leveldb_store *store, struct storage_message *out_message) {
    pthread_rwlock_wrlock(&store->lock);
    database_close(store->database);
    store->database = NULL;
    new_names_close(&store->names);
    space_let_go(&store->space);
    enum storage_error error = recovery_prepare(store->directory, store->log, store->log_context, out_message);
    if (error == STORAGE_OK) {
        error = open_database(store, out_message);
    }
    if (error == STORAGE_OK) {
        error = check_promised(store, out_message);
    }
    pthread_rwlock_unlock(&store->lock);
    return error;
}

/* Where there is no room the reserve is for such a write; others that fail leave unknown what LevelDB holds. */
static enum storage_error put_with_reserve(struct leveldb_store *store, const struct floor *floor,
                                           struct storage_message *out_message) {
    bool lacked_room = false;
    enum storage_error error = put_on_disk(store, floor, &lacked_room, out_message);
    for (size_t tried = 1; error != STORAGE_OK && lacked_room && tried < TRIES; tried++) {
        if (store->log != NULL) {
            char line[sizeof out_message->text + 100];
            snprintf(line, sizeof line, "%s: the log is opened anew with the reserve of space let go", out_message->text);
            store->log(store->log_context, line);
        }
        error = open_anew(store, out_message);
        if (error == STORAGE_OK) {
            error = put_on_disk(store, floor, &lacked_room, out_message);
        } else {
            lacked_room = false;
        }
    }
    return error;
}

static enum storage_error leveldb_store_write(struct storage *storage, const struct storage_write *write,
                                              struct storage_message *out_message) {
    struct leveldb_store *store = self(storage);
    if (store->failed) {
        return failure_tell(out_message, STORAGE_FAILED, "an earlier write has failed: %.400s", store->failure.text);
    }
    space_make_way(&store->space);
    struct storage_state after;
    enum storage_error error = store_state_after(storage, write, &after, &store->failure);
    if (error == STORAGE_OK) {
        struct floor floor = {.newest = {.number = store->number + 1, .last = after.last}, .hard_state = after.hard_state};
        batch_fill(store->batch, write, &storage->state, &after, floor.newest);
        error = put_with_reserve(store, &floor, &store->failure);
        if (error == STORAGE_OK) {
            storage->state = after;
            store->number++;
            atomic_store(&store->base_on_disk, after.base.index);
            return STORAGE_OK;
        }
    }
    store->failed = true;
    return failure_tell(out_message, STORAGE_FAILED, "%s", store->failure.text);
}

static void leveldb_store_room(struct storage *storage, struct storage_room *out_room) {
    space_look(&self(storage)->space, out_room);
}

static bool leveldb_store_compact(struct storage *storage) {
    struct leveldb_store *store = self(storage);
    pthread_rwlock_rdlock(&store->lock);
    bool done = store->database == NULL ||
                removal_run(store->database, store->directory->descriptor, atomic_load(&store->base_on_disk));
    pthread_rwlock_unlock(&store->lock);
    release_memory(store);
    return done;
}

static const char *leveldb_store_directory(const struct storage *storage) {
    return ((const struct leveldb_store *)storage)->directory->path;
}

static uint64_t leveldb_store_size_bytes(const struct storage *storage) {
    return directory_size_bytes(((const struct leveldb_store *)storage)->directory);
}

static const struct store_operations operations = {.close = leveldb_store_close,
                                                   .visit = leveldb_store_visit,
                                                   .write = leveldb_store_write,
                                                   .read = leveldb_store_read,
                                                   .room = leveldb_store_room,
                                                   .term_of = leveldb_store_term_of,
                                                   .compact = leveldb_store_compact,
                                                   .directory = leveldb_store_directory,
                                                   .size_bytes = leveldb_store_size_bytes};

/* Makes a store when there is none; afterwards the directory holds one, or it is not ours. */
static enum storage_error make_if_absent(const struct directory *directory, raft_node_id node_id,
                                         struct storage_message *out_message) {
    enum directory_contents contents = DIRECTORY_FOREIGN;
    char name[256] = "";
    if (!directory_look(directory, &contents, name)) {
        return failure_tell(out_message, STORAGE_UNUSABLE, "cannot read the data directory %.200s: %s", directory->path,
                            strerror(errno));
    }
    switch (contents) {
    case DIRECTORY_EMPTY:
    case DIRECTORY_HALF_MADE:
        return creation_make(directory, node_id, out_message);
    case DIRECTORY_STORE:
        return creation_finish(directory, out_message);
    case DIRECTORY_BEHEADED:
        return failure_tell(out_message, STORAGE_DAMAGED, "the data directory %.200s lacks the file identity" FAILURE_CURE,
                            directory->path);
    case DIRECTORY_FOREIGN:
        break;
    }
    return failure_tell(
        out_message, STORAGE_UNUSABLE,
        "the data directory %.200s is neither empty nor a store (it holds %.100s): name another, or empty it",
        directory->path, name);
}

static enum storage_error check_identity(const struct directory *directory, raft_node_id node_id,
                                         struct storage_identity *out_identity, struct storage_message *out_message) {
    struct storage_identity identity;
    enum storage_error error = identity_read(directory->descriptor, &identity, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    if (identity.node_id != node_id) {
        return failure_tell(out_message, STORAGE_WRONG_NODE,
                            "the data directory %.200s belongs to node %" PRIu64 ", not to node %" PRIu64, directory->path,
                            identity.node_id, node_id);
    }
    *out_identity = identity;
    return STORAGE_OK;
}

/* What LevelDB holds against the two files beside it. */
static enum storage_error check_against_files(const struct leveldb_store *store, const struct storage_identity *identity,
                                              const struct floor *found, struct storage_message *out_message) {
    const struct storage_identity *stored = &store->storage.state.identity;
    if (stored->node_id != identity->node_id || strcmp(stored->incarnation, identity->incarnation) != 0) {
        return failure_tell(
            out_message, STORAGE_DAMAGED,
            "the log is of incarnation %s, the file identity of %s: files of two stores are mixed" FAILURE_CURE,
            stored->incarnation, identity->incarnation);
    }
    struct floor floor;
    return floor_read(store->directory->descriptor, &floor) ? floor_check(&floor, found, out_message) : STORAGE_OK;
}

/* Opens LevelDB and the files beside it and believes none before it is checked. */
static enum storage_error open_parts(struct leveldb_store *store, const struct storage_identity *identity,
                                     struct storage_message *out_message) {
    store->real_path = realpath(store->directory->database_path, NULL);
    enum storage_error error = open_database(store, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    struct floor found = {.newest = {.number = 0}};
    error = verify_all(store->database, &store->storage.state, &found.newest, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    found.hard_state = store->storage.state.hard_state;
    store->number = found.newest.number;
    error = check_against_files(store, identity, &found, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    atomic_store(&store->base_on_disk, store->storage.state.base.index);
    store->floor = floor_create(store->directory->descriptor, &found);
    return store->floor >= 0
               ? STORAGE_OK
               : failure_tell(out_message, STORAGE_FAILED, "cannot write the file floor: %s", strerror(errno));
}

/* A log that ends before the snapshot has nothing that the snapshot does not cover: it begins anew after it. */
static enum storage_error drop_covered_log(struct storage *storage, void (*log)(void *context, const char *line),
                                           void *log_context, struct storage_message *out_message) {
    const struct storage_state *state = &storage->state;
    if (state->snapshot.id.index <= state->last.index) {
        return STORAGE_OK;
    }
    if (log != NULL) {
        char line[160];
        snprintf(line, sizeof line,
                 "dropped the log, which ends with entry %" PRIu64 ", before the snapshot as of entry %" PRIu64,
                 state->last.index, state->snapshot.id.index);
        log(log_context, line);
    }
    const struct storage_write write = {
        .replaced_by = state->snapshot.id, .snapshot_changed = true, .snapshot = state->snapshot};
    return leveldb_store_write(storage, &write, out_message);
}

enum storage_error leveldb_store_open(const char *path, raft_node_id node_id, void (*log)(void *context, const char *line),
                                      void *log_context, struct storage **out_storage,
                                      struct storage_message *out_message) {
    struct directory *directory = NULL;
    enum storage_error error = directory_open(path, &directory, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    struct leveldb_store *store = memory_zalloc(sizeof *store);
    store->storage.operations = &operations;
    store->directory = directory;
    store->log = log;
    store->log_context = log_context;
    pthread_rwlock_init(&store->lock, NULL);
    store->batch = batch_create();
    store->floor = -1;
    store->names.descriptor = -1;
    struct storage_identity identity;
    error = make_if_absent(directory, node_id, out_message);
    if (error == STORAGE_OK) {
        error = check_identity(directory, node_id, &identity, out_message);
    }
    if (error == STORAGE_OK) {
        space_open(&store->space, directory->descriptor, space_measure_directory);
        error = recovery_prepare(directory, log, log_context, out_message);
    }
    if (error == STORAGE_OK) {
        error = open_parts(store, &identity, out_message);
    }
    if (error == STORAGE_OK) {
        error = drop_covered_log(&store->storage, log, log_context, out_message);
    }
    if (error != STORAGE_OK) {
        leveldb_store_close(&store->storage);
        return error;
    }
    *out_storage = &store->storage;
    return STORAGE_OK;
}
