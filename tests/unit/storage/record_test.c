#include "storage/record.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/floor.h"
#include "tests/check_main.h"

#include <stdio.h>
#include <string.h>

static struct raft_entry entry_of(raft_index index, raft_term term, const char *text) {
    return (struct raft_entry){.id = {.index = index, .term = term},
                               .type = RAFT_COMMAND,
                               .size = (uint32_t)strlen(text),
                               .data = strlen(text) == 0 ? NULL : text};
}

/* Does the page on the format hold a line with exactly these bytes? Tests run in the root of the repository. */
static void expect_in_readme(const char *before, const char *bytes, size_t size) {
    char page[20000] = "";
    char text[400];
    FILE *file = fopen("storage/README.md", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(page, 1, sizeof page - 1, file), 0);
    fclose(file);
    int length = sprintf(text, "%s", before);
    for (size_t i = 0; i < size; i++) {
        length += sprintf(text + length, "%02x%c", (unsigned char)bytes[i], i + 1 < size ? ' ' : '\n');
    }
    ck_assert_msg(strstr(page, text) != NULL, "not in storage/README.md: %s", text);
}

START_TEST(the_examples_of_the_readme_come_out) {
    char value[64];
    struct raft_entry entry = entry_of(17, 3, "{\"op\":\"count\"}");
    entry.time_ms = 4000;
    struct record_key key = record_entry_key(17);
    expect_in_readme("key    ", key.bytes, key.size);
    expect_in_readme("value  ", value, record_encode_entry(&entry, value));
    entry.session = 16;
    entry.sequence = 5;
    expect_in_readme("value  ", value, record_encode_entry(&entry, value));
    struct raft_entry keyed = entry_of(17, 3, "{\"op\":\"count\"}");
    keyed.time_ms = 4000;
    keyed.key = "\"pay-7\"";
    keyed.key_size = 7;
    expect_in_readme("value  ", value, record_encode_entry(&keyed, value));
    struct raft_hard_state hard_state = {.term = 3, .voted_for = 2};
    expect_in_readme("    ", value, record_encode_hard_state(hard_state, value));
    struct record_newest_write newest = {.number = 9, .last = entry.id};
    expect_in_readme("    ", value, record_encode_newest_write(newest, value));
    expect_in_readme("    ", value, record_encode_base((struct raft_entry_id){12, 2}, value));
    const struct storage_snapshot snapshot = {.id = {15, 3}, .length = 812, .crc = 0x1a2b3c4d};
    expect_in_readme("    ", value, record_encode_snapshot(&snapshot, value));
    char floor_bytes[FLOOR_SIZE];
    floor_format(&(struct floor){.newest = newest, .hard_state = hard_state}, floor_bytes);
    expect_in_readme("    ", floor_bytes, sizeof floor_bytes);
}
END_TEST

START_TEST(an_entry_comes_back_as_it_went_in) {
    const char *const texts[] = {"", "1", "{\"a\":[1,2,3]}"};
    for (size_t i = 0; i < 3; i++) {
        for (int type = RAFT_COMMAND; type <= RAFT_SESSION; type++) {
            char value[64];
            struct raft_entry in = entry_of(RAFT_NUMBER_MAX, RAFT_NUMBER_MAX, texts[i]);
            struct raft_entry out;
            in.type = (enum raft_entry_type)type;
            size_t size = record_encode_entry(&in, value);
            ck_assert_uint_eq(size, in.size + 15);
            ck_assert_uint_eq(size, record_entry_size(&in));
            ck_assert_int_eq(record_decode_entry(RAFT_NUMBER_MAX, value, size, &out), RECORD_OK);
            ck_assert_uint_eq(out.id.index, RAFT_NUMBER_MAX);
            ck_assert_uint_eq(out.id.term, RAFT_NUMBER_MAX);
            ck_assert_int_eq((int)out.type, type);
            ck_assert_uint_eq(out.size, in.size);
            ck_assert(out.size == 0 ? out.data == NULL : memcmp(out.data, texts[i], out.size) == 0);
            ck_assert_ptr_null(out.buffer);
            ck_assert_ptr_null(out.configuration);
        }
    }
}
END_TEST

START_TEST(any_flipped_bit_of_an_entry_shows) {
    char value[64];
    struct raft_entry in = entry_of(5, 2, "{\"op\":\"read\"}");
    size_t size = record_encode_entry(&in, value);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct raft_entry out = {.size = 99};
        value[bit / 8] = (char)(value[bit / 8] ^ (1 << bit % 8));
        ck_assert_int_eq(record_decode_entry(5, value, size, &out), RECORD_CHECKSUM);
        ck_assert_uint_eq(out.size, 99);
        value[bit / 8] = (char)(value[bit / 8] ^ (1 << bit % 8));
    }
}
END_TEST

