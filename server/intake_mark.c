#include "server/intake_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* The first that is there counts: who is recovered while it is being restored waits for nobody. */
static const struct {
    enum node_intake intake;
    const char *name;
} marks[] = {{NODE_INTAKE_RECOVERED, "recovered"}, {NODE_INTAKE_RESTORED, "restoring"}};

enum { MARK_COUNT = sizeof marks / sizeof *marks };

static bool sync_directory(const char *path) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = descriptor >= 0 && fsync(descriptor) == 0;
    if (descriptor >= 0) {
        close(descriptor);
    }
    return synced;
}

static void mark_path(const char *directory, const char *name, char out_path[PATH_SIZE]) {
    snprintf(out_path, PATH_SIZE, "%s/%s", directory, name);
}

enum node_intake intake_mark_read(const char *storage_directory) {
    char path[PATH_SIZE];
    for (size_t i = 0; i < MARK_COUNT && storage_directory != NULL; i++) {
        mark_path(storage_directory, marks[i].name, path);
        if (access(path, F_OK) == 0) {
            return marks[i].intake;
        }
    }
    return NODE_INTAKE_NONE;
}

bool intake_mark_set(const char *storage_directory, enum node_intake intake, struct storage_message *out_message) {
    char path[PATH_SIZE];
    mark_path(storage_directory, marks[intake == NODE_INTAKE_RECOVERED ? 0 : 1].name, path);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
        close(descriptor);
    }
    if (descriptor < 0 || !sync_directory(storage_directory)) {
        snprintf(out_message->text, sizeof out_message->text, "%.300s cannot be written: %s", path, strerror(errno));
        return false;
    }
    return true;
}

void intake_mark_remove(const char *storage_directory, const struct diagnostics *diagnostics) {
    char path[PATH_SIZE];
    for (size_t i = 0; i < MARK_COUNT; i++) {
        mark_path(storage_directory, marks[i].name, path);
        if ((unlink(path) != 0 && errno != ENOENT) || !sync_directory(storage_directory)) {
            diagnostics_write(diagnostics, DIAGNOSTICS_WARNING, "intake", "%s cannot be removed: %s", path,
                              strerror(errno));
        }
    }
    diagnostics_write(diagnostics, DIAGNOSTICS_INFO, "intake", "all nodes of the list are in");
}
