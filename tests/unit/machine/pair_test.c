#include "server/machine/pair.h"

#include "tests/check_main.h"

#include <string.h>

static struct pair *pair_of(const char *key, size_t key_size, const char *value) {
    return pair_create(key, key_size, (struct json_span){.data = value, .size = strlen(value)});
}

START_TEST(a_pair_holds_copies_of_key_and_value) {
    char key[] = "key";
    char value[] = "[1, 2]";
    struct pair *pair = pair_of(key, 3, value);
    key[0] = '!';
    value[0] = '!';
    ck_assert_uint_eq(pair->key_size, 3);
    ck_assert_mem_eq(pair->bytes, "key", 3);
    ck_assert_uint_eq(pair_value(pair).size, 6);
    ck_assert_mem_eq(pair_value(pair).data, "[1, 2]", 6);
    pair_release(pair);
}
END_TEST

START_TEST(the_longest_key_fits) {
    char key[PAIR_KEY_SIZE_MAX];
    memset(key, 'k', sizeof key);
    struct pair *pair = pair_of(key, sizeof key, "true");
    ck_assert_uint_eq(pair->key_size, sizeof key);
    ck_assert_int_eq(pair_compare(key, sizeof key, pair), 0);
    ck_assert_mem_eq(pair_value(pair).data, "true", 4);
    pair_release(pair);
}
END_TEST

START_TEST(a_pair_lives_until_its_last_reference_goes) {
    struct pair *pair = pair_of("k", 1, "1");
    ck_assert_ptr_eq(pair_retain(pair), pair);
    pair_release(pair);
    ck_assert_uint_eq(pair->references, 1);
    ck_assert_mem_eq(pair_value(pair).data, "1", 1);
    pair_release(pair);
    pair_release(NULL);
}
END_TEST

static int order(const char *key, size_t key_size, const char *other, size_t other_size) {
    struct pair *pair = pair_of(other, other_size, "0");
    int result = pair_compare(key, key_size, pair);
    pair_release(pair);
    return (result > 0) - (result < 0);
}

START_TEST(keys_are_in_byte_order) {
    ck_assert_int_eq(order("a", 1, "b", 1), -1);
    ck_assert_int_eq(order("b", 1, "a", 1), 1);
    ck_assert_int_eq(order("b", 1, "b", 1), 0);
    ck_assert_int_eq(order("Z", 1, "a", 1), -1);
    ck_assert_int_eq(order("\x7f", 1, "\xc3\xa9", 2), -1);
    ck_assert_int_eq(order("\xed\xa0\xbd", 3, "\xf0\x9f\x98\x80", 4), -1);
}
END_TEST

START_TEST(a_key_comes_after_its_own_beginnings) {
    ck_assert_int_eq(order("ab", 2, "a", 1), 1);
    ck_assert_int_eq(order("a", 1, "ab", 2), -1);
    ck_assert_int_eq(order("", 0, "a", 1), -1);
    ck_assert_int_eq(order("", 0, "", 0), 0);
}
END_TEST

START_TEST(a_key_goes_on_behind_a_nul) {
    ck_assert_int_eq(order("a\0b", 3, "a\0c", 3), -1);
    ck_assert_int_eq(order("a\0", 2, "a", 1), 1);
    ck_assert_int_eq(order("a\0b", 3, "a\0b", 3), 0);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_pair_holds_copies_of_key_and_value);
    tcase_add_test(tcase, the_longest_key_fits);
    tcase_add_test(tcase, a_pair_lives_until_its_last_reference_goes);
    tcase_add_test(tcase, keys_are_in_byte_order);
    tcase_add_test(tcase, a_key_comes_after_its_own_beginnings);
    tcase_add_test(tcase, a_key_goes_on_behind_a_nul);
}

CHECK_MAIN("pair", add_tests)
