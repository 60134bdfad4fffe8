/* The system calls of a process on files, between it and the C library: linked into it, or preloaded. Each may be made to
 * fail (inject.h) and what it changes is written down (journal.h). When neither is on they are passed on as they are. Here:
 * those that change something; looks.c has the others. */
#include "tests/crash/fate.h"
#include "tests/crash/journal.h"
#include "tests/crash/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(int error) {
    errno = error;
    return -1;
}

static uint64_t inode_at(const char *absolute) {
    struct stat status;
    watch_is_inside = true;
    uint64_t inode = stat(absolute, &status) == 0 ? status.st_ino : 0;
    watch_is_inside = false;
    return inode;
}

static uint64_t inode_of(int descriptor) {
    struct stat status;
    watch_is_inside = true;
    uint64_t inode = fstat(descriptor, &status) == 0 ? status.st_ino : 0;
    watch_is_inside = false;
    return inode;
}

/* -- Opening -- */

static mode_t mode_of(int flags, va_list rest) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
}

static int open_watched(const char *what, int directory, const char *name, int flags, mode_t mode, const char *absolute) {
    WATCH_REAL(openat);
    int fate = fate_of((flags & O_DIRECTORY) != 0 ? INJECT_LIST : INJECT_OPEN, what, absolute);
    if (fate > 0) {
        return failed(fate);
    }
    const char *path = journal_path(absolute);
    if (path == NULL || (flags & (O_CREAT | O_TRUNC)) == 0) {
        return real(directory, name, flags, mode);
    }
    journal_lock();
    uint64_t before = inode_at(absolute);
    int descriptor = real(directory, name, flags, mode);
    int error = errno;
    if (descriptor >= 0 && before == 0) {
        journal_add(JOURNAL_CREATE, path, "", inode_of(descriptor), 0, "", 0);
    } else if (descriptor >= 0 && (flags & O_TRUNC) != 0) {
        journal_add(JOURNAL_SIZE, "", "", before, 0, "", 0);
    }
    journal_unlock();
    errno = error;
    return descriptor;
}

int open(const char *name, int flags, ...) {
    WATCH_REAL(openat);
    char path[PATH_MAX];
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return watch_name(AT_FDCWD, name, path) ? open_watched("open", AT_FDCWD, name, flags, mode, path)
                                            : real(AT_FDCWD, name, flags, mode);
}

int openat(int directory, const char *name, int flags, ...) {
    WATCH_REAL(openat);
    char path[PATH_MAX];
    va_list rest;
    va_start(rest, flags);
    mode_t mode = mode_of(flags, rest);
    va_end(rest);
    return watch_name(directory, name, path) ? open_watched("openat", directory, name, flags, mode, path)
                                             : real(directory, name, flags, mode);
}

/* What a program built with FORTIFY calls where flags are no constant: it has no business with O_CREAT then. */
int __open_2(const char *name, int flags);
int __openat_2(int directory, const char *name, int flags);

int __open_2(const char *name, int flags) {
    return open(name, flags);
}

int __openat_2(int directory, const char *name, int flags) {
    return openat(directory, name, flags);
}

/* -- Writing -- */

static void note_write(int descriptor, const char *path, off_t offset, const void *bytes, ssize_t count) {
    if (count > 0) {
        journal_add(JOURNAL_WRITE, path, "", inode_of(descriptor), (uint64_t)offset, bytes, (size_t)count);
    }
}

