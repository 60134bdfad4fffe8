#include "server/base/buffer.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>

struct buffer *buffer_take(char *data, size_t size) {
    struct buffer *buffer = memory_alloc(sizeof *buffer);
    *buffer = (struct buffer){.references = 1, .size = size, .data = data};
    return buffer;
}

struct buffer *buffer_copy(const void *bytes, size_t size) {
    return buffer_take(memory_copy(bytes, size), size);
}

struct buffer *buffer_retain(struct buffer *buffer) {
    if (buffer != NULL) {
        assert(buffer->references > 0);
        buffer->references++;
    }
    return buffer;
}

void buffer_release(struct buffer *buffer) {
    if (buffer == NULL) {
        return;
    }
    assert(buffer->references > 0);
    if (--buffer->references == 0) {
        free(buffer->data);
        free(buffer);
    }
}
