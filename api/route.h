/* Everything that can be asked, in one table: method, path, handler, and what is checked before the handler sees it. */
#ifndef RAFTD_API_ROUTE_H
#define RAFTD_API_ROUTE_H

#include "server/message.h"
#include "server/tokens.h"

#include <stdbool.h>
#include <stddef.h>

struct request;

enum route_body {
    ROUTE_NO_BODY, /* One that comes all the same is read and dropped. */
    ROUTE_COMMAND, /* Up to the command limit, or the NDJSON limit. */
    ROUTE_QUERY,
    ROUTE_WISH, /* A small object that says how; the query limit. */
    ROUTE_PEER,
    ROUTE_CHUNK /* A piece of a snapshot file, from a peer. */
};

/* What requests are counted by (api/figures). */
enum route_class {
    ROUTE_CLASS_NONE, /* Nothing takes them: an unknown path, or a method that it does not take. */
    ROUTE_CLASS_PROPOSE,
    ROUTE_CLASS_QUERY,
    ROUTE_CLASS_SESSION,
    ROUTE_CLASS_WATCH,
    ROUTE_CLASS_STATUS,
    ROUTE_CLASS_ADMIN, /* Members, leader, snapshots. */
    ROUTE_CLASS_PEER,
    ROUTE_CLASS_MONITOR, /* Health and metrics. */
    ROUTE_CLASS_PAGE,
    ROUTE_CLASS_COUNT
};
const char *route_class_name(enum route_class class);

struct route {
    const char *method; /* GET answers HEAD as well. */
    const char *path;   /* "/{file}": the page's files; "{id}" in it: a number. */
    void (*handle)(struct request *request);
    enum tokens_role role; /* Who may ask, where tokens are asked for. */
    unsigned parameters;   /* PARAMETER_ bits of the query parameters it knows. */
    enum route_body body;
    enum route_class class;
    bool changing;          /* Its errors carry an outcome. */
    bool any_host;          /* Host is not looked at: probes of load balancers and peers name us as they like. */
    enum message_kind kind; /* Below /raft/v1/. */
};

extern const struct route route_table[];
extern const size_t route_count;

enum { ROUTE_ALLOW_SIZE = 32 };

/* The route of a decoded path. NULL: an unknown path, `out_allow` is then empty, or a method it does not take, `out_allow`
 * then lists those that it takes. */
const struct route *route_find(const char *method, const char *path, size_t size, char out_allow[ROUTE_ALLOW_SIZE]);

/* The number that stands in the path of a route that was found for it; 0 when the route has none. False: it is 0 or above
 * RAFT_NUMBER_MAX. */
bool route_read_id(const struct route *route, const char *path, size_t size, uint64_t *out_id);

/* Answers there, errors included, carry the Raft- fields. */
bool route_is_v1(const char *path, size_t size);

#endif
