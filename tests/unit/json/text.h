/* Texts as the tests of this room need them. */
#ifndef RAFTD_TESTS_JSON_TEXT_H
#define RAFTD_TESTS_JSON_TEXT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/json/json.h"

/* The size of a string literal, NULs in it included. */
#define TEXT(literal) literal, sizeof literal - 1

/* The value of a text that must be JSON. It borrows the text. */
static inline struct json_span value_of(const char *text) {
    struct json_span value = {0};
    size_t offset = 0;
    ck_assert_msg(json_scan(text, strlen(text), &value, &offset), "refused at byte %zu: %s", offset, text);
    return value;
}

static inline void assert_span(struct json_span span, const char *expected) {
    ck_assert_msg(span.size == strlen(expected) && memcmp(span.data, expected, span.size) == 0, "%.*s is not %s",
                  (int)span.size, span.data, expected);
}

/* `count` times `piece`. The caller frees it. */
static inline char *repeat(const char *piece, size_t count) {
    size_t size = strlen(piece);
    char *text = malloc(size * count + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * size, piece, size);
    text[size * count] = '\0';
    return text;
}

#endif
