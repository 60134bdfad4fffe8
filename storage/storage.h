/* The persistent log and the few facts beside it: it only stores, and says "done" only after the bytes are synced. §3.8,
 * architecture of the files in storage/README.md.
 *
 * Model. A store is one data directory with identity (who this server is), hard state (term and vote), the log's
 * entries, and the configuration of the cluster's formation. Everything is changed by storage_write: one atomic, synced
 * batch. storage_open checks everything that is there before anything is believed; what it finds is read by storage_state
 * and storage_visit.
 *
 * Two implementations behind one table: storage_open (LevelDB) and storage_memory_create (tests and the simulator).
 *
 * Memory: arguments are borrowed for the call. Threads: storage_write by one thread at a time (the disk thread),
 * storage_read by one thread at a time (the background thread), both beside each other; storage_size_bytes at any time;
 * open, state, visit and close while no other call runs.
 *
 * Errors: enum storage_error below, with a sentence in the caller's `struct storage_message`. After STORAGE_FAILED from a
 * write nothing is known about what the disk holds: every later write fails too, and the process must end (it is restarted
 * and recovers). Breaking the rules of this header is an assertion failure.
 */
#ifndef RAFTD_STORAGE_H
#define RAFTD_STORAGE_H

#include "server/raft/raft.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum storage_error {
    STORAGE_OK = 0,
    STORAGE_LOCKED,   /* Another process uses the directory. */
    STORAGE_UNUSABLE, /* Not a directory, not writable, neither empty nor a store, or written by a newer version. */
    STORAGE_DAMAGED, /* What was promised to be there is not, or not as it was written. The message names what and the cure.
                      */
    STORAGE_WRONG_NODE, /* The store belongs to another node id. */
    STORAGE_FAILED      /* A system call or LevelDB failed. */
};

struct storage_message {
    char text[512]; /* One sentence for people, without a newline. */
};

enum { STORAGE_INCARNATION_SIZE = 32, STORAGE_CLUSTER_ID_SIZE = 32 }; /* Hexadecimal digits, lower case. */

/* Who this server is. `node_id` and `incarnation` are made once with the directory and never change. */
struct storage_identity {
    raft_node_id node_id;
    char incarnation[STORAGE_INCARNATION_SIZE + 1];
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1]; /* Empty: outside a cluster. Set once; anew by `raftd recover`. */
    bool formed; /* Every founding member is known to hold the first configuration: this server may vote, campaign and
                    serve. */
};

/* A snapshot file by what makes it that file and no other (contract §5). length 0: none. */
struct storage_snapshot {
    struct raft_entry_id id; /* The last entry that it covers. */
    uint64_t length;         /* Bytes of the whole file. */
    uint32_t crc;            /* CRC-32C, as in its last four bytes, of all before them. */
};

struct storage_state {
    struct storage_identity identity;
    struct raft_hard_state hard_state;
    struct raft_entry_id base;        /* What the log begins after; {0,0}: it is whole. */
    struct raft_entry_id last;        /* The base when the log is empty. */
    struct storage_snapshot snapshot; /* The one that counts. Its id.index is not below the base's, nor above last's. */
};

/* One synced batch. Performed in this order: replacement or truncation and compaction, entries, snapshot, hard state,
 * identity. */
struct storage_write {
    struct raft_entry_id replaced_by; /* {0,0}: none. Else the whole log goes and begins anew after this, which `snapshot`,
                                         given in this very write, covers; truncate_from and compact_through are 0. */
    raft_index compact_through; /* Remove this index and all below: the new base, covered by the snapshot that counts after
                                   this write. 0, or not above the base: none. */
    raft_index truncate_from;   /* Remove this index and all above; 0, or past the end: none. */
    const struct raft_entry *entries; /* Contiguous; the first follows the log's end (after truncation). Their terms do not
                                         go back, nor past the hard state's, this write's included. */
    size_t entry_count;
    bool hard_state_changed;
    struct raft_hard_state hard_state; /* Its term does not go back. */
    bool cluster_changed;              /* cluster_id and formed are taken from these: */
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1];
    bool formed;
    bool snapshot_changed; /* This one counts from now on (it lies in the directory, whole and synced:
                              storage/snapshot_file.h). */
    struct storage_snapshot snapshot;
};

