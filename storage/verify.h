/* The opening check of what LevelDB holds: every key known, every record whole, indexes without a gap, terms in order, and
 * the parts in agreement with each other. */
#ifndef RAFTD_VERIFY_H
#define RAFTD_VERIFY_H

#include "storage/database.h"
#include "storage/record.h"
#include "storage/storage.h"

/* Reads everything. STORAGE_DAMAGED, or STORAGE_UNUSABLE for a record that a newer version of raftd wrote. */
enum storage_error verify_all(const struct database *database, struct storage_state *out_state,
                              struct record_newest_write *out_newest, struct storage_message *out_message);

#endif
