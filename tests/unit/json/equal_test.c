/* Values by value. */
#include "tests/check_main.h"
#include "tests/unit/json/text.h"

#include <stdio.h>

static void assert_compares(const char *left, const char *right, bool expected) {
    bool forth = json_equal(value_of(left), value_of(right));
    bool back = json_equal(value_of(right), value_of(left));
    ck_assert_msg(forth == expected && back == expected, "%.200s and %.200s: %d, the other way round %d", left, right,
                  forth, back);
}

#define SAME(left, right)      assert_compares(left, right, true)
#define DIFFERENT(left, right) assert_compares(left, right, false)

START_TEST(values_of_different_types_are_different) {
    static const char *const values[] = {"null", "true", "false", "0", "\"\"", "[]", "{}"};
    size_t count = sizeof values / sizeof values[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            assert_compares(values[i], values[j], i == j);
    }
    DIFFERENT("[0]", "[\"0\"]");
    DIFFERENT("[null]", "[false]");
    DIFFERENT("\"1\"", "1");
}
END_TEST

START_TEST(numbers_are_compared_by_value) {
    SAME("1", "1.0");
    SAME("[1,-0]", "[1e0,0.0]");
    DIFFERENT("10000000000000000001", "10000000000000000000");
    DIFFERENT("[10000000000000000001]", "[10000000000000000000]");
}
END_TEST

START_TEST(strings_are_compared_by_their_characters) {
    SAME("\"a\"", "\"\\u0061\"");
    SAME("\"\\/\"", "\"/\"");
    SAME("\"\xC3\xA9\"", "\"\\u00e9\"");
    SAME("\"\xF0\x9F\x98\x80\"", "\"\\uD83D\\ude00\"");
    SAME("[\"\\uABCD\"]", "[\"\\uabcd\"]");
    DIFFERENT("\"a\"", "\"A\"");
    DIFFERENT("\"a\"", "\"a \"");
    DIFFERENT("\"a\\u0000b\"", "\"a\\u0000c\"");
    DIFFERENT("\"a\\u0000\"", "\"a\"");
    DIFFERENT("\"\\ud800\"", "\"\\ufffd\"");
    DIFFERENT("\"\\n\"", "\"\\\\n\"");
    /* The same character composed in two ways is two texts. */
    DIFFERENT("\"\\u00e9\"", "\"e\\u0301\"");
}
END_TEST

START_TEST(white_space_between_tokens_means_nothing) {
    SAME("[1,{\"a\":[]}]", " [ 1 ,\r\n{\t\"a\" : [ ] } ] ");
}
END_TEST

START_TEST(arrays_are_compared_in_order) {
    SAME("[1,[2,3],4]", "[1.0,[2.0,3],4]");
    DIFFERENT("[1,2]", "[2,1]");
    DIFFERENT("[1,2]", "[1,2,3]");
    DIFFERENT("[1,[2,3]]", "[[1,2],3]");
    DIFFERENT("[]", "[[]]");
    DIFFERENT("[[],1]", "[[1]]");
}
END_TEST

START_TEST(objects_are_compared_without_regard_to_order) {
    SAME("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}");
    SAME("{\"a\":{\"x\":[1,2],\"y\":null},\"b\":2}", "{\"b\":2.0,\"a\":{\"y\":null,\"x\":[1,2]}}");
    SAME("[{\"ab\":1,\"a\":2,\"\":3,\"b\":4}]", "[{\"b\":4,\"\":3,\"ab\":1,\"a\":2}]");
    DIFFERENT("{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}");
    DIFFERENT("{\"a\":1}", "{\"a\":1,\"b\":2}");
    DIFFERENT("{\"a\":1,\"c\":2}", "{\"a\":1,\"b\":2}");
    DIFFERENT("{\"a\":null}", "{}");
    DIFFERENT("{\"a\":{\"b\":1},\"c\":2}", "{\"a\":{\"b\":1,\"c\":2}}");
}
END_TEST

START_TEST(names_are_compared_after_decoding) {
    SAME("{\"\\u0061\":1,\"b\":2}", "{\"b\":2,\"a\":1}");
    SAME("{\"\\u0061\\n\":1,\"\\u0062\":2}", "{\"\\u0062\":2,\"a\\u000a\":1}");
    DIFFERENT("{\"a\\u0000\":1}", "{\"a\":1}");
    DIFFERENT("{\"\\\\u0061\":1}", "{\"\\u0061\":1}");
}
END_TEST

START_TEST(of_duplicate_members_the_last_counts) {
    SAME("{\"a\":1,\"a\":2}", "{\"a\":2}");
    SAME("{\"a\":1,\"b\":3,\"\\u0061\":2}", "{\"a\":2,\"b\":3}");
    SAME("{\"a\":9,\"a\":8,\"a\":7,\"b\":0,\"a\":2}", "{\"b\":1,\"b\":0,\"a\":2}");
    DIFFERENT("{\"a\":1,\"a\":2}", "{\"a\":1}");
    DIFFERENT("{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}");
    DIFFERENT("{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":1}");
}
END_TEST

