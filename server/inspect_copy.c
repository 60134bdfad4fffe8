#include "server/inspect_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, BLOCK_SIZE = 65536 };

static enum storage_error fail(enum storage_error error, struct storage_message *out_message, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum storage_error fail(enum storage_error error, struct storage_message *out_message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_message->text, sizeof out_message->text, format, arguments);
    va_end(arguments);
    return error;
}

static bool ends_with(const char *name, const char *end) {
    size_t size = strlen(name);
    return size >= strlen(end) && strcmp(name + size - strlen(end), end) == 0;
}

/* -- One file -- */

static bool copy_bytes(int from, int to) {
    static char block[BLOCK_SIZE];
    ssize_t got;
    while ((got = read(from, block, sizeof block)) > 0) {
        if (write(to, block, (size_t)got) != got) {
            errno = errno == 0 ? ENOSPC : errno;
            return false;
        }
    }
    return got == 0;
}

static bool copy_file(const char *from, const char *to) {
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int target = source < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    errno = source < 0 || target < 0 ? errno : 0;
    bool copied = target >= 0 && copy_bytes(source, target);
    int error = errno;
    if (target >= 0 && close(target) != 0) {
        copied = false;
        error = errno;
    }
    if (source >= 0) {
        close(source);
    }
    errno = error;
    return copied;
}

/* -- One directory -- */

static bool is_unchanging(const char *name) {
    return ends_with(name, ".ldb") || ends_with(name, ".sst") || ends_with(name, ".snapshot") ||
           ends_with(name, ".incoming");
}

static bool is_left_out(const char *name) {
    return name[0] == '.' || strcmp(name, "ballast") == 0 || strcmp(name, "lock") == 0 || strcmp(name, "LOCK") == 0 ||
           strcmp(name, "LOG") == 0 || strcmp(name, "LOG.old") == 0;
}

static bool copy_directory(const char *from, const char *to, unsigned depth, struct storage_message *out_message);

static bool copy_one(const char *from, const char *to, const char *name, unsigned depth,
                     struct storage_message *out_message) {
    char source[PATH_SIZE];
    char target[PATH_SIZE];
    struct stat status;
    int size = snprintf(source, sizeof source, "%s/%s", from, name);
    int target_size = snprintf(target, sizeof target, "%s/%s", to, name);
    if (size >= PATH_SIZE || target_size >= PATH_SIZE || stat(source, &status) != 0) {
        fail(STORAGE_FAILED, out_message, "cannot look at %.200s in %.200s: %s", name, from, strerror(errno));
        return false;
    }
    if (S_ISDIR(status.st_mode)) {
        return depth > 0 || copy_directory(source, target, depth + 1, out_message);
    }
    bool done = is_unchanging(name) ? symlink(source, target) == 0 : copy_file(source, target);
    if (!done) {
        fail(STORAGE_FAILED, out_message, "cannot copy %.300s: %s", source, strerror(errno));
    }
    return done;
}

static bool copy_directory(const char *from, const char *to, unsigned depth, struct storage_message *out_message) {
    DIR *directory = depth > 0 && mkdir(to, 0700) != 0 ? NULL : opendir(from);
    if (directory == NULL) {
        fail(STORAGE_FAILED, out_message, "cannot read %.300s: %s", from, strerror(errno));
        return false;
    }
    bool copied = true;
    const struct dirent *entry;
    while (copied && (errno = 0, entry = readdir(directory)) != NULL) {
        copied = is_left_out(entry->d_name) || copy_one(from, to, entry->d_name, depth, out_message);
    }
    if (copied && errno != 0) {
        copied = fail(STORAGE_FAILED, out_message, "cannot read %.300s: %s", from, strerror(errno)) == STORAGE_OK;
    }
    closedir(directory);
    return copied;
}

/* -- All of it -- */

static enum storage_error lock(const char *data_dir, int *out_lock, struct storage_message *out_message) {
    char path[PATH_SIZE];
    struct stat status;
    snprintf(path, sizeof path, "%s/identity", data_dir);
    if (stat(data_dir, &status) != 0) {
        return fail(STORAGE_UNUSABLE, out_message, "cannot look at %.300s: %s", data_dir, strerror(errno));
    }
    if (!S_ISDIR(status.st_mode) || stat(path, &status) != 0) {
        return fail(STORAGE_UNUSABLE, out_message, "%.300s is no data directory of a raftd: it has no file identity",
                    data_dir);
    }
    snprintf(path, sizeof path, "%s/lock", data_dir);
    *out_lock = open(path, O_RDONLY | O_CLOEXEC);
    if (*out_lock < 0 && errno != ENOENT) {
        return fail(STORAGE_FAILED, out_message, "cannot open %.300s: %s", path, strerror(errno));
    }
    if (*out_lock >= 0 && flock(*out_lock, LOCK_SH | LOCK_NB) != 0) {
        close(*out_lock);
        return fail(STORAGE_LOCKED, out_message, "a node uses %.300s: stop it first, or ask it (/v1/status, /v1/log)",
                    data_dir);
    }
    return STORAGE_OK;
}

enum storage_error inspect_copy_make(const char *data_dir, struct inspect_copy *out_copy,
                                     struct storage_message *out_message) {
    char original[PATH_SIZE];
    enum storage_error error = lock(data_dir, &out_copy->lock, out_message);
    if (error != STORAGE_OK) {
        return error;
    }
    const char *place = getenv("TMPDIR");
    snprintf(out_copy->path, sizeof out_copy->path, "%s/raftd-inspect-XXXXXX",
             place != NULL && place[0] != '\0' ? place : "/tmp");
    if (realpath(data_dir, original) == NULL || mkdtemp(out_copy->path) == NULL) {
        fail(STORAGE_FAILED, out_message, "no temporary directory %.200s for %.200s: %s", out_copy->path, data_dir,
             strerror(errno));
        out_copy->path[0] = '\0';
        inspect_copy_remove(out_copy);
        return STORAGE_FAILED;
    }
    if (!copy_directory(original, out_copy->path, 0, out_message)) {
        inspect_copy_remove(out_copy);
        return STORAGE_FAILED;
    }
    return STORAGE_OK;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    remove(path);
    return 0;
}

void inspect_copy_remove(struct inspect_copy *copy) {
    if (copy->path[0] != '\0') {
        nftw(copy->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    if (copy->lock >= 0) {
        close(copy->lock);
    }
}
