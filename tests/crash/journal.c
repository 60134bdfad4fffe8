#include "tests/crash/journal.h"

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

bool journal_begin(const char *below, const char *path, bool goes_on) {
    struct stat status;
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (goes_on ? 0 : O_TRUNC);
    snprintf(journal.below, sizeof journal.below, "%s", below);
    journal.descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
    if (journal.descriptor < 0 || stat(below, &status) != 0) {
        return false;
    }
    /* Numbers of syncs of two processes that write one journal are not to be the same. */
    atomic_store(&journal.syncs, (uint64_t)getpid() << 32);
    if (!goes_on) {
        journal_add(JOURNAL_ROOT, "", "", status.st_ino, 0, "", 0);
    }
    atomic_store(&journal.is_on, true);
    return true;
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
    record.size = (uint32_t)(sizeof record + record.path_size + record.other_size + size);
    struct iovec parts[] = {{.iov_base = &record, .iov_len = sizeof record},
                            {.iov_base = (void *)(uintptr_t)path, .iov_len = record.path_size},
                            {.iov_base = (void *)(uintptr_t)other, .iov_len = record.other_size},
                            {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size}};
    if (journal.descriptor >= 0 && syscall(SYS_writev, journal.descriptor, parts, 4) != (long)record.size) {
        fprintf(stderr, "the journal of a crash test could not be written\n");
        abort();
    }
}

void journal_mark(const void *bytes, size_t size) {
    journal_lock();
    journal_add(JOURNAL_MARK, "", "", 0, 0, bytes, size);
    journal_unlock();
}
