/* InstallSnapshot (ch. 5, Figure 5.3), both halves: the leader says which follower needs a snapshot and learns what came of
 * it; a follower takes one in the place of its log. What a snapshot holds and how it travels is the host's. */
#ifndef RAFT_INSTALL_SNAPSHOT_H
#define RAFT_INSTALL_SNAPSHOT_H

#include "server/raft/state.h"

/* -- Leader -- */

/* The entries that come next for that server are compacted, or the one before them is, whose term it would be asked for. */
bool install_snapshot_is_needed(const struct raft *raft, const struct progress *peer);
/* From now on it gets no entries. None are on the way to it. */
void install_snapshot_begin(struct raft *raft, struct progress *peer);
/* Asks the host for a snapshot for that server, unless it is at it or has just failed. */
void install_snapshot_send(struct raft *raft, struct progress *peer);
void install_snapshot_receive_answer(struct raft *raft, const struct raft_message *answer);
void install_snapshot_send_failed(struct raft *raft, raft_node_id to, raft_round round);

/* -- Follower -- */

/* A chunk has come. */
void install_snapshot_receive(struct raft *raft, const struct raft_message *request);
/* raft_install. */
bool install_snapshot_take(struct raft *raft, const struct raft_snapshot *snapshot);

#endif
