/* State from a snapshot file: the machine's, the exactly-once table and the configuration as of one log entry. At the start
 * it is read before anything else happens; from a leader (ch. 5) it is read on another thread and then takes the place of
 * what this node had. */
#ifndef RAFTD_RESTORING_H
#define RAFTD_RESTORING_H

#include "server/machine/machine.h"
#include "server/members.h"
#include "server/sessions.h"
#include "storage/snapshot_file.h"

struct node;

/* Owned: `state` and `sessions`, until they are adopted or discarded. */
struct restored {
    struct snapshot_head head;
    const struct machine *machine;
    void *state;
    struct sessions *sessions;
    struct members members; /* As of head.id; in the log at head.configuration_index. */
};

/* Reads the whole file. False: it is not a snapshot of this machine in this cluster, or what it holds makes no sense (a
 * sentence in `out_message`); there is nothing to discard then. On any thread. */
bool restoring_read(struct snapshot_file *file, const struct machine *machine, const char *cluster_id,
                    struct restored *out_restored, struct storage_message *out_message);
/* On any thread. */
void restoring_discard(struct restored *restored);

/* What the file told is this node's state from now on: machine, table, roster and applied index. What it had before is
 * freed on the long lane. The consensus module, the log, the cache and those who wait are the caller's. */
void restoring_adopt(struct node *node, struct restored *restored);

/* At the start: state and log as the store has them, the snapshot first. The consensus module, or NULL when what is there
 * makes no sense. */
struct raft *restoring_start(struct node *node, struct storage *storage, const struct storage_state *state,
                             struct storage_message *out_message);

#endif
