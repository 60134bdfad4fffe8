/* Exactly once (§6.3): the replicated table of what has been answered, so that a retried proposal is answered again and not
 * applied again. Two doors: sessions (a client's proposals one after the other, numbered) and idempotency keys (plain
 * curl).
 *
 * Model. The table is part of the replicated state beside the machine: every node changes it only while applying committed
 * entries, in log order, from what the entry carries, so it is the same everywhere. Its clock is cluster time: each entry
 * carries a stamp (milliseconds, never going back) that its leader made from the stamp before and its own monotonic clock.
 * Nothing here reads a clock.
 *
 * What is over is not there any more for any function below from the very stamp on, though sessions_advance takes it out of
 * memory only little by little, lest one entry after a quiet hour pay for a million.
 *
 * The way of one command: sessions_begin decides by the entry's origin whether the machine sees it; if so the caller
 * applies it and hands the answer to sessions_end.
 *
 * Limits are constants of the format, the same on every node: a limit that differed would make the nodes' states differ.
 *
 * Memory: arguments are borrowed; a duplicate's answer is borrowed until the next change. Threads: the reactor's, except
 * sessions_write, which runs beside changes on another thread over what sessions_freeze set aside. Results and spans are
 * length-counted bytes. */
#ifndef RAFTD_SESSIONS_H
#define RAFTD_SESSIONS_H

#include "server/json/json.h"
#include "server/machine/machine.h"
#include "server/raft/raft.h"

/* Of cluster time, without use (sessions) or since first use (keys). */
#define SESSIONS_EXPIRY_MS (UINT64_C(60) * 60 * 1000)
/* Open sessions; opening one more ends the least recently used. */
#define SESSIONS_MAX UINT64_C(100000)
/* Keys kept; the oldest go. */
#define SESSIONS_KEYS_MAX UINT64_C(1000000)
/* Bytes of keys' results kept; the oldest keys go. As much again for sessions' results; the sessions stay, their oldest
 * answers are cut. */
#define SESSIONS_RESULTS_MAX (UINT64_C(256) << 20)
/* A larger result is kept cut: duplicates say so instead of it. So is one that the JSON scanner does not accept (for its
 * depth, say). */
#define SESSIONS_RESULT_MAX (UINT64_C(1) << 20)

enum { SESSIONS_KEY_SIZE_MAX = 128 };

/* What a proposal said about itself; travels in its log entry. */
struct sessions_origin {
    uint64_t time_ms;  /* Cluster time. */
    uint64_t session;  /* 0: none. */
    uint64_t sequence; /* 0: none. */
    const char *key;   /* Idempotency key; NULL: none. Never together with a session. */
    size_t key_size;   /* 1..SESSIONS_KEY_SIZE_MAX. */
};

enum sessions_verdict {
    SESSIONS_APPLY,     /* The machine must apply it; sessions_end must follow. */
    SESSIONS_DUPLICATE, /* Was applied before: *out_answer is the first one's. */
    SESSIONS_STALE,     /* stale_sequence: below the highest applied of the session. */
    SESSIONS_EXPIRED,   /* session_expired: no such session (any more). */
    SESSIONS_KEY_REUSED /* key_reused: the same key came with another command. */
};

/* A first answer. */
struct sessions_answer {
    struct raft_entry_id id;
    uint64_t sequence;       /* Of sessions. */
    bool refused;            /* The machine refused it: `result` is its sentence. Never kept (a 422 uses no sequence up). */
    bool omitted;            /* The result was too large to keep, or is no JSON to the scanner. */
    struct json_span result; /* Size 0 when omitted. */
};

struct sessions;

struct sessions *sessions_create(void);
void sessions_destroy(struct sessions *sessions); /* NULL is a no-op. */

/* Opens a session named by the index of its entry, which is not 0. */
void sessions_open(struct sessions *sessions, uint64_t session, uint64_t time_ms);
/* False: there is none. */
bool sessions_close(struct sessions *sessions, uint64_t session, uint64_t time_ms);

/* Called for every applied entry before anything else: lets go of what has expired by that time. A stamp below an earlier
 * one, here or in any other call, counts as that earlier one. */
void sessions_advance(struct sessions *sessions, uint64_t time_ms);

/* Decides about a command; `command` is compared with the first one of its key by a 128-bit hash. A session that is asked
 * for counts as used, whatever the verdict and whatever the machine says then; a key's hour runs from its first command
 * alone. In a session, sequence 0 is SESSIONS_STALE. `out_answer` is set for SESSIONS_DUPLICATE. */
enum sessions_verdict sessions_begin(struct sessions *sessions, const struct sessions_origin *origin,
                                     struct json_span command, struct sessions_answer *out_answer);
/* Remembers the answer of a command that SESSIONS_APPLY was said of, with no other change in between. `refused` commands
 * leave no trace. */
void sessions_end(struct sessions *sessions, const struct sessions_origin *origin, struct json_span command,
                  struct raft_entry_id id, bool refused, struct json_span result);

/* The last applied proposal of a session (sequence 0 and no more before the first). False: no such session. This is no use
 * of it: reads are not in the log. */
bool sessions_last(const struct sessions *sessions, uint64_t session, struct sessions_answer *out_answer);

/* The newest stamp seen, in an entry or a snapshot: from it the clock goes on. */
uint64_t sessions_time_ms(const struct sessions *sessions);

/* Counts, for status and metrics. What is over counts until it was taken out of memory, so nodes may differ in them. */
size_t sessions_count(const struct sessions *sessions);
size_t sessions_key_count(const struct sessions *sessions);

/* Snapshots: as in machine.h. Equal tables write equal bytes. */
void *sessions_freeze(struct sessions *sessions);
bool sessions_write(const void *frozen, struct machine_output snapshot);
void sessions_release(struct sessions *sessions, void *frozen);
/* Into an empty table; everything is checked. False: `why` holds the sentence, and the table is only good for
 * sessions_destroy. */
bool sessions_restore(struct sessions *sessions, struct machine_input snapshot, struct machine_output why);

#endif
