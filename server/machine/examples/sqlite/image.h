/* A database file in memory, for SQLite to open through a VFS of its own, that can be set aside in an instant: the file is
 * an array of pieces, and who sets it aside shares them; a piece that is shared is copied before it is written.
 *
 * What SQLite writes aside while it works is in memory, too, and bounded.
 *
 * Threads: all but image_frozen_write on one thread at a time; that one may run beside everything else. */
#ifndef SQLITE_IMAGE_H
#define SQLITE_IMAGE_H

#include <raftd/machine.h>

/* Of one file that SQLite opens for what it sorts, groups or repeats. */
enum { IMAGE_SCRATCH_BYTES_MAX = 64 * 1024 * 1024 };

struct image;

/* An empty file. NULL: SQLite does not take the VFS; it is another one than was compiled with. */
struct image *image_create(void);
void image_destroy(struct image *image);
/* The name of the VFS through which each path is this file. */
const char *image_vfs(const struct image *image);
/* Behind the end. */
void image_append(struct image *image, const void *bytes, size_t size);

struct image_frozen;
struct image_frozen *image_freeze(struct image *image);
/* The whole file, as SQLite would have it on a disk. False: output refused. */
bool image_frozen_write(const struct image_frozen *frozen, struct machine_output output);
void image_release(struct image_frozen *frozen);

#endif
