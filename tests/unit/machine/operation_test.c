#include "server/machine/operation.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

#include <stdio.h>

static struct operation read_operation(const char *text) {
    struct json_span span = driver_scan(text);
    struct operation operation;
    ck_assert(operation_read(span.data, span.size, &operation));
    return operation;
}

static void check_member(const struct operation *operation, enum operation_member member, const char *expected) {
    ck_assert(operation_has(operation, member));
    struct json_span span = operation->members[member];
    ck_assert_uint_eq(span.size, strlen(expected));
    ck_assert_mem_eq(span.data, expected, span.size);
}

START_TEST(members_are_found_in_any_order_and_kept_as_written) {
    struct operation operation = read_operation(
        "{ \"limit\":1e2 ,\"after\":\"a\", \"prefix\":\"p\",\"expected\": [1, 2] ,\"value\":{\"op\":1},\"key\":\"k\",\"op\":\"o\"}");
    check_member(&operation, OPERATION_OP, "\"o\"");
    check_member(&operation, OPERATION_KEY, "\"k\"");
    check_member(&operation, OPERATION_VALUE, "{\"op\":1}");
    check_member(&operation, OPERATION_EXPECTED, "[1, 2]");
    check_member(&operation, OPERATION_PREFIX, "\"p\"");
    check_member(&operation, OPERATION_AFTER, "\"a\"");
    check_member(&operation, OPERATION_LIMIT, "1e2");
}
END_TEST

START_TEST(a_member_left_out_is_not_there_and_null_is) {
    struct operation operation = read_operation("{\"value\":null}");
    check_member(&operation, OPERATION_VALUE, "null");
    ck_assert(!operation_has(&operation, OPERATION_OP));
    ck_assert(!operation_has(&operation, OPERATION_EXPECTED));
}
END_TEST

START_TEST(of_duplicate_members_the_last_counts) {
    struct operation operation = read_operation("{\"key\":\"a\",\"op\":\"x\",\"key\":\"b\",\"k\\u0065y\":\"c\"}");
    check_member(&operation, OPERATION_KEY, "\"c\"");
}
END_TEST

START_TEST(unknown_members_are_ignored) {
    struct operation operation = read_operation("{\"Op\":1,\"op\\u0000\":2,\"o\":3,\"\":4,\"operation\":5,\"values\":6}");
    for (int member = 0; member < OPERATION_MEMBERS; member++) {
        ck_assert(!operation_has(&operation, (enum operation_member)member));
    }
}
END_TEST

START_TEST(only_an_object_is_an_operation) {
    static const char *const others[] = {"null", "true", "1", "\"op\"", "[{\"op\":\"put\"}]"};
    struct operation operation;
    ck_assert(!operation_read(others[_i], strlen(others[_i]), &operation));
}
END_TEST

START_TEST(op_is_compared_by_its_characters) {
    ck_assert(operation_is(&(struct operation){{{"\"put\"", 5}}}, "put"));
    ck_assert(operation_is(&(struct operation){{{"\"p\\u0075t\"", 10}}}, "put"));
    ck_assert(!operation_is(&(struct operation){{{"\"puts\"", 6}}}, "put"));
    ck_assert(!operation_is(&(struct operation){{{"\"Put\"", 5}}}, "put"));
    ck_assert(!operation_is(&(struct operation){{{"1", 1}}}, "put"));
    ck_assert(!operation_is(&(struct operation){0}, "put"));
}
END_TEST

/* Tries {"key": literal}; answers the refusal, empty when it was taken. */
static const char *try_key(const char *literal, struct operation_text *out_text, struct bytes *why) {
    char *text = memory_alloc(strlen(literal) + sizeof "{\"key\":}");
    sprintf(text, "{\"key\":%s}", literal);
    struct operation operation = read_operation(text);
    bool good = operation_text(&operation, OPERATION_KEY, out_text, bytes_output(why));
    free(text);
    ck_assert(good == (why->size == 0));
    return good ? "" : why->data;
}

