/* Which configuration is in effect: always the newest in the log, committed or not (§4.1). When entries are truncated, the
 * one before comes back. And what can be said of one configuration. */
#ifndef RAFT_CONFIGURATION_H
#define RAFT_CONFIGURATION_H

#include "server/raft/raft.h"

struct configuration_at {
    raft_index index; /* Of its log entry; 0: the empty configuration before the first entry. */
    struct raft_configuration configuration;
};

struct configuration_history {
    struct configuration_at *list; /* Owned; ascending by index. list[0] is the newest that cannot be truncated any more:
                                      the empty one, a committed one or a snapshot's. */
    size_t count;                  /* At least 1. */
    size_t capacity;
};

void configuration_init(struct configuration_history *history);
void configuration_clear(struct configuration_history *history);

/* `index` is above all that the history has. */
void configuration_append(struct configuration_history *history, raft_index index,
                          const struct raft_configuration *configuration);
/* Forgets those at `index` and above. True when the one in effect changed. */
bool configuration_truncate(struct configuration_history *history, raft_index index);
/* What is committed cannot come back: keeps the newest committed one and those above. */
void configuration_commit(struct configuration_history *history, raft_index commit_index);

/* A snapshot takes the place of the log up to `through`, or of all of it (`through` UINT64_MAX): what is above stays, what
 * is not gives way to `snapshot`. True when the one in effect changed. */
bool configuration_install(struct configuration_history *history, raft_index through,
                           const struct configuration_at *snapshot);

/* The one in effect. Borrowed until the history changes. */
const struct configuration_at *configuration_current(const struct configuration_history *history);
/* The one that comes back if the one in effect is truncated; NULL when that cannot happen any more. */
const struct configuration_at *configuration_previous(const struct configuration_history *history);

/* -- One configuration -- */

/* Whether `id` is among the first `count` of `ids`. */
bool configuration_lists(const raft_node_id *ids, size_t count, raft_node_id id);
/* In any list of those who get the log: voters, learners, outgoing. */
bool configuration_has(const struct raft_configuration *configuration, raft_node_id id);
/* The lists are ascending and do not contradict each other: what raft.h says of them. */
bool configuration_is_valid(const struct raft_configuration *configuration);
bool configuration_equal(const struct raft_configuration *left, const struct raft_configuration *right);
/* How many servers get the log. */
size_t configuration_size(const struct raft_configuration *configuration);

#endif
