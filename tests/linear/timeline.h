/* A history drawn as one HTML file that needs nothing else: a lane for each client, zoomed to what does not fit. */
#ifndef TESTS_LINEAR_TIMELINE_H
#define TESTS_LINEAR_TIMELINE_H

#include "tests/linear/history_file.h"

/* `key` and `culprit` (NULL: none) of the verdict. False: errno. */
bool timeline_write(const char *path, const struct history *history, enum linear_verdict verdict, uint32_t key,
                    const struct history_record *culprit);

#endif
