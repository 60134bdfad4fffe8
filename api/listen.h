/* The one socket that everything comes in by. */
#ifndef RAFTD_API_LISTEN_H
#define RAFTD_API_LISTEN_H

#include "storage/storage.h"

#include <stdint.h>

/* Binds and listens on a host (an address, `[::1]` in brackets or not, or a name) and port; 0: the kernel chooses. Of a
 * name with addresses of both families IPv4 is tried first, since that is what people who write localhost reach. `::` takes
 * IPv4 as well. Answers a descriptor, and the port in `out_port`; -1 with a sentence in `out_message`. */
int listen_open(const char *host, uint16_t port, uint16_t *out_port, struct storage_message *out_message);

#endif
