/* `--restore FILE`: a new cluster that begins with the state of a backup (what GET /v1/snapshot gives, storage/README.md).
 *
 * Model. Before anything else runs, a blank data directory is made that of a formed cluster of one: a new cluster id, the
 * backup's state and exactly-once table as the snapshot that counts, the log empty after it, this node its only voter, in
 * the backup's term. Indexes go on where the backup ends, so a watcher never sees one go back; sessions and keys are
 * remembered, and cluster time goes on. All of it is one storage_write: whatever is killed, the directory is blank or
 * restored.
 *
 * The other nodes of --cluster are blank. They learn from this one's answers that it takes them in (server/intake.h), ask
 * to join and get state and log as any new member does, one configuration after the other (ch. 4). A file in the
 * directory keeps in mind that this is not done yet (server/intake_mark.h). Safety is that of a cluster that grows: a node
 * that lacks the backup's state votes in no configuration before it has it (§4.2.1), since nobody else founded anything.
 *
 * Given to a directory that is not blank, --restore does nothing. Threads: before any other is started. */
#ifndef RAFTD_RESTORE_H
#define RAFTD_RESTORE_H

#include "server/diagnostics.h"
#include "server/machine/machine.h"
#include "server/members.h"
#include "storage/storage.h"

struct restore_request {
    const char *file;
    const struct machine *machine;
    const struct members *cluster; /* --cluster; of a node alone itself. */
    raft_node_id id;
};

/* False: the file is no backup that this node can begin with, or the disk failed; `out_message` says which in one line, and
 * the directory is as blank as before. */
bool restore_begin(const struct restore_request *request, struct storage *storage, const struct diagnostics *diagnostics,
                   struct storage_message *out_message);

#endif
