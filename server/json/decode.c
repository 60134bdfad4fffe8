/* The characters that a string stands for. */
#include "server/json/json.h"

#include <assert.h>
#include <string.h>

#include "server/json/span.h"
#include "server/json/word.h"

enum { ESCAPED_MAX = 4 /* Bytes of UTF-8 that one escape, or a pair of surrogates, can stand for. */ };

static uint32_t hex_value(const char *digits) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char digit = digits[i];
        uint32_t nibble = json_is_digit(digit) ? (uint32_t)(digit - '0') : (uint32_t)((digit | 0x20) - 'a' + 10);
        value = value * 16 + nibble;
    }
    return value;
}

/* Surrogates are written like any other number of three bytes: only lone ones come here. */
static size_t put_utf8(uint32_t code, char out[ESCAPED_MAX]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* Decodes \uXXXX, and the \uXXXX behind it when the two are a pair of surrogates. */
static const char *decode_number(const char *at, const char *end, char out[ESCAPED_MAX], size_t *out_size) {
    uint32_t code = hex_value(at + 2);
    at += 6;
    if (code >= 0xD800 && code <= 0xDBFF && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        uint32_t low = hex_value(at + 2);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            at += 6;
        }
    }
    *out_size = put_utf8(code, out);
    return at;
}

/* Decodes the escape whose backslash is at `at`; answers where it ends. */
static const char *decode_escape(const char *at, const char *end, char out[ESCAPED_MAX], size_t *out_size) {
    assert(end - at >= 2 && *at == '\\');
    *out_size = 1;
    switch (at[1]) {
    case 'b':
        out[0] = '\b';
        return at + 2;
    case 'f':
        out[0] = '\f';
        return at + 2;
    case 'n':
        out[0] = '\n';
        return at + 2;
    case 'r':
        out[0] = '\r';
        return at + 2;
    case 't':
        out[0] = '\t';
        return at + 2;
    case 'u':
        assert(end - at >= 6);
        return decode_number(at, end, out, out_size);
    default:
        out[0] = at[1]; /* A quote, a backslash or a slash. */
        return at + 2;
    }
}

size_t json_string_decode(struct json_span string, char *out) {
    assert(json_type(string) == JSON_STRING);
    struct json_span inside = json_string_inside(string);
    const char *at = inside.data;
    const char *end = inside.data + inside.size;
    size_t size = 0;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t run = (size_t)((escape != NULL ? escape : end) - at);
        memcpy(out + size, at, run);
        size += run;
        at += run;
        if (at < end) {
            char character[ESCAPED_MAX];
            size_t character_size;
            at = decode_escape(at, end, character, &character_size);
            memcpy(out + size, character, character_size);
            size += character_size;
        }
    }
    assert(size <= inside.size);
    return size;
}

/* Whether the next `size` bytes of the text are these; if so they are taken from it. */
static bool take_bytes(const char **io_text, size_t *io_left, const char *bytes, size_t size) {
    if (size > *io_left || memcmp(*io_text, bytes, size) != 0)
        return false;
    *io_text += size;
    *io_left -= size;
    return true;
}

bool json_string_is(struct json_span string, const char *text) {
    if (json_type(string) != JSON_STRING)
        return false;
    struct json_span inside = json_string_inside(string);
    size_t left = strlen(text);
    const char *at = inside.data;
    const char *end = inside.data + inside.size;
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t run = (size_t)((escape != NULL ? escape : end) - at);
        if (!take_bytes(&text, &left, at, run))
            return false;
        at += run;
        if (at < end) {
            char character[ESCAPED_MAX];
            size_t character_size;
            at = decode_escape(at, end, character, &character_size);
            if (!take_bytes(&text, &left, character, character_size))
                return false;
        }
    }
    return left == 0;
}
