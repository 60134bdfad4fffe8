#include "storage/file.h"

#include "server/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_write_at(int descriptor, const void *bytes, size_t size, size_t offset) {
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = pwrite(descriptor, at, size, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            errno = written == 0 ? ENOSPC : errno;
            return false;
        }
        at += written;
        size -= (size_t)written;
        offset += (size_t)written;
    }
    return true;
}

/* Fills `bytes` as far as the file goes; -1 on failure. */
static ssize_t read_up_to(int descriptor, char *bytes, size_t size) {
    size_t filled = 0;
    while (filled < size) {
        ssize_t count = read(descriptor, bytes + filled, size - filled);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return -1;
        }
        if (count == 0) {
            break;
        }
        filled += (size_t)count;
    }
    return (ssize_t)filled;
}

static void close_keeping_errno(int descriptor) {
    int error = errno;
    close(descriptor);
    errno = error;
}

bool file_read(int directory, const char *name, size_t max_bytes, char **out_bytes, size_t *out_size) {
    int descriptor = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return false;
    }
    struct stat status;
    bool ok = fstat(descriptor, &status) == 0;
    if (ok && (!S_ISREG(status.st_mode) || (uintmax_t)status.st_size > max_bytes)) {
        errno = S_ISREG(status.st_mode) ? EFBIG : EINVAL;
        ok = false;
    }
    if (ok) {
        char *bytes = memory_alloc((size_t)status.st_size);
        ssize_t size = read_up_to(descriptor, bytes, (size_t)status.st_size);
        ok = size >= 0;
        if (ok) {
            *out_bytes = bytes;
            *out_size = (size_t)size;
        } else {
            free(bytes);
        }
    }
    close_keeping_errno(descriptor);
    return ok;
}

bool file_replace(int directory, const char *name, const char *temporary, const void *bytes, size_t size) {
    int descriptor = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return false;
    }
    bool ok = file_write_at(descriptor, bytes, size, 0) && fsync(descriptor) == 0;
    close_keeping_errno(descriptor);
    return ok && renameat(directory, temporary, directory, name) == 0 && fsync(directory) == 0;
}
