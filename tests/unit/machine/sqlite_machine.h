/* The example machine of SQLite, loaded as raftd loads it. It lies beside the tests: BUILD/machines/sqlite.so. */
#ifndef RAFTD_TESTS_SQLITE_MACHINE_H
#define RAFTD_TESTS_SQLITE_MACHINE_H

#include "server/machine/machine_library.h"

#include "tests/unit/machine/driver.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static inline const char *sqlite_path(void) {
    static char path[PATH_MAX + 64];
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    self[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(self, '/');
    snprintf(path, sizeof path, "%.*s/../../../machines/sqlite.so", slash != NULL ? (int)(slash - self) : 0, self);
    return path;
}

/* Where it could not be built there is nothing to test. */
static inline bool sqlite_there(void) {
    bool there = access(sqlite_path(), R_OK) == 0;
    if (!there) {
        puts("the example machine sqlite was left out, and so are its tests");
    }
    return there;
}

static inline struct driver sqlite_driver(void) {
    struct machine_library_message message = {.text = ""};
    const struct machine *machine = machine_library_open(sqlite_path(), &message);
    ck_assert_msg(machine != NULL, "%s", message.text);
    return driver_create(machine);
}

/* Applies a command, which the door must not refuse; answers what came of it, or why it did not. */
static inline const char *sqlite_apply(struct driver *driver, const char *command, enum machine_verdict wanted) {
    struct json_span span = driver_scan(command);
    driver->result.size = 0;
    ck_assert_msg(driver->machine->check(span.data, span.size, bytes_output(&driver->why)) == MACHINE_DONE, "%.200s: %s",
                  command, driver->why.data);
    enum machine_verdict verdict =
        driver->machine->apply(driver->state, ++driver->index, span.data, span.size, bytes_output(&driver->result));
    ck_assert_msg(verdict == wanted, "%.300s: %s", command, driver->result.data);
    return driver->result.data;
}

static inline const char *sqlite_done(struct driver *driver, const char *command) {
    return sqlite_apply(driver, command, MACHINE_DONE);
}

static inline const char *sqlite_refused(struct driver *driver, const char *command) {
    return sqlite_apply(driver, command, MACHINE_REFUSED);
}

#endif
