/* This node's own state when it differs from the majority's: the leader has told it, or it leads and found it out itself
 * (architecture §4, divergence).
 *
 *     well --- told that it differs ---> out of service --- a snapshot takes the state's place ---> applies once more
 *      ^                                                                                                |
 *      +------ the leader says that it agrees, and as much is applied as was before <-------------------+
 *
 * Out of service it answers no query, takes, hands out and sends no snapshot and does not campaign; it stores, acknowledges
 * and votes as before. None of this is kept over a restart: what a node then has is judged anew. */
#ifndef RAFTD_DIVERGED_H
#define RAFTD_DIVERGED_H

#include "server/message.h"

struct node;

struct diverged {
    raft_index since;   /* 0: it does not, for all that is known. */
    raft_index reached; /* Applied before a snapshot took the state's place: up to here everybody has been answered. */
    raft_term term;     /* Of the leader that last said how it is, */
    raft_round round;   /* in this request of its. */
    uint64_t report_ms; /* When the last report went to a leader. */
    bool report_round;  /* Which one is to go next: the roundest, or the newest. */
};

bool diverged_is(const struct node *node);
void diverged_problem(const struct node *node, struct problem *out_problem);

/* This node's state differs since that index. */
void diverged_begin(struct node *node, raft_index since);
/* What an append_entries of the leader says of it, if anything. */
void diverged_told(struct node *node, const struct message_request *request);
/* What an append answer reports, now and then. */
void diverged_complete_answer(struct node *node, struct message_answer *answer);

/* -- For the applier, and those who replace the state -- */

/* A snapshot takes the place of a state that has more applied. */
void diverged_step_back(struct node *node);
/* The entry at `index` is being applied for the first time. */
bool diverged_is_news(const struct node *node, raft_index index);
/* An outcome of a state that is known to differ is not told. */
void diverged_doubt(const struct node *node, struct message_line *outcome);

#endif
