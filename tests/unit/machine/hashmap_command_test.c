#include "server/machine/machine.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

#include <stdio.h>

START_TEST(put_answers_nothing_for_a_new_key_and_then_what_was_there) {
    struct driver map = driver_create(machine_hashmap());
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":1}"), "{}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":[2]}"), "{\"previous\":1}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":null}"), "{\"previous\":[2]}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":3}"), "{\"previous\":null}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"put\",\"key\":\"b\",\"value\":3}"), "{}");
    driver_destroy(&map);
}
END_TEST

START_TEST(cas_without_expected_wants_the_key_absent) {
    struct driver map = driver_create(machine_hashmap());
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"cas\",\"key\":\"a\",\"value\":1}"), "{\"swapped\":true}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"cas\",\"key\":\"a\",\"value\":2}"), "{\"swapped\":false,\"current\":1}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"get\",\"key\":\"a\"}"), "{\"found\":true,\"value\":1}");
    driver_destroy(&map);
}
END_TEST

START_TEST(cas_with_expected_wants_the_key_there) {
    struct driver map = driver_create(machine_hashmap());
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"cas\",\"key\":\"a\",\"expected\":1,\"value\":2}"),
                     "{\"swapped\":false}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"count\"}"), "{\"count\":0}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":1}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"cas\",\"key\":\"a\",\"expected\":1,\"value\":2}"), "{\"swapped\":true}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"cas\",\"key\":\"a\",\"expected\":1,\"value\":3}"),
                     "{\"swapped\":false,\"current\":2}");
    driver_destroy(&map);
}
END_TEST

START_TEST(an_expected_null_is_not_absent) {
    struct driver map = driver_create(machine_hashmap());
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"cas\",\"key\":\"a\",\"expected\":null,\"value\":2}"),
                     "{\"swapped\":false}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":null}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"cas\",\"key\":\"a\",\"value\":2}"),
                     "{\"swapped\":false,\"current\":null}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"cas\",\"key\":\"a\",\"expected\":null,\"value\":2}"),
                     "{\"swapped\":true}");
    driver_destroy(&map);
}
END_TEST

static const struct {
    const char *stored;
    const char *expected;
    bool equal;
} comparisons[] = {
    {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
    {"1", "1.0", true},
    {"1", "1e0", true},
    {"100", "1e2", true},
    {"-0", "0", true},
    {"10000000000000000001", "10000000000000000000", false},
    {"1e999", "1e999", true},
    {"1e999", "1e998", false},
    {"{\"a\":1,\"a\":2}", "{\"a\":2}", true},
    {"{\"a\":1,\"a\":2}", "{\"a\":1}", false},
    {"[1,2]", "[ 1, 2 ]", true},
    {"[1,2]", "[2,1]", false},
    {"\"\\u0061\"", "\"a\"", true},
    {"\"a\\u0000\"", "\"a\"", false},
    {"null", "false", false},
    {"\"1\"", "1", false},
};

START_TEST(cas_compares_by_value) {
    struct driver map = driver_create(machine_hashmap());
    char command[200];
    snprintf(command, sizeof command, "{\"op\":\"put\",\"key\":\"k\",\"value\":%s}", comparisons[_i].stored);
    driver_apply(&map, command);
    snprintf(command, sizeof command, "{\"op\":\"cas\",\"key\":\"k\",\"expected\":%s,\"value\":\"new\"}",
             comparisons[_i].expected);
    char failed[200];
    snprintf(failed, sizeof failed, "{\"swapped\":false,\"current\":%s}", comparisons[_i].stored);
    ck_assert_str_eq(driver_apply(&map, command), comparisons[_i].equal ? "{\"swapped\":true}" : failed);
    driver_destroy(&map);
}
END_TEST

START_TEST(delete_answers_what_was_there) {
    struct driver map = driver_create(machine_hashmap());
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"delete\",\"key\":\"a\"}"), "{\"deleted\":false}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":{\"x\" : 1}}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"delete\",\"key\":\"a\"}"),
                     "{\"deleted\":true,\"previous\":{\"x\" : 1}}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"delete\",\"key\":\"a\"}"), "{\"deleted\":false}");
    driver_destroy(&map);
}
END_TEST

