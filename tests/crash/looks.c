/* calls.c for the calls that change nothing: they may only fail. */
#include "tests/crash/fate.h"
#include "tests/crash/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* 0, an errno, or INJECT_SHORT. */
static int fate_of_file(enum inject_call kind, const char *what, int descriptor) {
    char path[PATH_MAX];
    return watch_file(descriptor, path) ? fate_of(kind, what, path) : 0;
}

static int fate_of_name(enum inject_call kind, const char *what, int directory, const char *name) {
    char path[PATH_MAX];
    return watch_name(directory, name, path) ? fate_of(kind, what, path) : 0;
}

static int failed(int error) {
    errno = error;
    return -1;
}

static size_t shortened(int fate, size_t size) {
    return fate == INJECT_SHORT && size > 1 ? size / 2 : size;
}

ssize_t read(int descriptor, void *bytes, size_t size) {
    WATCH_REAL(read);
    int fate = fate_of_file(INJECT_READ, "read", descriptor);
    return fate > 0 ? failed(fate) : real(descriptor, bytes, shortened(fate, size));
}

ssize_t pread(int descriptor, void *bytes, size_t size, off_t offset) {
    WATCH_REAL(pread);
    int fate = fate_of_file(INJECT_READ, "pread", descriptor);
    return fate > 0 ? failed(fate) : real(descriptor, bytes, shortened(fate, size), offset);
}

int stat(const char *name, struct stat *status) {
    WATCH_REAL(stat);
    int fate = fate_of_name(INJECT_LOOK, "stat", AT_FDCWD, name);
    return fate > 0 ? failed(fate) : real(name, status);
}

int fstat(int descriptor, struct stat *status) {
    WATCH_REAL(fstat);
    int fate = fate_of_file(INJECT_LOOK, "fstat", descriptor);
    return fate > 0 ? failed(fate) : real(descriptor, status);
}

int fstatat(int directory, const char *name, struct stat *status, int flags) {
    WATCH_REAL(fstatat);
    int fate = fate_of_name(INJECT_LOOK, "fstatat", directory, name);
    return fate > 0 ? failed(fate) : real(directory, name, status, flags);
}

static atomic_uint_fast64_t total_space; /* 0: the truth is told. */
static atomic_uint_fast64_t free_space;

void inject_space(uint64_t total_bytes, uint64_t free_bytes) {
    atomic_store(&total_space, total_bytes);
    atomic_store(&free_space, free_bytes);
}

int fstatvfs(int descriptor, struct statvfs *status) {
    WATCH_REAL(fstatvfs);
    int fate = fate_of_file(INJECT_SPACE, "fstatvfs", descriptor);
    int result = fate > 0 ? failed(fate) : real(descriptor, status);
    if (result == 0 && atomic_load(&total_space) != 0) {
        status->f_blocks = atomic_load(&total_space) / status->f_frsize;
        status->f_bavail = atomic_load(&free_space) / status->f_frsize;
    }
    return result;
}

DIR *opendir(const char *name) {
    WATCH_REAL(opendir);
    int fate = fate_of_name(INJECT_LIST, "opendir", AT_FDCWD, name);
    if (fate > 0) {
        errno = fate;
        return NULL;
    }
    return real(name);
}

DIR *fdopendir(int descriptor) {
    WATCH_REAL(fdopendir);
    int fate = fate_of_file(INJECT_LIST, "fdopendir", descriptor);
    if (fate > 0) {
        errno = fate;
        return NULL;
    }
    return real(descriptor);
}

struct dirent *readdir(DIR *stream) {
    WATCH_REAL(readdir);
    int fate = fate_of_file(INJECT_LIST, "readdir", dirfd(stream));
    if (fate > 0) {
        errno = fate;
        return NULL;
    }
    return real(stream);
}

int flock(int descriptor, int operation) {
    WATCH_REAL(flock);
    int fate = fate_of_file(INJECT_LOCK, "flock", descriptor);
    return fate > 0 ? failed(fate) : real(descriptor, operation);
}
