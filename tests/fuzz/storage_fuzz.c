/* Any bytes to everything in storage/ that reads a file, and to every record. The first byte says how the others are
 * dressed up, because no fuzzer guesses a checksum:
 *
 *     0  as they are
 *     1  as a log file: the checksum of each fragment is put right as far as the lengths lead
 *     2  as a record: the checksum at the end is put right under the key of a hard state, and so on
 *     3  as damage done to a good log file: the first bytes are lengths of records, the others what is done to it
 *     e  an entry is drawn from them, made a record and read again
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
#include "storage/floor.h"
#include "storage/identity.h"
#include "storage/log_file.h"
#include "storage/manifest.h"
#include "storage/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "storage_fuzz: %s\n", what);
        abort();
    }
}

/* -- Files -- */

static void check_log_file(const uint8_t *file, size_t size) {
    struct log_file_verdict verdict = log_file_check(file, size);
    require(verdict.whole_bytes <= size, "more whole bytes than bytes");
    struct log_file_verdict again = log_file_check(file, verdict.whole_bytes);
    require(again.state == LOG_FILE_WHOLE && again.whole_bytes == verdict.whole_bytes && again.records == verdict.records,
            "a file cut where its whole records end is not whole");
    require(verdict.without_last <= verdict.whole_bytes, "less is more");
    struct manifest manifest;
    if (manifest_parse(file, size, &manifest)) {
        manifest_free(&manifest);
    }
}

static void check_identity(const uint8_t *file, size_t size) {
    struct storage_identity identity;
    if (identity_parse((const char *)file, size, &identity)) {
        char text[IDENTITY_TEXT_MAX];
        require(identity_format(&identity, text) == size && memcmp(text, file, size) == 0, "an identity has two spellings");
    }
}

static void check_floor(const uint8_t *file, size_t size) {
    struct floor floor;
    if (floor_parse((const char *)file, size, &floor)) {
        char bytes[FLOOR_SIZE];
        floor_format(&floor, bytes);
        require(memcmp(bytes, file, size) == 0, "a floor has two spellings");
        require(floor_check(&floor, &floor, NULL) == STORAGE_OK, "a floor is not its own");
    }
}

static void put_checksum(uint8_t *header, size_t size) {
    uint32_t crc = crc32c_extend(0, header + 6, 1 + size);
    uint32_t masked = ((crc >> 15) | (crc << 17)) + UINT32_C(0xa282ead8);
    for (int i = 0; i < 4; i++) {
        header[i] = (uint8_t)(masked >> (8 * i));
    }
}

static void mend_log_file(uint8_t *file, size_t size) {
    size_t offset = 0;
    while (offset < size && size - offset >= LOG_FILE_HEADER_BYTES) {
        size_t in_block = offset % LOG_FILE_BLOCK_BYTES;
        size_t room = LOG_FILE_BLOCK_BYTES - in_block;
        if (room < LOG_FILE_HEADER_BYTES) {
            offset += room;
            continue;
        }
        size_t length = (size_t)file[offset + 4] | (size_t)file[offset + 5] << 8;
        size_t left = size - offset < room ? size - offset : room;
        if (length > left - LOG_FILE_HEADER_BYTES) {
            return;
        }
        put_checksum(file + offset, length);
        offset += LOG_FILE_HEADER_BYTES + length;
    }
}

/* -- Records -- */

