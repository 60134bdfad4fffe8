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
    MARK_SENT = 'S',  /* A leader begins to send a snapshot: its struct storage_snapshot and its bytes follow. */
    MARK_OPEN = 'O'   /* A store was made or opened and holds this: from now on it may be relied upon. */
};

struct workload_settings {
    uint64_t seed;
    size_t steps;
    bool fails; /* Now and then everything fails from some call on, as when the process is killed: then it is opened again.
                 */
};

struct workload_report {
    size_t writes;  /* Promised. */
    size_t resumed; /* Snapshots of which a part was there already when more of it was sent. */
    size_t openings;
    size_t failures; /* That were told of: by storage_write, storage_open or in a snapshot. */
};

/* Asserts, whatever fails while it runs, that a store that opens holds what was promised. */
struct workload_report workload_run(const struct fixture *fixture, const struct workload_settings *settings);

/* Receives what is not there yet of a snapshot, and no more than up to `until` of its bytes, `length`: checks it then. */
enum storage_error workload_receive(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                    const char *bytes, uint64_t until, uint64_t *out_found,
                                    struct storage_message *out_message);

/* A leader could have that snapshot, and a use for sending it: it covers more than the log here, and what is committed
 * here, as of the base, is of no later term. */
bool workload_may_install(const struct storage_state *state, const struct storage_snapshot *snapshot);
/* The write that puts such a snapshot in the place of the whole log. */
struct storage_write workload_install(const struct storage_state *state, const struct storage_snapshot *snapshot);

/* One write of a new term and an entry; for a store that has survived. */
void workload_go_on(struct storage *storage);

#endif
