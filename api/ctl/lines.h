/* Lines of a file or of standard input, one after the other; blank ones are left out. */
#ifndef RAFTCTL_LINES_H
#define RAFTCTL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct lines {
    FILE *file;
    const char *name; /* For messages. Borrowed. */
    char *line;       /* Owned by getline. */
    size_t capacity;
    uint64_t number;      /* Of the line that was read last, from 1. */
    uint64_t read, total; /* Bytes; a total of 0: not known. */
};

/* "-" is standard input. False: it cannot be opened. */
bool lines_open(struct lines *lines, const char *path);
/* The next line that is not blank, without white space around it; borrowed until the next one. False: there is none, or it
 * cannot be read, which lines_close tells. */
bool lines_next(struct lines *lines, const char **out_line, size_t *out_size);
/* False: reading has failed. */
bool lines_close(struct lines *lines);

#endif