struct storage;

/* Opens the store in `directory`, or makes one there when the directory is absent or empty (modes 0700/0600). `node_id` is
 * written into a new store and compared with an old one. The identity is on disk before this returns. `log` is told of what
 * was repaired (a torn tail that was never acknowledged, cut off), now and later by storage_write, on its thread; NULL for
 * nobody. */
enum storage_error storage_open(const char *directory, raft_node_id node_id, void (*log)(void *context, const char *line),
                                void *log_context, struct storage **out_storage, struct storage_message *out_message);

/* The twin in memory. Same rules, nothing survives storage_close. */
struct storage *storage_memory_create(raft_node_id node_id, const char *incarnation);

void storage_close(struct storage *storage); /* NULL is a no-op. */

/* What the store held when it was opened and all writes since. */
void storage_state(const struct storage *storage, struct storage_state *out_state);

/* Every entry from `first` (0: the first there is) on in order; `configuration` and `buffer` are NULL, `data` and `key`
 * are borrowed for the call. Stops early when `visit` answers false. STORAGE_DAMAGED when an entry is not as it was
 * written. */
enum storage_error storage_visit(struct storage *storage, raft_index first,
                                 bool (*visit)(void *context, const struct raft_entry *entry), void *context,
                                 struct storage_message *out_message);

/* On disk when it answers STORAGE_OK; else STORAGE_FAILED. Where there is no room the reserve is let go and the log opened
 * anew first, which waits for readers (storage/README.md). */
enum storage_error storage_write(struct storage *storage, const struct storage_write *write,
                                 struct storage_message *out_message);

/* Entries from `first` to `last`, but together no more than `max_bytes` unless the first alone is larger: an array of
 * *out_count (at least one, unless `first` is not in the log: then 0, no array, no buffer and STORAGE_OK) whose bytes and
 * keys all lie in one buffer, in *out_buffer (one reference, the caller's). The entries' own `buffer` fields are that
 * buffer, not counted, or NULL when `size` is 0. The caller frees the array. STORAGE_DAMAGED as for a visit. */
enum storage_error storage_read(struct storage *storage, raft_index first, raft_index last, size_t max_bytes,
                                struct raft_entry **out_entries, size_t *out_count, struct buffer **out_buffer,
                                struct storage_message *out_message);

/* Gives the space of what was removed from the log back to the system: LevelDB rewrites what is left of those ranges. Takes
 * as long as it takes; on the background thread, beside writes. False: not all was done, because the disk has no room even
 * to write that something is removed; to be tried again. */
bool storage_compact(struct storage *storage);

/* The directory in which snapshot files lie (storage/snapshot_file.h); NULL: the twin in memory, which has none. */
const char *storage_directory(const struct storage *storage);

/* What the disk has room for (storage/space.h); UINT64_MAX: as the system does not tell. */
struct storage_room {
    uint64_t free_bytes;   /* Of the file system; what raftd holds in reserve is not free. */
    uint64_t for_commands; /* Bytes that new commands may take; 0: the disk counts as full. */
    uint64_t for_entries;  /* Bytes that entries from a leader's log may take: more, because they are in a log already. */
};

#define STORAGE_ROOM_UNKNOWN ((struct storage_room){UINT64_MAX, UINT64_MAX, UINT64_MAX})

/* Looks now, and takes a reserve or gives it up. On the thread that writes. */
void storage_room(struct storage *storage, struct storage_room *out_room);

/* Bytes the store takes on disk now, by the sizes of its files, snapshots included. */
uint64_t storage_size_bytes(const struct storage *storage);

#endif
