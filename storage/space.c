#include "storage/space.h"

#include "storage/ballast.h"

#include <errno.h>
#include <sys/statvfs.h>

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

static void let_go(struct space *space) {
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
        let_go(space);
    }
}

void space_make_way(struct space *space) {
    uint64_t free_bytes = 0;
    uint64_t total_bytes = 0;
    if (space->whole && space->measure(space->directory, &free_bytes, &total_bytes) &&
        free_bytes < limits_of(total_bytes).slack) {
        let_go(space);
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

uint64_t space_for_files(int directory) {
    uint64_t free_bytes = 0;
    uint64_t total_bytes = 0;
    if (!space_measure_directory(directory, &free_bytes, &total_bytes)) {
        return UINT64_MAX;
    }
    uint64_t needed = 2 * limits_of(total_bytes).slack;
    return free_bytes > needed ? free_bytes - needed : 0;
}
