/* Snapshot files that are being sent: opened once, which checks every byte, and shared by all who send them. Opening,
 * reading and closing are jobs. */
#ifndef RAFTD_SNAPSHOT_SENDS_FILE_H
#define RAFTD_SNAPSHOT_SENDS_FILE_H

#include "server/snapshot_sends.h"

/* One more use of that file. */
struct snapshot_sends_file *snapshot_sends_file_use(struct snapshot_sends *sends, const struct storage_snapshot *snapshot);
/* One less; without any it is closed. NULL is a no-op. `node` NULL: at once, not by a job. */
void snapshot_sends_file_release(struct node *node, struct snapshot_sends *sends, struct snapshot_sends_file *file);
/* Ends by snapshot_sends_opened. No-op while it is being opened. */
void snapshot_sends_file_open(struct node *node, struct snapshot_sends_file *file);
/* Ends by snapshot_sends_piece_read with `serial`. The file is open. */
void snapshot_sends_file_read(struct node *node, struct snapshot_sends_file *file, uint64_t serial, uint64_t offset,
                              size_t size);

#endif
