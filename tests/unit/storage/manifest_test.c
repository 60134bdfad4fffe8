#include "storage/manifest.h"

#include "storage/crc32c.h"
#include "tests/check_main.h"

#include <string.h>

/* One record of the log format around `bytes`, appended at `size`; the answer is the new size. */
static size_t put_fragment(uint8_t *file, size_t size, int type, const char *bytes, size_t count) {
    uint8_t *header = file + size;
    memcpy(header + 7, bytes, count);
    header[4] = (uint8_t)count;
    header[5] = 0;
    header[6] = (uint8_t)type;
    uint32_t crc = crc32c_extend(0, header + 6, 1 + count);
    uint32_t masked = ((crc >> 15) | (crc << 17)) + UINT32_C(0xa282ead8);
    for (int i = 0; i < 4; i++) {
        header[i] = (uint8_t)(masked >> (8 * i));
    }
    return size + 7 + count;
}

static bool parse_record(const char *bytes, size_t count, struct manifest *out_manifest) {
    uint8_t file[300];
    return manifest_parse(file, put_fragment(file, 0, 1, bytes, count), out_manifest);
}

START_TEST(an_empty_file_names_no_log) {
    struct manifest manifest = {.log = 5};
    ck_assert(manifest_parse((const uint8_t *)"", 0, &manifest));
    ck_assert_uint_eq(manifest.log, 0);
}
END_TEST

START_TEST(all_changes_are_understood_and_the_files_are_found) {
    /* Comparator "abc", next file 9, last sequence 300, pointer of level 1, file 4 deleted from level 0, file 8 new in
     * level 2, previous log 6, log 300. */
    const char record[] = "\1\3abc\3\x9\4\xac\2\5\1\2kk\6\0\4\7\2\x8\x64\1a\2zz\x9\6\2\xac\2";
    struct manifest manifest;
    ck_assert(parse_record(record, sizeof record - 1, &manifest));
    ck_assert_uint_eq(manifest.log, 300);
    ck_assert_uint_eq(manifest.previous_log, 6);
    ck_assert_uint_eq(manifest.table_count, 1);
    ck_assert_uint_eq(manifest.tables[0], 8);
    manifest_free(&manifest);
}
END_TEST

START_TEST(a_table_that_was_deleted_is_not_in_use_and_one_that_moved_is) {
    /* Tables 4 and 5 in level 0; then 4 deleted and 5 moved to level 1. */
    const char made[] = "\7\0\4\x64\1a\1b\7\0\5\x64\1a\1b";
    const char changed[] = "\6\0\4\6\0\5\7\1\5\x64\1a\1b";
    uint8_t file[200];
    struct manifest manifest;
    size_t size = put_fragment(file, 0, 1, made, sizeof made - 1);
    ck_assert(manifest_parse(file, size, &manifest));
    ck_assert_uint_eq(manifest.table_count, 2);
    manifest_free(&manifest);
    size = put_fragment(file, size, 1, changed, sizeof changed - 1);
    ck_assert(manifest_parse(file, size, &manifest));
    ck_assert_uint_eq(manifest.table_count, 1);
    ck_assert_uint_eq(manifest.tables[0], 5);
    manifest_free(&manifest);
}
END_TEST

START_TEST(a_table_cut_off_in_a_change_is_refused) {
    const char record[] = "\7\0\4\x64\1a\1b\7\0\5";
    struct manifest manifest;
    ck_assert(!parse_record(record, sizeof record - 1, &manifest));
    ck_assert(!parse_record(record, sizeof record - 2, &manifest));
    ck_assert(!parse_record("\6\0", 2, &manifest));
}
END_TEST

START_TEST(a_record_cut_in_the_middle_of_a_change_is_refused) {
    const char record[] = "\2\xac\2\1\3abc";
    for (size_t size = 0; size < sizeof record; size++) {
        struct manifest manifest = {.log = 77};
        bool is_between_changes = size == 0 || size == 3 || size == 8;
        ck_assert(parse_record(record, size, &manifest) == is_between_changes);
        ck_assert_uint_eq(manifest.log, size == 0 ? 0 : is_between_changes ? 300 : 77);
    }
}
END_TEST

START_TEST(an_unknown_change_is_refused) {
    struct manifest manifest;
    ck_assert(!parse_record("\x8\1", 2, &manifest));
    ck_assert(!parse_record("\0\1", 2, &manifest));
}
END_TEST

START_TEST(a_number_of_more_than_64_bits_is_refused) {
    struct manifest manifest;
    ck_assert(parse_record("\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11, &manifest));
    ck_assert_uint_eq(manifest.log, UINT64_MAX);
    ck_assert(!parse_record("\2\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 12, &manifest));
}
END_TEST

START_TEST(the_last_record_counts) {
    uint8_t file[100];
    struct manifest manifest;
    size_t size = put_fragment(file, 0, 1, "\2\5", 2);
    size = put_fragment(file, size, 1, "\2\x8", 2);
    ck_assert(manifest_parse(file, size, &manifest));
    ck_assert_uint_eq(manifest.log, 8);
}
END_TEST

START_TEST(a_record_in_pieces_is_put_together) {
    uint8_t file[100];
    struct manifest manifest;
    size_t size = put_fragment(file, 0, 2, "\1\3a", 3);
    size = put_fragment(file, size, 3, "bc", 2);
    size = put_fragment(file, size, 4, "\2\x8", 2);
    ck_assert(manifest_parse(file, size, &manifest));
    ck_assert_uint_eq(manifest.log, 8);
}
END_TEST

START_TEST(an_unfinished_record_does_not_count) {
    uint8_t file[100];
    struct manifest manifest;
    size_t size = put_fragment(file, 0, 1, "\2\5", 2);
    size = put_fragment(file, size, 2, "\2\x8", 2);
    ck_assert(manifest_parse(file, size, &manifest));
    ck_assert_uint_eq(manifest.log, 5);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_empty_file_names_no_log);
    tcase_add_test(tcase, all_changes_are_understood_and_the_files_are_found);
    tcase_add_test(tcase, a_table_that_was_deleted_is_not_in_use_and_one_that_moved_is);
    tcase_add_test(tcase, a_table_cut_off_in_a_change_is_refused);
    tcase_add_test(tcase, a_record_cut_in_the_middle_of_a_change_is_refused);
    tcase_add_test(tcase, an_unknown_change_is_refused);
    tcase_add_test(tcase, a_number_of_more_than_64_bits_is_refused);
    tcase_add_test(tcase, the_last_record_counts);
    tcase_add_test(tcase, a_record_in_pieces_is_put_together);
    tcase_add_test(tcase, an_unfinished_record_does_not_count);
}

CHECK_MAIN("manifest", add_tests)