START_TEST(an_entry_cut_at_any_byte_shows) {
    char value[64];
    struct raft_entry out;
    struct raft_entry in = entry_of(5, 2, "{\"op\":\"read\"}");
    size_t size = record_encode_entry(&in, value);
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_ne(record_decode_entry(5, value, cut, &out), RECORD_OK);
    }
}
END_TEST

START_TEST(an_entry_under_the_key_of_another_fails_its_checksum) {
    char value[64];
    struct raft_entry out;
    struct raft_entry in = entry_of(5, 2, "1");
    size_t size = record_encode_entry(&in, value);
    ck_assert_int_eq(record_decode_entry(6, value, size, &out), RECORD_CHECKSUM);
}
END_TEST

/* Ends a value made by hand with the checksum it needs under `key`. */
static void reseal(struct record_key key, char *value, size_t size) {
    bytes_put_u32(value + size - 4, crc32c_extend(crc32c_extend(0, key.bytes, key.size), value, size - 4));
}

START_TEST(a_whole_entry_of_another_version_is_told_from_damage) {
    char value[64];
    struct raft_entry out;
    struct raft_entry in = entry_of(5, 2, "1");
    size_t size = record_encode_entry(&in, value);
    const char versions[] = {0, 3, (char)0xff};
    for (size_t i = 0; i < sizeof versions; i++) {
        value[0] = versions[i];
        reseal(record_entry_key(5), value, size);
        ck_assert_int_eq(record_decode_entry(5, value, size, &out), RECORD_VERSION);
    }
}
END_TEST

/* A command with all that an origin can have. */
static struct raft_entry entry_with_origin(unsigned present) {
    struct raft_entry entry = entry_of(5, 2, "[1]");
    entry.time_ms = (present & 1) != 0 ? RAFT_NUMBER_MAX : 0;
    entry.session = (present & 2) != 0 ? RAFT_NUMBER_MAX - 1 : 0;
    entry.sequence = (present & 4) != 0 ? 1 : 0;
    entry.key = (present & 8) != 0 ? "\"a key\"" : NULL;
    entry.key_size = (present & 8) != 0 ? 7 : 0;
    return entry;
}

START_TEST(an_origin_comes_back_and_costs_only_what_is_there) {
    for (unsigned present = 0; present < 16; present++) {
        char value[RECORD_SMALL_MAX];
        struct raft_entry in = entry_with_origin(present);
        struct raft_entry out;
        size_t size = record_encode_entry(&in, value);
        size_t numbers = (present & 1) + (present >> 1 & 1) + (present >> 2 & 1);
        ck_assert_uint_eq(size, 15 + 3 + 8 * numbers + ((present & 8) != 0 ? 2 + 7 : 0));
        ck_assert_uint_eq(size, record_entry_size(&in));
        ck_assert_int_eq(record_decode_entry(5, value, size, &out), RECORD_OK);
        ck_assert_uint_eq(out.time_ms, in.time_ms);
        ck_assert_uint_eq(out.session, in.session);
        ck_assert_uint_eq(out.sequence, in.sequence);
        ck_assert_uint_eq(out.key_size, in.key_size);
        ck_assert(in.key == NULL ? out.key == NULL : memcmp(out.key, in.key, in.key_size) == 0);
        ck_assert(out.key == NULL || (out.key > value && out.key < value + size));
        ck_assert_uint_eq(out.size, 3);
        ck_assert_mem_eq(out.data, "[1]", 3);
    }
}
END_TEST

START_TEST(an_origin_cut_at_any_byte_is_refused) {
    char value[RECORD_SMALL_MAX];
    struct raft_entry in = entry_with_origin(15);
    struct raft_entry out;
    in.size = 0;
    in.data = NULL;
    size_t size = record_encode_entry(&in, value);
    ck_assert_int_eq(record_decode_entry(5, value, size, &out), RECORD_OK);
    for (size_t cut = 6; cut < size; cut++) {
        char shorter[RECORD_SMALL_MAX];
        memcpy(shorter, value, cut);
        reseal(record_entry_key(5), shorter, cut);
        ck_assert_int_ne(record_decode_entry(5, shorter, cut, &out), RECORD_OK);
    }
}
END_TEST

