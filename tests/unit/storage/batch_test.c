#include "storage/batch.h"

#include "server/base/memory.h"
#include "tests/check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a batch would do, as text: "e5=" for a put, "-e5" for a deletion. */
static void add_put(void *context, const char *key, size_t key_size, const char *value, size_t value_size) {
    raft_index index = 0;
    (void)value;
    (void)value_size;
    if (record_key_kind(key, key_size, &index) == RECORD_ENTRY) {
        sprintf((char *)context + strlen(context), "e%llu= ", (unsigned long long)index);
    } else {
        sprintf((char *)context + strlen(context), "%c= ", key[0]);
    }
}

static void add_deletion(void *context, const char *key, size_t key_size) {
    raft_index index = 0;
    ck_assert_int_eq(record_key_kind(key, key_size, &index), RECORD_ENTRY);
    sprintf((char *)context + strlen(context), "-e%llu ", (unsigned long long)index);
}

static void expect(struct batch *batch, const char *expected) {
    char text[500] = "";
    leveldb_writebatch_iterate(batch->batch, text, add_put, add_deletion);
    ck_assert_str_eq(text, expected);
}

static struct storage_state ending_with(raft_index last) {
    return (struct storage_state){.identity = {.node_id = 1}, .last = {.index = last, .term = 1}};
}

START_TEST(every_batch_says_what_the_newest_write_is) {
    struct batch *batch = batch_create();
    struct storage_state after = ending_with(3);
    const struct storage_write write = {.entry_count = 0};
    batch_fill(batch, &write, &(struct storage_state){.last.index = 3}, &after, (struct record_newest_write){.number = 2});
    expect(batch, "w= ");
    batch_destroy(batch);
}
END_TEST

START_TEST(only_what_changes_is_written) {
    struct batch *batch = batch_create();
    struct storage_state after = ending_with(3);
    batch_fill(batch, &(struct storage_write){.hard_state_changed = true}, &(struct storage_state){.last.index = 3}, &after,
               (struct record_newest_write){.number = 2});
    expect(batch, "h= w= ");
    batch_fill(batch, &(struct storage_write){.cluster_changed = true}, &(struct storage_state){.last.index = 3}, &after,
               (struct record_newest_write){.number = 3});
    expect(batch, "i= w= ");
    batch_destroy(batch);
}
END_TEST

START_TEST(a_truncation_deletes_what_is_not_replaced) {
    struct batch *batch = batch_create();
    const struct raft_entry entries[] = {{.id = {3, 1}, .type = RAFT_NOOP}, {.id = {4, 1}, .type = RAFT_NOOP}};
    struct storage_state after = ending_with(4);
    const struct storage_write write = {.truncate_from = 3, .entries = entries, .entry_count = 2};
    batch_fill(batch, &write, &(struct storage_state){.last.index = 6}, &after, (struct record_newest_write){.number = 2});
    expect(batch, "-e5 -e6 e3= e4= w= ");
    batch_destroy(batch);
}
END_TEST

START_TEST(a_compaction_writes_the_base_and_deletes_nothing) {
    struct batch *batch = batch_create();
    struct storage_state before = ending_with(9);
    struct storage_state after = ending_with(9);
    before.base.index = 2;
    after.base.index = 6;
    after.snapshot = (struct storage_snapshot){.id = {6, 1}, .length = 1};
    const struct storage_write write = {.compact_through = 6, .snapshot_changed = true};
    batch_fill(batch, &write, &before, &after, (struct record_newest_write){.number = 2});
    expect(batch, "l= s= w= ");
    batch_fill(batch, &(struct storage_write){.compact_through = 6}, &after, &after,
               (struct record_newest_write){.number = 3});
    expect(batch, "w= ");
    batch_destroy(batch);
}
END_TEST

START_TEST(a_replacement_deletes_what_would_look_like_entries_of_the_new_log) {
    struct batch *batch = batch_create();
    struct storage_state before = ending_with(5);
    struct storage_state after = ending_with(3);
    after.base.index = 3;
    after.snapshot = (struct storage_snapshot){.id = {3, 1}, .length = 1};
    const struct storage_write write = {.replaced_by = {3, 1}, .snapshot_changed = true};
    batch_fill(batch, &write, &before, &after, (struct record_newest_write){.number = 2});
    expect(batch, "-e4 -e5 l= s= w= ");
    batch_destroy(batch);
}
END_TEST

START_TEST(memory_of_a_large_batch_is_given_back_with_the_next) {
    struct batch *batch = batch_create();
    size_t size = 2 << 20;
    char *bytes = memory_zalloc(size);
    const struct raft_entry large = {.id = {1, 1}, .type = RAFT_COMMAND, .size = (uint32_t)size, .data = bytes};
    struct storage_state after = ending_with(1);
    batch_fill(batch, &(struct storage_write){.entries = &large, .entry_count = 1},
               &(struct storage_state){.last.index = 0}, &after, (struct record_newest_write){.number = 2});
    ck_assert_uint_gt(batch->value_capacity, size);
    ck_assert_uint_gt(batch->batch_bytes, size);
    batch_fill(batch, &(struct storage_write){.entry_count = 0}, &(struct storage_state){.last.index = 1}, &after,
               (struct record_newest_write){.number = 3});
    ck_assert_uint_eq(batch->value_capacity, 0);
    expect(batch, "w= ");
    free(bytes);
    batch_destroy(batch);
}
END_TEST

START_TEST(destroying_nothing_does_nothing) {
    batch_destroy(NULL);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, every_batch_says_what_the_newest_write_is);
    tcase_add_test(tcase, only_what_changes_is_written);
    tcase_add_test(tcase, a_truncation_deletes_what_is_not_replaced);
    tcase_add_test(tcase, a_compaction_writes_the_base_and_deletes_nothing);
    tcase_add_test(tcase, a_replacement_deletes_what_would_look_like_entries_of_the_new_log);
    tcase_add_test(tcase, memory_of_a_large_batch_is_given_back_with_the_next);
    tcase_add_test(tcase, destroying_nothing_does_nothing);
}

CHECK_MAIN("batch", add_tests)
