/* How far long work is, on standard error, and only where somebody looks: on a terminal. */
#ifndef RAFTCTL_PROGRESS_H
#define RAFTCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PROGRESS_WIDTH = 40, PROGRESS_EVERY_MS = 100 };

struct progress {
    FILE *file; /* NULL: nobody looks. */
    const char *what;
    uint64_t drawn_ms;
    bool drawn;
};

void progress_begin(struct progress *progress, const char *what);
/* `total` 0: not known. Draws seldom enough. */
void progress_show(struct progress *progress, uint64_t done, uint64_t total);
/* Wipes it away. */
void progress_end(struct progress *progress);

/* The bar: "[####......]  40 %", or what is done when the total is not known. */
void progress_text(uint64_t done, uint64_t total, char *out, size_t size);

#endif
