/* A whole cluster in one process: real nodes, with time, disks and network in the hands of the test.
 *
 * Each member has a store in memory that outlives its node: what was written is there after cluster_kill and cluster_start,
 * what was only handed to the disk is lost. Messages travel as JSON text (cluster_network.h), clients are records that
 * notice a second answer (cluster_clients.h). Nothing happens but in cluster_settle and cluster_run, in an order that the
 * seed alone decides. Members are counted from 0, their ids from 1. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_H
#define RAFTD_TESTS_SERVER_CLUSTER_H

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"
#include "server/machine/registry.h"
#include "server/node.h"
#include "server/node_state.h"

/* The simulator tells apart what is wrong from what does not come to an end. */
#ifndef CLUSTER_STUCK
#define CLUSTER_STUCK(...) ck_abort_msg(__VA_ARGS__)
#endif

enum {
    CLUSTER_MAX = 7,
    HEARTBEAT_MS = 100,
    ELECTION_MS = 1000,
    CLUSTER_BEGIN_MS = 1000000,
    TURNS_MAX = 20000, /* In one instant: more is a loop that does not end. */
    IDLE_TURNS_MAX = 20
};

/* A write on its way to the disk, with copies of its own. */
struct disk_write {
    struct storage_write write;
    struct raft_entry *entries;
    uint64_t number;
    uint64_t due_ms;
};

struct disk_read {
    uint64_t token;
    raft_index first;
    raft_index last;
    size_t max_bytes;
    uint64_t due_ms;
};

/* A job beside them. What it does and the news of it are two moments: a death between them loses the news alone. */
struct disk_run {
    enum disk_lane lane;
    struct disk_job job;
    bool ran;
    uint64_t due_ms;
};

struct member {
    struct cluster *cluster;
    size_t at;
    char url[MEMBERS_URL_SIZE];
    char incarnation[STORAGE_INCARNATION_SIZE + 1];
    struct node_options options;
    struct diagnostics diagnostics;
    struct storage *storage;
    struct snapshot_directory *snapshots;
    struct node *node;    /* NULL: not running. */
    unsigned life;        /* How often it was started. */
    bool dying;           /* What it says now is not heard any more. */
    bool paused;          /* It stands still, its disk too; what arrives waits. */
    int64_t drift_ppm;    /* Its clock goes so much faster than the cluster's; below 0: slower. */
    bool hold_writes;     /* Writes stay on their way to the disk, */
    uint64_t write_limit; /* and so they do when so many have been done in all its lives. */
    bool hold_reads;
    bool hold_jobs; /* Jobs do not begin, */
    bool hold_long; /* or those of the long lane do not, */
    bool hold_ends; /* and of those that have ended the node hears nothing. */
    struct disk_write *writes;
    size_t write_count;
    size_t write_capacity;
    struct disk_read *reads;
    size_t read_count;
    size_t read_capacity;
    struct disk_run *runs;
    size_t run_count;
    size_t run_capacity;
    uint64_t writes_done; /* In all its lives, as the next. */
    uint64_t reads_begun;
};

struct packet;
struct client;

/* Each kind of decision draws from random numbers of its own, so that one more of a kind changes no other kind's. */
enum cluster_stream { CLUSTER_TEST, CLUSTER_NETWORK, CLUSTER_DISK, CLUSTER_NODES, CLUSTER_STREAMS };

/* What becomes of a message, one way. */
struct cluster_fate {
    bool lost;
    bool doubled; /* Of requests. */
    uint64_t delay_ms;
};

struct cluster {
    uint64_t now_ms;
    uint64_t moments; /* Asked or answered clients: each is one after the other. */
    uint64_t random[CLUSTER_STREAMS];
    size_t count;
    struct member members[CLUSTER_MAX];
    uint64_t disk_ms;    /* Writes and reads take up to this long ... */
    uint64_t network_ms; /* ... and so does each way of a message. 0 for both: at once, in order. */

