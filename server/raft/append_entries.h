/* The follower's side of AppendEntries (Figure 3.1, §3.5). */
#ifndef RAFT_APPEND_ENTRIES_H
#define RAFT_APPEND_ENTRIES_H

#include "server/raft/state.h"

void append_entries_receive(struct raft *raft, const struct raft_message *request);
/* Who sends an AppendEntries or a snapshot in `term` is its leader: becomes its follower, or stays it, and has heard it
 * (§3.4). False: it is of a term that is over, or contradicts what is known of the term. */
bool append_entries_hear_leader(struct raft *raft, raft_node_id from, raft_term term);
/* Takes what is held and has its predecessor by now. */
void append_entries_take_held(struct raft *raft);
/* Gives up on predecessors that did not come in time. */
void append_entries_tick(struct raft *raft);
/* The term went up: refuses all that is held of the one before. */
void append_entries_new_term(struct raft *raft);

#endif
