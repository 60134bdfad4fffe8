/* A text that grows. */
#ifndef TESTS_SCENARIOS_TEXT_H
#define TESTS_SCENARIOS_TEXT_H

#include <stddef.h>

struct text {
    char *bytes; /* Owned; NUL-terminated once something was added, NULL before. */
    size_t size;
    size_t capacity;
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *text, const char *bytes, size_t size);
/* Empty again. */
void text_clear(struct text *text);

#endif
