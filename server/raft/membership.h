/* Changing who the servers are (ch. 4), on the leader. What is due is worked out at the end of every turn from the
 * configuration in effect alone, so that a new leader goes on where the old one stopped. */
#ifndef RAFT_MEMBERSHIP_H
#define RAFT_MEMBERSHIP_H

#include "server/raft/state.h"

/* raft_change. */
enum raft_change_verdict membership_change(struct raft *raft, const struct raft_configuration *target,
                                           struct raft_configuration *out_first);
/* raft_propose of a configuration entry. False: it is not what may be appended now. */
bool membership_append(struct raft *raft, struct raft_entry *entry);

/* At the end of a turn: watches new voters, says farewell to who is left out, and finds the next step. */
void membership_flush(struct raft *raft);
/* At the very end: a leader that the configuration leaves out steps down once that is committed (§4.2.2). */
void membership_leave(struct raft *raft);
/* What may be appended, into this turn's actions. */
void membership_show(const struct raft *raft, struct raft_actions *actions);
/* Leadership is over. */
void membership_end(struct raft *raft);

/* `known` is left out by the configuration in effect: kept beside the members until it has heard of it. */
void membership_begin_farewell(struct raft *raft, const struct progress *known);
/* That request succeeded. */
void membership_said_farewell(struct progress *peer, const struct progress_request *request);

#endif
