/* Makes one system call fail, on purpose: the n-th of those that concern files below a directory. For Check programs (files
 * named tests/crash/..._test.c or tests/unit/ROOM/..._inject_test.c are linked with it) and, preloaded, for raftd
 * (calls.c).
 *
 *     for (uint64_t at = 1;; at++) {
 *         inject_begin(&(struct inject){.below = fixture.base, .calls = INJECT_WRITING, .at = at, .error = EIO});
 *         enum storage_error error = storage_write(...);
 *         struct inject_report report = inject_end();
 *         if (!report.hit) {
 *             break;                               // The work has fewer calls than `at`.
 *         }
 *         ck_assert_msg(..., "%s", report.what);   // "fdatasync log.db/000003.log"
 *     }
 *
 * The call that fails is not made: nothing of it happens. Of LevelDB's file LOG, which it writes for people, no call
 * counts. */
#ifndef RAFTD_TESTS_CRASH_INJECT_H
#define RAFTD_TESTS_CRASH_INJECT_H

#include <stdbool.h>
#include <stdint.h>

enum inject_call {
    INJECT_OPEN = 1 << 0,  /* open, openat: of files, whatever for */
    INJECT_WRITE = 1 << 1, /* write, pwrite */
    INJECT_SYNC = 1 << 2,  /* fsync, fdatasync, of files and directories */
    INJECT_RANGE = 1 << 3, /* sync_file_range */
    INJECT_SIZE = 1 << 4,  /* ftruncate, posix_fallocate */
    INJECT_RENAME = 1 << 5,
    INJECT_UNLINK = 1 << 6, /* unlink, unlinkat, rmdir */
    INJECT_MKDIR = 1 << 7,
    INJECT_READ = 1 << 8,   /* read, pread */
    INJECT_LOOK = 1 << 9,   /* stat, fstat, fstatat */
    INJECT_SPACE = 1 << 10, /* fstatvfs */
    INJECT_LIST = 1 << 11,  /* opendir, fdopendir, readdir, and open, openat of a directory */
    INJECT_LOCK = 1 << 12,  /* flock */

    INJECT_WRITING = INJECT_OPEN | INJECT_WRITE | INJECT_SYNC | INJECT_RANGE | INJECT_SIZE | INJECT_RENAME | INJECT_UNLINK |
                     INJECT_MKDIR,
    INJECT_READING = INJECT_OPEN | INJECT_READ | INJECT_LOOK | INJECT_SPACE | INJECT_LIST | INJECT_LOCK,
    INJECT_ALL = INJECT_WRITING | INJECT_READING
};

/* Instead of an errno: the write is done by half and says so, which is no failure; a read ends early by half. Calls other
 * than of INJECT_WRITE and INJECT_READ, and those of one byte, are done as they are. */
enum { INJECT_SHORT = -1 };

struct inject {
    const char *below; /* A directory that exists, or is yet to be made in one that does; borrowed for the call. */
    unsigned calls;    /* Which count; 0: INJECT_ALL. */
    uint64_t at;       /* The number of the call that fails, from 1; 0: none, they are only counted. */
    int error;         /* Its errno (posix_fallocate answers it), or INJECT_SHORT. */
    bool stays;        /* All later calls that count fail as well. */
    bool this_thread;  /* Only the calls of the thread that begins: LevelDB's own thread is left alone, and what counts is
                          the  same each time. */
    void (*hit)(const char *what); /* Called when the first fails; not to make calls that count. NULL: nobody asks. */
};

struct inject_report {
    uint64_t count; /* Calls that counted. */
    bool hit;       /* One failed. */
    char what[200]; /* The first that did: its name and its file. */
};

/* What fstatvfs answers below every directory from now on; total 0: the truth. */
void inject_space(uint64_t total_bytes, uint64_t free_bytes);

void inject_begin(const struct inject *inject);
struct inject_report inject_end(void);    /* No call fails any more; again: the same answer. */
struct inject_report inject_report(void); /* Until now. */

#endif
