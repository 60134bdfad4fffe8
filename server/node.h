/* One server of a cluster: the only place where the consensus module's actions become I/O. The way of one proposal (README)
 * runs through here: node_propose -> raft -> transport and disk side by side -> commit -> machine -> done.
 *
 * Model. The node owns the consensus module, the machine's state, the cache of recent entries, and everybody who waits:
 * proposals, queries, reads of the log, peers' requests. It is driven by one loop: node_tick begins a turn, calls below
 * gather what happened, node_turn then steps the module, performs its actions once and answers who can be answered.
 * Network, disk and time come in through `struct node_io` and the `now_ms` of calls, so that a simulator can stand in for
 * all three. It has no HTTP and no Raft logic of its own.
 *
 * Before a cluster is formed (server/formation) the node waits: it answers peers' probes, status and stale-free health, and
 * holds proposals and queries until their time is over.
 *
 * Memory. The node takes one reference of each body it is handed and drops it when done. Callbacks' arguments are borrowed
 * for the call. Callbacks run inside node_turn (those of node_read_log and node_watch also inside
 * node_entries_read), never inside the
 * call that asked; they may call node functions except node_turn and node_destroy.
 *
 * Threads: the reactor's only.
 */
#ifndef RAFTD_NODE_H
#define RAFTD_NODE_H

#include "server/change.h"
#include "server/chronicle.h"
#include "server/diagnostics.h"
#include "server/disk.h"
#include "server/machine/machine.h"
#include "server/measures.h"
#include "server/members.h"
#include "server/message.h"
#include "server/problem.h"
#include "server/transport.h"
#include "storage/snapshot_file.h"

struct node;

/* Limits, all named, documented in the README and tested at their edge. */
enum {
    NODE_TIMEOUT_DEFAULT_MS = 5000,
    NODE_TIMEOUT_MAX_MS = 60000,
    NODE_LOG_LIMIT_DEFAULT = 100, /* Entries in one answer of /v1/log. */
    NODE_LOG_LIMIT_MAX = 1000,
    NODE_BATCH_ENTRIES_MAX = 4096
};

/* A cluster founded on another's state, whose --cluster list is not in yet (server/intake.h). */
enum node_intake {
    NODE_INTAKE_NONE,
    NODE_INTAKE_RESTORED, /* From a backup: no command before all are in. */
    NODE_INTAKE_RECOVERED /* From a lost majority's survivor: it serves alone meanwhile. */
};

struct node_options {
    raft_node_id id;
    const char *url; /* --advertise. Borrowed for the node's life, like all pointers here. */
    const char *client_url;
    struct members cluster;  /* The --cluster list; of a node alone: itself; with --join empty. */
    const char *join_url;    /* --join; NULL: none. Counts on a blank disk only. */
    uint32_t expect;         /* --expect: so many found a cluster that find each other (server/discovery.h), */
    const char *discover;    /* under this name, for messages. 0: --cluster lists them; else that is empty at first. */
    bool learner;            /* --learner: joins to stay one. */
    bool replace;            /* --replace: takes the place of the node of this id that lost its disk. */
    enum node_intake intake; /* Whether the list is still to be taken in. */
    const struct machine *machine;
    uint32_t heartbeat_ms;
    uint32_t election_timeout_ms;
    uint64_t seed;             /* Of election time-outs and of the cluster id. */
    uint64_t cache_bytes;      /* Recent entries kept in memory once they are on disk and applied (entry_cache.h). */
    uint64_t queued_bytes_max; /* Commands proposed here and not yet answered; beyond: 429 overloaded. */
    uint32_t queued_commands_max;
    uint64_t snapshot_entries; /* At least 1. A snapshot is due after so many (server/snapshots.h). */
    uint32_t batch_entries;    /* In one AppendEntries; 0: NODE_BATCH_ENTRIES_MAX, which is the most. */
    uint32_t piece_bytes;      /* Of a snapshot in one request; 0: MESSAGE_CHUNK_BYTES_MAX, which is the most. */
};

struct node_io {
    struct transport transport;
    struct disk disk;
    /* Where snapshots lie; opened with the one that the store names. Outlives the node, like everything here. */
    struct snapshot_directory *snapshots;
    /* Answers a peer's request that came in by node_receive. Borrowed for the call. */
    void (*reply)(void *context, uint64_t ticket, const struct message_answer *answer);
    void *reply_context;
    const struct diagnostics *diagnostics; /* NULL: silent. */
    /* Fills `bytes` with what nobody can guess (cluster id). Tests and the simulator bring a seeded one. */
    void (*random)(void *context, void *bytes, size_t size);
    void *random_context;
    /* Microseconds on a clock that only runs forward, never 0; for what is measured, and for nothing else. NULL: nothing is
     * measured. */
    uint64_t (*clock_us)(void *context);
    void *clock_context;
};

