/* Snapshot files: the state of the machine and of the exactly-once table as of one log entry, in one file (ch. 5).
 *
 * Model. A file is made under a temporary name, by writing it (snapshot_writer_*) or by receiving it in pieces
 * (snapshot_incoming_*), and gets its name when it is whole, checked and synced; then the directory is synced. It counts
 * only from the storage_write that names it. What the format is stands in storage/README.md; the sections' bytes are opaque
 * here.
 *
 *     head      magic, version, index, term, configuration's index, cluster id, machine's name, hash and its index
 *     sections  configuration (JSON) | exactly-once table | state, each in frames of up to 64 KiB, ended by an empty frame
 *     end       CRC-32C of all before it
 *
 * An open reader keeps the file readable when it is removed meanwhile: a file being sent outlives newer ones.
 *
 * Two implementations behind one interface: files (snapshot_directory_open), and memory (snapshot_directory_memory) for
 * tests and the simulator, in which nothing survives but what is whole.
 *
 * Threads: a directory may be used by several threads at once; each writer, incoming and reader by one at a time.
 * Errors: storage.h's. STORAGE_DAMAGED: the bytes are not as they were written; STORAGE_FAILED: a system call failed
 * (ENOSPC included: nothing is half there, the temporary file is gone). */
#ifndef RAFTD_SNAPSHOT_FILE_H
#define RAFTD_SNAPSHOT_FILE_H

#include "storage/storage.h"

struct snapshot_directory;

enum { SNAPSHOT_MACHINE_NAME_SIZE = 64 }; /* With its NUL. */

/* What the head tells. */
struct snapshot_head {
    struct raft_entry_id id;
    raft_index configuration_index; /* Of the configuration in the first section; 0: none. */
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1];
    char machine[SNAPSHOT_MACHINE_NAME_SIZE];
    uint64_t chain;        /* The hash chained over all applied commands up to id (architecture §4, divergence). */
    raft_index hash_index; /* The last multiple of the reporting interval, and the hash there; 0: none yet. */
    uint64_t hash;
};

enum snapshot_section { SNAPSHOT_CONFIGURATION, SNAPSHOT_SESSIONS, SNAPSHOT_STATE, SNAPSHOT_SECTION_COUNT };

/* `DIR/snapshots`, made when absent. Removes every file but `keep` (length 0: nothing is kept) and a partly received one.
 */
enum storage_error snapshot_directory_open(const char *storage_directory, const struct storage_snapshot *keep,
                                           struct snapshot_directory **out_directory, struct storage_message *out_message);
struct snapshot_directory *snapshot_directory_memory(void);
void snapshot_directory_close(struct snapshot_directory *directory); /* NULL is a no-op. */
/* Removes every whole file but `keep`, which counts now. */
void snapshot_directory_clean(struct snapshot_directory *directory, const struct storage_snapshot *keep);
uint64_t snapshot_directory_size_bytes(const struct snapshot_directory *directory);

/* -- Writing -- */
struct snapshot_writer_file;
enum storage_error snapshot_file_create(struct snapshot_directory *directory, const struct snapshot_head *head,
                                        struct snapshot_writer_file **out_writer, struct storage_message *out_message);
/* Appends to the section, which is not before that of the last call. False: it failed, now or earlier; finish says how. */
bool snapshot_file_write(struct snapshot_writer_file *writer, enum snapshot_section section, const void *bytes,
                         size_t size);
/* Whole, synced and named. Frees the writer either way. */
enum storage_error snapshot_file_finish(struct snapshot_writer_file *writer, struct storage_snapshot *out_snapshot,
                                        struct storage_message *out_message);
void snapshot_file_abandon(struct snapshot_writer_file *writer); /* NULL is a no-op. */

/* -- Receiving: one file at a time; another identity starts over. -- */
/* How many bytes of that file are here, `snapshot->length` when it is whole. Starts over when another one was being
 * received. */
enum storage_error snapshot_incoming_begin(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                           uint64_t *out_stored, struct storage_message *out_message);
/* Appends at `offset`, which is the number stored (else nothing happens). *out_stored is what is stored then. */
enum storage_error snapshot_incoming_append(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                            uint64_t offset, const void *bytes, size_t size, uint64_t *out_stored,
                                            struct storage_message *out_message);
/* What is here of files up to that index is of no use any more: the log, or a snapshot, has overtaken it. */
void snapshot_incoming_drop(struct snapshot_directory *directory, raft_index through);
/* All bytes are there: checks every one, syncs, names it. STORAGE_DAMAGED: it was not that file; it is removed. */
enum storage_error snapshot_incoming_finish(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                            struct storage_message *out_message);

/* -- Reading -- */
struct snapshot_file;
/* Checks head, frames and checksum of the whole file before it is believed. */
enum storage_error snapshot_file_open(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                      struct snapshot_file **out_file, struct storage_message *out_message);
/* The same for a file anywhere (a backup); tells what it is. */
enum storage_error snapshot_file_open_path(const char *path, struct snapshot_file **out_file,
                                           struct storage_snapshot *out_snapshot, struct storage_message *out_message);
void snapshot_file_close(struct snapshot_file *file); /* NULL is a no-op. */
const struct snapshot_head *snapshot_file_head(const struct snapshot_file *file);
/* Reads on in the section, from its beginning the first time; up to `capacity` bytes, 0 at its end. The bytes were checked
 * when the file was opened; if the disk fails after that, the process ends with a message. */
size_t snapshot_file_read(struct snapshot_file *file, enum snapshot_section section, void *bytes, size_t capacity);
/* Raw bytes of the file, for sending. False: the disk failed. */
bool snapshot_file_raw(struct snapshot_file *file, uint64_t offset, void *bytes, size_t size);

#endif
