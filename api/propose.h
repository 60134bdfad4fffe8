/* POST /v1/propose: one command, or one a line (NDJSON). */
#ifndef RAFTD_API_PROPOSE_H
#define RAFTD_API_PROPOSE_H

struct request;

void propose_handle(struct request *request);

#endif
