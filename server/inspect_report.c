#include "server/inspect_report.h"

#include "server/inspect_copy.h"

#include "server/base/memory.h"
#include "server/json/json.h"
#include "storage/identity.h"
#include "storage/snapshot_directory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void note_mended(void *context, const char *line) {
    struct inspect_report *report = context;
    if (report->mended_count < INSPECT_MENDED_MAX) {
        snprintf(report->mended[report->mended_count++], INSPECT_MENDED_SIZE, "%s", line);
    }
}

static bool note_members(struct inspect_report *report, const char *text, size_t size, raft_index index) {
    struct json_span value;
    size_t offset;
    if (!json_scan(text, size, &value, &offset) || !members_read(value, &report->members)) {
        snprintf(report->why.text, sizeof report->why.text, "the configuration of index %" PRIu64 " makes no sense", index);
        return false;
    }
    report->members_index = index;
    return true;
}

static bool note_entry(void *context, const struct raft_entry *entry) {
    struct inspect_report *report = context;
    report->first_term = report->first_term == 0 ? entry->id.term : report->first_term;
    switch (entry->type) {
    case RAFT_COMMAND:
        report->commands++;
        return true;
    case RAFT_NOOP:
        report->noops++;
        return true;
    case RAFT_CONFIGURATION:
        report->configurations++;
        return note_members(report, entry->data, entry->size, entry->id.index);
    default:
        report->sessions++;
        return true;
    }
}

static bool read_snapshot(const char *data_dir, struct inspect_report *report) {
    char name[SNAPSHOT_NAME_SIZE];
    char path[4096];
    snapshot_name_whole(&report->state.snapshot, name);
    snprintf(path, sizeof path, "%s/snapshots/%s", data_dir, name);
    struct snapshot_file *file;
    struct storage_snapshot found;
    if (snapshot_file_open_path(path, &file, &found, &report->why) != STORAGE_OK) {
        return false;
    }
    report->head = *snapshot_file_head(file);
    bool same = snapshot_same(&found, &report->state.snapshot);
    if (!same) {
        snprintf(report->why.text, sizeof report->why.text, "%.400s is not the snapshot that the log names", path);
    }
    struct json_writer text = {0};
    char bytes[4096];
    size_t size;
    while ((size = snapshot_file_read(file, SNAPSHOT_CONFIGURATION, bytes, sizeof bytes)) > 0) {
        json_write_bytes(&text, bytes, size);
    }
    same = same && note_members(report, text.data, text.size, report->head.configuration_index);
    json_writer_discard(&text);
    snapshot_file_close(file);
    return same;
}

static bool read_store(const char *copy, const char *data_dir, struct inspect_report *report) {
    struct storage_identity identity;
    int directory = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool known = directory >= 0 && identity_read(directory, &identity, &report->why) == STORAGE_OK;
    if (directory >= 0) {
        close(directory);
    }
    struct storage *storage;
    if (!known || storage_open(copy, identity.node_id, note_mended, report, &storage, &report->why) != STORAGE_OK) {
        return false;
    }
    storage_state(storage, &report->state);
    report->why.text[0] = '\0';
    bool sound = report->state.snapshot.length == 0 || read_snapshot(data_dir, report);
    sound = sound && storage_visit(storage, 0, note_entry, report, &report->why) == STORAGE_OK;
    storage_close(storage);
    return sound && report->why.text[0] == '\0';
}

/* What was said of the stand-in is meant for the original. */
static void name_original(char *line, size_t capacity, const char *copy, const char *data_dir) {
    char before[sizeof(struct storage_message)];
    char *at = strstr(line, copy);
    if (at != NULL) {
        snprintf(before, sizeof before, "%s", line);
        size_t begin = (size_t)(at - line);
        snprintf(at, capacity - begin, "%s%s", data_dir, before + begin + strlen(copy));
    }
}

struct inspect_report *inspect_report_make(const char *data_dir) {
    struct inspect_report *report = memory_zalloc(sizeof *report);
    struct inspect_copy copy = {.lock = -1};
    if (inspect_copy_make(data_dir, &copy, &report->why) == STORAGE_OK) {
        report->sound = read_store(copy.path, data_dir, report);
        name_original(report->why.text, sizeof report->why.text, copy.path, data_dir);
        for (size_t i = 0; i < report->mended_count; i++) {
            name_original(report->mended[i], sizeof report->mended[i], copy.path, data_dir);
        }
        inspect_copy_remove(&copy);
    }
    return report;
}
