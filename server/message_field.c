#include "server/message_field.h"

#include "server/base/memory.h"
#include "server/raft/raft.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct message_place top = {NULL, 0};

bool message_field_refuse(struct problem *out_problem, struct message_place place, const char *name, const char *what) {
    if (out_problem == NULL) {
        return false;
    }
    if (place.array == NULL) {
        problem_set(out_problem, PROBLEM_BAD_REQUEST, false, "\"%s\" %s", name, what);
    } else {
        problem_set(out_problem, PROBLEM_BAD_REQUEST, false, "\"%s[%zu].%s\" %s", place.array, place.position, name, what);
    }
    return false;
}

/* Names are written without escapes by everybody but a tester, so the bytes nearly always decide. */
static bool is_name(struct json_span written, const char *name) {
    size_t size = strlen(name);
    if (written.size == size + 2) {
        return memcmp(written.data + 1, name, size) == 0;
    }
    return written.size > size + 2 && memchr(written.data, '\\', written.size) != NULL && json_string_is(written, name);
}

/* Members mostly come in the order of the table: the search begins behind the field found last. */
static struct message_field *find(struct message_field *fields, size_t count, size_t *io_next, struct json_span name) {
    for (size_t i = 0; i < count; i++) {
        size_t at = (*io_next + i) % count;
        if (is_name(name, fields[at].name)) {
            *io_next = at + 1;
            return &fields[at];
        }
    }
    return NULL;
}

static bool read_digits(struct json_span value, char *out) {
    if (json_type(value) != JSON_STRING || value.size != MESSAGE_FIELD_DIGITS_SIZE + 2) {
        return false;
    }
    for (size_t i = 1; i <= MESSAGE_FIELD_DIGITS_SIZE; i++) {
        char digit = value.data[i];
        if (!((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'))) {
            return false;
        }
    }
    memcpy(out, value.data + 1, MESSAGE_FIELD_DIGITS_SIZE);
    out[MESSAGE_FIELD_DIGITS_SIZE] = '\0';
    return true;
}

static bool read_bool(struct json_span value, bool *out) {
    enum json_type type = json_type(value);
    if (type != JSON_TRUE && type != JSON_FALSE) {
        return false;
    }
    *out = type == JSON_TRUE;
    return true;
}

static bool read_number(struct json_span value, uint64_t minimum, uint64_t *out) {
    uint64_t number;
    if (json_type(value) != JSON_NUMBER || !json_number_uint64(value, RAFT_NUMBER_MAX, &number) || number < minimum) {
        return false;
    }
    *out = number;
    return true;
}

static bool read_span(struct json_span value, enum json_type type, struct json_span *out) {
    if (json_type(value) != type) {
        return false;
    }
    *out = value;
    return true;
}

/* NULL: the value is in place. Else what it should have been. */
static const char *read_value(const struct message_field *field) {
    switch (field->type) {
    case MESSAGE_FIELD_NUMBER:
        return read_number(field->value, 0, field->out) ? NULL : "must be a whole number from 0 to 9007199254740991";
    case MESSAGE_FIELD_ID:
        return read_number(field->value, 1, field->out) ? NULL : "must be a whole number from 1 to 9007199254740991";
    case MESSAGE_FIELD_BOOL:
        return read_bool(field->value, field->out) ? NULL : "must be true or false";
    case MESSAGE_FIELD_DIGITS:
        return read_digits(field->value, field->out) ? NULL : "must be a string of 32 hexadecimal digits in lower case";
    case MESSAGE_FIELD_STRING:
        return read_span(field->value, JSON_STRING, field->out) ? NULL : "must be a string";
    case MESSAGE_FIELD_ARRAY:
        return read_span(field->value, JSON_ARRAY, field->out) ? NULL : "must be an array";
    case MESSAGE_FIELD_OBJECT:
        return read_span(field->value, JSON_OBJECT, field->out) ? NULL : "must be an object";
    case MESSAGE_FIELD_VALUE:
        *(struct json_span *)field->out = field->value;
        return NULL;
    }
    assert(false);
    return "cannot be read";
}

static bool is_left_out(const struct message_field *field) {
    if (!field->found) {
        return true;
    }
    if (!field->optional || field->type == MESSAGE_FIELD_VALUE) {
        return false;
    }
    return json_type(field->value) == JSON_NULL ||
           (field->type == MESSAGE_FIELD_DIGITS && json_string_is(field->value, ""));
}

bool message_field_read(struct json_span object, struct message_field *fields, size_t count, struct message_place place,
                        struct problem *out_problem) {
    assert(count > 0);
    if (json_type(object) != JSON_OBJECT) {
        if (place.array == NULL && out_problem != NULL) {
            problem_set(out_problem, PROBLEM_BAD_REQUEST, false, "the body must be an object");
        }
        return place.array == NULL ? false : message_field_refuse(out_problem, top, place.array, "must hold objects only");
    }
    size_t next = 0;
    struct json_cursor cursor = json_open(object);
    struct json_span name;
    struct json_span value;
    while (json_next_member(&cursor, &name, &value)) {
        struct message_field *field = find(fields, count, &next, name);
        if (field != NULL) {
            field->found = true;
            field->value = value;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (is_left_out(&fields[i])) {
            if (!fields[i].optional) {
                return message_field_refuse(out_problem, place, fields[i].name, "is missing");
            }
            fields[i].found = false;
            continue;
        }
        const char *what = read_value(&fields[i]);
        if (what != NULL) {
            return message_field_refuse(out_problem, place, fields[i].name, what);
        }
    }
    return true;
}

char *message_field_text(struct json_span string, size_t size_max) {
    assert(json_type(string) == JSON_STRING);
    /* An escape is at most six times as long as what it stands for. */
    if (string.size - 2 > 6 * size_max) {
        return NULL;
    }
    char *text = memory_alloc(string.size + 1);
    size_t size = json_string_decode(string, text);
    bool good = size > 0 && size <= size_max;
    for (size_t i = 0; i < size; i++) {
        good = good && (unsigned char)text[i] >= 0x20 && text[i] != 0x7F;
    }
    if (!good) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}
