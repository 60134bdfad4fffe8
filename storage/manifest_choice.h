/* Which MANIFEST counts, after a loss of power.
 *
 * When it opens, LevelDB writes a new MANIFEST, syncs it, renames CURRENT to name it and removes the logs, the tables and
 * the MANIFEST that only the old one needs. It leaves the order in which these names reach the disk to the file system, and
 * nobody writes to the store before they have (new_names.h). So whenever a MANIFEST newer than that of CURRENT is there
 * with all its files, it says the same as the old one did, or all that is left: it is taken, and CURRENT put right. One
 * that lacks some was being written: it is removed, because LevelDB would leave it there and use the numbers of its files
 * again.
 *
 * Each record of a MANIFEST is on disk before the next is begun, and what it makes needless is removed after that. So at
 * most the last record is torn, or there without the name of a table that it speaks of: then it is cut off. */
#ifndef RAFTD_MANIFEST_CHOICE_H
#define RAFTD_MANIFEST_CHOICE_H

#include "storage/database_files.h"
#include "storage/manifest.h"

/* What it says, to be freed; nothing to be freed after an error. */
enum storage_error manifest_choose(const struct database_files *files, struct manifest *out_manifest);

#endif