/* `storage` has been opened; what it holds decides whether the node waits to form or goes on. It is read during the call,
 * state and exactly-once table come from the snapshot that it names; afterwards it is only compacted, by jobs of io.disk
 * (all other access is the disk's own). NULL: the store's contents make no sense together, or the snapshot is damaged or of
 * another machine (sentence in `out_message`). */
struct node *node_create(const struct node_options *options, const struct node_io *io, struct storage *storage,
                         uint64_t now_ms, struct storage_message *out_message);
void node_destroy(struct node *node); /* NULL is a no-op. Everybody must have been answered (node_shut_down). */

/* -- The loop -- */

/* Begins a turn: the time is now. Call it after waiting, before anything that came meanwhile is handed in: promises to a
 * leader are counted from this time. */
void node_tick(struct node *node, uint64_t now_ms);
/* Ends it: steps the consensus module with all that was gathered and performs its actions once. The time is read anew,
 * after the last query was handed in: leases are judged by it. */
void node_turn(struct node *node, uint64_t now_ms);
/* When node_turn should run next if nothing happens before. */
uint64_t node_next_deadline_ms(const struct node *node);
/* True: something was gathered that node_turn has not seen yet. */
bool node_has_work(const struct node *node);

/* -- From disk and network -- */

void node_written(struct node *node, uint64_t number);
/* What the disk has room for, all writes reported so far included. Never told: for everything. */
void node_room(struct node *node, const struct storage_room *room);
void node_entries_read(struct node *node, uint64_t token, struct raft_entry *entries, size_t count,
                       struct buffer *buffer); /* Takes over the array and the reference. */
/* The end of a transport.send. `answer` is borrowed and NULL unless answered; `why` is a few words ("connection refused"),
 * never NULL. */
void node_answered(struct node *node, uint64_t token, enum transport_end end, const struct message_answer *answer,
                   struct buffer *body, const char *why);
/* A peer's request; io.reply answers it exactly once with `ticket` (never 0). Borrowed: what is needed longer is copied or
 * retained (`body`). */
void node_receive(struct node *node, const struct message_request *request, struct buffer *body, uint64_t ticket);
/* The last connection on which that peer asked was closed, by its end and not by ours. */
void node_peer_gone(struct node *node, raft_node_id id);

/* -- From clients. Every call is answered exactly once by its callback, at the latest at its time-out, unless it is
 * cancelled. -- */

/* The end of a batch of commands: one line for each, in order. */
typedef void (*node_propose_done)(void *context, const struct message_line *lines, size_t count);

/* Commands (each one scanned JSON value inside `body`; checked by the machine with node_check) to be appended in order. Any
 * role: a follower passes them to the leader, unless `forward` is false; without a leader they are held. Answers a ticket
 * for node_cancel. */
uint64_t node_propose(struct node *node, struct buffer *body, const struct json_span *commands, size_t count,
                      uint32_t timeout_ms, bool forward, node_propose_done done, void *context);

/* What makes a retry known (§6.3): a session and a number in it, or an idempotency key; neither 0 nor both. */
struct node_origin {
    uint64_t session;
    uint64_t sequence;
    const char *key; /* Good by origin_is_key; borrowed for the call. */
    size_t key_size;
};

/* Would a command of so many bytes find room, when so many more are on their way to node_propose? So that a large body need
 * not be read in vain. */
bool node_has_room(const struct node *node, uint64_t bytes, uint64_t coming);

/* One command that is applied once however often it is sent: a retry is answered with the first answer, `duplicate`. */
uint64_t node_propose_once(struct node *node, struct buffer *body, struct json_span command,
                           const struct node_origin *origin, uint32_t timeout_ms, bool forward, node_propose_done done,
                           void *context);

/* Opens a session, named by the index of its line, or (`session` not 0) closes one: session_expired when there is none. */
uint64_t node_change_session(struct node *node, uint64_t session, uint32_t timeout_ms, bool forward, node_propose_done done,
                             void *context);

/* Would the machine take this command? False: `out_problem` is invalid_command with the machine's sentence. */
bool node_check(const struct node *node, struct json_span command, struct problem *out_problem);

enum node_consistency {
    NODE_LINEARIZABLE,
    NODE_LEASE, /* The same while clocks drift apart by no more than raft.h allows; without a round of heartbeats (§6.4.1).
                 */
    NODE_STALE
};

struct node_query_answer {
    struct problem problem; /* PROBLEM_NONE: done. */
    raft_index index;       /* Applied when the query was answered. */
    raft_term term;         /* Of the entry at index. */
    struct json_span result;
};
typedef void (*node_query_done)(void *context, const struct node_query_answer *answer);

