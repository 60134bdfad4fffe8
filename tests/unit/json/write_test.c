/* Texts put together from pieces. */
#include "tests/check_main.h"
#include "tests/unit/json/text.h"

#include <float.h>
#include <math.h>

/* Takes the text out of the writer, which must then be empty again. */
static void assert_written(struct json_writer *writer, const char *expected) {
    size_t size = 4711;
    char *text = json_writer_take(writer, &size);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(size, strlen(expected));
    free(text);
    ck_assert_ptr_null(writer->data);
    ck_assert_uint_eq(writer->size, 0);
    ck_assert_uint_eq(writer->capacity, 0);
}

START_TEST(an_empty_writer_gives_an_empty_text) {
    struct json_writer writer = {0};
    assert_written(&writer, "");
}
END_TEST

START_TEST(commas_and_colons_are_put_where_they_belong) {
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    json_write_name(&writer, "index");
    json_write_uint64(&writer, 12);
    json_write_name(&writer, "empty");
    json_write_object_begin(&writer);
    json_write_object_end(&writer);
    json_write_name(&writer, "list");
    json_write_array_begin(&writer);
    json_write_array_begin(&writer);
    json_write_array_end(&writer);
    json_write_bool(&writer, true);
    json_write_bool(&writer, false);
    json_write_null(&writer);
    json_write_text(&writer, "x");
    json_write_double(&writer, 1.5, 1);
    json_write_value(&writer, value_of("[ 1 ]"));
    json_write_object_begin(&writer);
    json_write_name(&writer, "a");
    json_write_null(&writer);
    json_write_object_end(&writer);
    json_write_array_end(&writer);
    json_write_name(&writer, "last");
    json_write_text(&writer, "");
    json_write_object_end(&writer);
    assert_written(&writer,
                   "{\"index\":12,\"empty\":{},\"list\":[[],true,false,null,\"x\",1.5,[ 1 ],{\"a\":null}],\"last\":\"\"}");
}
END_TEST

START_TEST(values_outside_of_brackets_stand_by_themselves) {
    struct json_writer writer = {0};
    json_write_uint64(&writer, 1);
    json_write_bytes(&writer, "\n", 1);
    json_write_object_begin(&writer);
    json_write_object_end(&writer);
    json_write_bytes(&writer, "\n", 1);
    json_write_null(&writer);
    assert_written(&writer, "1\n{}\nnull");
}
END_TEST

