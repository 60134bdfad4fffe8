/* Who answers and who does not. For the log: one line when a peer falls silent and one when it answers again, however many
 * requests that takes. And for the next request: who is not where the configuration has it is looked for where it has
 * said that it is or --cluster has it, and so on in turn, so that a cluster whose every node has moved finds together
 * (architecture §5). Of two voters the one with the longer log must find the other before anybody can lead. */
#ifndef RAFTD_CONTACTS_H
#define RAFTD_CONTACTS_H

#include "server/members.h"

struct node;

struct contact {
    raft_node_id id;
    bool silent;                 /* The log says so. */
    uint64_t answered_ms;        /* The last answer, or when it was first asked. */
    bool elsewhere;              /* It is called where it said that it is, or else where --cluster has it. */
    char told[MEMBERS_URL_SIZE]; /* Where it said; empty: it did not. */
    char incarnation[STORAGE_INCARNATION_SIZE + 1]; /* Who said so. */
};

struct contacts {
    struct contact *list; /* Owned. */
    size_t count;
    size_t capacity;
};

void contacts_clear(struct contacts *contacts);

/* The node is asked something. */
void contacts_asked(struct node *node, raft_node_id id);
/* A member says that it is found there. Who is no member with that disk is not believed. */
void contacts_moved(struct node *node, const struct members_member *member);
/* Where else it may be, if it is to be called there; else NULL. Borrowed. */
const char *contacts_elsewhere(const struct node *node, const struct members_member *to);
/* The member that `members` has where `mover` says that it is now, and that is not there any more: it has said so, or
 * `mover` has answered there. 0: none. */
raft_node_id contacts_gone(const struct node *node, const struct members *members, const struct members_member *mover);
/* A member of the configuration does not answer, and the log has said so. */
bool contacts_is_anyone_silent(const struct node *node);
/* It answered, or the request failed; `why` is a few words. */
void contacts_answered(struct node *node, raft_node_id id);
void contacts_failed(struct node *node, raft_node_id id, const char *why);
/* The request that failed went there: where to, next time? `absent`: it surely is not there. After contacts_failed. */
void contacts_missed(struct node *node, raft_node_id id, bool elsewhere, bool absent);

#endif
