/* What is JSON, and where a text stops being it. */
#include "tests/check_main.h"
#include "tests/unit/json/text.h"

/* Scans a copy of exactly this size, so that a sanitizer sees a byte read too much. */
static bool scan_copy(const char *text, size_t size, size_t *out_offset) {
    char *copy = malloc(size == 0 ? 1 : size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, size);
    struct json_span value;
    bool valid = json_scan(copy, size, &value, out_offset);
    free(copy);
    return valid;
}

static void assert_accepted(const char *text, size_t size) {
    size_t offset = 4711;
    ck_assert_msg(scan_copy(text, size, &offset), "refused at byte %zu: %.*s", offset, (int)size, text);
    ck_assert_msg(offset == 4711, "the offset was written although the text is JSON: %.*s", (int)size, text);
}

static void assert_refused_at(const char *text, size_t size, size_t expected) {
    size_t offset = 4711;
    ck_assert_msg(!scan_copy(text, size, &offset), "accepted: %.*s", (int)size, text);
    ck_assert_msg(offset == expected, "refused at byte %zu instead of %zu: %.*s", offset, expected, (int)size, text);
}

#define ACCEPTED(literal)        assert_accepted(TEXT(literal))
#define REFUSED_AT(offset, text) assert_refused_at(TEXT(text), offset)

START_TEST(a_value_of_every_type_is_accepted) {
    ACCEPTED("null");
    ACCEPTED("true");
    ACCEPTED("false");
    ACCEPTED("0");
    ACCEPTED("\"\"");
    ACCEPTED("[]");
    ACCEPTED("{}");
    ACCEPTED("[null,true,false,-1.5e+3,\"x\",[],{},{\"\":{\"a\":[1]}}]");
}
END_TEST

START_TEST(the_value_is_the_text_without_the_white_space_around_it) {
    assert_span(value_of(" \t\r\n{ \"a\" : [ 1 , 2 ] } \t\r\n"), "{ \"a\" : [ 1 , 2 ] }");
    assert_span(value_of("7 "), "7");
    assert_span(value_of(" \"a b \""), "\"a b \"");
}
END_TEST

START_TEST(a_refused_text_leaves_the_value_alone) {
    struct json_span value = {"before", 6};
    size_t offset;
    ck_assert(!json_scan(TEXT("[1,"), &value, &offset));
    assert_span(value, "before");
}
END_TEST

START_TEST(a_text_without_a_value_is_refused_at_its_end) {
    REFUSED_AT(0, "");
    REFUSED_AT(1, " ");
    REFUSED_AT(4, " \t\r\n");
    struct json_span value;
    size_t offset = 4711;
    ck_assert(!json_scan(NULL, 0, &value, &offset));
    ck_assert_uint_eq(offset, 0);
}
END_TEST

START_TEST(white_space_is_only_the_four_characters) {
    ACCEPTED(" \t\n\r1\r\n\t ");
    REFUSED_AT(0, "\f1");
    REFUSED_AT(1, "1\v");
    REFUSED_AT(0, "\xC2\xA0"
                  "1");
    REFUSED_AT(1, "1\0");
}
END_TEST

START_TEST(a_second_value_is_refused_at_its_first_byte) {
    REFUSED_AT(2, "1 2");
    REFUSED_AT(2, "{}{}");
    REFUSED_AT(3, "{} x");
    REFUSED_AT(4, "truex");
    REFUSED_AT(2, "[]]");
}
END_TEST

START_TEST(a_byte_order_mark_is_refused_at_the_first_byte) {
    REFUSED_AT(0, "\xEF\xBB\xBF{}");
    REFUSED_AT(0, "\xFF\xFE[\0]\0");
}
END_TEST

START_TEST(a_misspelt_word_is_refused_at_the_wrong_letter) {
    REFUSED_AT(3, "trux");
    REFUSED_AT(3, "nul]");
    REFUSED_AT(1, "fAlse");
    REFUSED_AT(0, "True");
    REFUSED_AT(0, "NaN");
    REFUSED_AT(1, "nan");
    REFUSED_AT(0, "Infinity");
    REFUSED_AT(3, "tru");
    REFUSED_AT(1, "n");
}
END_TEST

