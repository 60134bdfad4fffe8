/* Cluster time (§6.3): the clock by which sessions and idempotency keys expire, the same on every server because it stands
 * in the log. Each command carries a stamp: the stamp before plus what has passed on its leader's monotonic clock since.
 * A new leader goes on from the highest stamp in its log, so the clock never goes back, and while nobody leads it stands
 * still. What a leader stamped that was then truncated did not happen: while it was alone, another one's clock ran, and
 * the same time would count twice. Wall clocks have no part in it.
 *
 * Milliseconds. No clock is read here. */
#ifndef RAFTD_CLUSTER_CLOCK_H
#define RAFTD_CLUSTER_CLOCK_H

#include "server/raft/raft.h"

/* Zero-initialise to begin. */
struct cluster_clock {
    uint64_t newest_ms; /* The highest stamp: made here, or in the log, or in a snapshot. */
    raft_term term;     /* Of the leadership that goes on here; 0 before the first. */
    uint64_t since_ms;  /* Own monotonic time of its last stamp, or of its beginning. */
};

/* An entry with this stamp is in the log, or in a snapshot. */
void cluster_clock_see(struct cluster_clock *clock, uint64_t time_ms);
/* Entries were truncated; this is the highest stamp that is left. */
void cluster_clock_truncate(struct cluster_clock *clock, uint64_t newest_ms);
/* This server leads that term, and the time is now: the clock runs from the first call of a term on. */
void cluster_clock_lead(struct cluster_clock *clock, raft_term term, uint64_t now_ms);
/* The stamp for what the leader appends now. Never below an earlier one, nor above RAFT_NUMBER_MAX. */
uint64_t cluster_clock_stamp(struct cluster_clock *clock, uint64_t now_ms);

#endif
