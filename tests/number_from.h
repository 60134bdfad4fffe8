/* Numbers that whoever runs a test may give in the environment: seeds, and how many. */
#ifndef TESTS_NUMBER_FROM_H
#define TESTS_NUMBER_FROM_H

#include <stdint.h>
#include <stdlib.h>

static inline uint64_t number_from(const char *variable, uint64_t otherwise) {
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

#endif