    /* The network: by sender and receiver of the request. */
    bool refused[CLUSTER_MAX][CLUSTER_MAX]; /* Connections are refused: NOT_SENT. */
    bool lost[CLUSTER_MAX][CLUSTER_MAX];    /* What goes this way vanishes: requests, or answers to the other's requests. */
    bool held[CLUSTER_MAX][CLUSTER_MAX];    /* What goes this way stays on the way. */
    bool breaking[CLUSTER_MAX][CLUSTER_MAX]; /* Requests arrive, then the connection breaks. */
    bool doubling[CLUSTER_MAX][CLUSTER_MAX]; /* Requests arrive twice. */
    struct packet **packets;                 /* Owned. */
    size_t packet_count;
    size_t packet_capacity;
    uint64_t next_ticket;
    uint64_t messages; /* Requests and answers that were sent. */

    /* Decides about every message; NULL: it arrives within network_ms. */
    struct cluster_fate (*fate)(void *context, size_t from, size_t to, enum message_kind kind, bool is_answer);
    void *fate_context;
    /* Told what happens, for people; NULL: nobody. */
    void (*tell)(void *context, const char *format, ...) __attribute__((format(printf, 2, 3)));
    void *tell_context;
    /* Told of every message; NULL: nobody. One of the two is NULL. */
    void (*tell_message)(void *context, const struct packet *packet, const struct message_request *request,
                         const struct message_answer *answer);

    /* Told of every write that a node hands to its disk; NULL: nobody. */
    void (*written)(void *context, const struct node *node, const struct storage_write *write);
    void *written_context;
    /* Told of every turn that a node has ended; NULL: nobody. */
    void (*turned)(void *context, const struct member *member);
    void *turned_context;
    /* Told of every answer to a peer; NULL: nobody. */
    void (*replied)(void *context, const struct member *member, size_t to, const struct message_answer *answer);
    void *replied_context;

    struct client **clients; /* Owned. */
    size_t client_count;
    size_t client_capacity;
};

/* Nothing is worked out when nobody listens. */
#define CLUSTER_TELL(cluster, ...)                                                                                         \
    do {                                                                                                                   \
        if ((cluster)->tell != NULL) {                                                                                     \
            (cluster)->tell((cluster)->tell_context, __VA_ARGS__);                                                         \
        }                                                                                                                  \
    } while (0)

/* SplitMix64. */
static inline uint64_t random_next(uint64_t *random) {
    *random += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = *random;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ (mixed >> 31);
}

static inline uint64_t cluster_draw(struct cluster *cluster, enum cluster_stream stream, uint64_t bound) {
    return random_next(&cluster->random[stream]) % bound;
}

static inline uint64_t cluster_random(struct cluster *cluster, uint64_t bound) {
    return cluster_draw(cluster, CLUSTER_TEST, bound);
}

static inline uint64_t cluster_due(struct cluster *cluster, enum cluster_stream stream, uint64_t most_ms) {
    return cluster->now_ms + (most_ms == 0 ? 0 : cluster_draw(cluster, stream, most_ms + 1));
}

/* What its own clock shows. */
static inline uint64_t member_now_ms(const struct member *member) {
    uint64_t now_ms = member->cluster->now_ms;
    if (member->drift_ppm == 0) {
        return now_ms;
    }
    uint64_t passed = (now_ms - CLUSTER_BEGIN_MS) * (uint64_t)(1000000 + member->drift_ppm) / 1000000;
    return CLUSTER_BEGIN_MS + passed;
}

/* When that clock shows `of_member`. */
static inline uint64_t member_when_ms(const struct member *member, uint64_t of_member) {
    if (member->drift_ppm == 0 || of_member <= CLUSTER_BEGIN_MS || of_member > UINT64_MAX / 2000000) {
        return of_member;
    }
    uint64_t rate = (uint64_t)(1000000 + member->drift_ppm);
    return CLUSTER_BEGIN_MS + ((of_member - CLUSTER_BEGIN_MS) * 1000000 + rate - 1) / rate;
}

#include "cluster_network.h"
#include "cluster_disk.h"

