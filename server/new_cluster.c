#include "server/new_cluster.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

bool new_cluster_id(char out_cluster_id[STORAGE_CLUSTER_ID_SIZE + 1], struct storage_message *out_message) {
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

enum storage_error new_cluster_snapshot(struct snapshot_file *file, const char *cluster_id, const struct members *members,
                                        struct snapshot_directory *directory, struct storage_snapshot *out_snapshot,
                                        struct storage_message *out_message) {
    struct snapshot_head head = *snapshot_file_head(file);
    memcpy(head.cluster_id, cluster_id, sizeof head.cluster_id);
    if (members != NULL) {
        head.configuration_index = head.id.index;
    }
    struct snapshot_writer_file *writer;
    enum storage_error error = snapshot_file_create(directory, &head, &writer, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    if (members != NULL) {
        struct json_writer text = {0};
        members_write(members, &text);
        snapshot_file_write(writer, SNAPSHOT_CONFIGURATION, text.data, text.size);
        json_writer_discard(&text);
    } else {
        copy_section(file, SNAPSHOT_CONFIGURATION, writer);
    }
    copy_section(file, SNAPSHOT_SESSIONS, writer);
    copy_section(file, SNAPSHOT_STATE, writer);
    return snapshot_file_finish(writer, out_snapshot, out_message);
}