static const char *const values[] = {
    "1e2",
    "10000000000000000001",
    "-0.0",
    "1E+999",
    "{ \"b\" : 1 ,\r\n\t\"a\" : [ ] }",
    "\"\\u00e9\\/\\ud83d\"",
    "\"\xc3\xa9\"",
    "{\"a\":1,\"a\":2}",
    "[[], {}, null]",
    "false",
    "\"\\u0000\"",
};

START_TEST(values_come_back_byte_for_byte) {
    struct driver map = driver_create(machine_hashmap());
    char text[200];
    snprintf(text, sizeof text, " {\"op\":\"put\",\"key\":\"k\",\"value\": %s } ", values[_i]);
    driver_apply(&map, text);
    char expected[200];
    snprintf(expected, sizeof expected, "{\"found\":true,\"value\":%s}", values[_i]);
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"get\",\"key\":\"k\"}"), expected);
    snprintf(expected, sizeof expected, "{\"previous\":%s}", values[_i]);
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"put\",\"key\":\"k\",\"value\":0}"), expected);
    driver_destroy(&map);
}
END_TEST

START_TEST(a_value_of_a_megabyte_is_kept) {
    enum { SIZE = 1 << 20 };
    struct driver map = driver_create(machine_hashmap());
    char *value = memory_alloc(SIZE + 1);
    memset(value, 'v', SIZE);
    value[0] = '"';
    value[SIZE - 1] = '"';
    value[SIZE] = '\0';
    char *text = memory_alloc(SIZE + 100);
    sprintf(text, "{\"op\":\"put\",\"value\":%s,\"key\":\"k\"}", value);
    driver_apply(&map, text);
    sprintf(text, "{\"found\":true,\"value\":%s}", value);
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"get\",\"key\":\"k\"}"), text);
    free(value);
    free(text);
    driver_destroy(&map);
}
END_TEST

START_TEST(keys_are_told_apart_by_their_characters_alone) {
    struct driver map = driver_create(machine_hashmap());
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\\u0000b\",\"value\":1}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\\u0000c\",\"value\":2}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":3}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"\\ud83d\",\"value\":4}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"\\ud83d\\ude00\",\"value\":5}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"\",\"value\":6}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"count\"}"), "{\"count\":6}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"get\",\"key\":\"\\u0061\\u0000c\"}"), "{\"found\":true,\"value\":2}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"get\",\"key\":\"\xf0\x9f\x98\x80\"}"), "{\"found\":true,\"value\":5}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"get\",\"key\":\"\\uD83D\"}"), "{\"found\":true,\"value\":4}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"get\",\"key\":\"\"}"), "{\"found\":true,\"value\":6}");
    driver_destroy(&map);
}
END_TEST

/* A command of `op` with a key of `size` letters. */
static char *long_key(const char *op, int size) {
    char *text = memory_alloc((size_t)size + 100);
    sprintf(text, "{\"op\":\"%s\",\"value\":1,\"key\":\"%0*d\"}", op, size, 7);
    return text;
}

START_TEST(a_key_of_4096_bytes_is_taken_and_one_of_4097_refused) {
    static const char *const ops[] = {"put", "cas", "delete"};
    struct driver map = driver_create(machine_hashmap());
    char *fits = long_key(ops[_i], 4096);
    driver_apply(&map, fits);
    char *beyond = long_key(ops[_i], 4097);
    ck_assert_str_eq(driver_refusal(&map, beyond), "\"key\" must be at most 4096 bytes long");
    free(fits);
    free(beyond);
    driver_destroy(&map);
}
END_TEST

