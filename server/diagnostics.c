#include "server/diagnostics.h"

#include "server/json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DIAGNOSTICS_LINE_MAX = 1000 /* Bytes of a line with its newline. */, DIAGNOSTICS_TIME_SIZE = 32 };

static const char *const level_names[] = {
    [DIAGNOSTICS_DEBUG] = "debug",
    [DIAGNOSTICS_INFO] = "info",
    [DIAGNOSTICS_WARNING] = "warning",
    [DIAGNOSTICS_ERROR] = "error",
};

bool diagnostics_level_parse(const char *name, enum diagnostics_level *out_level) {
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *out_level = (enum diagnostics_level)i;
            return true;
        }
    }
    return false;
}

static void time_text(char out[DIAGNOSTICS_TIME_SIZE]) {
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t size = strftime(out, DIAGNOSTICS_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out + size, DIAGNOSTICS_TIME_SIZE - size, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

/* Of text that was cut at `size`: the size without the UTF-8 character that the cut went through. */
static size_t without_partial_character(const char *text, size_t size) {
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        unsigned char byte = (unsigned char)text[size - back];
        if ((byte & 0xC0) == 0x80) {
            continue;
        }
        size_t needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return needed > back ? size - back : size;
    }
    return size;
}

/* -- Text -- */

/* Appends `message` with control bytes as \xNN, so that nothing from outside can make a line look like two. Answers the
 * line's size. */
static size_t append_escaped(char *line, size_t size, const char *message) {
    for (const char *at = message; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        char piece[5] = {(char)byte, '\0'};
        if (byte < 0x20 || byte == 0x7F) {
            snprintf(piece, sizeof piece, "\\x%02x", byte);
        }
        size_t piece_size = strlen(piece);
        if (size + piece_size > DIAGNOSTICS_LINE_MAX - 1) {
            return without_partial_character(line, size);
        }
        memcpy(line + size, piece, piece_size);
        size += piece_size;
    }
    return size;
}

static void write_text(const struct diagnostics *diagnostics, const char *time, const char *level, const char *part,
                       const char *message) {
    char line[DIAGNOSTICS_LINE_MAX];
    int head = snprintf(line, sizeof line, "%s %s %s ", time, level, part);
    size_t size = (size_t)head < sizeof line - 1 ? (size_t)head : sizeof line - 1;
    size = append_escaped(line, size, message);
    line[size] = '\n';
    ssize_t ignored = write(diagnostics->descriptor, line, size + 1);
    (void)ignored;
}

/* -- JSON -- */

static char *json_line(const struct diagnostics *diagnostics, const char *time, const char *level, const char *part,
                       const char *message, size_t message_size, size_t *out_size) {
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    json_write_name(&writer, "time");
    json_write_text(&writer, time);
    json_write_name(&writer, "level");
    json_write_text(&writer, level);
    json_write_name(&writer, "node");
    json_write_uint64(&writer, diagnostics->node_id);
    json_write_name(&writer, "part");
    json_write_text(&writer, part);
    json_write_name(&writer, "message");
    json_write_string(&writer, message, message_size);
    json_write_object_end(&writer);
    json_write_bytes(&writer, "\n", 1);
    return json_writer_take(&writer, out_size);
}

static void write_json(const struct diagnostics *diagnostics, const char *time, const char *level, const char *part,
                       const char *message) {
    size_t message_size = strlen(message);
    size_t size;
    char *line = json_line(diagnostics, time, level, part, message, message_size, &size);
    while (size > DIAGNOSTICS_LINE_MAX && message_size > 0) {
        /* Only the message is cut, so that the line stays JSON. A byte takes at most six in a JSON string. */
        size_t excess = (size - DIAGNOSTICS_LINE_MAX + 5) / 6;
        message_size = without_partial_character(message, excess < message_size ? message_size - excess : 0);
        free(line);
        line = json_line(diagnostics, time, level, part, message, message_size, &size);
    }
    ssize_t ignored = write(diagnostics->descriptor, line, size);
    (void)ignored;
    free(line);
}

void diagnostics_write(const struct diagnostics *diagnostics, enum diagnostics_level level, const char *part,
                       const char *format, ...) {
    if (level < diagnostics->level) {
        return;
    }
    char message[DIAGNOSTICS_LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (size >= (int)sizeof message) {
        message[without_partial_character(message, sizeof message - 1)] = '\0';
    }
    char time[DIAGNOSTICS_TIME_SIZE];
    time_text(time);
    if (diagnostics->json) {
        write_json(diagnostics, time, level_names[level], part, message);
    } else {
        write_text(diagnostics, time, level_names[level], part, message);
    }
}
