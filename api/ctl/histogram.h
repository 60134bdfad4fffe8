/* How long requests took: counts in buckets that are 1/32 of their value wide, so that a percentile is at most 3 % off. */
#ifndef RAFTCTL_HISTOGRAM_H
#define RAFTCTL_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_PARTS = 32, HISTOGRAM_BUCKETS = 60 * HISTOGRAM_PARTS };

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count, longest;
};

void histogram_add(struct histogram *histogram, uint64_t microseconds);
void histogram_merge(struct histogram *histogram, const struct histogram *other);
/* What `part` (0.99) of all took at most; 0 when there is none. */
uint64_t histogram_part(const struct histogram *histogram, double part);

#endif