static size_t shortened(int fate, size_t size) {
    return fate == INJECT_SHORT && size > 1 ? size / 2 : size;
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
    WATCH_REAL(write);
    char absolute[PATH_MAX];
    if (!watch_file(descriptor, absolute)) {
        return real(descriptor, bytes, size);
    }
    int fate = fate_of(INJECT_WRITE, "write", absolute);
    if (fate > 0) {
        return failed(fate);
    }
    const char *path = journal_path(absolute);
    journal_lock();
    ssize_t count = real(descriptor, bytes, shortened(fate, size));
    int error = errno;
    if (path != NULL && count > 0) {
        note_write(descriptor, path, lseek(descriptor, 0, SEEK_CUR) - count, bytes, count);
    }
    journal_unlock();
    errno = error;
    return count;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset) {
    WATCH_REAL(pwrite);
    char absolute[PATH_MAX];
    if (!watch_file(descriptor, absolute)) {
        return real(descriptor, bytes, size, offset);
    }
    int fate = fate_of(INJECT_WRITE, "pwrite", absolute);
    if (fate > 0) {
        return failed(fate);
    }
    const char *path = journal_path(absolute);
    journal_lock();
    ssize_t count = real(descriptor, bytes, shortened(fate, size), offset);
    int error = errno;
    if (path != NULL) {
        note_write(descriptor, path, offset, bytes, count);
    }
    journal_unlock();
    errno = error;
    return count;
}

static void note_size(int descriptor, const char *absolute) {
    struct stat status;
    const char *path = journal_path(absolute);
    watch_is_inside = true;
    if (path != NULL && fstat(descriptor, &status) == 0) {
        journal_add(JOURNAL_SIZE, path, "", status.st_ino, (uint64_t)status.st_size, "", 0);
    }
    watch_is_inside = false;
}

int ftruncate(int descriptor, off_t size) {
    WATCH_REAL(ftruncate);
    char absolute[PATH_MAX];
    if (!watch_file(descriptor, absolute)) {
        return real(descriptor, size);
    }
    int fate = fate_of(INJECT_SIZE, "ftruncate", absolute);
    if (fate > 0) {
        return failed(fate);
    }
    journal_lock();
    int result = real(descriptor, size);
    int error = errno;
    if (result == 0) {
        note_size(descriptor, absolute);
    }
    journal_unlock();
    errno = error;
    return result;
}

int posix_fallocate(int descriptor, off_t offset, off_t size) {
    WATCH_REAL(posix_fallocate);
    char absolute[PATH_MAX];
    if (!watch_file(descriptor, absolute)) {
        return real(descriptor, offset, size);
    }
    int fate = fate_of(INJECT_SIZE, "posix_fallocate", absolute);
    if (fate > 0) {
        return fate;
    }
    journal_lock();
    int result = real(descriptor, offset, size);
    if (result == 0) {
        note_size(descriptor, absolute);
    }
    journal_unlock();
    return result;
}

/* -- Syncing -- */

static int sync_watched(const char *what, int descriptor, int (*real)(int), const char *absolute) {
    int fate = fate_of(INJECT_SYNC, what, absolute);
    if (fate > 0) {
        return failed(fate);
    }
    const char *path = journal_path(absolute);
    if (path == NULL) {
        return real(descriptor);
    }
    uint64_t number = journal_next_sync();
    uint64_t inode = inode_of(descriptor);
    journal_lock();
    journal_add(JOURNAL_SYNC_BEGIN, path, "", inode, number, "", 0);
    journal_unlock();
    int result = real(descriptor);
    int error = errno;
    if (result == 0) {
        journal_lock();
        journal_add(JOURNAL_SYNC_END, path, "", inode, number, "", 0);
        journal_unlock();
    }
    errno = error;
    return result;
}

int fsync(int descriptor) {
    WATCH_REAL(fsync);
    char absolute[PATH_MAX];
    return watch_file(descriptor, absolute) ? sync_watched("fsync", descriptor, real, absolute) : real(descriptor);
}

int fdatasync(int descriptor) {
    WATCH_REAL(fdatasync);
    char absolute[PATH_MAX];
    return watch_file(descriptor, absolute) ? sync_watched("fdatasync", descriptor, real, absolute) : real(descriptor);
}

