/* The connections there are, by slot: their deadlines, who has hung up, and which one goes when there are too many.
 *
 * The library's own time-out counts activity, so that a client who sends a byte now and then lives for ever, and it does
 * not watch suspended connections at all. Here every step has an absolute deadline, and every descriptor is in an epoll set
 * of ours that only tells of hang-ups. A connection is ended by shutdown(2): the library sees the end of it and cleans up.
 */
#ifndef RAFTD_API_CONNECTIONS_H
#define RAFTD_API_CONNECTIONS_H

#include "api/request.h"

#include <sys/types.h>

enum {
    CONNECTIONS_HEAD_MS = 10000,       /* From being accepted, or the first line of a request, to a complete head. */
    CONNECTIONS_IDLE_MS = 60000,       /* Between requests. */
    CONNECTIONS_PEER_IDLE_MS = 180000, /* The same for peers: longer than libcurl keeps a connection for reuse. */
    CONNECTIONS_BYTES_MS = 30000,      /* For a body to come in or an answer to go out, and */
    CONNECTIONS_BYTES_PER_S = 65536,   /* a second more for each so many bytes. */
    CONNECTIONS_DRAIN_MS = 250,        /* When no more are taken: for a request that is on its way. */
    CONNECTIONS_SLOT_BITS = 20
};

struct connection {
    struct connections *all;
    struct MHD_Connection *mhd;
    int descriptor;
    size_t slot;
    uint64_t deadline_ms;
    uint64_t quiet_since_ms; /* Since its last answer, or since it was accepted. */
    bool busy;               /* A request has begun and is not yet answered to the last byte. */
    bool used;               /* It has had a request. */
    bool draining;           /* No more are taken, and on this one a request may be on its way. */
    bool suspended;
    bool hung_up;          /* Its client has closed its side. */
    bool closing;          /* Shut down by us; the library has still to notice. */
    bool peer;             /* Has spoken as one, */
    uint64_t peer_id;      /* last as this one, if it said so, */
    bool kept;             /* and before that, too. */
    uint64_t certified_id; /* Whom its certificate names, as was found */
    uint64_t certified_ms; /* then; 0: never. */
    ssize_t (*stream)(struct request *request, char *buffer, size_t capacity); /* NULL: the answer has an end. */
    struct request request;
};

struct connections {
    struct api *api;
    int hang_ups;              /* Our epoll descriptor. */
    struct connection **slots; /* Owned array of owned connections; NULL: free. */
    size_t slot_count;
    size_t open;
    size_t closing;
    size_t busy;
    size_t draining;
    size_t suspended;
    bool resumed; /* Some since the library ran last: it must run again at once. */
    uint64_t next_sweep_ms;
    uint64_t next_ticket;
};

/* False: no epoll descriptor is to be had. */
bool connections_open(struct connections *connections, struct api *api);
void connections_close(struct connections *connections);

/* A connection was accepted. One too many closes the one that has been idle for the longest, or, when far too many are
 * busy, the one whose request is oldest; never a peer's, and never a stream. */
struct connection *connections_add(struct connections *connections, struct MHD_Connection *mhd, int descriptor);
void connections_remove(struct connection *connection);
/* One is open that the peer has kept for more than one request. */
bool connections_keeps(const struct connections *connections, uint64_t id);

void connections_set_deadline(struct connection *connection, uint64_t milliseconds);
/* The same for so many bytes to go one way or the other. */
void connections_set_deadline_bytes(struct connection *connection, uint64_t bytes);
/* The deadline of `bytes` becomes that of `more` bytes. */
void connections_add_time(struct connection *connection, uint64_t bytes, uint64_t more);
void connections_set_no_deadline(struct connection *connection);

/* Ends one now. */
void connections_shut(struct connection *connection);

/* Closes those that are late, but for streams, which are told. */
void connections_sweep(struct connections *connections);
/* Tells requests of clients that have gone. */
void connections_collect_hang_ups(struct connections *connections);
/* A request has begun. */
void connections_begin(struct connection *connection);
/* No more connections are taken: closes those on which nobody asks anything. One that is new, or on which bytes have
 * arrived, has CONNECTIONS_DRAIN_MS for its request to begin. */
void connections_close_idle(struct connections *connections);

#endif
