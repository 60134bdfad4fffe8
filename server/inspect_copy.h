/* A stand-in for a data directory, in a temporary one, on which a store can be opened without a change to the original:
 * what LevelDB never changes in place (tables) and snapshot files are links, the rest is copied. */
#ifndef RAFTD_INSPECT_COPY_H
#define RAFTD_INSPECT_COPY_H

#include "storage/storage.h"

struct inspect_copy {
    int lock;        /* Of the original, shared: no node may begin to use it meanwhile. */
    char path[4096]; /* The temporary directory. */
};

/* STORAGE_LOCKED: a node uses the directory. STORAGE_UNUSABLE: it is none. STORAGE_FAILED. */
enum storage_error inspect_copy_make(const char *data_dir, struct inspect_copy *out_copy,
                                     struct storage_message *out_message);
void inspect_copy_remove(struct inspect_copy *copy);

#endif
