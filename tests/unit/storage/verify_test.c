/* Records that are wrong though LevelDB finds nothing wrong with them, put into a real store behind our back. */
#include "storage/verify.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

/* A store with entries 1 to 4, of terms 1, 1, 2 and 2, opened as LevelDB alone. */
struct scene {
    struct fixture fixture;
    struct database *database;
};

static struct scene scene_create(void) {
    struct scene scene = {.fixture = fixture_create()};
    struct storage *storage = fixture_open(&scene.fixture);
    struct storage_message message;
    char path[FIXTURE_PATH];
    fixture_append(storage, 1, 2, 10);
    fixture_append(storage, 2, 2, 10);
    storage_close(storage);
    fixture_path(path, &scene.fixture, "log.db");
    ck_assert_int_eq(database_open(path, false, &scene.database, &message), STORAGE_OK);
    return scene;
}

static void put(struct scene *scene, struct record_key key, const char *value, size_t size) {
    char *text = NULL;
    leveldb_put(scene->database->handle, scene->database->synced, key.bytes, key.size, value, size, &text);
    ck_assert_ptr_null(text);
}

static void delete_key(struct scene *scene, struct record_key key) {
    char *text = NULL;
    leveldb_delete(scene->database->handle, scene->database->synced, key.bytes, key.size, &text);
    ck_assert_ptr_null(text);
}

/* The verdict on the store, twice: of the check by itself and of storage_open. */
static void scene_expect(struct scene *scene, enum storage_error expected, const char *reason) {
    struct storage_state state = {.base.index = 99};
    struct record_newest_write newest;
    struct storage_message message = {""};
    ck_assert_int_eq(verify_all(scene->database, &state, &newest, &message), expected);
    ck_assert_msg(strstr(message.text, reason) != NULL, "%s", message.text);
    ck_assert_uint_eq(state.base.index, 99);
    database_close(scene->database);
    struct storage *storage = NULL;
    ck_assert_int_eq(fixture_try_open(&scene->fixture, &storage, &message), expected);
    fixture_destroy(&scene->fixture);
}

static void put_entry(struct scene *scene, raft_index index, raft_term term) {
    char value[64];
    struct raft_entry entry = {.id = {.index = index, .term = term}, .type = RAFT_COMMAND, .size = 1, .data = "1"};
    put(scene, record_entry_key(index), value, record_encode_entry(&entry, value));
}

START_TEST(an_untouched_store_is_whole) {
    struct scene scene = scene_create();
    struct storage_state state;
    struct record_newest_write newest;
    struct storage_message message = {""};
    ck_assert_int_eq(verify_all(scene.database, &state, &newest, &message), STORAGE_OK);
    ck_assert_uint_eq(state.last.index, 4);
    ck_assert_uint_eq(state.last.term, 2);
    ck_assert_uint_eq(state.hard_state.term, 2);
    ck_assert_uint_eq(newest.number, 3);
    database_close(scene.database);
    fixture_destroy(&scene.fixture);
}
END_TEST

START_TEST(an_entry_that_fails_its_checksum_is_named) {
    struct scene scene = scene_create();
    put(&scene, record_entry_key(3), "\1\1\0\0\0\0\0\0\0\2x....", 15);
    scene_expect(&scene, STORAGE_DAMAGED,
                 "entry 3 fails its checksum; this node's copy is damaged: stop it, remove it from the cluster, wipe the "
                 "directory and let it join again");
}
END_TEST

START_TEST(an_entry_moved_to_another_index_is_damage) {
    struct scene scene = scene_create();
    char value[64];
    struct raft_entry entry = {.id = {.index = 3, .term = 2}, .type = RAFT_NOOP};
    put(&scene, record_entry_key(4), value, record_encode_entry(&entry, value));
    scene_expect(&scene, STORAGE_DAMAGED, "entry 4 fails its checksum");
}
END_TEST

START_TEST(a_gap_between_entries_is_damage) {
    struct scene scene = scene_create();
    delete_key(&scene, record_entry_key(2));
    scene_expect(&scene, STORAGE_DAMAGED, "entry 2 is missing from the log (3 comes next)");
}
END_TEST

START_TEST(a_missing_first_entry_is_damage) {
    struct scene scene = scene_create();
    delete_key(&scene, record_entry_key(1));
    scene_expect(&scene, STORAGE_DAMAGED, "entry 1 is missing");
}
END_TEST

START_TEST(a_missing_last_entry_is_damage) {
    struct scene scene = scene_create();
    delete_key(&scene, record_entry_key(4));
    scene_expect(&scene, STORAGE_DAMAGED,
                 "the log ends with entry 3 of term 2, but the newest write left entry 4 of term 2");
}
END_TEST

START_TEST(an_entry_too_many_is_damage) {
    struct scene scene = scene_create();
    put_entry(&scene, 5, 2);
    scene_expect(&scene, STORAGE_DAMAGED, "but the newest write left entry 4");
}
END_TEST