/* -- Lives -- */

static inline void fill_random(void *context, void *bytes, size_t size) {
    struct member *member = context;
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)bytes)[i] = (unsigned char)cluster_draw(member->cluster, CLUSTER_NODES, 256);
    }
}

static inline void cluster_blank_disk(struct cluster *cluster, size_t at) {
    struct member *member = &cluster->members[at];
    ck_assert_ptr_null(member->node);
    storage_close(member->storage);
    snapshot_directory_close(member->snapshots);
    for (size_t i = 0; i < STORAGE_INCARNATION_SIZE; i++) {
        member->incarnation[i] = "0123456789abcdef"[cluster_draw(cluster, CLUSTER_NODES, 16)];
    }
    member->storage = storage_memory_create(at + 1, member->incarnation);
    member->snapshots = snapshot_directory_memory();
}

static inline struct members cluster_list(size_t count) {
    struct members list = {0};
    for (size_t i = 0; i < count; i++) {
        struct members_member member = {.id = i + 1, .voter = true};
        snprintf(member.url, sizeof member.url, "http://node%zu:8001", i + 1);
        ck_assert(members_add(&list, &member));
    }
    return list;
}

/* `count` members with blank disks, none of them running. */
static inline struct cluster *cluster_create(size_t count, uint64_t seed) {
    struct cluster *cluster = memory_zalloc(sizeof *cluster);
    cluster->now_ms = CLUSTER_BEGIN_MS;
    for (size_t i = 0; i < CLUSTER_STREAMS; i++) {
        cluster->random[i] = seed + (i << 56);
    }
    cluster->count = count;
    cluster->next_ticket = 1;
    for (size_t i = 0; i < count; i++) {
        struct member *member = &cluster->members[i];
        member->cluster = cluster;
        member->at = i;
        member->write_limit = UINT64_MAX;
        snprintf(member->url, sizeof member->url, "http://node%zu:8001", i + 1);
        member->options = (struct node_options){
            .id = i + 1,
            .url = member->url,
            .client_url = member->url,
            .cluster = cluster_list(count),
            .machine = machine_hashmap(),
            .heartbeat_ms = HEARTBEAT_MS,
            .election_timeout_ms = ELECTION_MS,
            .cache_bytes = 1024 * 1024,
            .queued_bytes_max = 1024 * 1024,
            .queued_commands_max = 1000,
            .snapshot_entries = 1000000, /* None by themselves, unless a test wants them. */
        };
        cluster_blank_disk(cluster, i);
    }
    return cluster;
}

static inline void cluster_start(struct cluster *cluster, size_t at) {
    struct member *member = &cluster->members[at];
    ck_assert_ptr_null(member->node);
    member->life++;
    member->dying = false;
    member->hold_writes = member->hold_reads = member->paused = false;
    member->hold_jobs = member->hold_long = member->hold_ends = false;
    member->options.seed = cluster_draw(cluster, CLUSTER_NODES, UINT64_MAX);
    struct node_io io = {
        .transport = {.context = member, .send = network_send},
        .disk = {.context = member, .write = disk_write, .read = disk_read, .run = disk_run},
        .snapshots = member->snapshots,
        .reply = network_reply,
        .reply_context = member,
        .random = fill_random,
        .random_context = member,
        /* CLUSTER_LOG=1 in the environment shows what the nodes decide. */
        .diagnostics = getenv("CLUSTER_LOG") == NULL ? NULL : &member->diagnostics,
    };
    member->diagnostics = (struct diagnostics){.descriptor = 2, .node_id = at + 1};
    struct storage_message message;
    member->node = node_create(&member->options, &io, member->storage, member_now_ms(member), &message);
    ck_assert_msg(member->node != NULL, "%s", message.text);
    CLUSTER_TELL(cluster, "node %zu starts", at + 1);
}

/* Ends the node. Nobody hears of it: writes under way are lost, and so is everything it says from now on. The way out is
 * node_shut_down, so that every waiting client is found to be answered exactly once. */
