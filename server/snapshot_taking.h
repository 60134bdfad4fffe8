/* Writes one snapshot: state and exactly-once table are frozen on the reactor's thread (milliseconds), written into a file
 * on the long lane while the node goes on, and released on the reactor's thread. Whether and when, and what the file is
 * good for then, is server/snapshots'. */
#ifndef RAFTD_SNAPSHOT_TAKING_H
#define RAFTD_SNAPSHOT_TAKING_H

#include "storage/snapshot_file.h"

#include <stdatomic.h>

struct node;
struct snapshot_taking;

struct snapshot_taken {
    struct raft_entry_id id;          /* What it was to cover. */
    struct storage_snapshot snapshot; /* length 0: it failed, */
    bool cancelled;                   /* because it was asked to, or the node ends; */
    struct storage_message why;       /* else this is why. */
};

/* Begins with what is applied now, at least one entry. `done` is called on the reactor's thread, never from here; the
 * handle is gone after it. */
struct snapshot_taking *snapshot_taking_begin(struct node *node,
                                              void (*done)(struct node *node, const struct snapshot_taken *taken));
/* Nobody needs it any more: it ends soon. */
void snapshot_taking_cancel(struct snapshot_taking *taking);

#endif
