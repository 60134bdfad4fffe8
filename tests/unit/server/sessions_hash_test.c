#include "server/sessions_hash.h"

#include "tests/check_main.h"

#include <string.h>

static struct sessions_hash hash_of(const char *text) {
    return sessions_hash_of((struct json_span){.data = text, .size = strlen(text)});
}

/* Hashes are part of snapshots: these numbers can never change. */
START_TEST(hashes_are_what_they_always_were) {
    static const struct {
        const char *text;
        struct sessions_hash hash;
    } samples[] = {
        {"0", {UINT64_C(0xc13d7fe01f4c9cd0), UINT64_C(0x52c09a676afb4a75)}},
        {"{\"a\":1}", {UINT64_C(0x6a1fe50b0159399e), UINT64_C(0x974ddae550ea1b43)}},
        {"\"eight+8\"", {UINT64_C(0x8e1343ababc75f8c), UINT64_C(0x59c1a84c49a011ad)}},
        {"{\"op\":\"put\",\"key\":\"k\",\"value\":null}", {UINT64_C(0xcf3b1c13b6d62ee0), UINT64_C(0xda3153772197fcdd)}},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct sessions_hash hash = hash_of(samples[i].text);
        ck_assert_msg(sessions_hash_equal(hash, samples[i].hash), "%s: %016llx %016llx", samples[i].text,
                      (unsigned long long)hash.high, (unsigned long long)hash.low);
    }
}
END_TEST

START_TEST(both_halves_count) {
    struct sessions_hash hash = {1, 2};
    ck_assert(sessions_hash_equal(hash, (struct sessions_hash){1, 2}));
    ck_assert(!sessions_hash_equal(hash, (struct sessions_hash){1, 3}));
    ck_assert(!sessions_hash_equal(hash, (struct sessions_hash){3, 2}));
}
END_TEST

START_TEST(the_place_in_memory_does_not_count) {
    static const char text[] = "{\"key\":\"0123456789abcdef\"}";
    char room[sizeof text + 8];
    for (size_t at = 0; at < 8; at++) {
        memcpy(room + at, text, sizeof text - 1);
        struct json_span span = {.data = room + at, .size = sizeof text - 1};
        ck_assert(sessions_hash_equal(sessions_hash_of(span), hash_of(text)));
    }
}
END_TEST

static int order(const void *left, const void *right) {
    const uint64_t *l = left;
    const uint64_t *r = right;
    return (*l > *r) - (*l < *r);
}

/* No two of them share even one half: zeros of every length, and all that differ from one text in one or two bits. */
START_TEST(texts_that_differ_a_little_have_nothing_in_common) {
    enum { SIZE = 33, BITS = 8 * SIZE, HASHES = SIZE + 1 + BITS + BITS * (BITS - 1) / 2 };
    uint64_t *highs = calloc(HASHES, sizeof *highs);
    uint64_t *lows = calloc(HASHES, sizeof *lows);
    size_t count = 0;
    char text[SIZE] = {0};
    for (size_t size = 0; size <= SIZE; size++) {
        struct sessions_hash hash = sessions_hash_of((struct json_span){.data = text, .size = size});
        highs[count] = hash.high;
        lows[count++] = hash.low;
    }
    for (size_t one = 0; one < BITS; one++) {
        for (size_t other = one; other < BITS; other++) {
            memset(text, 0, sizeof text);
            text[one / 8] = (char)(1 << one % 8);
            text[other / 8] = (char)(text[other / 8] | 1 << other % 8);
            struct sessions_hash hash = sessions_hash_of((struct json_span){.data = text, .size = SIZE});
            highs[count] = hash.high;
            lows[count++] = hash.low;
        }
    }
    ck_assert_uint_eq(count, HASHES);
    qsort(highs, HASHES, sizeof *highs, order);
    qsort(lows, HASHES, sizeof *lows, order);
    for (size_t i = 1; i < HASHES; i++) {
        ck_assert_uint_ne(highs[i - 1], highs[i]);
        ck_assert_uint_ne(lows[i - 1], lows[i]);
    }
    free(highs);
    free(lows);
}
END_TEST

/* One bit of the text turns about half of the hash's, wherever it is. */
START_TEST(one_bit_turns_about_half_of_all) {
    enum { SIZE = 40 };
    char text[SIZE] = {0};
    struct sessions_hash zero = sessions_hash_of((struct json_span){.data = text, .size = SIZE});
    for (size_t bit = 0; bit < 8 * (size_t)SIZE; bit++) {
        memset(text, 0, sizeof text);
        text[bit / 8] = (char)(1 << bit % 8);
        struct sessions_hash hash = sessions_hash_of((struct json_span){.data = text, .size = SIZE});
        int turned = __builtin_popcountll(zero.high ^ hash.high) + __builtin_popcountll(zero.low ^ hash.low);
        ck_assert_int_gt(turned, 36);
        ck_assert_int_lt(turned, 92);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, hashes_are_what_they_always_were);
    tcase_add_test(tcase, both_halves_count);
    tcase_add_test(tcase, the_place_in_memory_does_not_count);
    tcase_add_test(tcase, texts_that_differ_a_little_have_nothing_in_common);
    tcase_add_test(tcase, one_bit_turns_about_half_of_all);
}

CHECK_MAIN("sessions_hash", add_tests)
