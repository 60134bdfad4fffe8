/* Requests of ours that have no answer yet: what each token stands for. */
#ifndef RAFTD_CALLS_H
#define RAFTD_CALLS_H

#include "server/message.h"

struct node;

struct call {
    uint64_t token;
    enum message_kind kind;
    raft_node_id to;
    char incarnation[STORAGE_INCARNATION_SIZE + 1]; /* Whom it was meant for; empty: whoever is there. */
    raft_round round;                               /* To be echoed. */
    uint64_t context;                               /* Of others: the asker's own number. */
    uint64_t began_ms;
    uint64_t begun_us; /* 0: it is not measured (server/measures). */
    bool heartbeat;    /* An AppendEntries without entries. */
    bool elsewhere;    /* It went where --cluster has it (server/contacts). */
};

struct calls {
    struct call *list; /* Owned. */
    size_t count;
    size_t capacity;
};

void calls_clear(struct calls *calls);

/* Sends to `to` and remembers. `request->address` is filled in here. */
void calls_send(struct node *node, const struct members_member *to, struct message_request *request, uint64_t context,
                uint32_t timeout_ms);
/* Takes the call with that token out. False: none. */
bool calls_take(struct calls *calls, uint64_t token, struct call *out_call);

#endif
