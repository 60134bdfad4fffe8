#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *get_memory(size_t size) {
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory == NULL) {
        fputs("sqlite: out of memory\n", stderr);
        abort();
    }
    return memory;
}

/* -- Reading -- */

static size_t skip_blank(struct value in, size_t at) {
    while (at < in.size && strchr(" \t\r\n", in.data[at]) != NULL) {
        at++;
    }
    return at;
}

static size_t skip_string(struct value in, size_t at) {
    for (at++; in.data[at] != '"'; at++) {
        at += in.data[at] == '\\';
    }
    return at + 1;
}

static size_t skip_value(struct value in, size_t at) {
    size_t depth = 0;
    do {
        char first = in.data[at];
        if (first == '"') {
            at = skip_string(in, at);
        } else if (first == '[' || first == '{') {
            depth++;
            at++;
        } else if (first == ']' || first == '}') {
            depth--;
            at++;
        } else if (depth > 0) {
            at++;
        } else {
            while (at < in.size && strchr(" \t\r\n,]}", in.data[at]) == NULL) {
                at++;
            }
        }
    } while (depth > 0);
    return at;
}

bool walk_next(struct walk *walk, struct value *out_name, struct value *out_value) {
    struct value in = walk->over;
    size_t at = skip_blank(in, walk->at == 0 ? 1 : walk->at);
    if (in.data[at] == ',') {
        at = skip_blank(in, at + 1);
    }
    if (in.data[at] == ']' || in.data[at] == '}') {
        return false;
    }
    if (in.data[0] == '{') {
        size_t end = skip_string(in, at);
        *out_name = (struct value){in.data + at, end - at};
        at = skip_blank(in, skip_blank(in, end) + 1);
    }
    walk->at = skip_value(in, at);
    *out_value = (struct value){in.data + at, walk->at - at};
    return true;
}

bool value_member(struct value object, const char *name, struct value *out_value) {
    bool found = false;
    struct walk walk = {object, 0};
    struct value each_name, each;
    while (object.data[0] == '{' && walk_next(&walk, &each_name, &each)) {
        if (each_name.size == strlen(name) + 2 && memcmp(each_name.data + 1, name, strlen(name)) == 0) {
            *out_value = each;
            found = true;
        }
    }
    return found;
}

int hex_digit(char digit) {
    const char *digits = "0123456789abcdef", *at;
    char small = digit >= 'A' && digit <= 'F' ? (char)(digit - 'A' + 'a') : digit;
    at = small == '\0' ? NULL : strchr(digits, small);
    return at == NULL ? -1 : (int)(at - digits);
}

static unsigned unit(const char *digits) {
    unsigned number = 0;
    for (int i = 0; i < 4; i++) {
        number = number << 4 | (unsigned)hex_digit(digits[i]);
    }
    return number;
}

static char *put_point(char *to, unsigned point) {
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
    } else {
        if (point < 0x10000) {
            *to++ = (char)(0xe0 | point >> 12);
        } else {
            *to++ = (char)(0xf0 | point >> 18);
            *to++ = (char)(0x80 | (point >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (point & 0x3f));
    return to;
}

char *value_text(struct value string, size_t *out_size) {
    char *text = get_memory(string.size + 1), *to = text;
    for (size_t at = 1; at < string.size - 1; at++) {
        if (string.data[at] != '\\') {
            *to++ = string.data[at];
            continue;
        }
        char escape = string.data[++at];
        if (escape != 'u') {
            const char *from = "bfnrt", *means = "\b\f\n\r\t", *which = strchr(from, escape);
            *to++ = which != NULL ? means[which - from] : escape;
            continue;
        }
        unsigned point = unit(string.data + at + 1);
        at += 4;
        if (point >= 0xd800 && point < 0xe000) {
            bool pair = point < 0xdc00 && at + 6 < string.size && string.data[at + 1] == '\\' && string.data[at + 2] == 'u';
            unsigned low = pair ? unit(string.data + at + 3) : 0;
            if (low < 0xdc00 || low >= 0xe000) {
                free(text);
                return NULL;
            }
            point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
            at += 6;
        }
        to = put_point(to, point);
    }
    *to = '\0';
    *out_size = (size_t)(to - text);
    return text;
}

/* -- Writing -- */

void text_add(struct text *text, const void *bytes, size_t size) {
    if (size > text->capacity - text->size) {
        text->capacity = 2 * text->capacity + size + 256;
        text->bytes = realloc(text->bytes, text->capacity);
        if (text->bytes == NULL) {
            get_memory(SIZE_MAX);
        }
    }
    if (size > 0) {
        memcpy(text->bytes + text->size, bytes, size);
        text->size += size;
    }
}

void text_say(struct text *text, const char *words) {
    text_add(text, words, strlen(words));
}

void text_format(struct text *text, const char *format, ...) {
    char words[400];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    text_add(text, words, size < (int)sizeof words ? (size_t)size : sizeof words - 1);
}

void text_add_string(struct text *text, const char *bytes, size_t size) {
    size_t plain = 0;
    text_say(text, "\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        text_add(text, bytes + plain, i - plain);
        plain = i + 1;
        if (byte >= 0x20) {
            text_format(text, "\\%c", byte);
        } else {
            text_format(text, "\\u%04x", byte);
        }
    }
    text_add(text, bytes + plain, size - plain);
    text_say(text, "\"");
}

bool is_utf8(const unsigned char *bytes, size_t size) {
    for (size_t i = 0; i < size;) {
        unsigned char first = bytes[i++];
        size_t more = first < 0x80 ? 0 : first < 0xc2 ? 9 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 9;
        if (more == 9 || more > size - i) {
            return false;
        }
        if (more >= 2) { /* Neither longer than it need be, nor a surrogate, nor above U+10FFFF. */
            unsigned char second = bytes[i];
            if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
                (first == 0xf4 && second > 0x8f)) {
                return false;
            }
        }
        for (; more > 0; more--) {
            if ((bytes[i++] & 0xc0) != 0x80) {
                return false;
            }
        }
    }
    return true;
}
