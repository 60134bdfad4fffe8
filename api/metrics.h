/* GET /metrics: what this node knows of itself, as Prometheus text. */
#ifndef RAFTD_API_METRICS_H
#define RAFTD_API_METRICS_H

struct request;

void metrics_handle(struct request *request);

#endif
