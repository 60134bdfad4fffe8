/* What was written is read back: each test runs once on disk and once in memory. */
#include "storage/snapshot_file.h"

#include "tests/check_main.h"
#include "tests/unit/storage/snapshot_fixture.h"

START_TEST(head_and_sections_come_back_as_they_went_in) {
    struct snapshots snapshots = snapshots_create(_i);
    struct storage_snapshot snapshot = make_snapshot(snapshots.directory, 9, "{\"voters\":[]}", "", "state");
    ck_assert_uint_eq(snapshot.id.index, 9);
    ck_assert_uint_eq(snapshot.id.term, 3);
    struct snapshot_file *file = open_ok(snapshots.directory, &snapshot);
    const struct snapshot_head *head = snapshot_file_head(file);
    struct snapshot_head expected = head_at(9);
    ck_assert_uint_eq(head->id.index, 9);
    ck_assert_uint_eq(head->id.term, 3);
    ck_assert_uint_eq(head->configuration_index, 1);
    ck_assert_str_eq(head->cluster_id, expected.cluster_id);
    ck_assert_str_eq(head->machine, "hashmap");
    ck_assert_uint_eq(head->chain, expected.chain);
    ck_assert_uint_eq(head->hash_index, 1);
    ck_assert_uint_eq(head->hash, expected.hash);
    expect_section(file, SNAPSHOT_CONFIGURATION, "{\"voters\":[]}", 13);
    expect_section(file, SNAPSHOT_SESSIONS, "", 0);
    expect_section(file, SNAPSHOT_STATE, "state", 5);
    snapshot_file_close(file);
    snapshots_destroy(&snapshots);
}
END_TEST

START_TEST(a_state_of_any_length_comes_back_in_pieces_of_any_size) {
    const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 3000000};
    const size_t pieces[] = {7, 4096, 65536, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct snapshots snapshots = snapshots_create(_i);
        struct snapshot_writer_file *writer = writer_at(snapshots.directory, 5);
        char *state = memory_alloc(sizes[i] + 1);
        char *found = memory_alloc(sizes[i] + 1);
        size_t step = pieces[(i + 1) % 4];
        for (size_t at = 0; at < sizes[i]; at++) {
            state[at] = (char)(at * 2654435761U >> 13);
        }
        for (size_t at = 0; at < sizes[i]; at += step) {
            ck_assert(snapshot_file_write(writer, SNAPSHOT_STATE, state + at, sizes[i] - at < step ? sizes[i] - at : step));
        }
        struct storage_snapshot snapshot = finish_ok(writer);
        for (size_t piece = 0; piece < 4; piece++) {
            struct snapshot_file *file = open_ok(snapshots.directory, &snapshot);
            size_t filled = 0;
            size_t count = 0;
            do {
                size_t room = sizes[i] + 1 - filled;
                count =
                    snapshot_file_read(file, SNAPSHOT_STATE, found + filled, room < pieces[piece] ? room : pieces[piece]);
                filled += count;
            } while (count > 0);
            ck_assert_uint_eq(filled, sizes[i]);
            ck_assert_int_eq(memcmp(found, state, filled), 0);
            snapshot_file_close(file);
        }
        free(state);
        free(found);
        snapshots_destroy(&snapshots);
    }
}
END_TEST

START_TEST(sections_are_read_beside_each_other) {
    struct snapshots snapshots = snapshots_create(_i);
    struct storage_snapshot snapshot = make_snapshot(snapshots.directory, 9, "abcdef", "123456", "ABCDEF");
    struct snapshot_file *file = open_ok(snapshots.directory, &snapshot);
    for (size_t i = 0; i < 6; i++) {
        char letters[3];
        ck_assert_uint_eq(snapshot_file_read(file, SNAPSHOT_STATE, &letters[0], 1), 1);
        ck_assert_uint_eq(snapshot_file_read(file, SNAPSHOT_CONFIGURATION, &letters[1], 1), 1);
        ck_assert_uint_eq(snapshot_file_read(file, SNAPSHOT_SESSIONS, &letters[2], 1), 1);
        ck_assert_int_eq(letters[0], "ABCDEF"[i]);
        ck_assert_int_eq(letters[1], "abcdef"[i]);
        ck_assert_int_eq(letters[2], "123456"[i]);
    }
    snapshot_file_close(file);
    snapshots_destroy(&snapshots);
}
END_TEST

START_TEST(an_open_file_outlives_its_removal) {
    struct snapshots snapshots = snapshots_create(_i);
    struct storage_snapshot old = make_snapshot(snapshots.directory, 9, "c", "t", "old");
    struct snapshot_file *file = open_ok(snapshots.directory, &old);
    struct storage_snapshot new = make_snapshot(snapshots.directory, 12, "c", "t", "new");
    snapshot_directory_clean(snapshots.directory, &new);
    ck_assert_uint_eq(count_files(snapshots.directory), 1);
    ck_assert_int_eq(try_open(snapshots.directory, &old), STORAGE_DAMAGED);
    char byte;
    ck_assert(snapshot_file_raw(file, old.length - 1, &byte, 1));
    expect_section(file, SNAPSHOT_STATE, "old", 3);
    snapshot_file_close(file);
    ck_assert_int_eq(try_open(snapshots.directory, &new), STORAGE_OK);
    snapshots_destroy(&snapshots);
}
END_TEST

START_TEST(a_file_anywhere_tells_what_it_is) {
    struct snapshots snapshots = snapshots_create(0);
    struct storage_snapshot snapshot = make_snapshot(snapshots.directory, 9, "c", "t", "state");
    char *bytes = raw_bytes(snapshots.directory, &snapshot);
    char path[FIXTURE_PATH];
    snprintf(path, sizeof path, "%.400s/backup", snapshots.fixture.base);
    fixture_put_file(path, bytes, (size_t)snapshot.length);
    struct snapshot_file *file = NULL;
    struct storage_snapshot told;
    struct storage_message message = {""};
    ck_assert_int_eq(snapshot_file_open_path(path, &file, &told, &message), STORAGE_OK);
    ck_assert(snapshot_same(&told, &snapshot));
    expect_section(file, SNAPSHOT_STATE, "state", 5);
    snapshot_file_close(file);
    bytes[20] ^= 1;
    fixture_put_file(path, bytes, (size_t)snapshot.length);
    ck_assert_int_eq(snapshot_file_open_path(path, &file, &told, &message), STORAGE_DAMAGED);
    ck_assert_int_eq(snapshot_file_open_path("/nowhere/at/all", &file, &told, &message), STORAGE_DAMAGED);
    ck_assert_msg(strstr(message.text, "No such file") != NULL, "%s", message.text);
    ck_assert_int_eq(snapshot_file_open_path(snapshots.fixture.base, &file, &told, &message), STORAGE_FAILED);
    free(bytes);
    snapshots_destroy(&snapshots);
}
END_TEST

START_TEST(closing_nothing_does_nothing) {
    snapshot_file_close(NULL);
    snapshot_file_abandon(NULL);
    snapshot_directory_close(NULL);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, head_and_sections_come_back_as_they_went_in, 0, 2);
    tcase_add_loop_test(tcase, a_state_of_any_length_comes_back_in_pieces_of_any_size, 0, 2);
    tcase_add_loop_test(tcase, sections_are_read_beside_each_other, 0, 2);
    tcase_add_loop_test(tcase, an_open_file_outlives_its_removal, 0, 2);
    tcase_add_test(tcase, a_file_anywhere_tells_what_it_is);
    tcase_add_test(tcase, closing_nothing_does_nothing);
}

CHECK_MAIN("snapshot_reader", add_tests)
