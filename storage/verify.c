#include "storage/verify.h"

#include "storage/failure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct verification {
    struct storage_state state;
    struct record_newest_write newest;
    bool found[RECORD_UNKNOWN];
    struct raft_entry entry;
    struct storage_message *message;
};

static enum storage_error bad_record(const struct verification *verification, const char *name, enum record_error error) {
    if (error == RECORD_VERSION) {
        return failure_tell(verification->message, STORAGE_UNUSABLE, "the store cannot be read: %s %s", name,
                            record_error_text(error));
    }
    return failure_tell(verification->message, STORAGE_DAMAGED, "%s %s" FAILURE_CURE, name, record_error_text(error));
}

static enum storage_error verify_entry(struct verification *verification, raft_index index, const char *value,
                                       size_t size) {
    struct storage_state *state = &verification->state;
    raft_index expected = state->last.index + 1;
    if (index != expected) {
        return failure_tell(verification->message, STORAGE_DAMAGED,
                            "entry %" PRIu64 " is missing from the log (%" PRIu64 " comes next)" FAILURE_CURE, expected,
                            index);
    }
    enum record_error error = record_decode_entry(index, value, size, &verification->entry);
    if (error != RECORD_OK) {
        char name[32];
        snprintf(name, sizeof name, "entry %" PRIu64, index);
        return bad_record(verification, name, error);
    }
    if (verification->entry.id.term < state->last.term) {
        return failure_tell(verification->message, STORAGE_DAMAGED,
                            "entry %" PRIu64 " is of term %" PRIu64 ", after one of term %" PRIu64 FAILURE_CURE, index,
                            verification->entry.id.term, state->last.term);
    }
    if (index == state->snapshot.id.index && verification->entry.id.term != state->snapshot.id.term) {
        return failure_tell(verification->message, STORAGE_DAMAGED,
                            "entry %" PRIu64 " is of term %" PRIu64 ", the snapshot as of it of term %" PRIu64 FAILURE_CURE,
                            index, verification->entry.id.term, state->snapshot.id.term);
    }
    state->last = verification->entry.id;
    return STORAGE_OK;
}

static enum storage_error verify_record(struct verification *verification, const char *key, size_t key_size,
                                        const char *value, size_t value_size) {
    static const char *const names[] = {[RECORD_HARD_STATE] = "the hard state",
                                        [RECORD_IDENTITY] = "the identity in the log",
                                        [RECORD_NEWEST_WRITE] = "the number of the newest write",
                                        [RECORD_BASE] = "the base of the log",
                                        [RECORD_SNAPSHOT] = "the name of the snapshot"};
    struct storage_state *state = &verification->state;
    raft_index index = 0;
    enum record_kind kind = record_key_kind(key, key_size, &index);
    enum record_error error = RECORD_OK;
    switch (kind) {
    case RECORD_ENTRY:
        return verify_entry(verification, index, value, value_size);
    case RECORD_HARD_STATE:
        error = record_decode_hard_state(value, value_size, &state->hard_state);
        break;
    case RECORD_IDENTITY:
        error = record_decode_identity(value, value_size, &state->identity);
        break;
    case RECORD_NEWEST_WRITE:
        error = record_decode_newest_write(value, value_size, &verification->newest);
        break;
    case RECORD_BASE:
        error = record_decode_base(value, value_size, &state->base);
        break;
    case RECORD_SNAPSHOT:
        error = record_decode_snapshot(value, value_size, &state->snapshot);
        break;
    case RECORD_UNKNOWN:
        return failure_tell(verification->message, STORAGE_DAMAGED,
                            "the log holds a record under a key that raftd does not write" FAILURE_CURE);
    }
    if (error != RECORD_OK) {
        return bad_record(verification, names[kind], error);
    }
    verification->found[kind] = true;
    return STORAGE_OK;
}

/* The base against the snapshot. */
static enum storage_error verify_base(const struct verification *verification) {
    struct raft_entry_id base = verification->state.base;
    struct raft_entry_id covered = verification->state.snapshot.id;
    bool ok =
        base.index < covered.index ? base.term <= covered.term : base.index == covered.index && base.term == covered.term;
    return ok ? STORAGE_OK
              : failure_tell(verification->message, STORAGE_DAMAGED,
                             "the log begins after entry %" PRIu64 " of term %" PRIu64
                             ", but the snapshot covers entry %" PRIu64 " of term %" PRIu64 FAILURE_CURE,
                             base.index, base.term, covered.index, covered.term);
}

