/* Where a proposal comes from (§6.3), as it travels from the door to the leader, in its log entry and to the table of what
 * has been answered (server/sessions.h): plain, numbered in a session, or with an idempotency key; or it is no command but
 * opens or closes a session.
 *
 * A key is 1 to SESSIONS_KEY_SIZE_MAX printable ASCII characters. On its way it is kept as a JSON string, quotes included,
 * like commands are: entries and messages then carry it as it is, and its bytes lie in the buffer of the message that
 * brought it. Only the applier decodes it. */
#ifndef RAFTD_ORIGIN_H
#define RAFTD_ORIGIN_H

#include "server/json/json.h"
#include "server/raft/raft.h"
#include "server/sessions.h"

struct origin {
    enum raft_entry_type type; /* RAFT_COMMAND, or RAFT_SESSION: opens a session, or closes `session`. */
    uint64_t session;          /* 0: none. */
    uint64_t sequence;         /* In that session; 0: none. */
    struct json_span key;      /* Size 0: none. Borrowed. */
};

enum { ORIGIN_KEY_WRITTEN_MAX = 2 * SESSIONS_KEY_SIZE_MAX + 2 }; /* Each character may need an escape. */

struct origin_key {
    size_t size;
    char bytes[ORIGIN_KEY_WRITTEN_MAX];
};

/* Of a command that may be applied twice if it is sent twice. */
struct origin origin_plain(void);
bool origin_is_plain(const struct origin *origin);

/* Does it make sense? NULL: it does. Else what is wrong with the field *out_name: "needs a session", ... */
const char *origin_check(const struct origin *origin, const char **out_name);

/* True for 1 to SESSIONS_KEY_SIZE_MAX printable ASCII characters. */
bool origin_is_key(const char *bytes, size_t size);
/* As a JSON string; the characters are those of a key. */
struct origin_key origin_write_key(const char *bytes, size_t size);
/* The characters of a key whose origin was checked. */
struct origin_key origin_read_key(struct json_span key);

/* The origin of an entry, borrowed from it; and the other way round: all fields of the entry but bytes, buffer and time. */
struct origin origin_of_entry(const struct raft_entry *entry);
void origin_to_entry(const struct origin *origin, struct raft_entry *entry);

/* The members that tell it, those that are there: "session", "seq", "idempotency_key". */
void origin_write_members(const struct origin *origin, struct json_writer *writer);

#endif
