/* Snapshot files on a disk that the log is on as well. What is written goes to the disk in small steps as it comes: with
 * all of it left to one sync at the end, every sync of the log beside it would wait for seconds. */
#include "storage/file.h"
#include "storage/snapshot_medium.h"
#include "storage/space.h"

#include "server/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP_BYTES = 1 << 20 /* Written to the disk at a time, and waited for after the next one. */ };

struct files {
    struct snapshot_medium medium;
    int descriptor;
    int data_directory; /* The log's file system, and its reserve. */
};

struct file_blob {
    struct snapshot_blob blob;
    int descriptor;
    int data_directory; /* Borrowed of the medium; only of use where something is written. */
    uint64_t begun;     /* Up to here the system was told to write it to the disk. */
};

static const struct snapshot_medium_operations operations;

static int descriptor_of(const struct snapshot_medium *medium) {
    return ((const struct files *)medium)->descriptor;
}

static void close_keeping_errno(int descriptor) {
    int error = errno;
    close(descriptor);
    errno = error;
}

static void files_close(struct snapshot_medium *medium) {
    close(descriptor_of(medium));
    close(((struct files *)medium)->data_directory);
    free(medium);
}

/* Takes the descriptor, which may be -1. */
static struct snapshot_blob *make_blob(int descriptor, int data_directory) {
    struct stat status;
    if (descriptor < 0) {
        return NULL;
    }
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        errno = S_ISREG(status.st_mode) ? errno : EINVAL;
        close_keeping_errno(descriptor);
        return NULL;
    }
    struct file_blob *made = memory_zalloc(sizeof *made);
    made->blob = (struct snapshot_blob){.operations = &operations, .size = (uint64_t)status.st_size};
    made->descriptor = descriptor;
    made->data_directory = data_directory;
    made->begun = made->blob.size;
    return &made->blob;
}

static struct snapshot_blob *files_create(struct snapshot_medium *medium, const char *name) {
    const struct files *files = (const struct files *)medium;
    return make_blob(openat(files->descriptor, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), files->data_directory);
}

static struct snapshot_blob *files_open(struct snapshot_medium *medium, const char *name, bool is_writable) {
    const struct files *files = (const struct files *)medium;
    return make_blob(openat(files->descriptor, name, (is_writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC),
                     files->data_directory);
}

static bool files_sync_names(struct snapshot_medium *medium) {
    return fsync(descriptor_of(medium)) == 0;
}

static bool files_rename(struct snapshot_medium *medium, const char *from, const char *to) {
    int descriptor = descriptor_of(medium);
    return renameat(descriptor, from, descriptor, to) == 0 && files_sync_names(medium);
}

static bool files_remove(struct snapshot_medium *medium, const char *name) {
    return unlinkat(descriptor_of(medium), name, 0) == 0 || errno == ENOENT;
}

static bool files_for_each(struct snapshot_medium *medium, void (*each)(void *context, const char *name, uint64_t size),
                           void *context) {
    int descriptor = openat(descriptor_of(medium), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (stream == NULL) {
        if (descriptor >= 0) {
            close_keeping_errno(descriptor);
        }
        return false;
    }
    errno = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        struct stat status;
        if (fstatat(descriptor, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode)) {
            each(context, entry->d_name, (uint64_t)status.st_size);
        }
        errno = 0;
    }
    int error = errno;
    closedir(stream);
    errno = error;
    return error == 0;
}

/* Begins to write the newest step and waits for the one before. */
static bool write_step(struct file_blob *file) {
    off_t begun = (off_t)file->begun;
    off_t size = (off_t)(file->blob.size - file->begun);
    bool ok = sync_file_range(file->descriptor, begun, size, SYNC_FILE_RANGE_WRITE) == 0;
    if (ok && begun > 0) {
        ok = sync_file_range(file->descriptor, begun < STEP_BYTES ? 0 : begun - STEP_BYTES,
                             begun < STEP_BYTES ? begun : STEP_BYTES,
                             SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0;
    }
    if (!ok && (errno == ENOSYS || errno == EINVAL || errno == ESPIPE)) {
        ok = fdatasync(file->descriptor) == 0; /* A file system without it. */
    }
    file->begun = file->blob.size;
    return ok;
}

static bool files_append(struct snapshot_blob *blob, const void *bytes, size_t size) {
    struct file_blob *file = (struct file_blob *)blob;
    const char *at = bytes;
    while (size > 0) {
        /* Before each step: stops while the log has room left for its own writes. */
        if (blob->size == file->begun && !space_take_for_file(file->data_directory, space_measure_directory, STEP_BYTES)) {
            errno = ENOSPC;
            return false;
        }
        uint64_t room = STEP_BYTES - (blob->size - file->begun);
        size_t here = size < room ? size : (size_t)room;
        if (!file_write_at(file->descriptor, at, here, (size_t)blob->size)) {
            return false;
        }
        blob->size += here;
        at += here;
        size -= here;
        if (blob->size - file->begun == STEP_BYTES && !write_step(file)) {
            return false;
        }
    }
    return true;
}

static bool files_read(struct snapshot_blob *blob, uint64_t offset, void *bytes, size_t size) {
    char *at = bytes;
    while (size > 0) {
        ssize_t count = pread(((struct file_blob *)blob)->descriptor, at, size, (off_t)offset);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            errno = count == 0 ? EIO : errno; /* Shorter than it was. */
            return false;
        }
        at += count;
        size -= (size_t)count;
        offset += (uint64_t)count;
    }
    return true;
}

static bool files_sync(struct snapshot_blob *blob) {
    return fsync(((struct file_blob *)blob)->descriptor) == 0;
}

static void files_close_blob(struct snapshot_blob *blob) {
    close(((struct file_blob *)blob)->descriptor);
    free(blob);
}

static const struct snapshot_medium_operations operations = {.close = files_close,
                                                             .create = files_create,
                                                             .open = files_open,
                                                             .rename = files_rename,
                                                             .sync_names = files_sync_names,
                                                             .remove = files_remove,
                                                             .for_each = files_for_each,
                                                             .append = files_append,
                                                             .read = files_read,
                                                             .sync = files_sync,
                                                             .close_blob = files_close_blob};

/* Opens the directory, made when absent; -1: failed. Whoever made one that is there may have ended before its name was on
 * disk. */
static int open_directory(int parent, const char *name) {
    bool is_there = mkdirat(parent, name, 0700) == 0 || errno == EEXIST;
    return is_there && fsync(parent) == 0 ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

struct snapshot_medium *snapshot_files_open(const char *parent, const char *name) {
    int data_directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (data_directory < 0) {
        return NULL;
    }
    int descriptor = open_directory(data_directory, name);
    if (descriptor < 0) {
        close_keeping_errno(data_directory);
        return NULL;
    }
    struct files *files = memory_zalloc(sizeof *files);
    files->medium.operations = &operations;
    files->descriptor = descriptor;
    files->data_directory = data_directory;
    return &files->medium;
}

struct snapshot_blob *snapshot_files_open_path(const char *path) {
    return make_blob(open(path, O_RDONLY | O_CLOEXEC), -1);
}
