#include "tests/crash/journal.h"

#include "tests/crash/watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct {
    atomic_bool is_on;
    char below[PATH_MAX];
    int descriptor;
    pthread_mutex_t mutex;
    atomic_uint_fast64_t syncs;
} journal = {.descriptor = -1, .mutex = PTHREAD_MUTEX_INITIALIZER};

static void add_sync(const char *path, uint64_t inode) {
    uint64_t number = journal_next_sync();
    journal_add(JOURNAL_SYNC_BEGIN, path, "", inode, number, "", 0);
    journal_add(JOURNAL_SYNC_END, path, "", inode, number, "", 0);
}

static void add_file(const char *path, int descriptor, const struct stat *status) {
    size_t size = (size_t)status->st_size;
    char *bytes = malloc(size + 1);
    journal_add(JOURNAL_CREATE, path, "", status->st_ino, 0, "", 0);
    if (bytes == NULL || pread(descriptor, bytes, size, 0) != (ssize_t)size) {
        abort();
    }
    journal_add(JOURNAL_WRITE, path, "", status->st_ino, 0, bytes, size);
    add_sync(path, status->st_ino);
    free(bytes);
}

/* What lies in a directory that is written down already. */
static void add_directory(const char *below, const char *path, uint64_t inode) {
    char absolute[PATH_MAX];
    snprintf(absolute, sizeof absolute, "%.2000s/%.2000s", below, path);
    DIR *stream = opendir(absolute);
    for (struct dirent *entry = stream == NULL ? NULL : readdir(stream); entry != NULL; entry = readdir(stream)) {
        char inside[1024];
        struct stat status;
        snprintf(inside, sizeof inside, "%.500s%s%.255s", path, path[0] == '\0' ? "" : "/", entry->d_name);
        int descriptor = openat(dirfd(stream), entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        bool is_other = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!is_other && descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
            journal_add(JOURNAL_MKDIR, inside, "", status.st_ino, 0, "", 0);
            add_directory(below, inside, status.st_ino);
        } else if (!is_other && descriptor >= 0 && !watch_is_of_no_account(inside)) {
            add_file(inside, descriptor, &status);
        }
        if (descriptor >= 0) {
            close(descriptor);
        }
    }
    if (stream != NULL) {
        closedir(stream);
    }
    add_sync(path, inode);
}

bool journal_begin(const char *below, const char *path) {
    struct stat status;
    watch_is_inside = true;
    snprintf(journal.below, sizeof journal.below, "%s", below);
    journal.descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool ok = journal.descriptor >= 0 && stat(below, &status) == 0;
    /* Numbers of syncs of two processes that write one journal are not to be the same. */
    atomic_store(&journal.syncs, (uint64_t)getpid() << 32);
    if (ok && lseek(journal.descriptor, 0, SEEK_END) == 0) {
        journal_add(JOURNAL_ROOT, "", "", status.st_ino, 0, "", 0);
        add_directory(below, "", status.st_ino);
        journal_add(JOURNAL_READY, "", "", 0, 0, "", 0);
    }
    watch_is_inside = false;
    atomic_store(&journal.is_on, ok);
    return ok;
}

void journal_end(void) {
    journal_lock();
    atomic_store(&journal.is_on, false);
    close(journal.descriptor);
    journal.descriptor = -1;
    journal_unlock();
}

bool journal_is_on(void) {
    return atomic_load(&journal.is_on);
}

const char *journal_path(const char *absolute) {
    size_t size = strlen(journal.below);
    if (!atomic_load(&journal.is_on) || strncmp(absolute, journal.below, size) != 0) {
        return NULL;
    }
    return absolute[size] == '\0' ? "" : absolute[size] == '/' ? absolute + size + 1 : NULL;
}

void journal_lock(void) {
    pthread_mutex_lock(&journal.mutex);
}

void journal_unlock(void) {
    pthread_mutex_unlock(&journal.mutex);
}

uint64_t journal_next_sync(void) {
    return atomic_fetch_add(&journal.syncs, 1);
}

/* One write a record, so that those of several processes do not mix. */
void journal_add(enum journal_kind kind, const char *path, const char *other, uint64_t inode, uint64_t offset,
                 const void *bytes, size_t size) {
    struct journal_record record = {.kind = kind,
                                    .inode = inode,
                                    .offset = offset,
                                    .path_size = (uint16_t)strlen(path),
                                    .other_size = (uint16_t)strlen(other),
                                    .byte_count = (uint32_t)size};
    static const char padding[JOURNAL_ALIGNMENT];
    size_t filled = sizeof record + record.path_size + record.other_size + size;
    record.size = (uint32_t)((filled + JOURNAL_ALIGNMENT - 1) / JOURNAL_ALIGNMENT * JOURNAL_ALIGNMENT);
    struct iovec parts[] = {{.iov_base = &record, .iov_len = sizeof record},
                            {.iov_base = (void *)(uintptr_t)path, .iov_len = record.path_size},
                            {.iov_base = (void *)(uintptr_t)other, .iov_len = record.other_size},
                            {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size},
                            {.iov_base = (void *)(uintptr_t)padding, .iov_len = record.size - filled}};
    if (journal.descriptor >= 0 &&
        syscall(SYS_writev, journal.descriptor, parts, sizeof parts / sizeof *parts) != (long)record.size) {
        fprintf(stderr, "the journal of a crash test could not be written\n");
        abort();
    }
}

void journal_mark(const void *bytes, size_t size) {
    journal_lock();
    journal_add(JOURNAL_MARK, "", "", 0, 0, bytes, size);
    journal_unlock();
}
