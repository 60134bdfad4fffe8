#include "server/entry_cache.h"

#include "tests/check_main.h"

#include <stdio.h>
#include <string.h>

enum { SIZE = 100, COST = sizeof(struct raft_entry) + SIZE };

static void append(struct entry_cache *cache, raft_index index, raft_term term) {
    char bytes[SIZE] = "";
    snprintf(bytes, sizeof bytes, "%d/%d", (int)index, (int)term);
    struct buffer *buffer = buffer_copy(bytes, SIZE);
    entry_cache_append(
        cache, &(struct raft_entry){
                   .id = {index, term}, .type = RAFT_COMMAND, .size = SIZE, .data = buffer->data, .buffer = buffer});
    buffer_release(buffer);
}

static void append_up_to(struct entry_cache *cache, raft_index last) {
    while (cache->next <= last) {
        append(cache, cache->next, 1);
    }
}

static void assert_holds(const struct entry_cache *cache, raft_index first, raft_index last, raft_term term) {
    ck_assert_uint_eq(entry_cache_first(cache), first);
    ck_assert_uint_eq(cache->next, last + 1);
    ck_assert_uint_eq(cache->bytes, (last + 1 - first) * COST);
    for (raft_index index = first; index <= last; index++) {
        char bytes[SIZE];
        const struct raft_entry *entry = entry_cache_range(cache, index, 1);
        snprintf(bytes, sizeof bytes, "%d/%d", (int)index, (int)entry->id.term);
        ck_assert_uint_eq(entry->id.index, index);
        ck_assert_str_eq(entry->data, bytes);
        ck_assert(term == 0 || entry->id.term == term);
    }
}

START_TEST(a_cache_begins_where_the_log_ends) {
    struct entry_cache cache;
    entry_cache_init(&cache, 0, 8);
    ck_assert_uint_eq(entry_cache_first(&cache), 8);
    append(&cache, 8, 1);
    assert_holds(&cache, 8, 8, 1);
    entry_cache_clear(&cache);
}
END_TEST

START_TEST(the_oldest_go_while_it_is_too_large_but_none_above_the_given_index) {
    struct entry_cache cache;
    entry_cache_init(&cache, 3 * COST, 1);
    append_up_to(&cache, 10);
    entry_cache_evict(&cache, 5, UINT64_MAX);
    assert_holds(&cache, 6, 10, 1);
    entry_cache_evict(&cache, 10, UINT64_MAX);
    assert_holds(&cache, 8, 10, 1);
    entry_cache_evict(&cache, 10, UINT64_MAX);
    assert_holds(&cache, 8, 10, 1);
    entry_cache_clear(&cache);
}
END_TEST

START_TEST(one_byte_more_than_fits_lets_one_entry_go) {
    struct entry_cache cache;
    entry_cache_init(&cache, 3 * COST - 1, 1);
    append_up_to(&cache, 3);
    entry_cache_evict(&cache, 3, UINT64_MAX);
    assert_holds(&cache, 2, 3, 1);
    entry_cache_clear(&cache);
}
END_TEST

START_TEST(what_is_wanted_stays_until_it_is_several_times_as_large) {
    struct entry_cache cache;
    entry_cache_init(&cache, 3 * COST, 1);
    append_up_to(&cache, 12);
    ck_assert(entry_cache_is_full(&cache));
    entry_cache_evict(&cache, 12, 5);
    assert_holds(&cache, 5, 12, 1);
    entry_cache_evict(&cache, 12, 8);
    assert_holds(&cache, 8, 12, 1);
    entry_cache_evict(&cache, 12, 11); /* The limit alone is kept of what nobody wants. */
    assert_holds(&cache, 10, 12, 1);
    ck_assert(!entry_cache_is_full(&cache));
    append_up_to(&cache, 21);
    entry_cache_evict(&cache, 21, 1);
    assert_holds(&cache, 10, 21, 1);
    append(&cache, 22, 1);
    entry_cache_evict(&cache, 22, 1);
    assert_holds(&cache, 11, 22, 1);
    entry_cache_clear(&cache);
}
END_TEST

START_TEST(truncation_drops_the_index_and_all_above) {
    struct entry_cache cache;
    entry_cache_init(&cache, 0, 1);
    append_up_to(&cache, 10);
    entry_cache_truncate(&cache, 11);
    assert_holds(&cache, 1, 10, 1);
    entry_cache_truncate(&cache, 7);
    assert_holds(&cache, 1, 6, 1);
    append(&cache, 7, 2);
    ck_assert_uint_eq(entry_cache_range(&cache, 7, 1)->id.term, 2);
    entry_cache_clear(&cache);
}
END_TEST

