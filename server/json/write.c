/* The writer: what an answer is put together from. */
#include "server/json/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"
#include "server/json/write.h"

enum {
    DECIMALS_MAX = 17,          /* More say nothing about a double. */
    DOUBLE_SIZE_MAX = 309 + 32, /* Digits before the point of the largest double; sign, point, decimals, NUL. */
    UINT64_SIZE_MAX = 20,
};

char *json_write_room(struct json_writer *writer, size_t size) {
    writer->data = memory_grow(writer->data, &writer->capacity, writer->size + size, 1);
    return writer->data + writer->size;
}

void json_write_bytes(struct json_writer *writer, const char *bytes, size_t size) {
    if (size == 0)
        return;
    memcpy(json_write_room(writer, size), bytes, size);
    writer->size += size;
}

static void write_byte(struct json_writer *writer, char byte) {
    *json_write_room(writer, 1) = byte;
    writer->size++;
}

void json_write_comma(struct json_writer *writer) {
    if (writer->need_comma)
        write_byte(writer, ',');
    /* Outside of arrays and objects values stand by themselves, as in NDJSON. */
    writer->need_comma = writer->depth > 0;
}

static void write_begin(struct json_writer *writer, char opener) {
    json_write_comma(writer);
    write_byte(writer, opener);
    writer->depth++;
    writer->need_comma = false;
}

static void write_end(struct json_writer *writer, char closer) {
    assert(writer->depth > 0);
    write_byte(writer, closer);
    writer->depth--;
    writer->need_comma = writer->depth > 0;
}

void json_write_object_begin(struct json_writer *writer) {
    write_begin(writer, '{');
}

void json_write_object_end(struct json_writer *writer) {
    write_end(writer, '}');
}

void json_write_array_begin(struct json_writer *writer) {
    write_begin(writer, '[');
}

void json_write_array_end(struct json_writer *writer) {
    write_end(writer, ']');
}

void json_write_name(struct json_writer *writer, const char *name) {
    assert(writer->depth > 0);
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++)
        assert(name[i] >= 0x20 && name[i] < 0x7F && name[i] != '"' && name[i] != '\\');
    json_write_comma(writer);
    write_byte(writer, '"');
    json_write_bytes(writer, name, size);
    json_write_bytes(writer, "\":", 2);
    writer->need_comma = false;
}

void json_write_uint64(struct json_writer *writer, uint64_t number) {
    char digits[UINT64_SIZE_MAX];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    json_write_comma(writer);
    json_write_bytes(writer, digits + first, sizeof digits - first);
}

void json_write_double(struct json_writer *writer, double number, int decimals) {
    assert(decimals >= 0 && decimals <= DECIMALS_MAX);
    if (!isfinite(number)) {
        json_write_null(writer);
        return;
    }
    /* The point is a point: nothing in the program calls setlocale. */
    char text[DOUBLE_SIZE_MAX];
    int size = snprintf(text, sizeof text, "%.*f", decimals, number);
    assert(size > 0 && size < (int)sizeof text);
    json_write_comma(writer);
    json_write_bytes(writer, text, (size_t)size);
}

void json_write_bool(struct json_writer *writer, bool truth) {
    json_write_comma(writer);
    if (truth)
        json_write_bytes(writer, "true", 4);
    else
        json_write_bytes(writer, "false", 5);
}

void json_write_null(struct json_writer *writer) {
    json_write_comma(writer);
    json_write_bytes(writer, "null", 4);
}

void json_write_value(struct json_writer *writer, struct json_span value) {
    assert(value.size > 0);
    json_write_comma(writer);
    json_write_bytes(writer, value.data, value.size);
}

void json_write_value_one_line(struct json_writer *writer, struct json_span value) {
    json_write_value(writer, value);
    /* Strings have no raw control bytes: every CR and LF stands between tokens, where a space means the same. */
    char *copy = writer->data + writer->size - value.size;
    for (size_t i = 0; i < value.size; i++) {
        if (copy[i] == '\n' || copy[i] == '\r')
            copy[i] = ' ';
    }
}

char *json_writer_take(struct json_writer *writer, size_t *out_size) {
    assert(writer->depth == 0);
    *json_write_room(writer, 1) = '\0';
    char *text = writer->data;
    *out_size = writer->size;
    *writer = (struct json_writer){0};
    return text;
}

void json_writer_discard(struct json_writer *writer) {
    free(writer->data);
    *writer = (struct json_writer){0};
}
