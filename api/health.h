/* GET /healthz: the process serves. GET /readyz: this node can be sent clients. */
#ifndef RAFTD_API_HEALTH_H
#define RAFTD_API_HEALTH_H

struct request;

void health_handle_healthz(struct request *request);
void health_handle_readyz(struct request *request);

#endif
