/* The characters that strings stand for. */
#include "tests/check_main.h"
#include "tests/unit/json/text.h"

static void assert_decodes(const char *literal, const char *expected, size_t size) {
    struct json_span string = value_of(literal);
    char *decoded = malloc(string.size); /* Exactly what is promised to be enough. */
    ck_assert_ptr_nonnull(decoded);
    size_t decoded_size = json_string_decode(string, decoded);
    ck_assert_msg(decoded_size == size && memcmp(decoded, expected, size) == 0, "%s decodes to %.*s", literal,
                  (int)decoded_size, decoded);
    free(decoded);
}

#define DECODES(literal, expected) assert_decodes(literal, TEXT(expected))

START_TEST(plain_text_decodes_to_itself) {
    DECODES("\"\"", "");
    DECODES("\"plain text / longer than one word\"", "plain text / longer than one word");
    DECODES("\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}
END_TEST

START_TEST(every_escape_decodes_to_its_character) {
    DECODES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    DECODES("\"a\\nb\\u0063d\"", "a\nbcd");
}
END_TEST

START_TEST(nul_is_a_character_like_any_other) {
    DECODES("\"a\\u0000b\"", "a\0b");
}
END_TEST

START_TEST(numbers_at_the_edges_of_each_length_decode_to_utf_8) {
    DECODES("\"\\u007f\\u0080\"", "\x7F\xC2\x80");
    DECODES("\"\\u07FF\\u0800\"", "\xDF\xBF\xE0\xA0\x80");
    DECODES("\"\\ud7ff\\uE000\\uffFF\"", "\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF");
    DECODES("\"\\uabcd\\uABCD\"", "\xEA\xAF\x8D\xEA\xAF\x8D");
}
END_TEST

START_TEST(a_pair_of_surrogates_is_one_character) {
    DECODES("\"\\ud800\\udc00\"", "\xF0\x90\x80\x80");
    DECODES("\"\\uD83D\\uDE00!\"", "\xF0\x9F\x98\x80!");
    DECODES("\"\\udbff\\udfff\"", "\xF4\x8F\xBF\xBF");
}
END_TEST

START_TEST(a_lone_surrogate_becomes_three_bytes) {
    DECODES("\"\\ud800\"", "\xED\xA0\x80");
    DECODES("\"\\udfff\"", "\xED\xBF\xBF");
    DECODES("\"\\udc00\\ud800\"", "\xED\xB0\x80\xED\xA0\x80");
    DECODES("\"\\ud800\\ud800\\udc00\"", "\xED\xA0\x80\xF0\x90\x80\x80");
    DECODES("\"\\ud800x\"", "\xED\xA0\x80x");
    DECODES("\"\\ud800\\n\"", "\xED\xA0\x80\n");
    DECODES("\"\\ud800\\udbff\"", "\xED\xA0\x80\xED\xAF\xBF");
    DECODES("\"\\ud800\\ue000\"", "\xED\xA0\x80\xEE\x80\x80");
}
END_TEST

START_TEST(a_string_is_the_text_it_decodes_to) {
    ck_assert(json_string_is(value_of("\"put\""), "put"));
    ck_assert(json_string_is(value_of("\"\\u0070\\u0075t\""), "put"));
    ck_assert(json_string_is(value_of("\"p\\u00fct\\n\""), "p\xC3\xBCt\n"));
    ck_assert(json_string_is(value_of("\"\""), ""));
    ck_assert(json_string_is(value_of("\"\\\\n\""), "\\n"));
}
END_TEST

START_TEST(a_string_is_no_other_text) {
    ck_assert(!json_string_is(value_of("\"put\""), "pu"));
    ck_assert(!json_string_is(value_of("\"put\""), "putt"));
    ck_assert(!json_string_is(value_of("\"put\""), "puT"));
    ck_assert(!json_string_is(value_of("\"put\""), ""));
    ck_assert(!json_string_is(value_of("\"\""), "put"));
    ck_assert(!json_string_is(value_of("\"pu\\u0054\""), "put"));
    ck_assert(!json_string_is(value_of("\"\\n\""), "\\n"));
    ck_assert(!json_string_is(value_of("\"put\\u0000\""), "put"));
    ck_assert(!json_string_is(value_of("\"\\u0000\""), ""));
}
END_TEST

START_TEST(what_is_no_string_is_no_text) {
    ck_assert(!json_string_is(value_of("null"), "null"));
    ck_assert(!json_string_is(value_of("12"), "12"));
    ck_assert(!json_string_is(value_of("[\"a\"]"), "a"));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, plain_text_decodes_to_itself);
    tcase_add_test(tcase, every_escape_decodes_to_its_character);
    tcase_add_test(tcase, nul_is_a_character_like_any_other);
    tcase_add_test(tcase, numbers_at_the_edges_of_each_length_decode_to_utf_8);
    tcase_add_test(tcase, a_pair_of_surrogates_is_one_character);
    tcase_add_test(tcase, a_lone_surrogate_becomes_three_bytes);
    tcase_add_test(tcase, a_string_is_the_text_it_decodes_to);
    tcase_add_test(tcase, a_string_is_no_other_text);
    tcase_add_test(tcase, what_is_no_string_is_no_text);
}

CHECK_MAIN("json: decode", add_tests)
