#include "server/backup_files.h"

#include "tests/check_main.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define HEAD_OF_CLUSTER "00112233"
#define CLUSTER         HEAD_OF_CLUSTER "445566778899aabbccddeeff"

static char directory[64];
static struct snapshot_directory *snapshots; /* In memory. */

static struct backup_files files_of(uint64_t keep) {
    return (struct backup_files){.directory = directory, .cluster_id = CLUSTER, .node_id = 3, .keep = keep};
}

static void begin(void) {
    struct storage_message message;
    strcpy(directory, "/tmp/raftd-backups-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(rmdir(directory), 0);
    ck_assert_msg(backup_files_prepare(directory, &message), "%s", message.text);
    snapshots = snapshot_directory_memory();
}

static size_t each_name(void (*visit)(const char *name, void *context), void *context) {
    DIR *open = opendir(directory);
    size_t count = 0;
    ck_assert_ptr_nonnull(open);
    const struct dirent *entry;
    while ((entry = readdir(open)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            count++;
            if (visit != NULL) {
                visit(entry->d_name, context);
            }
        }
    }
    closedir(open);
    return count;
}

static void remove_one(const char *name, void *context) {
    char path[400];
    (void)context;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    remove(path);
}

static void end(void) {
    snapshot_directory_close(snapshots);
    each_name(remove_one, NULL);
    ck_assert_int_eq(rmdir(directory), 0);
}

/* A snapshot as of that index, open; large enough for several blocks. */
static struct snapshot_file *snapshot_of(raft_index index, struct storage_snapshot *out_snapshot) {
    const struct snapshot_head head = {.id = {index, 2}, .cluster_id = CLUSTER, .machine = "hashmap"};
    struct snapshot_writer_file *writer;
    struct snapshot_file *file;
    struct storage_message message;
    static char bytes[200000];
    memset(bytes, (int)index, sizeof bytes);
    ck_assert_int_eq(snapshot_file_create(snapshots, &head, &writer, &message), STORAGE_OK);
    ck_assert(snapshot_file_write(writer, SNAPSHOT_STATE, bytes, sizeof bytes));
    ck_assert_int_eq(snapshot_file_finish(writer, out_snapshot, &message), STORAGE_OK);
    ck_assert_int_eq(snapshot_file_open(snapshots, out_snapshot, &file, &message), STORAGE_OK);
    return file;
}

static bool add(raft_index index, uint64_t keep, bool *out_written, struct storage_message *out_message) {
    const struct backup_files files = files_of(keep);
    struct storage_snapshot snapshot;
    struct snapshot_file *file = snapshot_of(index, &snapshot);
    bool added = backup_files_add(&files, file, &snapshot, out_written, out_message);
    snapshot_file_close(file);
    return added;
}

static void put(const char *name) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
}

static raft_index newest(void) {
    const struct backup_files files = files_of(1);
    raft_index index;
    uint64_t age_ms;
    struct storage_message message;
    ck_assert(backup_files_newest(&files, &index, &age_ms, &message));
    return index;
}

static void check_backup(const char *name, void *context) {
    char path[400];
    struct storage_message message;
    struct storage_snapshot snapshot;
    struct snapshot_file *file;
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    ck_assert_msg(snapshot_file_open_path(path, &file, &snapshot, &message) == STORAGE_OK, "%s", message.text);
    *(raft_index *)context += snapshot.id.index;
    snapshot_file_close(file);
}

START_TEST(the_newest_stay_each_whole_and_readable) {
    struct storage_message message;
    bool written;
    raft_index sum = 0;
    begin();
    ck_assert_uint_eq(newest(), 0);
    for (raft_index index = 9; index <= 12; index++) {
        ck_assert_msg(add(index, 3, &written, &message), "%s", message.text);
        ck_assert(written);
        ck_assert_uint_eq(newest(), index);
    }
    ck_assert_uint_eq(each_name(check_backup, &sum), 3);
    ck_assert_uint_eq(sum, 10 + 11 + 12);
    ck_assert(add(13, 1, &written, &message));
    sum = 0;
    ck_assert_uint_eq(each_name(check_backup, &sum), 1);
    ck_assert_uint_eq(sum, 13);
    end();
}
END_TEST

START_TEST(what_is_covered_already_is_not_written_again) {
    struct storage_message message;
    bool written;
    begin();
    ck_assert(add(20, 5, &written, &message) && written);
    ck_assert(add(20, 5, &written, &message) && !written);
    ck_assert(add(19, 5, &written, &message) && !written);
    ck_assert_uint_eq(each_name(NULL, NULL), 1);
    end();
}
END_TEST

