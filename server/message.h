/* What nodes say to each other (contract §5): requests and answers, and their JSON form.
 *
 * Model. A request goes to one path below /raft/v1/ and gets one answer, the HTTP response. Each request says which
 * cluster, which server and which incarnation it is meant for; the receiver refuses what is not meant for it. Nothing here
 * does I/O: server/peers sends, api/ receives, the simulator passes the structures on as they are.
 *
 * Memory. Decoded messages borrow from the body they were decoded from (`body`), which must outlive them; arrays are owned
 * and freed by message_request_clear / message_answer_clear. Encoding appends to a json_writer. Pieces of snapshot files
 * are not JSON: their fields stand in the query string (message_query_*).
 */
#ifndef RAFTD_MESSAGE_H
#define RAFTD_MESSAGE_H

#include "server/change.h"
#include "server/divergence.h"
#include "server/json/json.h"
#include "server/members.h"
#include "server/origin.h"
#include "server/problem.h"
#include "server/raft/raft.h"

#include <stdbool.h>
#include <stdint.h>

enum message_kind {
    MESSAGE_REQUEST_VOTE,     /* /raft/v1/request_vote */
    MESSAGE_APPEND_ENTRIES,   /* /raft/v1/append_entries */
    MESSAGE_READ_INDEX,       /* /raft/v1/read_index: a follower asks the leader on behalf of its queries (§6.4) */
    MESSAGE_PROPOSE,          /* /raft/v1/propose: forwarded commands */
    MESSAGE_PROBE,            /* /raft/v1/probe: who are you, and what do you hold? (formation) */
    MESSAGE_TIMEOUT_NOW,      /* /raft/v1/timeout_now: campaign at once (§3.10) */
    MESSAGE_TRANSFER,         /* /raft/v1/transfer: a client's wish to hand leadership over, passed on to the leader */
    MESSAGE_INSTALL_SNAPSHOT, /* /raft/v1/install_snapshot: a piece of a snapshot file (ch. 5); its fields stand in the
                                 query string, its body is the piece */
    MESSAGE_CHANGE,           /* /raft/v1/members: a change of the members, passed on to the leader */
    MESSAGE_KIND_COUNT
};

enum {
    MESSAGE_CHUNK_BYTES_MAX = 512 * 1024, /* Of a snapshot file in one request. */
    MESSAGE_QUERY_SIZE = 640              /* Bytes of its query string with its NUL. */
};

/* The last part of the path. */
const char *message_kind_name(enum message_kind kind);

struct message_address {
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1]; /* Empty in a probe. */
    raft_node_id from;
    char from_incarnation[STORAGE_INCARNATION_SIZE + 1];
    raft_node_id to;                                   /* 0 in a probe: whoever is there. */
    char to_incarnation[STORAGE_INCARNATION_SIZE + 1]; /* Empty in a probe: not known yet. */
};

/* Commands passed on to the leader. `sequence` grows with every forward of one run of the process, and begins anew in the
 * next: the leader takes each (incarnation, run, sequence) once. */
struct message_propose {
    raft_term term; /* Of the leader meant: another term's leader refuses. */
    uint64_t run;   /* Drawn at the start of the process; may be left out: 0. */
    uint64_t sequence;
    uint64_t timeout_ms; /* How long the sender's clients wait. */
    size_t count;
    struct json_span *commands; /* Owned array of spans into the body; of what opens or closes a session size 0. */
    struct origin *origins;     /* Owned array, as long; NULL: all are plain. Keys inside the body. */
};

struct message_transfer {
    raft_node_id to; /* 0: whoever is the furthest. */
    uint64_t timeout_ms;
};

struct message_change {
    struct change change;
    bool forward; /* Whoever does not lead passes it on: asked by somebody who does not know who leads. */
    uint64_t timeout_ms;
};

struct message_probe {
    struct members list; /* The sender's --cluster list. */
    const char *machine; /* Owned after decoding. */
};

/* A piece of a snapshot file (Figure 5.3). An empty one asks how much of the file is there already. */
struct message_install {
    raft_term term;                   /* The leader's. */
    struct storage_snapshot snapshot; /* Which file. */
    uint64_t offset;
    bool done; /* The piece is the file's last one: it may be put into effect. */
    bool mend; /* For a node whose state differs: also when its log has reached that far. */
    const char *bytes;
    size_t size;           /* At most MESSAGE_CHUNK_BYTES_MAX. */
    struct buffer *buffer; /* What keeps the bytes alive; not counted. May be NULL when size is 0. */
};

struct message_request {
    enum message_kind kind;
    struct message_address address;
    raft_round round; /* Echoed by the answer. */
    /* APPEND_ENTRIES: what the leader knows of the receiver's state, and since when it differs. */
    enum divergence_verdict state;
    raft_index diverged_since;
    union {
        struct raft_message
            raft;   /* REQUEST_VOTE, APPEND_ENTRIES. from, to, round as above; entries' array and their configurations owned
                       after decoding, their data and keys inside the body, their `buffer` the body's (not counted). */
        bool lease; /* READ_INDEX: the leader's lease will do (§6.4.1). */
        struct message_propose propose;
        struct message_transfer transfer;
        struct message_change change;
        struct message_probe probe;
        struct message_install install;
    };
};

