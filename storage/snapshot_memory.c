/* Snapshot files in memory. */
#include "storage/snapshot_medium.h"

#include "server/base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Held by the medium while it has a name, and by each that has it open. Its bytes are only appended to, by one thread, and
 * then read by whoever opened it. */
struct run {
    atomic_size_t references;
    char *bytes;
    atomic_size_t size; /* Asked for by others while it grows. */
    size_t capacity;
};

struct named_run {
    char name[SNAPSHOT_NAME_SIZE];
    struct run *run;
};

struct memory {
    struct snapshot_medium medium;
    pthread_mutex_t lock; /* Over the names. */
    struct named_run *runs;
    size_t count;
    size_t capacity;
};

struct memory_blob {
    struct snapshot_blob blob;
    struct run *run;
};

static const struct snapshot_medium_operations operations;

static struct memory *self(struct snapshot_medium *medium) {
    return (struct memory *)medium;
}

static struct run *run_of(struct snapshot_blob *blob) {
    return ((struct memory_blob *)blob)->run;
}

static void release(struct run *run) {
    if (atomic_fetch_sub(&run->references, 1) == 1) {
        free(run->bytes);
        free(run);
    }
}

static struct named_run *find(struct memory *memory, const char *name) {
    for (size_t i = 0; i < memory->count; i++) {
        if (strcmp(memory->runs[i].name, name) == 0) {
            return &memory->runs[i];
        }
    }
    errno = ENOENT;
    return NULL;
}

static void drop(struct memory *memory, struct named_run *named) {
    release(named->run);
    *named = memory->runs[--memory->count];
}

static struct snapshot_blob *make_blob(struct run *run) {
    struct memory_blob *made = memory_zalloc(sizeof *made);
    atomic_fetch_add(&run->references, 1);
    made->blob = (struct snapshot_blob){.operations = &operations, .size = atomic_load(&run->size)};
    made->run = run;
    return &made->blob;
}

static void memory_close(struct snapshot_medium *medium) {
    struct memory *memory = self(medium);
    while (memory->count > 0) {
        drop(memory, &memory->runs[0]);
    }
    pthread_mutex_destroy(&memory->lock);
    free(memory->runs);
    free(memory);
}

static struct snapshot_blob *memory_create(struct snapshot_medium *medium, const char *name) {
    struct memory *memory = self(medium);
    struct run *run = memory_zalloc(sizeof *run);
    atomic_init(&run->references, 1);
    pthread_mutex_lock(&memory->lock);
    struct named_run *old = find(memory, name);
    if (old != NULL) {
        drop(memory, old);
    }
    memory->runs = memory_grow(memory->runs, &memory->capacity, memory->count + 1, sizeof *memory->runs);
    struct named_run *named = &memory->runs[memory->count++];
    *named = (struct named_run){.run = run};
    memcpy(named->name, name, strlen(name) + 1);
    struct snapshot_blob *blob = make_blob(run);
    pthread_mutex_unlock(&memory->lock);
    return blob;
}

static struct snapshot_blob *memory_open(struct snapshot_medium *medium, const char *name, bool is_writable) {
    (void)is_writable;
    struct memory *memory = self(medium);
    pthread_mutex_lock(&memory->lock);
    struct named_run *named = find(memory, name);
    struct snapshot_blob *blob = named == NULL ? NULL : make_blob(named->run);
    pthread_mutex_unlock(&memory->lock);
    return blob;
}

static bool memory_rename(struct snapshot_medium *medium, const char *from, const char *to) {
    struct memory *memory = self(medium);
    pthread_mutex_lock(&memory->lock);
    struct named_run *old = strcmp(from, to) == 0 ? NULL : find(memory, to);
    if (old != NULL && find(memory, from) != NULL) {
        drop(memory, old);
    }
    struct named_run *named = find(memory, from);
    if (named != NULL) {
        memcpy(named->name, to, strlen(to) + 1);
    }
    pthread_mutex_unlock(&memory->lock);
    return named != NULL;
}

static bool memory_sync_names(struct snapshot_medium *medium) {
    (void)medium;
    return true;
}

static bool memory_remove(struct snapshot_medium *medium, const char *name) {
    struct memory *memory = self(medium);
    pthread_mutex_lock(&memory->lock);
    struct named_run *named = find(memory, name);
    if (named != NULL) {
        drop(memory, named);
    }
    pthread_mutex_unlock(&memory->lock);
    return true;
}

static bool memory_for_each(struct snapshot_medium *medium, void (*each)(void *context, const char *name, uint64_t size),
                            void *context) {
    struct memory *memory = self(medium);
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < memory->count; i++) {
        each(context, memory->runs[i].name, atomic_load(&memory->runs[i].run->size));
    }
    pthread_mutex_unlock(&memory->lock);
    return true;
}

static bool memory_append(struct snapshot_blob *blob, const void *bytes, size_t size) {
    struct run *run = run_of(blob);
    if (size == 0) {
        return true;
    }
    run->bytes = memory_grow(run->bytes, &run->capacity, (size_t)blob->size + size, 1);
    memcpy(run->bytes + blob->size, bytes, size);
    blob->size += size;
    atomic_store(&run->size, (size_t)blob->size);
    return true;
}

static bool memory_read(struct snapshot_blob *blob, uint64_t offset, void *bytes, size_t size) {
    if (offset > blob->size || size > blob->size - offset) {
        errno = EIO;
        return false;
    }
    if (size > 0) {
        memcpy(bytes, run_of(blob)->bytes + offset, size);
    }
    return true;
}

static bool memory_sync(struct snapshot_blob *blob) {
    (void)blob;
    return true;
}

static void memory_close_blob(struct snapshot_blob *blob) {
    release(run_of(blob));
    free(blob);
}

static const struct snapshot_medium_operations operations = {.close = memory_close,
                                                             .create = memory_create,
                                                             .open = memory_open,
                                                             .rename = memory_rename,
                                                             .sync_names = memory_sync_names,
                                                             .remove = memory_remove,
                                                             .for_each = memory_for_each,
                                                             .append = memory_append,
                                                             .read = memory_read,
                                                             .sync = memory_sync,
                                                             .close_blob = memory_close_blob};

struct snapshot_medium *snapshot_memory_create(void) {
    struct memory *memory = memory_zalloc(sizeof *memory);
    memory->medium.operations = &operations;
    pthread_mutex_init(&memory->lock, NULL);
    return &memory->medium;
}
