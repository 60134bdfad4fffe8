#include "tests/bench/load/load.h"

/* Below 128 each value has a bucket of its own; from there on, six bits after the leading one choose it. */
static size_t bucket_of(uint64_t value) {
    if (value < 128)
        return (size_t)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - 6u;
    size_t bucket = 64u * shift + (size_t)(value >> shift);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t middle_of(size_t bucket) {
    if (bucket < 128)
        return bucket;
    unsigned shift = (unsigned)(bucket / 64) - 1u;
    uint64_t low = (uint64_t)(bucket - 64u * shift) << shift;
    return low + ((uint64_t)1 << shift) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t nanoseconds) {
    histogram->count++;
    histogram->buckets[bucket_of(nanoseconds)]++;
    if (nanoseconds > histogram->largest)
        histogram->largest = nanoseconds;
}

void histogram_merge(struct histogram *sum, const struct histogram *other) {
    sum->count += other->count;
    if (other->largest > sum->largest)
        sum->largest = other->largest;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        sum->buckets[i] += other->buckets[i];
}

double histogram_quantile(const struct histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)((double)histogram->count * share), seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted) {
            uint64_t value = middle_of(i);
            return (double)(value < histogram->largest ? value : histogram->largest) / 1e3;
        }
    }
    return (double)histogram->largest / 1e3;
}