/* The whole against itself. */
static enum storage_error verify_agreement(const struct verification *verification) {
    const struct storage_state *state = &verification->state;
    struct storage_message *message = verification->message;
    if (!verification->found[RECORD_HARD_STATE] || !verification->found[RECORD_IDENTITY] ||
        !verification->found[RECORD_NEWEST_WRITE]) {
        return failure_tell(message, STORAGE_DAMAGED,
                            "the log lacks its hard state, identity or newest write" FAILURE_CURE);
    }
    struct raft_entry_id last = verification->newest.last;
    if (last.index != state->last.index || last.term != state->last.term) {
        return failure_tell(message, STORAGE_DAMAGED,
                            "the log ends with entry %" PRIu64 " of term %" PRIu64
                            ", but the newest write left entry %" PRIu64 " of term %" PRIu64 FAILURE_CURE,
                            state->last.index, state->last.term, last.index, last.term);
    }
    if (state->hard_state.term < state->last.term) {
        return failure_tell(message, STORAGE_DAMAGED,
                            "the hard state is of term %" PRIu64 ", the last entry of term %" PRIu64 FAILURE_CURE,
                            state->hard_state.term, state->last.term);
    }
    if (state->hard_state.term < state->snapshot.id.term) {
        return failure_tell(message, STORAGE_DAMAGED,
                            "the hard state is of term %" PRIu64 ", the snapshot of term %" PRIu64 FAILURE_CURE,
                            state->hard_state.term, state->snapshot.id.term);
    }
    return STORAGE_OK;
}

static enum storage_error verify_current(struct verification *verification, const leveldb_iterator_t *iterator) {
    size_t key_size = 0;
    size_t value_size = 0;
    const char *key = leveldb_iter_key(iterator, &key_size);
    const char *value = leveldb_iter_value(iterator, &value_size);
    return verify_record(verification, key, key_size, value, value_size);
}

/* Base and snapshot say what the entries, which come before them, are to be. */
static enum storage_error verify_beginning(struct verification *verification, leveldb_iterator_t *iterator) {
    static const enum record_kind kinds[] = {RECORD_BASE, RECORD_SNAPSHOT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct record_key key = record_key(kinds[i]);
        size_t size = 0;
        leveldb_iter_seek(iterator, key.bytes, key.size);
        const char *found = leveldb_iter_valid(iterator) ? leveldb_iter_key(iterator, &size) : NULL;
        if (found != NULL && size == key.size && memcmp(found, key.bytes, size) == 0) {
            enum storage_error error = verify_current(verification, iterator);
            if (error != STORAGE_OK) {
                return error;
            }
        }
    }
    verification->state.last = verification->state.base;
    return verify_base(verification);
}

/* Entries at or below the base are of no account: goes to the first that is. */
static void skip_removed(const struct verification *verification, leveldb_iterator_t *iterator) {
    size_t size = 0;
    raft_index index = 0;
    raft_index base = verification->state.base.index;
    const char *key = leveldb_iter_valid(iterator) ? leveldb_iter_key(iterator, &size) : "";
    if (record_key_kind(key, size, &index) == RECORD_ENTRY && index <= base) {
        struct record_key from = record_entry_key(base + 1);
        leveldb_iter_seek(iterator, from.bytes, from.size);
    }
}

enum storage_error verify_all(const struct database *database, struct storage_state *out_state,
                              struct record_newest_write *out_newest, struct storage_message *out_message) {
    struct verification verification = {.message = out_message};
    leveldb_iterator_t *iterator = leveldb_create_iterator(database->handle, database->verified);
    enum storage_error error = verify_beginning(&verification, iterator);
    leveldb_iter_seek_to_first(iterator);
    for (skip_removed(&verification, iterator); error == STORAGE_OK && leveldb_iter_valid(iterator);
         leveldb_iter_next(iterator)) {
        error = verify_current(&verification, iterator);
    }
    /* First of all: what could not be read looks missing. */
    enum storage_error end = database_end_of_loop(iterator, out_message);
    error = end != STORAGE_OK ? end : error;
    leveldb_iter_destroy(iterator);
    if (error == STORAGE_OK) {
        error = verify_agreement(&verification);
    }
    if (error == STORAGE_OK) {
        *out_state = verification.state;
        *out_newest = verification.newest;
    }
    return error;
}
