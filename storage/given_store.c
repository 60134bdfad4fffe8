#include "storage/given_store.h"

#include "storage/directory.h"
#include "storage/failure.h"
#include "storage/identity.h"
#include "storage/record.h"
#include "storage/store.h"

#include "server/base/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FACTS_VERSION = 1 };

struct given_store {
    struct storage storage;
    struct directory *directory;
    const struct log_store *table;
    void *log;
    uint64_t number; /* Of the newest batch. */
    bool failed;     /* A write has. */
    struct storage_message failure;
    struct log_store_bytes *records; /* Of a batch; kept from batch to batch. */
    size_t record_capacity;
    char *bytes;
    size_t byte_capacity;
};

static struct given_store *self(struct storage *storage) {
    return (struct given_store *)storage;
}

static enum storage_error tell_failed(const struct given_store *store, const char *what, const char *why,
                                      struct storage_message *out_message) {
    return failure_tell(out_message, STORAGE_FAILED, "the log store %.64s %s: %.300s", store->table->name, what,
                        why[0] != '\0' ? why : "it does not say why");
}

/* -- The facts: a version, then each record with its key, both behind their sizes -- */

static size_t put_fact(char *facts, size_t at, enum record_kind kind, const char *value, size_t size) {
    struct record_key key = record_key(kind);
    assert(size <= RECORD_SMALL_MAX && at + 2 + key.size + size <= LOG_STORE_FACTS_MAX);
    facts[at++] = (char)key.size;
    memcpy(facts + at, key.bytes, key.size);
    at += key.size;
    facts[at++] = (char)size;
    memcpy(facts + at, value, size);
    return at + size;
}

static size_t encode_facts(const struct storage_state *state, uint64_t number, char facts[LOG_STORE_FACTS_MAX]) {
    char value[RECORD_SMALL_MAX];
    const struct record_newest_write newest = {.number = number, .last = state->last};
    size_t size = 0;
    facts[size++] = FACTS_VERSION;
    size = put_fact(facts, size, RECORD_IDENTITY, value, record_encode_identity(&state->identity, value));
    size = put_fact(facts, size, RECORD_HARD_STATE, value, record_encode_hard_state(state->hard_state, value));
    size = put_fact(facts, size, RECORD_NEWEST_WRITE, value, record_encode_newest_write(newest, value));
    if (state->base.index != 0) {
        size = put_fact(facts, size, RECORD_BASE, value, record_encode_base(state->base, value));
    }
    if (state->snapshot.length != 0) {
        size = put_fact(facts, size, RECORD_SNAPSHOT, value, record_encode_snapshot(&state->snapshot, value));
    }
    return size;
}

static enum record_error decode_fact(enum record_kind kind, const char *value, size_t size, struct storage_state *state,
                                     struct record_newest_write *newest) {
    switch (kind) {
    case RECORD_IDENTITY:
        return record_decode_identity(value, size, &state->identity);
    case RECORD_HARD_STATE:
        return record_decode_hard_state(value, size, &state->hard_state);
    case RECORD_NEWEST_WRITE:
        return record_decode_newest_write(value, size, newest);
    case RECORD_BASE:
        return record_decode_base(value, size, &state->base);
    case RECORD_SNAPSHOT:
        return record_decode_snapshot(value, size, &state->snapshot);
    default:
        return RECORD_VALUE;
    }
}

static enum record_error decode_facts(const char *facts, size_t size, struct storage_state *state,
                                      struct record_newest_write *newest) {
    bool found[RECORD_UNKNOWN + 1] = {false};
    if (facts[0] != FACTS_VERSION) {
        return RECORD_VERSION;
    }
    for (size_t at = 1; at < size;) {
        size_t key_size = (unsigned char)facts[at++];
        const char *key = facts + at;
        if (size - at < key_size + 1) {
            return RECORD_SHORT;
        }
        at += key_size;
        size_t value_size = (unsigned char)facts[at++];
        if (size - at < value_size) {
            return RECORD_SHORT;
        }
        raft_index index;
        enum record_kind kind = record_key_kind(key, key_size, &index);
        enum record_error error = decode_fact(kind, facts + at, value_size, state, newest);
        if (error != RECORD_OK) {
            return error;
        }
        found[kind] = true;
        at += value_size;
    }
    return found[RECORD_IDENTITY] && found[RECORD_HARD_STATE] && found[RECORD_NEWEST_WRITE] ? RECORD_OK : RECORD_SHORT;
}

/* -- Reading -- */

struct taking {
    raft_index first; /* Of the next record. */
    bool (*visit)(void *context, const struct raft_entry *entry);
    void *context;
    enum storage_error error;
    struct storage_message *message;
};

