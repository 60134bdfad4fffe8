/* Whose state differs: what servers have reported of their state hash, judged by majority (architecture §4). The leader
 * keeps one; itself is a server like any other.
 *
 * At an index where a majority of the voters (while joint: of each set of them, §4.3) reports the same hash, that is the
 * state, and whoever reported another there differs. Because hashes are chained, a server's newest report speaks for all
 * before it. Where the voters' reports differ and none has a majority, nobody is judged: that is a dispute, until a
 * majority agrees at the same or a later index.
 *
 * Pure: no clock, no I/O. */
#ifndef RAFTD_DIVERGENCE_H
#define RAFTD_DIVERGENCE_H

#include "server/state_hash.h"

enum { DIVERGENCE_REPORTS = 16 /* Kept of each server. */ };

enum divergence_verdict {
    DIVERGENCE_UNKNOWN, /* Too little is known. */
    DIVERGENCE_AGREES,  /* Its newest report is the majority's. */
    DIVERGENCE_DIFFERS
};

struct divergence_report {
    struct state_hash_report report;
    enum divergence_verdict verdict;
};

struct divergence_server {
    raft_node_id id;
    enum divergence_verdict verdict;
    raft_index since; /* Differs: the first index known at which it does. */
    size_t count;
    struct divergence_report reports[DIVERGENCE_REPORTS]; /* Ascending. */
};

struct divergence {
    size_t count;
    struct divergence_server servers[RAFT_MEMBERS_MAX];
    raft_index disputed; /* The last index where no majority agrees; 0: there is no dispute. */
};

void divergence_clear(struct divergence *divergence);
/* Forgets those who are in none of the configuration's lists. */
void divergence_keep_members(struct divergence *divergence, const struct raft_configuration *configuration);
/* `from` reports that; it may be any index, also one before earlier ones: then a hash that contradicts its earlier report
 * there takes the place of all of them (its state was replaced, or its process). */
void divergence_note(struct divergence *divergence, const struct raft_configuration *configuration, raft_node_id from,
                     struct state_hash_report report);
/* NULL: it has not reported yet. */
const struct divergence_server *divergence_find(const struct divergence *divergence, raft_node_id id);

#endif
