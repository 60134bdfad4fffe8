/* The leader's side: the no-op of its term, AppendEntries, heartbeats, check quorum (§3.4, §3.5, §6.2, §6.4, §10.2). */
#ifndef RAFT_REPLICATION_H
#define RAFT_REPLICATION_H

#include "server/raft/state.h"

void replication_become_leader(struct raft *raft);

/* Heartbeats that are due, commit notices, and check quorum. */
void replication_tick(struct raft *raft);

void replication_receive_answer(struct raft *raft, const struct raft_message *answer);
void replication_send_failed(struct raft *raft, raft_node_id to, raft_round round);

/* At the end of a turn: sends every follower what it lacks, as far as there is room. */
void replication_flush(struct raft *raft);

/* Every voter is to answer a heartbeat sent from now on, as soon as there is room for one (§6.4 step 3). */
void replication_want_heartbeats(struct raft *raft);

/* The commit index went up: followers that get no entries soon are told. */
void replication_committed(struct raft *raft);

#endif
