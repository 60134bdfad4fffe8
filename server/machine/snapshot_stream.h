/* What the snapshots of the shipped machines are made of: a head that names the machine and the version of its format,
 * unsigned big-endian numbers, and bytes. Small pieces are gathered into blocks, so that a million pairs are not a million
 * calls of the output.
 *
 * The reader takes nothing for granted: every read can come to an early end, and memory grows with the bytes that
 * arrived, not with the sizes that were claimed. */
#ifndef RAFTD_MACHINE_SNAPSHOT_STREAM_H
#define RAFTD_MACHINE_SNAPSHOT_STREAM_H

#include "server/json/json.h"
#include "server/machine/machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SNAPSHOT_STREAM_NAME_SIZE = 8, /* Bytes of the machine's name in the head. */
    SNAPSHOT_STREAM_BLOCK_SIZE = 64 * 1024
};

struct snapshot_writer;
struct snapshot_writer *snapshot_writer_create(struct machine_output output);
/* Writes what is still gathered and frees the writer. False: the output refused some bytes, now or earlier. */
bool snapshot_writer_finish(struct snapshot_writer *writer);

/* `name` has SNAPSHOT_STREAM_NAME_SIZE letters. */
void snapshot_write_head(struct snapshot_writer *writer, const char *name, uint32_t version);
/* The lowest `width` bytes of `number`, the highest of them first. */
void snapshot_write_number(struct snapshot_writer *writer, uint64_t number, unsigned width);
void snapshot_write_bytes(struct snapshot_writer *writer, const char *bytes, size_t size);
/* False once the output has refused bytes: what is written from then on goes nowhere. */
bool snapshot_writer_is_good(const struct snapshot_writer *writer);

struct snapshot_reader;
struct snapshot_reader *snapshot_reader_create(struct machine_input input);
void snapshot_reader_destroy(struct snapshot_reader *reader);

/* What is wrong with the head, as a sentence; NULL: it is this name and version. */
const char *snapshot_read_head(struct snapshot_reader *reader, const char *name, uint32_t version);
/* Each false when the snapshot ends too early. */
bool snapshot_read_number(struct snapshot_reader *reader, unsigned width, uint64_t *out_number);
bool snapshot_read_bytes(struct snapshot_reader *reader, char *out_bytes, size_t size);
/* Bytes of any size, borrowed until the next call. */
bool snapshot_read_span(struct snapshot_reader *reader, uint64_t size, struct json_span *out_span);
/* True when all was read. */
bool snapshot_reader_is_at_end(struct snapshot_reader *reader);

#endif
