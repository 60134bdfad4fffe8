#include "storage/ballast.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UNIT_BYTES = 512 /* Of st_blocks. */ };

bool ballast_is_whole(int directory, uint64_t size) {
    struct stat status;
    return fstatat(directory, BALLAST_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           (uint64_t)status.st_size == size && (uint64_t)status.st_blocks * UNIT_BYTES >= size;
}

bool ballast_hold(int directory, uint64_t size) {
    int file = openat(directory, BALLAST_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) {
        return false;
    }
    int error = posix_fallocate(file, 0, (off_t)size);
    if (error == 0 && ftruncate(file, (off_t)size) != 0) { /* It may have been larger. */
        error = errno;
    }
    close(file);
    if (error != 0) {
        ballast_release(directory);
    }
    errno = error;
    return error == 0;
}

void ballast_release(int directory) {
    (void)unlinkat(directory, BALLAST_NAME, 0);
}
