/* GET /v1/cluster/watch: all members as seen from this node, live, as Server-Sent Events. What the page lives on.
 *
 * `cluster` has what GET /v1/cluster answers, every GATHERING_ROUND_MS; `events` what happened to one member, when there is
 * something new. A reader that is slow misses updates: the next is written when it has taken the last. One that takes
 * nothing for CLUSTER_WATCH_STALLED_MS is cut off. */
#ifndef RAFTD_API_CLUSTER_WATCH_H
#define RAFTD_API_CLUSTER_WATCH_H

enum {
    CLUSTER_WATCH_FIRST_MS = 20, /* How often it is looked whether the first update is whole. */
    CLUSTER_WATCH_STALLED_MS = 30000
};

struct request;

void cluster_watch_handle(struct request *request);

#endif
