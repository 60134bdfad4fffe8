/* A file of a fixed size that holds space which nobody else gets: removed when a write that must not fail would not fit. */
#ifndef RAFTD_BALLAST_H
#define RAFTD_BALLAST_H

#include <stdbool.h>
#include <stdint.h>

#define BALLAST_NAME "ballast" /* In the data directory. */

/* It is there and all of its `size` bytes take space. */
bool ballast_is_whole(int directory, uint64_t size);
/* Makes it, or makes it that size. False with errno, and it is not there: no room, for instance. */
bool ballast_hold(int directory, uint64_t size);
/* Removes it; none there is fine. */
void ballast_release(int directory);

#endif
