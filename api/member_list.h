/* GET /v1/members: the configuration. */
#ifndef RAFTD_API_MEMBER_LIST_H
#define RAFTD_API_MEMBER_LIST_H

#include "api/inside.h"

struct request;

void member_list_handle(struct request *request);

/* {"index","voters":[{"id","url"}],"learners":[],"outgoing":[]}; a learner on its way to become a voter has
 * "promote":true. */
void member_list_write_members(const struct members *members, raft_index index, struct json_writer *writer);
/* That of a status; null outside a cluster. */
void member_list_write(const struct node_status *status, struct json_writer *writer);

#endif
