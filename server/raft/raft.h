/* The Raft consensus module: decides what a replicated log contains. Ongaro, *Consensus: Bridging Theory and Practice* (§
 * below).
 *
 * The model. The module is pure: it does no I/O, reads no clock, starts no thread, has no global and no randomness but its
 * seed. Its host (server/node) tells it what happened, in a turn of its loop as often as it likes:
 *
 *     raft_tick       the time is now ...
 *     raft_receive    this request or answer came from another server
 *     raft_send_failed  that request of yours will get no answer
 *     raft_propose    append these commands                         (leader)
 *     raft_read       from which index on may this query be read?   (leader, §6.4)
 *     raft_transfer   hand leadership over                          (leader, §3.10)
 *     raft_change     begin to change who the servers are           (leader, ch. 4)
 *     raft_compact    a snapshot makes the log up to here superfluous
 *     raft_install    a snapshot from the leader takes the log's place
 *     raft_persisted  write number N and all before it are on disk
 *
 * and then takes the actions of the whole turn at once with raft_take_actions and performs them in five steps:
 *
 *     1. send every message whose `after_write` is on disk already (0 always is), keep the others until it is;
 *     2. hand hard state, truncation, compaction, replacement and entries to the disk as write `write`, one atomic synced
 * batch, in order of numbers;
 *     3. apply the log up to `commit_index`, in order;
 *     4. answer the reads;
 *     5. if a configuration is due, encode it and hand it in by raft_propose.
 *
 * The same inputs in the same order give the same actions, byte for byte.
 *
 * Writes are numbered 1, 2, 3, ... and "persisted" names a write, not an index: an index can be written, truncated and
 * written again, and counts as on disk only when the newest write that touched it is done. Votes, append answers and this
 * server's own match index rest on that (§3.8). AppendEntries leave before the leader's own disk has the entries (§10.2.1).
 *
 * Requests and answers. Every request carries a `round`, unique in the life of its sender; its answer echoes it. The
 * host owes each request exactly one end: its answer by raft_receive, or raft_send_failed (time-out included).
 * Answers to unknown rounds change nothing but the term, if theirs is later. A request may be delivered late, twice or
 * never, and overtake others. An inbound request carries the host's `ticket`, which comes back on the answer to it.
 *
 * Payloads. The module keeps a small record per entry (term, type, size), never its bytes. Entries go in with bytes
 * (raft_propose, raft_receive) and come out once, in `entries` of the next actions, for the host to keep. Outgoing
 * AppendEntries name the range of indexes (`prev`, `entry_count`); the host fills in the bytes. If it finds that an index
 * of the range no longer has the term that raft_term_at tells, the message is stale: drop it and call raft_send_failed.
 *
 * Snapshots (ch. 5). The module keeps the log from its base on: {base} is the last entry that was compacted away, whose
 * term is still known. What a snapshot holds, how it is written and how its bytes travel is the host's. The module decides
 * when a follower needs one (it asks for entries at or before the base): it says so once by RAFT_INSTALL_SNAPSHOT and the
 * host then sends whichever snapshot it has, in its own time; heartbeats go on beside it. A heartbeat to a follower whose
 * match is compacted has prev {0,0}: it says nothing of the log.
 *
 * Membership (ch. 4). The module decides which configuration comes next and when it may be appended; the host encodes it
 * (URLs and incarnations are its own) and hands it in as an entry. A leader tells servers that a configuration leaves out
 * that it is committed, for an election time-out at most: AppendEntries then go to servers that are no members any more. A
 * host that no longer knows where they are calls raft_send_failed.
 *
 * Memory. Entries' bytes are counted buffers (server/base/buffer.h). Inputs are borrowed for the call; what the module
 * keeps until the next actions, it retains. What raft_take_actions answers is borrowed until the next call of any function
 * with this `raft`. Out of memory aborts.
 *
 * Threads. One thread at a time per `struct raft`; any number of instances.
 *
 * Time. Milliseconds of one monotonic clock, never going back. No input reads `now` but raft_tick: call it first in a turn.
 *
 * As a library. libraft is this module and nothing else: installed as <raftd/raft.h> and <raftd/raft_buffer.h>, for C11 and
 * C++, linked by `pkg-config --libs libraft`. A struct may get members, and an enum values, only with another number in
 * the library's name; functions may be added. examples/three_cores.c is a whole host in a hundred lines.
 *
 * Errors. Input from other servers is checked: what makes no sense is ignored and traced. Breaking the rules of this header
 * is an assertion failure.
 */
