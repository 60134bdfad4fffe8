/* JSON for the SQLite machine: a reader of what the node has checked to be JSON already, and a text that grows. */
#ifndef SQLITE_TEXT_H
#define SQLITE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of one JSON value, without white space around it. Borrowed. */
struct value {
    const char *data;
    size_t size;
};

/* Walks the elements of an array or the members of an object: struct walk walk = {array}; while (walk_next(...)). */
struct walk {
    struct value over;
    size_t at; /* 0: before the bracket. */
};
/* `out_name` is a string with its quotes; not touched in an array. */
bool walk_next(struct walk *walk, struct value *out_name, struct value *out_value);
/* The member of that name, which has no escapes; of several the last. False: none, or no object. */
bool value_member(struct value object, const char *name, struct value *out_value);
/* What a string says, in UTF-8, with a NUL behind it; the caller frees it. NULL: it has half a pair of surrogates. */
char *value_text(struct value string, size_t *out_size);

struct text {
    char *bytes; /* Owned; free() it. */
    size_t size;
    size_t capacity;
};
void text_add(struct text *text, const void *bytes, size_t size);
void text_say(struct text *text, const char *words);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As a JSON string; the bytes are UTF-8. */
void text_add_string(struct text *text, const char *bytes, size_t size);

bool is_utf8(const unsigned char *bytes, size_t size);
/* -1: no hexadecimal digit. */
int hex_digit(char digit);

/* Never NULL: without memory a machine cannot do what the others do. */
void *get_memory(size_t size);

#endif
