#include "storage/log_file.h"

#include "storage/crc32c.h"
#include "server/base/memory.h"
#include "tests/check_main.h"

#include <stdbool.h>
#include <string.h>

/* A log being written as LevelDB writes it. */
struct writing {
    uint8_t bytes[8 * LOG_FILE_BLOCK_BYTES];
    size_t size;
    uint8_t letters[LOG_FILE_BLOCK_BYTES]; /* What records are made of: no byte of it can be part of a header. */
};

static void put_fragment(struct writing *log, int type, const uint8_t *bytes, size_t size) {
    uint8_t *header = log->bytes + log->size;
    ck_assert_uint_le(log->size + LOG_FILE_HEADER_BYTES + size, sizeof log->bytes);
    header[4] = (uint8_t)(size & 0xff);
    header[5] = (uint8_t)(size >> 8);
    header[6] = (uint8_t)type;
    memcpy(header + LOG_FILE_HEADER_BYTES, bytes, size);
    uint32_t crc = crc32c_extend(0, header + 6, 1 + size);
    uint32_t masked = ((crc >> 15) | (crc << 17)) + UINT32_C(0xa282ead8);
    for (int i = 0; i < 4; i++) {
        header[i] = (uint8_t)(masked >> (8 * i));
    }
    log->size += LOG_FILE_HEADER_BYTES + size;
}

static void put_record(struct writing *log, size_t size) {
    bool is_first = true;
    for (bool is_last = false; !is_last; is_first = false) {
        size_t left = LOG_FILE_BLOCK_BYTES - log->size % LOG_FILE_BLOCK_BYTES;
        if (left < LOG_FILE_HEADER_BYTES) {
            log->size += left;
            left = LOG_FILE_BLOCK_BYTES;
        }
        size_t room = left - LOG_FILE_HEADER_BYTES;
        size_t here = size < room ? size : room;
        is_last = here == size;
        int type = is_first ? (is_last ? LOG_FILE_FULL : LOG_FILE_FIRST) : (is_last ? LOG_FILE_LAST : LOG_FILE_MIDDLE);
        put_fragment(log, type, log->letters, here);
        size -= here;
    }
}

static struct writing *writing_create(void) {
    struct writing *log = memory_zalloc(sizeof *log);
    memset(log->letters, 'x', sizeof log->letters);
    return log;
}

static void check_verdict(const struct writing *log, enum log_file_state state, size_t whole_bytes, size_t records) {
    struct log_file_verdict verdict = log_file_check(log->bytes, log->size);
    ck_assert_int_eq(verdict.state, state);
    ck_assert_uint_eq(verdict.whole_bytes, whole_bytes);
    ck_assert_uint_eq(verdict.records, records);
}

START_TEST(an_empty_file_is_whole) {
    struct writing *log = writing_create();
    check_verdict(log, LOG_FILE_WHOLE, 0, 0);
    free(log);
}
END_TEST

START_TEST(records_of_every_length_around_a_block_are_whole) {
    for (size_t size = LOG_FILE_BLOCK_BYTES - 20; size <= LOG_FILE_BLOCK_BYTES + 20; size++) {
        struct writing *log = writing_create();
        put_record(log, size);
        put_record(log, 10);
        put_record(log, 0);
        put_record(log, 2 * LOG_FILE_BLOCK_BYTES + size);
        check_verdict(log, LOG_FILE_WHOLE, log->size, 4);
        free(log);
    }
}
END_TEST

START_TEST(a_file_cut_anywhere_in_its_last_record_is_torn_there) {
    struct writing *log = writing_create();
    put_record(log, 100);
    put_record(log, 50);
    size_t whole = log->size;
    put_record(log, 30);
    size_t end = log->size;
    for (log->size = whole + 1; log->size < end; log->size++) {
        check_verdict(log, LOG_FILE_TORN, whole, 2);
    }
    free(log);
}
END_TEST

START_TEST(a_file_cut_in_a_record_of_many_blocks_is_torn_at_its_beginning) {
    struct writing *log = writing_create();
    put_record(log, 100);
    size_t whole = log->size;
    put_record(log, 3 * LOG_FILE_BLOCK_BYTES);
    size_t end = log->size;
    for (log->size = whole + 1; log->size < end; log->size += 97) {
        check_verdict(log, LOG_FILE_TORN, whole, 1);
    }
    free(log);
}
END_TEST

