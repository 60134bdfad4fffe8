/* Who answers and who does not, for the log: one line when a peer falls silent and one when it answers again, however many
 * requests that takes. */
#ifndef RAFTD_CONTACTS_H
#define RAFTD_CONTACTS_H

#include "server/raft/raft.h"

struct node;

struct contact {
    raft_node_id id;
    bool silent;          /* The log says so. */
    uint64_t answered_ms; /* The last answer, or when it was first asked. */
};

struct contacts {
    struct contact *list; /* Owned. */
    size_t count;
    size_t capacity;
};

void contacts_clear(struct contacts *contacts);

/* The node is asked something. */
void contacts_asked(struct node *node, raft_node_id id);
/* It answered, or the request failed; `why` is a few words. */
void contacts_answered(struct node *node, raft_node_id id);
void contacts_failed(struct node *node, raft_node_id id, const char *why);

#endif
