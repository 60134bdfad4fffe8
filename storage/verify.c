#include "storage/verify.h"

#include "storage/failure.h"

#include <inttypes.h>
#include <stdio.h>

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
    state->last = verification->entry.id;
    return STORAGE_OK;
}

static enum storage_error verify_record(struct verification *verification, const char *key, size_t key_size,
                                        const char *value, size_t value_size) {
    static const char *const names[] = {[RECORD_HARD_STATE] = "the hard state",
                                        [RECORD_IDENTITY] = "the identity in the log",
                                        [RECORD_NEWEST_WRITE] = "the number of the newest write"};
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
    return STORAGE_OK;
}

enum storage_error verify_all(const struct database *database, struct storage_state *out_state,
                              struct record_newest_write *out_newest, struct storage_message *out_message) {
    struct verification verification = {.message = out_message};
    enum storage_error error = STORAGE_OK;
    leveldb_iterator_t *iterator = leveldb_create_iterator(database->handle, database->verified);
    for (leveldb_iter_seek_to_first(iterator); error == STORAGE_OK && leveldb_iter_valid(iterator);
         leveldb_iter_next(iterator)) {
        size_t key_size = 0;
        size_t value_size = 0;
        const char *key = leveldb_iter_key(iterator, &key_size);
        const char *value = leveldb_iter_value(iterator, &value_size);
        error = verify_record(&verification, key, key_size, value, value_size);
    }
    if (error == STORAGE_OK) {
        error = database_end_of_loop(iterator, out_message);
    }
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