START_TEST(truncation_below_what_is_kept_empties_it) {
    struct entry_cache cache;
    entry_cache_init(&cache, 0, 1);
    append_up_to(&cache, 10);
    entry_cache_evict(&cache, 8, UINT64_MAX);
    assert_holds(&cache, 9, 10, 1);
    entry_cache_truncate(&cache, 4);
    ck_assert_uint_eq(entry_cache_first(&cache), 4);
    ck_assert_uint_eq(cache.bytes, 0);
    append(&cache, 4, 2);
    assert_holds(&cache, 4, 4, 2);
    entry_cache_clear(&cache);
}
END_TEST

START_TEST(it_has_what_lies_within_and_nothing_else) {
    struct entry_cache cache;
    entry_cache_init(&cache, 0, 1);
    append_up_to(&cache, 10);
    entry_cache_evict(&cache, 4, UINT64_MAX);
    ck_assert(entry_cache_has(&cache, 5, 6));
    ck_assert(!entry_cache_has(&cache, 4, 1));
    ck_assert(!entry_cache_has(&cache, 5, 7));
    ck_assert(entry_cache_has(&cache, 10, 1));
    ck_assert(!entry_cache_has(&cache, 11, 1));
    ck_assert(!entry_cache_has(&cache, 12, 0));
    ck_assert(!entry_cache_has(&cache, 5, SIZE_MAX));
    entry_cache_clear(&cache);
}
END_TEST

START_TEST(no_entries_are_no_place_in_the_array_which_may_not_be_there) {
    struct entry_cache cache;
    entry_cache_init(&cache, 0, 8);
    ck_assert_ptr_null(entry_cache_range(&cache, 8, 0));
    append_up_to(&cache, 10);
    ck_assert_ptr_null(entry_cache_range(&cache, 8, 0));
    ck_assert_ptr_null(entry_cache_range(&cache, 11, 0));
    entry_cache_clear(&cache);
}
END_TEST

START_TEST(a_long_run_of_appending_and_evicting_does_not_grow) {
    struct entry_cache cache;
    entry_cache_init(&cache, 10 * COST, 1);
    for (raft_index index = 1; index <= 100000; index++) {
        append(&cache, index, 1);
        entry_cache_evict(&cache, index, UINT64_MAX);
    }
    assert_holds(&cache, 99991, 100000, 1);
    ck_assert_uint_le(cache.capacity, 64);
    entry_cache_clear(&cache);
}
END_TEST

START_TEST(the_bytes_live_as_long_as_the_entry_is_kept) {
    struct entry_cache cache;
    entry_cache_init(&cache, 0, 1);
    struct buffer *buffer = buffer_copy("x", 1);
    struct raft_entry entry = {.id = {1, 1}, .type = RAFT_COMMAND, .size = 1, .data = buffer->data, .buffer = buffer};
    entry_cache_append(&cache, &entry);
    ck_assert_uint_eq(buffer->references, 2);
    entry_cache_truncate(&cache, 1);
    ck_assert_uint_eq(buffer->references, 1);
    entry_cache_append(&cache, &entry);
    entry_cache_evict(&cache, 1, UINT64_MAX);
    ck_assert_uint_eq(buffer->references, 1);
    entry.id.index = 2;
    entry_cache_append(&cache, &entry);
    entry_cache_clear(&cache);
    ck_assert_uint_eq(buffer->references, 1);
    buffer_release(buffer);
}
END_TEST

START_TEST(it_can_begin_anew_elsewhere) {
    struct entry_cache cache;
    entry_cache_init(&cache, 5 * COST, 1);
    append_up_to(&cache, 10);
    entry_cache_restart(&cache, 50); /* The sanitizers see whether what it held is freed. */
    ck_assert_uint_eq(entry_cache_first(&cache), 50);
    ck_assert_uint_eq(cache.bytes, 0);
    append_up_to(&cache, 60);
    entry_cache_evict(&cache, 60, UINT64_MAX);
    assert_holds(&cache, 56, 60, 1);
    entry_cache_clear(&cache);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, it_can_begin_anew_elsewhere);
    tcase_add_test(tcase, a_cache_begins_where_the_log_ends);
    tcase_add_test(tcase, the_oldest_go_while_it_is_too_large_but_none_above_the_given_index);
    tcase_add_test(tcase, one_byte_more_than_fits_lets_one_entry_go);
    tcase_add_test(tcase, what_is_wanted_stays_until_it_is_several_times_as_large);
    tcase_add_test(tcase, truncation_drops_the_index_and_all_above);
    tcase_add_test(tcase, truncation_below_what_is_kept_empties_it);
    tcase_add_test(tcase, it_has_what_lies_within_and_nothing_else);
    tcase_add_test(tcase, no_entries_are_no_place_in_the_array_which_may_not_be_there);
    tcase_add_test(tcase, a_long_run_of_appending_and_evicting_does_not_grow);
    tcase_add_test(tcase, the_bytes_live_as_long_as_the_entry_is_kept);
}

CHECK_MAIN("entry_cache", add_tests)
