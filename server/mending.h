/* What a leader does about states that differ (architecture §4, divergence): it collects the reports of all, its own
 * included, has them judged, tells those that differ, and sends each that knows it a fresh snapshot, whatever its log has.
 * If it is itself among those, it marks itself and hands over; the next leader sees to it. */
#ifndef RAFTD_MENDING_H
#define RAFTD_MENDING_H

#include "server/message.h"

struct node;

enum {
    MENDING_PAUSE = 4,      /* Election time-outs after a snapshot until another one is sent to the same node, twice as long
                               after each further one, so many times; */
    MENDING_PAUSES_MAX = 6, /* then */
    MENDING_PAUSE_MAX = MENDING_PAUSE << MENDING_PAUSES_MAX
};

struct mending_peer {
    raft_node_id id;
    raft_round round;  /* The newest request of ours that it has answered. */
    bool knows;        /* It said that it is out of service. */
    bool differs;      /* As the log last said. */
    raft_index wanted; /* The snapshot for it covers this at least; 0: none is on its way. */
    unsigned sent;     /* Snapshots, since it last agreed for long. */
    uint64_t next_ms;  /* The next one not before. */
};

struct mending {
    raft_term term; /* Led here; what follows is of it. */
    struct divergence judged;
    struct mending_peer peers[RAFT_MEMBERS_MAX];
    size_t peer_count;
    uint64_t disputed_ms; /* Since when no majority agrees; 0: it does. */
    bool alarm;           /* That has lasted. */
};

/* An append answer of `from` has come. */
void mending_heard(struct node *node, raft_node_id from, raft_round round, const struct message_answer *answer);
/* What an append_entries to that node tells it. */
void mending_complete_request(const struct node *node, raft_node_id to, struct message_request *request);
/* A snapshot sent by snapshot_sends_mend has been put into effect; or it is of no use there, and a newer one is needed. */
void mending_sent(struct node *node, raft_node_id to, bool installed);
/* Before the turn's actions. */
void mending_turn(struct node *node);
/* UINT64_MAX: nothing is due by itself. */
uint64_t mending_deadline_ms(const struct node *node);

#endif
