/* Which of LevelDB's files are in use: its MANIFEST says so, in records of the format of log_file.h, each a list of tagged
 * changes. LevelDB replays the log it names and all newer ones, and opens without a word when the file named is gone. */
#ifndef RAFTD_MANIFEST_H
#define RAFTD_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct manifest {
    uint64_t log;          /* The oldest .log in use, 0 when none was named. */
    uint64_t previous_log; /* One more that is in use, 0 for none. */
    uint64_t *tables;      /* Their numbers, owned. */
    size_t table_count;
    size_t table_capacity;
};

/* What the intact records from the beginning say, to be freed; false when one of them is not a list of changes as LevelDB
 * 1.x writes them. */
bool manifest_parse(const uint8_t *file, size_t size, struct manifest *out_manifest);
void manifest_free(struct manifest *manifest);

#endif