static bool take(void *taker, uint64_t index, const void *bytes, size_t size) {
    struct taking *taking = taker;
    struct raft_entry entry;
    if (index != taking->first) {
        taking->error = failure_tell(taking->message, STORAGE_DAMAGED,
                                     "entry %" PRIu64 " is missing from the log (%" PRIu64 " comes next)" FAILURE_CURE,
                                     taking->first, index);
        return false;
    }
    enum record_error error = record_decode_entry(index, bytes, size, &entry);
    if (error != RECORD_OK) {
        taking->error = failure_tell(taking->message, error == RECORD_VERSION ? STORAGE_UNUSABLE : STORAGE_DAMAGED,
                                     "entry %" PRIu64 " %s%s", index, record_error_text(error),
                                     error == RECORD_VERSION ? "" : FAILURE_CURE);
        return false;
    }
    taking->first++;
    return taking->visit(taking->context, &entry);
}

static enum storage_error visit_records(struct given_store *store, raft_index first, raft_index last,
                                        bool (*visit)(void *context, const struct raft_entry *entry), void *context,
                                        struct storage_message *out_message) {
    char why[LOG_STORE_MESSAGE_SIZE] = "";
    struct taking taking = {.first = first, .visit = visit, .context = context, .message = out_message};
    bool done = store->table->read(store->log, first, last, take, &taking, why, sizeof why);
    return taking.error != STORAGE_OK ? taking.error
           : done                     ? STORAGE_OK
                                      : tell_failed(store, "cannot read", why, out_message);
}

static enum storage_error given_store_visit(struct storage *storage, raft_index first,
                                            bool (*visit)(void *context, const struct raft_entry *entry), void *context,
                                            struct storage_message *out_message) {
    raft_index base = storage->state.base.index;
    return visit_records(self(storage), first <= base ? base + 1 : first, UINT64_MAX, visit, context, out_message);
}

static bool add_to_reading(void *context, const struct raft_entry *entry) {
    return store_reading_add(context, entry);
}

static bool is_there(void *context, const struct raft_entry *entry) {
    (void)entry;
    *(bool *)context = true;
    return false;
}

/* Beside writes: touches no field that they change. */
static enum storage_error given_store_read(struct storage *storage, raft_index first, raft_index last, size_t max_bytes,
                                           struct raft_entry **out_entries, size_t *out_count, struct buffer **out_buffer,
                                           struct storage_message *out_message) {
    struct given_store *store = self(storage);
    struct store_reading reading = {.max_bytes = max_bytes};
    bool found = false;
    enum storage_error error = STORAGE_OK;
    if (first >= 1 && first <= last) {
        error = visit_records(store, first, first, is_there, &found, out_message); /* It may have been removed meanwhile. */
    }
    if (error == STORAGE_OK && found) {
        error = visit_records(store, first, last, add_to_reading, &reading, out_message);
    }
    if (error != STORAGE_OK) {
        store_reading_drop(&reading);
        return error;
    }
    store_reading_finish(&reading, out_entries, out_count, out_buffer);
    return STORAGE_OK;
}

static bool take_term(void *context, const struct raft_entry *entry) {
    *(raft_term *)context = entry->id.term;
    return false;
}

static enum storage_error given_store_term_of(struct storage *storage, raft_index index, raft_term *out_term,
                                              struct storage_message *out_message) {
    *out_term = 0;
    return visit_records(self(storage), index, index, take_term, out_term, out_message);
}

/* -- Writing -- */

static void encode_records(struct given_store *store, const struct storage_write *write) {
    size_t bytes = 0;
    for (size_t i = 0; i < write->entry_count; i++) {
        bytes += record_entry_size(&write->entries[i]);
    }
    store->records = memory_grow(store->records, &store->record_capacity, write->entry_count, sizeof *store->records);
    store->bytes = memory_grow(store->bytes, &store->byte_capacity, bytes, 1);
    size_t at = 0;
    for (size_t i = 0; i < write->entry_count; i++) {
        size_t size = record_encode_entry(&write->entries[i], store->bytes + at);
        store->records[i] = (struct log_store_bytes){.bytes = store->bytes + at, .size = size};
        at += size;
    }
}

/* The memory of a large batch is not kept. */
static void let_go(struct given_store *store) {
    enum { KEPT_BYTES = 4 << 20 };
    if (store->byte_capacity > KEPT_BYTES) {
        free(store->bytes);
        store->bytes = NULL;
        store->byte_capacity = 0;
    }
}