START_TEST(a_tail_of_zeros_of_any_length_is_torn_and_loses_nothing) {
    const size_t lengths[] = {1, 6, 7, 8, 4096, LOG_FILE_BLOCK_BYTES, 2 * LOG_FILE_BLOCK_BYTES + 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct writing *log = writing_create();
        put_record(log, 100);
        size_t whole = log->size;
        log->size += lengths[i];
        check_verdict(log, LOG_FILE_TORN, whole, 1);
        free(log);
    }
}
END_TEST

START_TEST(less_than_a_header_at_the_end_of_a_block_is_a_trailer) {
    for (size_t trailer = 0; trailer < LOG_FILE_HEADER_BYTES; trailer++) {
        struct writing *log = writing_create();
        put_record(log, LOG_FILE_BLOCK_BYTES - LOG_FILE_HEADER_BYTES - trailer);
        size_t whole = log->size;
        log->size += trailer;
        check_verdict(log, LOG_FILE_WHOLE, whole, 1);
        free(log);
    }
}
END_TEST

START_TEST(a_lost_page_of_the_last_record_is_torn_whichever_it_is) {
    for (size_t page = 1; page < 25; page++) {
        struct writing *log = writing_create();
        put_record(log, 1000);
        size_t whole = log->size;
        put_record(log, 3 * LOG_FILE_BLOCK_BYTES);
        size_t at = 4096 * page;
        size_t lost = log->size - at < 4096 ? log->size - at : 4096;
        memset(log->bytes + at, 0xee, lost);
        check_verdict(log, LOG_FILE_TORN, whole, 1);
        free(log);
    }
}
END_TEST

START_TEST(a_lost_page_before_another_record_is_damage_whichever_it_is) {
    for (size_t page = 0; page < 24; page++) {
        struct writing *log = writing_create();
        put_record(log, 1000);
        put_record(log, 3 * LOG_FILE_BLOCK_BYTES);
        put_record(log, 1);
        memset(log->bytes + 4096 * page, 0, 4096);
        ck_assert_int_eq(log_file_check(log->bytes, log->size).state, LOG_FILE_DAMAGED);
        free(log);
    }
}
END_TEST

START_TEST(any_flipped_bit_before_the_last_record_is_damage) {
    struct writing *log = writing_create();
    put_record(log, 20);
    put_record(log, 0);
    put_record(log, 33);
    size_t last = log->size;
    put_record(log, 5);
    for (size_t bit = 0; bit < 8 * last; bit++) {
        log->bytes[bit / 8] = (uint8_t)(log->bytes[bit / 8] ^ (1U << bit % 8));
        ck_assert_int_eq(log_file_check(log->bytes, log->size).state, LOG_FILE_DAMAGED);
        log->bytes[bit / 8] = (uint8_t)(log->bytes[bit / 8] ^ (1U << bit % 8));
    }
    free(log);
}
END_TEST

START_TEST(any_flipped_bit_in_the_last_record_is_torn_before_it) {
    struct writing *log = writing_create();
    put_record(log, 20);
    size_t last = log->size;
    put_record(log, 5);
    for (size_t bit = 8 * last; bit < 8 * log->size; bit++) {
        log->bytes[bit / 8] = (uint8_t)(log->bytes[bit / 8] ^ (1U << bit % 8));
        check_verdict(log, LOG_FILE_TORN, last, 1);
        log->bytes[bit / 8] = (uint8_t)(log->bytes[bit / 8] ^ (1U << bit % 8));
    }
    free(log);
}
END_TEST

START_TEST(a_length_that_swallows_the_next_record_is_damage) {
    struct writing *log = writing_create();
    put_record(log, 8);
    size_t next = log->size;
    put_record(log, 8);
    log->bytes[4] = (uint8_t)(8 + log->size - next); /* The first record now ends where the file does. */
    ck_assert_int_eq(log_file_check(log->bytes, log->size).state, LOG_FILE_DAMAGED);
    free(log);
}
END_TEST

START_TEST(a_bad_record_before_one_that_is_broken_off_by_a_block_is_damage) {
    struct writing *log = writing_create();
    put_record(log, 100);
    put_record(log, LOG_FILE_BLOCK_BYTES);
    log->bytes[50] ^= 1;
    check_verdict(log, LOG_FILE_DAMAGED, 0, 0);
    log->size -= 10; /* Even if that one is torn itself. */
    check_verdict(log, LOG_FILE_DAMAGED, 0, 0);
    free(log);
}
END_TEST

