#include "storage/directory.h"

#include "storage/floor.h"
#include "storage/identity.h"
#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

static struct directory *open_ok(const struct fixture *fixture) {
    struct directory *directory = NULL;
    struct storage_message message = {""};
    enum storage_error error = directory_open(fixture->data, &directory, &message);
    ck_assert_msg(error == STORAGE_OK, "%s", message.text);
    return directory;
}

START_TEST(names_add_up_to_what_the_directory_is) {
    const struct {
        const char *names[4];
        enum directory_contents contents;
    } cases[] = {
        {{NULL}, DIRECTORY_EMPTY},
        {{"lost+found", NULL}, DIRECTORY_EMPTY},
        {{DIRECTORY_CREATING, NULL}, DIRECTORY_HALF_MADE},
        {{DIRECTORY_CREATING, DIRECTORY_DATABASE, FLOOR_NAME, NULL}, DIRECTORY_HALF_MADE},
        {{DIRECTORY_CREATING, IDENTITY_TEMPORARY, NULL}, DIRECTORY_HALF_MADE},
        {{DIRECTORY_CREATING, "other", NULL}, DIRECTORY_FOREIGN},
        {{DIRECTORY_CREATING, DIRECTORY_DATABASE, "other", NULL}, DIRECTORY_FOREIGN},
        {{IDENTITY_NAME, NULL}, DIRECTORY_STORE},
        {{IDENTITY_NAME, DIRECTORY_CREATING, NULL}, DIRECTORY_STORE},
        {{IDENTITY_NAME, DIRECTORY_DATABASE, "other", NULL}, DIRECTORY_STORE},
        {{DIRECTORY_DATABASE, NULL}, DIRECTORY_BEHEADED},
        {{FLOOR_NAME, NULL}, DIRECTORY_BEHEADED},
        {{DIRECTORY_DATABASE, "other", NULL}, DIRECTORY_BEHEADED},
        {{"other", NULL}, DIRECTORY_FOREIGN},
        {{".hidden", NULL}, DIRECTORY_FOREIGN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture fixture = fixture_create();
        struct directory *directory = open_ok(&fixture);
        for (size_t j = 0; cases[i].names[j] != NULL; j++) {
            char path[FIXTURE_PATH];
            fixture_path(path, &fixture, cases[i].names[j]);
            fixture_put_file(path, "x", 1);
        }
        enum directory_contents contents = DIRECTORY_EMPTY;
        char name[256] = "";
        ck_assert(directory_look(directory, &contents, name));
        ck_assert_msg(contents == cases[i].contents, "case %zu is %d", i, (int)contents);
        ck_assert(contents != DIRECTORY_FOREIGN || strcmp(name, "other") == 0 || strcmp(name, ".hidden") == 0);
        directory_close(directory);
        fixture_destroy(&fixture);
    }
}
END_TEST

START_TEST(a_directory_is_taken_once_at_a_time) {
    struct fixture fixture = fixture_create();
    struct directory *first = open_ok(&fixture);
    struct directory *second = NULL;
    struct storage_message message = {""};
    ck_assert_int_eq(directory_open(fixture.data, &second, &message), STORAGE_LOCKED);
    ck_assert_ptr_null(second);
    directory_close(first);
    directory_close(open_ok(&fixture));
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(its_size_is_that_of_its_files_and_those_of_the_database) {
    struct fixture fixture = fixture_create();
    struct directory *directory = open_ok(&fixture);
    char path[FIXTURE_PATH];
    ck_assert_uint_eq(directory_size_bytes(directory), 0);
    fixture_path(path, &fixture, "one");
    fixture_put_file(path, "12345", 5);
    ck_assert_int_eq(mkdir(directory->database_path, 0700), 0);
    fixture_path(path, &fixture, DIRECTORY_DATABASE "/two");
    fixture_put_file(path, "123", 3);
    ck_assert_uint_eq(directory_size_bytes(directory), 8);
    directory_close(directory);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(syncing_the_database_needs_one) {
    struct fixture fixture = fixture_create();
    struct directory *directory = open_ok(&fixture);
    ck_assert(!directory_sync_database(directory));
    ck_assert_int_eq(mkdir(directory->database_path, 0700), 0);
    ck_assert(directory_sync_database(directory));
    directory_close(directory);
    fixture_destroy(&fixture);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, names_add_up_to_what_the_directory_is);
    tcase_add_test(tcase, a_directory_is_taken_once_at_a_time);
    tcase_add_test(tcase, its_size_is_that_of_its_files_and_those_of_the_database);
    tcase_add_test(tcase, syncing_the_database_needs_one);
}

CHECK_MAIN("directory", add_tests)
