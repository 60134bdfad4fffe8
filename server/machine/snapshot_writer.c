#include "server/machine/snapshot_stream.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct snapshot_writer {
    struct machine_output output;
    bool good; /* Nothing was refused yet. */
    size_t used;
    char block[SNAPSHOT_STREAM_BLOCK_SIZE];
};

struct snapshot_writer *snapshot_writer_create(struct machine_output output) {
    struct snapshot_writer *writer = memory_alloc(sizeof *writer);
    writer->output = output;
    writer->good = true;
    writer->used = 0;
    return writer;
}

static void put_out(struct snapshot_writer *writer, const char *bytes, size_t size) {
    if (writer->good && size > 0) {
        writer->good = writer->output.append(writer->output.context, bytes, size);
    }
}

bool snapshot_writer_finish(struct snapshot_writer *writer) {
    put_out(writer, writer->block, writer->used);
    bool good = writer->good;
    free(writer);
    return good;
}

void snapshot_write_head(struct snapshot_writer *writer, const char *name, uint32_t version) {
    assert(strlen(name) == SNAPSHOT_STREAM_NAME_SIZE);
    snapshot_write_bytes(writer, name, SNAPSHOT_STREAM_NAME_SIZE);
    snapshot_write_number(writer, version, sizeof version);
}

void snapshot_write_number(struct snapshot_writer *writer, uint64_t number, unsigned width) {
    assert(width > 0 && width <= sizeof number);
    assert(width == sizeof number || number >> (8 * width) == 0);
    char bytes[sizeof number];
    for (unsigned i = 0; i < width; i++) {
        bytes[i] = (char)(number >> (8 * (width - 1 - i)) & 0xff);
    }
    snapshot_write_bytes(writer, bytes, width);
}

void snapshot_write_bytes(struct snapshot_writer *writer, const char *bytes, size_t size) {
    if (size > sizeof writer->block - writer->used) {
        put_out(writer, writer->block, writer->used);
        writer->used = 0;
    }
    if (size > sizeof writer->block) {
        put_out(writer, bytes, size);
        return;
    }
    memcpy(writer->block + writer->used, bytes, size);
    writer->used += size;
}

bool snapshot_writer_is_good(const struct snapshot_writer *writer) {
    return writer->good;
}