START_TEST(a_beginning_that_is_not_broken_off_by_a_block_is_no_proof) {
    struct writing *inside = writing_create();
    struct writing *log = writing_create();
    put_fragment(inside, LOG_FILE_FIRST, (const uint8_t *)"ab", 2);
    put_record(log, 10);
    size_t whole = log->size;
    put_fragment(log, LOG_FILE_FULL, inside->bytes, inside->size + 1);
    log->size--; /* Torn, but what was inside is still there. */
    check_verdict(log, LOG_FILE_TORN, whole, 1);
    free(inside);
    free(log);
}
END_TEST

START_TEST(a_record_begun_inside_another_is_damage) {
    const int insides[] = {LOG_FILE_FULL, LOG_FILE_FIRST};
    for (size_t i = 0; i < 2; i++) {
        struct writing *log = writing_create();
        put_fragment(log, LOG_FILE_FIRST, (const uint8_t *)"ab", 2);
        put_fragment(log, insides[i], (const uint8_t *)"cd", 2);
        check_verdict(log, LOG_FILE_DAMAGED, 0, 0);
        free(log);
    }
}
END_TEST

START_TEST(a_continuation_without_a_beginning_is_torn) {
    const int strays[] = {LOG_FILE_MIDDLE, LOG_FILE_LAST};
    for (size_t i = 0; i < 2; i++) {
        struct writing *log = writing_create();
        put_record(log, 10);
        size_t whole = log->size;
        put_fragment(log, strays[i], (const uint8_t *)"cd", 2);
        check_verdict(log, LOG_FILE_TORN, whole, 1);
        put_record(log, 10);
        check_verdict(log, LOG_FILE_DAMAGED, whole, 1);
        free(log);
    }
}
END_TEST

START_TEST(an_unknown_type_is_bad_though_its_checksum_is_right) {
    struct writing *log = writing_create();
    put_fragment(log, 5, (const uint8_t *)"ab", 2);
    check_verdict(log, LOG_FILE_TORN, 0, 0);
    put_record(log, 1);
    check_verdict(log, LOG_FILE_DAMAGED, 0, 0);
    free(log);
}
END_TEST

START_TEST(fragments_come_in_order_with_their_bytes) {
    struct writing *log = writing_create();
    put_fragment(log, LOG_FILE_FULL, (const uint8_t *)"first", 5);
    put_fragment(log, LOG_FILE_FULL, (const uint8_t *)"", 0);
    size_t offset = 0;
    struct log_file_fragment fragment;
    ck_assert_int_eq(log_file_next(log->bytes, log->size, &offset, &fragment), LOG_FILE_FRAGMENT);
    ck_assert_uint_eq(fragment.size, 5);
    ck_assert_mem_eq(fragment.bytes, "first", 5);
    ck_assert_int_eq(log_file_next(log->bytes, log->size, &offset, &fragment), LOG_FILE_FRAGMENT);
    ck_assert_uint_eq(fragment.size, 0);
    ck_assert_uint_eq(fragment.offset, 12);
    ck_assert_int_eq(log_file_next(log->bytes, log->size, &offset, &fragment), LOG_FILE_END);
    free(log);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_empty_file_is_whole);
    tcase_add_test(tcase, records_of_every_length_around_a_block_are_whole);
    tcase_add_test(tcase, a_file_cut_anywhere_in_its_last_record_is_torn_there);
    tcase_add_test(tcase, a_file_cut_in_a_record_of_many_blocks_is_torn_at_its_beginning);
    tcase_add_test(tcase, a_tail_of_zeros_of_any_length_is_torn_and_loses_nothing);
    tcase_add_test(tcase, less_than_a_header_at_the_end_of_a_block_is_a_trailer);
    tcase_add_test(tcase, a_lost_page_of_the_last_record_is_torn_whichever_it_is);
    tcase_add_test(tcase, a_lost_page_before_another_record_is_damage_whichever_it_is);
    tcase_add_test(tcase, any_flipped_bit_before_the_last_record_is_damage);
    tcase_add_test(tcase, any_flipped_bit_in_the_last_record_is_torn_before_it);
    tcase_add_test(tcase, a_length_that_swallows_the_next_record_is_damage);
    tcase_add_test(tcase, a_bad_record_before_one_that_is_broken_off_by_a_block_is_damage);
    tcase_add_test(tcase, a_beginning_that_is_not_broken_off_by_a_block_is_no_proof);
    tcase_add_test(tcase, a_record_begun_inside_another_is_damage);
    tcase_add_test(tcase, a_continuation_without_a_beginning_is_torn);
    tcase_add_test(tcase, an_unknown_type_is_bad_though_its_checksum_is_right);
    tcase_add_test(tcase, fragments_come_in_order_with_their_bytes);
}

CHECK_MAIN("log_file", add_tests)
