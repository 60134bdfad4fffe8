/* What the tests of this room share: a scratch directory in memory where there is one, entries from numbers, a store's
 * contents as one value, and images of a directory that can be damaged and put back. */
#ifndef RAFTD_TESTS_STORAGE_FIXTURE_H
#define RAFTD_TESTS_STORAGE_FIXTURE_H

#include "storage/storage.h"

#include "server/base/memory.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIXTURE_NODE = 7, FIXTURE_PATH = 512 };

/* -- Directories -- */

struct fixture {
    char base[FIXTURE_PATH]; /* Removed at the end, with all in it. */
    char data[FIXTURE_PATH]; /* base/data: not there yet. */
};

static inline struct fixture fixture_create(void) {
    struct fixture fixture;
    bool has_memory = access("/dev/shm", W_OK) == 0;
    snprintf(fixture.base, sizeof fixture.base, "%s/raftd-storage-XXXXXX", has_memory ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(fixture.base));
    snprintf(fixture.data, sizeof fixture.data, "%.400s/data", fixture.base);
    return fixture;
}

static inline int fixture_remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void fixture_remove(const char *path) {
    nftw(path, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fixture_destroy(struct fixture *fixture) {
    fixture_remove(fixture->base);
}

static inline void fixture_path(char out_path[FIXTURE_PATH], const struct fixture *fixture, const char *name) {
    snprintf(out_path, FIXTURE_PATH, "%.300s/%.200s", fixture->data, name);
}

static inline void fixture_put_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* -- Images of a data directory: its files and those of log.db -- */

struct image_file {
    char name[300]; /* Relative to the data directory. */
    unsigned char *bytes;
    size_t size;
};

struct image {
    struct image_file files[64];
    size_t count;
};

static inline void image_take_file(struct image *image, const struct fixture *fixture, const char *name) {
    char path[FIXTURE_PATH];
    struct stat status;
    fixture_path(path, fixture, name);
    ck_assert_int_eq(stat(path, &status), 0);
    if (!S_ISREG(status.st_mode)) {
        return;
    }
    ck_assert_uint_lt(image->count, sizeof image->files / sizeof *image->files);
    struct image_file *file = &image->files[image->count++];
    snprintf(file->name, sizeof file->name, "%s", name);
    file->size = (size_t)status.st_size;
    file->bytes = memory_alloc(file->size);
    FILE *stream = fopen(path, "rb");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fread(file->bytes, 1, file->size, stream), file->size);
    fclose(stream);
}

static inline void image_take_directory(struct image *image, const struct fixture *fixture, const char *inside) {
    char path[FIXTURE_PATH];
    fixture_path(path, fixture, inside);
    DIR *stream = opendir(path);
    ck_assert_ptr_nonnull(stream);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        char name[300];
        snprintf(name, sizeof name, "%.20s%.255s", inside, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            image_take_file(image, fixture, name);
        }
    }
    closedir(stream);
}

/* As a killed process would leave them: the store may be open. */
static inline struct image image_take(const struct fixture *fixture) {
    struct image image = {.count = 0};
    image_take_directory(&image, fixture, "");
    image_take_directory(&image, fixture, "log.db/");
    return image;
}

static inline void image_put_back(const struct image *image, const struct fixture *fixture) {
    char path[FIXTURE_PATH];
    fixture_remove(fixture->data);
    fixture_path(path, fixture, "log.db");
    ck_assert_int_eq(mkdir(fixture->data, 0700), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    for (size_t i = 0; i < image->count; i++) {
        fixture_path(path, fixture, image->files[i].name);
        fixture_put_file(path, image->files[i].bytes, image->files[i].size);
    }
}

static inline void image_destroy(struct image *image) {
    for (size_t i = 0; i < image->count; i++) {
        free(image->files[i].bytes);
    }
    image->count = 0;
}

/* The one file whose name ends so and that has bytes in it. */
static inline struct image_file *image_find(struct image *image, const char *ending) {
    struct image_file *found = NULL;
    for (size_t i = 0; i < image->count; i++) {
        size_t size = strlen(image->files[i].name);
        if (size >= strlen(ending) && strcmp(image->files[i].name + size - strlen(ending), ending) == 0) {
            ck_assert_ptr_null(found);
            found = &image->files[i];
        }
    }
    ck_assert_ptr_nonnull(found);
    return found;
}

static inline struct image_file *image_find_manifest(struct image *image) {
    for (size_t i = 0; i < image->count; i++) {
        if (strncmp(image->files[i].name, "log.db/MANIFEST-", 16) == 0) {
            return &image->files[i];
        }
    }
    ck_abort_msg("no MANIFEST");
    return NULL;
}

/* -- Stores -- */

static inline enum storage_error fixture_try_open(const struct fixture *fixture, struct storage **out_storage,
                                                  struct storage_message *out_message) {
    return storage_open(fixture->data, FIXTURE_NODE, NULL, NULL, out_storage, out_message);
}

static inline struct storage *fixture_open(const struct fixture *fixture) {
    struct storage *storage = NULL;
    struct storage_message message = {""};
    enum storage_error error = fixture_try_open(fixture, &storage, &message);
    ck_assert_msg(error == STORAGE_OK, "%d %s", (int)error, message.text);
    return storage;
}

static inline enum storage_error fixture_try_append(struct storage *storage, raft_term term, size_t count, size_t size,
                                                    struct storage_message *out_message) {
    struct storage_state state;
    storage_state(storage, &state);
    struct raft_entry *entries = memory_zalloc(count * sizeof *entries);
    char *bytes = memory_alloc(size);
    memset(bytes, 'a' + (int)(state.last.index % 26), size);
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct raft_entry){.id = {.index = state.last.index + 1 + i, .term = term},
                                         .type = RAFT_COMMAND,
                                         .size = (uint32_t)size,
                                         .data = bytes};
    }
    struct storage_write write = {.entries = entries,
                                  .entry_count = count,
                                  .hard_state_changed = term != state.hard_state.term,
                                  .hard_state = {.term = term, .voted_for = FIXTURE_NODE}};
    enum storage_error error = storage_write(storage, &write, out_message);
    free(bytes);
    free(entries);
    return error;
}

