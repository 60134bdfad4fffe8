#include "api/duration.h"

#include <string.h>

/* Milliseconds of one unit; 0 for what is none. */
static uint64_t unit_ms(const char *text, size_t size) {
    if (size == 2 && memcmp(text, "ms", 2) == 0) {
        return 1;
    }
    if (size != 1) {
        return 0;
    }
    return text[0] == 's' ? 1000 : text[0] == 'm' ? 60000 : 0;
}

bool duration_parse(const char *text, size_t size, uint32_t maximum_ms, uint32_t *out_ms) {
    uint64_t number = 0;
    size_t digits = 0;
    while (digits < size && text[digits] >= '0' && text[digits] <= '9') {
        number = number * 10 + (uint64_t)(text[digits] - '0');
        /* Every unit is at least a millisecond: a larger number cannot fit any more, and must not wrap around. */
        if (number > maximum_ms) {
            return false;
        }
        digits++;
    }
    uint64_t milliseconds = number * unit_ms(text + digits, size - digits);
    if (digits == 0 || milliseconds == 0 || milliseconds > maximum_ms) {
        return false;
    }
    *out_ms = (uint32_t)milliseconds;
    return true;
}
