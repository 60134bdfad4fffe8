/* The store on disk: against its twin in memory, reopened, locked, failing, and with damaged tables. */
#include "storage/leveldb_store.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { SEEDS = 8, STEPS = 150, TABLE_PIECES = 8 };

/* -- Random operations, on both -- */

/* xorshift64: the same numbers from the same seed, everywhere. */
static uint64_t random_below(uint64_t *seed, uint64_t limit) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % limit;
}

static void write_same(struct storage *disk, struct storage *memory, const struct storage_write *write) {
    struct storage_message message = {""};
    enum storage_error error = storage_write(disk, write, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
    ck_assert_int_eq(storage_write(memory, write, &message), STORAGE_OK);
}

static bool take_term(void *context, const struct raft_entry *entry) {
    *(raft_term *)context = entry->id.term;
    return false;
}

/* Of the entry at `index` after the write, which is not the base. */
static raft_term term_at(struct storage *storage, const struct storage_write *write, raft_index index) {
    raft_term term = 0;
    if (write->entry_count > 0 && index >= write->entries[0].id.index) {
        return write->entries[index - write->entries[0].id.index].id.term;
    }
    ck_assert_int_eq(storage_visit(storage, index, take_term, &term, NULL), STORAGE_OK);
    return term;
}

static void random_write(struct storage *disk, struct storage *memory, uint64_t *seed) {
    char bytes[5000];
    struct raft_entry entries[20];
    struct storage_state state;
    struct storage_write write = {.entries = entries};
    storage_state(memory, &state);
    memset(bytes, (int)random_below(seed, 256), sizeof bytes);
    raft_index next = state.last.index + 1;
    write.hard_state = state.hard_state;
    if (random_below(seed, 3) == 0) {
        write.hard_state_changed = true;
        write.hard_state = (struct raft_hard_state){.term = state.hard_state.term + random_below(seed, 3),
                                                    .voted_for = random_below(seed, 4)};
    }
    if (random_below(seed, 20) == 0) {
        write.snapshot_changed = true;
        write.replaced_by = (struct raft_entry_id){state.base.index + 1 + random_below(seed, 40), write.hard_state.term};
        write.replaced_by.index += write.replaced_by.index < state.snapshot.id.index ? 1000 : 0;
        write.snapshot = (struct storage_snapshot){.id = write.replaced_by, .length = 1 + random_below(seed, 1000)};
        next = write.replaced_by.index + 1;
    } else if (random_below(seed, 4) == 0 && state.last.index > state.snapshot.id.index) {
        write.truncate_from = state.snapshot.id.index + 1 + random_below(seed, state.last.index - state.snapshot.id.index);
        next = write.truncate_from;
    }
    write.entry_count = random_below(seed, 20);
    for (size_t i = 0; i < write.entry_count; i++) {
        entries[i] = (struct raft_entry){.id = {.index = next + i, .term = write.hard_state.term},
                                         .type = (enum raft_entry_type)(1 + random_below(seed, 3)),
                                         .size = (uint32_t)random_below(seed, sizeof bytes),
                                         .data = bytes,
                                         .time_ms = random_below(seed, 100)};
        if (random_below(seed, 5) == 0) {
            entries[i].session = 1 + random_below(seed, 9);
            entries[i].sequence = random_below(seed, 9);
        } else if (random_below(seed, 5) == 0) {
            entries[i].key = "\"idempotency key\"";
            entries[i].key_size = 17;
        }
    }
    raft_index last = next + write.entry_count - 1;
    if (write.replaced_by.index == 0 && last > state.snapshot.id.index && random_below(seed, 5) == 0) {
        raft_index covered = state.snapshot.id.index + 1 + random_below(seed, last - state.snapshot.id.index);
        write.snapshot_changed = true;
        write.snapshot = (struct storage_snapshot){.id = {covered, write.hard_state.term}, .length = 1 + *seed % 1000};
        write.snapshot.id.term = term_at(memory, &write, covered);
        write.compact_through = random_below(seed, covered + 1);
    }
    if (random_below(seed, 10) == 0) {
        write.cluster_changed = true;
        snprintf(write.cluster_id, sizeof write.cluster_id, "%032llx", (unsigned long long)*seed);
        write.formed = random_below(seed, 2) == 1;
    }
    write_same(disk, memory, &write);
}

static void expect_same_reading(struct storage *disk, struct storage *memory, uint64_t *seed) {
    struct storage_state state;
    storage_state(memory, &state);
    raft_index first = random_below(seed, state.last.index + 3);
    raft_index last = first + random_below(seed, 30);
    size_t max_bytes = random_below(seed, 40000);
    struct storage *const both[2] = {disk, memory};
    struct raft_entry *entries[2];
    struct buffer *buffers[2];
    size_t counts[2];
    for (size_t i = 0; i < 2; i++) {
        struct storage_message message = {""};
        enum storage_error error =
            storage_read(both[i], first, last, max_bytes, &entries[i], &counts[i], &buffers[i], &message);
        ck_assert_msg(error == STORAGE_OK, "%s", message.text);
    }
    ck_assert_uint_eq(counts[0], counts[1]);
    for (size_t i = 0; i < counts[0]; i++) {
        ck_assert_uint_eq(entries[0][i].id.index, entries[1][i].id.index);
        ck_assert_uint_eq(entries[0][i].id.term, entries[1][i].id.term);
    }
    ck_assert(counts[0] == 0 ||
              (buffers[0]->size == buffers[1]->size && memcmp(buffers[0]->data, buffers[1]->data, buffers[0]->size) == 0));
    for (size_t i = 0; i < 2; i++) {
        free(entries[i]);
        buffer_release(buffers[i]);
    }
}

static void expect_same(struct storage *disk, struct storage *memory) {
    struct contents on_disk = contents_of(disk);
    struct contents in_memory = contents_of(memory);
    ck_assert(contents_equal(&on_disk, &in_memory));
    free(on_disk.text);
    free(in_memory.text);
}

START_TEST(random_writes_leave_what_they_leave_in_memory_also_after_reopening) {
    uint64_t seed = 88172645463325252U + (uint64_t)_i;
    struct fixture fixture = fixture_create();
    struct storage_state state;
    struct storage *disk = fixture_open(&fixture);
    storage_state(disk, &state);
    struct storage *memory = storage_memory_create(FIXTURE_NODE, state.identity.incarnation);
    for (size_t step = 0; step < STEPS; step++) {
        random_write(disk, memory, &seed);
        expect_same_reading(disk, memory, &seed);
        if (random_below(&seed, 20) == 0) {
            storage_compact(disk);
        }
        if (random_below(&seed, 10) == 0) {
            expect_same(disk, memory);
            storage_close(disk);
            disk = fixture_open(&fixture);
        }
    }
    expect_same(disk, memory);
    storage_close(disk);
    storage_close(memory);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(batches_larger_than_the_write_buffer_come_back) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    for (size_t i = 0; i < 4; i++) {
        fixture_append(storage, 1 + i, 12, 1 << 20);
        fixture_append(storage, 1 + i, 1, 10);
    }
    struct contents before = contents_of(storage);
    storage_close(storage);
    storage = fixture_open(&fixture);
    struct contents after = contents_of(storage);
    ck_assert(contents_equal(&before, &after));
    storage_close(storage);
    free(before.text);
    free(after.text);
    fixture_destroy(&fixture);
}
END_TEST

/* -- Who may open it -- */

START_TEST(a_store_in_use_is_locked) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    struct storage *second = NULL;
    struct storage_message message = {""};
    ck_assert_int_eq(fixture_try_open(&fixture, &second, &message), STORAGE_LOCKED);
    ck_assert_msg(strstr(message.text, "is in use by another process") != NULL, "%s", message.text);
    fixture_append(storage, 1, 1, 10); /* The first goes on undisturbed. */
    storage_close(storage);
    storage = fixture_open(&fixture);
    storage_close(storage);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_store_in_use_by_another_process_is_locked_until_that_ends) {
    struct fixture fixture = fixture_create();
    int ready[2];
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        fixture_open(&fixture);
        _exit(write(ready[1], "x", 1) == 1 && pause() == 0 ? 0 : 1);
    }
    char byte;
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    struct storage *storage = NULL;
    struct storage_message message = {""};
    ck_assert_int_eq(fixture_try_open(&fixture, &storage, &message), STORAGE_LOCKED);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    storage = fixture_open(&fixture);
    storage_close(storage);
    close(ready[0]);
    close(ready[1]);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(the_store_of_another_node_is_refused) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    storage_close(storage);
    struct storage_message message = {""};
    ck_assert_int_eq(storage_open(fixture.data, FIXTURE_NODE + 1, NULL, NULL, &storage, &message), STORAGE_WRONG_NODE);
    ck_assert_msg(strstr(message.text, "belongs to node 7, not to node 8") != NULL, "%s", message.text);
    storage = fixture_open(&fixture);
    storage_close(storage);
    fixture_destroy(&fixture);
}
END_TEST

