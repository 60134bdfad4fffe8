#include "storage/directory.h"

#include "storage/ballast.h"
#include "storage/failure.h"
#include "storage/floor.h"
#include "storage/identity.h"

#include "server/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum storage_error unusable(struct storage_message *out_message, const char *path, const char *what) {
    return failure_tell(out_message, STORAGE_UNUSABLE, "cannot use the data directory %.200s: %s: %s", path, what,
                        strerror(errno));
}

/* The name of an open directory is on disk from now on. One that was there may have been made by a process that ended
 * before it had done this. Whoever may not read the parent has not made a name in it: then others did, and saw to it. */
static bool sync_name(int descriptor) {
    int parent = openat(descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0) {
        return errno == EACCES;
    }
    bool ok = fsync(parent) == 0;
    int error = errno;
    close(parent);
    errno = error;
    return ok;
}

/* Opens directory and lock file and takes the lock. */
static enum storage_error take(struct directory *directory, struct storage_message *out_message) {
    if (mkdir(directory->path, 0700) != 0 && errno != EEXIST) {
        return unusable(out_message, directory->path, "it cannot be made");
    }
    directory->descriptor = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->descriptor < 0) {
        return unusable(out_message, directory->path, "it cannot be opened");
    }
    if (!sync_name(directory->descriptor)) {
        return unusable(out_message, directory->path, "its name cannot be synced");
    }
    directory->lock = openat(directory->descriptor, DIRECTORY_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (directory->lock < 0) {
        return unusable(out_message, directory->path, "it cannot be written to");
    }
    /* Not LevelDB's own lock: that one begins too late, after a half-made store has been cleared away. */
    if (flock(directory->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return unusable(out_message, directory->path, "it cannot be locked");
        }
        return failure_tell(out_message, STORAGE_LOCKED, "the data directory %.200s is in use by another process",
                            directory->path);
    }
    return STORAGE_OK;
}

enum storage_error directory_open(const char *path, struct directory **out_directory, struct storage_message *out_message) {
    struct directory *directory = memory_alloc(sizeof *directory);
    size_t size = strlen(path);
    *directory = (struct directory){.descriptor = -1, .lock = -1, .path = memory_text(path, size)};
    directory->database_path = memory_alloc(size + sizeof "/" DIRECTORY_DATABASE);
    memcpy(directory->database_path, path, size);
    memcpy(directory->database_path + size, "/" DIRECTORY_DATABASE, sizeof "/" DIRECTORY_DATABASE);
    enum storage_error error = take(directory, out_message);
    if (error != STORAGE_OK) {
        directory_close(directory);
        return error;
    }
    *out_directory = directory;
    return STORAGE_OK;
}

void directory_close(struct directory *directory) {
    if (directory == NULL) {
        return;
    }
    if (directory->lock >= 0) {
        close(directory->lock);
    }
    if (directory->descriptor >= 0) {
        close(directory->descriptor);
    }
    free(directory->database_path);
    free(directory->path);
    free(directory);
}

/* What the names in a directory add up to. */
struct names {
    bool identity;
    bool creating;
    bool parts; /* Of a store. */
    bool foreign;
    char foreign_name[256];
};

static bool is_one_of(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void count_name(struct names *names, const char *name) {
    static const char *const without_meaning[] = {".", "..", "lost+found", DIRECTORY_LOCK};
    static const char *const parts[] = {DIRECTORY_DATABASE, DIRECTORY_SNAPSHOTS, FLOOR_NAME, IDENTITY_TEMPORARY,
                                        BALLAST_NAME};
    if (is_one_of(name, without_meaning, sizeof without_meaning / sizeof *without_meaning)) {
        return;
    }
    if (strcmp(name, IDENTITY_NAME) == 0) {
        names->identity = true;
    } else if (strcmp(name, DIRECTORY_CREATING) == 0) {
        names->creating = true;
    } else if (is_one_of(name, parts, sizeof parts / sizeof *parts)) {
        names->parts = true;
    } else {
        names->foreign = true;
        snprintf(names->foreign_name, sizeof names->foreign_name, "%s", name);
    }
}

/* Calls `each` with every name of the directory; false with errno when it cannot be read. */
static bool for_each_name(int directory, void (*each)(void *context, int directory, const char *name), void *context) {
    int descriptor = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    if (stream == NULL) {
        int error = errno;
        if (descriptor >= 0) {
            close(descriptor);
        }
        errno = error;
        return false;
    }
    errno = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        each(context, descriptor, entry->d_name);
        errno = 0;
    }
    int error = errno;
    closedir(stream);
    errno = error;
    return error == 0;
}

static void note_name(void *context, int directory, const char *name) {
    (void)directory;
    count_name(context, name);
}

bool directory_look(const struct directory *directory, enum directory_contents *out_contents, char out_name[256]) {
    struct names names = {.identity = false};
    if (!for_each_name(directory->descriptor, note_name, &names)) {
        return false;
    }
    if (names.identity) {
        *out_contents =
            DIRECTORY_STORE; /* Other rooms keep files of their own beside a store; they are none of our business. */
    } else if (names.foreign) {
        *out_contents = names.parts && !names.creating ? DIRECTORY_BEHEADED : DIRECTORY_FOREIGN;
        memcpy(out_name, names.foreign_name, sizeof names.foreign_name);
    } else if (names.creating) {
        *out_contents = DIRECTORY_HALF_MADE;
    } else {
        *out_contents = names.parts ? DIRECTORY_BEHEADED : DIRECTORY_EMPTY;
    }
    return true;
}

static void add_size(void *context, int directory, const char *name) {
    struct stat status;
    if (strcmp(name, BALLAST_NAME) != 0 && fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(status.st_mode)) {
        *(uint64_t *)context += (uint64_t)status.st_size;
    }
}

uint64_t directory_size_bytes(const struct directory *directory) {
    uint64_t size_bytes = 0;
    for_each_name(directory->descriptor, add_size, &size_bytes);
    static const char *const inside[] = {DIRECTORY_DATABASE, DIRECTORY_SNAPSHOTS};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        int descriptor = openat(directory->descriptor, inside[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor >= 0) {
            for_each_name(descriptor, add_size, &size_bytes);
            close(descriptor);
        }
    }
    return size_bytes;
}

bool directory_sync_database(const struct directory *directory) {
    int database = openat(directory->descriptor, DIRECTORY_DATABASE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (database < 0) {
        return false;
    }
    bool ok = fsync(database) == 0;
    int error = errno;
    close(database);
    errno = error;
    return ok;
}
