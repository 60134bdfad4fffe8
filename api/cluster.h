/* GET /v1/cluster: every member as seen from this node. */
#ifndef RAFTD_API_CLUSTER_H
#define RAFTD_API_CLUSTER_H

struct request;

void cluster_handle(struct request *request);

#endif
