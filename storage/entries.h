/* The log's entries in LevelDB, in order, as of one moment: whatever is written or removed meanwhile. */
#ifndef RAFTD_ENTRIES_H
#define RAFTD_ENTRIES_H

#include "storage/database.h"
#include "storage/storage.h"

/* What the log begins after, {0,0} when it is whole. Moves the iterator. */
enum storage_error entries_base(leveldb_iterator_t *iterator, struct raft_entry_id *out_base,
                                struct storage_message *out_message);

/* Calls `each` with every entry from `first` on, or from the first behind the base when that is later, until it answers
 * false or the log ends. STORAGE_DAMAGED when one is missing or not as it was written. */
enum storage_error entries_visit(const struct database *database, raft_index first,
                                 bool (*each)(void *context, const struct raft_entry *entry), void *context,
                                 struct storage_message *out_message);

#endif
