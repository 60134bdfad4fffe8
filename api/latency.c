#include "api/latency.h"

#include <stdlib.h>
#include <time.h>

uint64_t latency_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void latency_add(struct latency *latency, uint64_t now_ms, uint64_t taken_us) {
    uint64_t place = latency->count++ % LATENCY_KEPT;
    latency->at_ms[place] = now_ms;
    latency->taken_us[place] = taken_us < UINT32_MAX ? (uint32_t)taken_us : UINT32_MAX;
}

static int compare(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

bool latency_read(const struct latency *latency, uint64_t now_ms, double *out_p50_ms, double *out_p99_ms) {
    uint32_t sorted[LATENCY_KEPT];
    size_t count = 0;
    for (size_t i = 0; i < LATENCY_KEPT && i < latency->count; i++) {
        if (now_ms - latency->at_ms[i] < LATENCY_KEPT_MS) {
            sorted[count++] = latency->taken_us[i];
        }
    }
    if (count == 0) {
        return false;
    }
    qsort(sorted, count, sizeof *sorted, compare);
    *out_p50_ms = (double)sorted[(count - 1) / 2] / 1000.0;
    *out_p99_ms = (double)sorted[(count - 1) * 99 / 100] / 1000.0;
    return true;
}