static void check_record(struct record_key key, const char *bytes, size_t size) {
    raft_index index = 0;
    char small[RECORD_SMALL_MAX];
    struct raft_entry entry;
    struct raft_hard_state hard_state;
    struct storage_identity identity;
    struct record_newest_write newest;
    struct raft_entry_id base;
    struct storage_snapshot snapshot;
    bool same = true;
    switch (record_key_kind(key.bytes, key.size, &index)) {
    case RECORD_ENTRY:
        if (record_decode_entry(index, bytes, size, &entry) == RECORD_OK) {
            char *again = memory_alloc(record_entry_size(&entry));
            size_t again_size = record_encode_entry(&entry, again);
            require(again_size == record_entry_size(&entry), "the size of an entry is another");
            same = bytes[0] == 1 || (again_size == size && memcmp(again, bytes, size) == 0); /* 1: written anew as 2. */
            free(again);
        }
        break;
    case RECORD_HARD_STATE:
        same = record_decode_hard_state(bytes, size, &hard_state) != RECORD_OK ||
               (record_encode_hard_state(hard_state, small) == size && memcmp(small, bytes, size) == 0);
        break;
    case RECORD_IDENTITY: /* Bytes after a NUL inside the texts are not kept, so only the length is compared. */
        same =
            record_decode_identity(bytes, size, &identity) != RECORD_OK || record_encode_identity(&identity, small) == size;
        break;
    case RECORD_NEWEST_WRITE:
        same = record_decode_newest_write(bytes, size, &newest) != RECORD_OK ||
               (record_encode_newest_write(newest, small) == size && memcmp(small, bytes, size) == 0);
        break;
    case RECORD_BASE:
        same = record_decode_base(bytes, size, &base) != RECORD_OK ||
               (record_encode_base(base, small) == size && memcmp(small, bytes, size) == 0);
        break;
    case RECORD_SNAPSHOT:
        same = record_decode_snapshot(bytes, size, &snapshot) != RECORD_OK ||
               (record_encode_snapshot(&snapshot, small) == size && memcmp(small, bytes, size) == 0);
        break;
    case RECORD_UNKNOWN:
        break;
    }
    require(same, "a record has two spellings");
}

static void check_records(const uint8_t *data, size_t size, bool is_mended) {
    const struct record_key keys[] = {record_entry_key(1),         record_key(RECORD_HARD_STATE),
                                      record_key(RECORD_IDENTITY), record_key(RECORD_NEWEST_WRITE),
                                      record_key(RECORD_BASE),     record_key(RECORD_SNAPSHOT)};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *bytes = memory_copy(data, size);
        if (is_mended && size >= 4) {
            uint32_t crc = crc32c_extend(crc32c_extend(0, keys[i].bytes, keys[i].size), bytes, size - 4);
            bytes_put_u32(bytes + size - 4, crc);
        }
        check_record(keys[i], bytes, size);
        free(bytes);
    }
}

/* -- Damage -- */

enum { RECORDS = 4 };

struct good_log {
    uint8_t *file;
    size_t size;
    size_t starts[RECORDS + 1]; /* Of each record; then the end. */
};

/* RECORDS records of up to 64 KiB of letters, which no header can be made of. */
static struct good_log make_good_log(const uint8_t *lengths) {
    struct good_log log = {.file = memory_zalloc((RECORDS + 1) * 3 * LOG_FILE_BLOCK_BYTES)};
    for (size_t i = 0; i < RECORDS; i++) {
        size_t left = (size_t)lengths[2 * i] << 8 | lengths[2 * i + 1];
        log.starts[i] = log.size;
        for (bool first = true, last = false; !last; first = false) {
            size_t room = LOG_FILE_BLOCK_BYTES - log.size % LOG_FILE_BLOCK_BYTES;
            if (room < LOG_FILE_HEADER_BYTES) {
                log.size += room;
                room = LOG_FILE_BLOCK_BYTES;
            }
            size_t here = left < room - LOG_FILE_HEADER_BYTES ? left : room - LOG_FILE_HEADER_BYTES;
            uint8_t *header = log.file + log.size;
            last = here == left;
            header[4] = (uint8_t)(here & 0xff);
            header[5] = (uint8_t)(here >> 8);
            header[6] = first ? (last ? LOG_FILE_FULL : LOG_FILE_FIRST) : (last ? LOG_FILE_LAST : LOG_FILE_MIDDLE);
            memset(header + LOG_FILE_HEADER_BYTES, 'x', here);
            put_checksum(header, here);
            left -= here;
            log.size += LOG_FILE_HEADER_BYTES + here;
        }
    }
    log.starts[RECORDS] = log.size;
    return log;
}

