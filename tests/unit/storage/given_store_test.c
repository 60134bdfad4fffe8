/* The store in a log store of the program's own: here one in memory, which outlives the store and fails when told to. */
#include "storage/given_store.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

#include <sys/stat.h>

enum { RECORDS_MAX = 64 };

struct piece {
    char bytes[512];
    size_t size;
};

struct shelf {
    struct piece records[RECORDS_MAX]; /* By index; size 0: not there. */
    struct piece facts;
    unsigned writes, opens;
    bool fail_open, fail_facts, fail_read, fail_write;
};

static bool fails(bool wanted, char *message, size_t size) {
    if (wanted) {
        snprintf(message, size, "the shelf broke");
    }
    return wanted;
}

static void *shelf_open(void *context, const char *directory, char *message, size_t size) {
    struct shelf *shelf = context;
    struct stat about;
    ck_assert_int_eq(stat(directory, &about), 0);
    shelf->opens++;
    return fails(shelf->fail_open, message, size) ? NULL : shelf;
}

static void shelf_close(void *log) {
    ((struct shelf *)log)->opens--;
}

static bool shelf_facts(void *log, char out_facts[LOG_STORE_FACTS_MAX], size_t *out_size, char *message, size_t size) {
    struct shelf *shelf = log;
    memcpy(out_facts, shelf->facts.bytes, shelf->facts.size);
    *out_size = shelf->facts.size;
    return !fails(shelf->fail_facts, message, size);
}

static bool shelf_read(void *log, uint64_t first, uint64_t last,
                       bool (*take)(void *taker, uint64_t index, const void *bytes, size_t size), void *taker,
                       char *message, size_t size) {
    struct shelf *shelf = log;
    for (uint64_t i = first; i <= last && i < RECORDS_MAX; i++) {
        if (shelf->records[i].size > 0 && !take(taker, i, shelf->records[i].bytes, shelf->records[i].size)) {
            break;
        }
    }
    return !fails(shelf->fail_read, message, size);
}

static void keep(struct piece *piece, const struct log_store_bytes *bytes) {
    ck_assert_uint_ge(bytes->size, 1);
    ck_assert_uint_le(bytes->size, sizeof piece->bytes);
    memcpy(piece->bytes, bytes->bytes, bytes->size);
    piece->size = bytes->size;
}

/* As the header says: in this order, and what is kept stays contiguous. */
static bool shelf_write(void *log, const struct log_store_write *write, char *message, size_t size) {
    struct shelf *shelf = log;
    if (fails(shelf->fail_write, message, size)) {
        return false;
    }
    for (uint64_t i = write->remove_from; write->remove_from != 0 && i < RECORDS_MAX; i++) {
        shelf->records[i].size = 0;
    }
    for (size_t i = 0; i < write->count; i++) {
        ck_assert_uint_lt(write->first + i, RECORDS_MAX);
        ck_assert_uint_eq(shelf->records[write->first + i].size, 0);
        keep(&shelf->records[write->first + i], &write->records[i]);
    }
    for (uint64_t i = 0; i <= write->remove_through; i++) {
        shelf->records[i].size = 0;
    }
    keep(&shelf->facts, &write->facts);
    shelf->writes++;
    return true;
}

static const struct log_store table = {.abi_version = LOG_STORE_ABI_VERSION,
                                       .table_size = sizeof table,
                                       .name = "shelf",
                                       .open = shelf_open,
                                       .close = shelf_close,
                                       .facts = shelf_facts,
                                       .read = shelf_read,
                                       .write = shelf_write};

struct setting {
    struct fixture fixture;
    struct shelf shelf;
    struct storage *storage;
    struct storage_message message;
};

static enum storage_error reopen(struct setting *now) {
    storage_close(now->storage);
    now->storage = NULL;
    return given_store_open(&table, &now->shelf, now->fixture.data, 7, &now->storage, &now->message);
}

static void begin(struct setting *now) {
    *now = (struct setting){.fixture = fixture_create()};
    ck_assert_msg(reopen(now) == STORAGE_OK, "%s", now->message.text);
}

static void end(struct setting *now) {
    storage_close(now->storage);
    ck_assert_uint_eq(now->shelf.opens, now->shelf.fail_open ? 1 : 0);
    fixture_destroy(&now->fixture);
}

/* Entries 1 to 9 in terms 1, a vote, the snapshot as of 4, and what is up to 3 is gone. */
static void fill(struct setting *now) {
    const struct storage_write vote = {.hard_state_changed = true, .hard_state = {.term = 3, .voted_for = 2}};
    const struct storage_write compact = {.snapshot_changed = true,
                                          .snapshot = {.id = {.index = 4, .term = 1}, .length = 900, .crc = 5},
                                          .compact_through = 3};
    fixture_append(now->storage, 1, 9, 20);
    ck_assert_int_eq(storage_write(now->storage, &vote, &now->message), STORAGE_OK);
    ck_assert_int_eq(storage_write(now->storage, &compact, &now->message), STORAGE_OK);
}

