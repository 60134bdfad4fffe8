#include "storage/removal.h"

#include "storage/record.h"
#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

/* LevelDB alone, with entries that nobody decodes. */
struct scene {
    struct fixture fixture;
    struct database *database;
};

static struct scene scene_create(void) {
    struct scene scene = {.fixture = fixture_create()};
    struct storage_message message;
    ck_assert_int_eq(database_open(scene.fixture.data, true, &scene.database, &message), STORAGE_OK);
    return scene;
}

static void scene_destroy(struct scene *scene) {
    database_close(scene->database);
    fixture_destroy(&scene->fixture);
}

static void put_range(struct scene *scene, raft_index first, raft_index last) {
    static const char bytes[1000];
    leveldb_writebatch_t *batch = leveldb_writebatch_create();
    for (raft_index index = first; index <= last; index++) {
        struct record_key key = record_entry_key(index);
        leveldb_writebatch_put(batch, key.bytes, key.size, bytes, sizeof bytes);
    }
    struct record_key state = record_key(RECORD_HARD_STATE);
    leveldb_writebatch_put(batch, state.bytes, state.size, "1", 1);
    char *text = NULL;
    leveldb_write(scene->database->handle, scene->database->synced, batch, &text);
    ck_assert_ptr_null(text);
    leveldb_writebatch_destroy(batch);
}

/* The first index that is left and how many there are; other keys are counted apart. */
static void expect_left(const struct scene *scene, raft_index first, size_t count) {
    size_t entries = 0;
    size_t others = 0;
    leveldb_iterator_t *iterator = leveldb_create_iterator(scene->database->handle, scene->database->verified);
    for (leveldb_iter_seek_to_first(iterator); leveldb_iter_valid(iterator); leveldb_iter_next(iterator)) {
        size_t size = 0;
        raft_index index = 0;
        const char *key = leveldb_iter_key(iterator, &size);
        if (record_key_kind(key, size, &index) == RECORD_ENTRY) {
            ck_assert(entries > 0 || index == first);
            entries++;
        } else {
            others++;
        }
    }
    leveldb_iter_destroy(iterator);
    ck_assert_uint_eq(entries, count);
    ck_assert_uint_eq(others, 1);
}

START_TEST(entries_up_to_the_base_go_and_nothing_else) {
    const raft_index bases[] = {0, 1, REMOVAL_CHUNK - 1, REMOVAL_CHUNK, REMOVAL_CHUNK + 1, 2500, 3000};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        struct scene scene = scene_create();
        put_range(&scene, 1, 3000);
        removal_run(scene.database, -1, bases[i]);
        expect_left(&scene, bases[i] + 1, 3000 - bases[i]);
        removal_run(scene.database, -1, bases[i]);
        expect_left(&scene, bases[i] + 1, 3000 - bases[i]);
        scene_destroy(&scene);
    }
}
END_TEST

START_TEST(a_base_far_above_what_is_left_costs_no_deletion_of_what_never_was) {
    struct scene scene = scene_create();
    put_range(&scene, 10, 20);
    put_range(&scene, UINT64_C(1000000000000), UINT64_C(1000000000005));
    removal_run(scene.database, -1, UINT64_C(1000000000002)); /* Would not end by itself otherwise. */
    expect_left(&scene, UINT64_C(1000000000003), 3);
    scene_destroy(&scene);
}
END_TEST

static uint64_t bytes_of(const struct scene *scene) {
    uint64_t size = 0;
    DIR *stream = opendir(scene->fixture.data);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        struct stat status;
        char path[FIXTURE_PATH];
        fixture_path(path, &scene->fixture, entry->d_name);
        size += stat(path, &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    }
    closedir(stream);
    return size;
}

START_TEST(the_space_is_given_back) {
    struct scene scene = scene_create();
    for (raft_index first = 1; first <= 20000; first += 1000) {
        put_range(&scene, first, first + 999);
    }
    ck_assert_uint_gt(bytes_of(&scene), 15000000);
    removal_run(scene.database, -1, 19900);
    removal_run(scene.database, -1, 19900); /* A merge that was under way may keep a table once. */
    expect_left(&scene, 19901, 100);
    ck_assert_uint_lt(bytes_of(&scene), 2000000);
    scene_destroy(&scene);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, entries_up_to_the_base_go_and_nothing_else);
    tcase_add_test(tcase, a_base_far_above_what_is_left_costs_no_deletion_of_what_never_was);
    tcase_add_test(tcase, the_space_is_given_back);
}

CHECK_MAIN("removal", add_tests)
