#include "server/machine/machine.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

#include <stdio.h>

START_TEST(the_table_is_complete) {
    const struct machine *machine = machine_hashmap();
    ck_assert_uint_eq(machine->abi_version, MACHINE_ABI_VERSION);
    ck_assert_str_eq(machine->name, "hashmap");
    machine->destroy(NULL);
}
END_TEST

/* The naive map: for each of KEYS keys the number of its value, -1 for none. */
enum { KEYS = 400, VALUES = 8 };
struct model {
    int values[KEYS];
};

/* Key `number` as a JSON string: of different lengths, some the beginnings of others, with escapes and NULs inside. */
static const char *key_text(unsigned number, char out[64]) {
    static const char *const marks[] = {"a", "\\u0000", "\xc3\xa9", "\\\"", "\\ud83d", "z/", "\\n", "0"};
    char *at = stpcpy(out, "\"");
    for (unsigned rest = number + 1; rest > 0; rest /= 8) {
        at = stpcpy(at, marks[rest % 8]);
    }
    stpcpy(at, "\"");
    return out;
}

static const char *const value_texts[VALUES] = {
    "null", "1e2", "[1, 2 ,3]", "{\"b\":1,\"a\":2}", "\"\\u0041\"", "10000000000000000001", "-0", "{}",
};

/* What "previous" or "current" adds to a result. */
static const char *tail(const char *name, int value, char out[64]) {
    out[0] = '\0';
    if (value != -1) {
        sprintf(out, "%s\"%s\":%s", name[0] == 'p' ? "" : ",", name, value_texts[value]);
    }
    return out;
}

static void step_put(struct driver *map, struct model *model, unsigned key, int value) {
    char text[64];
    char command[200];
    char expected[200];
    sprintf(command, "{\"op\":\"put\",\"key\":%s,\"value\":%s}", key_text(key, text), value_texts[value]);
    sprintf(expected, "{%s}", tail("previous", model->values[key], text));
    ck_assert_str_eq(driver_apply(map, command), expected);
    model->values[key] = value;
}

static void step_cas(struct driver *map, struct model *model, unsigned key, int expected_value, int value) {
    char text[64];
    char command[300];
    char expected[200];
    char *at =
        command + sprintf(command, "{\"op\":\"cas\",\"key\":%s,\"value\":%s", key_text(key, text), value_texts[value]);
    if (expected_value != -1) {
        at += sprintf(at, ",\"expected\":%s", value_texts[expected_value]);
    }
    stpcpy(at, "}");
    if (model->values[key] == expected_value) {
        ck_assert_str_eq(driver_apply(map, command), "{\"swapped\":true}");
        model->values[key] = value;
    } else {
        sprintf(expected, "{\"swapped\":false%s}", tail("current", model->values[key], text));
        ck_assert_str_eq(driver_apply(map, command), expected);
    }
}

static void step_delete(struct driver *map, struct model *model, unsigned key) {
    char text[64];
    char command[200];
    char expected[200];
    sprintf(command, "{\"op\":\"delete\",\"key\":%s}", key_text(key, text));
    int value = model->values[key];
    if (value == -1) {
        strcpy(expected, "{\"deleted\":false}");
    } else {
        sprintf(expected, "{\"deleted\":true,\"previous\":%s}", value_texts[value]);
    }
    ck_assert_str_eq(driver_apply(map, command), expected);
    model->values[key] = -1;
}

static void step(struct driver *map, struct model *model, uint64_t *seed) {
    unsigned key = (unsigned)(draw(seed) % KEYS);
    int value = (int)(draw(seed) % VALUES);
    switch (draw(seed) % 4) {
    case 0:
        step_put(map, model, key, value);
        break;
    case 1: /* Half of the time what is there is expected. */
        step_cas(map, model, key, draw(seed) % 2 == 0 ? model->values[key] : (int)(draw(seed) % (VALUES + 1)) - 1, value);
        break;
    default:
        step_delete(map, model, key);
        break;
    }
}

static void check_equal(struct driver *map, const struct model *model) {
    char text[64];
    char query[200];
    char expected[200];
    unsigned count = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        sprintf(query, "{\"op\":\"get\",\"key\":%s}", key_text(key, text));
        strcpy(expected, "{\"found\":false}");
        if (model->values[key] != -1) {
            sprintf(expected, "{\"found\":true,\"value\":%s}", value_texts[model->values[key]]);
            count++;
        }
        ck_assert_str_eq(driver_query(map, query), expected);
    }
    sprintf(expected, "{\"count\":%u}", count);
    ck_assert_str_eq(driver_query(map, "{\"op\":\"count\"}"), expected);
}

