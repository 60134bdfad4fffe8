/* A cluster restored from a backup (server/restore.h) or recovered from a survivor (server/recover.h) has one member at
 * first; the other nodes of its --cluster list, which are blank, are taken in as they ask for it. Until all vote, the
 * restored node takes no command: what it acknowledged alone would be on one disk of the many that the operator counts on.
 * It answers queries. The recovered one serves: its operator has agreed to one disk, so that service goes on. */
#ifndef RAFTD_INTAKE_H
#define RAFTD_INTAKE_H

#include "server/node.h"

struct intake {
    enum node_intake kind; /* NODE_INTAKE_NONE: all of the list have voted in a committed configuration. */
};

void intake_turn(struct node *node);
/* This node is one that takes the listed nodes in. */
bool intake_is_open(const struct node *node);
/* No command is taken meanwhile; why is told by intake_problem. */
bool intake_bars_commands(const struct node *node);
void intake_problem(const struct node *node, struct problem *out_problem);
/* Who is missing, in words. */
void intake_waiting(const struct node *node, struct node_status *status);

#endif
