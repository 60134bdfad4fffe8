#include "tests/fuzz/tokens_held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct {
    const char *text;
    unsigned held;
} known[] = {
    {"r-token", HELD_READ},           {"w-token", HELD_WRITE}, {"a-token", HELD_ADMIN},
    {"r-token-and-more", HELD_ADMIN}, {"p-token", HELD_PEER},
};

struct tokens *tokens_held_list(void) {
    static struct tokens *tokens;
    static const char text[] = "read r-token\nwrite w-token a name\nadmin a-token\nadmin r-token-and-more\npeer p-token\n";
    if (tokens == NULL) {
        char path[64];
        struct tokens_message message = {"no file in memory"};
        int file = memfd_create("tokens", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        if (file < 0 || write(file, text, sizeof text - 1) != (ssize_t)sizeof text - 1 ||
            (tokens = tokens_open(path, &message)) == NULL) {
            fprintf(stderr, "tokens_held: %s\n", message.text);
            abort();
        }
        close(file);
    }
    return tokens;
}

static bool is_space(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t skip(const char *bytes, size_t size, size_t at) {
    while (at < size && is_space(bytes[at])) {
        at++;
    }
    return at;
}

unsigned tokens_held_by(const char *value, size_t size) {
    static const char scheme[] = "bearer";
    size_t at = skip(value, size, 0);
    if (size - at < sizeof scheme || strncasecmp(value + at, scheme, sizeof scheme - 1) != 0 ||
        !is_space(value[at + sizeof scheme - 1])) {
        return 0;
    }
    size_t begin = skip(value, size, at + sizeof scheme);
    size_t end = begin;
    while (end < size && !is_space(value[end])) {
        end++;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].text) == end - begin && memcmp(known[i].text, value + begin, end - begin) == 0) {
            return known[i].held;
        }
    }
    return 0;
}

unsigned tokens_held_in(const char *bytes, size_t size) {
    static const char field[] = "authorization";
    const size_t length = sizeof field - 1;
    unsigned held = 0;
    for (size_t at = 0; at + length < size; at++) {
        size_t after = at + length;
        if (strncasecmp(bytes + at, field, length) == 0 && (after = skip(bytes, size, after)) < size &&
            bytes[after] == ':') {
            held |= tokens_held_by(bytes + after + 1, size - after - 1);
        }
    }
    return held;
}
