/* LevelDB's own log format, as its .log and MANIFEST files have it, read by us: LevelDB opens a log that ends too early
 * without a word.
 *
 *     file     := block*                      a block is 32 KiB, the last one may be shorter
 *     block    := fragment* trailer           the trailer, of up to 6 bytes, is where no header fits any more
 *     fragment := checksum (4) size (2) type (1) bytes (size)       numbers little-endian
 *     record   := FULL | FIRST MIDDLE* LAST
 *
 * The checksum is CRC-32C over type and bytes, turned and shifted so that a checksum of a checksum does not come out.
 *
 * Each record of a .log is one synced batch, and a batch is begun only after the one before is on disk. So after a loss of
 * power at most the last record is not as it was written: some of its bytes missing, zero or old. A bad spot with the
 * intact beginning of another record behind it was on disk once and is damage. */
#ifndef RAFTD_LOG_FILE_H
#define RAFTD_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>

enum { LOG_FILE_BLOCK_BYTES = 32768, LOG_FILE_HEADER_BYTES = 7 };

enum log_file_type { LOG_FILE_FULL = 1, LOG_FILE_FIRST = 2, LOG_FILE_MIDDLE = 3, LOG_FILE_LAST = 4 };

struct log_file_fragment {
    enum log_file_type type;
    const uint8_t *bytes; /* Inside the file's. */
    size_t size;
    size_t offset; /* Of its header in the file. */
};

enum log_file_step { LOG_FILE_FRAGMENT, LOG_FILE_END, LOG_FILE_BAD };

/* The fragment at *offset or, past a trailer, at the next block. Moves *offset behind it; on LOG_FILE_BAD to the bad
 * header. */
enum log_file_step log_file_next(const uint8_t *file, size_t size, size_t *offset, struct log_file_fragment *out_fragment);

enum log_file_state {
    LOG_FILE_WHOLE,  /* Every record is as it was written. */
    LOG_FILE_TORN,   /* All but the last, which was being written when the power went. */
    LOG_FILE_DAMAGED /* Something that was once on disk is not as it was written. */
};

struct log_file_verdict {
    enum log_file_state state;
    size_t whole_bytes;  /* Where the last of the intact records from the beginning ends: a torn file is cut here. */
    size_t without_last; /* Where the one before that ends; 0: there is none. */
    size_t records;      /* How many they are. */
};

struct log_file_verdict log_file_check(const uint8_t *file, size_t size);

#endif
