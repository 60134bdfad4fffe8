/* UTF-8 sequences of more than one byte, as RFC 3629 allows them: shortest form only, no surrogates, nothing above
 * U+10FFFF. */
#ifndef RAFTD_JSON_UTF8_H
#define RAFTD_JSON_UTF8_H

#include <stddef.h>

struct json_utf8 {
    size_t needed; /* Bytes of the whole sequence; 0 when its first byte begins none. */
    size_t good;   /* How many of them can stand there: the sequence is whole when this is `needed`. */
};

/* Looks at the sequence that begins at `at`, a byte of 0x80 or above before `end`. */
static inline struct json_utf8 json_utf8_look(const char *at, const char *end) {
    unsigned char lead = (unsigned char)*at;
    /* The range of the second byte is what keeps out overlong forms, surrogates and numbers that are too large. */
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    struct json_utf8 found = {0, 0};
    if (lead >= 0xC2 && lead <= 0xDF) {
        found.needed = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        found.needed = 3;
        if (lead == 0xE0)
            low = 0xA0;
        else if (lead == 0xED)
            high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        found.needed = 4;
        if (lead == 0xF0)
            low = 0x90;
        else if (lead == 0xF4)
            high = 0x8F;
    } else {
        return found;
    }
    found.good = 1;
    while (found.good < found.needed && at + found.good < end) {
        unsigned char byte = (unsigned char)at[found.good];
        if (byte < low || byte > high)
            break;
        low = 0x80;
        high = 0xBF;
        found.good++;
    }
    return found;
}

#endif
