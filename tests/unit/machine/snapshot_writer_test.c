#include "server/machine/snapshot_stream.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

START_TEST(a_head_is_the_name_and_the_version) {
    struct bytes out = bytes_empty();
    struct snapshot_writer *writer = snapshot_writer_create(bytes_output(&out));
    snapshot_write_head(writer, "abcdefgh", 258);
    ck_assert(snapshot_writer_finish(writer));
    ck_assert_uint_eq(out.size, 12);
    ck_assert_mem_eq(out.data, "abcdefgh\0\0\1\2", 12);
    bytes_free(&out);
}
END_TEST

START_TEST(numbers_are_written_with_the_highest_byte_first) {
    struct bytes out = bytes_empty();
    struct snapshot_writer *writer = snapshot_writer_create(bytes_output(&out));
    snapshot_write_number(writer, 255, 1);
    snapshot_write_number(writer, 0x0102, 2);
    snapshot_write_number(writer, 0x0102030405060708, 8);
    snapshot_write_number(writer, UINT64_MAX, 8);
    ck_assert(snapshot_writer_finish(writer));
    ck_assert_uint_eq(out.size, 19);
    ck_assert_mem_eq(out.data, "\xff\1\2\1\2\3\4\5\6\7\10\xff\xff\xff\xff\xff\xff\xff\xff", 19);
    bytes_free(&out);
}
END_TEST

/* Counts the calls of an output. */
struct calls {
    unsigned count;
    size_t bytes;
};

static bool count_call(void *context, const void *bytes, size_t size) {
    (void)bytes;
    struct calls *calls = context;
    calls->count++;
    calls->bytes += size;
    return true;
}

START_TEST(small_pieces_go_out_in_blocks) {
    struct calls calls = {0};
    struct snapshot_writer *writer = snapshot_writer_create((struct machine_output){count_call, &calls});
    for (int i = 0; i < SNAPSHOT_STREAM_BLOCK_SIZE; i++) {
        snapshot_write_bytes(writer, "x", 1);
    }
    ck_assert_uint_eq(calls.count, 0);
    snapshot_write_bytes(writer, "x", 1);
    ck_assert_uint_eq(calls.count, 1);
    ck_assert(snapshot_writer_finish(writer));
    ck_assert_uint_eq(calls.count, 2);
    ck_assert_uint_eq(calls.bytes, SNAPSHOT_STREAM_BLOCK_SIZE + 1);
}
END_TEST

START_TEST(pieces_of_any_size_keep_their_order) {
    static const size_t sizes[] = {0,
                                   1,
                                   SNAPSHOT_STREAM_BLOCK_SIZE - 1,
                                   SNAPSHOT_STREAM_BLOCK_SIZE,
                                   SNAPSHOT_STREAM_BLOCK_SIZE + 1,
                                   3 * SNAPSHOT_STREAM_BLOCK_SIZE};
    struct bytes out = bytes_empty();
    struct bytes expected = bytes_empty();
    struct snapshot_writer *writer = snapshot_writer_create(bytes_output(&out));
    char *piece = memory_alloc(3 * SNAPSHOT_STREAM_BLOCK_SIZE);
    for (size_t i = 0; i < 36; i++) {
        size_t size = sizes[i < 6 ? i : i % 7 % 6];
        memset(piece, 'a' + (char)(i % 26), 3 * SNAPSHOT_STREAM_BLOCK_SIZE);
        snapshot_write_bytes(writer, piece, size);
        bytes_append(&expected, piece, size);
    }
    ck_assert(snapshot_writer_finish(writer));
    ck_assert(bytes_equal(&out, &expected));
    free(piece);
    bytes_free(&out);
    bytes_free(&expected);
}
END_TEST

START_TEST(once_refused_nothing_more_is_put_out) {
    struct bytes out = bytes_limited(10);
    struct snapshot_writer *writer = snapshot_writer_create(bytes_output(&out));
    char *block = memory_zalloc(SNAPSHOT_STREAM_BLOCK_SIZE + 1);
    ck_assert(snapshot_writer_is_good(writer));
    snapshot_write_bytes(writer, block, SNAPSHOT_STREAM_BLOCK_SIZE + 1);
    ck_assert(!snapshot_writer_is_good(writer));
    snapshot_write_bytes(writer, block, 5);
    ck_assert(!snapshot_writer_finish(writer));
    ck_assert_uint_eq(out.size, 0);
    free(block);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_head_is_the_name_and_the_version);
    tcase_add_test(tcase, numbers_are_written_with_the_highest_byte_first);
    tcase_add_test(tcase, small_pieces_go_out_in_blocks);
    tcase_add_test(tcase, pieces_of_any_size_keep_their_order);
    tcase_add_test(tcase, once_refused_nothing_more_is_put_out);
}

CHECK_MAIN("snapshot_writer", add_tests)
