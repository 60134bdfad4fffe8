/* Frozen views written on a thread of their own: what ThreadSanitizer is to watch. */
#include "server/machine/machine.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

#include <pthread.h>
#include <stdio.h>

struct writing {
    const struct machine *machine;
    void *frozen;
    struct bytes snapshot;
    bool good;
    pthread_t thread;
};

static void *write_elsewhere(void *context) {
    struct writing *writing = context;
    writing->good = writing->machine->write(writing->frozen, bytes_output(&writing->snapshot));
    return NULL;
}

static void begin(struct writing *writing, struct driver *driver) {
    *writing = (struct writing){.machine = driver->machine, .snapshot = bytes_empty()};
    writing->frozen = driver->machine->freeze(driver->state);
    ck_assert_int_eq(pthread_create(&writing->thread, NULL, write_elsewhere, writing), 0);
}

/* What was written is what the state was when it was frozen. */
static void end(struct writing *writing, struct driver *driver, struct bytes *expected) {
    ck_assert_int_eq(pthread_join(writing->thread, NULL), 0);
    driver->machine->release(driver->state, writing->frozen);
    ck_assert(writing->good);
    ck_assert(bytes_equal(&writing->snapshot, expected));
    bytes_free(&writing->snapshot);
    bytes_free(expected);
}

enum { KEYS = 3000 };

/* Twice as many puts as deletes, of keys all over the map. */
static void change(struct driver *map, uint64_t *seed, int times) {
    char command[100];
    for (int i = 0; i < times; i++) {
        unsigned key = (unsigned)(draw(seed) % KEYS);
        if (draw(seed) % 3 == 0) {
            sprintf(command, "{\"op\":\"delete\",\"key\":\"%04u\"}", key);
        } else {
            sprintf(command, "{\"op\":\"put\",\"key\":\"%04u\",\"value\":%d}", key, i);
        }
        driver_apply(map, command);
    }
}

START_TEST(a_map_is_written_while_commands_go_on) {
    struct driver map = driver_create(machine_hashmap());
    uint64_t seed = 99;
    change(&map, &seed, 2 * KEYS);
    for (int round = 0; round < 30; round++) {
        struct bytes before = driver_snapshot(&map);
        struct writing writing;
        begin(&writing, &map);
        change(&map, &seed, 500);
        end(&writing, &map, &before);
    }
    driver_destroy(&map);
}
END_TEST

START_TEST(views_of_different_age_are_written_at_once) {
    struct driver map = driver_create(machine_hashmap());
    uint64_t seed = 7;
    change(&map, &seed, KEYS);
    struct bytes old = driver_snapshot(&map);
    struct writing old_writing;
    begin(&old_writing, &map);
    change(&map, &seed, 300);
    struct bytes young = driver_snapshot(&map);
    struct writing young_writing;
    begin(&young_writing, &map);
    change(&map, &seed, 300);
    end(&old_writing, &map, &old);
    change(&map, &seed, 300);
    end(&young_writing, &map, &young);
    driver_destroy(&map);
}
END_TEST

START_TEST(a_map_that_is_emptied_meanwhile_is_written_whole) {
    struct driver map = driver_create(machine_hashmap());
    uint64_t seed = 5;
    change(&map, &seed, 2 * KEYS);
    struct bytes before = driver_snapshot(&map);
    struct writing writing;
    begin(&writing, &map);
    for (int key = 0; key < KEYS; key++) {
        char command[100];
        sprintf(command, "{\"op\":\"delete\",\"key\":\"%04d\"}", key);
        driver_apply(&map, command);
    }
    end(&writing, &map, &before);
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"count\"}"), "{\"count\":0}");
    driver_destroy(&map);
}
END_TEST

START_TEST(a_register_is_written_while_commands_go_on) {
    struct driver cell = driver_create(machine_register());
    for (int round = 0; round < 50; round++) {
        char command[100];
        sprintf(command, "{\"op\":\"write\",\"value\":%d}", round);
        driver_apply(&cell, command);
        struct bytes before = driver_snapshot(&cell);
        struct writing writing;
        begin(&writing, &cell);
        for (int i = 0; i < 20; i++) {
            driver_apply(&cell, "{\"op\":\"write\",\"value\":\"later\"}");
        }
        end(&writing, &cell, &before);
    }
    driver_destroy(&cell);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_map_is_written_while_commands_go_on);
    tcase_add_test(tcase, views_of_different_age_are_written_at_once);
    tcase_add_test(tcase, a_map_that_is_emptied_meanwhile_is_written_whole);
    tcase_add_test(tcase, a_register_is_written_while_commands_go_on);
}

CHECK_MAIN("freeze_thread", add_tests)
