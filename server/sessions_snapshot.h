/* What writer (sessions_snapshot.c, where the format is written down) and reader (sessions_restore.c) of the table's
 * snapshot share. */
#ifndef RAFTD_SESSIONS_SNAPSHOT_H
#define RAFTD_SESSIONS_SNAPSHOT_H

#define SESSIONS_SNAPSHOT_NAME "raftdses"

enum { SESSIONS_SNAPSHOT_VERSION = 1, SESSIONS_SNAPSHOT_KEY_SIZE_WIDTH = 1, SESSIONS_SNAPSHOT_RESULT_SIZE_WIDTH = 4 };

#endif
