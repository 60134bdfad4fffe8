/* The store on disk. */
#ifndef RAFTD_LEVELDB_STORE_H
#define RAFTD_LEVELDB_STORE_H

#include "storage/storage.h"

/* storage_open. */
enum storage_error leveldb_store_open(const char *path, raft_node_id node_id, void (*log)(void *context, const char *line),
                                      void *log_context, struct storage **out_storage, struct storage_message *out_message);

#endif
