/* The two commit rules, alone. */
#ifndef RAFT_COMMIT_H
#define RAFT_COMMIT_H

#include "server/raft/state.h"

/* Leader (§3.6.2): an index that a majority of voters have on disk is committed if its entry is of the leader's own term;
 * all before it are committed with it. An older term's entry is never committed by counting (Figure 3.7). */
void commit_leader(struct raft *raft);

/* Follower (§3.5): committed is what the leader has committed, as far as this AppendEntries has shown our log equal to the
 * leader's
 * (`last_new`), never our own tail; and never backwards. */
void commit_follower(struct raft *raft, raft_index leader_commit, raft_index last_new);

#endif