#ifndef RAFT_H
#define RAFT_H

#include "server/base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* raft_status and raft_role are types and functions, as stat is. */
#endif
#pragma GCC visibility push(default) /* Of libraft nothing else is seen. */

typedef uint64_t raft_node_id; /* 1..RAFT_NUMBER_MAX; 0 means none. */
typedef uint64_t raft_term;    /* 0 before the first election. */
typedef uint64_t raft_index;   /* The first entry has index 1; 0 means before it. */
typedef uint64_t raft_round;   /* Names a request; unique in its sender's life, 0 means none. */
typedef uint64_t raft_write;   /* Names a write to disk; 0 means none. */

/* The largest id, term and index: what a JSON number carries exactly. */
#define RAFT_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

enum {
    RAFT_MEMBERS_MAX = 31,            /* Servers in a configuration. */
    RAFT_IN_FLIGHT_MAX = 16,          /* The largest max_in_flight. */
    RAFT_HEARTBEATS_IN_FLIGHT = 2,    /* Unanswered heartbeats per follower, besides max_in_flight. */
    RAFT_LEASE_DRIFT_PERCENT = 10,    /* How much shorter than promised a lease is taken. */
    RAFT_CATCH_UP_SILENCE_MS = 10000, /* A new voter that makes no progress for so long is given up (§4.2.1). */
    RAFT_CATCH_UP_ROUNDS_MAX = 100,   /* So is one that needs more rounds than this. */
    RAFT_TERM_JUMP_MAX = 1000000 /* A request whose term is further ahead than this is not believed (hosts refuse it). */
};

/* Where an entry stands: (index, term) names its contents too (log matching, §3.5). {0,0} is before the first entry. */
struct raft_entry_id {
    raft_index index;
    raft_term term;
};

enum raft_entry_type {
    RAFT_COMMAND = 1,       /* For the state machine. */
    RAFT_NOOP = 2,          /* The first entry of a leader's term (§6.4 step 1; lets older entries commit, §3.6.2). */
    RAFT_CONFIGURATION = 3, /* Who the servers are (ch. 4). In effect as soon as it is in the log. */
    RAFT_SESSION = 4        /* Opens or closes a client's session (§6.3): for the host, like a command. */
};

/* The servers of a cluster by id. Voters count for elections and commitment; learners only receive the log (§4.2.1).
 *
 * Joint consensus (§4.3): while `outgoing` is not empty, decisions need a majority of `voters` and one of `outgoing`, the
 * voters that were.
 *
 * A change whose new voters still have to catch up stands in the configuration, so that any later leader goes on with it:
 * `next_voters` is then not empty and with `next_learners` says where it leads; `joining` are those learners that this
 * change brought, and takes away again if it is given up.
 *
 * A joint configuration says in the same lists where it leads: next_voters are its voters, next_learners the learners there
 * will be. A voter that becomes a learner is in outgoing and in next_learners meanwhile. */
struct raft_configuration {
    size_t voter_count;
    size_t learner_count;
    size_t outgoing_count;
    size_t next_voter_count;
    size_t next_learner_count;
    size_t joining_count;
    raft_node_id voters[RAFT_MEMBERS_MAX];   /* The first voter_count, ascending; so the others. */
    raft_node_id learners[RAFT_MEMBERS_MAX]; /* No server is both a voter and a learner, or both outgoing and a learner. */
    raft_node_id outgoing[RAFT_MEMBERS_MAX];
    raft_node_id next_voters[RAFT_MEMBERS_MAX];   /* Each one a voter or a learner now. */
    raft_node_id next_learners[RAFT_MEMBERS_MAX]; /* In one of the first three lists now. */
    raft_node_id joining[RAFT_MEMBERS_MAX];       /* Learners. */
};

