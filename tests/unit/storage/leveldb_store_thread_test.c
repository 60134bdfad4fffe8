/* A reader beside a writer, on both stores; watched by ThreadSanitizer. */
#include "storage/leveldb_store.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

struct writer {
    struct storage *storage;
    atomic_uint_fast64_t written; /* The last index known to be on disk. */
    atomic_bool is_done;
};

static void *write_many(void *context) {
    struct writer *writer = context;
    for (size_t i = 0; i < 300; i++) {
        fixture_append(writer->storage, 1, 10, 200);
        atomic_fetch_add(&writer->written, 10);
    }
    atomic_store(&writer->is_done, true);
    return NULL;
}

static void *read_many(void *context) {
    struct writer *writer = context;
    uint64_t place = 5;
    while (!atomic_load(&writer->is_done)) {
        raft_index written = atomic_load(&writer->written);
        place = place * 6364136223846793005u + 1442695040888963407u;
        raft_index first = 1 + (place >> 33) % (written + 1);
        struct raft_entry *entries = NULL;
        struct buffer *buffer = NULL;
        size_t count = 0;
        struct storage_message message = {""};
        enum storage_error error =
            storage_read(writer->storage, first, first + 50, 100000, &entries, &count, &buffer, &message);
        ck_assert_msg(error == STORAGE_OK, "%s", message.text);
        ck_assert_uint_ge(count, first > written ? 0 : (written - first < 50 ? written - first + 1 : 51));
        free(entries);
        buffer_release(buffer);
    }
    return NULL;
}

START_TEST(a_reader_beside_a_writer_sees_all_that_was_written) {
    for (int implementation = 0; implementation < 2; implementation++) {
        struct fixture fixture = fixture_create();
        struct writer writer = {.storage =
                                    implementation == 0 ? fixture_open(&fixture) : storage_memory_create(FIXTURE_NODE, "")};
        pthread_t threads[2];
        ck_assert_int_eq(pthread_create(&threads[0], NULL, write_many, &writer), 0);
        ck_assert_int_eq(pthread_create(&threads[1], NULL, read_many, &writer), 0);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        ck_assert_uint_eq(atomic_load(&writer.written), 3000);
        storage_close(writer.storage);
        fixture_destroy(&fixture);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_reader_beside_a_writer_sees_all_that_was_written);
}

CHECK_MAIN("leveldb_store_thread", add_tests)
