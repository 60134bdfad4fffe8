/* raftclient: a client for a raftd cluster, in C, on libcurl.
 *
 *     struct raftclient *client = raftclient_create("http://node1:8001,http://node2:8001", NULL, NULL, 0);
 *     const struct raftclient_answer *answer = raftclient_propose(client, "{\"op\":\"put\",\"key\":\"a\",\"value\":1}",
 * 36); if (answer->outcome == RAFTCLIENT_DONE) printf("%.*s\n", (int)answer->result_size, answer->result);
 *     raftclient_destroy(client);
 *
 * What it does. It is given one URL or more and learns of the other nodes from those; it goes to the leader, and when a
 * node does not answer or cannot serve, to another one, again and again, with growing, randomly shortened pauses (and no
 * sooner than a node's Retry-After asks for), until the answer is there or the time of the call is over.
 *
 * Retries apply nothing twice. A proposal is numbered in a session that the client opens with the first one and closes at
 * the end, so a node that sees it again answers what it answered the first time. When the cluster has forgotten the session
 * in the middle of a proposal (it was unused for an hour, or pushed out by 100,000 others), the proposal is NOT sent again:
 * its outcome is told to be unknown. With `use_keys` each proposal carries a random Idempotency-Key instead: one request
 * instead of three for whoever proposes once, and safe as long as the cluster remembers the key (an hour, a million keys; a
 * call ends long before).
 *
 * Outcomes. "Unknown" is said whenever the command may have been applied or may still be; "rejected" and "unavailable" only
 * when it never will be.
 *
 * Threads. A client is for one thread at a time (raftclient_stop alone may be called from any). Several clients, each in a
 * thread of its own, do not disturb each other. No signal is used; SIGPIPE may come from libraries below, ignore it. Not
 * for use after fork() in the child.
 *
 * Memory. Arguments are borrowed for the call. An answer and what it points to belong to the client and are good until its
 * next call. Out of memory ends the process with a message.
 *
 * Time is the monotonic clock's. Environment variables for proxies are not looked at.
 */
#ifndef RAFTCLIENT_H
#define RAFTCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default) /* Of libraftclient nothing else is seen. */

enum {
    RAFTCLIENT_NODES_MAX = 64,        /* Nodes that a client knows, given and learnt. */
    RAFTCLIENT_URL_MAX = 511,         /* Characters of a node's URL. */
    RAFTCLIENT_KEY_MAX = 128,         /* Characters of an idempotency key. */
    RAFTCLIENT_TIMEOUT_MS = 30000,    /* Of a call, by default. */
    RAFTCLIENT_ATTEMPT_MS = 3000,     /* Of one attempt at one node, by default. */
    RAFTCLIENT_CONNECT_MS = 1000,     /* To connect to one node, by default. */
    RAFTCLIENT_ANSWER_MAX = 64 << 20, /* Bytes of one answer, or of one event of a watch, by default. */
    RAFTCLIENT_PAUSE_MIN_MS = 20,     /* The first pause between attempts; it doubles up to */
    RAFTCLIENT_PAUSE_MAX_MS = 1000,   /* this one. Each is shortened by up to half, at random. */
    RAFTCLIENT_SILENCE_MS = 30000,    /* A watch or download in which nothing came for so long is begun anew elsewhere. */
    RAFTCLIENT_CLOSE_MS = 500         /* At most so long raftclient_destroy takes to close the session. */
};

/* All zero, but for `size`, are the defaults:  struct raftclient_options options = {.size = sizeof options};  */
struct raftclient_options {
    size_t size;          /* sizeof(struct raftclient_options), so that the struct may grow. */
    uint32_t timeout_ms;  /* Of a call with all its attempts. */
    uint32_t attempt_ms;  /* Of one attempt; a node that hangs costs no more. At most 60,000. */
    uint32_t connect_ms;  /* Of connecting. */
    size_t answer_max;    /* Bytes of one answer. */
    const char *token;    /* Sent as `Authorization: Bearer`; NULL: none. */
    const char *tls_ca;   /* File of authorities to trust; NULL: the system's. */
    const char *tls_cert; /* File of the client's own certificate and */
    const char *tls_key;  /* key; NULL: none. */
    bool use_keys;        /* Idempotency keys instead of a session. */
    bool only_given;      /* Learn no other nodes than those given. */
    bool spread_reads;    /* Queries go to all nodes in turn, not to the leader. */
};

enum raftclient_outcome {
    RAFTCLIENT_DONE = 0,        /* It took effect, or was read. */
    RAFTCLIENT_REJECTED = 1,    /* A node has refused it for good; it never takes effect. `code` says why. */
    RAFTCLIENT_UNAVAILABLE = 2, /* No node could do it in time; it never takes effect. */
    RAFTCLIENT_UNKNOWN = 3      /* It may have taken effect, or still may. */
};

