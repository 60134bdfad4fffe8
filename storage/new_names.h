/* LevelDB goes on to a new .log file without syncing the directory that names it. This looks, after each synced batch,
 * whether the directory has changed, and syncs it before anybody is told that the batch is on disk. */
#ifndef RAFTD_NEW_NAMES_H
#define RAFTD_NEW_NAMES_H

#include <stdbool.h>
#include <time.h>

struct new_names {
    int descriptor;                /* Of the directory; -1 when closed. */
    struct timespec synced_change; /* The directory's last change that is known to be on disk. */
};

/* Opens the directory and syncs it. False with errno. */
bool new_names_open(struct new_names *names, int parent, const char *directory);
void new_names_close(struct new_names *names);

/* Syncs the directory when it has changed since. False with errno. */
bool new_names_sync(struct new_names *names);

#endif
