/* The bytes of every key and value in LevelDB: the one place that knows them, for writing and for reading. The formats are
 * drawn, with an example, in storage/README.md.
 *
 * A value is: version (1 byte), fields, checksum (4 bytes). Whatever a later version puts between, the version stays the
 * first byte and the checksum the last four, over the key and all before it: a record under a wrong key shows, and so does
 * one that a newer program wrote. */
#ifndef RAFTD_RECORD_H
#define RAFTD_RECORD_H

#include "storage/storage.h"

enum {
    RECORD_KEY_MAX = 9,
    RECORD_KEY_BYTES_MAX = 65535, /* Of an entry's idempotency key. */
    RECORD_SMALL_MAX = 128        /* Room for any value but an entry's. */
};

enum record_error {
    RECORD_OK = 0,
    RECORD_SHORT,    /* Too few bytes to be one. */
    RECORD_CHECKSUM, /* The checksum is another. */
    RECORD_VERSION,  /* Whole, but of a version not known here. */
    RECORD_VALUE     /* Whole, but a field is outside its range. */
};

/* "fails its checksum", to go after "entry 17 ". */
const char *record_error_text(enum record_error error);

struct record_key {
    char bytes[RECORD_KEY_MAX];
    size_t size;
};

enum record_kind {
    RECORD_ENTRY,
    RECORD_HARD_STATE,
    RECORD_IDENTITY,
    RECORD_NEWEST_WRITE,
    RECORD_BASE,     /* What the log begins after; absent: it is whole. */
    RECORD_SNAPSHOT, /* The snapshot that counts; absent: none does. */
    RECORD_UNKNOWN
};

/* Entries sort first and by index, so that a table of new entries overlaps no older one. */
struct record_key record_entry_key(raft_index index);
struct record_key record_key(enum record_kind kind); /* Of the kinds of which there is one record. */
/* What a key says; `out_index` is set for an entry. */
enum record_kind record_key_kind(const char *key, size_t size, raft_index *out_index);

/* What the newest batch was: how the parts of the store are held against each other and against the floor. */
struct record_newest_write {
    uint64_t number;           /* 1 for the batch that made the store; each batch one more. */
    struct raft_entry_id last; /* The log's end after it. */
};

/* The size of an entry's value. */
size_t record_entry_size(const struct raft_entry *entry);

/* Each writes a value and answers its size. An entry needs record_entry_size bytes of room, the others
 * RECORD_SMALL_MAX. */
size_t record_encode_entry(const struct raft_entry *entry, char *out_bytes);
size_t record_encode_hard_state(struct raft_hard_state hard_state, char *out_bytes);
size_t record_encode_identity(const struct storage_identity *identity, char *out_bytes);
size_t record_encode_newest_write(struct record_newest_write newest, char *out_bytes);
size_t record_encode_base(struct raft_entry_id base, char *out_bytes);
size_t record_encode_snapshot(const struct storage_snapshot *snapshot, char *out_bytes);

/* Each takes any bytes. The entry's `data` and `key` point into them; its buffer and configuration are left empty. */
enum record_error record_decode_entry(raft_index index, const char *bytes, size_t size, struct raft_entry *out_entry);
enum record_error record_decode_hard_state(const char *bytes, size_t size, struct raft_hard_state *out_hard_state);
enum record_error record_decode_identity(const char *bytes, size_t size, struct storage_identity *out_identity);
enum record_error record_decode_newest_write(const char *bytes, size_t size, struct record_newest_write *out_newest);
enum record_error record_decode_base(const char *bytes, size_t size, struct raft_entry_id *out_base);
enum record_error record_decode_snapshot(const char *bytes, size_t size, struct storage_snapshot *out_snapshot);

#endif
