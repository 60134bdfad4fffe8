#include "storage/manifest.h"

#include "storage/log_file.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* LevelDB's names for the changes in a record, from its table of tags. */
enum tag {
    COMPARATOR = 1,
    LOG_NUMBER = 2,
    NEXT_FILE_NUMBER = 3,
    LAST_SEQUENCE = 4,
    COMPACT_POINTER = 5,
    DELETED_FILE = 6,
    NEW_FILE = 7,
    PREVIOUS_LOG_NUMBER = 9
};

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

/* A number of 7 bits a byte, the lowest first. */
static bool take_number(struct cursor *cursor, uint64_t *out_number) {
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out_number = number;
            return true;
        }
    }
    return false;
}

static bool skip_numbers(struct cursor *cursor, int count) {
    uint64_t number = 0;
    for (int i = 0; i < count; i++) {
        if (!take_number(cursor, &number)) {
            return false;
        }
    }
    return true;
}

/* A size, then so many bytes. */
static bool skip_text(struct cursor *cursor) {
    uint64_t size = 0;
    if (!take_number(cursor, &size) || size > (uint64_t)(cursor->end - cursor->at)) {
        return false;
    }
    cursor->at += size;
    return true;
}

static void add_table(struct manifest *manifest, uint64_t number) {
    manifest->tables =
        memory_grow(manifest->tables, &manifest->table_capacity, manifest->table_count + 1, sizeof *manifest->tables);
    manifest->tables[manifest->table_count++] = number;
}

static void remove_table(struct manifest *manifest, uint64_t number) {
    for (size_t i = 0; i < manifest->table_count; i++) {
        if (manifest->tables[i] == number) {
            manifest->tables[i] = manifest->tables[--manifest->table_count];
            return;
        }
    }
}

static bool take_change(struct cursor *cursor, struct manifest *manifest) {
    uint64_t tag = 0;
    uint64_t number = 0;
    if (!take_number(cursor, &tag)) {
        return false;
    }
    switch (tag) {
    case COMPARATOR:
        return skip_text(cursor);
    case LOG_NUMBER:
        return take_number(cursor, &manifest->log);
    case PREVIOUS_LOG_NUMBER:
        return take_number(cursor, &manifest->previous_log);
    case NEXT_FILE_NUMBER:
    case LAST_SEQUENCE:
        return skip_numbers(cursor, 1);
    case COMPACT_POINTER: /* Level, key. */
        return skip_numbers(cursor, 1) && skip_text(cursor);
    case DELETED_FILE: /* Level, number. */
        if (!skip_numbers(cursor, 1) || !take_number(cursor, &number)) {
            return false;
        }
        remove_table(manifest, number);
        return true;
    case NEW_FILE: /* Level, number, size, smallest and largest key. */
        if (!skip_numbers(cursor, 1) || !take_number(cursor, &number)) {
            return false;
        }
        add_table(manifest, number);
        return skip_numbers(cursor, 1) && skip_text(cursor) && skip_text(cursor);
    default:
        return false;
    }
}

static bool take_record(const uint8_t *bytes, size_t size, struct manifest *manifest) {
    struct cursor cursor = {.at = bytes, .end = bytes + size};
    while (cursor.at < cursor.end) {
        if (!take_change(&cursor, manifest)) {
            return false;
        }
    }
    return true;
}

bool manifest_parse(const uint8_t *file, size_t size, struct manifest *out_manifest) {
    struct manifest manifest = {.log = 0};
    uint8_t *record = memory_alloc(size); /* No record is longer than the file. */
    size_t record_size = 0;
    size_t offset = 0;
    bool ok = true;
    struct log_file_fragment fragment;
    while (ok && log_file_next(file, size, &offset, &fragment) == LOG_FILE_FRAGMENT) {
        if (fragment.type == LOG_FILE_FULL || fragment.type == LOG_FILE_FIRST) {
            record_size = 0;
        }
        memcpy(record + record_size, fragment.bytes, fragment.size);
        record_size += fragment.size;
        if (fragment.type == LOG_FILE_FULL || fragment.type == LOG_FILE_LAST) {
            ok = take_record(record, record_size, &manifest);
        }
    }
    free(record);
    if (ok) {
        *out_manifest = manifest;
    } else {
        manifest_free(&manifest);
    }
    return ok;
}

void manifest_free(struct manifest *manifest) {
    free(manifest->tables);
    *manifest = (struct manifest){.log = 0};
}
