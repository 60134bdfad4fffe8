/* GET /v1/members: the configuration. */
#ifndef RAFTD_API_MEMBER_LIST_H
#define RAFTD_API_MEMBER_LIST_H

#include "api/inside.h"

struct request;

void member_list_handle(struct request *request);

/* {"index","voters":[{"id","url"}],"learners":[],"outgoing":[]}; null outside a cluster. */
void member_list_write(const struct node_status *status, struct json_writer *writer);

#endif
