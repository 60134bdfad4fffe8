/* Strict JSON (RFC 8259) over borrowed bytes: is it JSON, where does it stop being JSON, which bytes are which member,
 * are two values equal, and a writer for answers.
 *
 * Model. Nothing is built: a value is a `struct json_span`, the bytes it was written with, without the white space around
 * it. A span is made by `json_scan`, which checks the bytes once; every other function takes spans that came from there
 * (or from inside such a span) and asserts rather than checks what a scan has proved. Strings are length-counted: \u0000 is
 * a character like any other.
 *
 * Accepted: UTF-8 without BOM, one value, at most JSON_DEPTH_MAX levels of arrays and objects; numbers of any size and
 * exponent; escapes of lone surrogates (as written). Refused: everything else RFC 8259 does not allow, raw control bytes,
 * overlong or surrogate UTF-8 included.
 *
 * Memory: spans borrow; they live as long as the bytes under them. Threads: no state; call from any. Time: linear; the
 * scanner is iterative and uses no stack per level.
 */
#ifndef RAFTD_JSON_H
#define RAFTD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JSON_DEPTH_MAX = 512,
    JSON_FRAME_DEPTH = 8 /* More levels in a text of our own that carries values of JSON_DEPTH_MAX levels. */
};

struct json_span {
    const char *data; /* Borrowed; not NUL-terminated. */
    size_t size;      /* Bytes. A value has at least one. */
};

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* Checks that `data` is one JSON value with nothing but white space around it.
 * True: `*out_value` is the value's span. False: `*out_offset` is the 0-based byte where the text stops being JSON: the
 * first byte that no JSON text could have there, the bracket that is one level too deep, or `size` when the text ends too
 * early. */
bool json_scan(const char *data, size_t size, struct json_span *out_value, size_t *out_offset);

/* The same for what nodes send each other: messages put a few levels around the values of clients, which were scanned at
 * the door and must not be refused on their way to the followers. JSON_DEPTH_MAX + JSON_FRAME_DEPTH levels. */
bool json_scan_message(const char *data, size_t size, struct json_span *out_value, size_t *out_offset);

/* The type of a scanned value, told by its first byte. */
enum json_type json_type(struct json_span value);

/* Walks the members of an object or the elements of an array in the order they were written:
 *     struct json_cursor cursor = json_open(value);
 *     while (json_next_member(&cursor, &name, &member)) ...
 * Names come as the spans of their string literals, quotes included. */
struct json_cursor {
    const char *at;
    const char *end;
};
struct json_cursor json_open(struct json_span array_or_object);
bool json_next_member(struct json_cursor *cursor, struct json_span *out_name, struct json_span *out_value);
bool json_next_element(struct json_cursor *cursor, struct json_span *out_value);

/* The value of the member called `name` (plain C text, compared after decoding the escapes of the names in `object`).
 * Of duplicate members the last counts. False: no such member, or `object` is not an object. */
bool json_member(struct json_span object, const char *name, struct json_span *out_value);

/* True when the string value `string` decodes to exactly the text `text`. False as well when it is no string. */
bool json_string_is(struct json_span string, const char *text);

/* Decodes a string value to UTF-8 bytes. Writes at most `string.size` bytes (decoding never grows) to `out`, which the
 * caller provides, and returns how many. Lone surrogates become the three bytes that UTF-8's scheme gives their number, so
 * that two strings are equal exactly when their decoded bytes are, and byte order is a total order. */
size_t json_string_decode(struct json_span string, char *out);

/* The number as an unsigned integer: true only for a plain non-negative integer literal (digits; no sign, fraction or
 * exponent) not above `maximum`. */
bool json_number_uint64(struct json_span number, uint64_t maximum, uint64_t *out_number);

/* Equal by value, exactly: 1 = 1.0 = 1e0, -0 = 0, 10000000000000000001 != 10000000000000000000; strings by their decoded
 * characters; arrays in order; objects without regard to order, of duplicate members the last counts. */
bool json_equal(struct json_span left, struct json_span right);

/* Numbers as normalised decimals, compared without loss (part of json_equal). Exponents are bounded by counting digits,
 * never by converting to a double: 1e999999999999 is legal and equals only itself by value. */
bool json_number_equal(struct json_span left, struct json_span right);

/* -- Writer ------------------------------------------------------------------------------------------------------------
 * Appends JSON text to a growing buffer, straight from its pieces: commas and colons are put where they belong, strings are
 * escaped, values that are already JSON go in as they are. The caller keeps objects and arrays balanced (asserted by
 * json_writer_take). Running out of memory aborts with a message. Zero-initialise to begin. */
struct json_writer {
    char *data;  /* Owned. Not NUL-terminated until json_writer_take. */
    size_t size; /* Bytes written. */
    size_t capacity;
    unsigned depth;  /* Open objects and arrays. */
    bool need_comma; /* The next name or element follows another. */
};

void json_write_object_begin(struct json_writer *writer);
void json_write_object_end(struct json_writer *writer);
void json_write_array_begin(struct json_writer *writer);
void json_write_array_end(struct json_writer *writer);
void json_write_name(struct json_writer *writer, const char *name); /* Plain ASCII without `"` and `\`; asserted. */
void json_write_uint64(struct json_writer *writer, uint64_t number);
void json_write_double(struct json_writer *writer, double number, int decimals); /* Not finite: null. */
void json_write_bool(struct json_writer *writer, bool truth);
void json_write_null(struct json_writer *writer);
void json_write_text(struct json_writer *writer, const char *text);                 /* NUL-terminated text as a string. */
void json_write_string(struct json_writer *writer, const char *bytes, size_t size); /* Bytes as a string; invalid UTF-8
                                                                                       becomes U+FFFD. Bytes that
                                                                                       json_string_decode wrote for a lone
                                                                                       surrogate come back as its escape. */
void json_write_value(struct json_writer *writer, struct json_span value);          /* As it is. */
/* The same, with CR and LF between tokens written as spaces, for line-based formats (NDJSON, Server-Sent Events). */
void json_write_value_one_line(struct json_writer *writer, struct json_span value);
void json_write_bytes(struct json_writer *writer, const char *bytes, size_t size); /* Raw: no comma, no check. */

/* Hands the text over, NUL-terminated (the NUL is not counted in *out_size); the caller frees it. The writer is empty
 * again. */
char *json_writer_take(struct json_writer *writer, size_t *out_size);
/* Frees what was written and empties the writer. */
void json_writer_discard(struct json_writer *writer);

#endif