static inline void cluster_kill(struct cluster *cluster, size_t at) {
    struct member *member = &cluster->members[at];
    ck_assert_ptr_nonnull(member->node);
    member->dying = true;
    uint64_t now_ms = member_now_ms(member);
    CLUSTER_TELL(cluster, "node %zu dies", at + 1);
    node_shut_down(member->node);
    node_turn(member->node, now_ms);
    node_tick(member->node, now_ms + NODE_SHUT_DOWN_GRACE_MS);
    node_turn(member->node, now_ms + NODE_SHUT_DOWN_GRACE_MS);
    while (member->run_count > 0) {
        disk_end_run(member, &member->runs[0]);
    }
    node_destroy(member->node);
    member->node = NULL;
    while (member->write_count > 0) {
        disk_drop_write(member, 0);
    }
    member->read_count = 0;
    network_member_died(cluster, at);
}

static inline void cluster_restart(struct cluster *cluster, size_t at) {
    cluster_kill(cluster, at);
    cluster_start(cluster, at);
}

static inline void cluster_start_all(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->count; i++) {
        cluster_start(cluster, i);
    }
}

/* -- The loop -- */

/* Disk operations of this member that are due. Answers whether there were any. */
static inline bool member_run_disk(struct member *member) {
    bool any = false;
    uint64_t now_ms = member->cluster->now_ms;
    while (disk_may_write(member) && member->writes[0].due_ms <= now_ms) {
        disk_finish_write(member);
        any = true;
    }
    while (member->read_count > 0 && !member->hold_reads && member->reads[0].due_ms <= now_ms) {
        disk_finish_read(member);
        any = true;
    }
    struct disk_run *run;
    while ((run = disk_next_run(member)) != NULL && run->due_ms <= now_ms) {
        disk_step_run(member, run);
        any = true;
    }
    return any;
}

/* It runs, and does not stand still. */
static inline bool member_is_up(const struct member *member) {
    return member->node != NULL && !member->paused;
}

/* Everything that can happen now happens, each node's loop as the reactor's: tick, gather, turn. */
static inline void cluster_settle(struct cluster *cluster) {
    unsigned idle_turns = 0;
    for (unsigned turns = 0;; turns++) {
        if (turns >= TURNS_MAX) {
            CLUSTER_STUCK("the cluster does not come to rest");
        }
        bool moved = false;
        bool turned = false;
        bool due[CLUSTER_MAX] = {false};
        for (size_t i = 0; i < cluster->count; i++) {
            struct member *member = &cluster->members[i];
            if (member_is_up(member)) {
                uint64_t now_ms = member_now_ms(member);
                due[i] = node_next_deadline_ms(member->node) <= now_ms;
                node_tick(member->node, now_ms);
            }
        }
        moved = network_deliver(cluster);
        for (size_t i = 0; i < cluster->count; i++) {
            struct member *member = &cluster->members[i];
            if (member_is_up(member) && member_run_disk(member)) {
                moved = true;
            }
            if (member_is_up(member) && (due[i] || node_has_work(member->node))) {
                node_turn(member->node, member_now_ms(member));
                turned = true;
                if (cluster->turned != NULL) {
                    cluster->turned(cluster->turned_context, member);
                }
            }
        }
        if (!moved && !turned) {
            return;
        }
        idle_turns = moved ? 0 : idle_turns + 1;
        if (idle_turns >= IDLE_TURNS_MAX) {
            CLUSTER_STUCK("a node turns without anything to do");
        }
    }
}

static inline uint64_t member_next_ms(const struct member *member) {
    uint64_t next = member_when_ms(member, node_next_deadline_ms(member->node));
    if (disk_may_write(member) && member->writes[0].due_ms < next) {
        next = member->writes[0].due_ms;
    }
    if (member->read_count > 0 && !member->hold_reads && member->reads[0].due_ms < next) {
        next = member->reads[0].due_ms;
    }
    const struct disk_run *run = disk_next_run(member);
    if (run != NULL && run->due_ms < next) {
        next = run->due_ms;
    }
    return next;
}

