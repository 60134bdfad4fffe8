#include "storage/creation.h"

#include "storage/batch.h"
#include "storage/database.h"
#include "storage/failure.h"
#include "storage/floor.h"
#include "storage/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum storage_error failed(const struct directory *directory, const char *what, struct storage_message *out_message) {
    return failure_tell(out_message, STORAGE_FAILED, "cannot make a store in %.200s: %s: %s", directory->path, what,
                        strerror(errno));
}

static bool mark(const struct directory *directory) {
    int marker = openat(directory->descriptor, DIRECTORY_CREATING, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (marker < 0) {
        return false;
    }
    bool ok = fsync(marker) == 0;
    close(marker);
    return ok && fsync(directory->descriptor) == 0;
}

static enum storage_error write_first_batch(const struct directory *directory, const struct storage_state *state,
                                            const struct floor *floor, struct storage_message *out_message) {
    struct database *database = NULL;
    enum storage_error error = database_open(directory->database_path, true, &database, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    const struct storage_write write = {.hard_state_changed = true, .cluster_changed = true};
    struct batch *batch = batch_create();
    const struct storage_state nothing = {.base = {.index = 0}};
    batch_fill(batch, &write, &nothing, state, floor->newest);
    char *text = database_write(database, batch->batch);
    if (text != NULL) {
        error = failure_tell(out_message, STORAGE_FAILED, "cannot write the first batch: %.300s", text);
        leveldb_free(text);
    }
    batch_destroy(batch);
    database_close(database);
    return error;
}

static enum storage_error write_floor(const struct directory *directory, const struct floor *floor,
                                      struct storage_message *out_message) {
    int descriptor = floor_create(directory->descriptor, floor);
    if (descriptor < 0) {
        return failed(directory, "the file floor", out_message);
    }
    close(descriptor);
    return STORAGE_OK;
}

enum storage_error creation_make(const struct directory *directory, raft_node_id node_id,
                                 struct storage_message *out_message) {
    if (!mark(directory)) {
        return failed(directory, "the file creating", out_message);
    }
    enum storage_error error = database_remove(directory->database_path, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    /* Ours, not LevelDB's, because LevelDB would let everybody read it. */
    if (mkdir(directory->database_path, 0700) != 0 && errno != EEXIST) {
        return failed(directory, DIRECTORY_DATABASE, out_message);
    }
    const struct storage_state state = {.identity = identity_make(node_id)};
    const struct floor floor = {.newest = {.number = 1}};
    error = write_first_batch(directory, &state, &floor, out_message);
    if (error == STORAGE_OK && !directory_sync_database(directory)) {
        error = failed(directory, DIRECTORY_DATABASE, out_message);
    }
    if (error == STORAGE_OK) {
        error = write_floor(directory, &floor, out_message);
    }
    if (error == STORAGE_OK) {
        error = identity_write(directory->descriptor, &state.identity, out_message);
    }
    return error == STORAGE_OK ? creation_finish(directory, out_message) : error;
}

enum storage_error creation_finish(const struct directory *directory, struct storage_message *out_message) {
    if (unlinkat(directory->descriptor, DIRECTORY_CREATING, 0) != 0) {
        return errno == ENOENT ? STORAGE_OK : failed(directory, "the file creating", out_message);
    }
    return fsync(directory->descriptor) == 0 ? STORAGE_OK : failed(directory, "the directory", out_message);
}
