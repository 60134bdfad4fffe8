/* The file `floor`: what the newest synced batch was, written after its sync but never synced itself. A process that dies
 * leaves it exact; after a loss of power it may be old, torn or gone, but it is never ahead of what was synced. So a store
 * that ends below its floor was shortened by someone (LevelDB opens a cut or deleted log without a word), and a floor that
 * cannot be read says nothing. */
#ifndef RAFTD_FLOOR_H
#define RAFTD_FLOOR_H

#include "storage/record.h"
#include "storage/storage.h"

#define FLOOR_NAME "floor"

struct floor {
    struct record_newest_write newest;
    struct raft_hard_state hard_state;
};

/* The file's bytes, and back; false for anything that floor_format did not write. */
enum { FLOOR_SIZE = 45 };
void floor_format(const struct floor *floor, char out_bytes[FLOOR_SIZE]);
bool floor_parse(const char *bytes, size_t size, struct floor *out_floor);

/* True when there is a readable floor. */
bool floor_read(int directory, struct floor *out_floor);

/* STORAGE_DAMAGED when a store that ends with `store` lacks something that `floor` says it had. */
enum storage_error floor_check(const struct floor *floor, const struct floor *store, struct storage_message *out_message);

/* Opens the file for floor_write, puts `floor` in and syncs it this once, so that later writes only change bytes in place.
 * The descriptor, or -1 with errno. */
int floor_create(int directory, const struct floor *floor);
/* False with errno. */
bool floor_write(int descriptor, const struct floor *floor);

#endif
