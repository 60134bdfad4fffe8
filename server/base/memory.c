#include "server/base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory, size_t size) {
    if (memory == NULL) {
        fprintf(stderr, "raftd: out of memory (%zu bytes asked for)\n", size);
        abort();
    }
    return memory;
}

void *memory_alloc(size_t size) {
    return checked(malloc(size == 0 ? 1 : size), size);
}

void *memory_zalloc(size_t size) {
    return checked(calloc(1, size == 0 ? 1 : size), size);
}

void *memory_realloc(void *old, size_t size) {
    return checked(realloc(old, size == 0 ? 1 : size), size);
}

void *memory_copy(const void *bytes, size_t size) {
    void *copy = memory_alloc(size);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

char *memory_text(const char *bytes, size_t size) {
    char *text = memory_alloc(size + 1);
    if (size > 0) {
        memcpy(text, bytes, size);
    }
    text[size] = '\0';
    return text;
}

void *memory_grow(void *array, size_t *capacity, size_t needed, size_t element_size) {
    if (needed <= *capacity) {
        return array;
    }
    size_t grown = *capacity == 0 ? 8 : *capacity;
    while (grown < needed) {
        if (grown > SIZE_MAX / 2 / element_size) {
            checked(NULL, needed);
        }
        grown *= 2;
    }
    *capacity = grown;
    return memory_realloc(array, grown * element_size);
}
