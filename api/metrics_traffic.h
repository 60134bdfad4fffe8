/* The part of /metrics that tells of requests: from clients, between nodes, and what waits. */
#ifndef RAFTD_API_METRICS_TRAFFIC_H
#define RAFTD_API_METRICS_TRAFFIC_H

#include "api/exposition.h"
#include "api/inside.h"

void metrics_traffic_write(struct exposition *text, const struct api *api, const struct node_status *status);

#endif