uint64_t node_query(struct node *node, struct buffer *body, struct json_span query, enum node_consistency consistency,
                    raft_index min_index, uint32_t timeout_ms, bool forward, node_query_done done, void *context);

/* The last applied proposal of a session, read like a linearizable query: the result is the object
 * {"session","seq","index","term","result"} ("result_omitted":true when it was not kept), before the first one
 * {"session","seq":0}. session_expired: there is no such session. */
uint64_t node_read_session(struct node *node, uint64_t session, uint32_t timeout_ms, bool forward, node_query_done done,
                           void *context);

struct node_log_answer {
    struct problem problem;
    raft_index first_index;
    raft_index last_index;
    raft_index commit_index;
    const struct raft_entry *entries;
    size_t count;
};
typedef void (*node_log_done)(void *context, const struct node_log_answer *answer);

/* Entries from `from` (0: the first that is kept) on, at most `limit`, uncommitted ones included; fewer when they are
 * large. */
uint64_t node_read_log(struct node *node, raft_index from, size_t limit, node_log_done done, void *context);

struct node_transfer_answer {
    struct problem problem; /* PROBLEM_NONE: done. */
    raft_node_id leader;    /* Who leads now, */
    raft_term term;         /* and in which term. */
};
typedef void (*node_transfer_done)(void *context, const struct node_transfer_answer *answer);

/* Hands leadership over to the voter `to`, 0: to the one whose log is the furthest (§3.10). Any role: a follower asks the
 * leader, unless `forward` is false. Meanwhile the leader holds what is proposed to it. */
uint64_t node_transfer(struct node *node, raft_node_id to, uint32_t timeout_ms, bool forward, node_transfer_done done,
                       void *context);

struct node_change_answer {
    struct problem problem; /* PROBLEM_NONE: done. */
    raft_index index;       /* Of the configuration that says so, committed. */
    struct members members;
};
typedef void (*node_change_done)(void *context, const struct node_change_answer *answer);

/* Changes who the members are (ch. 4). Any role: a follower asks the leader, unless `forward` is false. Answers when the
 * new configuration is committed. One change at a time: another one meanwhile is change_in_progress. */
uint64_t node_change(struct node *node, const struct change *change, uint32_t timeout_ms, bool forward,
                     node_change_done done, void *context);

struct node_snapshot_answer {
    struct problem problem; /* PROBLEM_NONE: done. */
    struct storage_snapshot snapshot;
    struct snapshot_file *file; /* The callback's to close, if it was asked for; else NULL. */
};
typedef void (*node_snapshot_done)(void *context, const struct node_snapshot_answer *answer);

/* A snapshot of this node that covers what it has applied now: taken, unless there is one; done when it counts. `open`: its
 * file as well, checked. */
uint64_t node_snapshot(struct node *node, bool open, uint32_t timeout_ms, node_snapshot_done done, void *context);

/* Whom a watch's commands go to. */
struct node_watcher {
    void *context;
    /* The watch has begun; the first command will have index `next` or a higher one. */
    void (*opened)(void *context, raft_index next);
    /* The next committed command, applied here. False: it was taken, but there is no room for more; none come until
     * node_watch_resume. */
    bool (*command)(void *context, const struct raft_entry *entry);
    /* No more will come: the log no longer has what is next (compacted, `first_index` says where it begins; 0 otherwise),
     * the node waits to form (not_ready) or ends (shutting_down). Without `opened` before, the watch never began. */
    void (*ended)(void *context, const struct problem *problem, raft_index first_index);
};

/* Every committed command from `from` on, in order and without gaps, for as long as the watcher likes; 0: those after what
 * is applied when the watch begins. Any role, with or without a leader; a `from` beyond the log's end waits. No-ops and
 * configurations are passed over. Ends by `ended` or by node_cancel, after either of which no callback is called. */
uint64_t node_watch(struct node *node, raft_index from, const struct node_watcher *watcher);
/* There is room again. Not from inside the callbacks. */
void node_watch_resume(struct node *node, uint64_t ticket);

/* The client is gone: its callback will not be called. What it proposed goes on. Unknown tickets are ignored. */
void node_cancel(struct node *node, uint64_t ticket);

/* -- Looking -- */

enum node_role { NODE_LEADER, NODE_FOLLOWER, NODE_CANDIDATE, NODE_PRE_CANDIDATE, NODE_LEARNER, NODE_WAITING, NODE_REMOVED };
const char *node_role_name(enum node_role role);

struct node_waiting {
    raft_node_id id;
    char url[MEMBERS_URL_SIZE];
    char why[PROBLEM_DETAIL_SIZE];
};

