/* Where snapshot files lie: named runs of bytes in a directory, or in memory. What they mean is no business of this. */
#ifndef RAFTD_SNAPSHOT_MEDIUM_H
#define RAFTD_SNAPSHOT_MEDIUM_H

#include "storage/storage.h"

enum { SNAPSHOT_NAME_SIZE = 96 }; /* With its NUL. */

struct snapshot_medium;
struct snapshot_blob;

/* All set errno when they fail. */
struct snapshot_medium_operations {
    void (*close)(struct snapshot_medium *medium);
    /* A new one without bytes; what had that name is gone. NULL: failed. */
    struct snapshot_blob *(*create)(struct snapshot_medium *medium, const char *name);
    /* NULL: failed, ENOENT when there is none. It stays readable when its name is removed. */
    struct snapshot_blob *(*open)(struct snapshot_medium *medium, const char *name, bool is_writable);
    /* What had the name `to` is gone. It survives a loss of power from now on. */
    bool (*rename)(struct snapshot_medium *medium, const char *from, const char *to);
    /* Whatever has been renamed before survives a loss of power from now on. */
    bool (*sync_names)(struct snapshot_medium *medium);
    bool (*remove)(struct snapshot_medium *medium, const char *name); /* One that is not there is fine. */
    bool (*for_each)(struct snapshot_medium *medium, void (*each)(void *context, const char *name, uint64_t size),
                     void *context);
    bool (*append)(struct snapshot_blob *blob, const void *bytes, size_t size);
    bool (*read)(struct snapshot_blob *blob, uint64_t offset, void *bytes, size_t size); /* All of them. */
    bool (*sync)(struct snapshot_blob *blob); /* Its bytes survive a loss of power. */
    void (*close_blob)(struct snapshot_blob *blob);
};

struct snapshot_medium {
    const struct snapshot_medium_operations *operations;
};

struct snapshot_blob {
    const struct snapshot_medium_operations *operations;
    uint64_t size;
};

/* The directory `name` in `parent`, made when absent. NULL: failed. */
struct snapshot_medium *snapshot_files_open(const char *parent, const char *name);
/* A file anywhere, to be read. NULL: failed. */
struct snapshot_blob *snapshot_files_open_path(const char *path);

struct snapshot_medium *snapshot_memory_create(void);

#endif