static enum storage_error put(struct given_store *store, const struct storage_write *write,
                              const struct storage_state *after, struct storage_message *out_message) {
    const struct storage_state *before = &store->storage.state;
    bool replaced = write->replaced_by.index != 0;
    bool truncated = write->truncate_from != 0 && write->truncate_from <= before->last.index;
    char facts[LOG_STORE_FACTS_MAX], why[LOG_STORE_MESSAGE_SIZE] = "";
    encode_records(store, write);
    const struct log_store_write batch = {.remove_from = replaced    ? 1
                                                         : truncated ? write->truncate_from
                                                                     : 0,
                                          .records = store->records,
                                          .count = write->entry_count,
                                          .first = write->entry_count > 0 ? write->entries[0].id.index : 0,
                                          .remove_through =
                                              !replaced && after->base.index > before->base.index ? after->base.index : 0,
                                          .facts = {.bytes = facts, .size = encode_facts(after, store->number + 1, facts)}};
    bool done = store->table->write(store->log, &batch, why, sizeof why);
    let_go(store);
    return done ? STORAGE_OK : tell_failed(store, "cannot write", why, out_message);
}

static enum storage_error given_store_write(struct storage *storage, const struct storage_write *write,
                                            struct storage_message *out_message) {
    struct given_store *store = self(storage);
    struct storage_state after;
    if (store->failed) {
        return failure_tell(out_message, STORAGE_FAILED, "an earlier write has failed: %.400s", store->failure.text);
    }
    enum storage_error error = store_state_after(storage, write, &after, &store->failure);
    if (error == STORAGE_OK) {
        error = put(store, write, &after, &store->failure);
    }
    if (error == STORAGE_OK) {
        storage->state = after;
        store->number++;
        return STORAGE_OK;
    }
    store->failed = true;
    return failure_tell(out_message, STORAGE_FAILED, "%s", store->failure.text);
}

/* -- The rest of the table -- */

static void given_store_room(struct storage *storage, struct storage_room *out_room) {
    (void)storage;
    *out_room = STORAGE_ROOM_UNKNOWN;
}

static bool given_store_compact(struct storage *storage) {
    (void)storage; /* It was told with the batch. */
    return true;
}

static const char *given_store_directory(const struct storage *storage) {
    return ((const struct given_store *)storage)->directory->path;
}

static uint64_t given_store_size_bytes(const struct storage *storage) {
    return directory_size_bytes(((const struct given_store *)storage)->directory);
}

static void given_store_close(struct storage *storage) {
    struct given_store *store = self(storage);
    if (store->log != NULL) {
        store->table->close(store->log);
    }
    directory_close(store->directory);
    free(store->records);
    free(store->bytes);
    free(store);
}

static const struct store_operations operations = {.close = given_store_close,
                                                   .visit = given_store_visit,
                                                   .write = given_store_write,
                                                   .read = given_store_read,
                                                   .room = given_store_room,
                                                   .term_of = given_store_term_of,
                                                   .compact = given_store_compact,
                                                   .directory = given_store_directory,
                                                   .size_bytes = given_store_size_bytes};

/* -- Opening -- */

static bool is_whole(const struct log_store *table) {
    return table->abi_version == LOG_STORE_ABI_VERSION && table->table_size >= sizeof *table && table->name != NULL &&
           table->open != NULL && table->close != NULL && table->facts != NULL && table->read != NULL &&
           table->write != NULL;
}

/* Nothing of raftd's own store is there: an entry acknowledged in one must not be looked for in another. */
static enum storage_error check_directory(const struct directory *directory, struct storage_message *out_message) {
    static const char *const own[] = {DIRECTORY_DATABASE, DIRECTORY_CREATING, IDENTITY_NAME};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        struct stat about;
        if (fstatat(directory->descriptor, own[i], &about, AT_SYMLINK_NOFOLLOW) == 0) {
            return failure_tell(out_message, STORAGE_UNUSABLE,
                                "the data directory %.200s holds raftd's own log (%s): another log store needs another one",
                                directory->path, own[i]);
        }
        if (errno != ENOENT) {
            return failure_tell(out_message, STORAGE_FAILED, "cannot look at %.200s/%s: %s", directory->path, own[i],
                                strerror(errno));
        }
    }
    return STORAGE_OK;
}

struct checking {
    struct storage_state *state;
    enum storage_error error;
    struct storage_message *message;
};

static bool check_entry(void *context, const struct raft_entry *entry) {
    struct checking *checking = context;
    struct storage_state *state = checking->state;
    bool of_snapshot = entry->id.index != state->snapshot.id.index || entry->id.term == state->snapshot.id.term;
    if (entry->id.term < state->last.term || !of_snapshot) {
        checking->error =
            failure_tell(checking->message, STORAGE_DAMAGED,
                         "entry %" PRIu64 " of term %" PRIu64 " does not fit to what is before it" FAILURE_CURE,
                         entry->id.index, entry->id.term);
        return false;
    }
    state->last = entry->id;
    return true;
}