struct raft_entry {
    struct raft_entry_id id;
    enum raft_entry_type type;
    uint32_t size;                                  /* Bytes at data. */
    const char *data;                               /* Inside `buffer`; opaque to this module. */
    struct buffer *buffer;                          /* What keeps `data` and `key` alive; NULL when there are none. */
    const struct raft_configuration *configuration; /* Of a RAFT_CONFIGURATION entry going in: decoded by the host, borrowed
                                                       for the call. NULL otherwise, and in actions. */
    /* The host's, kept and replicated with the entry, opaque to this module (§6.3). Of a no-op or configuration 0. */
    uint64_t time_ms; /* Cluster time. */
    uint64_t
        session; /* Of a command: the session it belongs to, 0 for none. Of a RAFT_SESSION: the one to close, 0: open. */
    uint64_t sequence; /* In that session; 0: none. */
    const char *key;   /* Idempotency key as a JSON string, quotes included, inside `buffer`; NULL: none. */
    uint32_t key_size; /* Bytes at key. */
};

/* What must never be forgotten (§3.8, Figure 3.1 "persistent state"). Both are on disk before anything rests on them. */
struct raft_hard_state {
    raft_term term;
    raft_node_id voted_for; /* In `term`; 0 for none. */
};

enum raft_role { RAFT_FOLLOWER, RAFT_PRE_CANDIDATE, RAFT_CANDIDATE, RAFT_LEADER };

/* -- Messages (Figure 3.1, §3.4-3.6, §9.6) -- */

enum raft_message_type {
    RAFT_REQUEST_VOTE,
    RAFT_VOTE_ANSWER,
    RAFT_APPEND_ENTRIES,
    RAFT_APPEND_ANSWER,
    RAFT_TIMEOUT_NOW, /* Request: campaign at once (§3.10). */
    RAFT_TIMEOUT_NOW_ANSWER,
    RAFT_INSTALL_SNAPSHOT, /* Request: going out, see raft_install_snapshot; coming in, one chunk of it has come. */
    RAFT_INSTALL_ANSWER
};

struct raft_request_vote {
    bool pre_vote; /* Would you vote for me in `term`? Changes nobody's state (§9.6). */
    bool transfer; /* The leader itself asked for this election: that it is alive is no reason to refuse (§3.10, §4.2.3). */
    struct raft_entry_id last_log;
};

struct raft_vote_answer {
    bool pre_vote; /* As asked. */
    bool vote_granted;
};

struct raft_append_entries {
    struct raft_entry_id prev;
    raft_index leader_commit;
    size_t entry_count;
    const struct raft_entry
        *entries; /* Inbound: entry_count of them, indexes prev+1 onwards. Outbound: NULL (see Payloads). */
};

struct raft_append_answer {
    bool success;
    uint32_t promise_ms;       /* For so long after this answer its sender votes for nobody but by a transfer (§6.4.1). */
    raft_index match_index;    /* On success: the follower's log equals the leader's up to here, on disk. */
    raft_term conflict_term;   /* On failure: the term of the follower's entry at prev, 0 when it has none there. */
    raft_index conflict_index; /* On failure: the first index of conflict_term, or one past the follower's last (§3.5). */
};

/* InstallSnapshot (Figure 5.3) has two halves. Going out it is one request per transfer: "`to` needs a snapshot". The host
 * chooses one whose index is not below the log's base, sends it in as many chunks and attempts as it likes, each carrying
 * this request's term, and ends it by an answer with the index that `to` has installed, or by raft_send_failed; then the
 * module asks again when it must, after a failure with the next heartbeat. A newer request to the same server takes the
 * place of an older one, whose end then changes nothing. A chunk's answer with a later term is handed in as an answer that
 * is not accepted.
 * Coming in, each chunk is one request, answered with whether this server takes it: it comes from the leader of its term.
 * Only then may the host keep the bytes; the time-out of elections begins anew. */
struct raft_install_answer {
    bool accepted;        /* Chunk: keep it. End of a transfer: it is installed. */
    raft_index installed; /* End of a transfer, inbound: the log and state of `from` equal ours up to here, on its disk: its
                             write that carries raft_install out is done. Where raft_install did nothing, the smaller of
                             the snapshot's index and raft_persisted_index. */
};