/* One command's end, in the order the commands were sent. */
struct message_line {
    struct problem problem;  /* code PROBLEM_NONE: done. */
    struct raft_entry_id id; /* Of a duplicate: the first attempt's, as are the others. */
    struct json_span result; /* Size 0 when omitted; `null` of what opened or closed a session. */
    bool duplicate;          /* A retry: nothing was applied (§6.3). */
    bool omitted;            /* The first result was too large to be kept. */
};

enum message_formation_state {
    MESSAGE_BLANK,   /* Holds no configuration. */
    MESSAGE_HOLDING, /* Holds the first configuration; does not know yet that all do. */
    MESSAGE_FORMED   /* A member of a formed cluster. */
};

struct message_probe_answer {
    enum message_formation_state state;
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1]; /* Empty while blank. */
    struct members list;                          /* Its --cluster list. */
    struct members members;                       /* Its configuration; empty while blank. */
    raft_index members_index;                     /* Of the entry that says so; */
    bool members_committed;                       /* which cannot be lost any more. */
    raft_node_id leader;                          /* In the answer's term; 0: unknown. */
    bool restored;                                /* Founded on a backup or a survivor: takes the listed blank nodes in. */
    bool joins;                                   /* Blank, and waits to be taken in (--join). */
    const char *machine;                          /* Owned after decoding. */
};

struct message_answer {
    enum message_kind kind; /* Of the request. */
    raft_node_id from;
    char incarnation[STORAGE_INCARNATION_SIZE + 1];
    raft_term term;
    raft_round round;
    struct problem
        problem;       /* Not PROBLEM_NONE: the request was refused as a whole; the rest is empty. Sent as problem+json. */
    bool storage_full; /* APPEND_ENTRIES: its sender's disk has no room for commands. */
    struct state_hash_report state_hash; /* APPEND_ENTRIES: what its sender reports of its state; index 0: nothing. */
    bool diverged;                       /* APPEND_ENTRIES: its sender has been told that its state differs. */
    union {
        struct raft_message raft;
        raft_index read_index; /* READ_INDEX. */
        struct {
            raft_node_id leader;
            raft_term term;
        } transfer; /* Who leads now. */
        struct {
            raft_index index;
            struct members members;
        } change; /* The configuration now, committed. */
        struct {
            size_t count;
            struct message_line *lines; /* Owned array; results inside the body. */
        } propose;
        struct message_probe_answer probe;
        struct {
            uint64_t stored; /* Bytes of the file that are here, from its beginning. */
            bool installed;  /* All that the snapshot covers is in effect here, and on this disk. */
        } install;
    };
};

/* The request's body, one JSON object. Not of an INSTALL_SNAPSHOT. For APPEND_ENTRIES raft.append_entries.entries must be
 * filled in. */
void message_request_write(const struct message_request *request, struct json_writer *writer);

/* Decodes a scanned body. `body` is the buffer the span lies in. False, with a problem (bad_request naming the member),
 * when a member is missing, of the wrong type or out of range; nothing is owed then. Unknown members are ignored. */
bool message_request_read(enum message_kind kind, struct json_span value, struct buffer *body,
                          struct message_request *out_request, struct problem *out_problem);
void message_request_clear(struct message_request *request);

/* The fields of an INSTALL_SNAPSHOT as a query string, NUL-terminated. */
void message_query_write(const struct message_request *request, char out_query[MESSAGE_QUERY_SIZE]);
/* Reads them from a query string as it came over the wire. `body` is the piece. False with a bad_request that names the
 * parameter when one is missing, malformed, given twice or out of range; unknown ones are ignored. Nothing is owned. */
bool message_query_read(const char *query, size_t size, struct buffer *body, struct message_request *out_request,
                        struct problem *out_problem);

/* The answer's body; a refused request's is a problem object with from, incarnation, term and round as further members. */
void message_answer_write(const struct message_answer *answer, struct json_writer *writer);
/* Decodes the answer to a request of that kind; `status` is the HTTP status: 200 carries an answer, anything else a
 * problem. */
bool message_answer_read(enum message_kind kind, unsigned status, struct json_span value,
                         struct message_answer *out_answer);
void message_answer_clear(struct message_answer *answer);

/* An entry as /v1/log and append_entries show it: {"index","term","type","command"|"configuration"}, and where they are not
 * 0 "time_ms", "session", "seq" or "idempotency_key". */
void message_entry_write(const struct raft_entry *entry, struct json_writer *writer);
/* "command", "noop", "configuration", "session". */
const char *message_entry_type_name(enum raft_entry_type type);

/* One line of a propose answer: {"index","term","result"}, of a retry with "duplicate":true and where the result was not
 * kept "result_omitted":true in its place; or a problem object
 * ({"type","title","status","code","detail","outcome"}). */
void message_line_write(const struct message_line *line, struct json_writer *writer, bool one_line);
/* The problem object alone; `changing` adds "outcome". */
void message_problem_write(const struct problem *problem, bool changing, struct json_writer *writer);

#endif
