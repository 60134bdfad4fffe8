/* Receiving a snapshot file in pieces. */
#include "storage/snapshot_directory.h"

#include "storage/failure.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static bool is_open(const struct snapshot_directory *directory, const struct storage_snapshot *snapshot) {
    return directory->incoming != NULL && snapshot_same(&directory->receiving, snapshot);
}

static void close_incoming(struct snapshot_directory *directory) {
    if (directory->incoming != NULL) {
        directory->incoming->operations->close_blob(directory->incoming);
        directory->incoming = NULL;
    }
}

static void remove_incoming(struct snapshot_directory *directory, const struct storage_snapshot *snapshot) {
    char name[SNAPSHOT_NAME_SIZE];
    close_incoming(directory);
    snapshot_name_incoming(snapshot, name);
    directory->medium->operations->remove(directory->medium, name);
}

static bool is_another_incoming(void *context, enum snapshot_name kind, const struct storage_snapshot *snapshot) {
    return kind == SNAPSHOT_INCOMING && !snapshot_same(snapshot, context);
}

/* Opens the file with what an earlier process may have left of it. False with errno. */
static bool open_incoming(struct snapshot_directory *directory, const struct storage_snapshot *snapshot) {
    struct snapshot_medium *medium = directory->medium;
    struct storage_snapshot wanted = *snapshot;
    char name[SNAPSHOT_NAME_SIZE];
    close_incoming(directory);
    snapshot_directory_remove(directory, is_another_incoming, &wanted);
    snapshot_name_incoming(snapshot, name);
    directory->receiving = *snapshot;
    directory->incoming = medium->operations->open(medium, name, true);
    if (directory->incoming != NULL && directory->incoming->size > snapshot->length) {
        close_incoming(directory);
        errno = ENOENT; /* No file of ours grows so far: begin anew. */
    }
    if (directory->incoming == NULL && errno == ENOENT) {
        directory->incoming = medium->operations->create(medium, name);
    }
    return directory->incoming != NULL;
}

static bool is_overtaken(void *context, enum snapshot_name kind, const struct storage_snapshot *snapshot) {
    return kind == SNAPSHOT_INCOMING && snapshot->id.index <= *(const raft_index *)context;
}

void snapshot_incoming_drop(struct snapshot_directory *directory, raft_index through) {
    if (directory->incoming != NULL && directory->receiving.id.index <= through) {
        close_incoming(directory); /* Else its space would stay taken. */
    }
    snapshot_directory_remove(directory, is_overtaken, &through);
}

/* Is the whole file here already? Then its bytes, to be closed. */
static struct snapshot_blob *open_whole(const struct snapshot_directory *directory,
                                        const struct storage_snapshot *snapshot) {
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name_whole(snapshot, name);
    return directory->medium->operations->open(directory->medium, name, false);
}

enum storage_error snapshot_incoming_begin(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                           uint64_t *out_stored, struct storage_message *out_message) {
    if (!is_open(directory, snapshot)) {
        struct snapshot_blob *whole = open_whole(directory, snapshot);
        if (whole != NULL) {
            whole->operations->close_blob(whole);
            *out_stored = snapshot->length;
            return STORAGE_OK;
        }
        if (!open_incoming(directory, snapshot)) {
            return failure_tell(out_message, STORAGE_FAILED, "cannot open a file for a snapshot: %s", strerror(errno));
        }
    }
    *out_stored = directory->incoming->size;
    return STORAGE_OK;
}

enum storage_error snapshot_incoming_append(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                            uint64_t offset, const void *bytes, size_t size, uint64_t *out_stored,
                                            struct storage_message *out_message) {
    enum storage_error error = snapshot_incoming_begin(directory, snapshot, out_stored, out_message);
    if (error != STORAGE_OK || offset != *out_stored || size == 0) {
        return error;
    }
    if (size > snapshot->length - offset) {
        return failure_tell(out_message, STORAGE_DAMAGED, "a snapshot of %" PRIu64 " bytes was sent with more",
                            snapshot->length);
    }
    if (!directory->incoming->operations->append(directory->incoming, bytes, size)) {
        int cause = errno;
        remove_incoming(directory, snapshot); /* A full disk is the likeliest cause, and this is what it is full of. */
        *out_stored = 0;
        return failure_tell(out_message, STORAGE_FAILED, "cannot store a snapshot: %s", strerror(cause));
    }
    *out_stored = directory->incoming->size;
    return STORAGE_OK;
}

/* A file that was finished before: checked once more, because what it was finished for may have been undone since, and its
 * name synced, because that may be what failed. */
static enum storage_error check_whole(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                      struct snapshot_blob *blob, struct storage_message *out_message) {
    struct snapshot_layout layout;
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name_whole(snapshot, name);
    enum storage_error error = snapshot_check(blob, name, snapshot, &layout, out_message);
    blob->operations->close_blob(blob);
    if (error == STORAGE_DAMAGED) {
        directory->medium->operations->remove(directory->medium, name);
    }
    if (error == STORAGE_OK && !directory->medium->operations->sync_names(directory->medium)) {
        error = failure_tell(out_message, STORAGE_FAILED, "cannot store a snapshot: %s", strerror(errno));
    }
    return error;
}

enum storage_error snapshot_incoming_finish(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                            struct storage_message *out_message) {
    struct snapshot_blob *whole = is_open(directory, snapshot) ? NULL : open_whole(directory, snapshot);
    if (whole != NULL) {
        return check_whole(directory, snapshot, whole, out_message);
    }
    uint64_t stored = 0;
    enum storage_error error = snapshot_incoming_begin(directory, snapshot, &stored, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    struct snapshot_layout layout;
    char incoming_name[SNAPSHOT_NAME_SIZE];
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name_incoming(snapshot, incoming_name);
    snapshot_name_whole(snapshot, name);
    error = snapshot_check(directory->incoming, incoming_name, snapshot, &layout, out_message);
    if (error == STORAGE_DAMAGED || error == STORAGE_UNUSABLE) {
        remove_incoming(directory, snapshot);
        return error;
    }
    if (error == STORAGE_OK && (!directory->incoming->operations->sync(directory->incoming) ||
                                !directory->medium->operations->rename(directory->medium, incoming_name, name))) {
        error = failure_tell(out_message, STORAGE_FAILED, "cannot store a snapshot: %s", strerror(errno));
    }
    close_incoming(directory);
    return error;
}
