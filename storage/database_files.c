#include "storage/database_files.h"

#include "storage/failure.h"
#include "storage/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No log or MANIFEST comes near: a log holds the write buffer and one batch more. */
static const size_t file_max_bytes = (size_t)1 << 32;

enum storage_error database_files_damaged(const struct database_files *files, const char *name, const char *what) {
    return failure_tell(files->message, STORAGE_DAMAGED, "%.100s/%s %s" FAILURE_CURE, files->directory->database_path, name,
                        what);
}

enum storage_error database_files_failed(const struct database_files *files, const char *what, const char *name) {
    return failure_tell(files->message, STORAGE_FAILED, "cannot %s %.200s/%s: %s", what, files->directory->database_path,
                        name, strerror(errno));
}

void database_files_tell(const struct database_files *files, const char *format, ...) {
    char line[512];
    va_list arguments;
    if (files->log != NULL) {
        va_start(arguments, format);
        vsnprintf(line, sizeof line, format, arguments);
        va_end(arguments);
        files->log(files->log_context, line);
    }
}

enum storage_error database_files_read(const struct database_files *files, const char *name, char **out_bytes,
                                       size_t *out_size) {
    if (file_read(files->descriptor, name, file_max_bytes, out_bytes, out_size)) {
        return STORAGE_OK;
    }
    if (errno == ENOENT) {
        return database_files_damaged(files, name, "is missing");
    }
    if (errno == EFBIG) {
        return database_files_damaged(files, name, "is larger than it can be");
    }
    return database_files_failed(files, "read", name);
}

enum storage_error database_files_for_each(const struct database_files *files,
                                           void (*each)(void *context, const char *name), void *context) {
    int descriptor = openat(files->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (stream == NULL) {
        enum storage_error error = database_files_failed(files, "read", "");
        if (descriptor >= 0) {
            close(descriptor);
        }
        return error;
    }
    errno = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        each(context, entry->d_name);
        errno = 0;
    }
    enum storage_error error = errno == 0 ? STORAGE_OK : database_files_failed(files, "read", "");
    closedir(stream);
    return error;
}

enum storage_error database_files_is_there(const struct database_files *files, const char *name, bool *out_is_there) {
    struct stat status;
    *out_is_there = fstatat(files->descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    return *out_is_there || errno == ENOENT ? STORAGE_OK : database_files_failed(files, "look at", name);
}

enum storage_error database_files_cut(const struct database_files *files, const char *name, size_t end, size_t size) {
    if (end == size) {
        return STORAGE_OK;
    }
    int descriptor = openat(files->descriptor, name, O_WRONLY | O_CLOEXEC);
    bool ok = descriptor >= 0 && ftruncate(descriptor, (off_t)end) == 0 && fsync(descriptor) == 0;
    enum storage_error error = ok ? STORAGE_OK : database_files_failed(files, "cut the unfinished write off", name);
    if (descriptor >= 0) {
        close(descriptor);
    }
    if (ok) {
        database_files_tell(files,
                            "cut %zu bytes off the end of %.200s/%s: a write that was under way when the process or the "
                            "power ended, never acknowledged",
                            size - end, files->directory->database_path, name);
    }
    return error;
}

enum storage_error database_files_sync(const struct database_files *files, const char *name) {
    int descriptor = openat(files->descriptor, name, O_RDONLY | O_CLOEXEC);
    bool ok = descriptor >= 0 && fsync(descriptor) == 0;
    enum storage_error error = ok ? STORAGE_OK : database_files_failed(files, "sync", name);
    if (descriptor >= 0) {
        close(descriptor);
    }
    return error;
}
