/* Keys as characters and as JSON strings; which origins make sense is asked by message_entry_test and message_origin_test.
 */
#include "server/origin.h"
#include "tests/check_main.h"

#include <string.h>

static void assert_goes_around(const char *bytes, size_t size, size_t written_size) {
    struct origin_key written = origin_write_key(bytes, size);
    ck_assert_uint_eq(written.size, written_size);
    struct json_span value;
    size_t offset;
    ck_assert(json_scan(written.bytes, written.size, &value, &offset));
    struct origin origin = origin_plain();
    const char *name;
    origin.key = value;
    ck_assert_ptr_null(origin_check(&origin, &name));
    struct origin_key read = origin_read_key(value);
    ck_assert_uint_eq(read.size, size);
    ck_assert_mem_eq(read.bytes, bytes, size);
}

START_TEST(every_key_goes_around) {
    for (char byte = ' '; byte <= '~'; byte++) {
        assert_goes_around(&byte, 1, byte == '"' || byte == '\\' ? 4 : 3);
    }
    char longest[SESSIONS_KEY_SIZE_MAX];
    memset(longest, 'k', sizeof longest);
    assert_goes_around(longest, sizeof longest, SESSIONS_KEY_SIZE_MAX + 2);
    memset(longest, '"', sizeof longest);
    assert_goes_around(longest, sizeof longest, ORIGIN_KEY_WRITTEN_MAX);
}
END_TEST

START_TEST(a_key_is_1_to_128_printable_characters) {
    char bytes[SESSIONS_KEY_SIZE_MAX + 1];
    memset(bytes, 'k', sizeof bytes);
    ck_assert(!origin_is_key(bytes, 0));
    ck_assert(origin_is_key(bytes, 1));
    ck_assert(origin_is_key(bytes, SESSIONS_KEY_SIZE_MAX));
    ck_assert(!origin_is_key(bytes, SESSIONS_KEY_SIZE_MAX + 1));
    const char bad[] = {'\0', '\t', '\x1f', '\x7f', (char)0x80, (char)0xff};
    for (size_t i = 0; i < sizeof bad; i++) {
        bytes[1] = bad[i];
        ck_assert(!origin_is_key(bytes, 3));
    }
}
END_TEST

START_TEST(an_entry_carries_its_origin) {
    const struct origin origins[] = {
        origin_plain(),
        {.type = RAFT_COMMAND, .session = 4, .sequence = 9},
        {.type = RAFT_COMMAND, .key = {"\"k\"", 3}},
        {.type = RAFT_SESSION},
        {.type = RAFT_SESSION, .session = 4},
    };
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        struct raft_entry entry = {.time_ms = 8, .size = 1, .data = "1"};
        origin_to_entry(&origins[i], &entry);
        struct origin origin = origin_of_entry(&entry);
        ck_assert_int_eq(origin.type, origins[i].type);
        ck_assert_uint_eq(origin.session, origins[i].session);
        ck_assert_uint_eq(origin.sequence, origins[i].sequence);
        ck_assert_uint_eq(origin.key.size, origins[i].key.size);
        ck_assert_ptr_eq(origin.key.data, origins[i].key.data);
        ck_assert(origin_is_plain(&origin) == (i == 0));
        ck_assert_uint_eq(entry.time_ms, 8);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, every_key_goes_around);
    tcase_add_test(tcase, a_key_is_1_to_128_printable_characters);
    tcase_add_test(tcase, an_entry_carries_its_origin);
}

CHECK_MAIN("origin", add_tests)
