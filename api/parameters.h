/* The query parameters that requests know. Those a route does not know are ignored, as etcd and Consul do; one it knows
 * that is malformed or given twice is 400 bad_request: a guess at what was meant would be worse. */
#ifndef RAFTD_API_PARAMETERS_H
#define RAFTD_API_PARAMETERS_H

#include "api/target.h"
#include "server/node.h"

/* Which ones a route knows. */
enum {
    PARAMETER_TIMEOUT = 1 << 0,     /* timeout=250ms, at most a minute. */
    PARAMETER_FORWARD = 1 << 1,     /* forward=true|false. */
    PARAMETER_CONSISTENCY = 1 << 2, /* consistency=linearizable|lease|stale. */
    PARAMETER_MIN_INDEX = 1 << 3,   /* min_index=N. */
    PARAMETER_QUERY = 1 << 4,       /* q=<JSON>. */
    PARAMETER_FROM = 1 << 5,        /* from=N. */
    PARAMETER_LIMIT = 1 << 6,       /* limit=N. */
    PARAMETER_SESSION = 1 << 7,     /* session=N and seq=N. */
    PARAMETER_PATIENT = 1 << 15     /* The timeout is a minute by default. */
};

struct parameters {
    uint32_t timeout_ms;
    bool forward;
    enum node_consistency consistency;
    raft_index min_index;
    raft_index from;
    uint32_t limit;
    uint64_t session; /* 0: not given. */
    uint64_t sequence;
    bool has_query;
    const char *query; /* The value of q as it was sent; inside the target. */
    size_t query_size;
};

/* Reads those of `known` from a target that target_parse has accepted; the others keep their defaults. False with a
 * bad_request that names the parameter; `out_parameters` is untouched then. */
bool parameters_parse(const struct target *target, unsigned known, struct parameters *out_parameters,
                      struct problem *out_problem);

#endif
