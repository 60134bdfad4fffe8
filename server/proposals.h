/* Everybody whose commands are on their way: held until there is a leader and it does not hand over, in this leader's log,
 * or with another node.
 *
 *     queued --- leader here ---> appended --- applied ---> finished
 *        |  ^
 *        v  | surely not taken
 *      forwarded (forwards.c) --- answered ---> finished
 *
 * A command is answered "rejected" only when it entered no log, or when another entry is committed at its index; else, when
 * time is over, "unknown" (contract §1). */
#ifndef RAFTD_PROPOSALS_H
#define RAFTD_PROPOSALS_H

#include "server/node.h"

enum {
    PROPOSALS_QUICK_MS = 250,      /* What takes no longer from log to answer lets more wait at once, */
    PROPOSALS_SLOW_MS = 1000,      /* and what takes longer than this less: */
    PROPOSALS_SLOW_PART = 16,      /* this part of the limits, */
    PROPOSALS_FIRST_PART = 8,      /* or, to begin with, of the bytes', */
    PROPOSALS_COMMANDS_MIN = 1000, /* but no less than this. */
    PROPOSALS_BYTES_MIN = 1024 * 1024,
    PROPOSALS_SMALL_BYTES = 4096,            /* For whom twice as many bytes may wait. */
    PROPOSALS_RESULTS_MAX = 64 * 1024 * 1024 /* Of one request's results; of all that are not yet told four times that. */
};

/* What is proposed together, in order. Borrowed; of the body one reference is taken. */
struct proposal_content {
    struct buffer *body;
    const struct json_span *commands; /* Inside the body; of what opens or closes a session size 0. */
    const struct origin *origins;     /* NULL: all are plain. Keys inside the body. */
    size_t count;
};

struct proposal {
    struct proposal *next;
    uint64_t ticket;
    uint64_t deadline_ms;
    bool forward;               /* May be passed on to another node. */
    bool lost;                  /* Appended, and the term of leadership is over since. */
    struct buffer *body;        /* One reference. */
    struct json_span *commands; /* Owned; spans into the body. */
    struct origin *origins;     /* Owned; NULL: all are plain. */
    size_t count;
    size_t bytes;   /* Of commands and keys. */
    raft_term term; /* Appended: where. */
    raft_index first_index;
    uint64_t moved_ms;          /* When it went into the log or to the leader; 0: it has not. */
    size_t resolved;            /* Lines from the first on that have their answer. */
    struct message_line *lines; /* Owned. */
    struct json_writer results; /* The lines' results, one after the other. */
    node_propose_done done;     /* NULL: the client is gone. */
    void *context;
};

struct proposal_list {
    struct proposal *head;
    struct proposal *tail;
};

struct proposals {
    struct proposal_list queued;
    struct proposal_list appended; /* Of one term in order of index; terms in order. */
    struct proposal_list finished;
    size_t commands_waiting; /* Unanswered, forwarded ones included. */
    uint64_t bytes_waiting;
    uint64_t results_bytes; /* Of all that are not yet told. */
    /* How many may wait now: as many as are answered before anybody waits long. */
    uint64_t commands_window;
    uint64_t bytes_window;
};

void proposals_init(struct node *node);
void proposals_clear(struct proposals *proposals);

/* -- How many may wait (proposals_window.c) -- */

/* May so many more wait, when `coming` bytes are on their way? Who comes alone may always, up to the limits. */
bool proposals_has_room(const struct node *node, size_t commands, uint64_t bytes, uint64_t coming);
/* A proposal is finished: how long it took says how many may wait. */
void proposals_learn(struct node *node, const struct proposal *proposal);

uint64_t proposals_add(struct node *node, const struct proposal_content *content, uint32_t timeout_ms, bool forward,
                       node_propose_done done, void *context);
bool proposals_cancel(struct node *node, uint64_t ticket);

/* Appends or forwards what is queued, refuses what must not wait, ends what has waited too long. */
void proposals_turn(struct node *node);
/* The entry has been applied, with that outcome: whoever waits for its index has an answer. */
void proposals_applied(struct node *node, const struct raft_entry *entry, const struct message_line *outcome);
/* A snapshot has taken the place of the log up to `through`: what became of entries there is not known here. */
void proposals_passed_over(struct node *node, raft_index through);
/* Calls back all that are finished. */
void proposals_deliver(struct node *node);
/* Refuses what is queued; what is under way elsewhere or in the log keeps what time it has, at most until the grace is
 * over. */
void proposals_shut_down(struct node *node);
/* UINT64_MAX when nobody waits. */
uint64_t proposals_deadline_ms(const struct node *node);

/* -- For forwards.c -- */
void proposal_list_push(struct proposal_list *list, struct proposal *proposal);
struct proposal *proposal_list_pop(struct proposal_list *list);
/* Gives the next unresolved line its answer; the result is copied, or left out where results are too many already. */
void proposals_resolve(struct proposals *proposals, struct proposal *proposal, const struct message_line *line);
/* Gives all unresolved lines this problem and finishes the proposal, which is in no list. */
void proposals_fail(struct node *node, struct proposal *proposal, const struct problem *problem);
void proposals_finish(struct node *node, struct proposal *proposal);
/* It surely entered no log elsewhere: back to the queue. */
void proposals_requeue(struct node *node, struct proposal *proposal);
/* Tells the client now; the proposal stays where it is, to take the lines that are its, and nobody waits for it any more.
 */
void proposals_answer_early(struct node *node, struct proposal *proposal, const struct problem *problem);
bool proposals_is_overdue(const struct node *node, const struct proposal *proposal);
/* The problem of a proposal whose time is over. */
void proposals_time_out_problem(const struct node *node, const struct proposal *proposal, bool entered_log,
                                struct problem *out_problem);

#endif