struct raft_message {
    enum raft_message_type type;
    raft_node_id from;
    raft_node_id to;
    raft_term term;         /* The sender's; of a pre-vote request the term it would campaign in; of an answer that grants a
                               pre-vote the same. */
    raft_round round;       /* Of a request: its own; of an answer: the request's. */
    uint64_t ticket;        /* Inbound request: the host's name for it. Answer going out: of the request it answers. */
    raft_write after_write; /* Outbound: not before this write is on disk; 0 means at once. */
    union {
        struct raft_request_vote request_vote;
        struct raft_vote_answer vote_answer;
        struct raft_append_entries append_entries;
        struct raft_append_answer append_answer;
        struct raft_install_answer install_answer;
    };
};

/* -- Life -- */

struct raft;

struct raft_options {
    raft_node_id id;
    uint64_t seed;                /* Of the random election time-outs. */
    uint32_t heartbeat_ms;        /* At least 1. */
    uint32_t election_timeout_ms; /* Drawn from 1 to 2 times this; at least 2 heartbeats. */
    uint32_t max_in_flight;       /* AppendEntries with entries on the way to one follower; 1..RAFT_IN_FLIGHT_MAX. */
    uint32_t max_batch_entries;   /* In one AppendEntries; at least 1. */
    uint32_t max_batch_bytes;     /* In one AppendEntries, unless its first entry alone is larger. */
    /* One line per decision, for people; NULL for none. `important` is false for what happens every round trip. */
    void (*trace)(void *context, bool important, const char *line);
    void *trace_context;
};

/* A server with an empty log, as `hard_state` and raft_restore_entry left it. It starts as a follower that knows no leader
 * and grants no vote for 1.5 heartbeats (it may have promised that to a leader before it stopped). `now_ms` is the first
 * time. */
struct raft *raft_create(const struct raft_options *options, struct raft_hard_state hard_state, uint64_t now_ms);
/* What a snapshot on this server's disk tells. */
struct raft_snapshot {
    struct raft_entry_id id;                        /* The last entry that it covers. Committed. */
    raft_index configuration_index;                 /* At most id.index; */
    const struct raft_configuration *configuration; /* as of id.index. Borrowed for the call. */
};

/* The log begins after `base`, which a snapshot covers (base.index <= snapshot->id.index). Once, before the entries, which
 * reach at least to the snapshot's. What the snapshot covers is committed. */
void raft_restore_snapshot(struct raft *raft, struct raft_entry_id base, const struct raft_snapshot *snapshot);
/* Appends an entry that is on disk already; in order of index, before any other input. Bytes are not needed. */
void raft_restore_entry(struct raft *raft, const struct raft_entry *entry);
void raft_destroy(struct raft *raft); /* NULL is a no-op. */

/* -- Inputs -- */

void raft_tick(struct raft *raft, uint64_t now_ms);
/* When raft_tick has something to do next, if nothing else happens. */
uint64_t raft_next_deadline_ms(const struct raft *raft);

/* Borrowed, entries included. A request is always answered by a message with its ticket, now or (AppendEntries that arrived
 * before their predecessors) a little later; of an answer whose round is unknown only the term
 * counts. */
void raft_receive(struct raft *raft, const struct raft_message *message);
void raft_send_failed(struct raft *raft, raft_node_id to, raft_round round);

/* Appends commands, in order, to the leader's log: type, bytes and buffer are given, the ids are filled in. Or, alone, a
 * configuration, the one that raft_change answered in this turn or that was due in the last actions. False, and nothing
 * happens, when raft_accepts does not, or when that configuration may not be appended any more; what is then due is said.
 * The commands may still be lost if the leader is deposed: entry (index, term) is committed when the host is told to apply
 * an entry with that id, and lost when it is told to apply another one there. */
bool raft_propose(struct raft *raft, struct raft_entry *entries, size_t count);
/* Whether it would take a command now: this server leads, hands leadership over to nobody, and is not on its way out of the
 * cluster (§4.2.2: a leader that the newest configuration leaves out goes on leading until that is committed; then it tells
 * another voter to campaign and is a follower that knows no leader). */
bool raft_accepts(const struct raft *raft);

/* Asks from which index on state is fresh for a query that arrived before this call. Answered in `reads` of some later
 * actions, after a majority has confirmed the leader by answering messages sent after this call. False: not the leader. */
bool raft_read(struct raft *raft, uint64_t ticket);

