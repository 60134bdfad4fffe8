/* What the file system of the data directory has room for, and when the ballast is held or let go (storage/README.md).
 *
 *     |- data -|- what commands may take -|- slack -|- kept for LevelDB -|- ballast -|
 *
 * New commands stop at the slack, which is there for what is in some log already: that stops at what LevelDB needs to
 * rewrite its tables. What must be written all the same (votes, terms, a leader's own entries, configurations) may use
 * that too, and the ballast when it is used up. On a small file system all of them are a part of it. */
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
/* Looks anew, and makes the ballast when there is room for it. */
void space_look(struct space *space, struct storage_room *out_room);

/* How many bytes a file may grow that is not the log (a snapshot), so that the log can still be written. UINT64_MAX: as the
 * system does not tell. Any thread. */
uint64_t space_for_files(int directory);

#endif