START_TEST(what_was_written_is_there_at_the_next_start) {
    struct setting now;
    begin(&now);
    struct storage_state before, after;
    storage_state(now.storage, &before);
    ck_assert_uint_eq(before.identity.node_id, 7);
    ck_assert_uint_eq(strlen(before.identity.incarnation), STORAGE_INCARNATION_SIZE);
    ck_assert_str_eq(storage_directory(now.storage), now.fixture.data);
    fill(&now);
    storage_state(now.storage, &before);
    struct contents promised = contents_of(now.storage);
    ck_assert_int_eq(reopen(&now), STORAGE_OK);
    storage_state(now.storage, &after);
    ck_assert_mem_eq(&before.hard_state, &after.hard_state, sizeof before.hard_state);
    ck_assert_str_eq(before.identity.incarnation, after.identity.incarnation);
    ck_assert_uint_eq(after.base.index, 3);
    ck_assert_uint_eq(after.last.index, 9);
    ck_assert_uint_eq(after.snapshot.length, 900);
    struct contents found = contents_of(now.storage);
    ck_assert(contents_equal(&promised, &found));
    free(promised.text);
    free(found.text);
    end(&now);
}
END_TEST

START_TEST(a_truncated_and_a_replaced_log_go_on) {
    struct setting now;
    struct storage_state state;
    begin(&now);
    fill(&now);
    ck_assert_int_eq(storage_write(now.storage, &(struct storage_write){.truncate_from = 7}, &now.message), STORAGE_OK);
    ck_assert_uint_eq(now.shelf.records[7].size, 0);
    ck_assert_int_eq(reopen(&now), STORAGE_OK);
    storage_state(now.storage, &state);
    ck_assert_uint_eq(state.last.index, 6);
    const struct storage_snapshot snapshot = {.id = {.index = 20, .term = 2}, .length = 1000, .crc = 6};
    const struct storage_write replace = {.replaced_by = snapshot.id, .snapshot_changed = true, .snapshot = snapshot};
    ck_assert_int_eq(storage_write(now.storage, &replace, &now.message), STORAGE_OK);
    ck_assert_int_eq(reopen(&now), STORAGE_OK);
    storage_state(now.storage, &state);
    ck_assert_uint_eq(state.base.index, 20);
    ck_assert_uint_eq(state.last.index, 20);
    const struct raft_entry entry = {.id = {21, 3}, .type = RAFT_COMMAND, .size = 2, .data = "{}"};
    ck_assert_int_eq(storage_write(now.storage, &(struct storage_write){.entries = &entry, .entry_count = 1}, &now.message),
                     STORAGE_OK);
    ck_assert_int_eq(reopen(&now), STORAGE_OK);
    storage_state(now.storage, &state);
    ck_assert_uint_eq(state.last.index, 21);
    end(&now);
}
END_TEST

START_TEST(reads_are_bounded_and_what_is_gone_is_none) {
    struct setting now;
    begin(&now);
    fill(&now);
    static const struct {
        raft_index first, last;
        size_t bytes, count;
    } reads[] = {{4, 9, 1000, 6},   {4, 9, 50, 2},    {5, 5, 0, 1}, {3, 9, 1000, 0},
                 {10, 12, 1000, 0}, {8, 30, 1000, 2}, {0, 9, 9, 0}};
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        struct raft_entry *entries = NULL;
        struct buffer *buffer = NULL;
        size_t count = 99;
        ck_assert_int_eq(storage_read(now.storage, reads[i].first, reads[i].last, reads[i].bytes, &entries, &count, &buffer,
                                      &now.message),
                         STORAGE_OK);
        ck_assert_msg(count == reads[i].count, "read %zu: %zu", i, count);
        ck_assert(count == 0 || entries[0].id.index == reads[i].first);
        free(entries);
        if (buffer != NULL) {
            buffer_release(buffer);
        }
    }
    end(&now);
}
END_TEST

static void assert_refused(struct setting *now, enum storage_error expected, const char *words) {
    enum storage_error error = reopen(now);
    ck_assert_msg(error == expected, "%d: %s", (int)error, now->message.text);
    ck_assert_msg(strstr(now->message.text, words) != NULL, "%s", now->message.text);
    ck_assert_ptr_null(now->storage);
}

