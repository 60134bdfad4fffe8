#include "storage/snapshot_directory.h"

#include "storage/directory.h"
#include "storage/failure.h"

#include "server/base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Names -- */

static void put_name(const struct storage_snapshot *snapshot, const char *ending, char out_name[SNAPSHOT_NAME_SIZE]) {
    snprintf(out_name, SNAPSHOT_NAME_SIZE, "%" PRIu64 "-%" PRIu64 "-%" PRIu64 "-%08" PRIx32 ".%s", snapshot->id.index,
             snapshot->id.term, snapshot->length, snapshot->crc, ending);
}

void snapshot_name_whole(const struct storage_snapshot *snapshot, char out_name[SNAPSHOT_NAME_SIZE]) {
    put_name(snapshot, "snapshot", out_name);
}

void snapshot_name_incoming(const struct storage_snapshot *snapshot, char out_name[SNAPSHOT_NAME_SIZE]) {
    put_name(snapshot, "incoming", out_name);
}

void snapshot_name_writing(unsigned number, char out_name[SNAPSHOT_NAME_SIZE]) {
    snprintf(out_name, SNAPSHOT_NAME_SIZE, "%u.writing", number);
}

enum snapshot_name snapshot_name_parse(const char *name, struct storage_snapshot *out_snapshot) {
    unsigned number = 0;
    struct storage_snapshot found = {.length = 0};
    char again[SNAPSHOT_NAME_SIZE];
    if (sscanf(name, "%9u.", &number) == 1) {
        snapshot_name_writing(number, again);
        if (strcmp(name, again) == 0) {
            return SNAPSHOT_WRITING;
        }
    }
    if (sscanf(name, "%20" SCNu64 "-%20" SCNu64 "-%20" SCNu64 "-%8" SCNx32, &found.id.index, &found.id.term, &found.length,
               &found.crc) != 4) {
        return SNAPSHOT_FOREIGN;
    }
    *out_snapshot = found;
    snapshot_name_whole(&found, again);
    if (strcmp(name, again) == 0) {
        return SNAPSHOT_WHOLE;
    }
    snapshot_name_incoming(&found, again);
    return strcmp(name, again) == 0 ? SNAPSHOT_INCOMING : SNAPSHOT_FOREIGN;
}

bool snapshot_same(const struct storage_snapshot *a, const struct storage_snapshot *b) {
    return a->id.index == b->id.index && a->id.term == b->id.term && a->length == b->length && a->crc == b->crc;
}

/* -- The directory -- */

struct removing {
    bool (*is_unwanted)(void *context, enum snapshot_name kind, const struct storage_snapshot *snapshot);
    void *context;
    char (*names)[SNAPSHOT_NAME_SIZE];
    size_t count;
    size_t capacity;
};

static void note_unwanted(void *context, const char *name, uint64_t size) {
    struct removing *removing = context;
    struct storage_snapshot snapshot = {.length = 0};
    (void)size;
    enum snapshot_name kind = snapshot_name_parse(name, &snapshot);
    if (kind == SNAPSHOT_FOREIGN || !removing->is_unwanted(removing->context, kind, &snapshot)) {
        return;
    }
    removing->names = memory_grow(removing->names, &removing->capacity, removing->count + 1, sizeof *removing->names);
    memcpy(removing->names[removing->count++], name, strlen(name) + 1);
}

void snapshot_directory_remove(struct snapshot_directory *directory,
                               bool (*is_unwanted)(void *context, enum snapshot_name kind,
                                                   const struct storage_snapshot *snapshot),
                               void *context) {
    struct removing removing = {.is_unwanted = is_unwanted, .context = context};
    struct snapshot_medium *medium = directory->medium;
    medium->operations->for_each(medium, note_unwanted, &removing);
    for (size_t i = 0; i < removing.count; i++) {
        medium->operations->remove(medium, removing.names[i]);
    }
    free(removing.names);
}

/* At the start: nobody writes any more, and what was being received is only of use when it is newer. */
static bool is_left_over(void *context, enum snapshot_name kind, const struct storage_snapshot *snapshot) {
    const struct storage_snapshot *keep = context;
    switch (kind) {
    case SNAPSHOT_WHOLE:
        return !snapshot_same(snapshot, keep);
    case SNAPSHOT_INCOMING:
        return snapshot->id.index <= keep->id.index;
    case SNAPSHOT_WRITING:
    case SNAPSHOT_FOREIGN:
        break;
    }
    return kind == SNAPSHOT_WRITING;
}

static bool is_superseded(void *context, enum snapshot_name kind, const struct storage_snapshot *snapshot) {
    return kind == SNAPSHOT_WHOLE && !snapshot_same(snapshot, context);
}

static struct snapshot_directory *make(struct snapshot_medium *medium) {
    struct snapshot_directory *directory = memory_zalloc(sizeof *directory);
    directory->medium = medium;
    atomic_init(&directory->next_writer, 1);
    return directory;
}

enum storage_error snapshot_directory_open(const char *storage_directory, const struct storage_snapshot *keep,
                                           struct snapshot_directory **out_directory, struct storage_message *out_message) {
    struct snapshot_medium *medium = snapshot_files_open(storage_directory, DIRECTORY_SNAPSHOTS);
    if (medium == NULL) {
        return failure_tell(out_message, STORAGE_FAILED, "cannot use %.300s/" DIRECTORY_SNAPSHOTS ": %s", storage_directory,
                            strerror(errno));
    }
    struct storage_snapshot kept = *keep;
    *out_directory = make(medium);
    snapshot_directory_remove(*out_directory, is_left_over, &kept);
    return STORAGE_OK;
}

struct snapshot_directory *snapshot_directory_memory(void) {
    return make(snapshot_memory_create());
}

void snapshot_directory_close(struct snapshot_directory *directory) {
    if (directory == NULL) {
        return;
    }
    if (directory->incoming != NULL) {
        directory->incoming->operations->close_blob(directory->incoming);
    }
    directory->medium->operations->close(directory->medium);
    free(directory);
}

void snapshot_directory_clean(struct snapshot_directory *directory, const struct storage_snapshot *keep) {
    struct storage_snapshot kept = *keep;
    snapshot_directory_remove(directory, is_superseded, &kept);
}

static void add_size(void *context, const char *name, uint64_t size) {
    (void)name;
    *(uint64_t *)context += size;
}

uint64_t snapshot_directory_size_bytes(const struct snapshot_directory *directory) {
    uint64_t size_bytes = 0;
    directory->medium->operations->for_each(directory->medium, add_size, &size_bytes);
    return size_bytes;
}
