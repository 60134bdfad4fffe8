/* How a blank node gets into a cluster that runs: by --join, by --replace in the place of the one that lost its disk
 * (architecture §5, §4 "a lost disk"), or because one of its --cluster list is restored from a backup (server/restore.h).
 *
 *     asks who is there (probe) --- a member ---> asks it to change the members ---> the leader calls: formation_claimed
 *
 * It asks the URL it was given, then the members it has heard of, and again, for ever, with back-off. */
#ifndef RAFTD_JOINING_H
#define RAFTD_JOINING_H

#include "server/node.h"

enum { JOINING_PAUSE_MS = 200, JOINING_PAUSE_MAX_MS = 3000 };

struct joining {
    uint64_t question; /* The probe that is out; 0: none. */
    uint64_t request;  /* The change that is asked for; 0: none. */
    uint64_t next_ms;
    uint32_t pause_ms;
    size_t turn; /* Whom to ask next: 0 the URL given, then `known`. */
    struct members known;
    struct members_member asked;                  /* Id and incarnation as far as known. */
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1]; /* Of the one it asks to be taken into; empty: not known. */
    char url[MEMBERS_URL_SIZE];                   /* Where to begin; empty: not known yet. */
    char why[PROBLEM_DETAIL_SIZE];
};

/* True: a blank node that asks to be taken in, unasked by anybody. */
bool joining_is_wanted(const struct node *node);
void joining_turn(struct node *node);
/* The end of a probe, of a change. False: not one of these. */
bool joining_answered(struct node *node, uint64_t number, const struct message_answer *answer, const char *why);
bool joining_change_answered(struct node *node, uint64_t number, const struct message_answer *answer, const char *why);
uint64_t joining_deadline_ms(const struct node *node);
/* What it waits for, in words. */
void joining_waiting(const struct node *node, struct node_status *status);

#endif
