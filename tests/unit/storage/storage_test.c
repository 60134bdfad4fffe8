/* The promises of storage.h, of both implementations: each test runs once on disk and once in memory. */
#include "storage/storage.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

static const char incarnation[] = "00112233445566778899aabbccddeeff";

struct scene {
    struct fixture fixture;
    struct storage *storage;
};

static struct scene scene_create(int implementation) {
    struct scene scene = {.fixture = fixture_create()};
    scene.storage = implementation == 0 ? fixture_open(&scene.fixture) : storage_memory_create(FIXTURE_NODE, incarnation);
    return scene;
}

static void scene_destroy(struct scene *scene) {
    storage_close(scene->storage);
    fixture_destroy(&scene->fixture);
}

static struct storage_state state_of(const struct storage *storage) {
    struct storage_state state;
    storage_state(storage, &state);
    return state;
}

static void write_ok(struct storage *storage, struct storage_write write) {
    struct storage_message message = {""};
    enum storage_error error = storage_write(storage, &write, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
}

/* What storage_read answers, with the array and the buffer to free. */
struct reading {
    struct raft_entry *entries;
    size_t count;
    struct buffer *buffer;
};

static struct reading read_ok(struct storage *storage, raft_index first, raft_index last, size_t max_bytes) {
    struct reading reading = {.count = 99};
    struct storage_message message = {""};
    enum storage_error error =
        storage_read(storage, first, last, max_bytes, &reading.entries, &reading.count, &reading.buffer, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
    return reading;
}

static void reading_drop(struct reading *reading) {
    free(reading->entries);
    buffer_release(reading->buffer);
}

static size_t count_read(struct storage *storage, raft_index first, raft_index last, size_t max_bytes) {
    struct reading reading = read_ok(storage, first, last, max_bytes);
    size_t count = reading.count;
    reading_drop(&reading);
    return count;
}

START_TEST(a_new_store_is_empty) {
    struct scene scene = scene_create(_i);
    struct storage_state state = state_of(scene.storage);
    ck_assert_uint_eq(state.identity.node_id, FIXTURE_NODE);
    ck_assert_uint_eq(strlen(state.identity.incarnation), STORAGE_INCARNATION_SIZE);
    ck_assert_str_eq(state.identity.cluster_id, "");
    ck_assert(!state.identity.formed);
    ck_assert_uint_eq(state.hard_state.term, 0);
    ck_assert_uint_eq(state.hard_state.voted_for, 0);
    ck_assert_uint_eq(state.base.index, 0);
    ck_assert_uint_eq(state.last.index, 0);
    ck_assert_uint_eq(state.last.term, 0);
    ck_assert_uint_eq(count_read(scene.storage, 1, 10, 100), 0);
    scene_destroy(&scene);
}
END_TEST

START_TEST(entries_come_back_with_type_term_and_bytes) {
    struct scene scene = scene_create(_i);
    const struct raft_entry entries[] = {
        {.id = {1, 1}, .type = RAFT_CONFIGURATION, .size = 2, .data = "{}"},
        {.id = {2, 1}, .type = RAFT_NOOP},
        {.id = {3, 4}, .type = RAFT_COMMAND, .size = 5, .data = "\"\0\n\xff\""},
    };
    write_ok(scene.storage, (struct storage_write){.entries = entries,
                                                   .entry_count = 3,
                                                   .hard_state_changed = true,
                                                   .hard_state = {.term = 4, .voted_for = 2}});
    struct reading reading = read_ok(scene.storage, 1, 3, 100);
    ck_assert_uint_eq(reading.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct raft_entry *entry = &reading.entries[i];
        ck_assert_uint_eq(entry->id.index, i + 1);
        ck_assert_uint_eq(entry->id.term, entries[i].id.term);
        ck_assert_int_eq(entry->type, entries[i].type);
        ck_assert_uint_eq(entry->size, entries[i].size);
        ck_assert_ptr_eq(entry->buffer, entry->size == 0 ? NULL : reading.buffer);
        ck_assert(entry->size == 0 || memcmp(entry->data, entries[i].data, entry->size) == 0);
        ck_assert_ptr_null(entry->configuration);
    }
    ck_assert_uint_eq(reading.buffer->references, 1);
    reading_drop(&reading);
    ck_assert_uint_eq(state_of(scene.storage).last.term, 4);
    scene_destroy(&scene);
}
END_TEST

START_TEST(entries_come_back_with_their_origin) {
    struct scene scene = scene_create(_i);
    const struct raft_entry entries[] = {
        {.id = {1, 1}, .type = RAFT_SESSION, .time_ms = 9},
        {.id = {2, 1}, .type = RAFT_COMMAND, .size = 1, .data = "1", .time_ms = 10, .key = "\"one\"", .key_size = 5},
        {.id = {3, 1}, .type = RAFT_COMMAND, .size = 1, .data = "2", .time_ms = 11, .session = 1, .sequence = 4},
        {.id = {4, 1}, .type = RAFT_COMMAND, .size = 1, .data = "3", .time_ms = 11, .key = "\"two\"", .key_size = 5},
        {.id = {5, 1}, .type = RAFT_SESSION, .time_ms = 12, .session = 1},
    };
    write_ok(scene.storage, (struct storage_write){.entries = entries,
                                                   .entry_count = 5,
                                                   .hard_state_changed = true,
                                                   .hard_state = {.term = 1, .voted_for = 2}});
    struct reading reading = read_ok(scene.storage, 1, 5, 100);
    ck_assert_uint_eq(reading.count, 5);
    for (size_t i = 0; i < 5; i++) {
        const struct raft_entry *entry = &reading.entries[i];
        ck_assert_int_eq(entry->type, entries[i].type);
        ck_assert_uint_eq(entry->time_ms, entries[i].time_ms);
        ck_assert_uint_eq(entry->session, entries[i].session);
        ck_assert_uint_eq(entry->sequence, entries[i].sequence);
        ck_assert_uint_eq(entry->key_size, entries[i].key_size);
        ck_assert_ptr_eq(entry->buffer, entry->size == 0 ? NULL : reading.buffer);
        ck_assert(entry->size == 0 || memcmp(entry->data, entries[i].data, entry->size) == 0);
        ck_assert(entry->key_size == 0 ? entry->key == NULL : memcmp(entry->key, entries[i].key, 5) == 0);
        ck_assert(entry->key == NULL ||
                  (entry->key >= reading.buffer->data && entry->key + 5 <= reading.buffer->data + reading.buffer->size));
    }
    reading_drop(&reading);
    ck_assert_uint_eq(count_read(scene.storage, 2, 5, 6), 1); /* Keys count among the bytes. */
    ck_assert_uint_eq(count_read(scene.storage, 2, 5, 7), 2);
    scene_destroy(&scene);
}
END_TEST

START_TEST(hard_state_and_cluster_are_kept_until_they_change) {
    struct scene scene = scene_create(_i);
    write_ok(scene.storage, (struct storage_write){.hard_state_changed = true, .hard_state = {.term = 5, .voted_for = 3}});
    write_ok(
        scene.storage,
        (struct storage_write){.cluster_changed = true, .cluster_id = "fedcba9876543210fedcba9876543210", .formed = false});
    struct storage_state state = state_of(scene.storage);
    ck_assert_uint_eq(state.hard_state.term, 5);
    ck_assert_uint_eq(state.hard_state.voted_for, 3);
    ck_assert_str_eq(state.identity.cluster_id, "fedcba9876543210fedcba9876543210");
    ck_assert(!state.identity.formed);
    write_ok(scene.storage, (struct storage_write){
                                .cluster_changed = true, .cluster_id = "fedcba9876543210fedcba9876543210", .formed = true});
    fixture_append(scene.storage, 5, 1, 1);
    state = state_of(scene.storage);
    ck_assert(state.identity.formed);
    ck_assert_uint_eq(state.hard_state.voted_for, 3);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_truncation_alone_leaves_the_log_before_it) {
    struct scene scene = scene_create(_i);
    fixture_append(scene.storage, 1, 2, 5);
    fixture_append(scene.storage, 3, 4, 5);
    write_ok(scene.storage, (struct storage_write){.truncate_from = 3});
    ck_assert_uint_eq(state_of(scene.storage).last.index, 2);
    ck_assert_uint_eq(state_of(scene.storage).last.term, 1);
    ck_assert_uint_eq(count_read(scene.storage, 1, 10, 1000), 2);
    write_ok(scene.storage, (struct storage_write){.truncate_from = 1});
    ck_assert_uint_eq(state_of(scene.storage).last.index, 0);
    ck_assert_uint_eq(state_of(scene.storage).last.term, 0);
    ck_assert_uint_eq(count_read(scene.storage, 1, 10, 1000), 0);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_truncation_past_the_end_removes_nothing) {
    struct scene scene = scene_create(_i);
    fixture_append(scene.storage, 1, 2, 5);
    write_ok(scene.storage, (struct storage_write){.truncate_from = 3});
    ck_assert_uint_eq(state_of(scene.storage).last.index, 2);
    scene_destroy(&scene);
}
END_TEST

START_TEST(truncated_entries_are_replaced_by_fewer_as_many_and_more) {
    struct scene scene = scene_create(_i);
    fixture_append(scene.storage, 1, 6, 5);
    for (size_t count = 1; count <= 5; count++) {
        struct raft_entry entries[5] = {{.size = 0}};
        struct storage_state state = state_of(scene.storage);
        for (size_t i = 0; i < count; i++) {
            entries[i] = (struct raft_entry){
                .id = {.index = 4 + i, .term = 1 + count}, .type = RAFT_COMMAND, .size = 3, .data = "new"};
        }
        write_ok(scene.storage, (struct storage_write){.truncate_from = 4,
                                                       .entries = entries,
                                                       .entry_count = count,
                                                       .hard_state_changed = true,
                                                       .hard_state = {.term = state.hard_state.term + 1}});
        ck_assert_uint_eq(state_of(scene.storage).last.index, 3 + count);
        struct reading reading = read_ok(scene.storage, 1, 100, 1000);
        ck_assert_uint_eq(reading.count, 3 + count);
        ck_assert_uint_eq(reading.entries[2].id.term, 1);
        ck_assert_uint_eq(reading.entries[3].id.term, 1 + count);
        reading_drop(&reading);
    }
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_reading_ends_at_last_at_the_log_and_at_its_bytes) {
    struct scene scene = scene_create(_i);
    fixture_append(scene.storage, 1, 10, 100);
    ck_assert_uint_eq(count_read(scene.storage, 1, 10, 100000), 10);
    ck_assert_uint_eq(count_read(scene.storage, 4, 4, 100000), 1);
    ck_assert_uint_eq(count_read(scene.storage, 4, 6, 100000), 3);
    ck_assert_uint_eq(count_read(scene.storage, 9, 20, 100000), 2);
    ck_assert_uint_eq(count_read(scene.storage, 10, RAFT_NUMBER_MAX, SIZE_MAX), 1);
    ck_assert_uint_eq(count_read(scene.storage, 1, 10, 300), 3);
    ck_assert_uint_eq(count_read(scene.storage, 1, 10, 299), 2);
    ck_assert_uint_eq(count_read(scene.storage, 1, 10, 99), 1);
    ck_assert_uint_eq(count_read(scene.storage, 1, 10, 0), 1);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_reading_outside_the_log_is_empty) {
    struct scene scene = scene_create(_i);
    fixture_append(scene.storage, 1, 3, 10);
    struct reading reading = read_ok(scene.storage, 4, 10, 1000);
    ck_assert_uint_eq(reading.count, 0);
    ck_assert_ptr_null(reading.entries);
    ck_assert_ptr_null(reading.buffer);
    ck_assert_uint_eq(count_read(scene.storage, 0, 10, 1000), 0);
    ck_assert_uint_eq(count_read(scene.storage, 3, 2, 1000), 0);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_reading_of_empty_entries_has_an_empty_buffer) {
    struct scene scene = scene_create(_i);
    fixture_append(scene.storage, 1, 3, 0);
    struct reading reading = read_ok(scene.storage, 1, 3, 0);
    ck_assert_uint_eq(reading.count, 3);
    ck_assert_ptr_nonnull(reading.buffer);
    ck_assert_uint_eq(reading.buffer->size, 0);
    ck_assert_ptr_null(reading.entries[1].buffer);
    reading_drop(&reading);
    scene_destroy(&scene);
}
END_TEST

/* What a snapshot file would be called. */
static struct storage_snapshot snapshot_at(raft_index index, raft_term term) {
    return (struct storage_snapshot){.id = {.index = index, .term = term}, .length = 1000 + index, .crc = 77};
}

static void expect_log(struct storage *storage, raft_index base, raft_index last) {
    struct storage_state state = state_of(storage);
    ck_assert_uint_eq(state.base.index, base);
    ck_assert_uint_eq(state.last.index, last);
    ck_assert_uint_eq(count_read(storage, base, last, SIZE_MAX), 0);
    ck_assert_uint_eq(count_read(storage, base + 1, RAFT_NUMBER_MAX, SIZE_MAX), last - base);
}

START_TEST(a_compacted_log_begins_after_its_base) {
    struct scene scene = scene_create(_i);
    fixture_append(scene.storage, 1, 5, 10);
    fixture_append(scene.storage, 2, 5, 10);
    write_ok(scene.storage,
             (struct storage_write){.compact_through = 5, .snapshot_changed = true, .snapshot = snapshot_at(7, 2)});
    expect_log(scene.storage, 5, 10);
    ck_assert_uint_eq(state_of(scene.storage).base.term, 1);
    ck_assert_uint_eq(state_of(scene.storage).snapshot.id.index, 7);
    ck_assert_uint_eq(state_of(scene.storage).snapshot.length, 1007);
    ck_assert_uint_eq(state_of(scene.storage).snapshot.crc, 77);
    storage_compact(scene.storage);
    write_ok(scene.storage, (struct storage_write){.compact_through = 4});
    expect_log(scene.storage, 5, 10);
    write_ok(scene.storage, (struct storage_write){.compact_through = 7, .truncate_from = 9});
    expect_log(scene.storage, 7, 8);
    fixture_append(scene.storage, 2, 2, 10);
    expect_log(scene.storage, 7, 10);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_log_may_be_compacted_to_its_last_entry_and_go_on) {
    struct scene scene = scene_create(_i);
    fixture_append(scene.storage, 3, 4, 10);
    write_ok(scene.storage,
             (struct storage_write){.compact_through = 4, .snapshot_changed = true, .snapshot = snapshot_at(4, 3)});
    expect_log(scene.storage, 4, 4);
    ck_assert_uint_eq(state_of(scene.storage).last.term, 3);
    fixture_append(scene.storage, 3, 2, 10);
    expect_log(scene.storage, 4, 6);
    write_ok(scene.storage, (struct storage_write){.truncate_from = 5});
    expect_log(scene.storage, 4, 4);
    ck_assert_uint_eq(state_of(scene.storage).last.term, 3);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_compaction_may_reach_into_the_entries_of_its_own_write) {
    struct scene scene = scene_create(_i);
    fixture_append(scene.storage, 1, 2, 10);
    const struct raft_entry entries[] = {{.id = {3, 1}, .type = RAFT_NOOP}, {.id = {4, 2}, .type = RAFT_NOOP}};
    write_ok(scene.storage, (struct storage_write){.compact_through = 4,
                                                   .entries = entries,
                                                   .entry_count = 2,
                                                   .snapshot_changed = true,
                                                   .snapshot = snapshot_at(4, 2),
                                                   .hard_state_changed = true,
                                                   .hard_state = {.term = 2}});
    expect_log(scene.storage, 4, 4);
    ck_assert_uint_eq(state_of(scene.storage).base.term, 2);
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_replaced_log_holds_nothing_of_the_old_one) {
    const raft_index replaced_by[] = {1, 3, 6, 7, 100};
    for (size_t i = 0; i < sizeof replaced_by / sizeof *replaced_by; i++) {
        struct scene scene = scene_create(_i);
        fixture_append(scene.storage, 1, 6, 10);
        raft_index base = replaced_by[i];
        write_ok(scene.storage, (struct storage_write){.replaced_by = {base, 2},
                                                       .snapshot_changed = true,
                                                       .snapshot = snapshot_at(base, 2),
                                                       .hard_state_changed = true,
                                                       .hard_state = {.term = 2}});
        expect_log(scene.storage, base, base);
        ck_assert_uint_eq(state_of(scene.storage).last.term, 2);
        ck_assert_uint_eq(count_read(scene.storage, 1, 200, SIZE_MAX), 0);
        fixture_append(scene.storage, 2, 2, 10);
        storage_compact(scene.storage);
        expect_log(scene.storage, base, base + 2);
        scene_destroy(&scene);
    }
}
END_TEST

START_TEST(only_a_store_on_disk_has_a_directory) {
    struct scene scene = scene_create(_i);
    if (_i == 0) {
        ck_assert_str_eq(storage_directory(scene.storage), scene.fixture.data);
    } else {
        ck_assert_ptr_null(storage_directory(scene.storage));
    }
    scene_destroy(&scene);
}
END_TEST

struct visits {
    raft_index first;
    size_t count;
    size_t stop_after;
};

static bool note_visit(void *context, const struct raft_entry *entry) {
    struct visits *visits = context;
    ck_assert_ptr_null(entry->buffer);
    ck_assert_ptr_null(entry->configuration);
    if (visits->count == 0) {
        visits->first = entry->id.index;
    }
    ck_assert_uint_eq(entry->id.index, visits->first + visits->count);
    return ++visits->count != visits->stop_after;
}

START_TEST(a_visit_goes_from_first_to_the_end_or_until_it_is_told_to_stop) {
    struct scene scene = scene_create(_i);
    struct storage_message message;
    fixture_append(scene.storage, 1, 9, 10);
    const struct {
        raft_index first;
        size_t stop_after;
        size_t count;
    } cases[] = {{0, 0, 9}, {1, 0, 9}, {5, 0, 5}, {9, 0, 1}, {10, 0, 0}, {1, 1, 1}, {3, 4, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct visits visits = {.stop_after = cases[i].stop_after};
        ck_assert_int_eq(storage_visit(scene.storage, cases[i].first, note_visit, &visits, &message), STORAGE_OK);
        ck_assert_uint_eq(visits.count, cases[i].count);
    }
    scene_destroy(&scene);
}
END_TEST

START_TEST(a_visit_of_a_compacted_log_begins_behind_the_base) {
    struct scene scene = scene_create(_i);
    struct storage_message message;
    fixture_append(scene.storage, 1, 9, 10);
    write_ok(scene.storage,
             (struct storage_write){.compact_through = 4, .snapshot_changed = true, .snapshot = snapshot_at(4, 1)});
    for (raft_index first = 0; first <= 11; first++) {
        struct visits visits = {.count = 0};
        ck_assert_int_eq(storage_visit(scene.storage, first, note_visit, &visits, &message), STORAGE_OK);
        ck_assert_uint_eq(visits.first, first > 9 ? 0 : first > 4 ? first : 5);
        ck_assert_uint_eq(visits.count, first > 9 ? 0 : first > 4 ? 10 - first : 5);
    }
    scene_destroy(&scene);
}
END_TEST

START_TEST(the_size_grows_with_what_is_stored) {
    struct scene scene = scene_create(_i);
    uint64_t before = storage_size_bytes(scene.storage);
    fixture_append(scene.storage, 1, 10, 1000);
    ck_assert_uint_ge(storage_size_bytes(scene.storage), before + 10000);
    scene_destroy(&scene);
}
END_TEST

START_TEST(closing_nothing_does_nothing) {
    storage_close(NULL);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, a_new_store_is_empty, 0, 2);
    tcase_add_loop_test(tcase, entries_come_back_with_type_term_and_bytes, 0, 2);
    tcase_add_loop_test(tcase, entries_come_back_with_their_origin, 0, 2);
    tcase_add_loop_test(tcase, hard_state_and_cluster_are_kept_until_they_change, 0, 2);
    tcase_add_loop_test(tcase, a_truncation_alone_leaves_the_log_before_it, 0, 2);
    tcase_add_loop_test(tcase, a_truncation_past_the_end_removes_nothing, 0, 2);
    tcase_add_loop_test(tcase, truncated_entries_are_replaced_by_fewer_as_many_and_more, 0, 2);
    tcase_add_loop_test(tcase, a_reading_ends_at_last_at_the_log_and_at_its_bytes, 0, 2);
    tcase_add_loop_test(tcase, a_reading_outside_the_log_is_empty, 0, 2);
    tcase_add_loop_test(tcase, a_reading_of_empty_entries_has_an_empty_buffer, 0, 2);
    tcase_add_loop_test(tcase, a_visit_goes_from_first_to_the_end_or_until_it_is_told_to_stop, 0, 2);
    tcase_add_loop_test(tcase, a_compacted_log_begins_after_its_base, 0, 2);
    tcase_add_loop_test(tcase, a_log_may_be_compacted_to_its_last_entry_and_go_on, 0, 2);
    tcase_add_loop_test(tcase, a_compaction_may_reach_into_the_entries_of_its_own_write, 0, 2);
    tcase_add_loop_test(tcase, a_replaced_log_holds_nothing_of_the_old_one, 0, 2);
    tcase_add_loop_test(tcase, only_a_store_on_disk_has_a_directory, 0, 2);
    tcase_add_loop_test(tcase, a_visit_of_a_compacted_log_begins_behind_the_base, 0, 2);
    tcase_add_loop_test(tcase, the_size_grows_with_what_is_stored, 0, 2);
    tcase_add_test(tcase, closing_nothing_does_nothing);
}

CHECK_MAIN("storage", add_tests)