START_TEST(every_form_of_number_is_accepted) {
    ACCEPTED("-0");
    ACCEPTED("10");
    ACCEPTED("-1.50");
    ACCEPTED("0.0");
    ACCEPTED("1e5");
    ACCEPTED("1E+05");
    ACCEPTED("0e-00");
    ACCEPTED("1.25e-7");
    ACCEPTED("1e999");
    ACCEPTED("123456789012345678901234567890.123456789012345678901234567890e123456789012345678901234567890");
}
END_TEST

START_TEST(a_number_with_a_leading_zero_is_refused_at_the_digit_after_it) {
    REFUSED_AT(1, "01");
    REFUSED_AT(2, "-01");
    REFUSED_AT(2, "[00]");
    REFUSED_AT(1, "0x1");
}
END_TEST

START_TEST(an_unfinished_number_is_refused_at_what_is_no_digit) {
    REFUSED_AT(1, "-");
    REFUSED_AT(1, "-x");
    REFUSED_AT(2, "1.");
    REFUSED_AT(3, "[1.]");
    REFUSED_AT(2, "1e");
    REFUSED_AT(3, "1e+");
    REFUSED_AT(3, "1e+-1");
    REFUSED_AT(3, "1.2.3");
    REFUSED_AT(3, "1e1.5");
    REFUSED_AT(0, "+1");
    REFUSED_AT(0, ".5");
    REFUSED_AT(1, "1,000");
}
END_TEST

START_TEST(brackets_and_commas_are_refused_where_no_text_could_have_them) {
    REFUSED_AT(0, "]");
    REFUSED_AT(0, ",");
    REFUSED_AT(1, "[,]");
    REFUSED_AT(3, "[1,]");
    REFUSED_AT(3, "[1 2]");
    REFUSED_AT(2, "[1}");
    REFUSED_AT(1, "[}");
    REFUSED_AT(2, "[1:2]");
    REFUSED_AT(4, "[[1]}");
}
END_TEST

START_TEST(members_are_refused_where_no_object_could_have_them) {
    REFUSED_AT(5, "{\"a\":}");
    REFUSED_AT(1, "{,}");
    REFUSED_AT(1, "{1:2}");
    REFUSED_AT(1, "{'a':1}");
    REFUSED_AT(1, "{a:1}");
    REFUSED_AT(4, "{\"a\"}");
    REFUSED_AT(5, "{\"a\" 1}");
    REFUSED_AT(5, "{\"a\"::1}");
    REFUSED_AT(7, "{\"a\":1,}");
    REFUSED_AT(7, "{\"a\":1,2}");
    REFUSED_AT(6, "{\"a\":1]");
    REFUSED_AT(7, "{\"a\":1 \"b\":2}");
    REFUSED_AT(1, "{]");
}
END_TEST

START_TEST(every_beginning_of_a_text_is_refused_at_its_size) {
    static const char text[] =
        "{\"name \\u12aF\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 and more\":[-1.5e+3,true,false,null,{},[],\"\\n\"] }";
    for (size_t size = 0; size < sizeof text - 1; size++)
        assert_refused_at(text, size, size);
    assert_accepted(TEXT(text));
}
END_TEST

START_TEST(raw_control_bytes_in_a_string_are_refused_wherever_they_stand) {
    REFUSED_AT(2, "\"a\x01\"");
    for (int byte = 0; byte < 0x20; byte++) {
        for (size_t size = 3; size <= 26; size++) {
            for (size_t place = 1; place < size - 1; place++) {
                char text[26];
                memset(text, 'x', sizeof text);
                text[0] = '"';
                text[size - 1] = '"';
                text[place] = (char)byte;
                assert_refused_at(text, size, place);
            }
        }
    }
    ACCEPTED("\"\x7F\"");
    ACCEPTED("\" !#[]^~\x7F\"");
}
END_TEST

START_TEST(a_quote_ends_a_string_wherever_it_stands) {
    for (size_t place = 1; place <= 24; place++) {
        char text[26];
        memset(text, 'x', sizeof text);
        text[0] = '"';
        text[place] = '"';
        assert_accepted(text, place + 1);
        assert_refused_at(text, sizeof text, place + 1);
    }
}
END_TEST

START_TEST(every_escape_is_accepted) {
    ACCEPTED("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uABCD\\uabcd\\u0129\"");
    ACCEPTED("\"\\ud800\"");
    ACCEPTED("\"\\udc00\\ud800\"");
    ACCEPTED("\"\\ud83d\\ude00\"");
}
END_TEST

