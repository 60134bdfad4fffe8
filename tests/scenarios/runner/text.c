#include "tests/scenarios/runner/text.h"

#include "server/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add_bytes(struct text *text, const char *bytes, size_t size) {
    text->bytes = memory_grow(text->bytes, &text->capacity, text->size + size + 1, 1);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

void text_add(struct text *text, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof line) {
        fprintf(stderr, "a line is too long: %s\n", line);
        exit(EXIT_FAILURE);
    }
    text_add_bytes(text, line, (size_t)size);
}

void text_clear(struct text *text) {
    free(text->bytes);
    *text = (struct text){0};
}
