/* How a node that has been a member learns what became of it while nobody called: that the cluster goes on without it, who
 * leads, and where the others are to be told that it has moved (contract §4 "removed", architecture §5).
 *
 * A node that is left out learns it from the log (§4.2.2). One that was away then hears no leader any more: it asks the
 * others, and when one of them holds a later, committed configuration without this node, it asks for no more votes. A
 * leader that calls all the same has added it again. */
#ifndef RAFTD_STANDING_H
#define RAFTD_STANDING_H

#include "server/node.h"

enum { STANDING_SILENCE = 3 /* Election time-outs without a leader, until others are asked. */ };

struct standing {
    uint64_t led_ms; /* When a leader was known last, or the node began. */
    bool was_member; /* Since the node began. Who is on its way in gets the past first, in which it does not occur. */
    bool retired;    /* Another node has said that it is left out. */
    uint64_t question;
    uint64_t next_ms;
    size_t turn;                         /* Whom to ask next. */
    raft_node_id told[RAFT_MEMBERS_MAX]; /* Who knows the new URL: first all the others. */
    size_t told_count;
    size_t told_turn; /* `turn` when the last one had been told. */
    struct members_member asked;
    struct members_member met;    /* A member of this cluster that answered last, where it did; id 0: nobody did. */
    struct members_member leader; /* Of `leader_term`, as another node said; id 0: nobody said. */
    raft_term leader_term;
    bool misplaced;  /* Another node has a later configuration, with this node at another URL; or an earlier one, and
                        that of this node's log is not known to be committed. */
    uint64_t moving; /* The wish, or the request, that tells the new URL; 0: none. */
    uint64_t move_ms;
};

/* The cluster has left this node out, for all that it knows. */
bool standing_is_removed(const struct node *node);
/* Some configuration has counted it in, for all that it knows. */
bool standing_was_member(const struct node *node);
void standing_removed_problem(const struct node *node, struct problem *out_problem);
/* Whom commands are passed on to, and the term it leads: the leader; of a node that is left out, the one that others name.
 * NULL: nobody is known. */
const struct members_member *standing_leader(const struct node *node, raft_term *out_term);
void standing_turn(struct node *node);
/* The end of a probe, of a change. False: not one of these. */
bool standing_answered(struct node *node, uint64_t number, const struct message_answer *answer);
bool standing_change_answered(struct node *node, uint64_t number);
uint64_t standing_deadline_ms(const struct node *node);

#endif
