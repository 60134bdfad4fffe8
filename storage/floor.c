#include "storage/floor.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/failure.h"
#include "storage/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { VERSION = 1, CHECKSUM_AT = FLOOR_SIZE - 4 };

void floor_format(const struct floor *floor, char out_bytes[FLOOR_SIZE]) {
    out_bytes[0] = VERSION;
    bytes_put_u64(out_bytes + 1, floor->newest.number);
    bytes_put_u64(out_bytes + 9, floor->newest.last.index);
    bytes_put_u64(out_bytes + 17, floor->newest.last.term);
    bytes_put_u64(out_bytes + 25, floor->hard_state.term);
    bytes_put_u64(out_bytes + 33, floor->hard_state.voted_for);
    bytes_put_u32(out_bytes + CHECKSUM_AT, crc32c_extend(0, out_bytes, CHECKSUM_AT));
}

bool floor_parse(const char *bytes, size_t size, struct floor *out_floor) {
    if (size != FLOOR_SIZE || bytes_get_u32(bytes + CHECKSUM_AT) != crc32c_extend(0, bytes, CHECKSUM_AT) ||
        bytes[0] != VERSION) {
        return false;
    }
    *out_floor = (struct floor){
        .newest = {.number = bytes_get_u64(bytes + 1),
                   .last = {.index = bytes_get_u64(bytes + 9), .term = bytes_get_u64(bytes + 17)}},
        .hard_state = {.term = bytes_get_u64(bytes + 25), .voted_for = bytes_get_u64(bytes + 33)},
    };
    return true;
}

bool floor_read(int directory, struct floor *out_floor) {
    char *bytes = NULL;
    size_t size = 0;
    if (!file_read(directory, FLOOR_NAME, FLOOR_SIZE, &bytes, &size)) {
        return false;
    }
    bool ok = floor_parse(bytes, size, out_floor);
    free(bytes);
    return ok;
}

static bool equal(const struct floor *a, const struct floor *b) {
    return a->newest.number == b->newest.number && a->newest.last.index == b->newest.last.index &&
           a->newest.last.term == b->newest.last.term && a->hard_state.term == b->hard_state.term &&
           a->hard_state.voted_for == b->hard_state.voted_for;
}

enum storage_error floor_check(const struct floor *floor, const struct floor *store, struct storage_message *out_message) {
    if (store->newest.number < floor->newest.number) {
        return failure_tell(out_message, STORAGE_DAMAGED,
                            "the store ends with write %" PRIu64 " (entry %" PRIu64 ", term %" PRIu64 ") but write %" PRIu64
                            " (entry %" PRIu64 ", term %" PRIu64 ") was on this disk" FAILURE_CURE,
                            store->newest.number, store->newest.last.index, store->hard_state.term, floor->newest.number,
                            floor->newest.last.index, floor->hard_state.term);
    }
    bool is_same_write = store->newest.number == floor->newest.number;
    if ((is_same_write && !equal(floor, store)) || store->hard_state.term < floor->hard_state.term) {
        return failure_tell(out_message, STORAGE_DAMAGED,
                            "write %" PRIu64
                            " is another than the file floor says: files of two stores are mixed" FAILURE_CURE,
                            store->newest.number);
    }
    return STORAGE_OK;
}

int floor_create(int directory, const struct floor *floor) {
    int descriptor = openat(directory, FLOOR_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return -1;
    }
    if (ftruncate(descriptor, FLOOR_SIZE) == 0 && floor_write(descriptor, floor) && fsync(descriptor) == 0 &&
        fsync(directory) == 0) {
        return descriptor;
    }
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

bool floor_write(int descriptor, const struct floor *floor) {
    char bytes[FLOOR_SIZE];
    floor_format(floor, bytes);
    return file_write_at(descriptor, bytes, sizeof bytes, 0);
}