START_TEST(values_inside_of_a_text_can_be_compared) {
    struct json_span object = value_of("{ \"left\" : {\"a\":[1, 2]} , \"right\" : {\"a\" : [1.0,2]} , \"other\" : {} }");
    struct json_span left;
    struct json_span right;
    struct json_span other;
    ck_assert(json_member(object, "left", &left));
    ck_assert(json_member(object, "right", &right));
    ck_assert(json_member(object, "other", &other));
    ck_assert(json_equal(left, right));
    ck_assert(!json_equal(left, other));
}
END_TEST

/* `depth` levels of arrays, or of objects, around `middle`. The caller frees it. */
static char *nested(const char *opener, const char *middle, const char *closer, size_t depth) {
    char *opened = repeat(opener, depth);
    char *closed = repeat(closer, depth);
    char *text = malloc(strlen(opened) + strlen(middle) + strlen(closed) + 1);
    ck_assert_ptr_nonnull(text);
    strcpy(text, opened);
    strcat(text, middle);
    strcat(text, closed);
    free(closed);
    free(opened);
    return text;
}

START_TEST(the_deepest_values_are_compared_to_the_last_level) {
    char *one = nested("[", "1", "]", JSON_DEPTH_MAX);
    char *same = nested("[ ", "1.0", "]", JSON_DEPTH_MAX);
    char *other = nested("[", "2", "]", JSON_DEPTH_MAX);
    char *object = nested("{\"a\":", "1", "}", JSON_DEPTH_MAX);
    char *same_object = nested("{\"\\u0061\":", "1.0", "}", JSON_DEPTH_MAX);
    SAME(one, same);
    DIFFERENT(one, other);
    SAME(object, same_object);
    DIFFERENT(one, object);
    free(same_object);
    free(object);
    free(other);
    free(same);
    free(one);
}
END_TEST

/* An object with members "prefix0" to "prefixN", in the order `i * stride modulo count`. The caller frees it. */
static char *many_members(const char *prefix, size_t count, size_t stride) {
    size_t size_max = count * (strlen(prefix) + 32) + 3;
    char *text = malloc(size_max);
    ck_assert_ptr_nonnull(text);
    char *at = text;
    *at++ = '{';
    for (size_t i = 0; i < count; i++) {
        size_t member = i * stride % count;
        at += snprintf(at, 64, "%s\"%s%zu\":%zu", i == 0 ? "" : ",", prefix, member, member);
    }
    strcpy(at, "}");
    return text;
}

START_TEST(objects_with_a_hundred_thousand_members_are_compared_in_a_moment) {
    /* Given the same members in three orders, and once with escapes; comparing each with each would take minutes. */
    char *forth = many_members("name", 100000, 1);
    char *back = many_members("name", 100000, 99999);
    char *mixed = many_members("name", 100000, 38197);
    char *escaped = many_members("n\\u0061me", 100000, 61);
    char *fewer = many_members("name", 99999, 1);
    SAME(forth, back);
    SAME(forth, mixed);
    SAME(back, escaped);
    DIFFERENT(forth, fewer);
    free(fewer);
    free(escaped);
    free(mixed);
    free(back);
    free(forth);
}
END_TEST

START_TEST(the_deepest_of_large_values_is_not_skipped_again_at_every_level) {
    /* Given 512 levels around half a million elements; skipping them once a level would take minutes. */
    char *elements = repeat("0,", 500000);
    char *body = malloc(strlen(elements) + 8);
    ck_assert_ptr_nonnull(body);
    strcpy(body, "[");
    strcat(body, elements);
    strcat(body, "1]");
    char *left = nested("{\"a\":[", body, "]}", (JSON_DEPTH_MAX - 1) / 2);
    char *right = nested("{\"a\":[ ", body, "]}", (JSON_DEPTH_MAX - 1) / 2);
    SAME(left, right);
    free(right);
    free(left);
    free(body);
    free(elements);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, values_of_different_types_are_different);
    tcase_add_test(tcase, numbers_are_compared_by_value);
    tcase_add_test(tcase, strings_are_compared_by_their_characters);
    tcase_add_test(tcase, white_space_between_tokens_means_nothing);
    tcase_add_test(tcase, arrays_are_compared_in_order);
    tcase_add_test(tcase, objects_are_compared_without_regard_to_order);
    tcase_add_test(tcase, names_are_compared_after_decoding);
    tcase_add_test(tcase, of_duplicate_members_the_last_counts);
    tcase_add_test(tcase, values_inside_of_a_text_can_be_compared);
    tcase_add_test(tcase, the_deepest_values_are_compared_to_the_last_level);
    tcase_add_test(tcase, objects_with_a_hundred_thousand_members_are_compared_in_a_moment);
    tcase_add_test(tcase, the_deepest_of_large_values_is_not_skipped_again_at_every_level);
}

CHECK_MAIN("json: equal", add_tests)
