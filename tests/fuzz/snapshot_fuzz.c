/* Any bytes as a snapshot file. The first byte says how the others are dressed up, because no fuzzer guesses a checksum or
 * a head:
 *
 *     0  as they are
 *     1  the checksum at the end is put right
 *     2  the same, behind a good head
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"
#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/snapshot_directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "snapshot_fuzz: %s\n", what);
        abort();
    }
}

/* What is put before the bytes, and how many there are then. */
static size_t dress(uint8_t way, const uint8_t *data, size_t size, char *bytes) {
    size_t head_size = 0;
    if (way == 2) {
        const struct snapshot_head head = {.id = {.index = 9, .term = 2}, .configuration_index = 3, .machine = "hashmap"};
        snapshot_format_head(&head, bytes);
        head_size = SNAPSHOT_FORMAT_HEAD;
    }
    if (size > 0) {
        memcpy(bytes + head_size, data, size);
    }
    size += head_size;
    if (way != 0 && size >= SNAPSHOT_FORMAT_END) {
        size_t covered = size - SNAPSHOT_FORMAT_END;
        bytes_put_u32(bytes + covered, crc32c_extend(0, bytes, covered));
    }
    return size;
}

/* The file is read in full, in pieces of a size that falls on no frame's end, and written anew from that. */
static void check_accepted(struct snapshot_directory *directory, const struct storage_snapshot *snapshot) {
    struct snapshot_file *file = NULL;
    struct snapshot_file *again = NULL;
    struct snapshot_writer_file *writer = NULL;
    struct storage_snapshot written;
    char piece[1000];
    char other[1000];
    require(snapshot_file_open(directory, snapshot, &file, NULL) == STORAGE_OK, "a received file does not open");
    require(snapshot_file_create(directory, snapshot_file_head(file), &writer, NULL) == STORAGE_OK, "cannot write");
    for (int section = 0; section < SNAPSHOT_SECTION_COUNT; section++) {
        for (size_t count = 0; (count = snapshot_file_read(file, (enum snapshot_section)section, piece, 999)) > 0;) {
            require(snapshot_file_write(writer, (enum snapshot_section)section, piece, count), "cannot write on");
        }
    }
    snapshot_file_close(file);
    require(snapshot_file_finish(writer, &written, NULL) == STORAGE_OK, "cannot finish");
    require(written.length <= snapshot->length, "written anew it is longer");
    require(snapshot_file_open(directory, snapshot, &file, NULL) == STORAGE_OK, "it does not open twice");
    require(snapshot_file_open(directory, &written, &again, NULL) == STORAGE_OK, "what was written does not open");
    for (int section = 0; section < SNAPSHOT_SECTION_COUNT; section++) {
        size_t count = 0;
        do {
            count = snapshot_file_read(file, (enum snapshot_section)section, piece, sizeof piece);
            require(snapshot_file_read(again, (enum snapshot_section)section, other, sizeof other) == count &&
                        memcmp(piece, other, count) == 0,
                    "written anew it is another");
        } while (count > 0);
    }
    snapshot_file_close(file);
    snapshot_file_close(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    char *bytes = memory_alloc(SNAPSHOT_FORMAT_HEAD + size);
    size_t length = dress(data[0] % 3, data + 1, size - 1, bytes);
    struct snapshot_directory *directory = snapshot_directory_memory();
    struct storage_snapshot snapshot = {.id = {.index = 9, .term = 2}, .length = length};
    if (length >= SNAPSHOT_FORMAT_MIN) {
        snapshot.crc = bytes_get_u32(bytes + length - SNAPSHOT_FORMAT_END);
    }
    uint64_t stored = 0;
    require(snapshot_incoming_append(directory, &snapshot, 0, bytes, length / 2, &stored, NULL) == STORAGE_OK &&
                snapshot_incoming_append(directory, &snapshot, length / 2, bytes + length / 2, length - length / 2, &stored,
                                         NULL) == STORAGE_OK &&
                stored == length,
            "cannot be received");
    if (snapshot_incoming_finish(directory, &snapshot, NULL) == STORAGE_OK) {
        check_accepted(directory, &snapshot);
    } else {
        require(snapshot_directory_size_bytes(directory) == 0, "a refused file stays");
    }
    snapshot_directory_close(directory);
    free(bytes);
    return 0;
}