START_TEST(what_is_not_as_it_was_written_is_damage) {
    struct setting now;
    begin(&now);
    fill(&now);
    struct shelf whole = now.shelf;
    whole.opens = 0;
    for (int i = 0; i < 7; i++) {
        struct shelf *shelf = &now.shelf;
        shelf->records[6].bytes[9] ^= (char)(i == 0);
        shelf->records[6].size = i == 1 ? 0 : shelf->records[6].size;
        shelf->records[9].size = i == 2 ? 0 : shelf->records[9].size;
        shelf->records[10] = i == 3 ? shelf->records[9] : shelf->records[10];
        shelf->records[5] = i == 4 ? shelf->records[6] : shelf->records[5];
        shelf->facts.bytes[20] ^= (char)(i == 5);
        shelf->facts.size = i == 6 ? 0 : shelf->facts.size;
        assert_refused(&now, STORAGE_DAMAGED, "wipe");
        ck_assert_uint_eq(now.shelf.opens, 0);
        now.shelf = whole;
    }
    now.shelf.facts.bytes[0] = 9;
    assert_refused(&now, STORAGE_UNUSABLE, "version");
    now.shelf = whole;
    ck_assert_int_eq(reopen(&now), STORAGE_OK);
    end(&now);
}
END_TEST

START_TEST(a_call_that_fails_says_why_and_harms_nothing) {
    struct setting now;
    begin(&now);
    fill(&now);
    now.shelf.fail_write = true;
    const struct storage_write vote = {.hard_state_changed = true, .hard_state = {.term = 8}};
    ck_assert_int_eq(storage_write(now.storage, &vote, &now.message), STORAGE_FAILED);
    ck_assert_ptr_nonnull(strstr(now.message.text, "the shelf broke"));
    now.shelf.fail_write = false;
    ck_assert_int_eq(storage_write(now.storage, &vote, &now.message), STORAGE_FAILED);
    ck_assert_ptr_nonnull(strstr(now.message.text, "an earlier write has failed"));
    now.shelf.fail_facts = true;
    assert_refused(&now, STORAGE_FAILED, "the shelf broke");
    now.shelf.fail_facts = false;
    now.shelf.fail_read = true;
    assert_refused(&now, STORAGE_FAILED, "the shelf broke");
    now.shelf.fail_read = false;
    ck_assert_int_eq(reopen(&now), STORAGE_OK);
    struct storage_state state;
    storage_state(now.storage, &state);
    ck_assert_uint_eq(state.hard_state.term, 3);
    now.shelf.fail_open = true;
    assert_refused(&now, STORAGE_FAILED, "the shelf broke");
    end(&now);
}
END_TEST

START_TEST(another_node_and_raftds_own_log_are_refused) {
    struct setting now;
    struct storage *other = NULL;
    begin(&now);
    ck_assert_int_eq(given_store_open(&table, &now.shelf, now.fixture.data, 7, &other, &now.message), STORAGE_LOCKED);
    storage_close(now.storage);
    now.storage = NULL;
    ck_assert_int_eq(given_store_open(&table, &now.shelf, now.fixture.data, 8, &other, &now.message), STORAGE_WRONG_NODE);
    end(&now);

    struct fixture own = fixture_create();
    storage_close(fixture_open(&own));
    struct shelf empty = {.writes = 0};
    ck_assert_int_eq(given_store_open(&table, &empty, own.data, 7, &other, &now.message), STORAGE_UNUSABLE);
    ck_assert_ptr_nonnull(strstr(now.message.text, "raftd's own log"));
    ck_assert_uint_eq(empty.writes, 0);
    storage_close(fixture_open(&own));
    fixture_destroy(&own);
}
END_TEST

START_TEST(a_table_that_is_not_whole_is_refused) {
    struct setting now = {.fixture = fixture_create()};
    for (int i = 0; i < 4; i++) {
        struct log_store wrong = table;
        wrong.abi_version += i == 0 ? 1 : 0;
        wrong.table_size -= i == 1 ? 8 : 0;
        wrong.write = i == 2 ? NULL : wrong.write;
        wrong.name = i == 3 ? NULL : wrong.name;
        ck_assert_int_eq(given_store_open(&wrong, &now.shelf, now.fixture.data, 7, &now.storage, &now.message),
                         STORAGE_UNUSABLE);
    }
    end(&now);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_was_written_is_there_at_the_next_start);
    tcase_add_test(tcase, a_truncated_and_a_replaced_log_go_on);
    tcase_add_test(tcase, reads_are_bounded_and_what_is_gone_is_none);
    tcase_add_test(tcase, what_is_not_as_it_was_written_is_damage);
    tcase_add_test(tcase, a_call_that_fails_says_why_and_harms_nothing);
    tcase_add_test(tcase, another_node_and_raftds_own_log_are_refused);
    tcase_add_test(tcase, a_table_that_is_not_whole_is_refused);
}

CHECK_MAIN("given_store", add_tests)