START_TEST(random_commands_agree_with_a_naive_map) {
    struct driver map = driver_create(machine_hashmap());
    struct model model;
    memset(&model, 0xff, sizeof model);
    uint64_t seed = 77 + (uint64_t)_i;
    for (int i = 0; i < 10000; i++) {
        step(&map, &model, &seed);
    }
    check_equal(&map, &model);
    driver_destroy(&map);
}
END_TEST

static struct bytes written(const struct machine *machine, const void *frozen) {
    struct bytes snapshot = bytes_empty();
    ck_assert(machine->write(frozen, bytes_output(&snapshot)));
    return snapshot;
}

START_TEST(frozen_views_do_not_change_whatever_is_applied_later) {
    enum { VIEWS = 5 };
    struct driver map = driver_create(machine_hashmap());
    struct model model;
    memset(&model, 0xff, sizeof model);
    void *views[VIEWS];
    struct bytes firsts[VIEWS];
    uint64_t seed = 4711;
    for (int view = 0; view < VIEWS; view++) {
        for (int i = 0; i < 1000; i++) {
            step(&map, &model, &seed);
        }
        views[view] = map.machine->freeze(map.state);
        firsts[view] = written(map.machine, views[view]);
    }
    for (int i = 0; i < 3000; i++) {
        step(&map, &model, &seed);
    }
    /* Released in another order than they were taken. */
    for (int i = 0; i < VIEWS; i++) {
        int view = i * 3 % VIEWS;
        struct bytes again = written(map.machine, views[view]);
        ck_assert(bytes_equal(&again, &firsts[view]));
        map.machine->release(map.state, views[view]);
        bytes_free(&again);
        bytes_free(&firsts[view]);
        step(&map, &model, &seed);
    }
    check_equal(&map, &model);
    driver_destroy(&map);
}
END_TEST

START_TEST(a_frozen_view_outlives_the_deletion_of_everything) {
    struct driver map = driver_create(machine_hashmap());
    struct model model;
    memset(&model, 0xff, sizeof model);
    for (unsigned key = 0; key < KEYS; key++) {
        step_put(&map, &model, key, (int)(key % VALUES));
    }
    void *view = map.machine->freeze(map.state);
    struct bytes before = written(map.machine, view);
    for (unsigned key = 0; key < KEYS; key++) {
        step_delete(&map, &model, key);
    }
    struct bytes after = written(map.machine, view);
    ck_assert(bytes_equal(&before, &after));
    map.machine->release(map.state, view);
    bytes_free(&before);
    bytes_free(&after);
    driver_destroy(&map);
}
END_TEST

START_TEST(the_same_commands_give_the_same_bytes) {
    struct driver left = driver_create(machine_hashmap());
    struct driver right = driver_create(machine_hashmap());
    struct model left_model;
    struct model right_model;
    memset(&left_model, 0xff, sizeof left_model);
    memset(&right_model, 0xff, sizeof right_model);
    uint64_t left_seed = 5;
    uint64_t right_seed = 5;
    for (int i = 0; i < 3000; i++) {
        step(&left, &left_model, &left_seed);
        step(&right, &right_model, &right_seed);
        ck_assert_str_eq(left.result.data, right.result.data);
    }
    struct bytes left_bytes = driver_snapshot(&left);
    struct bytes right_bytes = driver_snapshot(&right);
    ck_assert(bytes_equal(&left_bytes, &right_bytes));
    bytes_free(&left_bytes);
    bytes_free(&right_bytes);
    driver_destroy(&left);
    driver_destroy(&right);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_table_is_complete);
    tcase_add_loop_test(tcase, random_commands_agree_with_a_naive_map, 0, 5);
    tcase_add_test(tcase, frozen_views_do_not_change_whatever_is_applied_later);
    tcase_add_test(tcase, a_frozen_view_outlives_the_deletion_of_everything);
    tcase_add_test(tcase, the_same_commands_give_the_same_bytes);
}

CHECK_MAIN("hashmap", add_tests)
