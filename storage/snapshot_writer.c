/* Making a snapshot file. */
#include "storage/snapshot_directory.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/failure.h"

#include "server/base/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct snapshot_writer_file {
    struct snapshot_medium *medium;
    struct snapshot_blob *blob; /* NULL after a failure. */
    char name[SNAPSHOT_NAME_SIZE];
    struct raft_entry_id id;
    int section;
    uint32_t crc;
    int error;                                                          /* errno of what failed. */
    size_t filled;                                                      /* Of the frame. */
    char frame[SNAPSHOT_FORMAT_FRAME_HEAD + SNAPSHOT_FORMAT_FRAME_MAX]; /* Its head is put in last. */
};

/* Gives the space back at once: a full disk is the likeliest reason. */
static void fail(struct snapshot_writer_file *writer) {
    writer->error = errno;
    writer->blob->operations->close_blob(writer->blob);
    writer->blob = NULL;
    writer->medium->operations->remove(writer->medium, writer->name);
}

static bool append(struct snapshot_writer_file *writer, const char *bytes, size_t size) {
    if (writer->blob == NULL) {
        return false;
    }
    writer->crc = crc32c_extend(writer->crc, bytes, size);
    if (!writer->blob->operations->append(writer->blob, bytes, size)) {
        fail(writer);
        return false;
    }
    return true;
}

static bool end_frame(struct snapshot_writer_file *writer) {
    size_t size = writer->filled;
    writer->filled = 0;
    bytes_put_u32(writer->frame, (uint32_t)size);
    return size == 0 || append(writer, writer->frame, SNAPSHOT_FORMAT_FRAME_HEAD + size);
}

static bool end_section(struct snapshot_writer_file *writer) {
    static const char empty_frame[SNAPSHOT_FORMAT_FRAME_HEAD];
    writer->section++;
    return end_frame(writer) && append(writer, empty_frame, sizeof empty_frame);
}

enum storage_error snapshot_file_create(struct snapshot_directory *directory, const struct snapshot_head *head,
                                        struct snapshot_writer_file **out_writer, struct storage_message *out_message) {
    struct snapshot_writer_file *writer = memory_zalloc(sizeof *writer);
    writer->medium = directory->medium;
    writer->id = head->id;
    snapshot_name_writing(atomic_fetch_add(&directory->next_writer, 1), writer->name);
    writer->blob = writer->medium->operations->create(writer->medium, writer->name);
    if (writer->blob == NULL) {
        int error = errno;
        free(writer);
        return failure_tell(out_message, STORAGE_FAILED, "cannot make a snapshot file: %s", strerror(error));
    }
    char bytes[SNAPSHOT_FORMAT_HEAD];
    snapshot_format_head(head, bytes);
    append(writer, bytes, sizeof bytes); /* A failure is told of at the end. */
    *out_writer = writer;
    return STORAGE_OK;
}

bool snapshot_file_write(struct snapshot_writer_file *writer, enum snapshot_section section, const void *bytes,
                         size_t size) {
    const char *at = bytes;
    assert(section < SNAPSHOT_SECTION_COUNT && (int)section >= writer->section);
    while (writer->section < (int)section) {
        end_section(writer);
    }
    while (size > 0 && writer->blob != NULL) {
        size_t room = SNAPSHOT_FORMAT_FRAME_MAX - writer->filled;
        size_t here = size < room ? size : room;
        memcpy(writer->frame + SNAPSHOT_FORMAT_FRAME_HEAD + writer->filled, at, here);
        writer->filled += here;
        at += here;
        size -= here;
        if (writer->filled == SNAPSHOT_FORMAT_FRAME_MAX) {
            end_frame(writer);
        }
    }
    return writer->blob != NULL;
}

enum storage_error snapshot_file_finish(struct snapshot_writer_file *writer, struct storage_snapshot *out_snapshot,
                                        struct storage_message *out_message) {
    while (writer->section < SNAPSHOT_SECTION_COUNT) {
        end_section(writer);
    }
    char end[SNAPSHOT_FORMAT_END];
    struct storage_snapshot snapshot = {.id = writer->id, .crc = writer->crc};
    bytes_put_u32(end, writer->crc);
    if (append(writer, end, sizeof end)) {
        char name[SNAPSHOT_NAME_SIZE];
        snapshot.length = writer->blob->size;
        snapshot_name_whole(&snapshot, name);
        if (!writer->blob->operations->sync(writer->blob) ||
            !writer->medium->operations->rename(writer->medium, writer->name, name)) {
            fail(writer);
        }
    }
    enum storage_error error = STORAGE_OK;
    if (writer->blob == NULL) {
        error = failure_tell(out_message, STORAGE_FAILED, "cannot write a snapshot file: %s%s", strerror(writer->error),
                             writer->error == ENOSPC ? " beside the log: the data directory needs more" : "");
    } else {
        *out_snapshot = snapshot;
        writer->blob->operations->close_blob(writer->blob);
    }
    free(writer);
    return error;
}

void snapshot_file_abandon(struct snapshot_writer_file *writer) {
    if (writer == NULL) {
        return;
    }
    if (writer->blob != NULL) {
        fail(writer);
    }
    free(writer);
}