START_TEST(raw_bytes_change_nothing_about_commas) {
    struct json_writer writer = {0};
    json_write_array_begin(&writer);
    json_write_bytes(&writer, " ", 1);
    json_write_uint64(&writer, 1);
    json_write_bytes(&writer, "", 0);
    json_write_bytes(&writer, "\0", 1);
    json_write_uint64(&writer, 2);
    json_write_array_end(&writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    ck_assert_uint_eq(size, 7);
    ck_assert_mem_eq(text, "[ 1\0,2]", 8);
    free(text);
}
END_TEST

START_TEST(integers_are_written_whole) {
    struct json_writer writer = {0};
    json_write_array_begin(&writer);
    json_write_uint64(&writer, 0);
    json_write_uint64(&writer, 9);
    json_write_uint64(&writer, 10);
    json_write_uint64(&writer, UINT64_C(9007199254740993));
    json_write_uint64(&writer, UINT64_MAX);
    json_write_array_end(&writer);
    assert_written(&writer, "[0,9,10,9007199254740993,18446744073709551615]");
}
END_TEST

START_TEST(doubles_are_written_with_as_many_decimals_as_asked_for) {
    struct json_writer writer = {0};
    json_write_array_begin(&writer);
    json_write_double(&writer, 0.25, 1);
    json_write_double(&writer, 2.0, 0);
    json_write_double(&writer, -3.14159, 3);
    json_write_double(&writer, 0.1, 17);
    json_write_array_end(&writer);
    assert_written(&writer, "[0.2,2,-3.142,0.10000000000000001]");
}
END_TEST

START_TEST(the_largest_double_is_written_whole) {
    struct json_writer writer = {0};
    json_write_double(&writer, -DBL_MAX, 17);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    ck_assert_uint_eq(size, 1 + 309 + 1 + 17);
    ck_assert(json_type(value_of(text)) == JSON_NUMBER);
    free(text);
}
END_TEST

START_TEST(a_double_that_is_not_finite_is_null) {
    struct json_writer writer = {0};
    json_write_array_begin(&writer);
    json_write_double(&writer, (double)NAN, 2);
    json_write_double(&writer, (double)INFINITY, 2);
    json_write_double(&writer, (double)-INFINITY, 2);
    json_write_array_end(&writer);
    assert_written(&writer, "[null,null,null]");
}
END_TEST

START_TEST(a_value_goes_in_as_it_is) {
    struct json_writer writer = {0};
    json_write_value(&writer, value_of(" {\"a\" :\r\n 1e2}\n"));
    assert_written(&writer, "{\"a\" :\r\n 1e2}");
}
END_TEST

START_TEST(a_value_on_one_line_has_spaces_for_line_ends) {
    struct json_writer writer = {0};
    json_write_array_begin(&writer);
    json_write_value_one_line(&writer, value_of("{\"a\" :\r\n\t[1,\n2],\"b\":\"\\r\\n\"\n}"));
    json_write_value_one_line(&writer, value_of("\n7\n"));
    json_write_array_end(&writer);
    assert_written(&writer, "[{\"a\" :  \t[1, 2],\"b\":\"\\r\\n\" },7]");
}
END_TEST

START_TEST(line_ends_written_before_a_value_stay) {
    struct json_writer writer = {0};
    json_write_bytes(&writer, "1\n", 2);
    json_write_value_one_line(&writer, value_of("[\n]"));
    assert_written(&writer, "1\n[ ]");
}
END_TEST

START_TEST(a_writer_that_was_discarded_can_begin_again) {
    struct json_writer writer = {0};
    json_write_array_begin(&writer);
    json_write_uint64(&writer, 1);
    json_writer_discard(&writer);
    json_write_uint64(&writer, 2);
    assert_written(&writer, "2");
    json_writer_discard(&writer); /* Of nothing. */
}
END_TEST

START_TEST(a_text_may_grow_by_many_pieces) {
    struct json_writer writer = {0};
    json_write_array_begin(&writer);
    for (uint64_t i = 0; i < 10000; i++)
        json_write_uint64(&writer, i);
    json_write_array_end(&writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    struct json_cursor cursor = json_open(value_of(text));
    struct json_span element;
    for (uint64_t i = 0; i < 10000; i++) {
        uint64_t number = 0;
        ck_assert(json_next_element(&cursor, &element));
        ck_assert(json_number_uint64(element, UINT64_MAX, &number));
        ck_assert_uint_eq(number, i);
    }
    ck_assert(!json_next_element(&cursor, &element));
    free(text);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_empty_writer_gives_an_empty_text);
    tcase_add_test(tcase, commas_and_colons_are_put_where_they_belong);
    tcase_add_test(tcase, values_outside_of_brackets_stand_by_themselves);
    tcase_add_test(tcase, raw_bytes_change_nothing_about_commas);
    tcase_add_test(tcase, integers_are_written_whole);
    tcase_add_test(tcase, doubles_are_written_with_as_many_decimals_as_asked_for);
    tcase_add_test(tcase, the_largest_double_is_written_whole);
    tcase_add_test(tcase, a_double_that_is_not_finite_is_null);
    tcase_add_test(tcase, a_value_goes_in_as_it_is);
    tcase_add_test(tcase, a_value_on_one_line_has_spaces_for_line_ends);
    tcase_add_test(tcase, line_ends_written_before_a_value_stay);
    tcase_add_test(tcase, a_writer_that_was_discarded_can_begin_again);
    tcase_add_test(tcase, a_text_may_grow_by_many_pieces);
}

CHECK_MAIN("json: write", add_tests)
