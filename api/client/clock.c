#include "api/client/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

uint64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_after(uint64_t now_ms, uint64_t milliseconds) {
    return now_ms > UINT64_MAX - milliseconds ? UINT64_MAX : now_ms + milliseconds;
}

void clock_random(void *bytes, size_t size) {
    /* Up to 256 bytes come whole, or not at all where the system has no such source. */
    if (getrandom(bytes, size, 0) != (ssize_t)size) {
        perror("raftclient: getrandom");
        abort();
    }
}

/* splitmix64 */
uint64_t clock_draw(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}
