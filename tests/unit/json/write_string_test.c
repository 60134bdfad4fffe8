/* Any bytes in, a JSON string out. */
#include "tests/check_main.h"
#include "tests/unit/json/text.h"

#include <stdio.h>

/* Writes a copy of exactly this size, so that a sanitizer sees a byte read too much. The caller frees the text. */
static char *written(const char *bytes, size_t size) {
    char *copy = malloc(size == 0 ? 1 : size);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    struct json_writer writer = {0};
    json_write_string(&writer, copy, size);
    free(copy);
    return json_writer_take(&writer, &size);
}

static void assert_written(const char *bytes, size_t size, const char *expected) {
    char *text = written(bytes, size);
    ck_assert_str_eq(text, expected);
    value_of(text);
    free(text);
}

#define WRITTEN(expected, bytes) assert_written(TEXT(bytes), expected)

START_TEST(plain_text_is_written_as_it_is) {
    WRITTEN("\"\"", "");
    WRITTEN("\"plain text / longer than one word\x7F\"", "plain text / longer than one word\x7F");
    WRITTEN("\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}
END_TEST

START_TEST(no_bytes_at_all_are_an_empty_string) {
    struct json_writer writer = {0};
    json_write_string(&writer, NULL, 0);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    ck_assert_str_eq(text, "\"\"");
    free(text);
}
END_TEST

START_TEST(what_must_be_escaped_is_escaped) {
    WRITTEN("\"\\\"\\\\/\"", "\"\\/");
    WRITTEN("\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t");
    WRITTEN("\"\\u0000\\u0001\\u001f \"", "\0\x01\x1F ");
    WRITTEN("\"before the end\\n\"", "before the end\n");
}
END_TEST

START_TEST(a_text_ends_at_its_nul) {
    struct json_writer writer = {0};
    json_write_text(&writer, "a\"b\0c");
    size_t size;
    char *text = json_writer_take(&writer, &size);
    ck_assert_str_eq(text, "\"a\\\"b\"");
    free(text);
}
END_TEST

START_TEST(bytes_that_are_no_utf_8_become_replacement_characters) {
    WRITTEN("\"\xEF\xBF\xBD\"", "\xFF");
    WRITTEN("\"a\xEF\xBF\xBDz\"", "a\x80z");
    WRITTEN("\"\xEF\xBF\xBD\xEF\xBF\xBD\"", "\xC0\x80");
    WRITTEN("\"\xEF\xBF\xBD\"", "\xE2\x82");
    WRITTEN("\"\xEF\xBF\xBD.\"", "\xF0\x9F\x98.");
    WRITTEN("\"\xEF\xBF\xBD\xC3\xA9\"", "\xE2\x82\xC3\xA9");
    WRITTEN("\"\xEF\xBF\xBD\\n\"", "\xC3\n");
}
END_TEST

START_TEST(lone_surrogates_come_back_as_their_escapes) {
    WRITTEN("\"\\ud800\"", "\xED\xA0\x80");
    WRITTEN("\"\\udfff\"", "\xED\xBF\xBF");
    WRITTEN("\"x\\udabcy\"", "x\xED\xAA\xBCy");
    WRITTEN("\"\xED\x9F\xBF\xEE\x80\x80\"", "\xED\x9F\xBF\xEE\x80\x80"); /* The characters before and after them. */
    WRITTEN("\"\xEF\xBF\xBD\xEF\xBF\xBD\"", "\xED\xA0");                 /* Half of one. */
}
END_TEST

START_TEST(every_16_bit_number_survives_decoding_and_writing) {
    for (unsigned code = 0; code <= 0xFFFF; code++) {
        char literal[9];
        snprintf(literal, sizeof literal, "\"\\u%04x\"", code);
        struct json_span string = value_of(literal);
        char decoded[8];
        size_t size = json_string_decode(string, decoded);
        char *text = written(decoded, size);
        ck_assert_msg(json_equal(string, value_of(text)), "%s came back as %s", literal, text);
        free(text);
    }
}
END_TEST

START_TEST(any_three_bytes_become_a_string_that_decodes_to_themselves_or_replacements) {
    /* Given a lead byte of each kind, any second byte and a third from either side of every border, then the text is JSON;
     * where nothing was replaced, it decodes to the bytes. */
    static const unsigned char leads[] = {0x00, 0x41, 0x80, 0xC2, 0xE0, 0xE1, 0xED, 0xF0, 0xF4, 0xF5};
    static const unsigned char thirds[] = {0x00, 0x1F, 0x22, 0x5C, 0x7F, 0x80, 0x8F,
                                           0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xE0, 0xFF};
    for (size_t lead = 0; lead < sizeof leads; lead++) {
        for (unsigned pair = 0; pair < 256 * sizeof thirds; pair++) {
            char bytes[3] = {(char)leads[lead], (char)(pair & 0xFF), (char)thirds[pair >> 8]};
            char *text = written(bytes, sizeof bytes);
            struct json_span string = value_of(text);
            char decoded[64];
            ck_assert_uint_le(string.size, sizeof decoded);
            size_t size = json_string_decode(string, decoded);
            bool same = size == sizeof bytes && memcmp(decoded, bytes, size) == 0;
            ck_assert(same || strstr(text, "\xEF\xBF\xBD") != NULL);
            free(text);
        }
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, plain_text_is_written_as_it_is);
    tcase_add_test(tcase, no_bytes_at_all_are_an_empty_string);
    tcase_add_test(tcase, what_must_be_escaped_is_escaped);
    tcase_add_test(tcase, a_text_ends_at_its_nul);
    tcase_add_test(tcase, bytes_that_are_no_utf_8_become_replacement_characters);
    tcase_add_test(tcase, lone_surrogates_come_back_as_their_escapes);
    tcase_add_test(tcase, every_16_bit_number_survives_decoding_and_writing);
    tcase_add_test(tcase, any_three_bytes_become_a_string_that_decodes_to_themselves_or_replacements);
}

CHECK_MAIN("json: write string", add_tests)
