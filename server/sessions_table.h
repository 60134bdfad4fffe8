/* The exactly-once table from within, for the files of its snapshots and for tests that want it small. */
#ifndef RAFTD_SESSIONS_TABLE_H
#define RAFTD_SESSIONS_TABLE_H

#include "server/sessions.h"
#include "server/sessions_clients.h"
#include "server/sessions_keys.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Outside tests always the constants of sessions.h: nodes with different limits would come to different verdicts. */
struct sessions_limits {
    uint64_t sessions;
    uint64_t keys;
    uint64_t result_bytes; /* Of all keys, and again of all sessions. */
    size_t result_size;    /* Of one result; at most result_bytes. */
};

struct sessions {
    struct sessions_limits limits;
    uint64_t now_ms; /* Cluster time: the latest stamp seen. */
    struct sessions_clients clients;
    struct sessions_keys keys;
};

struct sessions *sessions_table_create(struct sessions_limits limits);

#endif
