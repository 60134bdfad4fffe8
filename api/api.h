/* HTTP in: routes, JSON, problems, the page's files (contract §1-§5), on libmicrohttpd with an external loop. A request is
 * checked at the door, handed to the node, and its connection suspended until the node answers. No Raft logic, no disk.
 *
 * Threads: the reactor's only. */
#ifndef RAFTD_API_H
#define RAFTD_API_H

#include "server/audit.h"
#include "server/backups.h"
#include "server/node.h"
#include "server/peers.h"
#include "server/tls.h"
#include "server/tokens.h"

struct api;

/* Every limit: unit in the name; defaults in options.c; flags and the README name them. Pointers are borrowed for the api's
 * life. */
struct api_options {
    const char *listen_host; /* As in --listen: an address or a name; "" and "*" are not accepted. */
    uint16_t listen_port;
    const char *advertise_url;
    const char *client_url;
    const char *const *allow_hosts;   /* --allow-host, NULL-terminated; may be NULL. */
    const char *const *allow_origins; /* --allow-origin, NULL-terminated; may be NULL. */
    const struct tokens *tokens;      /* --token-file; NULL: nobody is asked who they are. */
    struct audit *audit;              /* --audit-log; NULL: none. */
    const struct backups *backups;    /* Borrowed; NULL: none are made here. For /metrics. */
    const struct tls *tls;            /* --tls-cert; NULL: http. */
    size_t command_bytes_max;         /* 1 MiB. */
    size_t query_bytes_max;           /* 64 KiB. */
    size_t ndjson_bytes_max;          /* 64 MiB. */
    size_t peer_bytes_max;            /* Bodies on /raft/: an AppendEntries or a forwarded batch with its framing. */
    unsigned connections_max;         /* Client connections; beyond it the longest idle one is closed. */
    const char *machine_name;
    uint64_t started_ms;
};

/* What the status shows beside the node's own facts. */
struct api_host {
    void *context;
    uint64_t (*storage_bytes)(void *context);   /* Of all that is on disk, */
    uint64_t (*snapshots_bytes)(void *context); /* and of the snapshots in it. */
    uint64_t (*disk_latency)(void *context, double *out_p50_ms,
                             double *out_p99_ms);                        /* Answers the number of synced batches. */
    void (*disk_writes)(void *context, struct histogram *out_durations); /* Of all of them. */
};

/* Binds and listens. NULL with a sentence in `out_message` when the address cannot be had (in use, not ours, not
 * permitted). */
struct api *api_create(const struct api_options *options, const struct api_host *host, struct node *node,
                       struct peers *peers, const struct diagnostics *diagnostics, struct storage_message *out_message);
/* Frees everything; every connection must have been answered (api_idle), or is cut. */
void api_destroy(struct api *api);

/* The port it listens on: listen_port, or the one the kernel chose when that was 0. */
uint16_t api_port(const struct api *api);

/* The descriptors to poll for reading (MHD's epoll and our own): fills up to `capacity`, answers how many. */
unsigned api_descriptors(const struct api *api, int *out_descriptors, unsigned capacity);
/* Milliseconds until api_run must run again if no descriptor is ready; UINT64_MAX: never. */
uint64_t api_timeout_ms(const struct api *api, uint64_t now_ms);
/* Moves everything on that is ready: accepts, reads, hands requests to the node, writes answers, enforces deadlines. */
void api_run(struct api *api, uint64_t now_ms);

/* node_io.reply, with the api as context: answers a peer's request. */
void api_reply(void *context, uint64_t ticket, const struct message_answer *answer);

/* Shutdown: stops accepting, tells keep-alive connections to close with their next answer. */
void api_stop_accepting(struct api *api);
/* True when no request is being read, waits or is being answered. */
bool api_idle(const struct api *api);

#endif