START_TEST(an_origin_outside_its_range_is_refused) {
    struct raft_entry in = entry_with_origin(15);
    char value[RECORD_SMALL_MAX];
    size_t size = record_encode_entry(&in, value);
    const struct {
        size_t at;
        uint64_t number;
    } bad[] = {{11, 0}, {11, RAFT_NUMBER_MAX + 1}, {19, 0}, {19, RAFT_NUMBER_MAX + 1}, {27, 0}, {27, UINT64_MAX}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char changed[RECORD_SMALL_MAX];
        struct raft_entry out;
        memcpy(changed, value, size);
        bytes_put_u64(changed + bad[i].at, bad[i].number);
        reseal(record_entry_key(5), changed, size);
        ck_assert_int_eq(record_decode_entry(5, changed, size, &out), RECORD_VALUE);
    }
    const uint16_t key_sizes[] = {0, 7 + 3 + 1, 65535};
    for (size_t i = 0; i < sizeof key_sizes / sizeof *key_sizes; i++) {
        struct raft_entry out;
        bytes_put_u16(value + 35, key_sizes[i]);
        reseal(record_entry_key(5), value, size);
        ck_assert_int_eq(record_decode_entry(5, value, size, &out), RECORD_VALUE);
    }
}
END_TEST

START_TEST(a_flag_that_nobody_knows_is_refused) {
    char value[64];
    struct raft_entry out;
    struct raft_entry in = entry_of(5, 2, "1");
    size_t size = record_encode_entry(&in, value);
    value[2] = 16;
    reseal(record_entry_key(5), value, size);
    ck_assert_int_eq(record_decode_entry(5, value, size, &out), RECORD_VALUE);
}
END_TEST

START_TEST(an_entry_of_the_first_version_is_still_read) {
    char value[] = "\1\1\0\0\0\0\0\0\0\3{}....";
    size_t size = sizeof value - 1;
    reseal(record_entry_key(17), value, size);
    struct raft_entry out;
    ck_assert_int_eq(record_decode_entry(17, value, size, &out), RECORD_OK);
    ck_assert_uint_eq(out.id.term, 3);
    ck_assert_int_eq(out.type, RAFT_COMMAND);
    ck_assert_uint_eq(out.size, 2);
    ck_assert_mem_eq(out.data, "{}", 2);
    ck_assert_uint_eq(out.time_ms + out.session + out.sequence + out.key_size, 0);
    ck_assert_ptr_null(out.key);
}
END_TEST

START_TEST(an_entry_with_a_type_outside_the_range_is_refused) {
    const char types[] = {RAFT_COMMAND - 1, RAFT_SESSION + 1, (char)0xff};
    for (size_t i = 0; i < sizeof types; i++) {
        char value[64];
        struct raft_entry out;
        struct raft_entry in = entry_of(5, 2, "1");
        size_t size = record_encode_entry(&in, value);
        value[1] = types[i];
        reseal(record_entry_key(5), value, size);
        ck_assert_int_eq(record_decode_entry(5, value, size, &out), RECORD_VALUE);
    }
}
END_TEST

START_TEST(an_entry_with_a_term_or_index_above_the_largest_number_is_refused) {
    char value[64];
    struct raft_entry out;
    struct raft_entry in = entry_of(5, 2, "1");
    size_t size = record_encode_entry(&in, value);
    bytes_put_u64(value + 3, RAFT_NUMBER_MAX + 1);
    reseal(record_entry_key(5), value, size);
    ck_assert_int_eq(record_decode_entry(5, value, size, &out), RECORD_VALUE);
    bytes_put_u64(value + 3, RAFT_NUMBER_MAX);
    reseal(record_entry_key(RAFT_NUMBER_MAX + 1), value, size);
    ck_assert_int_eq(record_decode_entry(RAFT_NUMBER_MAX + 1, value, size, &out), RECORD_VALUE);
}
END_TEST

START_TEST(a_hard_state_comes_back_as_it_went_in) {
    char value[RECORD_SMALL_MAX];
    struct raft_hard_state out;
    size_t size =
        record_encode_hard_state((struct raft_hard_state){.term = RAFT_NUMBER_MAX, .voted_for = RAFT_NUMBER_MAX}, value);
    ck_assert_int_eq(record_decode_hard_state(value, size, &out), RECORD_OK);
    ck_assert_uint_eq(out.term, RAFT_NUMBER_MAX);
    ck_assert_uint_eq(out.voted_for, RAFT_NUMBER_MAX);
}
END_TEST

START_TEST(a_hard_state_above_the_largest_number_is_refused) {
    for (size_t field = 1; field <= 9; field += 8) {
        char value[RECORD_SMALL_MAX];
        struct raft_hard_state out;
        size_t size = record_encode_hard_state((struct raft_hard_state){.term = 1, .voted_for = 1}, value);
        bytes_put_u64(value + field, RAFT_NUMBER_MAX + 1);
        reseal(record_key(RECORD_HARD_STATE), value, size);
        ck_assert_int_eq(record_decode_hard_state(value, size, &out), RECORD_VALUE);
    }
}
END_TEST

