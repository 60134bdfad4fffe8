/* How a node reaches other nodes: the interface behind which libcurl (server/peers) or the simulator's network stands.
 *
 * Each send ends exactly once, in a later turn, by node_answered: with the answer, or with how it failed. */
#ifndef RAFTD_TRANSPORT_H
#define RAFTD_TRANSPORT_H

#include "server/message.h"

#include <stdint.h>

enum transport_end {
    TRANSPORT_ANSWERED,
    TRANSPORT_NOT_SENT, /* No byte of the request left: name not resolved, connection refused. It surely did not arrive. */
    TRANSPORT_BROKEN    /* It may have arrived: the connection broke, the time ran out, or the answer made no sense. */
};

struct transport {
    void *context;
    /* Sends `request` (borrowed for the call; the bytes of a snapshot's piece are retained) to the node at `url`. `token`
     * comes back with the end. */
    void (*send)(void *context, const char *url, const struct message_request *request, uint32_t timeout_ms,
                 uint64_t token);
};

#endif
