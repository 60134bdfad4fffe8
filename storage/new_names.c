#include "storage/new_names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

bool new_names_open(struct new_names *names, int parent, const char *directory) {
    *names = (struct new_names){.descriptor = openat(parent, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return names->descriptor >= 0 && new_names_sync(names);
}

void new_names_close(struct new_names *names) {
    if (names->descriptor >= 0) {
        close(names->descriptor);
        names->descriptor = -1;
    }
}

static bool is_later(struct timespec a, struct timespec b) {
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

bool new_names_sync(struct new_names *names) {
    struct stat status;
    struct timespec now;
    if (fstat(names->descriptor, &status) != 0 || clock_gettime(CLOCK_REALTIME_COARSE, &now) != 0) {
        return false;
    }
    struct timespec change = status.st_mtim;
    if (change.tv_sec == names->synced_change.tv_sec && change.tv_nsec == names->synced_change.tv_nsec) {
        return true;
    }
    if (fsync(names->descriptor) != 0) {
        return false;
    }
    /* Times of change advance with the coarse clock. In the same tick another change could follow that bears the same time,
     * so that one is not taken for known yet. */
    if (is_later(now, change)) {
        names->synced_change = change;
    }
    return true;
}