START_TEST(an_identity_comes_back_as_it_went_in) {
    char value[RECORD_SMALL_MAX];
    struct storage_identity in = {.node_id = 3,
                                  .incarnation = "0123456789abcdef0123456789abcdef",
                                  .cluster_id = "fedcba9876543210fedcba9876543210",
                                  .formed = true};
    struct storage_identity out;
    size_t size = record_encode_identity(&in, value);
    ck_assert_int_eq(record_decode_identity(value, size, &out), RECORD_OK);
    ck_assert_uint_eq(out.node_id, 3);
    ck_assert_str_eq(out.incarnation, in.incarnation);
    ck_assert_str_eq(out.cluster_id, in.cluster_id);
    ck_assert(out.formed);

    in.cluster_id[0] = '\0';
    in.formed = false;
    size = record_encode_identity(&in, value);
    ck_assert_int_eq(record_decode_identity(value, size, &out), RECORD_OK);
    ck_assert_str_eq(out.cluster_id, "");
    ck_assert(!out.formed);
}
END_TEST

START_TEST(the_newest_write_comes_back_as_it_went_in) {
    char value[RECORD_SMALL_MAX];
    struct record_newest_write out;
    size_t size =
        record_encode_newest_write((struct record_newest_write){.number = 9, .last = {.index = 8, .term = 7}}, value);
    ck_assert_int_eq(record_decode_newest_write(value, size, &out), RECORD_OK);
    ck_assert_uint_eq(out.number, 9);
    ck_assert_uint_eq(out.last.index, 8);
    ck_assert_uint_eq(out.last.term, 7);
}
END_TEST

START_TEST(base_and_snapshot_come_back_as_they_went_in) {
    char value[RECORD_SMALL_MAX];
    struct raft_entry_id base;
    struct storage_snapshot snapshot;
    size_t size = record_encode_base((struct raft_entry_id){RAFT_NUMBER_MAX, 5}, value);
    ck_assert_int_eq(record_decode_base(value, size, &base), RECORD_OK);
    ck_assert_uint_eq(base.index, RAFT_NUMBER_MAX);
    ck_assert_uint_eq(base.term, 5);
    const struct storage_snapshot in = {.id = {8, 7}, .length = 1000, .crc = UINT32_MAX};
    size = record_encode_snapshot(&in, value);
    ck_assert_int_eq(record_decode_snapshot(value, size, &snapshot), RECORD_OK);
    ck_assert_uint_eq(snapshot.id.index, 8);
    ck_assert_uint_eq(snapshot.id.term, 7);
    ck_assert_uint_eq(snapshot.length, 1000);
    ck_assert_uint_eq(snapshot.crc, UINT32_MAX);
}
END_TEST

START_TEST(any_flipped_bit_of_base_or_snapshot_shows) {
    char value[RECORD_SMALL_MAX];
    struct raft_entry_id base;
    struct storage_snapshot snapshot;
    size_t size = record_encode_base((struct raft_entry_id){12, 2}, value);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        value[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert_int_eq(record_decode_base(value, size, &base), RECORD_CHECKSUM);
        value[bit / 8] ^= (char)(1 << bit % 8);
    }
    size = record_encode_snapshot(&(struct storage_snapshot){.id = {8, 7}, .length = 1000}, value);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        value[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert_int_eq(record_decode_snapshot(value, size, &snapshot), RECORD_CHECKSUM);
        value[bit / 8] ^= (char)(1 << bit % 8);
    }
}
END_TEST

