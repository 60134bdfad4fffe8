/* Entries at or below the base of the log are of no account, but still there: the batch that moves the base stays small,
 * so that no other write waits for a hundred thousand deletions. This removes them, in the background. */
#ifndef RAFTD_REMOVAL_H
#define RAFTD_REMOVAL_H

#include "storage/database.h"

enum { REMOVAL_CHUNK = 1000 /* Entries in one batch: a write beside it waits for one such batch at most. */ };

/* Removes every entry up to `base`, which is on disk, and has LevelDB rewrite what is left around them. Runs beside writes,
 * which never touch these keys. When it fails all later writes are refused (database_write), which tell (or, for want of
 * room, open it anew). So it does not even begin while the slack of the file system that `directory` (of the data; -1: not
 * asked) is on is used up, and stops when it comes to that: false, and the rest is to be removed another time. */
bool removal_run(struct database *database, int directory, raft_index base);

#endif
