#include "storage/record.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"

#include <assert.h>
#include <string.h>

enum {
    VERSION = 1,
    CHECKSUM_SIZE = 4,
    ENTRY_HEAD = 10,        /* Version, type, term. */
    HARD_STATE_SIZE = 17,   /* Version, term, voted_for. */
    NEWEST_WRITE_SIZE = 25, /* Version, number, last index, last term. */
    IDENTITY_SIZE = 1 + 8 + STORAGE_INCARNATION_SIZE + 1 + STORAGE_CLUSTER_ID_SIZE
};

/* In the order in which they sort; see record.h on why entries come first. */
enum { KEY_ENTRY = 'e', KEY_HARD_STATE = 'h', KEY_IDENTITY = 'i', KEY_NEWEST_WRITE = 'w' };

const char *record_error_text(enum record_error error) {
    static const char *const texts[] = {
        [RECORD_OK] = "is whole",
        [RECORD_SHORT] = "is too short",
        [RECORD_CHECKSUM] = "fails its checksum",
        [RECORD_VERSION] = "was written by a newer version of raftd",
        [RECORD_VALUE] = "holds a number outside its range",
    };
    return texts[error];
}

struct record_key record_entry_key(raft_index index) {
    struct record_key key = {.bytes = {KEY_ENTRY}, .size = 9};
    bytes_put_u64(key.bytes + 1, index);
    return key;
}

struct record_key record_key(enum record_kind kind) {
    static const char letters[] = {
        [RECORD_HARD_STATE] = KEY_HARD_STATE, [RECORD_IDENTITY] = KEY_IDENTITY, [RECORD_NEWEST_WRITE] = KEY_NEWEST_WRITE};
    assert(kind != RECORD_ENTRY && kind < RECORD_UNKNOWN);
    return (struct record_key){.bytes = {letters[kind]}, .size = 1};
}

enum record_kind record_key_kind(const char *key, size_t size, raft_index *out_index) {
    if (size == 9 && key[0] == KEY_ENTRY) {
        *out_index = bytes_get_u64(key + 1);
        return RECORD_ENTRY;
    }
    if (size != 1) {
        return RECORD_UNKNOWN;
    }
    switch (key[0]) {
    case KEY_HARD_STATE:
        return RECORD_HARD_STATE;
    case KEY_IDENTITY:
        return RECORD_IDENTITY;
    case KEY_NEWEST_WRITE:
        return RECORD_NEWEST_WRITE;
    default:
        return RECORD_UNKNOWN;
    }
}

static uint32_t checksum(const struct record_key *key, const char *bytes, size_t size) {
    return crc32c_extend(crc32c_extend(0, key->bytes, key->size), bytes, size);
}

/* Ends a value of `size` bytes so far with its checksum. */
static size_t seal(struct record_key key, char *bytes, size_t size) {
    bytes_put_u32(bytes + size, checksum(&key, bytes, size));
    return size + CHECKSUM_SIZE;
}

/* Is this a whole value of our version, with at least `fields` bytes before the checksum (exactly so many when `exact`)? */
static enum record_error unseal(struct record_key key, const char *bytes, size_t size, size_t fields, bool exact) {
    if (size < 1 + CHECKSUM_SIZE) {
        return RECORD_SHORT;
    }
    size_t sealed = size - CHECKSUM_SIZE;
    if (bytes_get_u32(bytes + sealed) != checksum(&key, bytes, sealed)) {
        return RECORD_CHECKSUM;
    }
    if (bytes[0] != VERSION) {
        return RECORD_VERSION;
    }
    if (sealed < fields || (exact && sealed != fields)) {
        return RECORD_SHORT;
    }
    return RECORD_OK;
}

size_t record_encode_entry(const struct raft_entry *entry, char *out_bytes) {
    assert(entry->type >= RAFT_COMMAND && entry->type <= RAFT_CONFIGURATION);
    assert(entry->id.index >= 1 && entry->id.index <= RAFT_NUMBER_MAX && entry->id.term <= RAFT_NUMBER_MAX);
    out_bytes[0] = VERSION;
    out_bytes[1] = (char)entry->type;
    bytes_put_u64(out_bytes + 2, entry->id.term);
    if (entry->size > 0) {
        memcpy(out_bytes + ENTRY_HEAD, entry->data, entry->size);
    }
    return seal(record_entry_key(entry->id.index), out_bytes, ENTRY_HEAD + entry->size);
}

