/* Durations as they stand in query strings: `250ms`, `5s`, `1m`. */
#ifndef RAFTD_API_DURATION_H
#define RAFTD_API_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Digits and a unit, nothing around them. False, `out_ms` untouched: a bare number, zero, an unknown unit, more than
 * `maximum_ms`, anything else. */
bool duration_parse(const char *text, size_t size, uint32_t maximum_ms, uint32_t *out_ms);

#endif
