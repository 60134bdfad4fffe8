#include "storage/log_file.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"

#include <stdbool.h>

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Where the block of `offset` ends, the end of the file included. */
static size_t end_of_block(size_t offset, size_t size) {
    return smaller(offset - offset % LOG_FILE_BLOCK_BYTES + LOG_FILE_BLOCK_BYTES, size);
}

static uint32_t masked(uint32_t crc) {
    return ((crc >> 15) | (crc << 17)) + UINT32_C(0xa282ead8);
}

/* Is there an intact fragment whose header is at `offset`? The header must lie inside its block. */
static bool read_fragment(const uint8_t *file, size_t size, size_t offset, struct log_file_fragment *out_fragment) {
    size_t end = end_of_block(offset, size);
    if (end - offset < LOG_FILE_HEADER_BYTES) {
        return false;
    }
    const uint8_t *header = file + offset;
    size_t length = (size_t)header[4] | (size_t)header[5] << 8;
    uint8_t type = header[6];
    if (type < LOG_FILE_FULL || type > LOG_FILE_LAST || length > end - offset - LOG_FILE_HEADER_BYTES) {
        return false;
    }
    if (bytes_get_u32_little(header) != masked(crc32c_extend(0, header + 6, 1 + length))) {
        return false;
    }
    *out_fragment = (struct log_file_fragment){
        .type = (enum log_file_type)type, .bytes = header + LOG_FILE_HEADER_BYTES, .size = length, .offset = offset};
    return true;
}

enum log_file_step log_file_next(const uint8_t *file, size_t size, size_t *offset, struct log_file_fragment *out_fragment) {
    size_t in_block = *offset % LOG_FILE_BLOCK_BYTES;
    if (LOG_FILE_BLOCK_BYTES - in_block < LOG_FILE_HEADER_BYTES) {
        *offset += LOG_FILE_BLOCK_BYTES - in_block;
    }
    if (*offset >= size) {
        return LOG_FILE_END;
    }
    if (!read_fragment(file, size, *offset, out_fragment)) {
        return LOG_FILE_BAD;
    }
    *offset += LOG_FILE_HEADER_BYTES + out_fragment->size;
    return LOG_FILE_FRAGMENT;
}

/* Does a record begin anywhere after `from`? Every offset is tried, because after a bad header it is not known where the
 * next one is. What is inside a record cannot pass for a header: the type byte, 1 or 2, is no byte of a JSON text, and
 * commands are JSON. */
static bool record_begins_after(const uint8_t *file, size_t size, size_t from) {
    for (size_t offset = from + 1; size - smaller(offset, size) >= LOG_FILE_HEADER_BYTES; offset++) {
        uint8_t type = file[offset + 6];
        struct log_file_fragment fragment;
        if ((type == LOG_FILE_FULL || type == LOG_FILE_FIRST) && read_fragment(file, size, offset, &fragment)) {
            size_t end = offset + LOG_FILE_HEADER_BYTES + fragment.size;
            /* A record is broken off only where the block ends. */
            if (type == LOG_FILE_FULL || end % LOG_FILE_BLOCK_BYTES == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool begins(enum log_file_type type) {
    return type == LOG_FILE_FULL || type == LOG_FILE_FIRST;
}

struct log_file_verdict log_file_check(const uint8_t *file, size_t size) {
    struct log_file_verdict verdict = {.state = LOG_FILE_WHOLE};
    bool inside = false; /* Between FIRST and LAST. */
    size_t offset = 0;
    struct log_file_fragment fragment;
    enum log_file_step step = log_file_next(file, size, &offset, &fragment);
    while (step == LOG_FILE_FRAGMENT && begins(fragment.type) != inside) {
        inside = fragment.type == LOG_FILE_FIRST || fragment.type == LOG_FILE_MIDDLE;
        if (!inside) {
            verdict.without_last = verdict.whole_bytes;
            verdict.whole_bytes = offset;
            verdict.records++;
        }
        step = log_file_next(file, size, &offset, &fragment);
    }
    if (step == LOG_FILE_END) {
        verdict.state = inside ? LOG_FILE_TORN : LOG_FILE_WHOLE;
        return verdict;
    }
    /* A bad header at `offset`, or an intact fragment that does not belong here: one that begins a record proves by itself
     * that the one before it was complete once. */
    bool proven = step == LOG_FILE_FRAGMENT && begins(fragment.type);
    size_t bad = step == LOG_FILE_FRAGMENT ? fragment.offset : offset;
    verdict.state = proven || record_begins_after(file, size, bad) ? LOG_FILE_DAMAGED : LOG_FILE_TORN;
    return verdict;
}
