/* Snapshots of the SQLite machine are written, and others of its states filled, beside the work: for ThreadSanitizer. */
#include "tests/check_main.h"
#include "tests/unit/machine/sqlite_machine.h"

#include <pthread.h>

enum { ROUNDS = 10, CHANGES = 20 };

struct beside {
    const struct machine *machine;
    void *frozen;
    struct bytes snapshot;
    void *restored;
    bool good;
};

/* As the node does it: written, and then taken in by a state of its own, on another thread. */
static void *write_and_restore(void *context) {
    struct beside *beside = context;
    beside->good = beside->machine->write(beside->frozen, bytes_output(&beside->snapshot));
    struct source source = {.data = beside->snapshot.data, .size = beside->snapshot.size, .step = 10000};
    struct bytes why = bytes_empty();
    beside->restored = beside->machine->create();
    beside->good = beside->good && beside->machine->restore(beside->restored, source_input(&source), bytes_output(&why));
    bytes_free(&why);
    return NULL;
}

static void change(struct driver *driver, int number) {
    char command[200];
    snprintf(command, sizeof command, "{\"sql\":\"INSERT INTO t VALUES (?, hex(zeroblob(%d)))\",\"args\":[%d]}",
             number % 3000, number);
    sqlite_done(driver, command);
    driver_query(driver, "{\"sql\":\"SELECT count(*), total(length(v)) FROM t\"}");
}

START_TEST(a_database_is_written_and_another_filled_while_commands_go_on) {
    struct driver driver = sqlite_driver();
    int number = 0;
    sqlite_done(&driver, "{\"sql\":\"CREATE TABLE t (id INTEGER PRIMARY KEY, v)\"}");
    for (int round = 0; round < ROUNDS; round++) {
        struct bytes expected = driver_snapshot(&driver);
        struct beside beside = {.machine = driver.machine, .snapshot = bytes_empty()};
        beside.frozen = driver.machine->freeze(driver.state);
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, write_and_restore, &beside), 0);
        for (int i = 0; i < CHANGES; i++) {
            change(&driver, ++number);
        }
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        driver.machine->release(driver.state, beside.frozen);
        ck_assert(beside.good);
        ck_assert(bytes_equal(&beside.snapshot, &expected));
        /* The new state takes the old one's place every other time. */
        if (round % 2 == 1) {
            for (int i = number - CHANGES + 1; i <= number; i++) {
                struct driver young = {
                    .machine = driver.machine, .state = beside.restored, .result = bytes_empty(), .why = bytes_empty()};
                change(&young, i);
                bytes_free(&young.result);
                bytes_free(&young.why);
            }
            void *replaced = driver.state;
            struct bytes old = driver_snapshot(&driver);
            driver.state = beside.restored;
            beside.restored = replaced;
            struct bytes same = driver_snapshot(&driver);
            ck_assert(bytes_equal(&old, &same));
            bytes_free(&old);
            bytes_free(&same);
        }
        driver.machine->destroy(beside.restored);
        bytes_free(&beside.snapshot);
        bytes_free(&expected);
    }
    driver_destroy(&driver);
}
END_TEST

static void add_tests(TCase *tcase) {
    if (sqlite_there()) {
        tcase_add_test(tcase, a_database_is_written_and_another_filled_while_commands_go_on);
    }
}

CHECK_MAIN("sqlite_machine_thread", add_tests)
