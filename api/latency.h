/* How long proposals took, of late: from when a request was whole until its answer was known. */
#ifndef RAFTD_API_LATENCY_H
#define RAFTD_API_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LATENCY_KEPT = 512,     /* So many of the newest, */
    LATENCY_KEPT_MS = 10000 /* and none that is older. */
};

/* Zero-initialise to begin. */
struct latency {
    uint64_t count; /* Added so far. */
    uint64_t at_ms[LATENCY_KEPT];
    uint32_t taken_us[LATENCY_KEPT];
};

/* On a clock of its own that only runs forward. */
uint64_t latency_now_us(void);
void latency_add(struct latency *latency, uint64_t now_ms, uint64_t taken_us);
/* False: there were none lately. */
bool latency_read(const struct latency *latency, uint64_t now_ms, double *out_p50_ms, double *out_p99_ms);

#endif
