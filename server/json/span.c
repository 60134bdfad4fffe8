/* Types and walks: everything here reads text that a scan has accepted. */
#include "server/json/span.h"

#include <assert.h>

#include "server/json/word.h"

enum json_type json_type(struct json_span value) {
    assert(value.size > 0);
    switch (value.data[0]) {
    case 'n':
        return JSON_NULL;
    case 'f':
        return JSON_FALSE;
    case 't':
        return JSON_TRUE;
    case '"':
        return JSON_STRING;
    case '[':
        return JSON_ARRAY;
    case '{':
        return JSON_OBJECT;
    default:
        assert(value.data[0] == '-' || json_is_digit(value.data[0]));
        return JSON_NUMBER;
    }
}

const char *json_skip_string(const char *at, const char *end) {
    assert(at < end && *at == '"');
    at++;
    for (;;) {
        at = json_find_quote_or_backslash(at, end);
        assert(at < end);
        if (*at == '"')
            return at + 1;
        at += 2; /* Whatever the backslash escapes is no end of the string; of \u the digits are plain characters. */
    }
}

static bool ends_scalar(char byte) {
    return byte == ',' || byte == ']' || byte == '}' || json_is_white(byte);
}

const char *json_skip_scalar(const char *at, const char *end) {
    assert(at < end);
    if (*at == '"')
        return json_skip_string(at, end);
    while (at < end && !ends_scalar(*at))
        at++;
    return at;
}

const char *json_skip_value(const char *at, const char *end) {
    assert(at < end);
    if (*at != '[' && *at != '{')
        return json_skip_scalar(at, end);
    /* Scanned text is balanced: which kind of bracket closes need not be looked at. */
    size_t depth = 0;
    do {
        assert(at < end);
        switch (*at) {
        case '"':
            at = json_skip_string(at, end);
            continue;
        case '[':
        case '{':
            depth++;
            break;
        case ']':
        case '}':
            depth--;
            break;
        default:
            break;
        }
        at++;
    } while (depth > 0);
    return at;
}

struct json_cursor json_open(struct json_span array_or_object) {
    assert(array_or_object.size >= 2);
    assert(array_or_object.data[0] == '[' || array_or_object.data[0] == '{');
    /* The closing bracket is the cursor's end, so that an end is told without looking at a byte. */
    return (struct json_cursor){array_or_object.data + 1, array_or_object.data + array_or_object.size - 1};
}

/* Goes past one byte that a scan has proved to be there, and the white space around it. */
static const char *skip_mark(const char *at, const char *end, char mark) {
    at = json_skip_white(at, end);
    if (at < end && *at == mark)
        at = json_skip_white(at + 1, end);
    return at;
}

bool json_next_element(struct json_cursor *cursor, struct json_span *out_value) {
    const char *at = skip_mark(cursor->at, cursor->end, ',');
    cursor->at = at;
    if (at == cursor->end)
        return false;
    cursor->at = json_skip_value(at, cursor->end);
    *out_value = (struct json_span){at, (size_t)(cursor->at - at)};
    return true;
}

bool json_next_member(struct json_cursor *cursor, struct json_span *out_name, struct json_span *out_value) {
    const char *name = skip_mark(cursor->at, cursor->end, ',');
    cursor->at = name;
    if (name == cursor->end)
        return false;
    const char *behind_name = json_skip_string(name, cursor->end);
    const char *value = skip_mark(behind_name, cursor->end, ':');
    cursor->at = json_skip_value(value, cursor->end);
    *out_name = (struct json_span){name, (size_t)(behind_name - name)};
    *out_value = (struct json_span){value, (size_t)(cursor->at - value)};
    return true;
}

bool json_member(struct json_span object, const char *name, struct json_span *out_value) {
    if (json_type(object) != JSON_OBJECT)
        return false;
    bool found = false;
    struct json_cursor cursor = json_open(object);
    struct json_span member_name;
    struct json_span member;
    while (json_next_member(&cursor, &member_name, &member)) {
        if (json_string_is(member_name, name)) {
            *out_value = member;
            found = true;
        }
    }
    return found;
}