START_TEST(base_and_snapshot_outside_their_range_are_refused) {
    char value[RECORD_SMALL_MAX];
    struct raft_entry_id base;
    struct storage_snapshot snapshot;
    const struct {
        size_t at;
        uint64_t number;
    } cases[] = {{1, 0}, {1, RAFT_NUMBER_MAX + 1}, {9, RAFT_NUMBER_MAX + 1}, {17, 0}, {17, RAFT_NUMBER_MAX + 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = record_encode_snapshot(&(struct storage_snapshot){.id = {8, 7}, .length = 1000}, value);
        bytes_put_u64(value + cases[i].at, cases[i].number);
        reseal(record_key(RECORD_SNAPSHOT), value, size);
        ck_assert_int_eq(record_decode_snapshot(value, size, &snapshot), RECORD_VALUE);
        if (cases[i].at < 17) {
            size = record_encode_base((struct raft_entry_id){8, 7}, value);
            bytes_put_u64(value + cases[i].at, cases[i].number);
            reseal(record_key(RECORD_BASE), value, size);
            ck_assert_int_eq(record_decode_base(value, size, &base), RECORD_VALUE);
        }
    }
}
END_TEST

START_TEST(small_records_with_a_byte_too_many_or_too_few_are_refused) {
    char value[RECORD_SMALL_MAX];
    struct raft_hard_state hard_state;
    size_t size = record_encode_hard_state((struct raft_hard_state){.term = 1}, value);
    reseal(record_key(RECORD_HARD_STATE), value, size + 1);
    ck_assert_int_eq(record_decode_hard_state(value, size + 1, &hard_state), RECORD_SHORT);
    reseal(record_key(RECORD_HARD_STATE), value, size - 1);
    ck_assert_int_eq(record_decode_hard_state(value, size - 1, &hard_state), RECORD_SHORT);
}
END_TEST

START_TEST(keys_sort_by_index_and_before_all_others) {
    struct record_key before = record_entry_key(255);
    struct record_key after = record_entry_key(256);
    struct record_key last = record_entry_key(UINT64_MAX);
    ck_assert_int_lt(memcmp(before.bytes, after.bytes, 9), 0);
    ck_assert_int_lt(memcmp(last.bytes, record_key(RECORD_HARD_STATE).bytes, 1), 0);
}
END_TEST

START_TEST(a_key_tells_its_kind) {
    raft_index index = 0;
    struct record_key key = record_entry_key(258);
    ck_assert_int_eq(record_key_kind(key.bytes, key.size, &index), RECORD_ENTRY);
    ck_assert_uint_eq(index, 258);
    for (int kind = RECORD_HARD_STATE; kind < RECORD_UNKNOWN; kind++) {
        key = record_key((enum record_kind)kind);
        ck_assert_int_eq((int)record_key_kind(key.bytes, key.size, &index), kind);
    }
    ck_assert_int_eq(record_key_kind("", 0, &index), RECORD_UNKNOWN);
    ck_assert_int_eq(record_key_kind("x", 1, &index), RECORD_UNKNOWN);
    ck_assert_int_eq(record_key_kind("e", 1, &index), RECORD_UNKNOWN);
    ck_assert_int_eq(record_key_kind("e1234567", 8, &index), RECORD_UNKNOWN);
    ck_assert_int_eq(record_key_kind("e123456789", 10, &index), RECORD_UNKNOWN);
    ck_assert_int_eq(record_key_kind("f12345678", 9, &index), RECORD_UNKNOWN);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_examples_of_the_readme_come_out);
    tcase_add_test(tcase, an_entry_comes_back_as_it_went_in);
    tcase_add_test(tcase, any_flipped_bit_of_an_entry_shows);
    tcase_add_test(tcase, an_entry_cut_at_any_byte_shows);
    tcase_add_test(tcase, an_entry_under_the_key_of_another_fails_its_checksum);
    tcase_add_test(tcase, a_whole_entry_of_another_version_is_told_from_damage);
    tcase_add_test(tcase, an_origin_comes_back_and_costs_only_what_is_there);
    tcase_add_test(tcase, an_origin_cut_at_any_byte_is_refused);
    tcase_add_test(tcase, an_origin_outside_its_range_is_refused);
    tcase_add_test(tcase, a_flag_that_nobody_knows_is_refused);
    tcase_add_test(tcase, an_entry_of_the_first_version_is_still_read);
    tcase_add_test(tcase, an_entry_with_a_type_outside_the_range_is_refused);
    tcase_add_test(tcase, an_entry_with_a_term_or_index_above_the_largest_number_is_refused);
    tcase_add_test(tcase, a_hard_state_comes_back_as_it_went_in);
    tcase_add_test(tcase, a_hard_state_above_the_largest_number_is_refused);
    tcase_add_test(tcase, an_identity_comes_back_as_it_went_in);
    tcase_add_test(tcase, the_newest_write_comes_back_as_it_went_in);
    tcase_add_test(tcase, base_and_snapshot_come_back_as_they_went_in);
    tcase_add_test(tcase, any_flipped_bit_of_base_or_snapshot_shows);
    tcase_add_test(tcase, base_and_snapshot_outside_their_range_are_refused);
    tcase_add_test(tcase, small_records_with_a_byte_too_many_or_too_few_are_refused);
    tcase_add_test(tcase, keys_sort_by_index_and_before_all_others);
    tcase_add_test(tcase, a_key_tells_its_kind);
}

CHECK_MAIN("record", add_tests)