/* -- Failing writes -- */

/* Runs in a child: no file may grow beyond a limit, as if the disk were full. Answers 0 when every promise was kept. */
static int write_until_it_fails(const struct fixture *fixture, int acknowledged) {
    const struct rlimit limit = {.rlim_cur = 100000, .rlim_max = 100000};
    struct storage *storage = NULL;
    struct storage_message message = {""};
    struct storage_state state;
    if (fixture_try_open(fixture, &storage, &message) != STORAGE_OK || signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
        setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 2;
    }
    enum storage_error error = STORAGE_OK;
    for (size_t i = 0; i < 100 && error == STORAGE_OK; i++) {
        error = fixture_try_append(storage, 1, 1, 5000, &message);
        storage_state(storage, &state);
        if (error == STORAGE_OK && write(acknowledged, &state.last.index, sizeof state.last.index) < 0) {
            return 3;
        }
    }
    if (error != STORAGE_FAILED || strstr(message.text, "File too large") == NULL) {
        return 4;
    }
    /* Room again, but what LevelDB holds is unknown: nothing is written any more. */
    raft_index last = state.last.index;
    const struct storage_write small = {.hard_state_changed = true, .hard_state = {.term = 2}};
    for (size_t i = 0; i < 3; i++) {
        message.text[0] = '\0';
        error = storage_write(storage, &small, &message);
        storage_state(storage, &state);
        if (error != STORAGE_FAILED || strstr(message.text, "an earlier write has failed: ") == NULL ||
            state.last.index != last || state.hard_state.term != 1) {
            return 5;
        }
    }
    storage_close(storage);
    return 0;
}