START_TEST(a_term_that_goes_back_is_damage) {
    struct scene scene = scene_create();
    put_entry(&scene, 4, 1);
    scene_expect(&scene, STORAGE_DAMAGED, "entry 4 is of term 1, after one of term 2");
}
END_TEST

START_TEST(a_hard_state_behind_the_last_entry_is_damage) {
    struct scene scene = scene_create();
    char value[RECORD_SMALL_MAX];
    size_t size = record_encode_hard_state((struct raft_hard_state){.term = 1}, value);
    put(&scene, record_key(RECORD_HARD_STATE), value, size);
    scene_expect(&scene, STORAGE_DAMAGED, "the hard state is of term 1, the last entry of term 2");
}
END_TEST

START_TEST(a_key_that_nobody_writes_is_damage) {
    const char *const keys[] = {"a", "x", "z", "e1", "h2"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct scene scene = scene_create();
        struct record_key key = {.size = strlen(keys[i])};
        memcpy(key.bytes, keys[i], key.size);
        put(&scene, key, "", 0);
        scene_expect(&scene, STORAGE_DAMAGED, "under a key that raftd does not write");
    }
}
END_TEST

START_TEST(each_of_the_small_records_is_needed) {
    for (int kind = RECORD_HARD_STATE; kind <= RECORD_NEWEST_WRITE; kind++) {
        struct scene scene = scene_create();
        delete_key(&scene, record_key((enum record_kind)kind));
        scene_expect(&scene, STORAGE_DAMAGED, "lacks its hard state, identity or newest write");
    }
}
END_TEST

START_TEST(each_of_the_small_records_is_checked) {
    const char *const reasons[] = {"",
                                   "the hard state is too short",
                                   "the identity in the log is too short",
                                   "the number of the newest write is too short",
                                   "the base of the log is too short",
                                   "the name of the snapshot is too short"};
    for (int kind = RECORD_HARD_STATE; kind < RECORD_UNKNOWN; kind++) {
        struct scene scene = scene_create();
        put(&scene, record_key((enum record_kind)kind), "\1", 1);
        scene_expect(&scene, STORAGE_DAMAGED, reasons[kind]);
    }
}
END_TEST

static void put_base(struct scene *scene, raft_index index, raft_term term) {
    char value[RECORD_SMALL_MAX];
    put(scene, record_key(RECORD_BASE), value, record_encode_base((struct raft_entry_id){index, term}, value));
}

static void put_snapshot(struct scene *scene, raft_index index, raft_term term) {
    char value[RECORD_SMALL_MAX];
    const struct storage_snapshot snapshot = {.id = {index, term}, .length = 9, .crc = 1};
    put(scene, record_key(RECORD_SNAPSHOT), value, record_encode_snapshot(&snapshot, value));
}

static void scene_expect_log(struct scene *scene, raft_index base, raft_index last) {
    struct storage *storage = NULL;
    struct storage_state state;
    struct storage_message message = {""};
    for (int round = 0; round < 2; round++) { /* What was dropped stays dropped. */
        database_close(scene->database);
        scene->database = NULL;
        enum storage_error error = fixture_try_open(&scene->fixture, &storage, &message);
        ck_assert_msg(error == STORAGE_OK, "%s", message.text);
        storage_state(storage, &state);
        ck_assert_uint_eq(state.base.index, base);
        ck_assert_uint_eq(state.last.index, last + (raft_index)round);
        fixture_append(storage, 2, 1, 10);
        storage_close(storage);
    }
    fixture_destroy(&scene->fixture);
}

START_TEST(entries_at_or_below_the_base_are_of_no_account) {
    const raft_index deleted[] = {1, 2, 9};
    for (size_t i = 0; i < sizeof deleted / sizeof *deleted; i++) {
        struct scene scene = scene_create();
        put_base(&scene, 3, 2);
        put_snapshot(&scene, 4, 2);
        put(&scene, record_entry_key(1), "rubbish", 7);
        delete_key(&scene, record_entry_key(deleted[i]));
        scene_expect_log(&scene, 3, 4);
    }
}
END_TEST

START_TEST(a_gap_after_the_base_is_damage) {
    struct scene scene = scene_create();
    put_base(&scene, 2, 1);
    put_snapshot(&scene, 2, 1);
    delete_key(&scene, record_entry_key(3));
    scene_expect(&scene, STORAGE_DAMAGED, "entry 3 is missing from the log (4 comes next)");
}
END_TEST

START_TEST(a_term_before_that_of_the_base_is_damage) {
    struct scene scene = scene_create();
    put_base(&scene, 2, 3);
    put_snapshot(&scene, 2, 3);
    scene_expect(&scene, STORAGE_DAMAGED, "entry 3 is of term 2, after one of term 3");
}
END_TEST

