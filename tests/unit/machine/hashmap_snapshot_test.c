#include "server/machine/machine.h"

#include "tests/check_main.h"
#include "tests/unit/machine/snapshot.h"

#include <stdio.h>

static struct driver small_map(void) {
    static const char *const commands[] = {
        "{\"op\":\"put\",\"key\":\"b\",\"value\":{\"x\": [1e2]}}",
        "{\"op\":\"put\",\"key\":\"\",\"value\":0}",
        "{\"op\":\"put\",\"key\":\"a\\u0000\",\"value\":\"\xc3\xa9\"}",
        "{\"op\":\"put\",\"key\":\"\\ud83d\",\"value\":true}",
        "{\"op\":\"put\",\"key\":\"a\",\"value\":null}",
    };
    struct driver map = driver_create(machine_hashmap());
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        driver_apply(&map, commands[i]);
    }
    return map;
}

#define HEAD              "raftdmap\0\0\0\1"
#define COUNT(number)     "\0\0\0\0\0\0\0" number
#define SIZES(key, value) "\0" key "\0\0\0\0\0\0\0" value

/* The example of the README. */
START_TEST(the_format_is_as_documented) {
    struct driver map = driver_create(machine_hashmap());
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"b\",\"value\":[ 1 ]}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":null}");
    struct bytes snapshot = driver_snapshot(&map);
    static const char expected[] = HEAD COUNT("\2") SIZES("\1", "\4") "anull" SIZES("\1", "\5") "b[ 1 ]";
    ck_assert_uint_eq(snapshot.size, 51);
    ck_assert_uint_eq(snapshot.size, sizeof expected - 1);
    ck_assert_mem_eq(snapshot.data, expected, snapshot.size);
    bytes_free(&snapshot);
    driver_destroy(&map);
}
END_TEST

START_TEST(an_empty_map_goes_round) {
    struct driver map = driver_create(machine_hashmap());
    struct bytes snapshot = driver_snapshot(&map);
    ck_assert_uint_eq(snapshot.size, 20);
    ck_assert(snapshot_try(map.machine, snapshot.data, snapshot.size, 1));
    bytes_free(&snapshot);
    driver_destroy(&map);
}
END_TEST

START_TEST(a_small_map_goes_round_in_steps_of_any_size) {
    struct driver map = small_map();
    struct bytes snapshot = driver_snapshot(&map);
    for (size_t step = 1; step <= snapshot.size; step++) {
        ck_assert(snapshot_try(map.machine, snapshot.data, snapshot.size, step));
    }
    bytes_free(&snapshot);
    driver_destroy(&map);
}
END_TEST

/* More than a block of the stream, with keys and values of many sizes, the longest key and a large value among them. */
static struct driver large_map(bool backwards) {
    struct driver map = driver_create(machine_hashmap());
    char *command = memory_alloc(300000);
    for (int i = 0; i < 2000; i++) {
        int n = backwards ? 1999 - i : i;
        int key_size = n == 1000 ? 4096 : 6 + n % 50;
        int value_size = n == 500 ? 200000 : 1 + n % 300;
        sprintf(command, "{\"op\":\"put\",\"key\":\"%0*d\",\"value\":\"%0*d\"}", key_size, n, value_size, n);
        driver_apply(&map, command);
    }
    free(command);
    return map;
}

START_TEST(a_large_map_goes_round) {
    struct driver map = large_map(false);
    struct bytes snapshot = driver_snapshot(&map);
    ck_assert(snapshot_try(map.machine, snapshot.data, snapshot.size, SIZE_MAX));
    ck_assert(snapshot_try(map.machine, snapshot.data, snapshot.size, 1000));
    bytes_free(&snapshot);
    driver_destroy(&map);
}
END_TEST

START_TEST(equal_states_write_equal_bytes_however_they_came_about) {
    struct driver forwards = large_map(false);
    struct driver backwards = large_map(true);
    driver_apply(&backwards, "{\"op\":\"put\",\"key\":\"more\",\"value\":1}");
    driver_apply(&backwards, "{\"op\":\"delete\",\"key\":\"more\"}");
    struct bytes one = driver_snapshot(&forwards);
    struct bytes other = driver_snapshot(&backwards);
    ck_assert(bytes_equal(&one, &other));
    bytes_free(&one);
    bytes_free(&other);
    driver_destroy(&forwards);
    driver_destroy(&backwards);
}
END_TEST

