/* What a stopped node's data directory holds, found out without a change to it (server/inspect_copy.h); for those who
 * print it (server/inspect.h) and those who act on it (server/recover.h). */
#ifndef RAFTD_INSPECT_REPORT_H
#define RAFTD_INSPECT_REPORT_H

#include "server/members.h"
#include "storage/snapshot_file.h"

enum { INSPECT_MENDED_MAX = 16, INSPECT_MENDED_SIZE = 300 };

struct inspect_report {
    bool sound;                 /* All below was read, and every checksum is right. */
    struct storage_message why; /* When it is not: one sentence. */
    struct storage_state state;
    uint64_t commands;
    uint64_t noops;
    uint64_t configurations;
    uint64_t sessions;
    raft_term first_term; /* Of the log's first entry; 0: it is empty. */
    raft_index members_index;
    struct members members; /* The newest configuration, committed or not; count 0: none. */
    struct snapshot_head head;
    size_t mended_count; /* What a start would mend. */
    char mended[INSPECT_MENDED_MAX][INSPECT_MENDED_SIZE];
};

/* The caller's, to be freed with free. */
struct inspect_report *inspect_report_make(const char *data_dir);

#endif
