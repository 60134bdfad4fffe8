#include "api/ctl/lines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool lines_open(struct lines *lines, const char *path) {
    bool input = strcmp(path, "-") == 0;
    struct stat about;
    *lines = (struct lines){.file = input ? stdin : fopen(path, "r"), .name = input ? "standard input" : path};
    if (lines->file != NULL && fstat(fileno(lines->file), &about) == 0 && S_ISREG(about.st_mode)) {
        lines->total = (uint64_t)about.st_size;
    }
    return lines->file != NULL;
}

static bool is_white(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

bool lines_next(struct lines *lines, const char **out_line, size_t *out_size) {
    ssize_t got;
    while ((got = getline(&lines->line, &lines->capacity, lines->file)) >= 0) {
        const char *line = lines->line, *end = line + got;
        lines->number++;
        lines->read += (uint64_t)got;
        while (line < end && is_white(*line)) {
            line++;
        }
        while (end > line && is_white(end[-1])) {
            end--;
        }
        if (line < end) {
            *out_line = line;
            *out_size = (size_t)(end - line);
            return true;
        }
    }
    return false;
}

bool lines_close(struct lines *lines) {
    bool well = ferror(lines->file) == 0;
    free(lines->line);
    if (lines->file != stdin) {
        fclose(lines->file);
    }
    return well;
}