enum record_error record_decode_entry(raft_index index, const char *bytes, size_t size, struct raft_entry *out_entry) {
    enum record_error error = unseal(record_entry_key(index), bytes, size, ENTRY_HEAD, false);
    if (error != RECORD_OK) {
        return error;
    }
    size_t data_size = size - RECORD_ENTRY_OVERHEAD;
    raft_term term = bytes_get_u64(bytes + 2);
    if (bytes[1] < RAFT_COMMAND || bytes[1] > RAFT_CONFIGURATION || term > RAFT_NUMBER_MAX || data_size > UINT32_MAX ||
        index < 1 || index > RAFT_NUMBER_MAX) {
        return RECORD_VALUE;
    }
    *out_entry = (struct raft_entry){.id = {.index = index, .term = term},
                                     .type = (enum raft_entry_type)bytes[1],
                                     .size = (uint32_t)data_size,
                                     .data = data_size == 0 ? NULL : bytes + ENTRY_HEAD};
    return RECORD_OK;
}

size_t record_encode_hard_state(struct raft_hard_state hard_state, char *out_bytes) {
    assert(hard_state.term <= RAFT_NUMBER_MAX && hard_state.voted_for <= RAFT_NUMBER_MAX);
    out_bytes[0] = VERSION;
    bytes_put_u64(out_bytes + 1, hard_state.term);
    bytes_put_u64(out_bytes + 9, hard_state.voted_for);
    return seal(record_key(RECORD_HARD_STATE), out_bytes, HARD_STATE_SIZE);
}

enum record_error record_decode_hard_state(const char *bytes, size_t size, struct raft_hard_state *out_hard_state) {
    enum record_error error = unseal(record_key(RECORD_HARD_STATE), bytes, size, HARD_STATE_SIZE, true);
    if (error != RECORD_OK) {
        return error;
    }
    struct raft_hard_state found = {.term = bytes_get_u64(bytes + 1), .voted_for = bytes_get_u64(bytes + 9)};
    if (found.term > RAFT_NUMBER_MAX || found.voted_for > RAFT_NUMBER_MAX) {
        return RECORD_VALUE;
    }
    *out_hard_state = found;
    return RECORD_OK;
}

size_t record_encode_identity(const struct storage_identity *identity, char *out_bytes) {
    assert(identity->node_id >= 1 && identity->node_id <= RAFT_NUMBER_MAX);
    memset(out_bytes, 0, IDENTITY_SIZE);
    out_bytes[0] = VERSION;
    bytes_put_u64(out_bytes + 1, identity->node_id);
    memcpy(out_bytes + 9, identity->incarnation, strlen(identity->incarnation));
    out_bytes[9 + STORAGE_INCARNATION_SIZE] = identity->formed ? 1 : 0;
    memcpy(out_bytes + 10 + STORAGE_INCARNATION_SIZE, identity->cluster_id, strlen(identity->cluster_id));
    return seal(record_key(RECORD_IDENTITY), out_bytes, IDENTITY_SIZE);
}

enum record_error record_decode_identity(const char *bytes, size_t size, struct storage_identity *out_identity) {
    enum record_error error = unseal(record_key(RECORD_IDENTITY), bytes, size, IDENTITY_SIZE, true);
    if (error != RECORD_OK) {
        return error;
    }
    struct storage_identity found = {.node_id = bytes_get_u64(bytes + 1)};
    char formed = bytes[9 + STORAGE_INCARNATION_SIZE];
    memcpy(found.incarnation, bytes + 9, STORAGE_INCARNATION_SIZE);
    memcpy(found.cluster_id, bytes + 10 + STORAGE_INCARNATION_SIZE, STORAGE_CLUSTER_ID_SIZE);
    if (found.node_id < 1 || found.node_id > RAFT_NUMBER_MAX || (formed != 0 && formed != 1)) {
        return RECORD_VALUE;
    }
    found.formed = formed == 1;
    *out_identity = found;
    return RECORD_OK;
}

size_t record_encode_newest_write(struct record_newest_write newest, char *out_bytes) {
    out_bytes[0] = VERSION;
    bytes_put_u64(out_bytes + 1, newest.number);
    bytes_put_u64(out_bytes + 9, newest.last.index);
    bytes_put_u64(out_bytes + 17, newest.last.term);
    return seal(record_key(RECORD_NEWEST_WRITE), out_bytes, NEWEST_WRITE_SIZE);
}

enum record_error record_decode_newest_write(const char *bytes, size_t size, struct record_newest_write *out_newest) {
    enum record_error error = unseal(record_key(RECORD_NEWEST_WRITE), bytes, size, NEWEST_WRITE_SIZE, true);
    if (error != RECORD_OK) {
        return error;
    }
    *out_newest = (struct record_newest_write){
        .number = bytes_get_u64(bytes + 1),
        .last = {.index = bytes_get_u64(bytes + 9), .term = bytes_get_u64(bytes + 17)},
    };
    return RECORD_OK;
}
