/* What the parts of snapshot_file.h share: the directory, names of files, and the check of a whole file. */
#ifndef RAFTD_SNAPSHOT_DIRECTORY_H
#define RAFTD_SNAPSHOT_DIRECTORY_H

#include "storage/snapshot_format.h"
#include "storage/snapshot_medium.h"

#include <stdatomic.h>

struct snapshot_directory {
    struct snapshot_medium *medium;
    atomic_uint next_writer;           /* Number of the next temporary file. */
    struct snapshot_blob *incoming;    /* Of the file being received; NULL when none is open. */
    struct storage_snapshot receiving; /* What it is. */
};

/* INDEX-TERM-LENGTH-CRC.snapshot is whole, .incoming is being received, NUMBER.writing is being written. */
enum snapshot_name { SNAPSHOT_WHOLE, SNAPSHOT_INCOMING, SNAPSHOT_WRITING, SNAPSHOT_FOREIGN };

void snapshot_name_whole(const struct storage_snapshot *snapshot, char out_name[SNAPSHOT_NAME_SIZE]);
void snapshot_name_incoming(const struct storage_snapshot *snapshot, char out_name[SNAPSHOT_NAME_SIZE]);
void snapshot_name_writing(unsigned number, char out_name[SNAPSHOT_NAME_SIZE]);
/* `out_snapshot` is set for the first two. */
enum snapshot_name snapshot_name_parse(const char *name, struct storage_snapshot *out_snapshot);

bool snapshot_same(const struct storage_snapshot *a, const struct storage_snapshot *b);

/* Removes every file that `is_unwanted`; failures are ignored: what stays is removed another time. */
void snapshot_directory_remove(struct snapshot_directory *directory,
                               bool (*is_unwanted)(void *context, enum snapshot_name kind,
                                                   const struct storage_snapshot *snapshot),
                               void *context);

/* Reads every byte: head, frames, checksum, and that it is `expected` (NULL: whatever it is). `name` is for messages.
 * STORAGE_DAMAGED, STORAGE_UNUSABLE (whole, but of a newer version) or STORAGE_FAILED. */
enum storage_error snapshot_check(struct snapshot_blob *blob, const char *name, const struct storage_snapshot *expected,
                                  struct snapshot_layout *out_layout, struct storage_message *out_message);

#endif
