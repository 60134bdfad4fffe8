/* AppendEntries that overtook their predecessors on another connection: held for a moment instead of being refused as a
 * gap, so that the leader need not send them twice. Bounded in number and time. */
#ifndef RAFT_REORDER_H
#define RAFT_REORDER_H

#include "server/raft/raft.h"

enum { REORDER_MAX = RAFT_IN_FLIGHT_MAX };

struct reorder_held {
    struct raft_message message; /* AppendEntries; entries are a copy of ours, configurations copied, buffers retained. */
    struct raft_entry *entries;  /* Owned; what message.append_entries.entries points at. */
    uint64_t deadline_ms;
};

struct reorder {
    size_t count;
    struct reorder_held held[REORDER_MAX];
};

/* Keeps a copy until `deadline_ms`. False: no room. */
bool reorder_hold(struct reorder *reorder, const struct raft_message *message, uint64_t deadline_ms);
/* Takes out one whose predecessor is at or below last_index; the caller owes reorder_release. False: none. */
bool reorder_take_ready(struct reorder *reorder, raft_index last_index, struct reorder_held *out_held);
/* Takes out one whose time is over at `now_ms` (UINT64_MAX takes any). */
bool reorder_take_expired(struct reorder *reorder, uint64_t now_ms, struct reorder_held *out_held);
void reorder_release(struct reorder_held *held);
/* UINT64_MAX when nothing is held. */
uint64_t reorder_deadline_ms(const struct reorder *reorder);

#endif
