/* Clients who ask for a snapshot of this node (POST and GET /v1/snapshot): one that covers what was applied when they
 * asked.
 *
 *     new --- one that covers it counts ---> [opening, on the long lane] ---> answered */
#ifndef RAFTD_SNAPSHOT_WISHES_H
#define RAFTD_SNAPSHOT_WISHES_H

#include "server/node.h"
#include "server/snapshot_taking.h"

struct snapshot_wish {
    uint64_t ticket;
    raft_index index; /* To be covered; 0: not judged yet. */
    bool open;        /* The file is wanted, not only its name. */
    bool opening;
    bool ended; /* `answer` is to be delivered. */
    uint64_t deadline_ms;
    struct node_snapshot_answer answer;
    node_snapshot_done done; /* NULL: the client is gone. */
    void *context;
};

struct snapshot_wishes {
    struct snapshot_wish *list; /* Owned. */
    size_t count;
    size_t capacity;
};

void snapshot_wishes_clear(struct snapshot_wishes *wishes);
uint64_t snapshot_wishes_add(struct node *node, bool open, uint32_t timeout_ms, node_snapshot_done done, void *context);
bool snapshot_wishes_cancel(struct snapshot_wishes *wishes, uint64_t ticket);
/* Before snapshots_turn: asks for what is not there yet. */
void snapshot_wishes_turn(struct node *node);
/* A snapshot could not be written. */
void snapshot_wishes_failed(struct node *node, const struct snapshot_taken *taken);
/* Calls back all that have ended. */
void snapshot_wishes_deliver(struct node *node);
/* UINT64_MAX when nobody waits. */
uint64_t snapshot_wishes_deadline_ms(const struct node *node);

#endif