START_TEST(a_restored_map_goes_on_like_the_one_before) {
    struct driver before = small_map();
    struct bytes snapshot = driver_snapshot(&before);
    struct driver after = driver_create(machine_hashmap());
    ck_assert(driver_restore(&after, snapshot.data, snapshot.size, 7));
    ck_assert_str_eq(driver_query(&after, "{\"op\":\"count\"}"), "{\"count\":5}");
    ck_assert_str_eq(driver_query(&after, "{\"op\":\"get\",\"key\":\"a\\u0000\"}"),
                     "{\"found\":true,\"value\":\"\xc3\xa9\"}");
    ck_assert_str_eq(driver_apply(&after, "{\"op\":\"delete\",\"key\":\"b\"}"),
                     "{\"deleted\":true,\"previous\":{\"x\": [1e2]}}");
    bytes_free(&snapshot);
    driver_destroy(&before);
    driver_destroy(&after);
}
END_TEST

START_TEST(a_flipped_bit_is_refused_or_another_good_snapshot) {
    struct driver map = small_map();
    struct bytes snapshot = driver_snapshot(&map);
    snapshot_flip_all(map.machine, &snapshot);
    bytes_free(&snapshot);
    driver_destroy(&map);
}
END_TEST

START_TEST(a_snapshot_cut_short_or_too_long_is_refused) {
    struct driver map = small_map();
    struct bytes snapshot = driver_snapshot(&map);
    snapshot_cut_all(map.machine, &snapshot);
    bytes_free(&snapshot);
    driver_destroy(&map);
}
END_TEST

START_TEST(a_full_disk_ends_the_write) {
    struct driver map = small_map();
    snapshot_fail_all(&map);
    driver_destroy(&map);
}
END_TEST

