/* How often something took how long: buckets that double, from a microsecond to 8.4 s. Adding is one index and two
 * additions: no lock, no allocation. Zero-initialise to begin. */
#ifndef RAFTD_HISTOGRAM_H
#define RAFTD_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 24 };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS + 1]; /* Each of its bucket alone; the last of what was longer than all bounds. */
    uint64_t sum_us;
};

/* What is counted in a bucket is no longer than this, and longer than the bound before. */
static inline uint64_t histogram_bound_us(size_t bucket) {
    return (uint64_t)1 << bucket;
}

static inline void histogram_add(struct histogram *histogram, uint64_t taken_us) {
    /* The number of binary digits of one less: 0 for up to 1, 1 for 2, 2 for 3 and 4, 3 for 5 to 8. */
    size_t bucket = taken_us <= 1 ? 0 : 64 - (size_t)__builtin_clzll(taken_us - 1);
    histogram->counts[bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS]++;
    histogram->sum_us += taken_us;
}

static inline uint64_t histogram_count(const struct histogram *histogram) {
    uint64_t count = 0;
    for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        count += histogram->counts[i];
    }
    return count;
}

#endif
