/* Leadership transfer (§3.10). */
#ifndef RAFT_TRANSFER_H
#define RAFT_TRANSFER_H

#include "server/raft/state.h"

/* As raft_transfer. */
bool transfer_start(struct raft *raft, raft_node_id to);
/* The leader must not lead: hands over to the furthest voter that was heard lately, if there is one. */
void transfer_start_unfit(struct raft *raft);
/* The voter whose log is the furthest, heard or not; 0: there is no other. */
raft_node_id transfer_furthest(const struct raft *raft);
/* Tells it to campaign. Answers the request's round. */
raft_round transfer_tell(struct raft *raft, raft_node_id to);
/* Gives up when the time is over; an unfit leader tries again. */
void transfer_tick(struct raft *raft);
/* At the end of a turn: tells the target to campaign once it has the whole log. */
void transfer_flush(struct raft *raft);
/* Leadership is over, by success or otherwise. */
void transfer_end(struct raft *raft);
void transfer_send_failed(struct raft *raft, raft_node_id to, raft_round round);

/* The target's side. */
void transfer_receive(struct raft *raft, const struct raft_message *request);

#endif
