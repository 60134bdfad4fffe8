/* The deterministic simulator: a whole cluster in one process, from one seed. The nodes are raftd's own, node.c and all
 * below it; network, disk and clocks are those of tests/unit/server/cluster.h, the stored bytes go through the real record
 * code (disk.c).
 *
 * Model. The seed draws a configuration (draw.c): how many nodes, their time-outs, how often they take snapshots, which
 * machine, which faults happen and how often. Then come steps. In each, faults begin and end (faults.c), clients ask
 * (clients.c), operators change the cluster (operators.c), and a little time passes, in which everything happens that is
 * due. After each turn of each node, and for each write and answer, the invariants are looked at (cluster_truth.h). After
 * the last step all faults end: the cluster must get to work, come to rest and be of one mind (ending.c). Then what clients
 * were told must fit the one committed history (answers.c) and be linearizable (tests/linear).
 *
 * Random numbers. Each kind of decision draws from a stream of its own: a fault that is switched off changes no other
 * draw, and fewer steps are the beginning of more. Same seed and options: the same trace, byte for byte.
 *
 * Each seed runs in a process of its own (main.c); how that ends is the exit code below. */
#ifndef TESTS_SIMULATION_SIMULATION_H
#define TESTS_SIMULATION_SIMULATION_H

#include "tests/unit/server/cluster_members.h"
#include "tests/linear/linear.h"
#include "tests/unit/server/cluster_truth.h"

/* Exit codes. A crash is a signal, a failed assertion of the product's or a sanitizer's word; safety, a broken invariant or
 * an answer that fits no history; liveness, a cluster that does not come to rest or to agreement. */
enum simulation_end {
    SIMULATION_CLEAN = 0,
    SIMULATION_USAGE = 2,
    SIMULATION_CRASH = 3,
    SIMULATION_SAFETY = 4,
    SIMULATION_LIVENESS = 5
};

enum {
    STEPS_DEFAULT = 400,
    PLANTED_STEP = 10,
    CLIENTS_MAX = 8,
    KEYS_MAX = 4,
    TROUBLES_MAX = 64,
    BATCH_MAX = 12,      /* Commands in one request, ... */
    BATCH_SHORT_MAX = 3, /* ... in most seeds. */
    VALUE_FIRST = 10     /* Below: values of commands that are sent at the end. */
};

/* What can be switched off by name (--without). */
enum fault {
    FAULT_LOSS,        /* Messages vanish, ... */
    FAULT_DUPLICATION, /* ... requests arrive twice, ... */
    FAULT_DELAY,       /* ... some late, after others. */
    FAULT_PARTITION,
    FAULT_ONE_WAY,
    FAULT_REFUSAL,    /* Connections are refused. */
    FAULT_BREAK,      /* Connections break when the request is over. */
    FAULT_NEW_LEADER, /* Who has just been elected crashes, or some do not hear of it. */
    FAULT_DEPOSE,     /* A leader is cut off, another is elected, and what was on its way to the first comes then. */
    FAULT_HANDOVER,   /* Who has told another one to stand hears nobody. */
    FAULT_RESTORE,    /* While somebody gets a snapshot: disks stand still, it dies, the leader changes. */
    FAULT_COLD,       /* After a start reads take long, and the node may be cut off meanwhile. */
    FAULT_HINT,       /* Connections close, and a node takes the other for dead. */
    FAULT_STOP,       /* A node is told to end, and comes back. */
    FAULT_CRASH,      /* Loses what was not synced, and comes back. */
    FAULT_SLOW_DISK,
    FAULT_STALL, /* Writes, reads or jobs of a disk stand still. */
    FAULT_FULL_DISK,
    FAULT_PAUSE, /* A process stands still. */
    FAULT_DRIFT, /* Clocks go at other speeds. */
    FAULT_WIPE,  /* Disks are lost. */
    FAULT_MOVE,  /* Nodes come back at another URL. */
    FAULT_MEMBERS,
    FAULT_TRANSFER,
    FAULT_SNAPSHOT, /* Asked for. Those that are due are taken all the same. */
    FAULT_EXTREMES, /* Not of the world but of what the cluster is: quick messages, short logs, long requests. */
    FAULT_CANCEL,   /* Clients give up waiting. */
    FAULT_COUNT
};

