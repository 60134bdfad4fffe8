/* The one loop of a node: waits for sockets, timers, the disk's threads and signals, hands what came to the node, lets it
 * turn, and begins again. The top of the house: it knows every part, and no part knows it.
 *
 * A turn gathers everything that is ready before the node steps once, so batches grow by themselves under load, and an idle
 * node answers a lone proposal at once. */
#ifndef RAFTD_REACTOR_H
#define RAFTD_REACTOR_H

#include "server/audit.h"
#include "server/diagnostics.h"
#include "server/options.h"
#include "server/supervisor.h"
#include "server/tls.h"
#include "server/tokens.h"
#include "storage/storage.h"

struct reactor;

/* Files that are looked at about once a second while the node runs; NULL: it has none. Borrowed. */
struct reactor_watched {
    struct tokens *tokens; /* Without, nobody is asked who they are. */
    struct tls *tls;       /* Without, it is http. */
    struct audit *audit;
};

/* Builds the node around an open store and listens. With `signals` SIGTERM and SIGINT end it; they must be blocked in every
 * thread: they are read from a descriptor. NULL with a sentence in `out_message` when the store makes
 * no sense or the address cannot be had. All arguments are borrowed for the reactor's life. */
struct reactor *reactor_create(const struct options *options, const struct reactor_watched *watched,
                               struct storage *storage, const struct diagnostics *diagnostics, bool signals,
                               struct storage_message *out_message);

/* From any thread: ends it like SIGTERM. */
void reactor_stop(struct reactor *reactor);

/* Turns until it is to end, and tells `supervisor` (NULL: nobody) how it is meanwhile. Then nothing new is accepted,
 * what is in flight is finished or answered `shutting_down` (at most 5 s), and it returns. A second signal ends the process
 * at once. */
void reactor_run(struct reactor *reactor, struct supervisor *supervisor);

/* Ends connections and threads; every write handed to the disk is done when it returns. The store stays open. NULL is a
 * no-op. */
void reactor_destroy(struct reactor *reactor);

#endif
