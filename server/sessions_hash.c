/* Two lanes run over the bytes, eight at a time. Each step of a lane can be undone, so that one lane alone never takes two
 * different words for the same; the lanes multiply by different numbers and feed each other, so that differences that
 * cancel in one remain in the other. */
#include "server/sessions_hash.h"

#include <endian.h>
#include <string.h>

/* Odd, with bits all over: the golden ratio and the roots of 3, 5 and 7, behind the point. */
static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
static const uint64_t root_3 = UINT64_C(0xbb67ae8584caa73b);
static const uint64_t root_5 = UINT64_C(0x3c6ef372fe94f82b);
static const uint64_t root_7 = UINT64_C(0xa54ff53a5f1d36f1);

static uint64_t rotate(uint64_t number, unsigned bits) {
    return number << bits | number >> (64 - bits);
}

static void take_word(struct sessions_hash *hash, uint64_t word) {
    hash->high = rotate((hash->high ^ word) * golden, 29) + hash->low;
    hash->low = rotate((hash->low + word) * root_3, 37) ^ hash->high;
}

/* Every bit of the answer depends on every bit of the number. */
static uint64_t stir(uint64_t number) {
    number = (number ^ number >> 32) * root_5;
    number = (number ^ number >> 29) * root_7;
    return number ^ number >> 32;
}

struct sessions_hash sessions_hash_of(struct json_span bytes) {
    struct sessions_hash hash = {.high = root_5 ^ bytes.size, .low = root_7};
    const char *at = bytes.data;
    size_t left = bytes.size;
    for (uint64_t word; left >= sizeof word; at += sizeof word, left -= sizeof word) {
        memcpy(&word, at, sizeof word);
        take_word(&hash, le64toh(word));
    }
    if (left > 0) {
        uint64_t word = 0; /* What zeros stand for behind the end is told by the size, which went in first. */
        memcpy(&word, at, left);
        take_word(&hash, le64toh(word));
    }
    uint64_t high = stir(hash.high + hash.low);
    return (struct sessions_hash){.high = high, .low = stir(hash.low ^ rotate(high, 32))};
}

bool sessions_hash_equal(struct sessions_hash left, struct sessions_hash right) {
    return left.high == right.high && left.low == right.low;
}
