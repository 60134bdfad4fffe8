/* NDJSON: the lines of a body. Lines end at LF or at the end of the body; a CR before it is white space of JSON like any
 * other. Lines of nothing but white space are passed over. */
#ifndef RAFTD_API_LINES_H
#define RAFTD_API_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
    const char *at;
    const char *end;
};

struct lines lines_open(const char *body, size_t size);

/* The next line that is not blank, without its LF and with the white space it has. False: there is none. */
bool lines_next(struct lines *lines, const char **out_line, size_t *out_size);

#endif
