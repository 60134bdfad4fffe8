/* What was compacted away is removed while the log is written and read. */
#include "storage/storage.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

enum { ROUNDS = 60, PER_ROUND = 100, KEPT = 50 };

struct scene {
    struct storage *storage;
    atomic_uint_fast64_t base;    /* No reading at or below it needs an answer. */
    atomic_uint_fast64_t written; /* The last index known to be on disk. */
    atomic_bool is_done;
};

static void *write_and_compact(void *context) {
    struct scene *scene = context;
    for (raft_index round = 1; round <= ROUNDS; round++) {
        fixture_append(scene->storage, 1, PER_ROUND, 300);
        raft_index last = round * PER_ROUND;
        atomic_store(&scene->written, last);
        atomic_store(&scene->base, last - KEPT);
        fixture_compact(scene->storage, last - KEPT, (struct raft_entry_id){last, 1});
    }
    atomic_store(&scene->is_done, true);
    return NULL;
}

/* As the background thread does: removes and reads, one after the other. */
static void *remove_and_read(void *context) {
    struct scene *scene = context;
    while (!atomic_load(&scene->is_done)) {
        storage_compact(scene->storage);
        for (size_t i = 0; i < 20; i++) {
            raft_index base = atomic_load(&scene->base); /* First: what was written is never below the base. */
            raft_index written = atomic_load(&scene->written);
            raft_index first = base + 1 - (i % 2 == 0 || i > base ? 0 : i);
            struct raft_entry *entries = NULL;
            struct buffer *buffer = NULL;
            size_t count = 0;
            struct storage_message message = {""};
            enum storage_error error =
                storage_read(scene->storage, first, written, SIZE_MAX, &entries, &count, &buffer, &message);
            ck_assert_msg(error == STORAGE_OK, "%s", message.text);
            /* It may be that the base has passed since; else all is there. */
            bool is_past = first <= atomic_load(&scene->base);
            ck_assert(is_past ? count == 0 || entries[0].id.index == first : count == written + 1 - first);
            free(entries);
            buffer_release(buffer);
        }
    }
    return NULL;
}

START_TEST(readings_and_removals_beside_writes_disturb_nothing) {
    for (int implementation = 0; implementation < 2; implementation++) {
        struct fixture fixture = fixture_create();
        struct scene scene = {.storage =
                                  implementation == 0 ? fixture_open(&fixture) : storage_memory_create(FIXTURE_NODE, "")};
        pthread_t threads[2];
        ck_assert_int_eq(pthread_create(&threads[0], NULL, write_and_compact, &scene), 0);
        ck_assert_int_eq(pthread_create(&threads[1], NULL, remove_and_read, &scene), 0);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        struct contents before = contents_of(scene.storage);
        storage_compact(scene.storage);
        struct contents after = contents_of(scene.storage);
        ck_assert(contents_equal(&before, &after));
        free(after.text);
        storage_close(scene.storage);
        if (implementation == 0) {
            scene.storage = fixture_open(&fixture);
            after = contents_of(scene.storage);
            ck_assert(contents_equal(&before, &after));
            free(after.text);
            storage_close(scene.storage);
        }
        free(before.text);
        fixture_destroy(&fixture);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, readings_and_removals_beside_writes_disturb_nothing);
}

CHECK_MAIN("removal_thread", add_tests)
