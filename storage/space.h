/* What the file system of the data directory has room for, and when the ballast is held or let go (storage/README.md).
 *
 *     |- data -|- what commands may take -|- slack -|- kept for LevelDB -|- ballast -|
 *
 * New commands stop at the slack, which is there for what is in some log already: that stops at what LevelDB needs to
 * rewrite its tables. What must be written all the same (votes, terms, a leader's own entries, configurations) may use
 * that too, and the ballast when it is used up. So may a
 * snapshot, but for what the log's own writes need. On a small file system all of them are a part of it. */
#ifndef RAFTD_SPACE_H
#define RAFTD_SPACE_H

#include "storage/storage.h"

enum {
    SPACE_BALLAST_BYTES = 16 << 20, /* At most an eighth of the file system. */
    SPACE_KEPT_BYTES = 64 << 20,    /* At most half of it. */
    SPACE_SLACK_BYTES = 8 << 20     /* At most a sixteenth. */
};

/* Asks the system about the file system that the directory is on; false when it does not tell. */
typedef bool (*space_measure)(int directory, uint64_t *out_free_bytes, uint64_t *out_total_bytes);
bool space_measure_directory(int directory, uint64_t *out_free_bytes, uint64_t *out_total_bytes);

struct space {
    int directory; /* Borrowed; of the data directory. */
    space_measure measure;
    bool whole; /* The ballast is there. */
    bool full;  /* Commands had no room at the last look. */
};

/* Lets the ballast go when the start, which writes too, might not fit otherwise. Before LevelDB is opened. */
void space_open(struct space *space, int directory, space_measure measure);
/* Lets the ballast go when it is time. Before each write. */
void space_make_way(struct space *space);
/* Lets the ballast go: a write has found no room. */
void space_let_go(struct space *space);
/* Looks anew, and makes the ballast when there is room for it. */
void space_look(struct space *space, struct storage_room *out_room);

/* For other threads than the one that writes. `directory` is the data directory. */

/* May a file that is not the log (a snapshot) grow by so many bytes? Not into what LevelDB needs to rewrite the tables it
 * has, nor into the slack; but the ballast is let go for it, because a snapshot is what gives the log's space back. */
bool space_take_for_file(int directory, space_measure measure, uint64_t bytes);
/* Is there room to write that entries are removed, before they are? */
bool space_has_slack(int directory, space_measure measure);

#endif
