/* GET /v1/status: this node. */
#ifndef RAFTD_API_STATUS_H
#define RAFTD_API_STATUS_H

#include "api/inside.h"

struct request;

void status_handle(struct request *request);

/* The status object alone, as /v1/cluster shows this node. `status` is node_status of now. */
void status_write(const struct api *api, const struct node_status *status, struct json_writer *writer);

#endif
