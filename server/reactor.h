/* The one loop of a node: waits for sockets, timers, the disk's threads and signals, hands what came to the node, lets it
 * turn, and begins again. The top of the house: it knows every part, and no part knows it.
 *
 * A turn gathers everything that is ready before the node steps once, so batches grow by themselves under load, and an idle
 * node answers a lone proposal at once. */
#ifndef RAFTD_REACTOR_H
#define RAFTD_REACTOR_H

#include "server/diagnostics.h"
#include "server/options.h"
#include "server/supervisor.h"
#include "server/tls.h"
#include "server/tokens.h"
#include "storage/storage.h"

struct reactor;

/* Builds the node around an open store and listens. SIGTERM and SIGINT must be blocked in every thread: they are read from
 * a descriptor. With `tokens` NULL nobody is asked who they are, with `tls` NULL it is
 * http. NULL with a sentence in `out_message` when the store makes
 * no sense or the address cannot be had. All arguments are borrowed for the reactor's life. */
struct reactor *reactor_create(const struct options *options, struct tokens *tokens, struct tls *tls,
                               struct storage *storage, const struct diagnostics *diagnostics,
                               struct storage_message *out_message);

/* Turns until SIGTERM or SIGINT, and tells `supervisor` (NULL: nobody) how it is meanwhile. Then nothing new is accepted,
 * what is in flight is finished or answered `shutting_down` (at most 5 s), and it returns. A second signal ends the process
 * at once. */
void reactor_run(struct reactor *reactor, struct supervisor *supervisor);

/* Ends connections and threads; every write handed to the disk is done when it returns. The store stays open. NULL is a
 * no-op. */
void reactor_destroy(struct reactor *reactor);

#endif
