/* What is synced before what: the system's calls are taken over by this program, told of in order, and made to fail one by
 * one. */
#include "storage/leveldb_store.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Calls can only be taken over with something outside every function; it is per thread, so that LevelDB's own thread is not
 * heard. */
struct trace {
    bool is_on;
    char text[4000];       /* "sync NAME; " for each file or directory synced, "write NAME; " for each pwrite. */
    size_t released_bytes; /* Of mappings, by madvise. */
    const char *failing;   /* The call that fails, as in the text; NULL for none. */
};

static _Thread_local struct trace trace;

/* Numbers in names are of no interest: 000005.log is *.log, MANIFEST-000004 is MANIFEST. */
static void name_of(int descriptor, char out_name[256]) {
    char link[64];
    char path[FIXTURE_PATH] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    const char *name = size > 0 && strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    size_t digits = strspn(name, "0123456789");
    snprintf(out_name, 256, "%s%.250s", digits > 0 ? "*" : "", name + digits);
    if (strncmp(out_name, "MANIFEST-", 9) == 0) {
        out_name[8] = '\0';
    }
}

/* Notes a call; false when it is the one that fails. */
static bool note(const char *what, int descriptor) {
    if (!trace.is_on) {
        return true;
    }
    char name[256];
    char event[300];
    name_of(descriptor, name);
    snprintf(event, sizeof event, "%s %s", what, name);
    size_t size = strlen(trace.text);
    snprintf(trace.text + size, sizeof trace.text - size, "%s; ", event);
    return trace.failing == NULL || strcmp(trace.failing, event) != 0;
}

static int failed(void) {
    errno = EIO;
    return -1;
}

int fsync(int descriptor) {
    return note("sync", descriptor) ? (int)syscall(SYS_fsync, descriptor) : failed();
}

int fdatasync(int descriptor) {
    return note("sync", descriptor) ? (int)syscall(SYS_fdatasync, descriptor) : failed();
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset) {
    return note("write", descriptor) ? syscall(SYS_pwrite64, descriptor, bytes, size, offset) : failed();
}

int madvise(void *start, size_t size, int advice) {
    if (trace.is_on) {
        trace.released_bytes += size;
    }
    return (int)syscall(SYS_madvise, start, size, advice);
}

static void trace_begin(const char *failing) {
    trace = (struct trace){.is_on = true, .failing = failing};
}

static const char *trace_end(void) {
    trace.is_on = false;
    return trace.text;
}

/* Makes the directory's last change one that new_names.c knows, as it is when no file was made lately. */
static void let_names_be_known(const struct fixture *fixture, struct storage *storage) {
    char path[FIXTURE_PATH];
    const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    fixture_path(path, fixture, "log.db");
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    fixture_append(storage, 1, 1, 10);
}

START_TEST(a_store_is_made_in_the_order_that_survives_a_crash) {
    struct fixture fixture = fixture_create();
    trace_begin(NULL);
    struct storage *storage = fixture_open(&fixture);
    const char *text = trace_end();
    char base[FIXTURE_PATH];
    snprintf(base, sizeof base, "sync %s; ", strrchr(fixture.base, '/') + 1);
    ck_assert_int_eq(strncmp(text, base, strlen(base)), 0);
    text += strlen(base);
    const char *const steps[] = {
        "sync creating; sync data; ", /* From here on what is found may be cleared away. */
        "sync *.log; ",               /* The first batch, after LevelDB's own making. */
        "sync log.db; ",              /* The names of LevelDB's files. */
        "write floor; sync floor; sync data; ",
        "write identity.new; sync identity.new; sync data; ", /* From here on this is a store. */
        "sync data; ",                                        /* The marker is gone. */
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const char *found = strstr(text, steps[i]);
        ck_assert_msg(found != NULL, "step %zu (%s) is not in its place: %s", i, steps[i], trace.text);
        text = found + strlen(steps[i]);
    }
    storage_close(storage);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_write_is_synced_before_the_floor_says_so) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    let_names_be_known(&fixture, storage);
    trace_begin(NULL);
    fixture_append(storage, 1, 100, 10);
    ck_assert_str_eq(trace_end(), "sync *.log; write floor; ");
    storage_close(storage);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(the_name_of_a_new_log_is_synced_before_a_write_to_it_counts) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    let_names_be_known(&fixture, storage);
    fixture_append(storage, 1, 6, 1 << 20); /* Fills the write buffer: the next batch begins a new log. */
    let_names_be_known(&fixture, storage);
    trace_begin(NULL);
    fixture_append(storage, 1, 6, 1 << 20);
    fixture_append(storage, 1, 1, 10);
    const char *text = trace_end();
    ck_assert_msg(strstr(text, "sync *.log; sync log.db; write floor; ") != NULL, "%s", text);
    storage_close(storage);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(whichever_call_fails_the_write_and_all_later_ones_fail) {
    const char *const calls[] = {"sync *.log", "sync log.db", "write floor"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct fixture fixture = fixture_create();
        struct storage *storage = fixture_open(&fixture);
        struct storage_message message = {""};
        char path[FIXTURE_PATH];
        fixture_append(storage, 1, 3, 10);
        fixture_path(path, &fixture, "log.db/new-name");
        fixture_put_file(path, "", 0); /* So that the directory has to be synced. */
        trace_begin(calls[i]);
        ck_assert_int_eq(fixture_try_append(storage, 1, 1, 10, &message), STORAGE_FAILED);
        const char *text = trace_end();
        ck_assert_msg(strstr(message.text, "Input/output error") != NULL, "%s", message.text);
        /* Nothing after the call that failed. */
        ck_assert_str_eq(strstr(text, calls[i]) + strlen(calls[i]), "; ");
        for (size_t again = 0; again < 2; again++) {
            ck_assert_int_eq(fixture_try_append(storage, 1, 1, 10, &message), STORAGE_FAILED);
        }
        struct storage_state state;
        storage_state(storage, &state);
        ck_assert_uint_eq(state.last.index, 3);
        storage_close(storage);
        ck_assert_int_eq(unlink(path), 0);
        /* The write may be there after all; no later one is. */
        storage = fixture_open(&fixture);
        storage_state(storage, &state);
        ck_assert(state.last.index == 3 || state.last.index == 4);
        storage_close(storage);
        fixture_destroy(&fixture);
    }
}
END_TEST

