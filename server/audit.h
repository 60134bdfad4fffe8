/* The audit log (`--audit-log FILE|-`): who changed what, and who was refused, one JSON line each.
 *
 *     {"time":"2026-01-31T12:00:00.123Z","node":1,"event":"request","request":"POST /v1/members","status":200,"who":"ops",
 *      "role":"admin","address":"10.0.0.7"}
 *     {"time":"2026-01-31T12:00:01.004Z","node":1,"event":"members","term":3,"subject":41}
 *     {"time":"2026-01-31T12:00:02.001Z","node":1,"event":"tokens","outcome":"read"}
 *
 * Requests: everything that needs the role admin, and whatever was refused with 401, 403 or 421 (with its `code`). Who
 * hangs up before the answer has status 0 and the code "client_gone": what was asked may go on. Events: what this node saw
 * of leaders, members and snapshots (server/chronicle.h, `subject` as there), and that tokens or certificates were read
 * anew, or are wrong ("outcome":"read" or "refused"). Tokens themselves never stand in it, nor bodies, nor what follows the
 * `?` of a target.
 *
 * A line is one write(2), appended, not synced. The file is 0600 when it is made, and opened anew within a second after it
 * was moved away (logrotate needs no signal). Of refusals more than AUDIT_REFUSALS_MAX a second are only counted; a line
 * with "event":"left_out" says how many. A line that cannot be written is lost, counted (raftd_audit_failures_total) and
 * told in the node's log: the node goes on, since a full disk must not be a way to stop it. Threads: the reactor's. */
#ifndef RAFTD_AUDIT_H
#define RAFTD_AUDIT_H

#include "server/diagnostics.h"
#include "server/refreshed.h"

#include <stdbool.h>
#include <stdint.h>

enum { AUDIT_REFUSALS_MAX = 100, AUDIT_MESSAGE_SIZE = 512, AUDIT_TEXT_MAX = 256 /* Bytes of a target; the rest is cut. */ };

struct audit;

struct audit_message {
    char text[AUDIT_MESSAGE_SIZE];
};

struct audit_request {
    const char *method;
    const char *target; /* As it came; cut at its '?'. */
    unsigned status;
    const char *code;    /* Of a problem; NULL: none. */
    const char *who;     /* The token's name; "": it has none, or nobody is known. */
    const char *role;    /* The token's; "" likewise. */
    const char *address; /* The client's. */
};

/* "-" is standard output. NULL: it cannot be opened, `out_message` says why. */
struct audit *audit_open(const char *path, uint64_t node_id, struct audit_message *out_message);
void audit_close(struct audit *audit); /* NULL is a no-op. */

/* `now_ms` is monotonic, and only for the limit. NULL as the audit is a no-op, here and below. */
void audit_request(struct audit *audit, const struct audit_request *request, uint64_t now_ms);
void audit_event(struct audit *audit, const char *event, uint64_t term, uint64_t subject);

/* A line unless nothing has changed. */
void audit_refreshed(struct audit *audit, const char *event, enum refreshed refreshed);

/* About once a second: a file that was moved is opened anew, what was left out or failed is told. */
void audit_refresh(struct audit *audit, uint64_t now_ms, const struct diagnostics *diagnostics);
uint64_t audit_failures(const struct audit *audit);

#endif
