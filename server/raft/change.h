/* The steps from one configuration to another (ch. 4): pure functions over configurations. */
#ifndef RAFT_CHANGE_H
#define RAFT_CHANGE_H

#include "server/raft/raft.h"

/* A change is under way: new voters catch up, or the configuration is joint. */
bool change_is_under_way(const struct raft_configuration *current);
/* As many servers as both have together. */
size_t change_union_size(const struct raft_configuration *current, const struct raft_configuration *target);

/* The first configuration on the way to `target`'s voters and learners; `current` is under no change. */
struct raft_configuration change_first(const struct raft_configuration *current, const struct raft_configuration *target);
/* The one after `current`, in which a change is under way, when its new voters have caught up. */
struct raft_configuration change_next(const struct raft_configuration *current);
/* The one that takes back what was begun: voters as they are, without the learners that the change brought. */
struct raft_configuration change_taken_back(const struct raft_configuration *current);

#endif
