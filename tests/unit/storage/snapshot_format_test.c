#include "storage/snapshot_format.h"

#include "storage/bytes.h"
#include "tests/check_main.h"
#include "tests/unit/storage/snapshot_fixture.h"

START_TEST(a_head_comes_back_as_it_went_in) {
    char bytes[SNAPSHOT_FORMAT_HEAD];
    char again[SNAPSHOT_FORMAT_HEAD];
    struct snapshot_head in = head_at(RAFT_NUMBER_MAX);
    struct snapshot_head out;
    in.configuration_index = in.hash_index = RAFT_NUMBER_MAX;
    in.chain = in.hash = UINT64_MAX;
    memset(in.machine, 'm', sizeof in.machine - 1);
    for (int round = 0; round < 2; round++) {
        snapshot_format_head(&in, bytes);
        ck_assert_int_eq(snapshot_format_parse_head(bytes, &out), SNAPSHOT_FORMAT_OK);
        snapshot_format_head(&out, again);
        ck_assert_mem_eq(bytes, again, sizeof bytes);
        ck_assert_str_eq(out.machine, in.machine);
        ck_assert_str_eq(out.cluster_id, in.cluster_id);
        in = (struct snapshot_head){.id = {.index = 1}}; /* Everything that may be empty is. */
    }
}
END_TEST

START_TEST(fields_outside_their_range_are_refused) {
    const struct {
        size_t at;
        uint64_t value;
    } cases[] = {{9, 0},   {9, RAFT_NUMBER_MAX + 1}, {17, RAFT_NUMBER_MAX + 1}, {25, 10}, {25, UINT64_MAX},
                 {41, 10}, {41, UINT64_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[SNAPSHOT_FORMAT_HEAD];
        struct snapshot_head head = head_at(9);
        snapshot_format_head(&head, bytes);
        bytes_put_u64(bytes + cases[i].at, cases[i].value);
        ck_assert_int_eq(snapshot_format_parse_head(bytes, &head), SNAPSHOT_FORMAT_VALUE);
    }
}
END_TEST

START_TEST(a_text_has_one_spelling) {
    char bytes[SNAPSHOT_FORMAT_HEAD];
    struct snapshot_head head = head_at(9);
    head.cluster_id[0] = '\0';
    snapshot_format_head(&head, bytes);
    bytes[57 + 5] = 'x'; /* Behind the end of the cluster id. */
    ck_assert_int_eq(snapshot_format_parse_head(bytes, &head), SNAPSHOT_FORMAT_VALUE);
    bytes[57 + 5] = '\0';
    memset(bytes + 89, 'm', SNAPSHOT_MACHINE_NAME_SIZE); /* Without an end. */
    ck_assert_int_eq(snapshot_format_parse_head(bytes, &head), SNAPSHOT_FORMAT_VALUE);
}
END_TEST

START_TEST(other_files_and_versions_are_told_apart) {
    char bytes[SNAPSHOT_FORMAT_HEAD];
    struct snapshot_head head = head_at(9);
    snapshot_format_head(&head, bytes);
    bytes[8] = 2;
    ck_assert_int_eq(snapshot_format_parse_head(bytes, &head), SNAPSHOT_FORMAT_VERSION);
    bytes[0] = 'R';
    ck_assert_int_eq(snapshot_format_parse_head(bytes, &head), SNAPSHOT_FORMAT_MAGIC);
}
END_TEST

/* The bytes as the page on the format has them: pairs of digits in lines that begin with four spaces and an offset. */
static size_t read_example(char *bytes, size_t capacity) {
    char line[200];
    size_t size = 0;
    FILE *file = fopen("storage/README.md", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned offset = 0;
        int at = 0;
        if (sscanf(line, "    %4u: %n", &offset, &at) != 1 || at == 0) {
            continue;
        }
        ck_assert_uint_eq(offset, size);
        unsigned byte = 0;
        int next = 0;
        for (; line[at] != '|' && sscanf(line + at, "%2x %n", &byte, &next) == 1; at += next) {
            ck_assert_uint_lt(size, capacity);
            bytes[size++] = (char)byte;
        }
    }
    fclose(file);
    return size;
}

START_TEST(the_example_of_the_readme_comes_out) {
    struct snapshots snapshots = snapshots_create(1);
    struct storage_snapshot snapshot =
        make_snapshot(snapshots.directory, 17, "{\"voters\":[]}", "", "state of the machine");
    char *bytes = raw_bytes(snapshots.directory, &snapshot);
    char example[400];
    size_t size = read_example(example, sizeof example);
    if (size != snapshot.length || memcmp(example, bytes, size) != 0) {
        for (size_t i = 0; i < snapshot.length; i++) {
            fprintf(stderr, "%s%02x", i % 16 == 0 ? "\n    " : " ", (unsigned char)bytes[i]);
        }
        ck_abort_msg("storage/README.md has other bytes than those above");
    }
    free(bytes);
    snapshots_destroy(&snapshots);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_head_comes_back_as_it_went_in);
    tcase_add_test(tcase, fields_outside_their_range_are_refused);
    tcase_add_test(tcase, a_text_has_one_spelling);
    tcase_add_test(tcase, other_files_and_versions_are_told_apart);
    tcase_add_test(tcase, the_example_of_the_readme_comes_out);
}

CHECK_MAIN("snapshot_format", add_tests)
