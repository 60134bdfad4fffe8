/* One number for all that a node has answered so far: a 64-bit hash chained over every applied entry that had an answer
 * (architecture §4, divergence). Nodes that have applied the same log to the same state have the same one; once two differ
 * they differ for good, until a snapshot brings one the other's. It finds faults (memory, machines that are not
 * deterministic, versions that disagree), not attackers.
 *
 * Every STATE_HASH_INTERVAL indexes the value is set aside as a report. What goes in, and how, is a constant of the format:
 * it is kept in snapshots and compared between nodes of any version. */
#ifndef RAFTD_STATE_HASH_H
#define RAFTD_STATE_HASH_H

#include "server/json/json.h"
#include "server/raft/raft.h"

enum {
    STATE_HASH_INTERVAL = 32,     /* Log indexes between two reports. */
    STATE_HASH_REPORTS = 64,      /* Kept of them. */
    STATE_HASH_ROUND_REPORTS = 16 /* Of the newest so many, exactly one is at a multiple of so many intervals. */
};

/* How an entry ended. Numbers of the format: none is ever used for something else. */
enum state_hash_verdict {
    STATE_HASH_DONE = 1,
    STATE_HASH_REFUSED = 2, /* By the machine; its sentence, which a later version may word otherwise, does not go in. */
    STATE_HASH_DUPLICATE = 3,
    STATE_HASH_OMITTED = 4, /* A duplicate whose first result was not kept. */
    STATE_HASH_STALE = 5,
    STATE_HASH_EXPIRED = 6,
    STATE_HASH_KEY_REUSED = 7
};

struct state_hash_report {
    raft_index index; /* 0: none. */
    uint64_t hash;
};

struct state_hash {
    uint64_t chain; /* 0 before the first entry. */
    size_t count;
    size_t next;                                          /* Where the next report goes. */
    struct state_hash_report reports[STATE_HASH_REPORTS]; /* A ring, of ascending indexes. */
};

/* Goes on from what a snapshot tells; `last` is all that is known of earlier reports. */
void state_hash_begin(struct state_hash *hash, uint64_t chain, struct state_hash_report last);
/* The entry at `index` was applied to this end. `first` is the index of the entry whose answer it got: itself, or the one
 * that it is a retry of. */
void state_hash_add(struct state_hash *hash, raft_index index, enum state_hash_verdict verdict, raft_index first,
                    struct json_span command, struct json_span result);
/* After each applied entry, whether it had an answer or not: sets a report aside where one is due. */
void state_hash_applied(struct state_hash *hash, raft_index index);

/* index 0 before the first. */
struct state_hash_report state_hash_newest(const struct state_hash *hash);
/* Of the newest STATE_HASH_ROUND_REPORTS the one at the roundest index: nodes that are asked at different moments under
 * load name the same one more often. */
struct state_hash_report state_hash_roundest(const struct state_hash *hash);
/* False: it is not kept (any more). */
bool state_hash_at(const struct state_hash *hash, raft_index index, struct state_hash_report *out_report);

#endif
