/* `--backup-dir`: whoever leads puts a backup into a directory every so often, and removes old ones
 * (server/backup_files.h).
 *
 *     due, and leading --> a snapshot that covers what is applied --> [copied, on the long lane] --> due again
 *
 * One that was taken by somebody else before, in a directory that is shared, or in another life, counts: how long ago is
 * looked up when leadership begins. A backup that fails is told in the log, and tried again after
 * BACKUPS_RETRY_MS or the interval, whichever is less; nothing else depends on it. Threads: the reactor's. */
#ifndef RAFTD_BACKUPS_H
#define RAFTD_BACKUPS_H

#include "server/diagnostics.h"
#include "server/disk.h"
#include "server/node.h"

enum { BACKUPS_RETRY_MS = 60000, BACKUPS_TIMEOUT_MS = 600000 /* For a snapshot to be taken. */ };

struct backups;

struct backups_options {
    const char *directory; /* Borrowed. */
    uint64_t every_ms;     /* At least 1. */
    uint64_t keep;
    struct disk disk;
    const struct diagnostics *diagnostics; /* Borrowed. */
};

/* Of this life of the process. */
struct backups_status {
    uint64_t taken;
    uint64_t failed;
    raft_index index; /* Of the newest that this node knows of; 0: none. */
    int64_t time;     /* When it knew: seconds since 1970; 0: never. */
};

/* NULL with a sentence: no files can be made in that directory, which is made when only it is missing. */
struct backups *backups_create(const struct backups_options *options, struct storage_message *out_message);
/* After the disk's threads have ended, before the node ends. NULL is a no-op. */
void backups_destroy(struct backups *backups);

/* Each turn. NULL is a no-op. */
void backups_turn(struct backups *backups, struct node *node, uint64_t now_ms);
/* When to look again, if nothing else happens; UINT64_MAX: no need. */
uint64_t backups_deadline_ms(const struct backups *backups);
void backups_status(const struct backups *backups, struct backups_status *out_status);

#endif
