/* LevelDB's directory before LevelDB opens it: reading its files, and putting right what a loss of power has left. Private
 * to recovery.c and manifest_choice.c. */
#ifndef RAFTD_DATABASE_FILES_H
#define RAFTD_DATABASE_FILES_H

#include "storage/directory.h"

enum { DATABASE_FILES_NAME_MAX = 64 };

struct database_files {
    const struct directory *directory;
    int descriptor; /* Of LevelDB's directory. */
    void (*log)(void *context, const char *line);
    void *log_context;
    struct storage_message *message;
};

enum storage_error database_files_damaged(const struct database_files *files, const char *name, const char *what);
/* A system call has failed: errno. */
enum storage_error database_files_failed(const struct database_files *files, const char *what, const char *name);
/* Tells the log what was put right. */
void database_files_tell(const struct database_files *files, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The whole file, for the caller to free. One that is missing, or larger than LevelDB makes any, is damage. */
enum storage_error database_files_read(const struct database_files *files, const char *name, char **out_bytes,
                                       size_t *out_size);
enum storage_error database_files_for_each(const struct database_files *files,
                                           void (*each)(void *context, const char *name), void *context);
enum storage_error database_files_is_there(const struct database_files *files, const char *name, bool *out_is_there);
/* Ends the file after `end` of its `size` bytes, on disk, and tells the log, when it is longer. */
enum storage_error database_files_cut(const struct database_files *files, const char *name, size_t end, size_t size);
/* What was read of it stays, whatever happens. */
enum storage_error database_files_sync(const struct database_files *files, const char *name);

#endif
