/* What the tests of snapshot files share: directories of both kinds, files made of text, and all that a file says. */
#ifndef RAFTD_TESTS_SNAPSHOT_FIXTURE_H
#define RAFTD_TESTS_SNAPSHOT_FIXTURE_H

#include "storage/snapshot_directory.h"

#include "tests/unit/storage/fixture.h"

/* A directory on disk (kind 0) or in memory (1). */
struct snapshots {
    struct fixture fixture;
    struct snapshot_directory *directory;
    int kind;
};

static inline void snapshots_open(struct snapshots *snapshots, const struct storage_snapshot *keep) {
    struct storage_message message = {""};
    enum storage_error error = snapshot_directory_open(snapshots->fixture.base, keep, &snapshots->directory, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
}

static inline struct snapshots snapshots_create(int kind) {
    struct snapshots snapshots = {.fixture = fixture_create(), .kind = kind};
    if (kind == 0) {
        snapshots_open(&snapshots, &(struct storage_snapshot){.length = 0});
    } else {
        snapshots.directory = snapshot_directory_memory();
    }
    return snapshots;
}

static inline void snapshots_destroy(struct snapshots *snapshots) {
    snapshot_directory_close(snapshots->directory);
    fixture_destroy(&snapshots->fixture);
}

static inline struct snapshot_head head_at(raft_index index) {
    return (struct snapshot_head){.id = {.index = index, .term = 3},
                                  .configuration_index = 1,
                                  .cluster_id = "0123456789abcdef0123456789abcdef",
                                  .machine = "hashmap",
                                  .chain = UINT64_C(0x1122334455667788),
                                  .hash_index = 1,
                                  .hash = UINT64_C(0x99aabbccddeeff00)};
}

static inline struct snapshot_writer_file *writer_at(struct snapshot_directory *directory, raft_index index) {
    struct snapshot_writer_file *writer = NULL;
    struct storage_message message = {""};
    struct snapshot_head head = head_at(index);
    enum storage_error error = snapshot_file_create(directory, &head, &writer, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
    return writer;
}

static inline struct storage_snapshot finish_ok(struct snapshot_writer_file *writer) {
    struct storage_snapshot snapshot = {.length = 0};
    struct storage_message message = {""};
    enum storage_error error = snapshot_file_finish(writer, &snapshot, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
    return snapshot;
}

/* A file with these three sections. */
static inline struct storage_snapshot make_snapshot(struct snapshot_directory *directory, raft_index index,
                                                    const char *configuration, const char *sessions, const char *state) {
    struct snapshot_writer_file *writer = writer_at(directory, index);
    ck_assert(snapshot_file_write(writer, SNAPSHOT_CONFIGURATION, configuration, strlen(configuration)));
    ck_assert(snapshot_file_write(writer, SNAPSHOT_SESSIONS, sessions, strlen(sessions)));
    ck_assert(snapshot_file_write(writer, SNAPSHOT_STATE, state, strlen(state)));
    return finish_ok(writer);
}

static inline struct snapshot_file *open_ok(struct snapshot_directory *directory, const struct storage_snapshot *snapshot) {
    struct snapshot_file *file = NULL;
    struct storage_message message = {""};
    enum storage_error error = snapshot_file_open(directory, snapshot, &file, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
    return file;
}

static inline enum storage_error try_open(struct snapshot_directory *directory, const struct storage_snapshot *snapshot) {
    struct snapshot_file *file = NULL;
    struct storage_message message = {""};
    enum storage_error error = snapshot_file_open(directory, snapshot, &file, &message);
    ck_assert(error == STORAGE_OK ? file != NULL : file == NULL && message.text[0] != '\0');
    snapshot_file_close(file);
    return error;
}

static inline void expect_section(struct snapshot_file *file, enum snapshot_section section, const void *bytes,
                                  size_t size) {
    char *found = memory_alloc(size + 1);
    ck_assert_uint_eq(snapshot_file_read(file, section, found, size + 1), size);
    ck_assert_int_eq(memcmp(found, bytes, size), 0);
    ck_assert_uint_eq(snapshot_file_read(file, section, found, 1), 0);
    free(found);
}

/* All bytes of the file, for the caller to free. */
static inline char *raw_bytes(struct snapshot_directory *directory, const struct storage_snapshot *snapshot) {
    struct snapshot_file *file = open_ok(directory, snapshot);
    char *bytes = memory_alloc((size_t)snapshot->length);
    ck_assert(snapshot_file_raw(file, 0, bytes, (size_t)snapshot->length));
    snapshot_file_close(file);
    return bytes;
}

/* How many files lie there, of any kind. */
static inline void count_one(void *context, const char *name, uint64_t size) {
    (void)name;
    (void)size;
    ++*(size_t *)context;
}

static inline size_t count_files(struct snapshot_directory *directory) {
    size_t count = 0;
    directory->medium->operations->for_each(directory->medium, count_one, &count);
    return count;
}

/* Puts a file of any bytes under any name. */
static inline void put_blob(struct snapshot_directory *directory, const char *name, const void *bytes, size_t size) {
    struct snapshot_blob *blob = directory->medium->operations->create(directory->medium, name);
    ck_assert_ptr_nonnull(blob);
    ck_assert(blob->operations->append(blob, bytes, size));
    blob->operations->close_blob(blob);
}

#endif
