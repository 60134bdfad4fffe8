#include "api/lines.h"

#include <string.h>

struct lines lines_open(const char *body, size_t size) {
    return (struct lines){body, body + size};
}

static bool is_blank(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) {
        at++;
    }
    return at == end;
}

bool lines_next(struct lines *lines, const char **out_line, size_t *out_size) {
    while (lines->at < lines->end) {
        const char *begin = lines->at;
        const char *feed = memchr(begin, '\n', (size_t)(lines->end - begin));
        const char *stop = feed != NULL ? feed : lines->end;
        lines->at = feed != NULL ? feed + 1 : lines->end;
        if (!is_blank(begin, stop)) {
            *out_line = begin;
            *out_size = (size_t)(stop - begin);
            return true;
        }
    }
    return false;
}