#define BYTES(literal) literal, sizeof literal - 1
static const struct {
    const char *bytes;
    size_t size;
    const char *sentence; /* NULL: accepted. */
} samples[] = {
    {BYTES(""), "this is no snapshot of this machine"},
    {BYTES("raftdreg\0\0\0\1" COUNT("\0")), "this is no snapshot of this machine"},
    {BYTES("raftdmap\0\0\0"), "the snapshot ends in its head"},
    {BYTES("raftdmap\0\0\0\2" COUNT("\0")), "the snapshot has a version of the format that this program does not know"},
    {BYTES(HEAD "\0\0\0\0\0\0\0"), "the snapshot ends in its head"},
    {BYTES(HEAD COUNT("\0")), NULL},
    {BYTES(HEAD COUNT("\0") "x"), "the snapshot goes on after its last pair"},
    {BYTES(HEAD COUNT("\1") SIZES("\1", "\1") "a1"), NULL},
    {BYTES(HEAD COUNT("\1") SIZES("\0", "\1") "1"), NULL},
    {BYTES(HEAD COUNT("\2") SIZES("\1", "\1") "a1"), "pair 2 of 2: the snapshot ends before it"},
    {BYTES(HEAD COUNT("\1") "\0\1\0\0\0\0\0\0\0"), "pair 1 of 1: the snapshot ends before it"},
    {BYTES(HEAD COUNT("\1") SIZES("\2", "\1") "a"), "pair 1 of 1: the snapshot ends within it"},
    {BYTES(HEAD COUNT("\1") SIZES("\1", "\2") "a1"), "pair 1 of 1: the snapshot ends within it"},
    {BYTES(HEAD COUNT("\1") "\0\1\xff\xff\xff\xff\xff\xff\xff\xff"
                            "a1"),
     "pair 1 of 1: the snapshot ends within it"},
    {BYTES(HEAD "\xff\xff\xff\xff\xff\xff\xff\xff" SIZES("\1", "\1") "a1"),
     "pair 2 of 18446744073709551615: the snapshot ends before it"},
    {BYTES(HEAD COUNT("\1") "\x10\1\0\0\0\0\0\0\0\1"
                            "a1"),
     "pair 1 of 1: its key is too long"},
    {BYTES(HEAD COUNT("\1") SIZES("\1", "\0") "a"), "pair 1 of 1: its value is no JSON"},
    {BYTES(HEAD COUNT("\1") SIZES("\1", "\2") "a 1"), "pair 1 of 1: its value is no JSON"},
    {BYTES(HEAD COUNT("\1") SIZES("\1", "\2") "a1 "), "pair 1 of 1: its value is no JSON"},
    {BYTES(HEAD COUNT("\1") SIZES("\1", "\2") "a01"), "pair 1 of 1: its value is no JSON"},
    {BYTES(HEAD COUNT("\1") SIZES("\1", "\1") "\xff"
                                              "1"),
     "pair 1 of 1: its key is no text"},
    {BYTES(HEAD COUNT("\1") SIZES("\2", "\1") "\xc0\x80"
                                              "1"),
     "pair 1 of 1: its key is no text"},
    {BYTES(HEAD COUNT("\1") SIZES("\1", "\1") "\0"
                                              "1"),
     NULL},
    {BYTES(HEAD COUNT("\1") SIZES("\3", "\1") "\xed\xa0\xbd"
                                              "1"),
     NULL},
    {BYTES(HEAD COUNT("\1") SIZES("\6", "\1") "\xed\xa0\xbd\xed\xb8\x80"
                                              "1"),
     "pair 1 of 1: its key is no text"},
    {BYTES(HEAD COUNT("\2") SIZES("\1", "\1") "a1" SIZES("\1", "\1") "b2"), NULL},
    {BYTES(HEAD COUNT("\2") SIZES("\1", "\1") "a1" SIZES("\1", "\1") "a2"),
     "pair 2 of 2: its key is not above the one before"},
    {BYTES(HEAD COUNT("\2") SIZES("\1", "\1") "b1" SIZES("\1", "\1") "a2"),
     "pair 2 of 2: its key is not above the one before"},
    {BYTES(HEAD COUNT("\2") SIZES("\1", "\1") "a1" SIZES("\0", "\1") "2"),
     "pair 2 of 2: its key is not above the one before"},
};

START_TEST(what_is_wrong_with_a_snapshot_is_said) {
    struct driver map = driver_create(machine_hashmap());
    bool good = driver_restore(&map, samples[_i].bytes, samples[_i].size, SIZE_MAX);
    ck_assert(good == (samples[_i].sentence == NULL));
    if (!good) {
        ck_assert_str_eq(map.result.data, samples[_i].sentence);
    }
    driver_destroy(&map);
}
END_TEST

START_TEST(a_key_of_4096_bytes_is_restored) {
    char bytes[20 + 10 + 4096 + 1];
    memcpy(bytes, HEAD COUNT("\1") "\x10\0\0\0\0\0\0\0\0\1", 30);
    memset(bytes + 30, '\x01', 4096); /* Each is six bytes as an escape: the longest string a key can have. */
    bytes[30 + 4096] = '7';
    ck_assert(snapshot_try(machine_hashmap(), bytes, sizeof bytes, SIZE_MAX));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_format_is_as_documented);
    tcase_add_test(tcase, an_empty_map_goes_round);
    tcase_add_test(tcase, a_small_map_goes_round_in_steps_of_any_size);
    tcase_add_test(tcase, a_large_map_goes_round);
    tcase_add_test(tcase, equal_states_write_equal_bytes_however_they_came_about);
    tcase_add_test(tcase, a_restored_map_goes_on_like_the_one_before);
    tcase_add_test(tcase, a_flipped_bit_is_refused_or_another_good_snapshot);
    tcase_add_test(tcase, a_snapshot_cut_short_or_too_long_is_refused);
    tcase_add_test(tcase, a_full_disk_ends_the_write);
    tcase_add_loop_test(tcase, what_is_wrong_with_a_snapshot_is_said, 0, sizeof samples / sizeof samples[0]);
    tcase_add_test(tcase, a_key_of_4096_bytes_is_restored);
}

CHECK_MAIN("hashmap_snapshot", add_tests)
