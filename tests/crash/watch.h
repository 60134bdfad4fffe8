/* What calls.c and looks.c share: the C library's own functions, and which files are of interest. */
#ifndef RAFTD_TESTS_CRASH_WATCH_H
#define RAFTD_TESTS_CRASH_WATCH_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

extern _Thread_local bool watch_is_inside; /* This thread is in these files: its calls are nobody's business. */

/* Defines `real`, the C library's function of that name. */
#define WATCH_REAL(name)                                                                                                   \
    static _Atomic(void *) name##_found;                                                                                   \
    __typeof__(&(name)) real;                                                                                              \
    *(void **)&real = watch_next(&name##_found, #name)

void *watch_next(_Atomic(void *) *found, const char *name);

/* Is a call on that file to fail or to be written down, perhaps? With its absolute path. errno is left as it is. */
bool watch_file(int descriptor, char out_path[PATH_MAX]);
bool watch_name(int directory, const char *name, char out_path[PATH_MAX]);

/* LevelDB's file for people. */
bool watch_is_of_no_account(const char *path);
bool watch_path_at(int directory, const char *name, char out_path[PATH_MAX]);

#endif
