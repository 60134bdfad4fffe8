#include "storage/record.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"

#include <assert.h>
#include <string.h>

enum {
    VERSION = 1,
    ENTRY_VERSION = 2, /* 1, before entries had an origin, is still read. */
    CHECKSUM_SIZE = 4,
    ENTRY_HEAD_1 = 10,      /* Version, type, term. */
    ENTRY_HEAD = 11,        /* Version, type, flags, term. */
    HARD_STATE_SIZE = 17,   /* Version, term, voted_for. */
    NEWEST_WRITE_SIZE = 25, /* Version, number, last index, last term. */
    BASE_SIZE = 17,         /* Version, index, term. */
    SNAPSHOT_SIZE = 29,     /* Version, index, term, length, checksum of the file. */
    IDENTITY_SIZE = 1 + 8 + STORAGE_INCARNATION_SIZE + 1 + STORAGE_CLUSTER_ID_SIZE
};

/* What stands between an entry's head and its bytes, in this order. A field that is 0 is left out. */
enum {
    ENTRY_TIME = 1,
    ENTRY_SESSION = 2,
    ENTRY_SEQUENCE = 4,
    ENTRY_KEY = 8,
    ENTRY_FLAGS = ENTRY_TIME | ENTRY_SESSION | ENTRY_SEQUENCE | ENTRY_KEY,
    ENTRY_KEY_WIDTH = 2
};

/* In the order in which they sort; see record.h on why entries come first. */
enum {
    KEY_ENTRY = 'e',
    KEY_HARD_STATE = 'h',
    KEY_IDENTITY = 'i',
    KEY_BASE = 'l', /* Of the log. */
    KEY_SNAPSHOT = 's',
    KEY_NEWEST_WRITE = 'w'
};

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
    static const char letters[] = {[RECORD_HARD_STATE] = KEY_HARD_STATE,
                                   [RECORD_IDENTITY] = KEY_IDENTITY,
                                   [RECORD_NEWEST_WRITE] = KEY_NEWEST_WRITE,
                                   [RECORD_BASE] = KEY_BASE,
                                   [RECORD_SNAPSHOT] = KEY_SNAPSHOT};
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
    case KEY_BASE:
        return RECORD_BASE;
    case KEY_SNAPSHOT:
        return RECORD_SNAPSHOT;
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

/* Is this a whole value of a version up to `newest`, with at least `fields` bytes before the checksum (exactly so many when
 * `exact`)? */
static enum record_error unseal_version(struct record_key key, const char *bytes, size_t size, char newest, size_t fields,
                                        bool exact) {
    if (size < 1 + CHECKSUM_SIZE) {
        return RECORD_SHORT;
    }
    size_t sealed = size - CHECKSUM_SIZE;
    if (bytes_get_u32(bytes + sealed) != checksum(&key, bytes, sealed)) {
        return RECORD_CHECKSUM;
    }
    if (bytes[0] < VERSION || bytes[0] > newest) {
        return RECORD_VERSION;
    }
    if (sealed < fields || (exact && sealed != fields)) {
        return RECORD_SHORT;
    }
    return RECORD_OK;
}

static enum record_error unseal(struct record_key key, const char *bytes, size_t size, size_t fields) {
    return unseal_version(key, bytes, size, VERSION, fields, true);
}

/* -- Entries -- */

static unsigned entry_flags(const struct raft_entry *entry) {
    return (entry->time_ms != 0 ? ENTRY_TIME : 0U) | (entry->session != 0 ? ENTRY_SESSION : 0U) |
           (entry->sequence != 0 ? ENTRY_SEQUENCE : 0U) | (entry->key_size != 0 ? ENTRY_KEY : 0U);
}

size_t record_entry_size(const struct raft_entry *entry) {
    unsigned flags = entry_flags(entry);
    size_t origin = 0;
    for (unsigned flag = ENTRY_TIME; flag <= ENTRY_SEQUENCE; flag <<= 1) {
        origin += (flags & flag) != 0 ? 8 : 0;
    }
    origin += (flags & ENTRY_KEY) != 0 ? ENTRY_KEY_WIDTH + (size_t)entry->key_size : 0;
    return ENTRY_HEAD + origin + entry->size + CHECKSUM_SIZE;
}