/* The same under the leader's lease (§6.4.1), without a round trip: answered in the next actions while a majority has
 * promised not to vote for anybody else; when the lease is over, like raft_read. Only as safe as the clocks: they may drift
 * apart by RAFT_LEASE_DRIFT_PERCENT of a promise. The time of the last raft_tick must be after the query arrived. */
bool raft_read_lease(struct raft *raft, uint64_t ticket);

/* Hands leadership to the voter `to` (§3.10); 0: to the one whose log is the furthest. From now on nothing is proposed;
 * when `to` has the whole log it is told to campaign at once. Given up after an election time-out. False, and nothing
 * happens: not the leader, a transfer is under way, `to` is no other voter, or nobody has been heard lately. */
bool raft_transfer(struct raft *raft, raft_node_id to);
/* To whom; 0: no transfer is under way. */
raft_node_id raft_transferring(const struct raft *raft);

void raft_persisted(struct raft *raft, raft_write write);

/* -- Snapshots (ch. 5) -- */

/* Forgets the entries up to `through`, the log's new base: a snapshot that covers them is on disk. `through` is at most the
 * commit index; what is not on this server's disk yet (raft_persisted_index) stays, so look at raft_base. No-op when not
 * above the base. This turn's actions carry it out. */
void raft_compact(struct raft *raft, raft_index through);
/* A whole, verified snapshot from the leader is on disk: takes it in the place of the log it covers (Figure 5.3). False,
 * and nothing happens: the commit index has reached it already, this server leads (then its log has it all), or it is of a
 * term later than any that was heard of. Else the commit index becomes its index, and where the log has that very entry,
 * what follows is kept (`compact_through`); otherwise all of the log goes (`replaced_by`).
 * The host's state must be the snapshot's before the next raft_take_actions. */
bool raft_install(struct raft *raft, const struct raft_snapshot *snapshot);
/* Some of a snapshot has arrived at `to`: while it makes progress a new voter is not given up (§4.2.1). */
void raft_snapshot_progress(struct raft *raft, raft_node_id to);

/* -- Membership (ch. 4) -- */

enum raft_change_verdict {
    RAFT_CHANGE_BEGUN, /* Append *out_first now, by raft_propose in this turn. */
    RAFT_CHANGE_NONE,  /* The configuration is that already. *out_first, the same ids, may be appended all the same, for
                          what else the host keeps in it. */
    RAFT_CHANGE_NOT_LEADER,  /* Or leadership is being handed over. */
    RAFT_CHANGE_NOT_YET,     /* No entry of this term is committed yet (the erratum of 2015 to §4.1): ask again. */
    RAFT_CHANGE_IN_PROGRESS, /* Another one is under way: uncommitted, catching up or joint. */
    RAFT_CHANGE_NO_MAJORITY, /* No majority of the voters it would lead to has been heard within an election time-out. */
    RAFT_CHANGE_TOO_MANY     /* The servers of both configurations together are more than RAFT_MEMBERS_MAX. */
};

/* Begins to go to exactly `target`'s voters (at least one) and learners; its other lists are empty, and no server is in
 * both. What is appended first, decided here: with new voters, they as learners that have to catch up (§4.2.1), unless they
 * are learners that have; else the target itself, when it is at most one voter away (§4.1); else the joint configuration
 * (§4.3). Servers that are new voters count as heard. The steps that follow come as `configuration_due`. */
enum raft_change_verdict raft_change(struct raft *raft, const struct raft_configuration *target,
                                     struct raft_configuration *out_first);

/* -- What the host notices -- */

/* `id` holds no connection to this server any more: its process has ended, probably. Or 0: nobody has been heard since this
 * server was started, and there may be no leader to wait for. A hint, never a proof. When it is the
 * leader that is followed, no more is waited for it than what was promised to it, and a little, drawn at random, so that
 * servers that notice it together do not stand together; in the elections after that the same until a leader is heard, or
 * for two election time-outs. The promise on which leases rest (§6.4.1) stands, and pre-votes are asked for first (§9.6):
 * a leader that lives and is heard by a majority loses nothing by it. */
void raft_hint_gone(struct raft *raft, raft_node_id id);

/* -- The disk and the state (architecture §3, §4) -- */