START_TEST(after_a_failed_write_every_write_fails_and_what_was_acknowledged_is_there) {
    struct fixture fixture = fixture_create();
    int acknowledged[2];
    ck_assert_int_eq(pipe(acknowledged), 0);
    pid_t child = fork();
    if (child == 0) {
        _exit(write_until_it_fails(&fixture, acknowledged[1]));
    }
    close(acknowledged[1]);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child ended with %x", (unsigned)status);
    raft_index last = 0;
    while (read(acknowledged[0], &last, sizeof last) == sizeof last) {
    }
    ck_assert_uint_ge(last, 10);
    struct storage *storage = fixture_open(&fixture);
    struct storage_state state;
    storage_state(storage, &state);
    ck_assert_uint_ge(state.last.index, last);
    ck_assert_uint_le(state.last.index, last + 1);
    storage_close(storage);
    close(acknowledged[0]);
    fixture_destroy(&fixture);
}
END_TEST

/* -- Damaged tables -- */

static bool ends_with(const char *name, const char *ending) {
    size_t size = strlen(name);
    return size >= strlen(ending) && strcmp(name + size - strlen(ending), ending) == 0;
}

/* A store whose entries are in tables: LevelDB turns the log into one whenever it is opened. */
static struct contents make_tables(const struct fixture *fixture) {
    struct contents contents = {.text = NULL};
    for (size_t i = 0; i < 3; i++) {
        struct storage *storage = fixture_open(fixture);
        fixture_append(storage, 1 + i, 3, 20 * i);
        if (i == 1) {
            fixture_compact(storage, 4, (struct raft_entry_id){5, 2}); /* Entries up to 4 stay as leftovers. */
        }
        free(contents.text);
        contents = contents_of(storage);
        storage_close(storage);
    }
    return contents;
}

static void expect_refused_or_unchanged(const struct fixture *fixture, const struct contents *expected) {
    struct contents contents;
    struct storage_message message = {""};
    enum storage_error error = STORAGE_OK;
    if (contents_read(fixture, &contents, &error, &message)) {
        ck_assert_msg(contents_equal(&contents, expected), "neither refused nor whole");
        free(contents.text);
    } else {
        ck_assert_msg(error == STORAGE_DAMAGED, "%d %s", (int)error, message.text);
    }
}