/* Promises nothing: it is not written down. */
int sync_file_range(int descriptor, off_t offset, off_t size, unsigned flags) {
    WATCH_REAL(sync_file_range);
    char absolute[PATH_MAX];
    int fate = watch_file(descriptor, absolute) ? fate_of(INJECT_RANGE, "sync_file_range", absolute) : 0;
    return fate > 0 ? failed(fate) : real(descriptor, offset, size, flags);
}

/* -- Names -- */

static int rename_watched(int from_directory, const char *from, int to_directory, const char *to, const char *absolute) {
    WATCH_REAL(renameat);
    char target[PATH_MAX];
    int fate = fate_of(INJECT_RENAME, "rename", absolute);
    if (fate > 0) {
        return failed(fate);
    }
    journal_lock();
    int result = real(from_directory, from, to_directory, to);
    int error = errno;
    const char *path = journal_path(absolute);
    if (result == 0 && path != NULL && watch_path_at(to_directory, to, target) && journal_path(target) != NULL) {
        journal_add(JOURNAL_RENAME, path, journal_path(target), 0, 0, "", 0);
    }
    journal_unlock();
    errno = error;
    return result;
}

int rename(const char *from, const char *to) {
    WATCH_REAL(rename);
    char path[PATH_MAX];
    return watch_name(AT_FDCWD, from, path) ? rename_watched(AT_FDCWD, from, AT_FDCWD, to, path) : real(from, to);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    WATCH_REAL(renameat);
    char path[PATH_MAX];
    return watch_name(from_directory, from, path) ? rename_watched(from_directory, from, to_directory, to, path)
                                                  : real(from_directory, from, to_directory, to);
}

static int remove_watched(const char *what, int directory, const char *name, int flags, const char *absolute) {
    WATCH_REAL(unlinkat);
    int fate = fate_of(INJECT_UNLINK, what, absolute);
    if (fate > 0) {
        return failed(fate);
    }
    journal_lock();
    int result = real(directory, name, flags);
    int error = errno;
    if (result == 0 && journal_path(absolute) != NULL) {
        journal_add(JOURNAL_UNLINK, journal_path(absolute), "", 0, 0, "", 0);
    }
    journal_unlock();
    errno = error;
    return result;
}

int unlink(const char *name) {
    WATCH_REAL(unlink);
    char path[PATH_MAX];
    return watch_name(AT_FDCWD, name, path) ? remove_watched("unlink", AT_FDCWD, name, 0, path) : real(name);
}

int unlinkat(int directory, const char *name, int flags) {
    WATCH_REAL(unlinkat);
    char path[PATH_MAX];
    return watch_name(directory, name, path) ? remove_watched("unlinkat", directory, name, flags, path)
                                             : real(directory, name, flags);
}

int rmdir(const char *name) {
    WATCH_REAL(rmdir);
    char path[PATH_MAX];
    return watch_name(AT_FDCWD, name, path) ? remove_watched("rmdir", AT_FDCWD, name, AT_REMOVEDIR, path) : real(name);
}

static int mkdir_watched(int directory, const char *name, mode_t mode, const char *absolute) {
    WATCH_REAL(mkdirat);
    int fate = fate_of(INJECT_MKDIR, "mkdir", absolute);
    if (fate > 0) {
        return failed(fate);
    }
    journal_lock();
    int result = real(directory, name, mode);
    int error = errno;
    if (result == 0 && journal_path(absolute) != NULL) {
        journal_add(JOURNAL_MKDIR, journal_path(absolute), "", inode_at(absolute), 0, "", 0);
    }
    journal_unlock();
    errno = error;
    return result;
}

int mkdir(const char *name, mode_t mode) {
    WATCH_REAL(mkdir);
    char path[PATH_MAX];
    return watch_name(AT_FDCWD, name, path) ? mkdir_watched(AT_FDCWD, name, mode, path) : real(name, mode);
}

int mkdirat(int directory, const char *name, mode_t mode) {
    WATCH_REAL(mkdirat);
    char path[PATH_MAX];
    return watch_name(directory, name, path) ? mkdir_watched(directory, name, mode, path) : real(directory, name, mode);
}
