#include "server/sessions_record.h"

#include "tests/check_main.h"

#include <string.h>

START_TEST(numbers_are_in_byte_order) {
    static const uint64_t numbers[] = {0, 1, 255, 256, UINT64_C(0x0102030405060708), UINT64_MAX - 1, UINT64_MAX};
    char last[SESSIONS_NUMBER_SIZE] = {0};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char bytes[SESSIONS_NUMBER_SIZE];
        sessions_record_put_number(bytes, numbers[i]);
        ck_assert_uint_eq(sessions_record_get_number(bytes), numbers[i]);
        ck_assert(i == 0 || memcmp(last, bytes, sizeof last) < 0);
        memcpy(last, bytes, sizeof last);
    }
    sessions_record_put_number(last, UINT64_C(0x0102030405060708));
    ck_assert_mem_eq(last, "\1\2\3\4\5\6\7\10", sizeof last);
}
END_TEST

START_TEST(the_first_pair_is_the_lowest) {
    struct cow_tree tree = {0};
    ck_assert_ptr_null(sessions_record_first(&tree));
    sessions_record_put(&tree, "b", 1, "1", 1);
    sessions_record_put(&tree, "a", 1, "2", 1);
    sessions_record_put(&tree, "a", 1, "3", 1);
    ck_assert_uint_eq(tree.count, 2);
    ck_assert_mem_eq(pair_value(sessions_record_first(&tree)).data, "3", 1);
    sessions_record_remove(&tree, "a", 1);
    sessions_record_remove(&tree, "a", 1);
    ck_assert_mem_eq(pair_value(sessions_record_first(&tree)).data, "1", 1);
    cow_tree_clear(&tree);
}
END_TEST

START_TEST(an_hour_is_over_when_it_is_full) {
    ck_assert(!sessions_record_is_over(0, 0));
    ck_assert(!sessions_record_is_over(5, 5 + SESSIONS_EXPIRY_MS - 1));
    ck_assert(sessions_record_is_over(5, 5 + SESSIONS_EXPIRY_MS));
    ck_assert(sessions_record_is_over(0, UINT64_MAX));
    ck_assert(!sessions_record_is_over(UINT64_MAX, UINT64_MAX));
}
END_TEST

START_TEST(results_are_kept_that_are_json_within_the_size) {
    static const struct {
        const char *text;
        size_t size_max;
        bool kept;
    } samples[] = {{"{}", 2, true}, {"{}", 1, false}, {"", 9, false}, {"{", 9, false}, {" 1 ", 3, true}, {"01", 9, false}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct json_span result = {.data = samples[i].text, .size = strlen(samples[i].text)};
        ck_assert(sessions_record_is_kept(result, samples[i].size_max) == samples[i].kept);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, numbers_are_in_byte_order);
    tcase_add_test(tcase, the_first_pair_is_the_lowest);
    tcase_add_test(tcase, an_hour_is_over_when_it_is_full);
    tcase_add_test(tcase, results_are_kept_that_are_json_within_the_size);
}

CHECK_MAIN("sessions_record", add_tests)
