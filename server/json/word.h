/* Eight bytes of text at a time: the characters of strings are most of what a scanner reads, and few of them matter.
 *
 * A mask has the highest bit of a byte set where that byte matters. Borrows of the subtractions can set bits above a byte
 * that matters, never below the first one, so only the first is taken. */
#ifndef RAFTD_JSON_WORD_H
#define RAFTD_JSON_WORD_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define JSON_WORD_ONES  UINT64_C(0x0101010101010101)
#define JSON_WORD_HIGHS UINT64_C(0x8080808080808080)

/* The first byte in memory is the lowest one of the word, on every machine. */
static inline uint64_t json_word_load(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* Bytes below `limit`, which is at most 0x80. */
static inline uint64_t json_word_below(uint64_t word, unsigned char limit) {
    return (word - JSON_WORD_ONES * limit) & ~word & JSON_WORD_HIGHS;
}

static inline uint64_t json_word_equal(uint64_t word, char byte) {
    return json_word_below(word ^ (JSON_WORD_ONES * (unsigned char)byte), 1);
}

static inline unsigned json_word_first(uint64_t mask) {
    return (unsigned)__builtin_ctzll(mask) / 8;
}

/* A character that stands for itself in a string and is a single byte. */
static inline bool json_is_plain(char byte) {
    unsigned char code = (unsigned char)byte;
    return code >= 0x20 && code < 0x80 && byte != '"' && byte != '\\';
}

/* The first byte that is not plain, or `end`. */
static inline const char *json_skip_plain(const char *at, const char *end) {
    while (end - at >= 8) {
        uint64_t word = json_word_load(at);
        uint64_t mask = json_word_below(word, 0x20) | json_word_equal(word, '"') | json_word_equal(word, '\\') |
                        (word & JSON_WORD_HIGHS);
        if (mask != 0)
            return at + json_word_first(mask);
        at += 8;
    }
    while (at < end && json_is_plain(*at))
        at++;
    return at;
}

/* The first quote or backslash, or `end`. */
static inline const char *json_find_quote_or_backslash(const char *at, const char *end) {
    while (end - at >= 8) {
        uint64_t word = json_word_load(at);
        uint64_t mask = json_word_equal(word, '"') | json_word_equal(word, '\\');
        if (mask != 0)
            return at + json_word_first(mask);
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\')
        at++;
    return at;
}

static inline bool json_is_white(char byte) {
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static inline const char *json_skip_white(const char *at, const char *end) {
    while (at < end && json_is_white(*at))
        at++;
    return at;
}

static inline bool json_is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static inline const char *json_skip_digits(const char *at, const char *end) {
    while (at < end && json_is_digit(*at))
        at++;
    return at;
}

#endif
