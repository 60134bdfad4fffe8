/* Arithmetic of majorities: pure functions over a configuration. */
#ifndef RAFT_QUORUM_H
#define RAFT_QUORUM_H

#include "server/raft/raft.h"

/* How many of `voter_count` voters are a majority (§3.4). */
size_t quorum_size(size_t voter_count);

/* The largest value that a majority of the voters has reached, and while there are outgoing voters (§4.3) a majority of
 * those too: of match indexes, what is committed (§3.6.2); of times of contact, since when a majority has been heard; of
 * rounds, up to which a majority has confirmed the leader; of votes given (1) or not (0), whether the election is won.
 * `value_of` is asked for each of them, for one that is both twice. 0 when there is no voter. */
uint64_t quorum_value(const struct raft_configuration *configuration,
                      uint64_t (*value_of)(const void *context, raft_node_id id), const void *context);

bool quorum_has_voter(const struct raft_configuration *configuration, raft_node_id id);
/* A voter, or an outgoing one: without them no decision may be possible. */
bool quorum_has_decider(const struct raft_configuration *configuration, raft_node_id id);
/* It alone decides everything. */
bool quorum_is_sole_voter(const struct raft_configuration *configuration, raft_node_id id);

#endif
