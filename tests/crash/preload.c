/* calls.c in a process that knows nothing of it, for raftd: CRASH_BELOW is the directory that is watched, CRASH_JOURNAL
 * where that is written down; CRASH_AT is the number of the call that fails, with the errno CRASH_ERROR, from then on. */
#include "tests/crash/inject.h"
#include "tests/crash/journal.h"

#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void begin(void) {
    const char *below = getenv("CRASH_BELOW");
    const char *journal = getenv("CRASH_JOURNAL");
    const char *at = getenv("CRASH_AT");
    const char *error = getenv("CRASH_ERROR");
    if (below != NULL && journal != NULL && !journal_begin(below, journal)) {
        fprintf(stderr, "no journal can be written to %s\n", journal);
        abort();
    }
    if (below != NULL && at != NULL && error != NULL) {
        inject_begin(&(struct inject){
            .below = below, .calls = INJECT_WRITING, .at = strtoull(at, NULL, 10), .error = atoi(error), .stays = true});
    }
}
