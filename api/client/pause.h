/* How long to wait between attempts. */
#ifndef RAFTCLIENT_PAUSE_H
#define RAFTCLIENT_PAUSE_H

#include <stdint.h>

/* After the n-th failed round (from 0): doubles from RAFTCLIENT_PAUSE_MIN_MS to RAFTCLIENT_PAUSE_MAX_MS, less up to half of
 * it by `random`, so that clients which failed together do not come back together. What a node asked for (Retry-After, 0:
 * nothing) is never undercut: then chance adds up to a quarter. */
uint32_t pause_ms(unsigned round, uint32_t retry_after_ms, uint64_t random);

/* A Retry-After in seconds, as milliseconds, at most an hour; 0 when it is none (a date is not looked at). */
uint32_t pause_retry_after(const char *text);

#endif
