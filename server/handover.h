/* Clients who ask for leadership to be handed over (§3.10, contract: POST /v1/leader/transfer), on any node: the leader
 * does it and answers when another one leads, others pass the wish on and relay the answer. */
#ifndef RAFTD_HANDOVER_H
#define RAFTD_HANDOVER_H

#include "server/node.h"

enum handover_state {
    HANDOVER_NEW,     /* Waits for a leader to be known. */
    HANDOVER_PASSED,  /* Another node has been asked. */
    HANDOVER_STARTED, /* This leader hands over, in `term`. */
    HANDOVER_ENDED    /* `answer` is to be delivered. */
};

struct handover_wish {
    uint64_t ticket;
    enum handover_state state;
    raft_node_id to; /* 0: whoever is the furthest. */
    bool forward;
    uint64_t deadline_ms;
    uint64_t retry_ms; /* Whoever leads is not asked before. */
    raft_term term;
    struct node_transfer_answer answer;
    node_transfer_done done; /* NULL: the client is gone. */
    void *context;
};

struct handover {
    struct handover_wish *list; /* Owned. */
    size_t count;
    size_t capacity;
};

void handover_clear(struct handover *handover);
uint64_t handover_add(struct node *node, raft_node_id to, uint32_t timeout_ms, bool forward, node_transfer_done done,
                      void *context);
bool handover_cancel(struct handover *handover, uint64_t ticket);
/* Starts, passes on, and ends what can be ended. */
void handover_turn(struct node *node);
/* Calls back all that have ended. */
void handover_deliver(struct node *node);
/* UINT64_MAX when nobody waits. */
uint64_t handover_deadline_ms(const struct node *node);
/* The end of a wish that was passed on; `answer` NULL: none. */
void handover_answered(struct node *node, uint64_t ticket, enum transport_end end, const struct message_answer *answer,
                       const char *why);
/* A peer's MESSAGE_TRANSFER. */
void handover_receive(struct node *node, const struct message_request *request, uint64_t ticket);

#endif