static char *put_number(char *at, uint64_t number) {
    assert(number <= RAFT_NUMBER_MAX);
    if (number == 0) {
        return at;
    }
    bytes_put_u64(at, number);
    return at + 8;
}

static char *put_key(char *at, const struct raft_entry *entry) {
    if (entry->key_size == 0) {
        return at;
    }
    assert(entry->key_size <= RECORD_KEY_BYTES_MAX);
    bytes_put_u16(at, (uint16_t)entry->key_size);
    memcpy(at + ENTRY_KEY_WIDTH, entry->key, entry->key_size);
    return at + ENTRY_KEY_WIDTH + entry->key_size;
}

size_t record_encode_entry(const struct raft_entry *entry, char *out_bytes) {
    assert(entry->type >= RAFT_COMMAND && entry->type <= RAFT_SESSION);
    assert(entry->id.index >= 1 && entry->id.index <= RAFT_NUMBER_MAX && entry->id.term <= RAFT_NUMBER_MAX);
    out_bytes[0] = ENTRY_VERSION;
    out_bytes[1] = (char)entry->type;
    out_bytes[2] = (char)entry_flags(entry);
    bytes_put_u64(out_bytes + 3, entry->id.term);
    char *at = put_number(out_bytes + ENTRY_HEAD, entry->time_ms);
    at = put_number(at, entry->session);
    at = put_number(at, entry->sequence);
    at = put_key(at, entry);
    if (entry->size > 0) {
        memcpy(at, entry->data, entry->size);
        at += entry->size;
    }
    return seal(record_entry_key(entry->id.index), out_bytes, (size_t)(at - out_bytes));
}

/* The fields of an entry that are still to be read. */
struct entry_rest {
    const char *at;
    size_t size;
    bool bad; /* One was outside its range, or cut. */
};

static uint64_t take_number(struct entry_rest *rest, bool present) {
    if (!present || rest->bad) {
        return 0;
    }
    uint64_t number = rest->size < 8 ? 0 : bytes_get_u64(rest->at);
    if (number == 0 || number > RAFT_NUMBER_MAX) {
        rest->bad = true; /* 0 is written by leaving the field out: an entry has one spelling. */
        return 0;
    }
    rest->at += 8;
    rest->size -= 8;
    return number;
}

static void take_key(struct entry_rest *rest, bool present, struct raft_entry *entry) {
    if (!present || rest->bad) {
        return;
    }
    size_t size = rest->size < ENTRY_KEY_WIDTH ? 0 : bytes_get_u16(rest->at);
    if (size == 0 || size > rest->size - ENTRY_KEY_WIDTH) {
        rest->bad = true;
        return;
    }
    entry->key = rest->at + ENTRY_KEY_WIDTH;
    entry->key_size = (uint32_t)size;
    rest->at += ENTRY_KEY_WIDTH + size;
    rest->size -= ENTRY_KEY_WIDTH + size;
}

enum record_error record_decode_entry(raft_index index, const char *bytes, size_t size, struct raft_entry *out_entry) {
    enum record_error error = unseal_version(record_entry_key(index), bytes, size, ENTRY_VERSION, ENTRY_HEAD_1, false);
    if (error != RECORD_OK) {
        return error;
    }
    bool first_version = bytes[0] == VERSION;
    size_t head = first_version ? ENTRY_HEAD_1 : ENTRY_HEAD;
    if (size < head + CHECKSUM_SIZE) {
        return RECORD_SHORT;
    }
    unsigned flags = first_version ? 0 : (unsigned char)bytes[2];
    raft_term term = bytes_get_u64(bytes + head - 8);
    struct entry_rest rest = {.at = bytes + head, .size = size - head - CHECKSUM_SIZE};
    struct raft_entry found = {.id = {.index = index, .term = term}};
    found.time_ms = take_number(&rest, (flags & ENTRY_TIME) != 0);
    found.session = take_number(&rest, (flags & ENTRY_SESSION) != 0);
    found.sequence = take_number(&rest, (flags & ENTRY_SEQUENCE) != 0);
    take_key(&rest, (flags & ENTRY_KEY) != 0, &found);
    if (bytes[1] < RAFT_COMMAND || bytes[1] > RAFT_SESSION || (flags & ~(unsigned)ENTRY_FLAGS) != 0 || rest.bad ||
        term > RAFT_NUMBER_MAX || rest.size > UINT32_MAX || index < 1 || index > RAFT_NUMBER_MAX) {
        return RECORD_VALUE;
    }
    found.type = (enum raft_entry_type)bytes[1];
    found.size = (uint32_t)rest.size;
    found.data = rest.size == 0 ? NULL : rest.at;
    *out_entry = found;
    return RECORD_OK;
}