/* The records against the facts. */
static enum storage_error check_records(struct given_store *store, const struct record_newest_write *newest,
                                        struct storage_message *out_message) {
    struct storage_state *state = &store->storage.state;
    struct checking checking = {.state = state, .message = out_message};
    state->last = state->base;
    enum storage_error error = visit_records(store, state->base.index + 1, UINT64_MAX, check_entry, &checking, out_message);
    if (error != STORAGE_OK || checking.error != STORAGE_OK) {
        return error != STORAGE_OK ? error : checking.error;
    }
    if (state->last.index != newest->last.index || state->last.term != newest->last.term) {
        return failure_tell(out_message, STORAGE_DAMAGED,
                            "the log ends with entry %" PRIu64 ", but the newest batch left entry %" PRIu64 FAILURE_CURE,
                            state->last.index, newest->last.index);
    }
    const struct storage_snapshot *snapshot = &state->snapshot;
    if (state->base.index > snapshot->id.index || snapshot->id.index > state->last.index ||
        state->hard_state.term < state->last.term) {
        return failure_tell(out_message, STORAGE_DAMAGED, "the facts of the log do not fit together" FAILURE_CURE);
    }
    return STORAGE_OK;
}

static enum storage_error begin_anew(struct given_store *store, raft_node_id node_id, struct storage_message *out_message) {
    bool found = false;
    struct storage_message ignored;
    enum storage_error error = visit_records(store, 1, UINT64_MAX, is_there, &found, &ignored);
    if (found || error == STORAGE_DAMAGED || error == STORAGE_UNUSABLE) {
        return failure_tell(out_message, STORAGE_DAMAGED, "the log store %.64s has records and no facts" FAILURE_CURE,
                            store->table->name);
    }
    if (error != STORAGE_OK) {
        return failure_tell(out_message, error, "%s", ignored.text);
    }
    store->storage.state = (struct storage_state){.identity = identity_make(node_id)};
    return given_store_write(&store->storage, &(struct storage_write){.entry_count = 0}, out_message);
}

static enum storage_error load(struct given_store *store, raft_node_id node_id, struct storage_message *out_message) {
    char facts[LOG_STORE_FACTS_MAX], why[LOG_STORE_MESSAGE_SIZE] = "";
    size_t size = 0;
    struct record_newest_write newest = {.number = 0};
    struct storage_state *state = &store->storage.state;
    if (!store->table->facts(store->log, facts, &size, why, sizeof why)) {
        return tell_failed(store, "cannot tell its facts", why, out_message);
    }
    if (size == 0) {
        return begin_anew(store, node_id, out_message);
    }
    enum record_error error = size > sizeof facts ? RECORD_VALUE : decode_facts(facts, size, state, &newest);
    if (error != RECORD_OK) {
        return failure_tell(out_message, error == RECORD_VERSION ? STORAGE_UNUSABLE : STORAGE_DAMAGED,
                            "what the log store %.64s has for facts %s%s", store->table->name, record_error_text(error),
                            error == RECORD_VERSION ? "" : FAILURE_CURE);
    }
    if (state->identity.node_id != node_id) {
        return failure_tell(out_message, STORAGE_WRONG_NODE,
                            "the log in %.200s belongs to node %" PRIu64 ", not to node %" PRIu64, store->directory->path,
                            state->identity.node_id, node_id);
    }
    store->number = newest.number;
    return check_records(store, &newest, out_message);
}

enum storage_error given_store_open(const struct log_store *log, void *context, const char *directory, raft_node_id node_id,
                                    struct storage **out_storage, struct storage_message *out_message) {
    char why[LOG_STORE_MESSAGE_SIZE] = "";
    if (!is_whole(log)) {
        return failure_tell(out_message, STORAGE_UNUSABLE,
                            "the table of the log store is not whole, or of another version than %d",
                            LOG_STORE_ABI_VERSION);
    }
    struct given_store *store = memory_zalloc(sizeof *store);
    store->storage.operations = &operations;
    store->table = log;
    enum storage_error error = directory_open(directory, &store->directory, out_message);
    if (error == STORAGE_OK) {
        error = check_directory(store->directory, out_message);
    }
    if (error == STORAGE_OK && (store->log = log->open(context, directory, why, sizeof why)) == NULL) {
        error = tell_failed(store, "cannot be opened", why, out_message);
    }
    if (error == STORAGE_OK) {
        error = load(store, node_id, out_message);
    }
    if (error != STORAGE_OK) {
        given_store_close(&store->storage);
        return error;
    }
    *out_storage = &store->storage;
    return STORAGE_OK;
}
