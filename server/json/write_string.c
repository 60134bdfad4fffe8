/* The writer's strings: any bytes in, a JSON string out. */
#include "server/json/json.h"

#include <assert.h>
#include <string.h>

#include "server/json/utf8.h"
#include "server/json/word.h"
#include "server/json/write.h"

static const char hex_digits[] = "0123456789abcdef";

static void write_number_escape(struct json_writer *writer, unsigned code) {
    assert(code <= 0xFFFF);
    char escape[6] = {'\\',
                      'u',
                      hex_digits[code >> 12],
                      hex_digits[code >> 8 & 0xF],
                      hex_digits[code >> 4 & 0xF],
                      hex_digits[code & 0xF]};
    json_write_bytes(writer, escape, sizeof escape);
}

/* A quote, a backslash or a control character. */
static void write_escape(struct json_writer *writer, char byte) {
    char escape[2] = {'\\', byte};
    switch (byte) {
    case '"':
    case '\\':
        break;
    case '\b':
        escape[1] = 'b';
        break;
    case '\f':
        escape[1] = 'f';
        break;
    case '\n':
        escape[1] = 'n';
        break;
    case '\r':
        escape[1] = 'r';
        break;
    case '\t':
        escape[1] = 't';
        break;
    default:
        write_number_escape(writer, (unsigned char)byte);
        return;
    }
    json_write_bytes(writer, escape, sizeof escape);
}

/* The three bytes that json_string_decode writes for U+D800 to U+DFFF. */
static bool is_surrogate(const char *at, const char *end) {
    return end - at >= 3 && (unsigned char)at[0] == 0xED && (unsigned char)at[1] >= 0xA0 && (unsigned char)at[1] <= 0xBF &&
           (unsigned char)at[2] >= 0x80 && (unsigned char)at[2] <= 0xBF;
}

/* Writes what begins at a byte of 0x80 or above; answers where it ends. */
static const char *write_wide(struct json_writer *writer, const char *at, const char *end) {
    struct json_utf8 found = json_utf8_look(at, end);
    if (found.good > 0 && found.good == found.needed) {
        json_write_bytes(writer, at, found.needed);
        return at + found.needed;
    }
    if (is_surrogate(at, end)) {
        write_number_escape(writer, 0xD000 | ((unsigned)at[1] & 0x3F) << 6 | ((unsigned)at[2] & 0x3F));
        return at + 3;
    }
    /* One U+FFFD for as many bytes as could have begun a character, as browsers do. */
    json_write_bytes(writer, "\xEF\xBF\xBD", 3);
    return at + (found.good > 0 ? found.good : 1);
}

void json_write_string(struct json_writer *writer, const char *bytes, size_t size) {
    json_write_comma(writer);
    json_write_bytes(writer, "\"", 1);
    const char *at = bytes;
    const char *end = size > 0 ? bytes + size : bytes;
    while (at < end) {
        const char *plain = at;
        at = json_skip_plain(at, end);
        json_write_bytes(writer, plain, (size_t)(at - plain));
        if (at == end)
            break;
        if (((unsigned char)*at & 0x80) != 0)
            at = write_wide(writer, at, end);
        else
            write_escape(writer, *at++);
    }
    json_write_bytes(writer, "\"", 1);
}

void json_write_text(struct json_writer *writer, const char *text) {
    json_write_string(writer, text, strlen(text));
}
