/* Preloaded into raftd by tests: the clock by which it waits runs RAFTD_DRIFT_PERCENT per cent as fast as it should. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    }
    int error = real(clock, now);
    const char *percent = getenv("RAFTD_DRIFT_PERCENT");
    if (error == 0 && clock == CLOCK_BOOTTIME && percent != NULL) {
        long long us = ((long long)now->tv_sec * 1000000 + now->tv_nsec / 1000) / 100 * atoi(percent);
        now->tv_sec = (time_t)(us / 1000000);
        now->tv_nsec = (long)(us % 1000000) * 1000;
    }
    return error;
}