/* This server must not lead now: its disk stalls, or its state differs from the majority's. A leader that is not the only
 * voter hands over as soon as somebody can take over, and a server so marked does not campaign, not even for a transfer. It
 * votes, stores and acknowledges as before. */
void raft_set_unfit(struct raft *raft, bool unfit);
/* The configuration in effect lists another server under this one's id: the one whose disk was lost, in a log that this one
 * is only catching up with. It does not stand for it, not even where that was the only voter. */
void raft_set_stranger(struct raft *raft, bool stranger);

/* -- Actions -- */

struct raft_read_answer {
    uint64_t ticket;
    bool ok;          /* False: leadership was lost before it was confirmed; ask the new leader. */
    raft_index index; /* Answer the query when this much is applied. */
};

struct raft_actions {
    raft_write write; /* Number of this turn's write; 0: nothing to write, the next fields are empty. */
    bool hard_state_changed;
    struct raft_hard_state hard_state;
    raft_index truncate_from;         /* Remove this index and all above it first; 0: none. */
    struct raft_entry_id replaced_by; /* A snapshot's: first remove the whole log; it begins anew after this. {0,0}: none.
                                         With it truncate_from and compact_through are 0. Entries may follow, also such
                                         as were kept: those that no earlier write had. */
    raft_index compact_through;       /* Remove this index and all below, the log's base now; 0: none. */
    const struct raft_entry *entries; /* Append; the index of the first is the log's end after truncation + 1. */
    size_t entry_count;

    const struct raft_message *messages;
    size_t message_count;

    raft_index commit_index; /* Never goes back. */

    const struct raft_read_answer *reads;
    size_t read_count;

    /* The next step of a change may be appended (leader only): hand it in by raft_propose. Said again in the next actions
     * until it is, or is superseded. NULL: none. */
    const struct raft_configuration *configuration_due;
    bool change_given_up;     /* configuration_due takes back what was begun: a new voter made no progress. */
    raft_node_id given_up_on; /* Which. */
};

const struct raft_actions *raft_take_actions(struct raft *raft);

/* -- Looking -- */

enum raft_progress_state {
    RAFT_PROBE,     /* Where the logs agree is not known: one AppendEntries at a time. */
    RAFT_REPLICATE, /* It is: entries are sent ahead, up to max_in_flight. */
    RAFT_SNAPSHOT   /* It needs entries that the log no longer has: the host sends a snapshot (ch. 5). */
};

struct raft_peer_status {
    raft_node_id id;
    enum raft_progress_state state;
    raft_index match_index;
    raft_index next_index;
    uint64_t last_contact_ms; /* When its last answer came; the start of the leader's term before the first. */
};

struct raft_status {
    enum raft_role role;
    struct raft_hard_state hard_state;
    raft_node_id leader;       /* 0: unknown. */
    raft_index first_index;    /* The base's + 1. */
    struct raft_entry_id last; /* The base when the log is empty. */
    raft_index commit_index;
    raft_index persisted_index;     /* The log up to here is on this server's disk; 0 while a snapshot that replaces it is
                                       being written, so for a moment it may be below the base. */
    raft_index configuration_index; /* 0: none. */
    bool has_committed_in_term;     /* Leader only: reads can be served. */
    size_t peer_count;              /* Leader only, else 0. */
    struct raft_peer_status peers[RAFT_MEMBERS_MAX];
};

void raft_status(const struct raft *raft, struct raft_status *out_status);
enum raft_role raft_role(const struct raft *raft);
/* 0: nobody known, or silent for an election time-out. */
raft_node_id raft_leader(const struct raft *raft);
raft_term raft_current_term(const struct raft *raft);
raft_index raft_last_index(const struct raft *raft);
/* What the log begins after; {0,0}: nothing is compacted. */
struct raft_entry_id raft_base(const struct raft *raft);
raft_index raft_commit_index(const struct raft *raft);
raft_index raft_persisted_index(const struct raft *raft);
/* The term of the entry at `index`, the base included; 0 for index 0 and for one outside the log. */
raft_term raft_term_at(const struct raft *raft, raft_index index);
/* The configuration in effect: the newest in the log, committed or not (§4.1). Borrowed until the next input. */
const struct raft_configuration *raft_current_configuration(const struct raft *raft, raft_index *out_index);

#pragma GCC visibility pop
#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif

#endif
