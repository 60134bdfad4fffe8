/* How a leader changes the members, one change at a time (ch. 4): asks new nodes who they are, begins, hands in the steps
 * that the consensus module says are due, and sees the end.
 *
 *     IDLE --- new nodes ---> ASKING --- all answered ---> BEGINNING --- appended ---> RUNNING --- settled ---> IDLE
 *     IDLE --- the leader itself is to go ---> HANDING_OVER --- another leads ---> IDLE
 *
 * RUNNING is also what a leader finds in its log, begun by another. A node whose place is taken by its blank successor is
 * removed first and then added: twice through BEGINNING and RUNNING. */
#ifndef RAFTD_CHANGE_LEAD_H
#define RAFTD_CHANGE_LEAD_H

#include "server/node.h"

enum { CHANGE_LEAD_PROBE_MS = 200, CHANGE_LEAD_PROBE_TIMEOUT_MS = 2000 };

enum change_lead_state {
    CHANGE_LEAD_IDLE,
    CHANGE_LEAD_ASKING,
    CHANGE_LEAD_BEGINNING, /* As soon as an entry of this term is committed. */
    CHANGE_LEAD_RUNNING,
    CHANGE_LEAD_HANDING_OVER
};

/* A node that is to become a member, and who it is. */
struct change_lead_question {
    raft_node_id id;
    uint64_t number; /* The question that is out; 0: none. */
    uint64_t next_ms;
    bool answered;
    char why[PROBLEM_DETAIL_SIZE]; /* Why it has no answer. */
};

struct change_lead {
    enum change_lead_state state;
    bool found;           /* In the log: another leader began it. */
    struct change change; /* Unless found. */
    struct members target;
    struct members origin; /* The members before. */
    bool replacing;        /* The first half of REPLACE. */
    raft_term term;
    raft_index index;    /* Of the first entry of it; 0: nothing is appended yet. */
    uint64_t give_up_ms; /* ASKING. */
    size_t question_count;
    struct change_lead_question questions[RAFT_MEMBERS_MAX];

    bool due; /* The consensus module wants `due_configuration` appended. */
    struct raft_configuration due_configuration;
    raft_node_id given_up_on; /* 0: nobody. */
};

/* Takes a change when nothing is under way. True: it is under way now, or `out_problem` has code PROBLEM_NONE and it is
 * done already. False: `out_problem`. */
bool change_lead_take(struct node *node, const struct change *change, struct problem *out_problem);
/* Something is under way: does whoever wants this wait for the same end? */
bool change_lead_is_for(const struct node *node, const struct change *change);
bool change_lead_is_busy(const struct node *node);
/* What the log ends with may be the last step of a change or no change at all: known as soon as it is committed. */
bool change_lead_is_unclear(const struct node *node);
void change_lead_turn(struct node *node);
/* After the actions of a turn. */
void change_lead_settle(struct node *node);
/* What the actions say is to be appended: noted while they are performed, appended afterwards. */
void change_lead_note_due(struct node *node, const struct raft_actions *actions);
void change_lead_append_due(struct node *node);
/* The end of a probe. False: it is not one of these. */
bool change_lead_answered(struct node *node, uint64_t number, const struct message_answer *answer, const char *why);
uint64_t change_lead_deadline_ms(const struct node *node);

#endif
