#include "server/machine_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MARK_NAME      "machine"
#define MARK_TEMPORARY "machine.new"

enum { LINE_SIZE = 128 };

/* The name; "" when there is none. */
static void read_mark(int directory, char out_name[LINE_SIZE]) {
    int file = openat(directory, MARK_NAME, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? 0 : read(file, out_name, LINE_SIZE - 1);
    if (file >= 0) {
        close(file);
    }
    out_name[size < 0 ? 0 : size] = '\0';
    out_name[strcspn(out_name, "\n")] = '\0';
}

/* Whole or not at all. */
static bool write_mark(int directory, const char *machine) {
    char line[LINE_SIZE];
    size_t size = (size_t)snprintf(line, sizeof line, "%.100s\n", machine);
    int file = openat(directory, MARK_TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    errno = file < 0 ? errno : ENOSPC; /* Of a write that is cut short. */
    bool ok = file >= 0 && write(file, line, size) == (ssize_t)size && fsync(file) == 0;
    int error = errno;
    if (file >= 0) {
        close(file);
    }
    errno = error;
    return ok && renameat(directory, MARK_TEMPORARY, directory, MARK_NAME) == 0 && fsync(directory) == 0;
}

bool machine_mark_check(const char *storage_directory, bool has_log, const char *machine,
                        const struct diagnostics *diagnostics, struct storage_message *out_message) {
    if (storage_directory == NULL) {
        return true;
    }
    char marked[LINE_SIZE];
    int directory = open(storage_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    read_mark(directory, marked);
    bool is_other = marked[0] != '\0' && strncmp(marked, machine, 100) != 0;
    if ((marked[0] == '\0' || (is_other && !has_log)) && !write_mark(directory, machine)) {
        diagnostics_write(diagnostics, DIAGNOSTICS_WARNING, "raftd", "%s/" MARK_NAME " cannot be written: %s",
                          storage_directory, strerror(errno));
    }
    if (directory >= 0) {
        close(directory);
    }
    if (is_other && has_log) {
        snprintf(out_message->text, sizeof out_message->text,
                 "the log in %.200s is of the state machine %.100s, and this node runs --machine %.100s: name that one, or "
                 "another --data-dir",
                 storage_directory, marked, machine);
        return false;
    }
    return true;
}
