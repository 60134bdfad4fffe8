/* What a data directory keeps in mind of its founding on another cluster's state: that the blank nodes of --cluster are
 * still to be taken in (server/intake.h). An empty file, `restoring` or `recovered`, beside the store. Threads: any, one at
 * a time. */
#ifndef RAFTD_INTAKE_MARK_H
#define RAFTD_INTAKE_MARK_H

#include "server/diagnostics.h"
#include "server/node.h"

/* Of what stands there; `storage_directory` NULL (in memory): NODE_INTAKE_NONE. */
enum node_intake intake_mark_read(const char *storage_directory);
/* The file and its name are synced. False with a sentence. */
bool intake_mark_set(const char *storage_directory, enum node_intake intake, struct storage_message *out_message);
/* All are in. A mark that cannot be removed is looked at again at the next start. */
void intake_mark_remove(const char *storage_directory, const struct diagnostics *diagnostics);

#endif
