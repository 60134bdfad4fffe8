/* What only the twin in memory does; what it shares with the store on disk is in storage_test.c and leveldb_store_test.c.
 */
#include "storage/store.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

START_TEST(it_has_the_identity_it_was_given) {
    struct storage *storage = storage_memory_create(42, "00112233445566778899aabbccddeeff");
    struct storage_state state;
    storage_state(storage, &state);
    ck_assert_uint_eq(state.identity.node_id, 42);
    ck_assert_str_eq(state.identity.incarnation, "00112233445566778899aabbccddeeff");
    storage_close(storage);
}
END_TEST

START_TEST(two_of_them_share_nothing) {
    struct storage *one = storage_memory_create(1, "a");
    struct storage *other = storage_memory_create(2, "b");
    struct storage_state state;
    fixture_append(one, 1, 3, 10);
    storage_state(other, &state);
    ck_assert_uint_eq(state.last.index, 0);
    storage_close(one);
    storage_close(other);
}
END_TEST

START_TEST(it_keeps_copies_of_the_bytes) {
    struct storage *storage = storage_memory_create(1, "a");
    char bytes[] = "before";
    const struct raft_entry entry = {.id = {1, 0}, .type = RAFT_COMMAND, .size = 6, .data = bytes};
    const struct storage_write write = {.entries = &entry, .entry_count = 1};
    struct storage_message message;
    ck_assert_int_eq(storage_write(storage, &write, &message), STORAGE_OK);
    memcpy(bytes, "after!", 6);
    struct raft_entry *entries = NULL;
    struct buffer *buffer = NULL;
    size_t count = 0;
    ck_assert_int_eq(storage_read(storage, 1, 1, 100, &entries, &count, &buffer, &message), STORAGE_OK);
    ck_assert_mem_eq(entries[0].data, "before", 6);
    free(entries);
    buffer_release(buffer);
    storage_close(storage);
}
END_TEST

START_TEST(its_size_is_that_of_the_bytes_in_the_log) {
    struct storage *storage = storage_memory_create(1, "a");
    struct storage_message message;
    fixture_append(storage, 1, 3, 10);
    ck_assert_uint_eq(storage_size_bytes(storage), 30);
    const struct storage_write write = {.truncate_from = 2};
    ck_assert_int_eq(storage_write(storage, &write, &message), STORAGE_OK);
    ck_assert_uint_eq(storage_size_bytes(storage), 10);
    storage_close(storage);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, it_has_the_identity_it_was_given);
    tcase_add_test(tcase, two_of_them_share_nothing);
    tcase_add_test(tcase, it_keeps_copies_of_the_bytes);
    tcase_add_test(tcase, its_size_is_that_of_the_bytes_in_the_log);
}

CHECK_MAIN("memory_store", add_tests)
