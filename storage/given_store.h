/* The store in a log store of the program's own (storage/log_store.h). */
#ifndef RAFTD_GIVEN_STORE_H
#define RAFTD_GIVEN_STORE_H

#include "storage/log_store.h"
#include "storage/storage.h"

/* As storage_open, the entries and the state in `log`, opened with `context`. Nothing is repaired. STORAGE_UNUSABLE for a
 * table that is not whole, too, and for a directory that holds raftd's own log. */
enum storage_error given_store_open(const struct log_store *log, void *context, const char *directory, raft_node_id node_id,
                                    struct storage **out_storage, struct storage_message *out_message);

#endif