START_TEST(a_wrong_escape_is_refused_at_the_byte_that_is_wrong) {
    REFUSED_AT(2, "\"\\x\"");
    REFUSED_AT(2, "\"\\U0000\"");
    REFUSED_AT(2, "\"\\0\"");
    REFUSED_AT(2, "\"\\\n\"");
    REFUSED_AT(5, "\"\\u12G4\"");
    REFUSED_AT(3, "\"\\u\"");
    REFUSED_AT(6, "\"\\u123\"");
    REFUSED_AT(3, "\"\\u/000\"");
    REFUSED_AT(3, "\"\\u:000\"");
    REFUSED_AT(3, "\"\\u@000\"");
    REFUSED_AT(3, "\"\\u`000\"");
    REFUSED_AT(3, "\"\\ug000\"");
    REFUSED_AT(4, "\"\\\\\\");
}
END_TEST

START_TEST(characters_at_the_edges_of_utf_8_are_accepted) {
    ACCEPTED("\"\xC2\x80\xDF\xBF\"");
    ACCEPTED("\"\xE0\xA0\x80\xE1\x80\x80\xEC\xBF\xBF\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\"");
    ACCEPTED("\"\xF0\x90\x80\x80\xF1\x80\x80\x80\xF3\xBF\xBF\xBF\xF4\x8F\xBF\xBF\"");
}
END_TEST

START_TEST(invalid_utf_8_is_refused_at_the_first_byte_that_cannot_stand_there) {
    REFUSED_AT(1, "\"\x80\"");         /* A byte in the middle of none. */
    REFUSED_AT(1, "\"\xC0\x80\"");     /* Overlong, from the first byte on. */
    REFUSED_AT(1, "\"\xC1\xBF\"");     /* The same. */
    REFUSED_AT(2, "\"\xC2\x7F\"");     /* Below 0x80. */
    REFUSED_AT(2, "\"\xDF\xC0\"");     /* Above 0xBF. */
    REFUSED_AT(2, "\"\xE0\x9F\xBF\""); /* Overlong. */
    REFUSED_AT(2, "\"\xED\xA0\x80\""); /* A surrogate. */
    REFUSED_AT(2, "\"\xED\xBF\xBF\""); /* The last surrogate. */
    REFUSED_AT(3, "\"\xE2\x82\"");
    REFUSED_AT(3, "\"\xE2\x82\xE2\"");
    REFUSED_AT(2, "\"\xF0\x8F\xBF\xBF\""); /* Overlong. */
    REFUSED_AT(2, "\"\xF4\x90\x80\x80\""); /* Above U+10FFFF. */
    REFUSED_AT(4, "\"\xF0\x9F\x98\"");
    REFUSED_AT(3, "\"\xF1\x80\x7F\"");
    REFUSED_AT(1, "\"\xF5\x80\x80\x80\"");
    REFUSED_AT(1, "\"\xFE\"");
    REFUSED_AT(1, "\"\xFF\"");
    REFUSED_AT(5, "\"\xC3\xA9\xC3\xA9\xFF\"");
    REFUSED_AT(1, "[\xC3\xA9]"); /* Whole, but not in a string. */
}
END_TEST

static char *nested(const char *opener, const char *closer, size_t depth) {
    char *opened = repeat(opener, depth);
    char *closed = repeat(closer, depth);
    char *text = malloc(strlen(opened) + strlen(closed) + 2);
    ck_assert_ptr_nonnull(text);
    strcpy(text, opened);
    strcat(text, "1");
    strcat(text, closed);
    free(opened);
    free(closed);
    return text;
}

START_TEST(a_depth_of_512_is_accepted) {
    char *arrays = nested("[", "]", JSON_DEPTH_MAX);
    char *objects = nested("{\"a\":", "}", JSON_DEPTH_MAX);
    assert_accepted(arrays, strlen(arrays));
    assert_accepted(objects, strlen(objects));
    free(objects);
    free(arrays);
}
END_TEST

START_TEST(levels_that_were_closed_do_not_count) {
    char *siblings = repeat("[{}],", 2000);
    char *list = malloc(strlen(siblings) + 4);
    ck_assert_ptr_nonnull(list);
    strcpy(list, "[");
    strcat(list, siblings);
    strcat(list, "1]");
    assert_accepted(list, strlen(list));
    free(list);
    free(siblings);
}
END_TEST