/* Time passes, from one thing that is due to the next. */
static inline void cluster_run(struct cluster *cluster, uint64_t ms) {
    uint64_t end = cluster->now_ms + ms;
    cluster_settle(cluster);
    while (cluster->now_ms < end) {
        uint64_t next = network_next_ms(cluster);
        for (size_t i = 0; i < cluster->count; i++) {
            if (member_is_up(&cluster->members[i])) {
                uint64_t of_member = member_next_ms(&cluster->members[i]);
                next = of_member < next ? of_member : next;
            }
        }
        cluster->now_ms = next > end ? end : next > cluster->now_ms ? next : cluster->now_ms + 1;
        cluster_settle(cluster);
    }
}

/* Runs until `reached` says so; false: not within `ms`. */
static inline bool cluster_run_until(struct cluster *cluster, bool (*reached)(struct cluster *cluster), uint64_t ms) {
    uint64_t end = cluster->now_ms + ms;
    cluster_settle(cluster);
    while (!reached(cluster)) {
        if (cluster->now_ms >= end) {
            return false;
        }
        cluster_run(cluster, 1);
    }
    return true;
}

/* -- Looking -- */

static inline struct node *cluster_node(struct cluster *cluster, size_t at) {
    ck_assert_ptr_nonnull(cluster->members[at].node);
    return cluster->members[at].node;
}

static inline struct node_status cluster_status(struct cluster *cluster, size_t at) {
    struct node_status status;
    node_status(cluster_node(cluster, at), &status);
    return status;
}

/* The member that leads the latest term; CLUSTER_MAX: none. */
static inline size_t cluster_leader(const struct cluster *cluster) {
    size_t leader = CLUSTER_MAX;
    raft_term term = 0;
    for (size_t i = 0; i < cluster->count; i++) {
        const struct node *node = cluster->members[i].node;
        if (node != NULL && node_is_leader(node) && raft_current_term(node->core) > term) {
            leader = i;
            term = raft_current_term(node->core);
        }
    }
    return leader;
}

/* A leader that has committed in its term, and everybody who runs knows it. */
static inline bool cluster_is_led(struct cluster *cluster) {
    size_t leader = cluster_leader(cluster);
    if (leader == CLUSTER_MAX || !cluster_status(cluster, leader).raft.has_committed_in_term) {
        return false;
    }
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i].node != NULL && node_leader(cluster->members[i].node) != leader + 1) {
            return false;
        }
    }
    return true;
}

static inline size_t cluster_await_leader(struct cluster *cluster) {
    if (!cluster_run_until(cluster, cluster_is_led, 30000)) {
        CLUSTER_STUCK("no leader");
    }
    return cluster_leader(cluster);
}

/* Starts all, forms the cluster and answers the leader. */
static inline size_t cluster_form(struct cluster *cluster) {
    cluster_start_all(cluster);
    return cluster_await_leader(cluster);
}

/* Some member that is not `other`. */
static inline size_t cluster_other(const struct cluster *cluster, size_t other) {
    return (other + 1) % cluster->count;
}

/* Sets a fault for everything between `at` and all others, both ways. */
static inline void cluster_set_around(struct cluster *cluster, bool faults[CLUSTER_MAX][CLUSTER_MAX], size_t at, bool on) {
    for (size_t i = 0; i < cluster->count; i++) {
        if (i != at) {
            faults[at][i] = faults[i][at] = on;
        }
    }
}

#include "cluster_clients.h"

/* Ends all nodes and checks that everybody was answered exactly once. */
static inline void cluster_destroy(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i].node != NULL) {
            cluster_kill(cluster, i);
        }
    }
    clients_check_and_free(cluster);
    network_clear(cluster);
    for (size_t i = 0; i < cluster->count; i++) {
        storage_close(cluster->members[i].storage);
        snapshot_directory_close(cluster->members[i].snapshots);
        free(cluster->members[i].writes);
        free(cluster->members[i].reads);
        free(cluster->members[i].runs);
    }
    free(cluster);
}

#endif
