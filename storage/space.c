#include "storage/space.h"

#include "storage/ballast.h"
#include "storage/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct limits {
    uint64_t ballast;
    uint64_t kept;
    uint64_t slack;
};

static uint64_t at_most(uint64_t bytes, uint64_t most) {
    return bytes < most ? bytes : most;
}

static struct limits limits_of(uint64_t total_bytes) {
    return (struct limits){
        .ballast = at_most(SPACE_BALLAST_BYTES, total_bytes / 8),
        .kept = at_most(SPACE_KEPT_BYTES, total_bytes / 2),
        .slack = at_most(SPACE_SLACK_BYTES, total_bytes / 16),
    };
}

bool space_measure_directory(int directory, uint64_t *out_free_bytes, uint64_t *out_total_bytes) {
    struct statvfs status;
    int error = fstatvfs(directory, &status);
    while (error != 0 && errno == EINTR) {
        error = fstatvfs(directory, &status);
    }
    if (error != 0 || status.f_blocks == 0) { /* Some file systems have no size of their own. */
        return false;
    }
    *out_free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    *out_total_bytes = (uint64_t)status.f_blocks * status.f_frsize;
    return true;
}

void space_let_go(struct space *space) {
    ballast_release(space->directory);
    space->whole = false;
}

void space_open(struct space *space, int directory, space_measure measure) {
    *space = (struct space){.directory = directory, .measure = measure};
    uint64_t free_bytes = 0;
    uint64_t total_bytes = 0;
    if (!space->measure(directory, &free_bytes, &total_bytes)) {
        return;
    }
    struct limits limits = limits_of(total_bytes);
    space->whole = ballast_is_whole(directory, limits.ballast);
    /* When it opens, LevelDB writes a new manifest, and its log anew as a table. */
    if (free_bytes < 2 * limits.slack || !space->whole) {
        space_let_go(space);
    }
}

void space_make_way(struct space *space) {
    uint64_t free_bytes = 0;
    uint64_t total_bytes = 0;
    if (space->whole && space->measure(space->directory, &free_bytes, &total_bytes) &&
        free_bytes < limits_of(total_bytes).slack) {
        space_let_go(space);
    }
}

void space_look(struct space *space, struct storage_room *out_room) {
    uint64_t free_bytes = 0;
    uint64_t total_bytes = 0;
    *out_room = STORAGE_ROOM_UNKNOWN;
    if (!space->measure(space->directory, &free_bytes, &total_bytes)) {
        return;
    }
    struct limits limits = limits_of(total_bytes);
    space->whole = ballast_is_whole(space->directory, limits.ballast); /* A snapshot may have taken it. */
    /* Only when there is room for commands beside it: else it would come and go. */
    if (!space->whole && free_bytes >= limits.ballast + limits.kept + 2 * limits.slack) {
        space->whole = ballast_hold(space->directory, limits.ballast);
        space->measure(space->directory, &free_bytes, &total_bytes);
    }
    uint64_t wanted = limits.kept + limits.slack;
    /* Once full, a little more, so that the answer does not change with every file that LevelDB makes and removes. */
    bool room = space->whole && free_bytes > wanted + (space->full ? limits.slack / 2 : 0);
    space->full = !room;
    *out_room = (struct storage_room){
        .free_bytes = free_bytes,
        .for_commands = room ? free_bytes - wanted : 0,
        .for_entries = free_bytes > limits.kept ? free_bytes - limits.kept : 0,
    };
}

/* What LevelDB may write anew before it removes the old: its files, up to `most` (which saves looking at all of a large
 * log). */
static uint64_t bytes_of_database(int directory, uint64_t most) {
    int descriptor = openat(directory, DIRECTORY_DATABASE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (stream == NULL) {
        if (descriptor >= 0) {
            close(descriptor);
        }
        return most;
    }
    uint64_t bytes = 0;
    errno = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL && bytes < most; entry = readdir(stream)) {
        struct stat status;
        if (fstatat(descriptor, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode)) {
            bytes += (uint64_t)status.st_size;
        }
        errno = 0;
    }
    bool is_whole = errno == 0;
    closedir(stream);
    return is_whole ? at_most(bytes, most) : most;
}

bool space_take_for_file(int directory, space_measure measure, uint64_t bytes) {
    uint64_t free_bytes = 0;
    uint64_t total_bytes = 0;
    if (!measure(directory, &free_bytes, &total_bytes)) {
        return true;
    }
    struct limits limits = limits_of(total_bytes);
    if (free_bytes >= bytes + limits.slack + limits.kept) {
        return true;
    }
    uint64_t needed = bytes + limits.slack + bytes_of_database(directory, limits.kept);
    if (free_bytes >= needed) {
        return true;
    }
    if (free_bytes + limits.ballast < needed || !ballast_is_whole(directory, limits.ballast)) {
        return false;
    }
    ballast_release(directory);
    return true;
}

bool space_has_slack(int directory, space_measure measure) {
    uint64_t free_bytes = 0;
    uint64_t total_bytes = 0;
    return !measure(directory, &free_bytes, &total_bytes) || free_bytes >= limits_of(total_bytes).slack;
}
