/* What a process changes below one directory, written down call by call while it runs, for replay.h to tell what a loss of
 * power could have left at each. The journal is a file elsewhere; others may add marks of their own to it (append one
 * record by one write).
 *
 * Calls are written down in the order in which they were made; a sync by its begin and its end, because what was written
 * between is not promised. Only calls that succeeded, by what they did. */
#ifndef RAFTD_TESTS_CRASH_JOURNAL_H
#define RAFTD_TESTS_CRASH_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum journal_kind {
    JOURNAL_ROOT = 1,   /* inode of the directory; the first record, what lies there already comes next */
    JOURNAL_READY,      /* that was all */
    JOURNAL_CREATE,     /* path, inode: a new file */
    JOURNAL_MKDIR,      /* path, inode */
    JOURNAL_RENAME,     /* path, other path */
    JOURNAL_UNLINK,     /* path: of a file or an empty directory */
    JOURNAL_WRITE,      /* inode, offset, bytes */
    JOURNAL_SIZE,       /* inode, offset: the new size */
    JOURNAL_SYNC_BEGIN, /* inode, offset: number of the sync */
    JOURNAL_SYNC_END,   /* the same */
    JOURNAL_MARK        /* bytes: what somebody wants to be told at this point */
};

enum { JOURNAL_ALIGNMENT = 8 };

/* Then the path, the other path, the bytes, and zeros up to a multiple of 8. Numbers as the machine has them. */
struct journal_record {
    uint32_t size; /* Of the whole record. */
    uint32_t kind;
    uint64_t inode;
    uint64_t offset;
    uint16_t path_size;
    uint16_t other_size;
    uint32_t byte_count;
};

/* `below` is an absolute path without links; what is there already is written down as sure, unless the journal
 * has a beginning already, which is gone on with. False: errno. */
bool journal_begin(const char *below, const char *path);
void journal_end(void);
void journal_mark(const void *bytes, size_t size);

/* -- For calls.c -- */

bool journal_is_on(void);
/* The part of an absolute path below the directory that is watched, "" for the directory itself; NULL: elsewhere, or
 * nothing is watched. */
const char *journal_path(const char *absolute);
/* Around a call that changes something, and its record. */
void journal_lock(void);
void journal_unlock(void);
void journal_add(enum journal_kind kind, const char *path, const char *other, uint64_t inode, uint64_t offset,
                 const void *bytes, size_t size);
uint64_t journal_next_sync(void);

#endif
