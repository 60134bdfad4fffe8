/* Which files stay. */
#include "storage/snapshot_directory.h"

#include "tests/check_main.h"
#include "tests/unit/storage/snapshot_fixture.h"

static const struct storage_snapshot snapshot = {.id = {20, 3}, .length = 812, .crc = 0x1a2b3c};

START_TEST(names_are_read_as_they_are_written) {
    char name[SNAPSHOT_NAME_SIZE];
    struct storage_snapshot found;
    snapshot_name_whole(&snapshot, name);
    ck_assert_str_eq(name, "20-3-812-001a2b3c.snapshot");
    ck_assert_int_eq(snapshot_name_parse(name, &found), SNAPSHOT_WHOLE);
    ck_assert(snapshot_same(&found, &snapshot));
    snapshot_name_incoming(&snapshot, name);
    ck_assert_int_eq(snapshot_name_parse(name, &found), SNAPSHOT_INCOMING);
    ck_assert(snapshot_same(&found, &snapshot));
    snapshot_name_writing(7, name);
    ck_assert_int_eq(snapshot_name_parse(name, &found), SNAPSHOT_WRITING);
    const struct storage_snapshot largest = {.id = {UINT64_MAX, UINT64_MAX}, .length = UINT64_MAX, .crc = UINT32_MAX};
    snapshot_name_incoming(&largest, name);
    ck_assert_int_eq(snapshot_name_parse(name, &found), SNAPSHOT_INCOMING);
    ck_assert(snapshot_same(&found, &largest));
}
END_TEST

START_TEST(other_names_are_foreign) {
    const char *const names[] = {"",
                                 "notes.txt",
                                 "20-3-812-001a2b3c",
                                 "20-3-812-001A2B3C.snapshot",
                                 "020-3-812-001a2b3c.snapshot",
                                 "20-3-812-1a2b3c.snapshot",
                                 "20-3-812-001a2b3c.snapshot~",
                                 "07.writing",
                                 "7.writing.old",
                                 "-7.writing"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct storage_snapshot found;
        ck_assert_msg(snapshot_name_parse(names[i], &found) == SNAPSHOT_FOREIGN, "%s", names[i]);
    }
}
END_TEST

static bool is_there(const struct snapshots *snapshots, const char *name) {
    char path[FIXTURE_PATH];
    snprintf(path, sizeof path, "%.300s/snapshots/%.150s", snapshots->fixture.base, name);
    return access(path, F_OK) == 0;
}

START_TEST(a_start_keeps_what_counts_and_what_was_coming_in) {
    const struct {
        const char *name;
        bool stays;
    } cases[] = {{"20-3-812-001a2b3c.snapshot", true},
                 {"20-3-812-001a2b3d.snapshot", false},
                 {"30-3-812-001a2b3c.snapshot", false},
                 {"10-3-812-001a2b3c.snapshot", false},
                 {"20-3-812-001a2b3c.incoming", false},
                 {"21-3-812-001a2b3c.incoming", true},
                 {"7.writing", false},
                 {"notes.txt", true}};
    struct snapshots snapshots = snapshots_create(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_blob(snapshots.directory, cases[i].name, "1234", 4);
    }
    ck_assert_uint_eq(snapshot_directory_size_bytes(snapshots.directory), 32);
    snapshot_directory_close(snapshots.directory);
    snapshots_open(&snapshots, &snapshot);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(is_there(&snapshots, cases[i].name) == cases[i].stays, "%s", cases[i].name);
    }
    ck_assert_uint_eq(snapshot_directory_size_bytes(snapshots.directory), 12);
    snapshots_destroy(&snapshots);
}
END_TEST

START_TEST(cleaning_leaves_what_is_being_made_alone) {
    struct snapshots snapshots = snapshots_create(_i);
    struct snapshot_writer_file *writer = writer_at(snapshots.directory, 5);
    struct storage_snapshot one = make_snapshot(snapshots.directory, 9, "c", "t", "1");
    struct storage_snapshot two = make_snapshot(snapshots.directory, 9, "c", "t", "2");
    put_blob(snapshots.directory, "3-3-812-001a2b3c.incoming", "1", 1);
    snapshot_directory_clean(snapshots.directory, &one);
    ck_assert_uint_eq(count_files(snapshots.directory), 3);
    ck_assert_int_eq(try_open(snapshots.directory, &one), STORAGE_OK);
    ck_assert_int_eq(try_open(snapshots.directory, &two), STORAGE_DAMAGED);
    struct storage_snapshot three = finish_ok(writer);
    ck_assert_int_eq(try_open(snapshots.directory, &three), STORAGE_OK);
    snapshots_destroy(&snapshots);
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_is_told) {
    struct fixture fixture = fixture_create();
    struct snapshot_directory *directory = NULL;
    struct storage_message message = {""};
    ck_assert_int_eq(snapshot_directory_open(fixture.data, &snapshot, &directory, &message), STORAGE_FAILED);
    ck_assert_msg(strstr(message.text, "/snapshots: No such file") != NULL, "%s", message.text);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_store_counts_its_snapshots) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    struct snapshot_directory *directory = NULL;
    struct storage_message message = {""};
    ck_assert_int_eq(snapshot_directory_open(storage_directory(storage), &snapshot, &directory, &message), STORAGE_OK);
    uint64_t before = storage_size_bytes(storage);
    struct storage_snapshot made = make_snapshot(directory, 9, "c", "t", "1");
    ck_assert_uint_eq(storage_size_bytes(storage), before + made.length);
    snapshot_directory_close(directory);
    storage_close(storage);
    storage = fixture_open(&fixture); /* It is no stranger there. */
    storage_close(storage);
    fixture_destroy(&fixture);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, names_are_read_as_they_are_written);
    tcase_add_test(tcase, other_names_are_foreign);
    tcase_add_test(tcase, a_start_keeps_what_counts_and_what_was_coming_in);
    tcase_add_loop_test(tcase, cleaning_leaves_what_is_being_made_alone, 0, 2);
    tcase_add_test(tcase, a_directory_that_cannot_be_made_is_told);
    tcase_add_test(tcase, a_store_counts_its_snapshots);
}

CHECK_MAIN("snapshot_directory", add_tests)
