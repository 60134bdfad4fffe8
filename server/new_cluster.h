/* What founds a cluster on the state of another one (server/restore.h, server/recover.h): an id of its own, and the state
 * in a snapshot file that bears it. */
#ifndef RAFTD_NEW_CLUSTER_H
#define RAFTD_NEW_CLUSTER_H

#include "server/members.h"
#include "storage/snapshot_file.h"

/* False with a sentence: the system has no random bytes. */
bool new_cluster_id(char out_cluster_id[STORAGE_CLUSTER_ID_SIZE + 1], struct storage_message *out_message);

/* The file made anew in `directory` with that cluster id; with `members` as its configuration, of its own index, or NULL:
 * with the configuration that it has. It counts from the storage_write that names it. */
enum storage_error new_cluster_snapshot(struct snapshot_file *file, const char *cluster_id, const struct members *members,
                                        struct snapshot_directory *directory, struct storage_snapshot *out_snapshot,
                                        struct storage_message *out_message);

#endif
