/* The two clocks that a node tells others of. For comparing and for showing: nothing is decided by them. */
#ifndef RAFTD_API_CLOCK_H
#define RAFTD_API_CLOCK_H

#include <stdint.h>

/* The one that leases and time-outs run by: monotonic, time asleep included. */
uint64_t clock_elapsed_us(void);
/* The one on the wall, since 1970: somebody may set it. */
uint64_t clock_wall_ms(void);

#endif
