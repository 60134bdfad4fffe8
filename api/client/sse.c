#include "api/client/sse.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { FIELD_NAME_ROOM = 64 };

void sse_begin(struct sse *sse, size_t limit) {
    sse->limit = limit;
    sse->line_size = sse->data_size = 0;
    sse->name[0] = '\0';
    sse->return_seen = false;
}

void sse_end(struct sse *sse) {
    free(sse->line);
    free(sse->data);
    *sse = (struct sse){.limit = 0};
}

static bool add(char **bytes, size_t *size, size_t *capacity, size_t limit, const char *more, size_t more_size) {
    if (more_size > limit - *size) {
        return false;
    }
    *bytes = memory_grow(*bytes, capacity, *size + more_size + 1, 1);
    memcpy(*bytes + *size, more, more_size);
    *size += more_size;
    return true;
}

static bool end_event(struct sse *sse, sse_on_event on_event, void *context) {
    bool more = true;
    if (sse->data_size > 0) {
        more = on_event(context, sse->name, sse->data, sse->data_size - 1); /* Without the last line's end. */
    }
    sse->data_size = 0;
    sse->name[0] = '\0';
    return more;
}

static bool end_line(struct sse *sse, sse_on_event on_event, void *context) {
    const char *line = sse->line;
    size_t size = sse->line_size;
    sse->line_size = 0;
    if (size == 0) {
        return end_event(sse, on_event, context);
    }
    const char *colon = memchr(line, ':', size);
    size_t name_size = colon != NULL ? (size_t)(colon - line) : size;
    const char *value = colon != NULL ? colon + 1 : line + size;
    value += value < line + size && *value == ' ';
    size_t value_size = (size_t)(line + size - value);
    if (name_size == 4 && memcmp(line, "data", 4) == 0) {
        return add(&sse->data, &sse->data_size, &sse->data_capacity, sse->limit, value, value_size) &&
               add(&sse->data, &sse->data_size, &sse->data_capacity, sse->limit + 1, "\n", 1);
    }
    if (name_size == 5 && memcmp(line, "event", 5) == 0) {
        size_t kept = value_size < SSE_NAME_SIZE ? value_size : SSE_NAME_SIZE - 1;
        memcpy(sse->name, value, kept);
        sse->name[kept] = '\0';
    }
    return true;
}

bool sse_read(struct sse *sse, const char *bytes, size_t size, sse_on_event on_event, void *context) {
    while (size > 0) {
        if (sse->return_seen && *bytes == '\n') {
            bytes++, size--;
        }
        sse->return_seen = false;
        size_t part = 0;
        while (part < size && bytes[part] != '\n' && bytes[part] != '\r') {
            part++;
        }
        if (!add(&sse->line, &sse->line_size, &sse->line_capacity, sse->limit + FIELD_NAME_ROOM, bytes, part)) {
            return false;
        }
        if (part == size) {
            break;
        }
        sse->return_seen = bytes[part] == '\r';
        if (!end_line(sse, on_event, context)) {
            return false;
        }
        bytes += part + 1;
        size -= part + 1;
    }
    return true;
}