START_TEST(other_files_are_left_alone_and_count_for_nothing) {
    static const char *const others[] = {
        "raftd-ffffffff-0000000000000099-20260101T000000Z.snapshot", /* Another cluster. */
        "raftd-00112233-0000000000000099-20260101T000000Z.snapshot.gz",
        "raftd-00112233-99-20260101T000000Z.snapshot",
        "raftd-99-2.snapshot",
        "notes",
    };
    enum { COUNT = sizeof others / sizeof *others };
    struct storage_message message;
    bool written;
    begin();
    for (size_t i = 0; i < COUNT; i++) {
        put(others[i]);
    }
    ck_assert_uint_eq(newest(), 0);
    ck_assert(add(5, 1, &written, &message) && written);
    ck_assert(add(6, 1, &written, &message) && written);
    ck_assert_uint_eq(each_name(NULL, NULL), COUNT + 1);
    end();
}
END_TEST

static void make_old(const char *name, void *context) {
    const struct timeval times[2] = {{.tv_sec = time(NULL) - 100}, {.tv_sec = time(NULL) - 100}};
    char path[400];
    (void)context;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_eq(utimes(path, times), 0);
}

static void make_future(const char *name, void *context) {
    const struct timeval times[2] = {{.tv_sec = time(NULL) + 1000}, {.tv_sec = time(NULL) + 1000}};
    char path[400];
    (void)context;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_eq(utimes(path, times), 0);
}

START_TEST(its_age_is_that_of_the_file) {
    struct backup_files files = files_of(1);
    struct storage_message message;
    raft_index index;
    uint64_t age_ms;
    bool written;
    begin();
    ck_assert(add(5, 1, &written, &message));
    each_name(make_old, NULL);
    ck_assert(backup_files_newest(&files, &index, &age_ms, &message));
    ck_assert_uint_ge(age_ms, 100000);
    ck_assert_uint_lt(age_ms, 160000);
    each_name(make_future, NULL);
    ck_assert(backup_files_newest(&files, &index, &age_ms, &message));
    ck_assert_uint_eq(age_ms, 0);
    end();
}
END_TEST

START_TEST(what_a_node_left_that_died_is_removed_after_an_hour) {
    static const char *const names[] = {".raftd-" HEAD_OF_CLUSTER "-9.writing", ".raftd-" HEAD_OF_CLUSTER "-8.writing",
                                        ".raftd-ffffffff-9.writing", ".raftd-" HEAD_OF_CLUSTER "-9.else"};
    struct storage_message message;
    bool written;
    begin();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        put(names[i]);
        if (i != 1) {
            const struct timeval times[2] = {{.tv_sec = time(NULL) - 3700}, {.tv_sec = time(NULL) - 3700}};
            char path[400];
            snprintf(path, sizeof path, "%s/%s", directory, names[i]);
            ck_assert_int_eq(utimes(path, times), 0);
        }
    }
    ck_assert(add(5, 1, &written, &message));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        ck_assert_msg((access(path, F_OK) == 0) == (i != 0), "%s", names[i]);
    }
    end();
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_told) {
    struct backup_files files = files_of(1);
    struct storage_message message;
    raft_index index;
    uint64_t age_ms;
    bool written;
    begin();
    ck_assert_int_eq(rmdir(directory), 0);
    ck_assert(!backup_files_newest(&files, &index, &age_ms, &message));
    ck_assert_ptr_nonnull(strstr(message.text, "cannot open"));
    ck_assert(!add(5, 1, &written, &message));
    ck_assert(!written);
    snapshot_directory_close(snapshots);
    ck_assert(!backup_files_prepare("/dev/null", &message));
    ck_assert(!backup_files_prepare("/nowhere/backups", &message));
    ck_assert_ptr_nonnull(strstr(message.text, "cannot make /nowhere/backups"));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_newest_stay_each_whole_and_readable);
    tcase_add_test(tcase, what_is_covered_already_is_not_written_again);
    tcase_add_test(tcase, other_files_are_left_alone_and_count_for_nothing);
    tcase_add_test(tcase, its_age_is_that_of_the_file);
    tcase_add_test(tcase, what_a_node_left_that_died_is_removed_after_an_hour);
    tcase_add_test(tcase, a_directory_that_is_not_there_is_told);
}

CHECK_MAIN("backup_files", add_tests)
