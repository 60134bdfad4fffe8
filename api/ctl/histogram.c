#include "api/ctl/histogram.h"

#include <stddef.h>

/* Below 32 each number has a bucket of its own; from there on each power of two has 32. */
static size_t bucket_of(uint64_t value) {
    if (value < HISTOGRAM_PARTS) {
        return (size_t)value;
    }
    unsigned power = 63 - (unsigned)__builtin_clzll(value);
    return (size_t)(power - 4) * HISTOGRAM_PARTS + (size_t)((value >> (power - 5)) - HISTOGRAM_PARTS);
}

/* The largest value in a bucket. */
static uint64_t most_of(size_t bucket) {
    if (bucket < HISTOGRAM_PARTS) {
        return bucket;
    }
    unsigned power = (unsigned)(bucket / HISTOGRAM_PARTS) + 4;
    return (((uint64_t)(bucket % HISTOGRAM_PARTS) + HISTOGRAM_PARTS + 1) << (power - 5)) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t microseconds) {
    histogram->counts[bucket_of(microseconds)]++;
    histogram->count++;
    histogram->longest = microseconds > histogram->longest ? microseconds : histogram->longest;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other) {
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram->counts[i] += other->counts[i];
    }
    histogram->count += other->count;
    histogram->longest = other->longest > histogram->longest ? other->longest : histogram->longest;
}

uint64_t histogram_part(const struct histogram *histogram, double part) {
    uint64_t wanted = (uint64_t)(part * (double)histogram->count + 0.5), seen = 0;
    wanted = wanted > 0 ? wanted : 1;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && histogram->count > 0; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted) {
            return most_of(i) < histogram->longest ? most_of(i) : histogram->longest;
        }
    }
    return histogram->longest;
}
