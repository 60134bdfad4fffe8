#include "storage/recovery.h"

#include "storage/failure.h"
#include "storage/file.h"
#include "storage/log_file.h"
#include "storage/manifest.h"

#include "server/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 64, CURRENT_MAX_BYTES = 64 };

/* No log or MANIFEST comes near: a log holds the write buffer and one batch more. */
static const size_t file_max_bytes = (size_t)1 << 32;

struct recovery {
    const struct directory *directory;
    int descriptor; /* Of LevelDB's directory. */
    void (*log)(void *context, const char *line);
    void *log_context;
    struct storage_message *message;
    uint64_t *logs; /* The numbers of the .log files in use. */
    size_t log_count;
    size_t log_capacity;
};

static enum storage_error damaged(const struct recovery *recovery, const char *name, const char *what) {
    return failure_tell(recovery->message, STORAGE_DAMAGED, "%.100s/%s %s" FAILURE_CURE, recovery->directory->database_path,
                        name, what);
}

static enum storage_error read_whole(const struct recovery *recovery, const char *name, size_t max_bytes, char **out_bytes,
                                     size_t *out_size) {
    if (file_read(recovery->descriptor, name, max_bytes, out_bytes, out_size)) {
        return STORAGE_OK;
    }
    if (errno == ENOENT) {
        return damaged(recovery, name, "is missing");
    }
    if (errno == EFBIG) {
        return damaged(recovery, name, "is larger than it can be");
    }
    return failure_tell(recovery->message, STORAGE_FAILED, "cannot read %.200s/%s: %s", recovery->directory->database_path,
                        name, strerror(errno));
}

/* The name in CURRENT: one line that says MANIFEST-number. */
static enum storage_error read_current(const struct recovery *recovery, char out_name[NAME_MAX_BYTES]) {
    char *bytes = NULL;
    size_t size = 0;
    enum storage_error error = read_whole(recovery, "CURRENT", CURRENT_MAX_BYTES - 1, &bytes, &size);
    if (error != STORAGE_OK) {
        return error;
    }
    char *text = memory_text(bytes, size);
    uint64_t number = 0;
    char again[CURRENT_MAX_BYTES];
    bool ok = sscanf(text, "MANIFEST-%20" SCNu64, &number) == 1;
    snprintf(again, sizeof again, "MANIFEST-%06" PRIu64 "\n", number);
    if (ok && size == strlen(again) && memcmp(bytes, again, size) == 0) {
        snprintf(out_name, NAME_MAX_BYTES, "MANIFEST-%06" PRIu64, number);
    } else {
        error = damaged(recovery, "CURRENT", "is not as it was written");
    }
    free(text);
    free(bytes);
    return error;
}

static enum storage_error read_manifest(const struct recovery *recovery, struct manifest *out_manifest) {
    char name[NAME_MAX_BYTES] = "";
    char *bytes = NULL;
    size_t size = 0;
    enum storage_error error = read_current(recovery, name);
    if (error == STORAGE_OK) {
        error = read_whole(recovery, name, file_max_bytes, &bytes, &size);
    }
    if (error != STORAGE_OK) {
        return error;
    }
    /* A torn end is LevelDB's to judge: the files that an unfinished record speaks of are still there, or it refuses. */
    if (log_file_check((const uint8_t *)bytes, size).state == LOG_FILE_DAMAGED ||
        !manifest_parse((const uint8_t *)bytes, size, out_manifest) || out_manifest->log == 0) {
        error = damaged(recovery, name, "is not as it was written");
    }
    free(bytes);
    return error;
}

static void name_log(uint64_t number, char out_name[NAME_MAX_BYTES]) {
    snprintf(out_name, NAME_MAX_BYTES, "%06" PRIu64 ".log", number);
}

