#include "tests/crash/watch.h"

#include "tests/crash/fate.h"
#include "tests/crash/journal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Thread_local bool watch_is_inside;

void *watch_next(_Atomic(void *) *found, const char *name) {
    void *function = atomic_load(found);
    if (function == NULL) {
        function = dlsym(RTLD_NEXT, name);
        if (function == NULL) {
            abort();
        }
        atomic_store(found, function);
    }
    return function;
}

bool watch_is_of_no_account(const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    return strcmp(name, "LOG") == 0 || strcmp(name, "LOG.old") == 0;
}

static bool is_on(void) {
    return fate_is_open() || journal_is_on();
}

static bool is_watched(const char *absolute) {
    return (fate_is_open() || journal_path(absolute) != NULL) && !watch_is_of_no_account(absolute);
}

static bool path_of(int descriptor, char out_path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, out_path, PATH_MAX - 1);
    if (size <= 0 || out_path[0] != '/') {
        return false;
    }
    out_path[size] = '\0';
    char *removed = strstr(out_path, " (deleted)");
    if (removed != NULL) {
        *removed = '\0';
    }
    return true;
}

bool watch_path_at(int directory, const char *name, char out_path[PATH_MAX]) {
    char parent[PATH_MAX] = "";
    if (name[0] != '/' && !(directory == AT_FDCWD ? getcwd(parent, sizeof parent) != NULL : path_of(directory, parent))) {
        return false;
    }
    bool is_itself = strcmp(name, ".") == 0;
    int size =
        snprintf(out_path, PATH_MAX, "%s%s%s", parent, parent[0] == '\0' || is_itself ? "" : "/", is_itself ? "" : name);
    return size < PATH_MAX;
}

bool watch_file(int descriptor, char out_path[PATH_MAX]) {
    int error = errno;
    bool is = is_on() && !watch_is_inside && path_of(descriptor, out_path) && is_watched(out_path);
    errno = error;
    return is;
}

bool watch_name(int directory, const char *name, char out_path[PATH_MAX]) {
    int error = errno;
    bool is = is_on() && !watch_is_inside && watch_path_at(directory, name, out_path) && is_watched(out_path);
    errno = error;
    return is;
}
