/* Reading a snapshot file that was checked. */
#include "storage/snapshot_directory.h"

#include "storage/bytes.h"
#include "storage/failure.h"

#include "server/base/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far a section was read. */
struct cursor {
    uint64_t frame; /* Where the bytes of the current frame begin. */
    uint32_t size;  /* How many they are; 0 before the first frame. */
    uint32_t at;    /* How many of them were read. */
    uint64_t next;  /* Where the next frame begins. */
    bool has_ended;
};

struct snapshot_file {
    struct snapshot_blob *blob;
    struct snapshot_layout layout;
    struct cursor cursors[SNAPSHOT_SECTION_COUNT];
    uint64_t buffered; /* Which frame is in the buffer; 0: none. */
    char buffer[SNAPSHOT_FORMAT_FRAME_MAX];
};

/* Takes the blob; NULL: it could not be opened, errno says why. */
static enum storage_error open_blob(struct snapshot_blob *blob, const char *name, const struct storage_snapshot *expected,
                                    struct snapshot_file **out_file, struct storage_message *out_message) {
    if (blob == NULL) {
        enum storage_error missing = errno == ENOENT ? STORAGE_DAMAGED : STORAGE_FAILED;
        return failure_tell(out_message, missing, "cannot open the snapshot %.200s: %s", name, strerror(errno));
    }
    struct snapshot_layout layout;
    enum storage_error error = snapshot_check(blob, name, expected, &layout, out_message);
    if (error != STORAGE_OK) {
        blob->operations->close_blob(blob);
        return error;
    }
    struct snapshot_file *file = memory_zalloc(sizeof *file);
    file->blob = blob;
    file->layout = layout;
    for (int i = 0; i < SNAPSHOT_SECTION_COUNT; i++) {
        file->cursors[i].next = layout.sections[i];
    }
    *out_file = file;
    return STORAGE_OK;
}

enum storage_error snapshot_file_open(struct snapshot_directory *directory, const struct storage_snapshot *snapshot,
                                      struct snapshot_file **out_file, struct storage_message *out_message) {
    char name[SNAPSHOT_NAME_SIZE];
    snapshot_name_whole(snapshot, name);
    struct snapshot_blob *blob = directory->medium->operations->open(directory->medium, name, false);
    return open_blob(blob, name, snapshot, out_file, out_message);
}

enum storage_error snapshot_file_open_path(const char *path, struct snapshot_file **out_file,
                                           struct storage_snapshot *out_snapshot, struct storage_message *out_message) {
    enum storage_error error = open_blob(snapshot_files_open_path(path), path, NULL, out_file, out_message);
    if (error == STORAGE_OK) {
        *out_snapshot = (*out_file)->layout.snapshot;
    }
    return error;
}

void snapshot_file_close(struct snapshot_file *file) {
    if (file != NULL) {
        file->blob->operations->close_blob(file->blob);
        free(file);
    }
}

const struct snapshot_head *snapshot_file_head(const struct snapshot_file *file) {
    return &file->layout.head;
}

static void read_or_end(struct snapshot_file *file, uint64_t offset, void *bytes, size_t size) {
    if (!file->blob->operations->read(file->blob, offset, bytes, size)) {
        fprintf(stderr, "raftd: reading a snapshot failed after it was checked: %s\n", strerror(errno));
        abort();
    }
}

/* Goes to the next frame; false at the end of the section. */
static bool next_frame(struct snapshot_file *file, struct cursor *cursor) {
    if (cursor->has_ended) {
        return false;
    }
    char head[SNAPSHOT_FORMAT_FRAME_HEAD];
    read_or_end(file, cursor->next, head, sizeof head);
    uint32_t size = bytes_get_u32(head);
    if (size > SNAPSHOT_FORMAT_FRAME_MAX) {
        fprintf(stderr, "raftd: a snapshot changed after it was checked\n");
        abort();
    }
    *cursor = (struct cursor){.frame = cursor->next + SNAPSHOT_FORMAT_FRAME_HEAD, .size = size, .has_ended = size == 0};
    cursor->next = cursor->frame + size;
    return size > 0;
}

size_t snapshot_file_read(struct snapshot_file *file, enum snapshot_section section, void *bytes, size_t capacity) {
    assert(section < SNAPSHOT_SECTION_COUNT);
    struct cursor *cursor = &file->cursors[section];
    char *to = bytes;
    size_t filled = 0;
    while (filled < capacity && (cursor->at < cursor->size || next_frame(file, cursor))) {
        if (file->buffered != cursor->frame) {
            read_or_end(file, cursor->frame, file->buffer, cursor->size);
            file->buffered = cursor->frame;
        }
        size_t here = cursor->size - cursor->at;
        here = capacity - filled < here ? capacity - filled : here;
        memcpy(to + filled, file->buffer + cursor->at, here);
        cursor->at += (uint32_t)here;
        filled += here;
    }
    return filled;
}

bool snapshot_file_raw(struct snapshot_file *file, uint64_t offset, void *bytes, size_t size) {
    assert(offset <= file->blob->size && size <= file->blob->size - offset);
    return file->blob->operations->read(file->blob, offset, bytes, size);
}