/* One batch of `count` entries of `size` bytes, after what is there. */
static inline void fixture_append(struct storage *storage, raft_term term, size_t count, size_t size) {
    struct storage_message message = {""};
    enum storage_error error = fixture_try_append(storage, term, count, size, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
}

/* Names a snapshot as of `covered` and removes the log up to `through`. */
static inline void fixture_compact(struct storage *storage, raft_index through, struct raft_entry_id covered) {
    const struct storage_write write = {
        .compact_through = through,
        .snapshot_changed = true,
        .snapshot = {.id = covered, .length = 1000 + covered.index, .crc = (uint32_t)covered.index}};
    struct storage_message message = {""};
    enum storage_error error = storage_write(storage, &write, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
}

/* -- Contents: all that a store says, as text that can be compared -- */

struct contents {
    char *text;
    size_t size;
};

static inline bool contents_add_entry(void *context, const struct raft_entry *entry) {
    FILE *stream = context;
    fprintf(stream, "%llu %llu %d %u ", (unsigned long long)entry->id.index, (unsigned long long)entry->id.term,
            (int)entry->type, entry->size);
    fwrite(entry->data == NULL ? "" : entry->data, 1, entry->size, stream);
    fprintf(stream, " %llu %llu %llu %.*s", (unsigned long long)entry->time_ms, (unsigned long long)entry->session,
            (unsigned long long)entry->sequence, (int)entry->key_size, entry->key_size == 0 ? "" : entry->key);
    fputc('\n', stream);
    return true;
}

/* For the caller to free; a store may be damaged. */
static inline enum storage_error contents_try(struct storage *storage, struct contents *out_contents,
                                              struct storage_message *out_message) {
    struct contents contents;
    FILE *stream = open_memstream(&contents.text, &contents.size);
    struct storage_state state;
    storage_state(storage, &state);
    fprintf(stream, "%llu %s '%s' %d, %llu %llu, %llu %llu %llu %llu, %llu %llu %llu %u\n",
            (unsigned long long)state.identity.node_id, state.identity.incarnation, state.identity.cluster_id,
            (int)state.identity.formed, (unsigned long long)state.hard_state.term,
            (unsigned long long)state.hard_state.voted_for, (unsigned long long)state.base.index,
            (unsigned long long)state.base.term, (unsigned long long)state.last.index, (unsigned long long)state.last.term,
            (unsigned long long)state.snapshot.id.index, (unsigned long long)state.snapshot.id.term,
            (unsigned long long)state.snapshot.length, (unsigned)state.snapshot.crc);
    enum storage_error error = storage_visit(storage, 0, contents_add_entry, stream, out_message);
    fclose(stream);
    if (error == STORAGE_OK) {
        *out_contents = contents;
    } else {
        free(contents.text);
    }
    return error;
}

static inline struct contents contents_of(struct storage *storage) {
    struct contents contents = {.text = NULL};
    struct storage_message message = {""};
    enum storage_error error = contents_try(storage, &contents, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
    return contents;
}

static inline bool contents_equal(const struct contents *a, const struct contents *b) {
    return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

/* Opens, looks and closes: false when the store was refused, with `out_message`. */
static inline bool contents_read(const struct fixture *fixture, struct contents *out_contents,
                                 enum storage_error *out_error, struct storage_message *out_message) {
    struct storage *storage = NULL;
    *out_error = fixture_try_open(fixture, &storage, out_message);
    if (*out_error != STORAGE_OK) {
        ck_assert_ptr_null(storage);
        return false;
    }
    *out_contents = contents_of(storage);
    storage_close(storage);
    return true;
}

#endif
