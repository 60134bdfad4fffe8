/* What the files of this room share: one api, as handlers see it. */
#ifndef RAFTD_API_INSIDE_H
#define RAFTD_API_INSIDE_H

#include "api/allowance.h"
#include "api/api.h"
#include "api/client_urls.h"
#include "api/figures.h"
#include "api/guard.h"
#include "api/latency.h"
#include "api/samples.h"

struct http;

/* Limits that are not flags, each tested at its edge. */
enum {
    API_NDJSON_LINES_MAX = 100000,       /* Commands in one NDJSON body: answers are larger than lines can be small. */
    API_DROPPED_BODY_MAX = 64 * 1024,    /* A refused request's body up to this is read, so that its connection lives on. */
    API_BODIES_MAX = 256 * 1024 * 1024,  /* All bodies being read at once; small ones and peers' are not held back. */
    API_ANSWERS_MAX = 256 * 1024 * 1024, /* All answers not yet read, but for small ones and peers'. */
    API_SMALL_BODY = 64 * 1024,          /* What counts as small. */
    API_LINE_BYTES = 512,                /* What the answer to a line takes without its result, at most. */
    API_DOCTORS_MAX = 4,                 /* GET /v1/doctor at once: each asks all members, and each of these all others. */
    API_ASK_TIMEOUT_MS = 1000            /* Of the questions to other nodes behind /v1/cluster and redirects. */
};

struct api {
    struct api_options options;
    struct api_host host;
    struct node *node;
    struct peers *peers;
    const struct diagnostics *diagnostics;
    struct guard guard;
    struct client_urls client_urls;
    struct allowance bodies;  /* API_BODIES_MAX: being read. */
    struct allowance answers; /* API_ANSWERS_MAX. */
    struct latency latency;   /* Of proposals that were asked of this node. */
    struct figures figures;
    struct samples samples;
    struct gathering *gathering; /* Owned; NULL while nobody follows the cluster. */
    struct http *http;           /* Owned. */
    size_t doctors;              /* Under way. */
    uint64_t now_ms;
    uint64_t started_wall_ms; /* By the wall clock, which may have been set since. */
};

#endif
