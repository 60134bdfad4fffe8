/* Any bytes to the scanner, and whatever is JSON to everything that takes a scanned value. cJSON reads the same text: what
 * both take must be the same, and what only one takes must be among what is known of the two (cjson_beside.c). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"
#include "server/json/json.h"
#include "tests/fuzz/cjson_beside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Values looked at one by one in an input: each costs time linear in its size, and deep inputs have many large ones. */
enum { VALUES_MAX = 4096 };

struct walk {
    struct json_span *waiting; /* Owned. Values whose insides were not looked at yet. */
    size_t count;
    size_t capacity;
    size_t seen;
};

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "json_fuzz: %s\n", what);
        abort();
    }
}

static void walk_add(struct walk *walk, struct json_span value) {
    walk->waiting = memory_grow(walk->waiting, &walk->capacity, walk->count + 1, sizeof *walk->waiting);
    walk->waiting[walk->count++] = value;
}

/* What the writer writes without a change of its own means the same. */
static void check_written(struct json_span value) {
    struct json_writer writer = {0};
    json_write_value_one_line(&writer, value);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    require(size == value.size && memchr(text, '\n', size) == NULL && memchr(text, '\r', size) == NULL,
            "a value on one line is not one line of the same length");
    struct json_span again;
    size_t offset;
    require(json_scan(text, size, &again, &offset), "a value on one line is not JSON");
    require(json_equal(value, again), "a value on one line is another value");
    free(text);
}

/* Decoded and written again, a string is the same. */
static void check_string(struct json_span string) {
    char *decoded = memory_alloc(string.size);
    size_t decoded_size = json_string_decode(string, decoded);
    require(decoded_size + 2 <= string.size, "decoding grew a string");
    struct json_writer writer = {0};
    json_write_string(&writer, decoded, decoded_size);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    struct json_span again;
    size_t offset;
    require(json_scan(text, size, &again, &offset), "a written string is not JSON");
    require(json_equal(string, again), "a string written again is another one");
    char *plain = memory_text(decoded, decoded_size);
    require(json_string_is(string, plain) == (memchr(decoded, '\0', decoded_size) == NULL),
            "a string is not the text it decodes to");
    free(plain);
    free(text);
    free(decoded);
}

static void check_number(struct json_span number) {
    require(json_number_equal(number, number), "a number is not itself");
    uint64_t integer;
    if (!json_number_uint64(number, UINT64_MAX, &integer))
        return;
    struct json_writer writer = {0};
    json_write_uint64(&writer, integer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    require(size == number.size && memcmp(text, number.data, size) == 0, "an integer was not read as written");
    free(text);
}

/* A value scanned by itself is the value that it was among others. The copy ends where the value does, so that a sanitizer
 * sees a byte read too much. */
static void check_alone(struct json_span value) {
    char *copy = memory_copy(value.data, value.size);
    struct json_span again;
    size_t offset;
    require(json_scan(copy, value.size, &again, &offset), "the span of a value is not JSON");
    require(again.size == value.size, "the span of a value has white space around it");
    require(json_type(again) == json_type(value), "a value by itself has another type");
    require(json_equal(value, again), "a value by itself is another one");
    free(copy);
}

/* An object with its members turned round, the last of duplicates still last, is the same object. */
static void check_turned_round(struct json_span object) {
    struct walk members = {0};
    struct json_cursor cursor = json_open(object);
    struct json_span name;
    struct json_span value;
    while (json_next_member(&cursor, &name, &value)) {
        walk_add(&members, name);
        walk_add(&members, value);
    }
    /* Each member is written once turned round, and once more in the old order: so the last of duplicates stays last. */
    struct json_writer writer = {0};
    json_write_bytes(&writer, "{", 1);
    for (size_t i = 0; i < members.count; i += 2) {
        size_t back = members.count - 2 - i;
        json_write_value(&writer, members.waiting[back]);
        json_write_bytes(&writer, ":", 1);
        json_write_value(&writer, members.waiting[back + 1]);
        json_write_bytes(&writer, ",", 1);
    }
    for (size_t i = 0; i < members.count; i += 2) {
        json_write_bytes(&writer, i == 0 ? "" : ",", i == 0 ? 0 : 1);
        json_write_value(&writer, members.waiting[i]);
        json_write_bytes(&writer, ":", 1);
        json_write_value(&writer, members.waiting[i + 1]);
    }
    json_write_bytes(&writer, "}", 1);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    struct json_span turned;
    size_t offset;
    require(json_scan(text, size, &turned, &offset), "members turned round are not JSON");
    require(json_equal(object, turned) && json_equal(turned, object), "members turned round are another object");
    free(text);
    free(members.waiting);
}

static void look_at(struct walk *walk, struct json_span value) {
    struct json_span name;
    struct json_span inside;
    check_alone(value);
    switch (json_type(value)) {
    case JSON_STRING:
        check_string(value);
        break;
    case JSON_NUMBER:
        check_number(value);
        break;
    case JSON_ARRAY:
        for (struct json_cursor cursor = json_open(value); json_next_element(&cursor, &inside);)
            walk_add(walk, inside);
        break;
    case JSON_OBJECT:
        check_turned_round(value);
        for (struct json_cursor cursor = json_open(value); json_next_member(&cursor, &name, &inside);) {
            check_string(name);
            walk_add(walk, inside);
        }
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct json_span value;
    size_t offset;
    bool taken = json_scan(text, size, &value, &offset);
    cjson_compare(text, size, taken ? &value : NULL, offset);
    if (!taken) {
        require(offset <= size, "a text is refused behind its end");
        /* The bytes before the offset are JSON, or only lack an end: no shorter text may be refused earlier or later. */
        size_t shorter = offset;
        require(json_scan(text, offset, &value, &shorter) || shorter == offset, "a beginning is refused elsewhere");
        return 0;
    }
    require(json_equal(value, value), "a value is not itself");
    check_written(value);
    struct walk walk = {0};
    walk_add(&walk, value);
    while (walk.count > 0 && walk.seen++ < VALUES_MAX)
        look_at(&walk, walk.waiting[--walk.count]);
    free(walk.waiting);
    return 0;
}
