/* GET and POST /v1/snapshot: the state of this node in one file, and taking it. */
#ifndef RAFTD_API_SNAPSHOT_H
#define RAFTD_API_SNAPSHOT_H

#include "api/request.h"

void snapshot_handle_post(struct request *request);
void snapshot_handle_get(struct request *request);

/* {"index","term","size_bytes"} */
void snapshot_write(const struct storage_snapshot *snapshot, struct json_writer *writer);

#endif
