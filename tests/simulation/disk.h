/* A store whose bytes are those of raftd's: each write is made a batch by storage/batch.c, what the batch holds is kept as
 * it is, and everything that is read comes from decoding it (storage/record.h). LevelDB alone is left out: of a batch all
 * is there or nothing. */
#ifndef TESTS_SIMULATION_DISK_H
#define TESTS_SIMULATION_DISK_H

#include "storage/storage.h"

struct storage *disk_create(raft_node_id node_id, const char *incarnation);

/* As a start does: forgets all but the bytes and finds out from them what there is. */
void disk_reopen(struct storage *storage);

#endif