const char *fault_name(enum fault fault);

/* Streams of random numbers: one for each fault, and these. */
enum stream { STREAM_CONFIGURATION = FAULT_COUNT, STREAM_TIME, STREAM_NETWORK, STREAM_CLIENTS, STREAM_COUNT };

struct simulation_options {
    uint64_t seed;
    uint64_t steps;
    bool trace;
    enum simulation_end plant; /* Fails so after some steps: for the tests of the program. SIMULATION_CLEAN: it does not. */
    bool without[FAULT_COUNT];
};

/* What of a disk stands still; the harness's fields `hold_...`. */
enum part { PART_WRITES = 1, PART_READS = 2, PART_JOBS = 4, PART_ENDS = 8, PARTS_ALL = 15, PART_LONG = 16 };

/* Something that is wrong for a while. */
struct trouble {
    enum fault fault;
    uint64_t from_ms; /* It begins then, ... */
    bool begun;
    bool resets; /* ... and connections break. Of links. */
    uint64_t until_ms;
    bool (*links)[CLUSTER_MAX];     /* Of links: the harness's field that is set, ... */
    uint8_t receivers[CLUSTER_MAX]; /* ... by sender. */
    size_t member;                  /* Of members. */
    unsigned parts;                 /* Of disks: several enum part. */
};

/* A client: one operation after another. */
enum actor_kind { ACTOR_PLAIN, ACTOR_KEYS, ACTOR_SESSION, ACTOR_KINDS };

struct actor {
    enum actor_kind kind;
    uint64_t session;
    uint64_t sequence;
    size_t operation;       /* The first of those under way, ... */
    size_t operations;      /* ... and how many: more than one is a batch. */
    raft_index seen;        /* The highest index that it was told of. */
    char command[200];      /* of one that is sent again. */
    struct client *attempt; /* NULL: none. */
    uint64_t give_up_ms;
    uint64_t began_ms; /* The command that is sent again. */
    uint64_t used_ms;  /* The session was used then, or later. */
};

/* What one command or query came to, however often it was sent. */
struct operation {
    uint64_t number;                /* Of commands: it stands in their text. */
    struct linear_operation linear; /* `invoked` and `returned` are the harness's moments; LINEAR_NEVER until done. */
    bool stale;                     /* A read that need not be linearizable. */
    bool again;                     /* It was sent more than once. */
    bool rejected;                  /* It has not taken effect: so it was said. */
    bool duplicate;                 /* The answer said that it is an earlier one's. */
    raft_index floor;               /* A read must not be older, a write not go before it. */
    struct raft_entry_id id;        /* As answered. */
    char *result;                   /* Owned; NULL: not done. */
};

/* Drawn by draw.c. */
struct plan {
    uint32_t heartbeat_ms;
    uint32_t election_ms;
    bool slow; /* Time-outs of minutes: sessions and keys expire. */
    size_t founders;
    size_t actors;
    size_t keys;
    uint64_t network_ms; /* One way, at most. */
    uint64_t disk_ms;
    uint64_t trouble_ms;        /* Troubles last so long, some a little, some much longer. */
    bool formed;                /* The faults begin when the cluster is formed. */
    uint64_t step_ms;           /* At most. */
    bool long_batches;          /* Requests of up to BATCH_MAX commands; else of a few. */
    uint64_t asks;              /* In 1,000: that an idle client asks, in a step. */
    uint64_t rate[FAULT_COUNT]; /* In 10,000: of messages, steps, or of the seed; 0: never. */
};

struct simulation {
    struct simulation_options options;
    struct plan plan;
    uint64_t streams[STREAM_COUNT];
    struct cluster *cluster;
    struct truth *truth;
    uint64_t step;