/* Notes `name` when it is a .log in use. */
static void note_log(struct recovery *recovery, const struct manifest *manifest, const char *name) {
    uint64_t number = 0;
    char again[NAME_MAX_BYTES];
    if (sscanf(name, "%20" SCNu64 ".log", &number) != 1) {
        return;
    }
    name_log(number, again);
    bool in_use = number >= manifest->log || (number == manifest->previous_log && number != 0);
    if (strcmp(name, again) == 0 && in_use) {
        recovery->logs =
            memory_grow(recovery->logs, &recovery->log_capacity, recovery->log_count + 1, sizeof *recovery->logs);
        recovery->logs[recovery->log_count++] = number;
    }
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static enum storage_error find_logs(struct recovery *recovery, const struct manifest *manifest) {
    int descriptor = openat(recovery->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (stream == NULL) {
        int error = errno;
        if (descriptor >= 0) {
            close(descriptor);
        }
        return failure_tell(recovery->message, STORAGE_FAILED, "cannot read %.200s: %s", recovery->directory->database_path,
                            strerror(error));
    }
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        note_log(recovery, manifest, entry->d_name);
    }
    closedir(stream);
    bool found = false;
    for (size_t i = 0; i < recovery->log_count; i++) {
        found = found || recovery->logs[i] == manifest->log;
    }
    if (!found) {
        char name[NAME_MAX_BYTES];
        name_log(manifest->log, name);
        return damaged(recovery, name, "is missing");
    }
    qsort(recovery->logs, recovery->log_count, sizeof *recovery->logs, compare_numbers);
    return STORAGE_OK;
}

/* Ends the file after `whole_bytes`, on disk. */
static enum storage_error cut(const struct recovery *recovery, const char *name, size_t whole_bytes, size_t size) {
    int descriptor = openat(recovery->descriptor, name, O_WRONLY | O_CLOEXEC);
    bool ok = descriptor >= 0 && ftruncate(descriptor, (off_t)whole_bytes) == 0 && fsync(descriptor) == 0;
    int error = errno;
    if (descriptor >= 0) {
        close(descriptor);
    }
    if (!ok) {
        return failure_tell(recovery->message, STORAGE_FAILED, "cannot cut the unfinished write off %.200s/%s: %s",
                            recovery->directory->database_path, name, strerror(error));
    }
    if (recovery->log != NULL) {
        char line[512];
        snprintf(line, sizeof line,
                 "cut %zu bytes off the end of %.200s/%s: a write that was under way when the process or the power ended, "
                 "never acknowledged",
                 size - whole_bytes, recovery->directory->database_path, name);
        recovery->log(recovery->log_context, line);
    }
    return STORAGE_OK;
}

/* Only the newest log may end in a torn record: LevelDB begins a new one after the last batch of the old one was synced. */
static enum storage_error check_log(const struct recovery *recovery, uint64_t number, bool is_newest) {
    char name[NAME_MAX_BYTES];
    char *bytes = NULL;
    size_t size = 0;
    name_log(number, name);
    enum storage_error error = read_whole(recovery, name, file_max_bytes, &bytes, &size);
    if (error != STORAGE_OK) {
        return error;
    }
    struct log_file_verdict verdict = log_file_check((const uint8_t *)bytes, size);
    free(bytes);
    if (verdict.state == LOG_FILE_WHOLE) {
        return STORAGE_OK;
    }
    if (verdict.state == LOG_FILE_TORN && is_newest) {
        return cut(recovery, name, verdict.whole_bytes, size);
    }
    char what[128];
    snprintf(what, sizeof what, "is not as it was written, after %zu of its %zu bytes", verdict.whole_bytes, size);
    return damaged(recovery, name, what);
}

enum storage_error recovery_prepare(const struct directory *directory, void (*log)(void *context, const char *line),
                                    void *log_context, struct storage_message *out_message) {
    struct recovery recovery = {.directory = directory,
                                .descriptor =
                                    openat(directory->descriptor, DIRECTORY_DATABASE, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                .log = log,
                                .log_context = log_context,
                                .message = out_message};
    if (recovery.descriptor < 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? failure_tell(out_message, STORAGE_DAMAGED, "%.100s is missing" FAILURE_CURE, directory->database_path)
                   : failure_tell(out_message, STORAGE_FAILED, "cannot open %.200s: %s", directory->database_path,
                                  strerror(errno));
    }
    struct manifest manifest = {.log = 0};
    enum storage_error error = read_manifest(&recovery, &manifest);
    if (error == STORAGE_OK) {
        error = find_logs(&recovery, &manifest);
    }
    for (size_t i = 0; error == STORAGE_OK && i < recovery.log_count; i++) {
        error = check_log(&recovery, recovery.logs[i], i + 1 == recovery.log_count);
    }
    free(recovery.logs);
    close(recovery.descriptor);
    return error;
}
