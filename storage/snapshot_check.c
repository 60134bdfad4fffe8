/* A snapshot file from its first byte to its last, before any of it is believed. */
#include "storage/snapshot_directory.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/failure.h"

#include "server/base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 256 << 10 /* Read at a time; stays in the processor's cache for its checksum. */ };

/* The bytes that the checksum covers, read one piece after the other. */
struct scan {
    struct snapshot_blob *blob;
    uint64_t end;      /* Where the checksum begins. */
    uint64_t position; /* Of the next byte. */
    char *piece;
    size_t at; /* In the piece, of the same byte. */
    size_t filled;
    uint32_t crc;
    int error; /* errno of a failed read. */
};

/* Makes the next byte available; false at the end or when reading fails. */
static bool refill(struct scan *scan) {
    if (scan->at < scan->filled) {
        return true;
    }
    uint64_t left = scan->end - scan->position;
    size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
    if (size == 0 || scan->error != 0) {
        return false;
    }
    if (!scan->blob->operations->read(scan->blob, scan->position, scan->piece, size)) {
        scan->error = errno;
        return false;
    }
    scan->crc = crc32c_extend(scan->crc, scan->piece, size);
    scan->at = 0;
    scan->filled = size;
    return true;
}

/* The next `size` bytes, into `out_bytes` unless that is NULL; false when there are not as many. */
static bool take(struct scan *scan, char *out_bytes, uint64_t size) {
    while (size > 0) {
        if (!refill(scan)) {
            return false;
        }
        size_t here = scan->filled - scan->at;
        here = size < here ? (size_t)size : here;
        if (out_bytes != NULL) {
            memcpy(out_bytes, scan->piece + scan->at, here);
            out_bytes += here;
        }
        scan->at += here;
        scan->position += here;
        size -= here;
    }
    return true;
}

/* Passes over one section with the empty frame that ends it. */
static bool take_section(struct scan *scan) {
    for (;;) {
        char head[SNAPSHOT_FORMAT_FRAME_HEAD];
        if (!take(scan, head, sizeof head)) {
            return false;
        }
        uint32_t size = bytes_get_u32(head);
        if (size == 0) {
            return true;
        }
        if (size > SNAPSHOT_FORMAT_FRAME_MAX || !take(scan, NULL, size)) {
            return false;
        }
    }
}

/* What is wrong with the file, as text; NULL: nothing. */
static const char *walk(struct scan *scan, struct snapshot_layout *layout, bool *out_is_newer) {
    char head[SNAPSHOT_FORMAT_HEAD];
    if (!take(scan, head, sizeof head)) {
        return "is too short";
    }
    enum snapshot_format_error error = snapshot_format_parse_head(head, &layout->head);
    for (int section = 0; error == SNAPSHOT_FORMAT_OK && section < SNAPSHOT_SECTION_COUNT; section++) {
        layout->sections[section] = scan->position;
        if (!take_section(scan)) {
            return "is cut short or not as it was written";
        }
    }
    if (error == SNAPSHOT_FORMAT_OK && scan->position != scan->end) {
        return "has bytes behind its end";
    }
    char end[SNAPSHOT_FORMAT_END];
    take(scan, NULL, scan->end - scan->position); /* What a newer version has there counts for the checksum. */
    if (scan->error == 0 && !scan->blob->operations->read(scan->blob, scan->end, end, sizeof end)) {
        scan->error = errno;
    }
    if (scan->error != 0) {
        return "cannot be read";
    }
    layout->snapshot.crc = bytes_get_u32(end);
    if (error == SNAPSHOT_FORMAT_MAGIC) {
        return "is no snapshot file";
    }
    if (layout->snapshot.crc != scan->crc) {
        return "fails its checksum";
    }
    *out_is_newer = error == SNAPSHOT_FORMAT_VERSION;
    return error == SNAPSHOT_FORMAT_OK        ? NULL
           : error == SNAPSHOT_FORMAT_VERSION ? "was written by a newer version of raftd"
                                              : "holds a field outside its range";
}

enum storage_error snapshot_check(struct snapshot_blob *blob, const char *name, const struct storage_snapshot *expected,
                                  struct snapshot_layout *out_layout, struct storage_message *out_message) {
    if (blob->size < SNAPSHOT_FORMAT_MIN) {
        return failure_tell(out_message, STORAGE_DAMAGED, "the snapshot %.200s is too short", name);
    }
    if (expected != NULL && expected->length != blob->size) {
        return failure_tell(out_message, STORAGE_DAMAGED, "the snapshot %.200s is not of the length it was written in",
                            name);
    }
    struct scan scan = {.blob = blob, .end = blob->size - SNAPSHOT_FORMAT_END, .piece = memory_alloc(PIECE_BYTES)};
    struct snapshot_layout layout = {.sections = {0}};
    bool is_newer = false;
    const char *wrong = walk(&scan, &layout, &is_newer);
    free(scan.piece);
    layout.snapshot.id = layout.head.id;
    layout.snapshot.length = blob->size;
    if (scan.error != 0) {
        return failure_tell(out_message, STORAGE_FAILED, "the snapshot %.200s cannot be read: %s", name,
                            strerror(scan.error));
    }
    if (wrong == NULL && expected != NULL && !snapshot_same(expected, &layout.snapshot)) {
        wrong = "is another one than it is named";
    }
    if (wrong != NULL) {
        return failure_tell(out_message, is_newer ? STORAGE_UNUSABLE : STORAGE_DAMAGED, "the snapshot %.200s %s", name,
                            wrong);
    }
    *out_layout = layout;
    return STORAGE_OK;
}
