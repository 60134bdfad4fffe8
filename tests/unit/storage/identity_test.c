#include "storage/identity.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

static struct storage_identity example(void) {
    return (struct storage_identity){.node_id = 3, .incarnation = "00112233445566778899aabbccddeeff"};
}

START_TEST(the_example_of_the_readme_comes_out) {
    char page[20000] = "";
    char indented[2 * IDENTITY_TEXT_MAX] = "";
    char text[IDENTITY_TEXT_MAX];
    struct storage_identity identity = example();
    ck_assert_uint_eq(identity_format(&identity, text), strlen(text));
    FILE *file = fopen("storage/README.md", "r"); /* Tests run in the root of the repository. */
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(page, 1, sizeof page - 1, file), 0);
    fclose(file);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        strcat(strcat(strcat(indented, "    "), line), "\n");
    }
    ck_assert_msg(strstr(page, indented) != NULL, "not in storage/README.md: %s", indented);
}
END_TEST

START_TEST(an_identity_comes_back_as_it_went_in) {
    const raft_node_id ids[] = {1, 42, RAFT_NUMBER_MAX};
    for (size_t i = 0; i < 3; i++) {
        char text[IDENTITY_TEXT_MAX];
        struct storage_identity in = identity_make(ids[i]);
        struct storage_identity out;
        ck_assert(identity_parse(text, identity_format(&in, text), &out));
        ck_assert_uint_eq(out.node_id, ids[i]);
        ck_assert_str_eq(out.incarnation, in.incarnation);
        ck_assert_str_eq(out.cluster_id, "");
        ck_assert(!out.formed);
    }
}
END_TEST

START_TEST(node_ids_outside_their_range_are_refused) {
    const raft_node_id ids[] = {0, RAFT_NUMBER_MAX + 1, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        char text[IDENTITY_TEXT_MAX];
        struct storage_identity in = example();
        struct storage_identity out;
        in.node_id = ids[i];
        ck_assert(!identity_parse(text, identity_format(&in, text), &out));
    }
}
END_TEST

START_TEST(any_flipped_bit_shows) {
    char text[IDENTITY_TEXT_MAX];
    struct storage_identity in = example();
    struct storage_identity out = {.node_id = 99};
    size_t size = identity_format(&in, text);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
        ck_assert(!identity_parse(text, size, &out));
        ck_assert_uint_eq(out.node_id, 99);
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << bit % 8));
    }
}
END_TEST

START_TEST(a_text_cut_or_lengthened_shows) {
    char text[2 * IDENTITY_TEXT_MAX] = {0};
    struct storage_identity in = example();
    struct storage_identity out;
    size_t size = identity_format(&in, text);
    for (size_t cut = 0; cut < sizeof text; cut++) {
        ck_assert(identity_parse(text, cut, &out) == (cut == size));
    }
}
END_TEST

START_TEST(two_incarnations_differ) {
    struct storage_identity one = identity_make(1);
    struct storage_identity other = identity_make(1);
    ck_assert_uint_eq(strlen(one.incarnation), STORAGE_INCARNATION_SIZE);
    ck_assert_uint_eq(strspn(one.incarnation, "0123456789abcdef"), STORAGE_INCARNATION_SIZE);
    ck_assert_str_ne(one.incarnation, other.incarnation);
}
END_TEST

START_TEST(a_file_is_written_whole_and_leaves_no_temporary_one) {
    struct fixture fixture = fixture_create();
    int directory = open(fixture.base, O_RDONLY | O_DIRECTORY);
    struct storage_identity in = example();
    struct storage_identity out;
    struct storage_message message;
    ck_assert_int_eq(identity_write(directory, &in, &message), STORAGE_OK);
    ck_assert_int_eq(identity_read(directory, &out, &message), STORAGE_OK);
    ck_assert_str_eq(out.incarnation, in.incarnation);
    ck_assert_int_eq(faccessat(directory, IDENTITY_TEMPORARY, F_OK, 0), -1);
    struct stat status;
    ck_assert_int_eq(fstatat(directory, IDENTITY_NAME, &status, 0), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    close(directory);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_a_failure) {
    struct storage_identity identity = example();
    struct storage_message message = {""};
    ck_assert_int_eq(identity_write(-1, &identity, &message), STORAGE_FAILED);
    ck_assert_str_eq(message.text, "cannot write the file identity: Bad file descriptor");
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_example_of_the_readme_comes_out);
    tcase_add_test(tcase, an_identity_comes_back_as_it_went_in);
    tcase_add_test(tcase, node_ids_outside_their_range_are_refused);
    tcase_add_test(tcase, any_flipped_bit_shows);
    tcase_add_test(tcase, a_text_cut_or_lengthened_shows);
    tcase_add_test(tcase, two_incarnations_differ);
    tcase_add_test(tcase, a_file_is_written_whole_and_leaves_no_temporary_one);
    tcase_add_test(tcase, a_file_that_cannot_be_written_is_a_failure);
}

CHECK_MAIN("identity", add_tests)
