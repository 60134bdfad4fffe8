#include "tests/fuzz/cjson_beside.h"

#include "server/base/memory.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CJSON_NUMBER_MAX = 63 /* Longer literals it cuts. */ };

static void require(bool truth, const char *what, const char *text, size_t size) {
    if (!truth) {
        fprintf(stderr, "cjson_beside: %s: %.*s\n", what, (int)size, text);
        abort();
    }
}

/* -- What both take -- */

/* cJSON ends a string at its first NUL. */
static void compare_string(struct json_span string, const char *other) {
    char *decoded = memory_alloc(string.size + 1);
    size_t size = json_string_decode(string, decoded);
    decoded[size] = '\0';
    require(strcmp(decoded, other) == 0, "another string", string.data, string.size);
    free(decoded);
}

static void compare_number(struct json_span number, double other) {
    char *text = memory_text(number.data, number.size);
    require(strtod(text, NULL) == other, "another number", number.data, number.size);
    free(text);
    uint64_t integer;
    if (json_number_uint64(number, UINT64_MAX, &integer)) {
        require((double)integer == other, "another integer", number.data, number.size);
    }
}

/* A pair whose insides are to be compared. */
struct pair {
    struct json_span value;
    const cJSON *other;
};

struct pairs {
    struct pair *waiting; /* Owned. */
    size_t count;
    size_t capacity;
};

static void push(struct pairs *pairs, struct json_span value, const cJSON *other) {
    pairs->waiting = memory_grow(pairs->waiting, &pairs->capacity, pairs->count + 1, sizeof *pairs->waiting);
    pairs->waiting[pairs->count++] = (struct pair){value, other};
}

static void compare_container(struct pairs *pairs, struct json_span value, const cJSON *other) {
    const cJSON *child = other->child;
    struct json_span name;
    struct json_span inside;
    bool is_object = json_type(value) == JSON_OBJECT;
    struct json_cursor cursor = json_open(value);
    while (is_object ? json_next_member(&cursor, &name, &inside) : json_next_element(&cursor, &inside)) {
        require(child != NULL, "cJSON has fewer", value.data, value.size);
        if (is_object) {
            compare_string(name, child->string);
        }
        push(pairs, inside, child);
        child = child->next;
    }
    require(child == NULL, "cJSON has more", value.data, value.size);
}

static void compare_one(struct pairs *pairs, struct json_span value, const cJSON *other) {
    static const int types[] = {
        [JSON_NULL] = cJSON_NULL,     [JSON_FALSE] = cJSON_False, [JSON_TRUE] = cJSON_True,    [JSON_NUMBER] = cJSON_Number,
        [JSON_STRING] = cJSON_String, [JSON_ARRAY] = cJSON_Array, [JSON_OBJECT] = cJSON_Object};
    enum json_type type = json_type(value);
    require((other->type & 0xff) == types[type], "another type", value.data, value.size);
    if (type == JSON_STRING) {
        compare_string(value, other->valuestring);
    } else if (type == JSON_NUMBER) {
        compare_number(value, other->valuedouble);
    } else if (type == JSON_ARRAY || type == JSON_OBJECT) {
        compare_container(pairs, value, other);
    }
}

/* -- What only one takes -- */

/* The number that four hexadecimal digits after \u make at `at`; 0: there is no such escape. */
static unsigned long escaped(const char *at, const char *end) {
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
        return 0;
    }
    char digits[5] = {0};
    memcpy(digits, at + 2, 4);
    return strtoul(digits, NULL, 16);
}

/* Escapes of half a surrogate pair, which RFC 8259 lets stand and cJSON does not. The text is JSON. */
static bool has_half_pair(const char *text, size_t size) {
    const char *end = text + size;
    for (const char *at = text; at < end; at++) {
        unsigned long unit = escaped(at, end);
        if (unit >= 0xd800 && unit < 0xe000) {
            unsigned long next = escaped(at + 6, end);
            if (unit >= 0xdc00 || next < 0xdc00 || next >= 0xe000) {
                return true;
            }
            at += 11;
        } else if (*at == '\\') {
            at++;
        }
    }
    return false;
}

static bool cjson_may_refuse(const char *text, size_t size) {
    size_t digits = 0;
    for (size_t i = 0; i < size && digits <= CJSON_NUMBER_MAX; i++) {
        bool is_number = text[i] != '\0' && strchr("0123456789+-.eE", text[i]) != NULL;
        digits = is_number ? digits + 1 : 0;
    }
    return digits > CJSON_NUMBER_MAX || has_half_pair(text, size);
}

/* What cJSON takes though it is no JSON (cJSON 1.7.15): bytes that are not UTF-8 and a byte order mark, control bytes in
 * strings and between tokens, numbers such as 01, 1. and -.5, four letters after \u that are no digits. Ours has a limit of
 * depth of its own. */
static bool ours_may_refuse(const char *text, size_t size, size_t offset) {
    unsigned char before = offset > 0 ? (unsigned char)text[offset - 1] : 0;
    if (offset == size) {
        return before == '.';
    }
    unsigned char here = (unsigned char)text[offset];
    if (here < 0x20 || here >= 0x80 || before >= 0x80) {
        return true;
    }
    if (before == '.' || (before == '0' && here >= '0' && here <= '9') || (before == '-' && here == '.')) {
        return true;
    }
    for (size_t back = 2; back <= 5 && back <= offset; back++) {
        if (text[offset - back] == '\\' && text[offset - back + 1] == 'u') {
            return true;
        }
    }
    size_t depth = 0;
    for (size_t i = 0; i < offset; i++) {
        depth += text[i] == '[' || text[i] == '{' ? 1 : 0;
    }
    return depth >= JSON_DEPTH_MAX && (here == '[' || here == '{');
}

/* What cJSON counts as white space. */
static bool only_space(const char *at, const char *end) {
    while (at < end && (unsigned char)*at <= 32) {
        at++;
    }
    return at == end;
}

void cjson_compare(const char *text, size_t size, const struct json_span *value, size_t offset) {
    const char *end = text;
    cJSON *other = size == 0 ? NULL : cJSON_ParseWithLengthOpts(text, size, &end, 0);
    bool taken = other != NULL && only_space(end, text + size);
    if (value == NULL) {
        require(!taken || ours_may_refuse(text, size, offset), "only cJSON takes it", text, size);
    } else if (!taken) {
        require(cjson_may_refuse(text, size), "cJSON does not take it", text, size);
    } else {
        struct pairs pairs = {0};
        push(&pairs, *value, other);
        while (pairs.count > 0) {
            struct pair pair = pairs.waiting[--pairs.count];
            compare_one(&pairs, pair.value, pair.other);
        }
        free(pairs.waiting);
    }
    cJSON_Delete(other);
}
