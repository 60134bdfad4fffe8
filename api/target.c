#include "api/target.h"

#include <string.h>

static int hex_digit(char byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that the three characters from a percent sign on stand for; -1 when they stand for none. */
static int escaped_byte(const char *at, const char *end) {
    if (end - at < 3) {
        return -1;
    }
    int high = hex_digit(at[1]);
    int low = hex_digit(at[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool well_formed(const char *raw, size_t size) {
    const char *end = raw + size;
    for (const char *at = raw; at < end; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte <= 0x20 || byte == 0x7F || (byte == '%' && escaped_byte(at, end) <= 0)) {
            return false;
        }
    }
    return true;
}

/* An absolute form goes to proxies, but servers must take it too (RFC 9112). */
static const char *after_authority(const char *raw, const char *end, struct target *target) {
    size_t scheme = 0;
    size_t size = (size_t)(end - raw);
    if (size >= 7 && strncasecmp(raw, "http://", 7) == 0) {
        scheme = 7;
    } else if (size >= 8 && strncasecmp(raw, "https://", 8) == 0) {
        scheme = 8;
    }
    target->authority = NULL;
    target->authority_size = 0;
    if (scheme == 0) {
        return raw;
    }
    const char *at = raw + scheme;
    while (at < end && *at != '/' && *at != '?') {
        at++;
    }
    target->authority = raw + scheme;
    target->authority_size = (size_t)(at - target->authority);
    return at;
}

static void decode_path(const char *raw, size_t size, char *scratch, struct target *target) {
    const char *end = raw + size;
    size_t length = 0;
    for (const char *at = raw; at < end; at++) {
        int byte = *at == '%' ? escaped_byte(at, end) : -1;
        if (byte < 0) {
            scratch[length++] = *at;
            continue;
        }
        target->encoded_slash = target->encoded_slash || byte == '/';
        scratch[length++] = (char)byte;
        at += 2;
    }
    target->path = scratch;
    target->path_size = length;
}

bool target_parse(const char *raw, size_t size, char *scratch, struct target *out_target) {
    const char *end = raw + size;
    struct target target = {0};
    const char *path = after_authority(raw, end, &target);
    const char *question = memchr(path, '?', (size_t)(end - path));
    const char *path_end = question != NULL ? question : end;
    target.raw_path = path == path_end && target.authority != NULL ? "/" : path;
    target.raw_path_size = path == path_end && target.authority != NULL ? 1 : (size_t)(path_end - path);
    target.query = question != NULL ? question + 1 : end;
    target.query_size = (size_t)(end - target.query);
    decode_path(target.raw_path, target.raw_path_size, scratch, &target);
    *out_target = target;
    return well_formed(raw, size);
}

bool target_next_pair(const char **at, const char *end, struct target_pair *out_pair) {
    const char *begin = *at;
    while (begin < end && *begin == '&') {
        begin++;
    }
    if (begin == end) {
        *at = end;
        return false;
    }
    const char *ampersand = memchr(begin, '&', (size_t)(end - begin));
    const char *stop = ampersand != NULL ? ampersand : end;
    const char *equals = memchr(begin, '=', (size_t)(stop - begin));
    const char *name_end = equals != NULL ? equals : stop;
    const char *value = equals != NULL ? equals + 1 : stop;
    *out_pair = (struct target_pair){begin, (size_t)(name_end - begin), value, (size_t)(stop - value)};
    *at = stop;
    return true;
}

size_t target_decode(const char *raw, size_t size, char *out) {
    const char *end = raw + size;
    size_t length = 0;
    for (const char *at = raw; at < end; at++) {
        int byte = *at == '%' ? escaped_byte(at, end) : -1;
        if (byte >= 0) {
            out[length++] = (char)byte;
            at += 2;
        } else {
            out[length++] = *at == '+' ? ' ' : *at;
        }
    }
    return length;
}

bool target_is(const char *raw, size_t size, const char *text) {
    const char *end = raw + size;
    for (const char *at = raw; at < end; at++, text++) {
        int byte = *at == '%' ? escaped_byte(at, end) : -1;
        char decoded = byte >= 0 ? (char)byte : *at == '+' ? ' ' : *at;
        if (*text == '\0' || *text != decoded) {
            return false;
        }
        at += byte >= 0 ? 2 : 0;
    }
    return *text == '\0';
}
