/* LevelDB maps its tables and keeps up to 64 of them mapped: after the log was read once, a hundred megabytes of it count
 * as memory of this process. This gives the pages back. */
#ifndef RAFTD_RESIDENT_H
#define RAFTD_RESIDENT_H

/* Asks the kernel to page out what is mapped of the files in `directory` (a real path). Harmless at any time and beside any
 * thread: contents do not change, and what is needed again is read again. */
void resident_release(const char *directory);

#endif
