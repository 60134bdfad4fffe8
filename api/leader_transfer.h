/* POST /v1/leader/transfer: hands leadership over (§3.10). */
#ifndef RAFTD_API_LEADER_TRANSFER_H
#define RAFTD_API_LEADER_TRANSFER_H

struct request;

void leader_transfer_handle(struct request *request);

#endif