START_TEST(a_depth_of_513_is_refused_at_the_bracket_that_is_too_deep) {
    char *arrays = nested("[", "]", JSON_DEPTH_MAX + 1);
    char *objects = nested("{\"a\":", "}", JSON_DEPTH_MAX + 1);
    char *unclosed = repeat("[", JSON_DEPTH_MAX + 1);
    assert_refused_at(arrays, strlen(arrays), 512);
    assert_refused_at(objects, strlen(objects), (size_t)512 * 5);
    assert_refused_at(unclosed, strlen(unclosed), 512);
    free(unclosed);
    free(objects);
    free(arrays);
}
END_TEST

START_TEST(a_message_may_be_deeper_than_the_values_it_carries_by_the_frame) {
    char *fits = nested("[", "]", JSON_DEPTH_MAX + JSON_FRAME_DEPTH);
    char *too_deep = nested("[", "]", JSON_DEPTH_MAX + JSON_FRAME_DEPTH + 1);
    struct json_span value;
    size_t offset = 0;
    ck_assert(json_scan_message(fits, strlen(fits), &value, &offset));
    ck_assert_uint_eq(value.size, strlen(fits));
    ck_assert(!json_scan_message(too_deep, strlen(too_deep), &value, &offset));
    ck_assert_uint_eq(offset, JSON_DEPTH_MAX + JSON_FRAME_DEPTH);
    free(fits);
    free(too_deep);
}
END_TEST

START_TEST(an_empty_array_at_level_513_is_refused_as_well) {
    char *opened = repeat("[", JSON_DEPTH_MAX);
    char *text = malloc(strlen(opened) + 3);
    ck_assert_ptr_nonnull(text);
    strcpy(text, opened);
    strcat(text, "[]");
    assert_refused_at(text, strlen(text), 512);
    free(text);
    free(opened);
}
END_TEST

START_TEST(a_document_100000_levels_deep_is_refused) {
    char *arrays = nested("[", "]", 100000);
    assert_refused_at(arrays, strlen(arrays), 512);
    free(arrays);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_value_of_every_type_is_accepted);
    tcase_add_test(tcase, the_value_is_the_text_without_the_white_space_around_it);
    tcase_add_test(tcase, a_refused_text_leaves_the_value_alone);
    tcase_add_test(tcase, a_text_without_a_value_is_refused_at_its_end);
    tcase_add_test(tcase, white_space_is_only_the_four_characters);
    tcase_add_test(tcase, a_second_value_is_refused_at_its_first_byte);
    tcase_add_test(tcase, a_byte_order_mark_is_refused_at_the_first_byte);
    tcase_add_test(tcase, a_misspelt_word_is_refused_at_the_wrong_letter);
    tcase_add_test(tcase, every_form_of_number_is_accepted);
    tcase_add_test(tcase, a_number_with_a_leading_zero_is_refused_at_the_digit_after_it);
    tcase_add_test(tcase, an_unfinished_number_is_refused_at_what_is_no_digit);
    tcase_add_test(tcase, brackets_and_commas_are_refused_where_no_text_could_have_them);
    tcase_add_test(tcase, members_are_refused_where_no_object_could_have_them);
    tcase_add_test(tcase, every_beginning_of_a_text_is_refused_at_its_size);
    tcase_add_test(tcase, raw_control_bytes_in_a_string_are_refused_wherever_they_stand);
    tcase_add_test(tcase, a_quote_ends_a_string_wherever_it_stands);
    tcase_add_test(tcase, every_escape_is_accepted);
    tcase_add_test(tcase, a_wrong_escape_is_refused_at_the_byte_that_is_wrong);
    tcase_add_test(tcase, characters_at_the_edges_of_utf_8_are_accepted);
    tcase_add_test(tcase, invalid_utf_8_is_refused_at_the_first_byte_that_cannot_stand_there);
    tcase_add_test(tcase, a_depth_of_512_is_accepted);
    tcase_add_test(tcase, levels_that_were_closed_do_not_count);
    tcase_add_test(tcase, a_depth_of_513_is_refused_at_the_bracket_that_is_too_deep);
    tcase_add_test(tcase, a_message_may_be_deeper_than_the_values_it_carries_by_the_frame);
    tcase_add_test(tcase, an_empty_array_at_level_513_is_refused_as_well);
    tcase_add_test(tcase, a_document_100000_levels_deep_is_refused);
}

CHECK_MAIN("json: scan", add_tests)
