/* What a leader (or candidate) knows about each other server.
 *
 *            rejected, failed                 Figure 3.1: nextIndex, matchIndex
 *        +---------------------+
 *        v                     |
 *     PROBE -- success --> REPLICATE
 *        |                     ^
 *        |                     |
 *        +-----> SNAPSHOT -----+              it needs entries at or below the log's base; it has installed
 *
 * In PROBE one AppendEntries is out at a time and next_index moves only with answers. In REPLICATE entries are sent ahead:
 * next_index moves with sending, up to max_in_flight unanswered requests. In SNAPSHOT (ch. 5) no entries are on the way:
 * one RAFT_INSTALL_SNAPSHOT is, or waits for the next heartbeat because the last has failed. What was compacted while it
 * was on its way leads back to SNAPSHOT. Heartbeats travel beside all. */
#ifndef RAFT_PROGRESS_H
#define RAFT_PROGRESS_H

#include "server/raft/raft.h"

/* One unanswered AppendEntries. */
struct progress_request {
    raft_round round;
    raft_index prev;
    raft_index last; /* prev + number of entries: what a success acknowledges. */
    bool heartbeat;  /* Empty and sent beside the entries. */
    uint64_t sent_ms;
};

/* How a new voter catches up (§4.2.1): a round ends when it has what was the whole log at the round's beginning. */
struct progress_rounds {
    uint32_t count;         /* Begun. */
    raft_index target;      /* The log's end when the round began. */
    uint64_t began_ms;      /* When that was. */
    raft_index match_index; /* Seen last. */
    uint64_t progress_ms;   /* When it last came further, or had nothing to catch up. */
    bool caught_up;         /* A round took less than an election time-out. */
};

struct progress {
    raft_node_id id;

    /* Votes asked of this server. */
    raft_round vote_round; /* 0: not asked in this campaign. */
    bool vote_granted;

    /* Replication. */
    enum raft_progress_state state;
    raft_index match_index;     /* Known to be on its disk and equal to ours. Never goes back within a term. */
    raft_index next_index;      /* The next to send; above match_index. */
    raft_index commit_told;     /* The commit index it has been sent. */
    bool paused;                /* The last attempt failed: wait for the next heartbeat. */
    bool heartbeat_wanted;      /* A heartbeat is due as soon as there is room for one. */
    raft_round snapshot_round;  /* Of the RAFT_INSTALL_SNAPSHOT without an end; 0: none. Only in SNAPSHOT. */
    uint64_t progress_ms;       /* When some of a snapshot last arrived there; 0: never in this term. */
    uint64_t last_contact_ms;   /* Its last answer in this term. */
    uint64_t lease_until_ms;    /* It votes for nobody else before, its clock's drift taken off (§6.4.1). */
    raft_round confirmed_round; /* The newest request of this term it has answered. */

    /* Membership (membership.c). */
    struct progress_rounds rounds;
    bool leaving;              /* No member any more: it gets the log up to the configuration that left it out. */
    raft_index leaving_index;  /* That configuration's. */
    raft_round leaving_round;  /* Requests from this one on carry its commitment; 0: not committed yet. */
    uint64_t leaving_until_ms; /* Then it is left alone. */

    size_t in_flight_count;
    size_t heartbeats_in_flight; /* Of the in_flight_count. */
    struct progress_request in_flight[RAFT_IN_FLIGHT_MAX + RAFT_HEARTBEATS_IN_FLIGHT];
};

/* Starts a term of leadership: probes from the leader's end. */
void progress_reset(struct progress *progress, raft_index next_index, uint64_t now_ms);

void progress_sent(struct progress *progress, struct progress_request request);
/* Takes the request with that round out. False: there is none. */
bool progress_ended(struct progress *progress, raft_round round, struct progress_request *out_request);
/* Unanswered requests that are no heartbeats. */
size_t progress_entries_in_flight(const struct progress *progress);

#endif
