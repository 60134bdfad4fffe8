/* Allocation that does not fail: out of memory ends the process with a message (a node that cannot allocate cannot keep its
 * promises, and its peers carry on). Everything here is freed with free(). */
#ifndef RAFTD_MEMORY_H
#define RAFTD_MEMORY_H

#include <stddef.h>

void *memory_alloc(size_t size);  /* Uninitialised. `size` 0 is taken as 1. */
void *memory_zalloc(size_t size); /* Zeroed. */
void *memory_realloc(void *old, size_t size);
void *memory_copy(const void *bytes, size_t size); /* A copy of `size` bytes. */
char *memory_text(const char *bytes, size_t size); /* A NUL-terminated copy. */

/* Grows an array of `element_size` elements so that `needed` of them fit; doubles, so that appending is cheap. Answers the
 * array and updates *capacity (in elements). */
void *memory_grow(void *array, size_t *capacity, size_t needed, size_t element_size);

#endif
