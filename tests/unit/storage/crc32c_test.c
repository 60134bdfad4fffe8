#include "storage/crc32c.h"

#include "tests/check_main.h"

#include <string.h>

/* The examples of RFC 3720, B.4, and the check value of the CRC catalogue. */
START_TEST(published_examples_come_out) {
    unsigned char zeros[32] = {0};
    unsigned char ones[32];
    unsigned char rising[32];
    unsigned char falling[32];
    memset(ones, 0xff, sizeof ones);
    for (size_t i = 0; i < 32; i++) {
        rising[i] = (unsigned char)i;
        falling[i] = (unsigned char)(31 - i);
    }
    uint32_t (*const ways[])(uint32_t, const void *, size_t) = {crc32c_extend, crc32c_extend_by_table};
    for (size_t way = 0; way < 2; way++) {
        ck_assert_uint_eq(ways[way](0, zeros, sizeof zeros), 0x8a9136aa);
        ck_assert_uint_eq(ways[way](0, ones, sizeof ones), 0x62a8ab43);
        ck_assert_uint_eq(ways[way](0, rising, sizeof rising), 0x46dd794e);
        ck_assert_uint_eq(ways[way](0, falling, sizeof falling), 0x113fdb5c);
        ck_assert_uint_eq(ways[way](0, "123456789", 9), 0xe3069283);
    }
}
END_TEST

START_TEST(nothing_has_the_checksum_zero) {
    ck_assert_uint_eq(crc32c_extend(0, "", 0), 0);
    ck_assert_uint_eq(crc32c_extend(0x1234, "", 0), 0x1234);
}
END_TEST

START_TEST(both_ways_agree_at_every_length_and_alignment) {
    unsigned char bytes[128];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 167 + 13);
    }
    for (size_t start = 0; start < 16; start++) {
        for (size_t size = 0; start + size <= sizeof bytes; size++) {
            ck_assert_uint_eq(crc32c_extend(7, bytes + start, size), crc32c_extend_by_table(7, bytes + start, size));
        }
    }
}
END_TEST

START_TEST(a_text_in_two_pieces_has_the_checksum_of_the_whole) {
    const char *text = "replicated state machines";
    for (size_t split = 0; split <= strlen(text); split++) {
        uint32_t first = crc32c_extend(0, text, split);
        ck_assert_uint_eq(crc32c_extend(first, text + split, strlen(text) - split), crc32c_extend(0, text, strlen(text)));
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, published_examples_come_out);
    tcase_add_test(tcase, nothing_has_the_checksum_zero);
    tcase_add_test(tcase, both_ways_agree_at_every_length_and_alignment);
    tcase_add_test(tcase, a_text_in_two_pieces_has_the_checksum_of_the_whole);
}

CHECK_MAIN("crc32c", add_tests)
