#include "server/restore.h"

#include "server/intake_mark.h"
#include "server/new_cluster.h"
#include "server/restoring.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
    bool made = new_cluster_snapshot(backup, cluster_id, &members, directory, out_snapshot, out_message) == STORAGE_OK;
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
    if (!new_cluster_id(cluster_id, out_message) ||
        snapshot_directory_open(storage_directory(storage), &state.snapshot, &directory, out_message) != STORAGE_OK) {
        return false;
    }
    bool restored =
        copy_backup(request, &state, cluster_id, directory, &snapshot, out_message) &&
        (request->cluster->count == 1 || intake_mark_set(storage_directory(storage), NODE_INTAKE_RESTORED, out_message)) &&
        write_cluster(storage, cluster_id, &snapshot, out_message);
    snapshot_directory_close(directory);
    if (restored) {
        diagnostics_write(diagnostics, DIAGNOSTICS_INFO, "restore", "founds cluster %s from %s, as of index %" PRIu64,
                          cluster_id, request->file, snapshot.id.index);
    }
    return restored;
}
