/* GET /raft/v1/reach: whom this node reaches, for a node that gathers it for GET /v1/doctor. All members are asked at once,
 * each for no longer than API_ASK_TIMEOUT_MS. */
#ifndef RAFTD_API_REACH_H
#define RAFTD_API_REACH_H

struct request;

void reach_handle(struct request *request);

#endif
