/* The time and the chance that a client lives by. */
#ifndef RAFTCLIENT_CLOCK_H
#define RAFTCLIENT_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds of the monotonic clock. */
uint64_t clock_ms(void);
/* As many milliseconds later; the end of time when that is no more. */
uint64_t clock_after(uint64_t now_ms, uint64_t milliseconds);

/* Fills `bytes` from the system's source of randomness. */
void clock_random(void *bytes, size_t size);
/* The next of a sequence that begins with a seed, and is no secret. */
uint64_t clock_draw(uint64_t *state);

#endif
