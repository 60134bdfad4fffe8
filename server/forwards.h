/* Commands passed on to the leader (contract §2, §5): the follower's side, which sends all that is queued in a turn as one
 * request, and the leader's, which takes each request once, only in the term it was meant for, and never passes it on. */
#ifndef RAFTD_FORWARDS_H
#define RAFTD_FORWARDS_H

#include "server/proposals.h"

enum {
    FORWARDS_BYTES_MAX = 4 * 1024 * 1024, /* Of commands in one request, unless the first proposal alone is larger. */
    FORWARDS_WINDOW = 4096,               /* Sequence numbers of one sender that are told apart; older ones are refused. */
    FORWARDS_SENDERS = 2 * RAFT_MEMBERS_MAX
};

struct forward {
    struct forward *next;
    uint64_t number; /* The call's context. */
    raft_node_id to;
    raft_term term;
    struct proposal_list proposals;
};

/* Which sequence numbers of one run of a sender's incarnation have been taken. */
struct forwards_sender {
    raft_node_id id;
    uint64_t run;
    char incarnation[STORAGE_INCARNATION_SIZE + 1];
    uint64_t highest;
    uint64_t last_used_ms;
    uint64_t taken[FORWARDS_WINDOW / 64]; /* Bit sequence % FORWARDS_WINDOW, of the newest FORWARDS_WINDOW numbers. */
};

struct forwards {
    struct forward *list; /* Under way. */
    uint64_t run;         /* Of this process: a member that was started again counts its forwards from one. */
    uint64_t next_sequence;
    raft_node_id refused_by; /* This leader of this term refused or could not be reached: */
    raft_term refused_term;
    uint64_t retry_ms;               /* it is not asked again before. */
    struct forwards_sender *senders; /* Owned; at most FORWARDS_SENDERS. */
    size_t sender_count;
};

void forwards_init(struct node *node);
void forwards_clear(struct forwards *forwards);

/* Sends the queued proposals to the leader, if one is known and may be asked. */
void forwards_turn(struct node *node);
/* Tells the clients whose time is over while the leader has their commands. */
void forwards_end_overdue(struct node *node);
/* The end of a forward. `answer` is NULL unless answered. */
void forwards_ended(struct node *node, uint64_t number, enum transport_end end, const struct message_answer *answer,
                    const char *why);
bool forwards_cancel(struct node *node, uint64_t ticket);
uint64_t forwards_deadline_ms(const struct node *node);

/* The leader's side: a peer's MESSAGE_PROPOSE. */
void forwards_receive(struct node *node, const struct message_request *request, struct buffer *body, uint64_t ticket);

#endif
