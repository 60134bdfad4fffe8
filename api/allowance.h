/* Bytes that all requests together may hold of one kind: without it each could stay below its own limit, and a few hundred
 * ask for all memory there is. */
#ifndef RAFTD_API_ALLOWANCE_H
#define RAFTD_API_ALLOWANCE_H

#include <stdbool.h>
#include <stddef.h>

struct allowance {
    size_t max;
    size_t used;
};

/* Makes what somebody holds of it grow to `size`; who holds more already keeps that. False: there is no room, and nothing
 * has changed. */
bool allowance_grow(struct allowance *allowance, size_t *inout_held, size_t size);
/* Gives all back. */
void allowance_release(struct allowance *allowance, size_t *inout_held);

#endif