struct raftclient_answer {
    enum raftclient_outcome outcome;
    unsigned status;    /* HTTP's, of the last attempt; 0: no answer came. */
    const char *code;   /* A problem's stable code; ours are "unreachable", "stopped", "bad_answer". "" when done. */
    const char *detail; /* A sentence for people; "" when done. */
    const char *result; /* The state machine's, JSON as it was sent, not NUL-terminated; NULL: none. */
    size_t result_size;
    const char *body; /* The whole answer, NUL-terminated. */
    size_t body_size; /* Without the NUL. */
    uint64_t index;   /* Of the log: where the command stands, what a query reflects. */
    uint64_t term;
    bool duplicate;       /* An earlier attempt had been applied; this is its answer. */
    bool result_omitted;  /* The result was too large to be remembered for a retry. */
    uint64_t first_index; /* With code "compacted": where the log begins. */
    uint64_t node;        /* Id of the node that answered; 0: none. */
    const char *node_url; /* Its URL; "": none. */
    uint64_t leader;      /* Who leads, as it knows; 0: nobody. */
    unsigned attempts;
};

struct raftclient;

/* A client of the nodes at `urls`, separated by commas, like "https://node1:8001". Nothing is asked yet. `options` may be
 * NULL. NULL when URLs or options are wrong; `error` (may be NULL) then says what, in a line. */
struct raftclient *raftclient_create(const char *urls, const struct raftclient_options *options, char *error,
                                     size_t error_size);
/* Closes the session, if there is one and a node that answers quickly, and frees everything. NULL is a no-op. */
void raftclient_destroy(struct raftclient *client);

/* Of the calls that follow; 0: the default. */
void raftclient_set_timeout(struct raftclient *client, uint32_t timeout_ms);
/* From any thread: the call under way ends soon, as do all later ones, with code "stopped". */
void raftclient_stop(struct raftclient *client);

/* Proposes one command (JSON). Applied at most once; exactly once when the outcome is RAFTCLIENT_DONE. */
const struct raftclient_answer *raftclient_propose(struct raftclient *client, const char *command, size_t size);
/* The same under a name of one's own, of 1 to RAFTCLIENT_KEY_MAX printable ASCII characters: whoever calls again with the
 * same key and command, even from another process, within the hour, has it applied once. */
const struct raftclient_answer *raftclient_propose_keyed(struct raftclient *client, const char *key, const char *command,
                                                         size_t size);

enum raftclient_consistency { RAFTCLIENT_LINEARIZABLE = 0, RAFTCLIENT_LEASE = 1, RAFTCLIENT_STALE = 2 };

/* Reads. `min_index`: not before the node has applied so much; 0: no such wish. */
const struct raftclient_answer *raftclient_query(struct raftclient *client, const char *query, size_t size,
                                                 enum raftclient_consistency consistency, uint64_t min_index);

/* One committed command. Its texts are borrowed for the callback and not NUL-terminated. */
struct raftclient_event {
    uint64_t index;
    uint64_t term;
    const char *command; /* JSON on one line. */
    size_t command_size;
    const char *data; /* The event's whole data, an object: index, term, command, and session, seq or idempotency_key. */
    size_t data_size;
};
/* False ends the watch. It must not call this client, but for raftclient_stop. */
typedef bool (*raftclient_on_event)(void *context, const struct raftclient_event *event);

#define RAFTCLIENT_FROM_NOW UINT64_MAX

/* Every committed command from index `from` on (RAFTCLIENT_FROM_NOW: the next one), once each, in order, without a gap,
 * whatever dies meanwhile: it goes on at another node where it was. Returns when the callback wants no more
 * (RAFTCLIENT_DONE), when stopped, when for the time of a call nothing could be heard from any node
 * (RAFTCLIENT_UNAVAILABLE), or with the code "compacted" when no node that can be reached has the next command in its log
 * any more; `first_index` then says where to go on, and `index` always what was last seen. A state from before that index
 * is in a snapshot only. */
const struct raftclient_answer *raftclient_watch(struct raftclient *client, uint64_t from, raftclient_on_event on_event,
                                                 void *context);

/* Gets the body of a 200 answer in pieces. With `bytes` NULL: it begins, perhaps anew, and has `total` bytes (0: not
 * known). False breaks it off. */
typedef bool (*raftclient_sink)(void *context, const char *bytes, size_t size, uint64_t total);

/* Any other request of the HTTP interface, with the same care. All zero, but for `size`, `method` and `path`, is a plain
 * one. */
struct raftclient_request {
    size_t size;        /* sizeof(struct raftclient_request). */
    const char *method; /* GET, POST, PUT or DELETE. */
    const char *path;   /* "/v1/members"; may have a query string. */
    const char *body;   /* NULL: none. */
    size_t body_size;
    bool repeatable; /* To do it twice is to do it once, so it is tried again when the outcome of an attempt is unknown. */
    bool takes_timeout;   /* The route knows `timeout=`: it is told how long an attempt may take. */
    uint32_t attempt_ms;  /* Of one attempt; 0: as in the options. */
    const char *node_url; /* Ask this node and no other; NULL: any. */
    raftclient_sink sink; /* Where the body of a 200 goes; NULL: into the answer. */
    void *sink_context;
};
const struct raftclient_answer *raftclient_call(struct raftclient *client, const struct raftclient_request *request);

/* The nodes it knows, given and learnt: URL and id (0: not known yet) of the n-th; false: there are no more. */
bool raftclient_node(const struct raftclient *client, size_t n, const char **out_url, uint64_t *out_id);

/* "done", "rejected", "unavailable", "unknown". */
const char *raftclient_outcome_name(enum raftclient_outcome outcome);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
