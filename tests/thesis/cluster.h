/* A whole cluster in one process and in memory: cores with the smallest host that keeps the rules of server/raft/raft.h, a
 * network that loses, delays, repeats and reorders, disks that finish late but in order, clocks that run at different
 * speeds. Everything random comes from one seed: the same seed runs the same way, action for action.
 *
 * Snapshots are taken, sent and installed (cluster_snapshot.c), the members change (cluster_membership.c).
 *
 * By hand (cluster_create_by_hand) nothing is drawn, every number that would be is 0, and nothing happens by itself: the
 * caller delivers, finishes writes and lets time pass (tests/scenarios/runner).
 *
 * After every turn of a node the invariants of Figure 3.2 are checked over all nodes (cluster_check.c); the first that is
 * broken is told on stderr and ends the process. */
#ifndef TESTS_THESIS_CLUSTER_H
#define TESTS_THESIS_CLUSTER_H

#include "server/raft/raft.h"

enum { CLUSTER_NODES_MAX = 7, CLUSTER_HEARTBEAT_MS = 10, CLUSTER_ELECTION_MS = 100, CLUSTER_TERMS_MAX = 4096 };

struct cluster_entry {
    raft_term term;
    uint8_t type;           /* enum raft_entry_type. */
    uint64_t value;         /* The command; of a configuration its number; else 0. */
    raft_term committed_in; /* Of the log of committed entries only: the term that committed it, */
    uint64_t state;         /* and the state machine's after it. */
};

/* What is compacted is kept for the checks only; the nodes must not look at it. */
struct cluster_log {
    raft_index base;               /* Up to here it is compacted. */
    struct cluster_entry *entries; /* Owned; index 1 is at 0. */
    size_t count;
    size_t capacity;
};

struct cluster_snapshot {
    struct raft_entry_id id; /* {0,0}: none. */
    uint64_t state;
    raft_index configuration_index;
    struct cluster_entry configuration;
};

struct cluster_chunk {
    struct cluster_snapshot snapshot;
    size_t number; /* Of the chunk, from 0; in an answer and at the receiver how many are there. */
    size_t total;
};

/* A snapshot on its way to some node. */
struct cluster_transfer {
    raft_round round; /* 0: none. */
    raft_term term;
    struct cluster_chunk chunk; /* The one that was sent last. */
    uint64_t retry_ms;          /* By the sender's clock; */
    uint64_t give_up_ms;        /* the same. */
};

/* A chunk that the core has not answered yet. */
struct cluster_arrival {
    uint64_t life; /* Of who sent it. */
    struct cluster_chunk chunk;
};

/* Handed to the disk and not there yet. */
struct cluster_write {
    raft_write number;
    uint64_t done_ms;
    bool hard_state_changed;
    struct raft_hard_state hard_state;
    raft_index truncate_from;
    struct raft_entry_id replaced_by;
    raft_index compact_through;
    struct cluster_snapshot snapshot; /* Named by this write, if it cuts the log. */
    size_t count;
    struct cluster_entry *entries; /* Owned. */
};

struct cluster_node {
    const struct cluster *cluster; /* It is a part of this. */
    raft_node_id id;
    struct raft *raft; /* NULL: crashed. */
    uint64_t life;     /* How often it has started. Answers to questions of an earlier life reach nobody. */
    bool paused;
    uint64_t clock_offset_ms;
    uint64_t clock_permille; /* How fast its clock runs. */

    /* Disk. */
    struct raft_hard_state durable_state;
    struct cluster_log durable;
    struct cluster_snapshot durable_snapshot;
    struct cluster_write *writes; /* Owned; in order. */
    size_t write_count;
    size_t write_capacity;
    raft_write persisted;
    struct raft_message *waiting; /* Owned; messages that rest on writes under way. */
    size_t waiting_count;
    size_t waiting_capacity;

    /* Memory. */
    struct cluster_log log;            /* As the core has it. */
    struct raft_hard_state told_state; /* The same: the newest that it has handed to the disk. */
    raft_index commit_index;
    uint64_t state;                   /* After commit_index. */
    struct cluster_snapshot snapshot; /* The newest. */
    struct cluster_transfer transfers[CLUSTER_NODES_MAX];
    struct cluster_arrival *arrivals; /* Owned; in order. */
    size_t arrival_count;
    size_t arrival_capacity;
    uint64_t arrivals_taken;
    struct cluster_chunk receiving; /* What has come of a snapshot. Survives a crash. */
    bool whole;                     /* All has, and this is what to answer when it is installed: */
    struct raft_message whole_answer;
    uint64_t whole_life;
    bool unfit;
    struct raft_configuration configuration; /* In effect at the end of its last turn. */
    size_t appended;                         /* Entries of its last turn. */
    raft_term led_term;                      /* The term it was leader in at the end of its last turn; 0: none. */
    size_t owed;                             /* Requests delivered and not answered. */
};

