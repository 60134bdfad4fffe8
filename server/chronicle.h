/* What happened to this node lately, for people who look at it later: elections, leaders, configurations, snapshots,
 * alarms. Only changes are noted, and only the newest are kept; nothing else rests on them. */
#ifndef RAFTD_CHRONICLE_H
#define RAFTD_CHRONICLE_H

#include "server/raft/raft.h"

#include <stdbool.h>

struct node;

enum {
    CHRONICLE_EVENTS_MAX = 256,
    CHRONICLE_KEPT_MS = 60 * 60 * 1000 /* Older ones are not told any more. */
};

enum chronicle_kind {
    CHRONICLE_STARTED,
    CHRONICLE_PRE_CANDIDATE,
    CHRONICLE_CANDIDATE,
    CHRONICLE_LEADER,    /* This node leads. */
    CHRONICLE_FOLLOWS,   /* Another one does: `subject`. */
    CHRONICLE_NO_LEADER, /* The one it knew leads no more. */
    CHRONICLE_MEMBERS,   /* A configuration is in effect: its index is `subject`. */
    CHRONICLE_SNAPSHOT,  /* One counts: its index is `subject`. */
    CHRONICLE_DISK_FULL,
    CHRONICLE_DISK_STALLED,
    CHRONICLE_DISK_WELL, /* Neither full nor stalled any more. */
    CHRONICLE_DIVERGED,
    CHRONICLE_MENDED,
    CHRONICLE_REMOVED
};
const char *chronicle_kind_name(enum chronicle_kind kind);

struct chronicle_event {
    uint64_t at_ms; /* On the node's clock. */
    enum chronicle_kind kind;
    raft_term term;
    uint64_t subject;
};

/* What was seen last, to notice a change. */
struct chronicle_sight {
    enum raft_role role;
    raft_node_id leader;
    raft_term term;
    raft_index members_index;
    raft_index snapshot_index;
    bool full;
    bool stalled;
    bool diverged;
    bool removed;
};

/* Zero-initialise to begin. */
struct chronicle {
    struct chronicle_event events[CHRONICLE_EVENTS_MAX];
    uint64_t count;          /* Noted in this life; the newest is events[(count - 1) % CHRONICLE_EVENTS_MAX]. */
    uint64_t leader_changes; /* Of them: there was a leader, or another one; */
    uint64_t elections;      /* this node stood for election. */
    struct chronicle_sight seen;
};

/* At the end of a turn: notes what is different. */
void chronicle_turn(struct node *node);

/* Copies the events of the last hour, oldest first, and answers how many. */
size_t chronicle_read(const struct chronicle *chronicle, uint64_t now_ms,
                      struct chronicle_event out_events[CHRONICLE_EVENTS_MAX]);

#endif
