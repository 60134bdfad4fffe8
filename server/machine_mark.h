/* Which state machine a data directory's log is for: the file `machine` beside the store, with the machine's name in a
 * line. Another machine would apply commands that are none of its own, each node of a cluster perhaps another one.
 * Snapshots name theirs too, but a young log has none. Threads: any, one at a time. */
#ifndef RAFTD_MACHINE_MARK_H
#define RAFTD_MACHINE_MARK_H

#include "server/diagnostics.h"

#include "storage/storage.h"

/* False with a sentence: the log is another machine's. Where there is no log yet, or no mark (an older raftd made it), the
 * name is written down; one that cannot be is a warning. `storage_directory` NULL (in memory): true. */
bool machine_mark_check(const char *storage_directory, bool has_log, const char *machine,
                        const struct diagnostics *diagnostics, struct storage_message *out_message);

#endif
