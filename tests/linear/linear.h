/* Could a single server, which does one operation after another, have given these answers? Each operation must then have
 * taken effect at one moment between its invocation and its answer (Herlihy and Wing 1990; the dissertation's §6.3).
 *
 * Found by the search of Wing and Gong (1993) with Lowe's memory of configurations that were tried (2017), and where that
 * takes long by following all orders at once, answer by answer (Lowe's just-in-time linearization), key by key: keys
 * do not know of each other, so that a history is linearizable when each key's is.
 *
 * Not for several threads at once. Runs out of memory loudly; has no other state than its arguments. */
#ifndef TESTS_LINEAR_LINEAR_H
#define TESTS_LINEAR_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINEAR_NEVER  UINT64_MAX /* No answer came: it may take effect at any later moment, or never. */
#define LINEAR_ABSENT 0          /* The value of a key that is not there. */

enum linear_kind {
    LINEAR_READ = 1,
    LINEAR_WRITE, /* LINEAR_ABSENT: a removal. */
    LINEAR_SWAP   /* Writes `value` if `expected` is there. */
};

struct linear_operation {
    uint64_t invoked;  /* Any clock that all operations share; */
    uint64_t returned; /* not before `invoked`. An answer at the same moment as an invocation may have come after it. */
    uint64_t value;    /* Of writes and swaps. */
    uint64_t expected; /* Of swaps. */
    uint64_t seen;     /* The answer: what was read; of writes and swaps what was there before, */
    bool seen_known;   /* if the answer told. */
    bool taken;        /* The answer to a swap: it wrote. Needs returned != LINEAR_NEVER to mean anything. */
    enum linear_kind kind;
    uint32_t key;
    uint32_t client; /* For messages only. */
};

enum linear_verdict {
    LINEAR_YES,
    LINEAR_NO,
    LINEAR_UNDECIDED /* The search took more steps than it was allowed. */
};

struct linear_report {
    uint32_t key; /* Of the verdict, if it is not LINEAR_YES. */
    /* LINEAR_NO: the first operation (index into the history, by time of its answer) that fits in no way; all those before
     * it fit. */
    size_t culprit;
    uint64_t steps;
};

/* `steps_max`: for each key and each of the searches that are tried, three and those for the culprit; 0: as many as it
 * takes. Operations may be in any order. The key of LINEAR_NO is the first of which that was found. */
enum linear_verdict linear_check(const struct linear_operation *operations, size_t count, uint64_t steps_max,
                                 struct linear_report *out_report);

#endif
