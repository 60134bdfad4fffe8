#include "server/machine/snapshot_stream.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct snapshot_reader {
    struct machine_input input;
    bool ended;  /* The input has answered 0; it is not asked again. */
    size_t at;   /* The next byte of the block. */
    size_t size; /* Bytes in the block. */
    char *span;  /* Owned; what snapshot_read_span gathers. */
    size_t span_capacity;
    char block[SNAPSHOT_STREAM_BLOCK_SIZE];
};

struct snapshot_reader *snapshot_reader_create(struct machine_input input) {
    struct snapshot_reader *reader = memory_alloc(sizeof *reader);
    reader->input = input;
    reader->ended = false;
    reader->at = 0;
    reader->size = 0;
    reader->span = NULL;
    reader->span_capacity = 0;
    return reader;
}

void snapshot_reader_destroy(struct snapshot_reader *reader) {
    if (reader != NULL) {
        free(reader->span);
        free(reader);
    }
}

bool snapshot_reader_is_at_end(struct snapshot_reader *reader) {
    if (reader->at == reader->size && !reader->ended) {
        reader->at = 0;
        reader->size = reader->input.read(reader->input.context, reader->block, sizeof reader->block);
        assert(reader->size <= sizeof reader->block);
        reader->ended = reader->size == 0;
    }
    return reader->at == reader->size;
}

bool snapshot_read_bytes(struct snapshot_reader *reader, char *out_bytes, size_t size) {
    while (size > 0) {
        if (snapshot_reader_is_at_end(reader)) {
            return false;
        }
        size_t there = reader->size - reader->at;
        size_t taken = there < size ? there : size;
        memcpy(out_bytes, reader->block + reader->at, taken);
        reader->at += taken;
        out_bytes += taken;
        size -= taken;
    }
    return true;
}

bool snapshot_read_number(struct snapshot_reader *reader, unsigned width, uint64_t *out_number) {
    char bytes[sizeof *out_number];
    assert(width > 0 && width <= sizeof bytes);
    if (!snapshot_read_bytes(reader, bytes, width)) {
        return false;
    }
    uint64_t number = 0;
    for (unsigned i = 0; i < width; i++) {
        number = number << 8 | (unsigned char)bytes[i];
    }
    *out_number = number;
    return true;
}

bool snapshot_read_span(struct snapshot_reader *reader, uint64_t size, struct json_span *out_span) {
    size_t gathered = 0;
    while (gathered < size) {
        if (snapshot_reader_is_at_end(reader)) {
            return false;
        }
        size_t there = reader->size - reader->at;
        size_t step = size - gathered < there ? (size_t)(size - gathered) : there;
        reader->span = memory_grow(reader->span, &reader->span_capacity, gathered + step, 1);
        memcpy(reader->span + gathered, reader->block + reader->at, step);
        reader->at += step;
        gathered += step;
    }
    *out_span = (struct json_span){.data = reader->span, .size = gathered};
    return true;
}

const char *snapshot_read_head(struct snapshot_reader *reader, const char *name, uint32_t version) {
    char found[SNAPSHOT_STREAM_NAME_SIZE];
    uint64_t found_version;
    if (!snapshot_read_bytes(reader, found, sizeof found) || memcmp(found, name, sizeof found) != 0) {
        return "this is no snapshot of this machine";
    }
    if (!snapshot_read_number(reader, sizeof version, &found_version)) {
        return "the snapshot ends in its head";
    }
    return found_version == version ? NULL : "the snapshot has a version of the format that this program does not know";
}
