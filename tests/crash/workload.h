/* A store at work, as raftd uses it: everything that writes, drawn from a seed. What it is about to be and what was
 * promised goes as marks into the journal; what a store must hold is told by the twin in memory, which gets the same
 * writes. */
#ifndef RAFTD_TESTS_CRASH_WORKLOAD_H
#define RAFTD_TESTS_CRASH_WORKLOAD_H

#include "storage/snapshot_file.h"

#include "tests/unit/storage/fixture.h"

/* The first byte of a mark; the contents (contents_of) follow. */
enum {
    MARK_BEGUN = 'B', /* A write begins that leaves the store so. */
    MARK_DONE = 'D',  /* It was promised. No contents. */
    MARK_OPEN = 'O'   /* A store was made or opened and holds this: from now on it may be relied upon. */
};

struct workload_settings {
    uint64_t seed;
    size_t steps;
    bool fails; /* Now and then everything fails from some call on, as when the process is killed: then it is opened again.
                 */
};

struct workload_report {
    size_t writes; /* Promised. */
    size_t openings;
    size_t failures; /* That were told of: by storage_write, storage_open or in a snapshot. */
};

/* Asserts, whatever fails while it runs, that a store that opens holds what was promised. */
struct workload_report workload_run(const struct fixture *fixture, const struct workload_settings *settings);

/* One write of a new term and an entry; for a store that has survived. */
void workload_go_on(struct storage *storage);

#endif