/* Overwrites one stretch; what comes before the record that it begins in must stay, and the verdict must not be "whole". */
static void check_damage(const uint8_t *data, size_t size) {
    if (size < 2 * RECORDS + 4) {
        return;
    }
    struct good_log log = make_good_log(data);
    struct log_file_verdict verdict = log_file_check(log.file, log.size);
    require(verdict.state == LOG_FILE_WHOLE && verdict.records == RECORDS, "a good log is not whole");
    const uint8_t *rest = data + 2 * RECORDS;
    size_t at = bytes_get_u32(rest) % log.size;
    size_t count = size - 2 * RECORDS - 4 < log.size - at ? size - 2 * RECORDS - 4 : log.size - at;
    bool is_header_free = true; /* Bytes that look like a type can make a header of their own. */
    for (size_t i = 0; i < count; i++) {
        is_header_free = is_header_free && rest[4 + i] != LOG_FILE_FULL && rest[4 + i] != LOG_FILE_FIRST;
    }
    uint8_t *before = memory_copy(log.file, log.size);
    memcpy(log.file + at, rest + 4, count);
    size_t first_change = 0;
    while (first_change < log.size && before[first_change] == log.file[first_change]) {
        first_change++;
    }
    size_t record = 0;
    while (record < RECORDS && log.starts[record + 1] <= first_change) {
        record++;
    }
    verdict = log_file_check(log.file, log.size);
    require(verdict.records >= record || verdict.state == LOG_FILE_DAMAGED, "an intact record was given up");
    if (record + 1 == RECORDS && is_header_free) {
        require(verdict.state != LOG_FILE_DAMAGED, "a torn end was called damage");
    }
    check_log_file(log.file, log.size);
    free(before);
    free(log.file);
}

/* -- Records that were drawn -- */

enum { DRAWN_HEAD = 24, KEY_MAX = 40 };

/* Numbers of any size: a byte for the bits, one for the place they stand at. */
static uint64_t drawn_number(const uint8_t *two) {
    return ((uint64_t)two[0] << two[1] % 46) & RAFT_NUMBER_MAX;
}

static void check_drawn_entry(const uint8_t *data, size_t size) {
    if (size < DRAWN_HEAD) {
        return;
    }
    static const enum raft_entry_type types[] = {RAFT_COMMAND, RAFT_NOOP, RAFT_CONFIGURATION, RAFT_SESSION};
    char key[KEY_MAX];
    memset(key, 'k', sizeof key);
    key[0] = key[KEY_MAX - 1] = '"';
    struct raft_entry entry = {.id = {1 + drawn_number(data), 1 + drawn_number(data + 2)},
                               .type = types[data[4] & 3],
                               .time_ms = drawn_number(data + 5),
                               .data = (const char *)data + DRAWN_HEAD,
                               .size = (uint32_t)(size - DRAWN_HEAD)};
    if (entry.type == RAFT_COMMAND && (data[7] & 1) != 0) {
        entry.session = 1 + drawn_number(data + 8);
        entry.sequence = 1 + drawn_number(data + 10);
    } else if (entry.type == RAFT_COMMAND && (data[7] & 2) != 0) {
        entry.key = key;
        entry.key_size = KEY_MAX;
    } else if (entry.type == RAFT_SESSION) {
        entry.session = drawn_number(data + 8);
        entry.size = 0;
    }
    size_t record_size = record_entry_size(&entry);
    char *record = memory_alloc(record_size);
    require(record_encode_entry(&entry, record) == record_size, "the size of a record is another");
    struct raft_entry again;
    require(record_decode_entry(entry.id.index, record, record_size, &again) == RECORD_OK, "a good record is refused");
    require(again.id.index == entry.id.index && again.id.term == entry.id.term && again.type == entry.type &&
                again.time_ms == entry.time_ms && again.session == entry.session && again.sequence == entry.sequence,
            "another entry");
    require(again.key_size == entry.key_size && (entry.key_size == 0 || memcmp(again.key, key, KEY_MAX) == 0),
            "another key");
    require(again.size == entry.size && (entry.size == 0 || memcmp(again.data, entry.data, entry.size) == 0),
            "other bytes");
    /* The key says which entry it is, and a flipped bit is seen wherever it is. */
    require(record_decode_entry(entry.id.index + 1, record, record_size, &again) != RECORD_OK, "taken for another entry");
    record[drawn_number(data + 12) % record_size] ^= (char)(1 << (data[14] & 7));
    require(record_decode_entry(entry.id.index, record, record_size, &again) != RECORD_OK, "a flipped bit is not seen");
    free(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    if (data[0] == 'e') {
        check_drawn_entry(data + 1, size - 1);
        return 0;
    }
    uint8_t way = data[0] & 3;
    uint8_t *bytes = memory_copy(data + 1, size - 1);
    size--;
    if (way == 1) {
        mend_log_file(bytes, size);
    }
    if (way == 3) {
        check_damage(bytes, size);
    } else {
        check_log_file(bytes, size);
        check_identity(bytes, size);
        check_floor(bytes, size);
        check_records(bytes, size, way == 2);
    }
    free(bytes);
    return 0;
}