#define OP_SENTENCE     "\"op\" of a command must be \"put\", \"cas\" or \"delete\""
#define OBJECT_SENTENCE "a command must be an object like {\"op\":\"put\",\"key\":\"k\",\"value\":1}"
#define VALUE_SENTENCE  "\"value\" is missing: put and cas need one (it may be null)"
static const struct {
    const char *command;
    const char *sentence;
} refusals[] = {
    {"null", OBJECT_SENTENCE},
    {"[]", OBJECT_SENTENCE},
    {"\"put\"", OBJECT_SENTENCE},
    {"{}", OP_SENTENCE},
    {"{\"op\":null}", OP_SENTENCE},
    {"{\"op\":\"PUT\",\"key\":\"k\",\"value\":1}", OP_SENTENCE},
    {"{\"op\":\"get\",\"key\":\"k\"}", OP_SENTENCE},
    {"{\"op\":[\"put\"],\"key\":\"k\",\"value\":1}", OP_SENTENCE},
    {"{\"op\":\"put\",\"value\":1}", "\"key\" is missing: it must be a string"},
    {"{\"op\":\"put\",\"key\":1,\"value\":1}", "\"key\" must be a string"},
    {"{\"op\":\"put\",\"key\":null,\"value\":1}", "\"key\" must be a string"},
    {"{\"op\":\"put\",\"key\":\"k\"}", VALUE_SENTENCE},
    {"{\"op\":\"cas\",\"key\":\"k\"}", VALUE_SENTENCE},
    {"{\"op\":\"cas\",\"key\":\"k\",\"expected\":1}", VALUE_SENTENCE},
    {"{\"op\":\"cas\",\"expected\":1,\"value\":1}", "\"key\" is missing: it must be a string"},
    {"{\"op\":\"delete\"}", "\"key\" is missing: it must be a string"},
    {"{\"op\":\"delete\",\"key\":[]}", "\"key\" must be a string"},
};

START_TEST(what_is_no_command_is_refused_with_a_sentence_and_changes_nothing) {
    struct driver map = driver_create(machine_hashmap());
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"k\",\"value\":0}");
    struct bytes before = driver_snapshot(&map);
    ck_assert_str_eq(driver_refusal(&map, refusals[_i].command), refusals[_i].sentence);
    struct bytes after = driver_snapshot(&map);
    ck_assert(bytes_equal(&before, &after));
    bytes_free(&before);
    bytes_free(&after);
    driver_destroy(&map);
}
END_TEST

START_TEST(members_that_a_command_does_not_know_are_ignored) {
    struct driver map = driver_create(machine_hashmap());
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"put\",\"key\":\"k\",\"value\":1,\"ttl\":5,\"expected\":7}"), "{}");
    ck_assert_str_eq(driver_apply(&map, "{\"op\":\"delete\",\"key\":\"k\",\"value\":2,\"limit\":\"x\"}"),
                     "{\"deleted\":true,\"previous\":1}");
    driver_destroy(&map);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, put_answers_nothing_for_a_new_key_and_then_what_was_there);
    tcase_add_test(tcase, cas_without_expected_wants_the_key_absent);
    tcase_add_test(tcase, cas_with_expected_wants_the_key_there);
    tcase_add_test(tcase, an_expected_null_is_not_absent);
    tcase_add_loop_test(tcase, cas_compares_by_value, 0, sizeof comparisons / sizeof comparisons[0]);
    tcase_add_test(tcase, delete_answers_what_was_there);
    tcase_add_loop_test(tcase, values_come_back_byte_for_byte, 0, sizeof values / sizeof values[0]);
    tcase_add_test(tcase, a_value_of_a_megabyte_is_kept);
    tcase_add_test(tcase, keys_are_told_apart_by_their_characters_alone);
    tcase_add_loop_test(tcase, a_key_of_4096_bytes_is_taken_and_one_of_4097_refused, 0, 3);
    tcase_add_loop_test(tcase, what_is_no_command_is_refused_with_a_sentence_and_changes_nothing, 0,
                        sizeof refusals / sizeof refusals[0]);
    tcase_add_test(tcase, members_that_a_command_does_not_know_are_ignored);
}

CHECK_MAIN("hashmap_command", add_tests)
