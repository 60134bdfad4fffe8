/* A change of who the members are (ch. 4, contract §4): what somebody asks for, its JSON form between nodes, and what it
 * means for the members that there are. Pure: who does it is server/changes. */
#ifndef RAFTD_CHANGE_H
#define RAFTD_CHANGE_H

#include "server/members.h"
#include "server/problem.h"

enum change_kind {
    CHANGE_ADD,     /* A new member, as a voter or a learner. */
    CHANGE_PROMOTE, /* A learner becomes a voter. */
    CHANGE_REMOVE,
    CHANGE_PUT,     /* Exactly these voters and learners. */
    CHANGE_REPLACE, /* A blank node takes the place of the one that lost its disk, under its id (§3.8). */
    CHANGE_MOVE,    /* A member is found at another URL now. */
    CHANGE_KIND_COUNT
};

struct change {
    enum change_kind kind;
    bool own;          /* The node that it is about asks for it, and says its incarnation. */
    raft_node_id gone; /* Of MOVE, not sent: who was at that URL and has said that it is elsewhere now. It gets the
                          mover's old URL until its own move is done: two nodes cannot be at one. 0: nobody. */
    /* Of PROMOTE and REMOVE one with an id alone; of PUT all, in any order of roles; else the one with its URL. */
    struct members members;
};

/* The member that any kind but PUT is about. */
const struct members_member *change_subject(const struct change *change);

/* {"kind":"add","own":true,"members":{...}}, or "id" where only that counts. */
void change_write(const struct change *change, struct json_writer *writer);
/* False, with nothing changed, when it makes no sense. */
bool change_read(struct json_span value, struct change *out_change);

/* No change leads anywhere from there: one configuration, and nobody on the way. */
bool change_is_settled(const struct members *members);
/* Where the change that is under way leads: plain voters and learners. Of settled members themselves. */
void change_destination(const struct members *members, struct members *out_members);

/* The members after the change, from settled ones. New ones have the incarnation that the change says, or none yet. Of
 * REPLACE the members without the one whose place is taken. False, with a problem: it cannot be asked of these members. */
bool change_target(const struct change *change, const struct members *from, struct members *out_target,
                   struct problem *out_problem);
/* These settled members are as the change wants them: nothing is to be done (any more). */
bool change_is_done(const struct change *change, const struct members *members);
/* Whoever waits for one may wait for the other: they lead to the same. A node's own wish to join yields to the role that a
 * client asked for it. */
bool change_is_same(const struct change *one, const struct change *other);

#endif
