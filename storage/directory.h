/* The data directory: opened, locked, and looked at as a whole before anything in it is believed. */
#ifndef RAFTD_DIRECTORY_H
#define RAFTD_DIRECTORY_H

#include "storage/storage.h"

#define DIRECTORY_LOCK "lock" /* Locked by the process that uses the directory. */
#define DIRECTORY_CREATING                                                                                                 \
    "creating"                       /* There while a store is being made, from before the first file to after the last.   \
                                      */
#define DIRECTORY_DATABASE  "log.db" /* LevelDB's directory. */
#define DIRECTORY_SNAPSHOTS "snapshots" /* Of snapshot files. */

struct directory {
    int descriptor;
    int lock;
    char *path;          /* Owned; as given. */
    char *database_path; /* Owned; of DIRECTORY_DATABASE in it. */
};

enum directory_contents {
    DIRECTORY_EMPTY,     /* A store may be made here. */
    DIRECTORY_HALF_MADE, /* A store was being made and the process ended before it could promise anything: make it anew. */
    DIRECTORY_STORE,     /* There is an identity: whatever else is there or not, it is to be opened, never made. */
    DIRECTORY_BEHEADED,  /* A store without its identity. */
    DIRECTORY_FOREIGN    /* Something else; *out_name says what, for instance. */
};

/* Makes the directory when its parent is there, opens and locks it. STORAGE_UNUSABLE, STORAGE_LOCKED or STORAGE_FAILED. */
enum storage_error directory_open(const char *path, struct directory **out_directory, struct storage_message *out_message);
void directory_close(struct directory *directory); /* NULL is a no-op. Gives the lock back. */

/* `out_name` takes up to 255 bytes and a NUL; it is set for DIRECTORY_FOREIGN only. False with errno. */
bool directory_look(const struct directory *directory, enum directory_contents *out_contents, char out_name[256]);

/* Bytes of the files in the directory, the ballast not counted, in LevelDB's and in that of the snapshots. */
uint64_t directory_size_bytes(const struct directory *directory);

/* Fsyncs LevelDB's directory: the names of its files survive a loss of power from now on. False with errno. */
bool directory_sync_database(const struct directory *directory);

#endif
