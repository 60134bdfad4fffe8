/* What the API counts of its own work for /metrics: requests, and what became of commands and queries. All of it belongs to
 * the reactor; counting is an index and an addition. */
#ifndef RAFTD_API_FIGURES_H
#define RAFTD_API_FIGURES_H

#include "api/route.h"

#include "server/base/histogram.h"
#include "server/node.h"

enum { FIGURES_STATUS_COUNT = 4 /* 2xx to 5xx */, FIGURES_CONSISTENCY_COUNT = NODE_STALE + 1 };

/* What became of a command or of a query, as its client was told. */
enum figures_outcome {
    FIGURES_DONE,      /* Applied; answered. */
    FIGURES_DUPLICATE, /* A retry, answered as the first attempt was. Commands only. */
    FIGURES_INVALID,   /* Refused for what it is: the client's to mend. */
    FIGURES_REJECTED,  /* Refused for the state of node or cluster; it never takes effect. */
    FIGURES_UNKNOWN,   /* A command that may still take effect. */
    FIGURES_GONE,      /* The client hung up before the answer. */
    FIGURES_OUTCOME_COUNT
};

/* Zero-initialise to begin. */
struct figures {
    struct histogram http[ROUTE_CLASS_COUNT][FIGURES_STATUS_COUNT]; /* From the whole request to its answer. */
    struct histogram propose;                                       /* The same, of single commands that were done. */
    struct histogram query[FIGURES_CONSISTENCY_COUNT];              /* Of queries that were answered. */
    uint64_t commands[FIGURES_OUTCOME_COUNT];
    uint64_t queries[FIGURES_OUTCOME_COUNT];
    uint64_t abandoned; /* Requests whose client hung up before the answer. */
};

/* An answer of `status` is handed to the library. `route` NULL: none took the request. */
void figures_http(struct figures *figures, const struct route *route, unsigned status, uint64_t taken_us);
/* How a command or query ended, by its problem; PROBLEM_NONE: none. */
enum figures_outcome figures_outcome(const struct problem *problem, bool duplicate);
const char *figures_outcome_name(enum figures_outcome outcome);

#endif