START_TEST(a_store_whose_making_fails_anywhere_is_made_by_the_next_attempt) {
    const char *const calls[] = {"sync creating", "sync *.log",        "sync log.db", "write floor",
                                 "sync floor",    "sync identity.new", "sync data",   "sync MANIFEST"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct fixture fixture = fixture_create();
        struct storage *storage = NULL;
        struct storage_message message = {""};
        trace_begin(calls[i]);
        enum storage_error error = fixture_try_open(&fixture, &storage, &message);
        trace_end();
        ck_assert_msg(error == STORAGE_FAILED, "%s: %d %s", calls[i], (int)error, message.text);
        storage = fixture_open(&fixture);
        struct storage_state state;
        storage_state(storage, &state);
        ck_assert_uint_eq(state.last.index, 0);
        storage_close(storage);
        fixture_destroy(&fixture);
    }
}
END_TEST

static void read_all(struct storage *storage, size_t max_bytes) {
    struct storage_state state;
    storage_state(storage, &state);
    for (raft_index next = 1; next <= state.last.index;) {
        struct raft_entry *entries = NULL;
        struct buffer *buffer = NULL;
        size_t count = 0;
        struct storage_message message = {""};
        ck_assert_int_eq(storage_read(storage, next, state.last.index, max_bytes, &entries, &count, &buffer, &message),
                         STORAGE_OK);
        ck_assert_uint_gt(count, 0);
        next += count;
        free(entries);
        buffer_release(buffer);
    }
}

START_TEST(mapped_tables_are_given_back_after_a_visit_and_after_much_was_read) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    fixture_append(storage, 1, 12, 1 << 20);
    storage_close(storage);
    storage = fixture_open(&fixture); /* The log is a table now. */
    trace_begin(NULL);
    read_all(storage, 1 << 20);
    trace_end();
    ck_assert_uint_eq(trace.released_bytes, 0); /* 12 MiB are not worth it. */
    trace_begin(NULL);
    read_all(storage, 1 << 20);
    trace_end();
    ck_assert_uint_gt(trace.released_bytes, 8 << 20);
    trace_begin(NULL);
    struct contents contents = contents_of(storage);
    trace_end();
    ck_assert_uint_gt(trace.released_bytes, 8 << 20);
    free(contents.text);
    storage_close(storage);
    fixture_destroy(&fixture);
}
END_TEST

/* What follows the first step of every start: the directory's own name is synced. */
static const char *after_name(const char *steps) {
    ck_assert_int_eq(strncmp(steps, "sync raftd-storage-", 19), 0);
    return strchr(steps, ';') + 2;
}

/* A killed process may have left its last batch not synced. What was read of it must not be gone after LevelDB, which
 * begins a newer log, was opened. */
START_TEST(the_newest_log_is_synced_before_leveldb_opens) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    fixture_append(storage, 1, 3, 10);
    storage_close(storage);
    trace_begin(NULL);
    storage = fixture_open(&fixture);
    ck_assert_int_eq(strncmp(after_name(trace_end()), "sync *.log; ", 12), 0);
    storage_close(storage);
    struct storage_message message = {""};
    trace_begin("sync *.log");
    ck_assert_int_eq(fixture_try_open(&fixture, &storage, &message), STORAGE_FAILED);
    ck_assert_str_eq(after_name(trace_end()), "sync *.log; ");
    ck_assert_msg(strstr(message.text, "cannot sync ") != NULL, "%s", message.text);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_cut_is_synced) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    fixture_append(storage, 1, 3, 10);
    struct image image = image_take(&fixture);
    storage_close(storage);
    image_find(&image, ".log")->bytes[image_find(&image, ".log")->size - 1] ^= 1;
    struct image_file *floor = image_find(&image, "floor");
    floor->size = 0;
    image_put_back(&image, &fixture);
    struct storage_message message = {""};
    trace_begin("sync *.log");
    ck_assert_int_eq(fixture_try_open(&fixture, &storage, &message), STORAGE_FAILED);
    ck_assert_str_eq(after_name(trace_end()), "sync *.log; ");
    ck_assert_msg(strstr(message.text, "cannot cut the unfinished write off") != NULL, "%s", message.text);
    image_destroy(&image);
    fixture_destroy(&fixture);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_store_is_made_in_the_order_that_survives_a_crash);
    tcase_add_test(tcase, a_write_is_synced_before_the_floor_says_so);
    tcase_add_test(tcase, the_name_of_a_new_log_is_synced_before_a_write_to_it_counts);
    tcase_add_test(tcase, whichever_call_fails_the_write_and_all_later_ones_fail);
    tcase_add_test(tcase, a_store_whose_making_fails_anywhere_is_made_by_the_next_attempt);
    tcase_add_test(tcase, the_newest_log_is_synced_before_leveldb_opens);
    tcase_add_test(tcase, a_cut_is_synced);
    tcase_add_test(tcase, mapped_tables_are_given_back_after_a_visit_and_after_much_was_read);
}

CHECK_MAIN("leveldb_store_sync", add_tests)
