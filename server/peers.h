/* The other nodes over HTTP: libcurl's multi interface behind `struct transport`, turned by the reactor. Nothing blocks:
 * not a slow name look-up, not a dead host, not a peer that reads slowly; one peer's trouble delays no other.
 *
 * Names are resolved anew for each new connection, redirects are not followed and the environment's proxies not used. A
 * message is never sent twice: libcurl by itself would repeat a request when a reused connection dies.
 *
 * Threads: the reactor's only (libcurl uses one of its own for each name that it resolves). */
#ifndef RAFTD_PEERS_H
#define RAFTD_PEERS_H

#include "server/tls.h"
#include "server/transport.h"

#include <curl/curl.h>

struct peers;

struct peers_options {
    uint32_t connect_timeout_ms; /* For a connection to be made, name look-up included. */
    size_t answer_bytes_max;     /* A larger answer is BROKEN. */
    const struct tls_files *tls; /* https; NULL: http. Borrowed for the peers' life. */
};

/* The end of a peers_get. `status` 0: no answer, `why` says why in a few words (else it is empty). Borrowed for the call.
 */
typedef void (*peers_got)(void *context, unsigned status, const char *body, size_t size, const char *why);

struct peers *peers_create(const struct peers_options *options);
/* Ends all requests; those under way are reported to nobody. */
void peers_destroy(struct peers *peers);

/* The end of a message, told exactly once for each send and only inside peers_run. `answer` is borrowed for the call and
 * NULL unless answered, as is `body`, in which its spans lie: who keeps it longer retains it. `why` is a few words
 * ("connection refused"), empty when answered, never NULL. It may send, get and cancel, but not run or destroy. */
typedef void (*peers_answered)(void *context, uint64_t token, enum transport_end end, const struct message_answer *answer,
                               struct buffer *body, const char *why);

/* Where ends are reported. Set once, before the first send. */
void peers_attach(struct peers *peers, peers_answered answered, void *context);
/* The token that all requests from now on carry (Authorization: Bearer); NULL for none. Copied. */
void peers_set_token(struct peers *peers, const char *token);
struct transport peers_transport(struct peers *peers);

/* GET of `url` (whole), for what a node shows of others (/v1/cluster). `got` is called exactly once, in peers_run, unless
 * cancelled. */
uint64_t peers_get(struct peers *peers, const char *url, uint32_t timeout_ms, peers_got got, void *context);
void peers_cancel(struct peers *peers, uint64_t ticket);

/* Waits until one of the peers' sockets, timers or `extra` descriptors is ready, or `timeout_ms` is over (curl_multi_poll).
 */
void peers_wait(struct peers *peers, struct curl_waitfd *extra, unsigned extra_count, int timeout_ms);
/* Moves everything on that is ready and reports ends. What was sent since the last call sets out now. */
void peers_run(struct peers *peers);

#endif
