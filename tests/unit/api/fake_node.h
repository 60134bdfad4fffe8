/* A node that does as the test tells it, in the place of server/node.c: whatever calls a node_ function is linked with it.
 */
#ifndef RAFTD_TESTS_FAKE_NODE_H
#define RAFTD_TESTS_FAKE_NODE_H

#include "server/node.h"

enum fake_call_kind {
    FAKE_PROPOSE,
    FAKE_CHANGE_SESSION,
    FAKE_QUERY,
    FAKE_READ_SESSION,
    FAKE_LOG,
    FAKE_TRANSFER,
    FAKE_CHANGE,
    FAKE_SNAPSHOT,
    FAKE_WATCH,
    FAKE_RECEIVE,
    FAKE_EVENTS /* Is told of, and no call to be answered. */
};

/* What was asked, kept until the next fake_node_forget. */
struct fake_call {
    enum fake_call_kind kind;
    uint64_t ticket;
    bool cancelled;
    bool answered;
    size_t count;    /* Of commands, or of a piece's bytes. */
    char *texts[16]; /* Copies of the first commands, or the query. */
    size_t sizes[16];
    uint64_t session; /* Of a proposal, or the one to change or read. */
    uint64_t sequence;
    uint32_t timeout_ms;
    bool forward;
    enum node_consistency consistency;
    raft_index min_index;
    raft_node_id to;
    raft_index from;
    size_t limit;
    enum message_kind message;
    void *context;
    node_propose_done propose_done;
    node_query_done query_done;
    node_log_done log_done;
    node_transfer_done transfer_done;
    node_change_done change_done;
    struct change change;
    bool open; /* The snapshot's file as well. */
    node_snapshot_done snapshot_done;
    struct node_watcher watcher;
    unsigned resumed; /* How often the watch was. */
};

struct node {
    struct node_status status;
    struct measures measures;
    raft_node_id leader;
    bool ready;
    bool full;                        /* No command finds room. */
    bool hold;                        /* Answers nobody until told otherwise. */
    struct problem problem;           /* Unless PROBLEM_NONE: how every call ends. */
    size_t good_lines;                /* With a problem: so many lines of a proposal are done before it. */
    const char *result;               /* JSON; of proposals and queries. */
    bool duplicate;                   /* Of proposals: it is a first attempt's, ... */
    bool omitted;                     /* ... and was not kept. */
    const struct raft_entry *entries; /* Of the log. */
    size_t entry_count;
    struct snapshot_directory *snapshots; /* Where status.snapshot's file is. Borrowed. */
    raft_index index;                     /* Of the last proposal. */
    raft_index highest_index;             /* Indexes go on from here. */
    struct fake_call calls[128];
    size_t call_count;
    struct chronicle_event events[8]; /* What node_events tells, */
    size_t event_count;
    uint64_t events_ms;   /* and as of when. */
    raft_node_id gone[8]; /* Peers that were said to be, in order. */
    size_t gone_count;
    uint64_t next_ticket;
    void (*called)(void *context, enum fake_call_kind kind); /* Of each call, when it is made; NULL: nobody. */
    void *called_context;
    void (*reply)(void *context, uint64_t ticket, const struct message_answer *answer);
    void *reply_context;
};

/* A member of a cluster of three, following node 2. */
struct node *fake_node_create(void);
void fake_node_destroy(struct node *node);
/* Answers those who wait, unless told to hold. */
void fake_node_turn(struct node *node);
/* Watches go on after they are opened: the test calls the rest of `watcher` itself. */
/* The call made last. */
struct fake_call *fake_node_last(struct node *node);

#endif
