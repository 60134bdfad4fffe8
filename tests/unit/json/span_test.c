/* Types, walks and members by name. */
#include "tests/check_main.h"
#include "tests/unit/json/text.h"

START_TEST(the_type_is_told_by_the_first_byte) {
    ck_assert_int_eq(json_type(value_of("null")), JSON_NULL);
    ck_assert_int_eq(json_type(value_of("false")), JSON_FALSE);
    ck_assert_int_eq(json_type(value_of("true")), JSON_TRUE);
    ck_assert_int_eq(json_type(value_of("0")), JSON_NUMBER);
    ck_assert_int_eq(json_type(value_of("9")), JSON_NUMBER);
    ck_assert_int_eq(json_type(value_of("-1")), JSON_NUMBER);
    ck_assert_int_eq(json_type(value_of("\"\"")), JSON_STRING);
    ck_assert_int_eq(json_type(value_of("[]")), JSON_ARRAY);
    ck_assert_int_eq(json_type(value_of("{}")), JSON_OBJECT);
}
END_TEST

START_TEST(elements_come_in_the_order_they_were_written) {
    struct json_cursor cursor = json_open(value_of("[1 ,\n\"a,]\", [2,[3]],{\"b\":[4]} ,null\t]"));
    static const char *const expected[] = {"1", "\"a,]\"", "[2,[3]]", "{\"b\":[4]}", "null"};
    struct json_span element;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        ck_assert(json_next_element(&cursor, &element));
        assert_span(element, expected[i]);
    }
    ck_assert(!json_next_element(&cursor, &element));
    assert_span(element, "null"); /* Untouched by the end. */
    ck_assert(!json_next_element(&cursor, &element));
}
END_TEST

START_TEST(members_come_in_the_order_they_were_written) {
    struct json_cursor cursor =
        json_open(value_of("{ \"b\" : 1,\"a\":{\"x\":\"}\"} , \"b\":true,\"\\u0061\\\"\":[ ]\r\n}"));
    static const char *const names[] = {"\"b\"", "\"a\"", "\"b\"", "\"\\u0061\\\"\""};
    static const char *const values[] = {"1", "{\"x\":\"}\"}", "true", "[ ]"};
    struct json_span name;
    struct json_span member;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert(json_next_member(&cursor, &name, &member));
        assert_span(name, names[i]);
        assert_span(member, values[i]);
    }
    ck_assert(!json_next_member(&cursor, &name, &member));
    assert_span(name, names[3]);
    assert_span(member, values[3]);
}
END_TEST

START_TEST(what_is_empty_has_no_members_and_no_elements) {
    static const char *const texts[] = {"[]", "[ \n]", "{}", "{\t }"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct json_cursor cursor = json_open(value_of(texts[i]));
        struct json_span name;
        struct json_span value;
        ck_assert(texts[i][0] == '[' ? !json_next_element(&cursor, &value) : !json_next_member(&cursor, &name, &value));
    }
}
END_TEST

START_TEST(brackets_quotes_and_backslashes_in_strings_end_nothing) {
    struct json_cursor cursor =
        json_open(value_of("[\"\\\\\",\"\\\"]\",[\"]\\\\\\\"[{\"],\"long enough for a word \\\" ,\"]"));
    static const char *const expected[] = {"\"\\\\\"", "\"\\\"]\"", "[\"]\\\\\\\"[{\"]",
                                           "\"long enough for a word \\\" ,\""};
    struct json_span element;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        ck_assert(json_next_element(&cursor, &element));
        assert_span(element, expected[i]);
    }
    ck_assert(!json_next_element(&cursor, &element));
}
END_TEST

START_TEST(a_member_is_found_by_its_name) {
    struct json_span object = value_of("{\"op\":\"put\",\"key\":\"k\",\"value\":{\"op\":1}}");
    struct json_span member;
    ck_assert(json_member(object, "op", &member));
    assert_span(member, "\"put\"");
    ck_assert(json_member(object, "value", &member));
    assert_span(member, "{\"op\":1}");
}
END_TEST

START_TEST(a_member_that_is_not_there_leaves_the_value_alone) {
    struct json_span member = {"before", 6};
    ck_assert(!json_member(value_of("{\"op\":1,\"keys\":2,\"ke\":3}"), "key", &member));
    ck_assert(!json_member(value_of("{}"), "", &member));
    assert_span(member, "before");
}
END_TEST

START_TEST(of_duplicate_members_the_last_is_found) {
    struct json_span member;
    ck_assert(json_member(value_of("{\"a\":1,\"b\":2,\"\\u0061\":3,\"c\":4}"), "a", &member));
    assert_span(member, "3");
}
END_TEST

START_TEST(names_are_compared_after_decoding) {
    struct json_span member;
    ck_assert(json_member(value_of("{\"\\u006b\\u0065y\":1}"), "key", &member));
    assert_span(member, "1");
    ck_assert(json_member(value_of("{\"\":2}"), "", &member));
    assert_span(member, "2");
    ck_assert(!json_member(value_of("{\"key\\u0000\":1}"), "key", &member));
}
END_TEST

START_TEST(what_is_no_object_has_no_member) {
    static const char *const texts[] = {"[\"a\",1]", "\"a\"", "1", "null", "true", "false"};
    struct json_span member;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert(!json_member(value_of(texts[i]), "a", &member));
}
END_TEST

START_TEST(a_value_512_levels_deep_is_skipped_whole) {
    char *opened = repeat("[", JSON_DEPTH_MAX - 1);
    char *closed = repeat("]", JSON_DEPTH_MAX - 1);
    char *text = malloc(strlen(opened) + strlen(closed) + 16);
    ck_assert_ptr_nonnull(text);
    strcpy(text, "[");
    strcat(text, opened);
    strcat(text, closed);
    strcat(text, ",7]");
    struct json_cursor cursor = json_open(value_of(text));
    struct json_span element;
    ck_assert(json_next_element(&cursor, &element));
    ck_assert_uint_eq(element.size, (size_t)2 * (JSON_DEPTH_MAX - 1));
    ck_assert(json_next_element(&cursor, &element));
    assert_span(element, "7");
    free(text);
    free(closed);
    free(opened);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_type_is_told_by_the_first_byte);
    tcase_add_test(tcase, elements_come_in_the_order_they_were_written);
    tcase_add_test(tcase, members_come_in_the_order_they_were_written);
    tcase_add_test(tcase, what_is_empty_has_no_members_and_no_elements);
    tcase_add_test(tcase, brackets_quotes_and_backslashes_in_strings_end_nothing);
    tcase_add_test(tcase, a_member_is_found_by_its_name);
    tcase_add_test(tcase, a_member_that_is_not_there_leaves_the_value_alone);
    tcase_add_test(tcase, of_duplicate_members_the_last_is_found);
    tcase_add_test(tcase, names_are_compared_after_decoding);
    tcase_add_test(tcase, what_is_no_object_has_no_member);
    tcase_add_test(tcase, a_value_512_levels_deep_is_skipped_whole);
}

CHECK_MAIN("json: span", add_tests)
