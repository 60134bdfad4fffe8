/* Looks a name up, beside everything else: the system's resolver may take as long as it likes.
 *
 * One look-up at a time, on a thread of its own. Threads: all calls on one thread; `wake` is called on the other one, and
 * not any more after lookup_destroy. */
#ifndef RAFTD_LOOKUP_H
#define RAFTD_LOOKUP_H

#include "server/members.h"

enum { LOOKUP_MAX = 64 /* URLs; further addresses are left out. */, LOOKUP_WHY_SIZE = 256 };

struct lookup;

struct lookup_found {
    size_t count;
    char urls[LOOKUP_MAX][MEMBERS_URL_SIZE]; /* http://ADDRESS:PORT, each once, in the order of their bytes. */
    char why[LOOKUP_WHY_SIZE];               /* Not empty: it failed. */
};

/* At once, on this thread: `host_port` is HOST:PORT. */
void lookup_now(const char *host_port, struct lookup_found *out_found);

/* `host_port` is borrowed. NULL: there is no thread to be had. */
struct lookup *lookup_create(const char *host_port, void (*wake)(void *context), void *context);
/* Does not wait for a look-up under way, which ends unheard. NULL is a no-op. */
void lookup_destroy(struct lookup *lookup);
/* No-op while one is under way. */
void lookup_begin(struct lookup *lookup);
/* True, once, when one has ended. */
bool lookup_take(struct lookup *lookup, struct lookup_found *out_found);

#endif
