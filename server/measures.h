/* What the node measures of itself for /metrics, beside its status: how long commands take to apply and requests to other
 * nodes to be answered. Nothing else rests on it, and none of it is read while the node turns.
 *
 * The clock is node_io.clock_us, which is for this only; without one nothing is measured (the simulator). */
#ifndef RAFTD_MEASURES_H
#define RAFTD_MEASURES_H

#include "server/base/histogram.h"
#include "server/message.h"

struct node;
struct call;

enum {
    MEASURES_HEARTBEAT = MESSAGE_KIND_COUNT, /* AppendEntries without entries: no disk is waited for. */
    MEASURES_RPC_COUNT,
    MEASURES_PEERS_MAX = 2 * RAFT_MEMBERS_MAX /* Whoever is no member any more goes first. */
};

struct measures_peer {
    raft_node_id id;
    struct histogram round_trips[MEASURES_RPC_COUNT]; /* Of requests that it answered. */
    uint64_t failed[MEASURES_RPC_COUNT];              /* Those that it did not. */
};

struct measures {
    struct histogram apply;                          /* Of an entry, whatever it is. */
    size_t peer_count;                               /* Members that were asked something. */
    struct measures_peer *peers[MEASURES_PEERS_MAX]; /* Owned. */
};

/* The names of RPCs in metrics. */
const char *measures_rpc_name(size_t rpc);

void measures_clear(struct measures *measures);

/* 0: there is no clock. */
uint64_t measures_now_us(const struct node *node);
/* An entry's application began at `begun_us`; answers when it ended, which is when the next one begins. */
uint64_t measures_applied(struct node *node, uint64_t begun_us);
/* A request of ours has ended. */
void measures_call_ended(struct node *node, const struct call *call, bool answered);

#endif
