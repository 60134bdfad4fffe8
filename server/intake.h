/* A cluster restored from a backup (server/restore.h) has one member at first; the other nodes of its --cluster list, which
 * are blank, are taken in as they ask for it. Until all vote, the restored node takes no command: what it acknowledged
 * alone would be on one disk of the many that the operator counts on. It answers queries. */
#ifndef RAFTD_INTAKE_H
#define RAFTD_INTAKE_H

#include "server/node.h"

struct intake {
    bool open; /* Not all of the list have voted in a committed configuration yet. */
};

void intake_turn(struct node *node);
/* This node is one that takes the listed nodes in. */
bool intake_is_open(const struct node *node);
/* Why a command is refused meanwhile. */
void intake_problem(const struct node *node, struct problem *out_problem);
/* Who is missing, in words. */
void intake_waiting(const struct node *node, struct node_status *status);

#endif
