/* Backups in a directory (server/backups.h): snapshot files as GET /v1/snapshot gives them, named
 *
 *     raftd-CLUSTER-INDEX-TIME.snapshot      the first 8 digits of the cluster id; 16 digits; 20260131T120000Z
 *
 * so that their names sort by index. Files of other names, and of other clusters, are left alone. A file has its name only
 * when it is whole and synced; until then it is `.raftd-CLUSTER-NODE.writing`, of which each node has one; what
 * a node left that died is removed after an hour, with the next backup. Several nodes
 * may share the directory. Everything here waits for the disk. Threads: one call at a time for one directory and node. */
#ifndef RAFTD_BACKUP_FILES_H
#define RAFTD_BACKUP_FILES_H

#include "storage/snapshot_file.h"

struct backup_files {
    const char *directory; /* Borrowed, like all here. */
    const char *cluster_id;
    raft_node_id node_id;
    uint64_t keep; /* So many of the cluster's newest stay; at least 1. */
};

/* Makes the directory (0700) where only it is missing, and tries whether files can be made there. False with a sentence. */
bool backup_files_prepare(const char *directory, struct storage_message *out_message);

/* The newest of the cluster; index 0: there is none. *out_age_ms by the file's time, 0 if that is not in the past. */
bool backup_files_newest(const struct backup_files *files, raft_index *out_index, uint64_t *out_age_ms,
                         struct storage_message *out_message);

/* Copies the snapshot there and removes what is too many then. One that covers as much already is enough: *out_written
 * false. False with a sentence: it failed, and nothing is half there under its name. */
bool backup_files_add(const struct backup_files *files, struct snapshot_file *file, const struct storage_snapshot *snapshot,
                      bool *out_written, struct storage_message *out_message);

#endif
