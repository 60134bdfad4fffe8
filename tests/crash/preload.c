/* calls.c in a process that knows nothing of it, for raftd: CRASH_BELOW is the directory that is watched, CRASH_JOURNAL
 * where that is written down; CRASH_AT is the number of the call that fails, of the kinds CRASH_CALLS (those that write),
 * with the errno CRASH_ERROR, from then on or (CRASH_ONCE) once. It is told of on standard error. */
#include "tests/crash/inject.h"
#include "tests/crash/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not by write: that one counts. */
static void tell(const char *what) {
    char line[256];
    int size = snprintf(line, sizeof line, "made to fail: %s\n", what);
    (void)syscall(SYS_write, STDERR_FILENO, line, (size_t)size);
}

__attribute__((constructor)) static void begin(void) {
    const char *below = getenv("CRASH_BELOW");
    const char *journal = getenv("CRASH_JOURNAL");
    const char *at = getenv("CRASH_AT");
    const char *error = getenv("CRASH_ERROR");
    if (below != NULL && journal != NULL && !journal_begin(below, journal)) {
        fprintf(stderr, "no journal can be written to %s\n", journal);
        abort();
    }
    const char *calls = getenv("CRASH_CALLS");
    if (below != NULL && at != NULL && error != NULL) {
        inject_begin(&(struct inject){.below = below,
                                      .calls = calls == NULL ? INJECT_WRITING : (unsigned)strtoul(calls, NULL, 0),
                                      .at = strtoull(at, NULL, 10),
                                      .error = atoi(error),
                                      .stays = getenv("CRASH_ONCE") == NULL,
                                      .hit = tell});
    }
}