    struct trouble troubles[TROUBLES_MAX];
    size_t trouble_count;
    uint64_t down_until_ms[CLUSTER_MAX]; /* Of those that do not run. */
    uint64_t died_ms[CLUSTER_MAX];
    size_t deposed;            /* The leader that was cut off last, ... */
    uint64_t deposed_until_ms; /* ... until then. */
    uint64_t transfer_ms;      /* Then leadership is handed over; 0: it is not, ... */
    size_t transfer_to;        /* ... to that one (CLUSTER_MAX: whomever the leader chooses). */
    raft_term led;             /* The newest term that a step has seen led, ... */
    unsigned new_steps;        /* ... and for how many steps that is still new. */
    unsigned moves[CLUSTER_MAX];
    uint64_t stops_ms[CLUSTER_MAX]; /* It was told to end, and is killed then; 0: it was not. */

    struct actor actors[CLIENTS_MAX];
    uint64_t next_value;
    raft_index floor;             /* The highest index that anybody has been told of. */
    size_t first_open;            /* Clients before this one are answered and counted. */
    struct operation *operations; /* Owned; what the actors did, by operation. */
    size_t operation_count;
    size_t operation_capacity;
};

static inline uint64_t draw(struct simulation *simulation, unsigned stream, uint64_t bound) {
    return random_next(&simulation->streams[stream]) % bound;
}

/* Whether it happens, at so many in 10,000. The stream goes on either way. */
static inline bool draw_fault(struct simulation *simulation, enum fault fault, uint64_t rate) {
    return draw(simulation, fault, 10000) < rate;
}

static inline bool fault_happens(struct simulation *simulation, enum fault fault) {
    return draw_fault(simulation, fault, simulation->plan.rate[fault]);
}

#define TELL(simulation, ...) CLUSTER_TELL((simulation)->cluster, __VA_ARGS__)

/* -- draw.c -- */
struct simulation *simulation_create(const struct simulation_options *options);
void simulation_destroy(struct simulation *simulation);

/* -- faults.c -- */
void faults_begin(struct simulation *simulation); /* Once. */
void faults_step(struct simulation *simulation);
void faults_end(struct simulation *simulation); /* All of them, for good. */
/* Of a member that does not run. */
void faults_blank_disk(struct simulation *simulation, size_t at);
void faults_start(struct simulation *simulation, size_t at);
/* The members of the leader's configuration, when that is settled; else NULL. */
const struct members *faults_settled(struct simulation *simulation);
/* Too many disks may be lost for what some disk says the members are: then nobody can help. */
bool faults_hopeless(struct simulation *simulation);
bool faults_is_lost(const struct cluster *cluster, const struct members_member *member);

/* It dies, and comes back after a while. */
void faults_kill(struct simulation *simulation, size_t at);

/* -- troubles.c -- */
/* Lasts from now on, for a while. NULL: there are too many. */
struct trouble *troubles_begin(struct simulation *simulation, enum fault fault);
/* What of those has come to its time begins. */
void troubles_begin_due(struct simulation *simulation);
void troubles_tell(struct simulation *simulation, const struct trouble *trouble, const char *what);
/* A cut may reset connections: who hears that takes the other for gone, which lives, and may lead. */
void troubles_break_connections(struct cluster *cluster, size_t from, unsigned receivers);
/* The harness's fields become what the troubles make of them. */
void troubles_apply(struct simulation *simulation);
void troubles_room(struct simulation *simulation, size_t at, bool full);
/* Those whose time is over, or all. */
void troubles_end(struct simulation *simulation, bool all);

/* -- moments.c -- */
/* For a moment, during a transfer, the leader hears nobody. */
void moments_deafen_leader(struct simulation *simulation);
void moments_handed_over(struct simulation *simulation, size_t from);
void moments_started(struct simulation *simulation, size_t at);
void moments_step(struct simulation *simulation);

/* -- clients.c -- */
void clients_step(struct simulation *simulation);
/* Goes on with what is under way; nothing new is begun. True: there is nothing under way. */
bool clients_finish(struct simulation *simulation);

/* -- operators.c -- */
void operators_step(struct simulation *simulation);

/* -- ending.c -- */
void ending_run(struct simulation *simulation);

/* -- answers.c -- */
void answers_check(struct simulation *simulation);

/* -- trace.c -- */
void trace_begin(struct simulation *simulation);

/* -- verdict.c -- */
/* What the process is at, for messages. */
void verdict_note(const struct simulation *simulation);

#endif
