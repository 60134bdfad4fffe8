/* ReadIndex on the leader (§6.4): which index a query must see. All queries that came before a round of heartbeats share
 * it. */
#ifndef RAFT_READ_INDEX_H
#define RAFT_READ_INDEX_H

#include "server/raft/state.h"

struct read_waiting {
    uint64_t ticket;
};

void read_index_ask(struct raft *raft, uint64_t ticket);
/* Answered at once while the lease lasts (§6.4.1), else like the others. */
void read_index_ask_lease(struct raft *raft, uint64_t ticket);
/* At the end of a turn: starts a round for those who wait, if none is under way. */
void read_index_flush(struct raft *raft);
/* Answers the round under way if a majority has confirmed it. */
void read_index_confirm(struct raft *raft);
/* Leadership is lost: nobody can be answered here. */
void read_index_fail(struct raft *raft);

#endif
