/* Fields of an object by a table. What each message makes of it is tested with the messages. */
#include "server/message_field.h"
#include "tests/check_main.h"
#include "tests/unit/server/message_text.h"

static const struct message_place top = {NULL, 0};

START_TEST(fields_go_where_the_table_says) {
    uint64_t number = 0;
    bool truth = false;
    char digits[MESSAGE_FIELD_DIGITS_SIZE + 1];
    struct json_span value;
    struct message_field fields[] = {
        {.name = "number", .type = MESSAGE_FIELD_NUMBER, .out = &number},
        {.name = "truth", .type = MESSAGE_FIELD_BOOL, .out = &truth},
        {.name = "digits", .type = MESSAGE_FIELD_DIGITS, .out = digits},
        {.name = "value", .type = MESSAGE_FIELD_VALUE, .out = &value},
    };
    const char *text = "{\"value\" : [ 1 ] ,\"other\":{},\"truth\":true,\"digits\":\"" CLUSTER "\",\"number\":0}";
    ck_assert(message_field_read(value_of(text), fields, 4, top, NULL));
    ck_assert_uint_eq(number, 0);
    ck_assert(truth);
    ck_assert_str_eq(digits, CLUSTER);
    assert_span(value, "[ 1 ]");
    ck_assert(fields[0].found && fields[3].found);
}
END_TEST

START_TEST(an_optional_field_that_is_left_out_touches_nothing) {
    static const char *const texts[] = {"{}", "{\"number\":null,\"digits\":null}", "{\"digits\":\"\"}"};
    for (size_t i = 0; i < 3; i++) {
        uint64_t number = 4711;
        char digits[MESSAGE_FIELD_DIGITS_SIZE + 1] = "before";
        struct message_field fields[] = {
            {.name = "number", .type = MESSAGE_FIELD_NUMBER, .optional = true, .out = &number},
            {.name = "digits", .type = MESSAGE_FIELD_DIGITS, .optional = true, .out = digits},
        };
        ck_assert(message_field_read(value_of(texts[i]), fields, 2, top, NULL));
        ck_assert_uint_eq(number, 4711);
        ck_assert_str_eq(digits, "before");
        ck_assert(!fields[0].found && !fields[1].found);
    }
}
END_TEST

START_TEST(an_optional_field_of_the_wrong_type_is_refused_all_the_same) {
    uint64_t number = 4711;
    struct message_field field = {.name = "number", .type = MESSAGE_FIELD_NUMBER, .optional = true, .out = &number};
    ck_assert(!message_field_read(value_of("{\"number\":\"1\"}"), &field, 1, top, NULL));
    ck_assert_uint_eq(number, 4711);
}
END_TEST

START_TEST(null_is_a_value) {
    struct json_span value = {0};
    struct message_field field = {.name = "value", .type = MESSAGE_FIELD_VALUE, .optional = true, .out = &value};
    ck_assert(message_field_read(value_of("{\"value\":null}"), &field, 1, top, NULL));
    ck_assert(field.found);
    assert_span(value, "null");
}
END_TEST

START_TEST(names_are_compared_after_decoding_and_whole) {
    uint64_t number = 0;
    struct message_field field = {.name = "number", .type = MESSAGE_FIELD_NUMBER, .out = &number};
    ck_assert(message_field_read(value_of("{\"n\\u0075mber\":1}"), &field, 1, top, NULL));
    ck_assert_uint_eq(number, 1);
    static const char *const others[] = {"{\"numbe\":1}", "{\"numbers\":1}", "{\"Number\":1}", "{\"numbe\\\\\":1}",
                                         "{\"number\\u0000\":1}"};
    for (size_t i = 0; i < 5; i++) {
        struct message_field again = {.name = "number", .type = MESSAGE_FIELD_NUMBER, .out = &number};
        ck_assert_msg(!message_field_read(value_of(others[i]), &again, 1, top, NULL), "%s", others[i]);
    }
}
END_TEST

START_TEST(a_detail_names_the_place) {
    uint64_t number = 0;
    struct message_field field = {.name = "term", .type = MESSAGE_FIELD_ID, .out = &number};
    struct problem problem;
    ck_assert(!message_field_read(value_of("{}"), &field, 1, (struct message_place){"entries", 3}, &problem));
    ck_assert_str_eq(problem.detail, "\"entries[3].term\" is missing");
    ck_assert(!message_field_read(value_of("{\"term\":0}"), &field, 1, top, &problem));
    ck_assert_str_eq(problem.detail, "\"term\" must be a whole number from 1 to 9007199254740991");
    ck_assert(!message_field_read(value_of("7"), &field, 1, (struct message_place){"entries", 3}, &problem));
    ck_assert_str_eq(problem.detail, "\"entries\" must hold objects only");
}
END_TEST

START_TEST(a_text_has_one_byte_at_least_and_no_more_than_allowed) {
    char *text = message_field_text(value_of("\"\\u00e9x\""), 3);
    ck_assert_str_eq(text, "\xC3\xA9x");
    free(text);
    ck_assert_ptr_null(message_field_text(value_of("\"\\u00e9x\""), 2));
    ck_assert_ptr_null(message_field_text(value_of("\"\""), 3));
    text = message_field_text(value_of("\"\\u0041\\u0042\""), 2);
    ck_assert_str_eq(text, "AB");
    free(text);
    ck_assert_ptr_null(message_field_text(value_of("\"\\u0041\\u0042\\u0043\""), 2));
}
END_TEST

START_TEST(a_text_has_no_control_bytes) {
    ck_assert_ptr_null(message_field_text(value_of("\"a\\u0000\""), 9));
    ck_assert_ptr_null(message_field_text(value_of("\"a\\n\""), 9));
    ck_assert_ptr_null(message_field_text(value_of("\"a\\u001f\""), 9));
    ck_assert_ptr_null(message_field_text(value_of("\"a\\u007f\""), 9));
    char *text = message_field_text(value_of("\"a \""), 9);
    ck_assert_str_eq(text, "a ");
    free(text);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, fields_go_where_the_table_says);
    tcase_add_test(tcase, an_optional_field_that_is_left_out_touches_nothing);
    tcase_add_test(tcase, an_optional_field_of_the_wrong_type_is_refused_all_the_same);
    tcase_add_test(tcase, null_is_a_value);
    tcase_add_test(tcase, names_are_compared_after_decoding_and_whole);
    tcase_add_test(tcase, a_detail_names_the_place);
    tcase_add_test(tcase, a_text_has_one_byte_at_least_and_no_more_than_allowed);
    tcase_add_test(tcase, a_text_has_no_control_bytes);
}

CHECK_MAIN("message_field", add_tests)