START_TEST(a_text_is_decoded) {
    struct operation_text text;
    struct bytes why = bytes_empty();
    ck_assert_str_eq(try_key("\"a\\u0000\\n\\u00e9\xc3\xa9\\ud83d\\ude00\\ud83d\"", &text, &why), "");
    static const char expected[] = "a\0\n\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80\xed\xa0\xbd";
    ck_assert_uint_eq(text.size, sizeof expected - 1);
    ck_assert_mem_eq(text.bytes, expected, text.size);
    bytes_free(&why);
}
END_TEST

START_TEST(a_text_that_is_none_is_refused_with_its_name) {
    struct operation_text text;
    struct bytes why = bytes_empty();
    ck_assert_str_eq(try_key("7", &text, &why), "\"key\" must be a string");
    why.size = 0;
    ck_assert_str_eq(try_key("null", &text, &why), "\"key\" must be a string");
    why.size = 0;
    struct operation none = read_operation("{}");
    ck_assert(!operation_text(&none, OPERATION_AFTER, &text, bytes_output(&why)));
    ck_assert_str_eq(why.data, "\"after\" is missing: it must be a string");
    bytes_free(&why);
}
END_TEST

/* A literal of `count` times `character`, then `rest`. */
static char *literal_of(const char *character, size_t count, const char *rest) {
    char *literal = memory_alloc(strlen(character) * count + strlen(rest) + 3);
    char *at = stpcpy(literal, "\"");
    for (size_t i = 0; i < count; i++) {
        at = stpcpy(at, character);
    }
    stpcpy(stpcpy(at, rest), "\"");
    return literal;
}

/* The same length is reached by letters, by the longest escapes, and by characters of two bytes. */
static const struct {
    const char *character;
    size_t bytes;
} fillers[] = {{"k", 1}, {"\\u006b", 1}, {"\xc3\xa9", 2}, {"\\u00e9", 2}, {"\\ud83d\\ude00", 4}};

START_TEST(a_text_of_4096_bytes_fits_however_it_is_written) {
    struct operation_text text;
    struct bytes why = bytes_empty();
    char *literal = literal_of(fillers[_i].character, 4096 / fillers[_i].bytes, "");
    ck_assert_str_eq(try_key(literal, &text, &why), "");
    ck_assert_uint_eq(text.size, 4096);
    free(literal);
}
END_TEST

START_TEST(a_text_of_4097_bytes_is_too_long_however_it_is_written) {
    struct operation_text text;
    struct bytes why = bytes_empty();
    char *literal = literal_of(fillers[_i].character, 4096 / fillers[_i].bytes, _i % 2 == 0 ? "k" : "\\u006b");
    ck_assert_str_eq(try_key(literal, &text, &why), "\"key\" must be at most 4096 bytes long");
    bytes_free(&why);
    free(literal);
}
END_TEST

START_TEST(a_text_far_too_long_is_refused_without_being_decoded) {
    struct operation_text text;
    struct bytes why = bytes_empty();
    char *literal = literal_of("k", 1000000, "");
    ck_assert_str_eq(try_key(literal, &text, &why), "\"key\" must be at most 4096 bytes long");
    bytes_free(&why);
    free(literal);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, members_are_found_in_any_order_and_kept_as_written);
    tcase_add_test(tcase, a_member_left_out_is_not_there_and_null_is);
    tcase_add_test(tcase, of_duplicate_members_the_last_counts);
    tcase_add_test(tcase, unknown_members_are_ignored);
    tcase_add_loop_test(tcase, only_an_object_is_an_operation, 0, 5);
    tcase_add_test(tcase, op_is_compared_by_its_characters);
    tcase_add_test(tcase, a_text_is_decoded);
    tcase_add_test(tcase, a_text_that_is_none_is_refused_with_its_name);
    tcase_add_loop_test(tcase, a_text_of_4096_bytes_fits_however_it_is_written, 0, 5);
    tcase_add_loop_test(tcase, a_text_of_4097_bytes_is_too_long_however_it_is_written, 0, 5);
    tcase_add_test(tcase, a_text_far_too_long_is_refused_without_being_decoded);
}

CHECK_MAIN("operation", add_tests)
