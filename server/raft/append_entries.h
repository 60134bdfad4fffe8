/* The follower's side of AppendEntries (Figure 3.1, §3.5). */
#ifndef RAFT_APPEND_ENTRIES_H
#define RAFT_APPEND_ENTRIES_H

#include "server/raft/state.h"

void append_entries_receive(struct raft *raft, const struct raft_message *request);
/* Gives up on predecessors that did not come in time. */
void append_entries_tick(struct raft *raft);
/* The term went up: refuses all that is held of the one before. */
void append_entries_new_term(struct raft *raft);

#endif