START_TEST(a_base_without_a_snapshot_is_damage) {
    struct scene scene = scene_create();
    put_base(&scene, 2, 1);
    scene_expect(&scene, STORAGE_DAMAGED, "the log begins after entry 2 of term 1, but the snapshot covers entry 0");
}
END_TEST

START_TEST(a_snapshot_that_does_not_reach_the_base_is_damage) {
    const struct raft_entry_id ids[] = {{1, 1}, {2, 2}, {3, 0}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct scene scene = scene_create();
        put_base(&scene, 2, 1);
        put_snapshot(&scene, ids[i].index, ids[i].term);
        scene_expect(&scene, STORAGE_DAMAGED, "the log begins after entry 2 of term 1, but the snapshot covers");
    }
}
END_TEST

START_TEST(a_snapshot_of_another_term_than_its_entry_is_damage) {
    struct scene scene = scene_create();
    put_snapshot(&scene, 3, 1);
    scene_expect(&scene, STORAGE_DAMAGED, "entry 3 is of term 2, the snapshot as of it of term 1");
}
END_TEST

START_TEST(a_snapshot_ahead_of_the_hard_state_is_damage) {
    struct scene scene = scene_create();
    put_snapshot(&scene, 5, 3);
    scene_expect(&scene, STORAGE_DAMAGED, "the hard state is of term 2, the snapshot of term 3");
}
END_TEST

START_TEST(a_log_that_ends_before_the_snapshot_is_dropped) {
    struct scene scene = scene_create();
    put_snapshot(&scene, 5, 2);
    scene_expect_log(&scene, 5, 5);
    scene = scene_create();
    put_base(&scene, 3, 2);
    put_snapshot(&scene, 100, 2);
    scene_expect_log(&scene, 100, 100);
}
END_TEST

START_TEST(a_record_of_a_newer_version_is_not_called_damage) {
    struct scene scene = scene_create();
    struct record_key key = record_key(RECORD_HARD_STATE);
    char value[32];
    size_t size = record_encode_hard_state((struct raft_hard_state){.term = 2, .voted_for = 1}, value);
    value[0] = 2;
    bytes_put_u32(value + size - 4, crc32c_extend(crc32c_extend(0, key.bytes, key.size), value, size - 4));
    put(&scene, key, value, size);
    scene_expect(&scene, STORAGE_UNUSABLE, "the hard state was written by a newer version of raftd");
}
END_TEST

START_TEST(an_identity_of_another_store_is_damage) {
    struct scene scene = scene_create();
    char value[RECORD_SMALL_MAX];
    struct storage_identity other = {.node_id = FIXTURE_NODE, .incarnation = "00000000000000000000000000000000"};
    put(&scene, record_key(RECORD_IDENTITY), value, record_encode_identity(&other, value));
    database_close(scene.database);
    struct storage *storage = NULL;
    struct storage_message message = {""};
    ck_assert_int_eq(fixture_try_open(&scene.fixture, &storage, &message), STORAGE_DAMAGED);
    ck_assert_msg(strstr(message.text, "files of two stores are mixed") != NULL, "%s", message.text);
    fixture_destroy(&scene.fixture);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_untouched_store_is_whole);
    tcase_add_test(tcase, an_entry_that_fails_its_checksum_is_named);
    tcase_add_test(tcase, an_entry_moved_to_another_index_is_damage);
    tcase_add_test(tcase, a_gap_between_entries_is_damage);
    tcase_add_test(tcase, a_missing_first_entry_is_damage);
    tcase_add_test(tcase, a_missing_last_entry_is_damage);
    tcase_add_test(tcase, an_entry_too_many_is_damage);
    tcase_add_test(tcase, a_term_that_goes_back_is_damage);
    tcase_add_test(tcase, a_hard_state_behind_the_last_entry_is_damage);
    tcase_add_test(tcase, a_key_that_nobody_writes_is_damage);
    tcase_add_test(tcase, each_of_the_small_records_is_needed);
    tcase_add_test(tcase, each_of_the_small_records_is_checked);
    tcase_add_test(tcase, entries_at_or_below_the_base_are_of_no_account);
    tcase_add_test(tcase, a_gap_after_the_base_is_damage);
    tcase_add_test(tcase, a_term_before_that_of_the_base_is_damage);
    tcase_add_test(tcase, a_base_without_a_snapshot_is_damage);
    tcase_add_test(tcase, a_snapshot_that_does_not_reach_the_base_is_damage);
    tcase_add_test(tcase, a_snapshot_of_another_term_than_its_entry_is_damage);
    tcase_add_test(tcase, a_snapshot_ahead_of_the_hard_state_is_damage);
    tcase_add_test(tcase, a_log_that_ends_before_the_snapshot_is_dropped);
    tcase_add_test(tcase, a_record_of_a_newer_version_is_not_called_damage);
    tcase_add_test(tcase, an_identity_of_another_store_is_damage);
}

CHECK_MAIN("verify", add_tests)