/* The entries from index `from` on, up to the next run or the end of the log, are of one term. */
struct node_term_run {
    raft_index from;
    raft_term term;
};
enum { NODE_TERM_RUNS_MAX = 32 };

struct node_disk_status {
    uint64_t oldest_write_ms; /* How long the oldest unfinished write has taken so far; 0: there is none. */
    size_t writes_waiting;    /* Unfinished ones, */
    uint64_t bytes_waiting;   /* and their bytes, about. */
    bool stalled;             /* It took an election time-out: this node does not lead other voters now. */
    uint64_t free_bytes;      /* On the file system; UINT64_MAX: unknown. */
    bool full;                /* There is no room for commands. */
};

struct node_status {
    raft_node_id id;
    enum node_role role;
    char incarnation[STORAGE_INCARNATION_SIZE + 1];
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1]; /* Empty: waiting. */
    struct raft_status raft;                      /* Zeroed while waiting. */
    int snapshot_percent[RAFT_MEMBERS_MAX];       /* As raft.peers: how much of a snapshot each has; -1: it gets none. */
    raft_index applied_index;
    raft_term applied_term;
    size_t log_term_count; /* The newest runs of terms in the log, oldest first. */
    struct node_term_run log_terms[NODE_TERM_RUNS_MAX];
    size_t commands_waiting; /* Proposed here and not answered, */
    uint64_t bytes_waiting;  /* and their bytes. */
    size_t queries_waiting;
    size_t watches;
    size_t calls;            /* Requests to other nodes that have no answer yet. */
    uint64_t leader_changes; /* In this life: how often there was a leader, or another one, */
    uint64_t elections;      /* and how often this node stood for election. */
    uint64_t events;         /* Noted so far, of node_events. */
    uint64_t sessions;       /* In memory: what is over may still count. */
    uint64_t keys;
    struct storage_snapshot snapshot; /* The one that counts; length 0: none yet. */
    uint64_t snapshots_taken;         /* In this life, here. */
    uint64_t snapshots_failed;
    uint64_t snapshots_installed;  /* From a leader. */
    uint64_t snapshot_duration_ms; /* Of the last one. */
    struct members members;        /* Empty while waiting. */
    raft_index members_index;
    size_t waiting_count;
    struct node_waiting waiting[RAFT_MEMBERS_MAX];
    struct node_disk_status disk;
    struct state_hash_report state_hash; /* The newest report; index 0: none yet. */
    raft_index diverged_since;           /* This node's state differs from the majority's; 0: not that it knows. */
    bool divergence_alarm;               /* It leads, and no majority of voters agrees on the state. */
};
void node_status(const struct node *node, struct node_status *out_status);

/* Borrowed until the next turn. */
const struct measures *node_measures(const struct node *node);

/* What happened to this node in the last hour, oldest first; answers how many, and the node's time. */
size_t node_events(const struct node *node, struct chronicle_event out_events[CHRONICLE_EVENTS_MAX], uint64_t *out_now_ms);

/* For the headers of every answer. */
struct node_brief {
    const char *cluster_id; /* Borrowed until the next turn; empty: outside a cluster. */
    raft_node_id id;
    raft_node_id leader;
    raft_term term;
    raft_index applied_index;
};
void node_brief(const struct node *node, struct node_brief *out_brief);

/* True when a leader is known and everything committed when this node started is applied; else a sentence in `out_why`. */
bool node_ready(const struct node *node, char *out_why, size_t why_size);

/* The event after the first `*inout_count` that were noted, which is counted then; those that are not kept any more are
 * passed over. False: there is none. */
bool node_event(const struct node *node, uint64_t *inout_count, struct chronicle_event *out_event);

/* -- Finding others under one name (server/discovery.h) -- */

/* The name is to be looked up now; asked again, not before DISCOVERY_LOOKUP_MS have passed. */
bool node_searches(struct node *node);
/* What the name stands for, this node's own place among them; or a sentence why that is not known (else empty). */
void node_found(struct node *node, const char *const *urls, size_t count, const char *why);

/* Restored or recovered, and not all of the list vote yet. Once false it stays so. */
bool node_is_taking_in(const struct node *node);

/* The URL of member `id`, from the configuration or the --cluster list; NULL when unknown. */
const char *node_member_url(const struct node *node, raft_node_id id);

/* -- The end -- */

/* Refuses with shutting_down what is queued here and what comes from now on. What is in a log, or with the leader, has
 * NODE_SHUT_DOWN_GRACE_MS to get its answer in later turns; after that it is shutting_down with an unknown outcome. A
 * leader hands over (§3.10). */
void node_shut_down(struct node *node);
/* After node_shut_down: leadership is handed over and what was proposed under it has its answer, or neither will be. Until
 * then other nodes must be able to reach this one. */
bool node_may_end(const struct node *node);

#endif
