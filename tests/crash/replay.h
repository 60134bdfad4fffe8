/* Reads a journal (journal.h) and tells, at each of its records, what a loss of power at that moment could have left on the
 * disk. The model is that of storage/README.md, "What a loss of power may leave":
 *
 * - the bytes and the size of a file are sure when a sync of it that began after they were written has ended;
 * - a name (made, renamed, removed) is sure when a sync of its directory has; a sync of the file does nothing for its name;
 * - of what is not sure any part may be there and any part lost, in whatever order it was done: names one by one, a rename
 *   wholly or not at all, bytes sector by sector, one sector cut anywhere, a file longer than its bytes (then zeros). */
#ifndef RAFTD_TESTS_CRASH_REPLAY_H
#define RAFTD_TESTS_CRASH_REPLAY_H

#include "tests/crash/journal.h"

enum { REPLAY_SECTOR_BYTES = 512 };

enum replay_part {
    REPLAY_NOTHING, /* Nothing that is not sure. */
    REPLAY_ALL,     /* As a killed process leaves it. */
    REPLAY_FIRST,   /* All up to some moment, what was under way then torn. */
    REPLAY_ANY      /* Anything. */
};

/* What is left of names and of bytes, and the numbers by which it is drawn. */
struct replay_choice {
    enum replay_part names;
    enum replay_part bytes;
    uint64_t seed;
};

struct replay_file {
    char path[200]; /* Below the directory. */
    bool is_directory;
    unsigned char *bytes; /* Owned. */
    size_t size;
};

struct replay_image {
    struct replay_file *files; /* A directory before what is in it. */
    size_t count;
    size_t capacity;
    uint64_t hash; /* Of all that. */
};

struct replay;

struct replay *replay_open(const char *path); /* NULL: errno */
void replay_close(struct replay *replay);
/* Performs the next record and tells which it was; NULL at the end. Its path, other path and bytes follow it. */
const struct journal_record *replay_step(struct replay *replay);
size_t replay_position(const struct replay *replay); /* Records performed. */
/* "write log.db/000003.log 4096+120", for people; valid until the next call. */
const char *replay_describe(const struct replay *replay);

struct replay_image replay_leave(const struct replay *replay, const struct replay_choice *choice);
void replay_image_free(struct replay_image *image);
/* Puts it into a directory, which is made and must not be there. False: errno. */
bool replay_image_put(const struct replay_image *image, const char *directory);

uint64_t replay_hash(uint64_t hash, const void *bytes, size_t size); /* Begins with 0. */

#endif