/* -- The others -- */

size_t record_encode_hard_state(struct raft_hard_state hard_state, char *out_bytes) {
    assert(hard_state.term <= RAFT_NUMBER_MAX && hard_state.voted_for <= RAFT_NUMBER_MAX);
    out_bytes[0] = VERSION;
    bytes_put_u64(out_bytes + 1, hard_state.term);
    bytes_put_u64(out_bytes + 9, hard_state.voted_for);
    return seal(record_key(RECORD_HARD_STATE), out_bytes, HARD_STATE_SIZE);
}

enum record_error record_decode_hard_state(const char *bytes, size_t size, struct raft_hard_state *out_hard_state) {
    enum record_error error = unseal(record_key(RECORD_HARD_STATE), bytes, size, HARD_STATE_SIZE);
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
    enum record_error error = unseal(record_key(RECORD_IDENTITY), bytes, size, IDENTITY_SIZE);
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
    enum record_error error = unseal(record_key(RECORD_NEWEST_WRITE), bytes, size, NEWEST_WRITE_SIZE);
    if (error != RECORD_OK) {
        return error;
    }
    *out_newest = (struct record_newest_write){
        .number = bytes_get_u64(bytes + 1),
        .last = {.index = bytes_get_u64(bytes + 9), .term = bytes_get_u64(bytes + 17)},
    };
    return RECORD_OK;
}

/* Both name an entry, and one without an index is written by leaving the record out. */
static bool is_entry_id(struct raft_entry_id id) {
    return id.index >= 1 && id.index <= RAFT_NUMBER_MAX && id.term <= RAFT_NUMBER_MAX;
}

size_t record_encode_base(struct raft_entry_id base, char *out_bytes) {
    assert(is_entry_id(base));
    out_bytes[0] = VERSION;
    bytes_put_u64(out_bytes + 1, base.index);
    bytes_put_u64(out_bytes + 9, base.term);
    return seal(record_key(RECORD_BASE), out_bytes, BASE_SIZE);
}

enum record_error record_decode_base(const char *bytes, size_t size, struct raft_entry_id *out_base) {
    enum record_error error = unseal(record_key(RECORD_BASE), bytes, size, BASE_SIZE);
    if (error != RECORD_OK) {
        return error;
    }
    struct raft_entry_id found = {.index = bytes_get_u64(bytes + 1), .term = bytes_get_u64(bytes + 9)};
    if (!is_entry_id(found)) {
        return RECORD_VALUE;
    }
    *out_base = found;
    return RECORD_OK;
}

size_t record_encode_snapshot(const struct storage_snapshot *snapshot, char *out_bytes) {
    assert(is_entry_id(snapshot->id) && snapshot->length >= 1 && snapshot->length <= RAFT_NUMBER_MAX);
    out_bytes[0] = VERSION;
    bytes_put_u64(out_bytes + 1, snapshot->id.index);
    bytes_put_u64(out_bytes + 9, snapshot->id.term);
    bytes_put_u64(out_bytes + 17, snapshot->length);
    bytes_put_u32(out_bytes + 25, snapshot->crc);
    return seal(record_key(RECORD_SNAPSHOT), out_bytes, SNAPSHOT_SIZE);
}

enum record_error record_decode_snapshot(const char *bytes, size_t size, struct storage_snapshot *out_snapshot) {
    enum record_error error = unseal(record_key(RECORD_SNAPSHOT), bytes, size, SNAPSHOT_SIZE);
    if (error != RECORD_OK) {
        return error;
    }
    struct storage_snapshot found = {.id = {.index = bytes_get_u64(bytes + 1), .term = bytes_get_u64(bytes + 9)},
                                     .length = bytes_get_u64(bytes + 17),
                                     .crc = bytes_get_u32(bytes + 25)};
    if (!is_entry_id(found.id) || found.length < 1 || found.length > RAFT_NUMBER_MAX) {
        return RECORD_VALUE;
    }
    *out_snapshot = found;
    return RECORD_OK;
}
