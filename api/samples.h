/* One look a second at what the page charts, for those who come later: the last five minutes of this node. */
#ifndef RAFTD_API_SAMPLES_H
#define RAFTD_API_SAMPLES_H

#include "server/json/json.h"

#include <stdint.h>

struct api;

enum { SAMPLES_KEPT = 300, SAMPLES_MS = 1000 };

struct sample {
    uint64_t at_ms;
    uint64_t commit_index;
    uint64_t waiting; /* Commands proposed here and not answered. */
    uint64_t storage_bytes;
    uint64_t snapshot_bytes;
    double latency_ms[2]; /* Of proposals, p50 and p99; negative: there were none lately. */
    double disk_ms[2];    /* Of writes, the same. */
};

/* Zero-initialise to begin. */
struct samples {
    struct sample kept[SAMPLES_KEPT];
    uint64_t count; /* Taken; the newest is kept[(count - 1) % SAMPLES_KEPT]. */
    uint64_t due_ms;
};

/* Takes one when it is time. Nothing is woken for it: a node that sleeps has nothing to chart. */
void samples_turn(struct api *api);
/* {"age_ms":[],"commit_index":[],...}: a list of each, oldest first. */
void samples_write(const struct samples *samples, uint64_t now_ms, struct json_writer *writer);

#endif
