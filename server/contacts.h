/* Who answers and who does not. For the log: one line when a peer falls silent and one when it answers again, however many
 * requests that takes. And for the next request: who is not where the configuration has it is looked for where --cluster
 * has it, and so on in turn, so that a cluster whose every node has moved finds together (architecture §5). */
#ifndef RAFTD_CONTACTS_H
#define RAFTD_CONTACTS_H

#include "server/members.h"

struct node;

struct contact {
    raft_node_id id;
    bool silent;          /* The log says so. */
    uint64_t answered_ms; /* The last answer, or when it was first asked. */
    bool elsewhere;       /* It is called where --cluster has it. */
};

struct contacts {
    struct contact *list; /* Owned. */
    size_t count;
    size_t capacity;
};

void contacts_clear(struct contacts *contacts);

/* The node is asked something. */
void contacts_asked(struct node *node, raft_node_id id);
/* Where --cluster has it, if it is to be called there; else NULL. Borrowed. */
const char *contacts_elsewhere(const struct node *node, const struct members_member *to);
/* It answered, or the request failed; `why` is a few words. */
void contacts_answered(struct node *node, raft_node_id id);
void contacts_failed(struct node *node, raft_node_id id, const char *why);
/* The request that failed went there: where to, next time? `absent`: it surely is not there. After contacts_failed. */
void contacts_missed(struct node *node, raft_node_id id, bool elsewhere, bool absent);

#endif
