#include "server/restore.h"

#include "server/restoring.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MARK "restoring"

/* -- The mark -- */

static bool sync_directory(const char *path) {
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = descriptor >= 0 && fsync(descriptor) == 0;
    if (descriptor >= 0) {
        close(descriptor);
    }
    return synced;
}

static void mark_path(const char *directory, char *out_path, size_t size) {
    snprintf(out_path, size, "%s/" MARK, directory);
}

static bool set_mark(const char *directory, struct storage_message *out_message) {
    char path[4096];
    mark_path(directory, path, sizeof path);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
        close(descriptor);
    }
    if (descriptor < 0 || !sync_directory(directory)) {
        snprintf(out_message->text, sizeof out_message->text, "%.300s cannot be written: %s", path, strerror(errno));
        return false;
    }
    return true;
}

bool restore_is_under_way(const char *storage_directory) {
    char path[4096];
    if (storage_directory == NULL) {
        return false;
    }
    mark_path(storage_directory, path, sizeof path);
    return access(path, F_OK) == 0;
}

void restore_end(const char *storage_directory, const struct diagnostics *diagnostics) {
    char path[4096];
    mark_path(storage_directory, path, sizeof path);
    if ((unlink(path) != 0 && errno != ENOENT) || !sync_directory(storage_directory)) {
        diagnostics_write(diagnostics, DIAGNOSTICS_WARNING, "restore", "%s cannot be removed: %s", path, strerror(errno));
    }
    diagnostics_write(diagnostics, DIAGNOSTICS_INFO, "restore", "all nodes of the list are in: the cluster is restored");
}

/* -- The directory -- */

static bool is_blank(const struct storage_state *state) {
    return state->identity.cluster_id[0] == '\0' && state->last.index == 0 && state->snapshot.length == 0;
}

static bool fail(const char *file, struct storage_message *out_message) {
    struct storage_message what = *out_message;
    if (strncmp(what.text, file, strlen(file)) == 0) {
        return false;
    }
    snprintf(out_message->text, sizeof out_message->text, "--restore %.200s: %.280s", file, what.text);
    return false;
}

/* Everything in it makes sense to this node's machine; all of it is read, and forgotten. */
static bool is_sound(const struct restore_request *request, struct storage_message *out_message) {
    struct snapshot_file *file;
    struct storage_snapshot snapshot;
    if (snapshot_file_open_path(request->file, &file, &snapshot, out_message) != STORAGE_OK) {
        return false;
    }
    struct restored restored;
    bool sound = restoring_read(file, request->machine, snapshot_file_head(file)->cluster_id, &restored, out_message);
    if (sound) {
        restoring_discard(&restored);
    }
    snapshot_file_close(file);
    return sound;
}

static bool make_cluster_id(char out_cluster_id[STORAGE_CLUSTER_ID_SIZE + 1], struct storage_message *out_message) {
    unsigned char bytes[STORAGE_CLUSTER_ID_SIZE / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        snprintf(out_message->text, sizeof out_message->text, "no random bytes for a cluster id: %s", strerror(errno));
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(out_cluster_id + 2 * i, 3, "%02x", bytes[i]);
    }
    return true;
}

static void copy_section(struct snapshot_file *from, enum snapshot_section section, struct snapshot_writer_file *to) {
    static char bytes[65536];
    size_t size;
    while ((size = snapshot_file_read(from, section, bytes, sizeof bytes)) > 0) {
        if (!snapshot_file_write(to, section, bytes, size)) {
            return; /* snapshot_file_finish says how it failed. */
        }
    }
}

/* The backup with another cluster id, and this node as its only member. */
static bool copy_backup(const struct restore_request *request, const struct storage_state *state, const char *cluster_id,
                        struct snapshot_directory *directory, struct storage_snapshot *out_snapshot,
                        struct storage_message *out_message) {
    struct members members = {.count = 1, .list = {*members_find(request->cluster, request->id)}};
    members.list[0].voter = true;
    memcpy(members.list[0].incarnation, state->identity.incarnation, sizeof members.list[0].incarnation);
    struct snapshot_file *backup;
    struct storage_snapshot read;
    if (snapshot_file_open_path(request->file, &backup, &read, out_message) != STORAGE_OK) {
        return false;
    }
    struct snapshot_head head = *snapshot_file_head(backup);
    head.configuration_index = head.id.index;
    memcpy(head.cluster_id, cluster_id, sizeof head.cluster_id);
    struct snapshot_writer_file *writer;
    bool made = snapshot_file_create(directory, &head, &writer, out_message) == STORAGE_OK;
    if (made) {
        struct json_writer text = {0};
        members_write(&members, &text);
        if (snapshot_file_write(writer, SNAPSHOT_CONFIGURATION, text.data, text.size)) {
            copy_section(backup, SNAPSHOT_SESSIONS, writer);
            copy_section(backup, SNAPSHOT_STATE, writer);
        }
        json_writer_discard(&text);
        made = snapshot_file_finish(writer, out_snapshot, out_message) == STORAGE_OK;
    }
    snapshot_file_close(backup);
    return made;
}

static bool write_cluster(struct storage *storage, const char *cluster_id, const struct storage_snapshot *snapshot,
                          struct storage_message *out_message) {
    struct storage_write write = {
        .replaced_by = snapshot->id,
        .snapshot_changed = true,
        .snapshot = *snapshot,
        .hard_state_changed = true,
        .hard_state = {.term = snapshot->id.term, .voted_for = 0},
        .cluster_changed = true,
        .formed = true,
    };
    memcpy(write.cluster_id, cluster_id, sizeof write.cluster_id);
    return storage_write(storage, &write, out_message) == STORAGE_OK;
}

bool restore_begin(const struct restore_request *request, struct storage *storage, const struct diagnostics *diagnostics,
                   struct storage_message *out_message) {
    struct storage_state state;
    storage_state(storage, &state);
    if (!is_blank(&state)) {
        diagnostics_write(diagnostics, DIAGNOSTICS_INFO, "restore",
                          "--restore %s does nothing: the data directory is not blank", request->file);
        return true;
    }
    struct snapshot_directory *directory;
    struct storage_snapshot snapshot;
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1];
    if (!is_sound(request, out_message)) {
        return fail(request->file, out_message);
    }
    if (!make_cluster_id(cluster_id, out_message) ||
        snapshot_directory_open(storage_directory(storage), &state.snapshot, &directory, out_message) != STORAGE_OK) {
        return false;
    }
    bool restored = copy_backup(request, &state, cluster_id, directory, &snapshot, out_message) &&
                    (request->cluster->count == 1 || set_mark(storage_directory(storage), out_message)) &&
                    write_cluster(storage, cluster_id, &snapshot, out_message);
    snapshot_directory_close(directory);
    if (restored) {
        diagnostics_write(diagnostics, DIAGNOSTICS_INFO, "restore", "founds cluster %s from %s, as of index %" PRIu64,
                          cluster_id, request->file, snapshot.id.index);
    }
    return restored;
}
