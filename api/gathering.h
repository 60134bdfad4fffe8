/* What this node knows of all members, kept fresh while somebody follows the cluster: each member is asked for its status
 * again and again, and for its events when there are new ones. One gathering serves all who follow.
 *
 * Every GATHERING_ROUND_MS GATHERING_ASKED of them are asked, in turn, or a third of them when that is more: so the cost of
 * a round hardly grows with the cluster, and nobody is left alone for long. Nobody is asked twice at once: one that hangs
 * is not reachable from when a question has waited for API_ASK_TIMEOUT_MS until it answers again. */
#ifndef RAFTD_API_GATHERING_H
#define RAFTD_API_GATHERING_H

#include "api/inside.h"

#include "server/json/json.h"

enum { GATHERING_ROUND_MS = 200, GATHERING_ASKED = 3 };

struct gathering;

/* Whoever follows begins once and ends once; the first begins the asking, the last ends it. */
void gathering_begin(struct api *api);
void gathering_end(struct api *api);

/* Asks whom it is time to ask. */
void gathering_turn(struct api *api);
/* Everybody has answered, or did not in time. */
bool gathering_is_whole(const struct api *api);

/* {"leader","term","nodes":[...]} as in GET /v1/cluster, and in each node "round_trip_ms" of the last question. Borrowed
 * until the next call of this room. */
struct json_span gathering_view(struct api *api);

/* The events of each member that tells some, as GET /v1/events has them: calls `tell` for those whose newest are not in
 * `told`, and notes them there. `late_ms` is how long ago they were told. */
struct gathering_told {
    raft_node_id id;
    uint64_t version;
};
void gathering_tell_events(struct api *api, struct gathering_told told[RAFT_MEMBERS_MAX + 1],
                           void (*tell)(void *context, raft_node_id id, uint64_t late_ms, struct json_span events),
                           void *context);

#endif
