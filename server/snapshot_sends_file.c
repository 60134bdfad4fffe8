#include "server/snapshot_sends_file.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool is_same(const struct storage_snapshot *left, const struct storage_snapshot *right) {
    return left->id.index == right->id.index && left->id.term == right->id.term && left->length == right->length &&
           left->crc == right->crc;
}

struct snapshot_sends_file *snapshot_sends_file_use(struct snapshot_sends *sends, const struct storage_snapshot *snapshot) {
    struct snapshot_sends_file *file = sends->files;
    while (file != NULL && !is_same(&file->snapshot, snapshot)) {
        file = file->next;
    }
    if (file == NULL) {
        file = memory_alloc(sizeof *file);
        *file = (struct snapshot_sends_file){.next = sends->files, .snapshot = *snapshot};
        sends->files = file;
    }
    file->uses++;
    return file;
}

/* -- Closing -- */

static void close_reader(void *context) {
    snapshot_file_close(context);
}

static void closed(void *context, bool ran) {
    if (!ran) {
        snapshot_file_close(context);
    }
}

void snapshot_sends_file_release(struct node *node, struct snapshot_sends *sends, struct snapshot_sends_file *file) {
    if (file == NULL) {
        return;
    }
    assert(file->uses > 0);
    if (--file->uses > 0) {
        return;
    }
    struct snapshot_sends_file **at = &sends->files;
    while (*at != file) {
        at = &(*at)->next;
    }
    *at = file->next;
    if (node == NULL) {
        snapshot_file_close(file->reader);
    } else if (file->reader != NULL) {
        /* The last one to close a large file that was removed waits until its space is given back. */
        const struct disk_job job = {.context = file->reader, .work = close_reader, .done = closed};
        node->io.disk.run(node->io.disk.context, DISK_LANE_LONG, &job);
    }
    free(file);
}

/* -- Opening -- */

struct opening {
    struct node *node;
    struct snapshot_sends_file *file; /* A use. */
    struct storage_snapshot snapshot;
    struct snapshot_file *reader;
    struct storage_message message;
};

static void open_reader(void *context) {
    struct opening *opening = context;
    if (snapshot_file_open(opening->node->io.snapshots, &opening->snapshot, &opening->reader, &opening->message) !=
        STORAGE_OK) {
        opening->reader = NULL;
    }
}

static void opened(void *context, bool ran) {
    struct opening *opening = context;
    struct node *node = opening->node;
    struct snapshot_sends_file *file = opening->file;
    file->opening = false;
    file->reader = opening->reader;
    if (ran) {
        snapshot_sends_opened(node, file, opening->message.text);
    }
    snapshot_sends_file_release(node, &node->snapshot_sends, file);
    node->work = true;
    free(opening);
}

void snapshot_sends_file_open(struct node *node, struct snapshot_sends_file *file) {
    assert(file->reader == NULL);
    if (file->opening) {
        return;
    }
    file->opening = true;
    file->uses++;
    struct opening *opening = memory_zalloc(sizeof *opening);
    opening->node = node;
    opening->file = file;
    opening->snapshot = file->snapshot;
    const struct disk_job job = {.context = opening, .work = open_reader, .done = opened};
    node->io.disk.run(node->io.disk.context, DISK_LANE_LONG, &job);
}

/* -- Reading -- */

struct reading {
    struct node *node;
    struct snapshot_sends_file *file; /* A use. */
    uint64_t serial;
    uint64_t offset;
    size_t size;
    char *bytes; /* Owned; NULL: they could not be read. */
};

static void read_piece(void *context) {
    struct reading *reading = context;
    reading->bytes = memory_alloc(reading->size);
    if (!snapshot_file_raw(reading->file->reader, reading->offset, reading->bytes, reading->size)) {
        free(reading->bytes);
        reading->bytes = NULL;
    }
}

static void piece_read(void *context, bool ran) {
    struct reading *reading = context;
    struct node *node = reading->node;
    struct buffer *piece = reading->bytes == NULL ? NULL : buffer_take(reading->bytes, reading->size);
    if (ran) {
        snapshot_sends_piece_read(node, reading->serial, piece);
    }
    buffer_release(piece);
    snapshot_sends_file_release(node, &node->snapshot_sends, reading->file);
    node->work = true;
    free(reading);
}

/* A file's pieces are read one after the other, whoever they are for: the short lane is one thread. */
void snapshot_sends_file_read(struct node *node, struct snapshot_sends_file *file, uint64_t serial, uint64_t offset,
                              size_t size) {
    assert(file->reader != NULL && size > 0);
    file->uses++;
    struct reading *reading = memory_alloc(sizeof *reading);
    *reading = (struct reading){.node = node, .file = file, .serial = serial, .offset = offset, .size = size};
    const struct disk_job job = {.context = reading, .work = read_piece, .done = piece_read};
    node->io.disk.run(node->io.disk.context, DISK_LANE_SHORT, &job);
}