START_TEST(a_flipped_bit_of_a_table_is_damage_or_without_effect) {
    struct fixture fixture = fixture_create();
    struct contents expected = make_tables(&fixture);
    struct image image = image_take(&fixture);
    size_t tables = 0;
    for (size_t i = 0; i < image.count; i++) {
        struct image_file *file = &image.files[i];
        tables += ends_with(file->name, ".ldb");
        for (size_t bit = (size_t)_i; ends_with(file->name, ".ldb") && bit < 8 * file->size; bit += TABLE_PIECES) {
            file->bytes[bit / 8] = (unsigned char)(file->bytes[bit / 8] ^ (1 << bit % 8));
            image_put_back(&image, &fixture);
            expect_refused_or_unchanged(&fixture, &expected);
            file->bytes[bit / 8] = (unsigned char)(file->bytes[bit / 8] ^ (1 << bit % 8));
        }
    }
    ck_assert_uint_ge(tables, 2);
    image_destroy(&image);
    free(expected.text);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_missing_emptied_or_cut_table_is_damage) {
    struct fixture fixture = fixture_create();
    struct contents expected = make_tables(&fixture);
    struct image image = image_take(&fixture);
    for (size_t i = 0; i < image.count; i++) {
        if (!ends_with(image.files[i].name, ".ldb")) {
            continue;
        }
        for (int way = 0; way < 3; way++) {
            struct storage *storage = NULL;
            struct storage_message message = {""};
            char path[FIXTURE_PATH];
            image_put_back(&image, &fixture);
            fixture_path(path, &fixture, image.files[i].name);
            ck_assert_int_eq(way == 0 ? unlink(path) : truncate(path, way == 1 ? 0 : (off_t)image.files[i].size - 1), 0);
            enum storage_error error = fixture_try_open(&fixture, &storage, &message);
            ck_assert_msg(error == STORAGE_DAMAGED, "%d %s", (int)error, message.text);
        }
    }
    image_destroy(&image);
    free(expected.text);
    fixture_destroy(&fixture);
}
END_TEST

static bool visit_all(void *context, const struct raft_entry *entry) {
    (void)entry;
    ++*(size_t *)context;
    return true;
}

START_TEST(a_table_damaged_while_the_store_is_open_is_seen_by_every_reading) {
    struct fixture fixture = fixture_create();
    char path[FIXTURE_PATH];
    struct storage *storage = fixture_open(&fixture);
    fixture_append(storage, 1, 1, 10);
    fixture_append(storage, 1, 1, 100000);
    storage_close(storage);
    storage = fixture_open(&fixture); /* The log is a table now; there are too few to be merged. */
    struct image image = image_take(&fixture);
    for (size_t i = 0; i < image.count; i++) {
        if (image.files[i].size > 100000) { /* The last entry's table; it is mapped, and changed under LevelDB. */
            fixture_path(path, &fixture, image.files[i].name);
            int descriptor = open(path, O_WRONLY);
            ck_assert_int_eq(pwrite(descriptor, "!", 1, 50000), 1);
            close(descriptor);
        }
    }
    struct storage_state state;
    struct storage_message message = {""};
    struct raft_entry *entries = NULL;
    struct buffer *buffer = NULL;
    size_t count = 0;
    storage_state(storage, &state);
    ck_assert_int_eq(storage_read(storage, state.last.index, state.last.index, 1, &entries, &count, &buffer, &message),
                     STORAGE_DAMAGED);
    ck_assert_ptr_null(entries);
    ck_assert_int_eq(storage_visit(storage, 1, visit_all, &count, &message), STORAGE_DAMAGED);
    ck_assert_uint_lt(count, state.last.index);
    storage_close(storage);
    image_destroy(&image);
    fixture_destroy(&fixture);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, random_writes_leave_what_they_leave_in_memory_also_after_reopening, 0, SEEDS);
    tcase_add_test(tcase, batches_larger_than_the_write_buffer_come_back);
    tcase_add_test(tcase, a_store_in_use_is_locked);
    tcase_add_test(tcase, a_store_in_use_by_another_process_is_locked_until_that_ends);
    tcase_add_test(tcase, the_store_of_another_node_is_refused);
    tcase_add_test(tcase, after_a_failed_write_every_write_fails_and_what_was_acknowledged_is_there);
    tcase_add_loop_test(tcase, a_flipped_bit_of_a_table_is_damage_or_without_effect, 0, TABLE_PIECES);
    tcase_add_test(tcase, a_missing_emptied_or_cut_table_is_damage);
    tcase_add_test(tcase, a_table_damaged_while_the_store_is_open_is_seen_by_every_reading);
}

CHECK_MAIN("leveldb_store", add_tests)
