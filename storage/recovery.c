#include "storage/recovery.h"

#include "storage/database_files.h"
#include "storage/failure.h"
#include "storage/log_file.h"
#include "storage/manifest_choice.h"

#include "server/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The numbers of the .log files in use. */
struct logs {
    const struct manifest *manifest;
    uint64_t *numbers;
    size_t count;
    size_t capacity;
};

static void name_log(uint64_t number, char out_name[DATABASE_FILES_NAME_MAX]) {
    snprintf(out_name, DATABASE_FILES_NAME_MAX, "%06" PRIu64 ".log", number);
}

/* Notes `name` when it is a .log in use. */
static void note_log(void *context, const char *name) {
    struct logs *logs = context;
    uint64_t number = 0;
    char again[DATABASE_FILES_NAME_MAX];
    if (sscanf(name, "%20" SCNu64 ".log", &number) != 1) {
        return;
    }
    name_log(number, again);
    bool in_use = number >= logs->manifest->log || (number == logs->manifest->previous_log && number != 0);
    if (strcmp(name, again) == 0 && in_use) {
        logs->numbers = memory_grow(logs->numbers, &logs->capacity, logs->count + 1, sizeof *logs->numbers);
        logs->numbers[logs->count++] = number;
    }
}

static int compare_numbers(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static enum storage_error find_logs(const struct database_files *files, struct logs *logs) {
    enum storage_error error = database_files_for_each(files, note_log, logs);
    if (error != STORAGE_OK) {
        return error;
    }
    bool found = false;
    for (size_t i = 0; i < logs->count; i++) {
        found = found || logs->numbers[i] == logs->manifest->log;
    }
    if (!found) {
        char name[DATABASE_FILES_NAME_MAX];
        name_log(logs->manifest->log, name);
        return database_files_damaged(files, name, "is missing");
    }
    qsort(logs->numbers, logs->count, sizeof *logs->numbers, compare_numbers);
    return STORAGE_OK;
}

/* Only the newest log may end in a torn record: LevelDB begins a new one after the last batch of the old one was synced. */
static enum storage_error check_log(const struct database_files *files, uint64_t number, bool is_newest) {
    char name[DATABASE_FILES_NAME_MAX];
    char *bytes = NULL;
    size_t size = 0;
    name_log(number, name);
    enum storage_error error = database_files_read(files, name, &bytes, &size);
    if (error != STORAGE_OK) {
        return error;
    }
    struct log_file_verdict verdict = log_file_check((const uint8_t *)bytes, size);
    free(bytes);
    if (verdict.state == LOG_FILE_WHOLE) {
        /* A process that was killed may have left its last batch not synced; LevelDB is about to begin a newer log. */
        return is_newest ? database_files_sync(files, name) : STORAGE_OK;
    }
    if (verdict.state == LOG_FILE_TORN && is_newest) {
        return database_files_cut(files, name, verdict.whole_bytes, size);
    }
    char what[128];
    snprintf(what, sizeof what, "is not as it was written, after %zu of its %zu bytes", verdict.whole_bytes, size);
    return database_files_damaged(files, name, what);
}

enum storage_error recovery_prepare(const struct directory *directory, void (*log)(void *context, const char *line),
                                    void *log_context, struct storage_message *out_message) {
    struct database_files files = {
        .directory = directory,
        .descriptor = openat(directory->descriptor, DIRECTORY_DATABASE, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
        .log = log,
        .log_context = log_context,
        .message = out_message};
    if (files.descriptor < 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? failure_tell(out_message, STORAGE_DAMAGED, "%.100s is missing" FAILURE_CURE, directory->database_path)
                   : failure_tell(out_message, STORAGE_FAILED, "cannot open %.200s: %s", directory->database_path,
                                  strerror(errno));
    }
    struct manifest manifest = {.log = 0};
    struct logs logs = {.manifest = &manifest};
    enum storage_error error = manifest_choose(&files, &manifest);
    if (error == STORAGE_OK) {
        error = find_logs(&files, &logs);
    }
    for (size_t i = 0; error == STORAGE_OK && i < logs.count; i++) {
        error = check_log(&files, logs.numbers[i], i + 1 == logs.count);
    }
    manifest_free(&manifest);
    free(logs.numbers);
    close(files.descriptor);
    return error;
}
