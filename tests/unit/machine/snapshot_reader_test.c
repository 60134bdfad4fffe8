#include "server/machine/snapshot_stream.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

START_TEST(nothing_is_at_its_end_from_the_start) {
    struct source source = {.data = "", .step = SIZE_MAX};
    struct snapshot_reader *reader = snapshot_reader_create(source_input(&source));
    ck_assert(snapshot_reader_is_at_end(reader));
    char byte = 'x';
    ck_assert(!snapshot_read_bytes(reader, &byte, 1));
    ck_assert(snapshot_read_bytes(reader, &byte, 0));
    ck_assert_int_eq(byte, 'x');
    snapshot_reader_destroy(reader);
    snapshot_reader_destroy(NULL);
}
END_TEST

START_TEST(numbers_bytes_and_spans_are_read_in_reads_of_any_size) {
    static const char text[] = "\1\2\xff"
                               "abc"
                               "spanned";
    for (size_t step = 1; step < sizeof text; step++) {
        struct source source = {.data = text, .size = sizeof text - 1, .step = step};
        struct snapshot_reader *reader = snapshot_reader_create(source_input(&source));
        uint64_t number;
        ck_assert(snapshot_read_number(reader, 2, &number));
        ck_assert_uint_eq(number, 258);
        ck_assert(snapshot_read_number(reader, 1, &number));
        ck_assert_uint_eq(number, 255);
        char bytes[3];
        ck_assert(snapshot_read_bytes(reader, bytes, 3));
        ck_assert_mem_eq(bytes, "abc", 3);
        ck_assert(!snapshot_reader_is_at_end(reader));
        struct json_span span;
        ck_assert(snapshot_read_span(reader, 7, &span));
        ck_assert_uint_eq(span.size, 7);
        ck_assert_mem_eq(span.data, "spanned", 7);
        ck_assert(snapshot_reader_is_at_end(reader));
        snapshot_reader_destroy(reader);
    }
}
END_TEST

START_TEST(what_ends_too_early_leaves_the_result_alone) {
    struct source source = {.data = "1234567", .size = 7, .step = 3};
    struct snapshot_reader *reader = snapshot_reader_create(source_input(&source));
    uint64_t number = 42;
    ck_assert(!snapshot_read_number(reader, 8, &number));
    ck_assert_uint_eq(number, 42);
    ck_assert(snapshot_reader_is_at_end(reader));
    struct json_span span = {0};
    ck_assert(!snapshot_read_span(reader, UINT64_MAX, &span));
    ck_assert_ptr_null(span.data);
    snapshot_reader_destroy(reader);
}
END_TEST

START_TEST(a_span_larger_than_a_block_is_put_together) {
    enum { SIZE = 5 * SNAPSHOT_STREAM_BLOCK_SIZE + 17 };
    char *text = memory_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        text[i] = (char)(i % 251);
    }
    struct source source = {.data = text, .size = SIZE, .step = 10001};
    struct snapshot_reader *reader = snapshot_reader_create(source_input(&source));
    struct json_span span;
    ck_assert(snapshot_read_span(reader, SIZE, &span));
    ck_assert_mem_eq(span.data, text, SIZE);
    ck_assert(snapshot_reader_is_at_end(reader));
    snapshot_reader_destroy(reader);
    free(text);
}
END_TEST

#define BYTES(literal) literal, sizeof literal - 1
static const struct {
    const char *bytes;
    size_t size;
    const char *sentence;
} heads[] = {
    {BYTES("abcdefgh\0\0\0\7"), NULL},
    {BYTES("abcdefgh\0\0\0\7more"), NULL},
    {BYTES("abcdefgh\0\0\0\6"), "the snapshot has a version of the format that this program does not know"},
    {BYTES("abcdefgi\0\0\0\7"), "this is no snapshot of this machine"},
    {BYTES("abcdefg"), "this is no snapshot of this machine"},
    {BYTES("abcdefgh\0\0\0"), "the snapshot ends in its head"},
};

START_TEST(a_head_must_be_the_one_asked_for) {
    struct source source = {.data = heads[_i].bytes, .size = heads[_i].size, .step = 5};
    struct snapshot_reader *reader = snapshot_reader_create(source_input(&source));
    const char *sentence = snapshot_read_head(reader, "abcdefgh", 7);
    if (heads[_i].sentence == NULL) {
        ck_assert_ptr_null(sentence);
    } else {
        ck_assert_str_eq(sentence, heads[_i].sentence);
    }
    snapshot_reader_destroy(reader);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, nothing_is_at_its_end_from_the_start);
    tcase_add_test(tcase, numbers_bytes_and_spans_are_read_in_reads_of_any_size);
    tcase_add_test(tcase, what_ends_too_early_leaves_the_result_alone);
    tcase_add_test(tcase, a_span_larger_than_a_block_is_put_together);
    tcase_add_loop_test(tcase, a_head_must_be_the_one_asked_for, 0, sizeof heads / sizeof heads[0]);
}

CHECK_MAIN("snapshot_reader", add_tests)