/* On the wire. */
struct cluster_packet {
    uint64_t due_ms;
    uint64_t life; /* Of who asked. */
    struct raft_message message;
    struct cluster_entry *entries; /* Owned; of AppendEntries. */
    struct cluster_chunk chunk;    /* Of InstallSnapshot and its answer. */
};

/* A request that has not come to its end. */
struct cluster_call {
    raft_node_id from;
    raft_node_id to;
    raft_round round;
    uint64_t give_up_ms; /* By the clock of `from`. */
};

/* How bad things are; percentages, and the most milliseconds that something takes. */
struct cluster_weather {
    uint64_t lost;
    uint64_t repeated;
    uint64_t late;
    uint64_t network_ms;
    uint64_t call_ms; /* How long a node waits for an answer. */
    uint64_t disk_ms;
    uint64_t stray; /* Snapshots that nobody sends any more. */
};

/* Who is told what happens. Each may be NULL. */
struct cluster_watcher {
    void *context;
    void (*line)(void *context, const struct cluster_node *node, const char *line); /* Of a core's trace. */
    /* A turn's actions, before they are done. */
    void (*actions)(void *context, const struct cluster_node *node, const struct raft_actions *actions);
};

struct cluster {
    uint64_t seed;
    uint64_t random;
    bool by_hand;
    bool tell; /* Traces on stderr. */
    struct cluster_watcher watcher;
    uint32_t in_flight;     /* Of the cores that start from now on; 0: drawn. */
    uint32_t batch_entries; /* The same. */
    size_t pieces;          /* That a snapshot is sent in; 0: drawn. */
    uint64_t now_ms;
    struct cluster_weather weather;
    bool steady_clocks; /* All run at about the same speed: leases can be relied on. */
    size_t node_count;
    struct cluster_node nodes[CLUSTER_NODES_MAX];
    bool cut[CLUSTER_NODES_MAX][CLUSTER_NODES_MAX]; /* [i][j]: nothing gets from i + 1 to j + 1. */
    struct raft_configuration **configurations;     /* Owned; entries name them by number. */
    size_t configuration_count;
    size_t configuration_capacity;
    uint64_t changes; /* How often a leader is asked to change the members, in percent of its turns. */
    struct cluster_packet *packets;
    size_t packet_count;
    size_t packet_capacity;
    struct cluster_call *calls;
    size_t call_count;
    size_t call_capacity;
    uint64_t next_value;
    uint64_t trace; /* A hash of all actions so far. */

    /* What the checks remember. */
    struct cluster_log committed; /* Whatever any node was ever told to apply. */
    raft_node_id leader_of[CLUSTER_TERMS_MAX];
    struct cluster_fact *facts; /* Owned; every entry that there ever was. */
    size_t fact_count;
    size_t fact_capacity;
    size_t reads_answered;
    size_t leaders_elected;
    size_t transfers_begun;
    size_t snapshots_installed;
    size_t configurations_appended;
    size_t joint_appended;
};

/* An entry and the term of the one before it: log matching says that (index, term) decides both. */
struct cluster_fact {
    raft_index index;
    raft_term term;
    raft_term previous_term;
    uint64_t value;
};

/* -- cluster.c -- */

/* The first `members` of the nodes are voters, the others know nothing yet. */
struct cluster *cluster_create(uint64_t seed, size_t node_count, size_t members, bool tell);
/* Nothing is drawn. Who is in the configuration has it as the first entry of its log, the others know nothing yet. */
struct cluster *cluster_create_by_hand(size_t node_count, const struct raft_configuration *first);
void cluster_destroy(struct cluster *cluster);
uint64_t cluster_random(struct cluster *cluster, uint64_t bound);
bool cluster_chance(struct cluster *cluster, uint64_t percent);

/* Time passes and every node that runs has its turn. `busy`: with proposals, reads and transfers. */
void cluster_step(struct cluster *cluster, bool busy);
/* The node's own time. */
uint64_t cluster_clock_ms(const struct cluster *cluster, const struct cluster_node *node);
/* Its speed from now on; 1000 is right. */
void cluster_set_clock(const struct cluster *cluster, struct cluster_node *node, uint64_t permille);
/* The node forgets what is not on its disk; of the writes under way any first few may be. */
void cluster_crash(struct cluster *cluster, struct cluster_node *node);
void cluster_restart(struct cluster *cluster, struct cluster_node *node);
/* One command, at that node. False: it does not lead. */
bool cluster_propose(struct cluster *cluster, struct cluster_node *node);

