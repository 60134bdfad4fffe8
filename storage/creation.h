/* Making a store in an empty directory so that a crash at any moment leaves either nothing promised or everything there.
 *
 *     1  the file `creating`, synced                 from here on what is found is ours to clear away
 *     2  LevelDB with its first batch, synced
 *     3  the file `floor`, synced
 *     4  the file `identity`, synced and renamed     from here on this is a store
 *     5  `creating` removed
 */
#ifndef RAFTD_CREATION_H
#define RAFTD_CREATION_H

#include "storage/directory.h"

/* In a directory that is DIRECTORY_EMPTY or DIRECTORY_HALF_MADE. */
enum storage_error creation_make(const struct directory *directory, raft_node_id node_id,
                                 struct storage_message *out_message);

/* Step 5 for a store whose making was interrupted just before it. */
enum storage_error creation_finish(const struct directory *directory, struct storage_message *out_message);

#endif
