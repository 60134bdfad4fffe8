#include "storage/database.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

static enum storage_error try_open(const struct fixture *fixture, bool is_new, struct storage_message *out_message) {
    struct database *database = NULL;
    enum storage_error error = database_open(fixture->data, is_new, &database, out_message);
    ck_assert((error == STORAGE_OK) == (database != NULL));
    database_close(database);
    return error;
}

START_TEST(a_database_is_made_only_when_asked_and_only_once) {
    struct fixture fixture = fixture_create();
    struct storage_message message = {""};
    ck_assert_int_eq(try_open(&fixture, false, &message), STORAGE_DAMAGED);
    ck_assert_int_eq(try_open(&fixture, true, &message), STORAGE_OK);
    ck_assert_int_eq(try_open(&fixture, true, &message), STORAGE_DAMAGED);
    ck_assert_int_eq(try_open(&fixture, false, &message), STORAGE_OK);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_database_in_use_is_locked) {
    struct fixture fixture = fixture_create();
    struct storage_message message = {""};
    struct database *database = NULL;
    ck_assert_int_eq(database_open(fixture.data, true, &database, &message), STORAGE_OK);
    ck_assert_int_eq(try_open(&fixture, false, &message), STORAGE_LOCKED);
    database_close(database);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_place_where_none_can_be_made_is_a_failure) {
    struct fixture fixture = fixture_create();
    struct storage_message message = {""};
    fixture_put_file(fixture.data, "x", 1);
    ck_assert_int_eq(try_open(&fixture, true, &message), STORAGE_FAILED);
    ck_assert_msg(strstr(message.text, "Not a directory") != NULL, "%s", message.text);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(removing_takes_the_files_of_the_database_and_no_others) {
    struct fixture fixture = fixture_create();
    struct storage_message message = {""};
    char path[FIXTURE_PATH];
    ck_assert_int_eq(try_open(&fixture, true, &message), STORAGE_OK);
    fixture_path(path, &fixture, "thesis.pdf");
    fixture_put_file(path, "x", 1);
    ck_assert_int_eq(database_remove(fixture.data, &message), STORAGE_OK);
    ck_assert_int_eq(access(path, F_OK), 0);
    fixture_path(path, &fixture, "CURRENT");
    ck_assert_int_ne(access(path, F_OK), 0);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(removing_what_is_not_there_is_fine) {
    struct fixture fixture = fixture_create();
    struct storage_message message = {""};
    ck_assert_int_eq(database_remove(fixture.data, &message), STORAGE_OK);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(closing_nothing_does_nothing) {
    database_close(NULL);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_database_is_made_only_when_asked_and_only_once);
    tcase_add_test(tcase, a_database_in_use_is_locked);
    tcase_add_test(tcase, a_place_where_none_can_be_made_is_a_failure);
    tcase_add_test(tcase, removing_takes_the_files_of_the_database_and_no_others);
    tcase_add_test(tcase, removing_what_is_not_there_is_fine);
    tcase_add_test(tcase, closing_nothing_does_nothing);
}

CHECK_MAIN("database", add_tests)