/* It may lead, or not. */
void cluster_set_unfit(struct cluster_node *node, bool unfit);

/* -- cluster.c, for the other files -- */

bool cluster_propose_entry(struct cluster *cluster, struct cluster_node *node, const struct cluster_entry *kept);

void cluster_send_packet(struct cluster *cluster, const struct cluster_node *from, const struct raft_message *message,
                         uint64_t life, const struct cluster_chunk *chunk);
/* The packet comes to the node, which runs. The packet stays the caller's. */
void cluster_deliver(struct cluster *cluster, struct cluster_node *node, struct cluster_packet *packet);
/* The first of the writes under way is done, and what waited for it leaves. */
void cluster_finish_write(struct cluster *cluster, struct cluster_node *node);
/* Its requests that have had no answer for too long will get none. */
void cluster_give_up_calls(struct cluster *cluster, struct cluster_node *node);
/* The request gets no answer. */
void cluster_fail_call(struct cluster *cluster, const struct raft_message *request);
bool cluster_is_request(const struct raft_message *message);
/* Takes the turn's actions and does them. */
void cluster_perform(struct cluster *cluster, struct cluster_node *node);
/* The message leaves when what it rests on is on disk. */
void cluster_post(struct cluster *cluster, struct cluster_node *node, const struct raft_message *message);
void cluster_log_add(struct cluster_log *log, const struct cluster_entry *entries, size_t count);
/* All of the log goes, and begins anew after `base`, which is committed. */
void cluster_log_replace(const struct cluster *cluster, struct cluster_log *log, struct raft_entry_id base);

/* -- cluster_snapshot.c -- */

uint64_t cluster_state_after(uint64_t state, raft_index index, const struct cluster_entry *entry);
/* Takes one of what is applied, and compacts. */
void cluster_take_snapshot(struct cluster *cluster, struct cluster_node *node);
/* The same with how far it compacts; at most what is applied. */
void cluster_take_snapshot_and_compact(struct cluster *cluster, struct cluster_node *node, raft_index through);
/* At the start, from the disk. */
void cluster_restore_snapshot(struct cluster *cluster, struct cluster_node *node);
/* The core wants one sent; */
void cluster_begin_transfer(struct cluster *cluster, struct cluster_node *node, const struct raft_message *request);
/* the other end has `stored` chunks of it; */
void cluster_transfer_answered(struct cluster *cluster, struct cluster_node *node, const struct raft_message *answer,
                               size_t stored);
/* it is gone; */
void cluster_transfer_failed(struct cluster_node *node, const struct raft_message *request);
/* time passes. */
void cluster_retry_transfers(struct cluster *cluster, struct cluster_node *node);
/* A chunk has come; */
void cluster_receive_chunk(struct cluster_node *node, const struct cluster_packet *packet);
/* the core has told whether it is taken; */
void cluster_answer_chunk(struct cluster *cluster, struct cluster_node *node, const struct raft_message *answer);
/* it was the last one, and is verified. */
void cluster_install(struct cluster *cluster, struct cluster_node *node);
/* A snapshot of another node's, from a transfer whose sender nobody remembers. */
void cluster_install_stray(struct cluster *cluster, struct cluster_node *node);

/* -- cluster_membership.c -- */

const struct raft_configuration *cluster_configuration_of(const struct cluster *cluster, const struct cluster_entry *entry);
/* Answers its number. */
uint64_t cluster_add_configuration(struct cluster *cluster, const struct raft_configuration *configuration);
/* The node begins to go to some other configuration, if it leads and can. */
void cluster_change(struct cluster *cluster, struct cluster_node *node);
void cluster_propose_configuration(struct cluster *cluster, struct cluster_node *node,
                                   const struct raft_configuration *configuration);
/* Whether the leader's configuration has that node. */
bool cluster_is_member(const struct cluster_node *leader, raft_node_id id);
/* Whether that entry is on the disks of a majority, of a joint configuration of both. */
bool cluster_is_held_by(const struct cluster *cluster, const struct raft_configuration *configuration, raft_index index,
                        raft_term term);

/* -- cluster_check.c -- */

_Noreturn void cluster_fail(const struct cluster *cluster, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Before the node has done what it was told. */
void cluster_check_actions(struct cluster *cluster, struct cluster_node *node, const struct raft_actions *actions);
/* When the node's logs are up to date with its turn. */
void cluster_check_node(struct cluster *cluster, struct cluster_node *node);
/* Log matching, of its whole log. */
void cluster_check_log(struct cluster *cluster, const struct cluster_node *node);
/* When the message leaves the node. */
void cluster_check_message(const struct cluster *cluster, const struct cluster_node *node,
                           const struct raft_message *message);

#endif
