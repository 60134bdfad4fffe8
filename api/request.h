/* One request, from its first line to the last byte of its answer. The HTTP library calls in; what can be refused is
 * refused as early as it is known; a whole request goes to its route's handler, which answers at once or makes it wait.
 *
 *     target -> head -> (data)* -> handle -> [waiting] -> answered | streaming
 *
 * A handler that has to wait starts something that ends in a callback, calls request_wait, and answers in that callback.
 * Whoever waits is suspended: the library neither reads nor times it. When its client hangs up, `cancel` is called and
 * nothing else will be. */
#ifndef RAFTD_API_REQUEST_H
#define RAFTD_API_REQUEST_H

#include "api/access.h"
#include "api/head.h"
#include "api/inside.h"
#include "api/parameters.h"
#include "api/route.h"
#include "api/target.h"

struct connection;

enum request_stage {
    REQUEST_NONE,    /* Between requests. */
    REQUEST_TARGET,  /* Its first line is there. */
    REQUEST_HEAD,    /* Its header fields are there, and being judged. */
    REQUEST_BODY,    /* Its body is coming. */
    REQUEST_WORKING, /* Whole, in its handler. */
    REQUEST_WAITING, /* Suspended until somebody answers it. */
    REQUEST_ANSWERED,
    REQUEST_STREAMING /* Being answered for as long as it likes. */
};

struct request_body {
    char *data; /* Owned until request_take_body. */
    size_t size;
    size_t capacity;
    size_t limit;
    size_t held; /* Of the allowance for large bodies. */
    bool drop;   /* Read and forget. */
};

struct request {
    struct api *api;
    struct connection *connection;
    enum request_stage stage;
    const char *method;
    const struct route *route; /* NULL: none. */
    char allow[ROUTE_ALLOW_SIZE];
    char *text; /* Owned; the raw target, and after it the decoded path. Kept from request to request. */
    size_t text_capacity;
    struct access_who who;
    struct target target;
    struct head head;
    struct parameters parameters;
    uint64_t begun_us; /* When it was whole; 0: it never was. */
    uint64_t path_id;  /* The number in the path, where the route has one. */
    struct request_body body;
    size_t answer_held; /* Of the allowance for answers. */
    bool v1;
    bool preflight; /* A browser asks for a page of a listed origin whether it may ask. */
    bool refused;   /* To be answered with `problem` as soon as may be. */
    bool cut;       /* A refusal has been written past the library; nothing more will be. */
    bool gone;      /* The client has hung up: there is nobody to answer. */
    bool listed_origin;
    struct problem problem;
    /* While waiting or streaming: */
    void (*cancel)(struct request *request);
    void (*due)(struct request *request);
    void *state; /* The handler's own; freed by its callback or its cancel. */
    uint64_t ticket;
};

/* The library's calls, by api/http.c. `raw` is the target as it came. */
void request_target(struct request *request, const char *raw);
/* The header fields are complete. */
void request_head(struct request *request, struct MHD_Connection *mhd, const char *method, const char *version);
/* Part of the body. False: end the connection. */
bool request_data(struct request *request, const char *bytes, size_t size);
/* The body is complete: answered or waiting when this returns. */
void request_handle(struct request *request);
/* Back to REQUEST_NONE, ready for the next one on the connection; cancels what still waits. */
void request_end(struct request *request);
/* The client has hung up. */
void request_hung_up(struct request *request);
/* The time given to it is over. False: its connection must be closed. */
bool request_due(struct request *request);
/* Frees what is kept from request to request. */
void request_clear(struct request *request);

/* -- For handlers -- */

/* The answer will come later; `cancel` undoes what was started (called at most once, never after an answer). */
void request_wait(struct request *request, void (*cancel)(struct request *request), void *state);
/* While it waits, `due` is called when the time of http_set_due has come; the handler sets the next, or none. */
void request_wait_due(struct request *request, void (*due)(struct request *request));
/* After an answer that is a stream (http_stream): it goes on until it ends by itself or its client is gone, when `cancel`
 * is called. `due` is called when the time of http_set_due has come; the handler sets the next. The state stays. */
void request_stream(struct request *request, void (*cancel)(struct request *request), void (*due)(struct request *request));
/* Hands the body over as a counted buffer with one reference, the caller's. */
struct buffer *request_take_body(struct request *request);
#endif
