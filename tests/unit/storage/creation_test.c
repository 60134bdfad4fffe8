/* A crash at any moment of making a store: what is then there is made whole without an operator, or it is a store already.
 */
#include "storage/creation.h"

#include "storage/floor.h"
#include "storage/identity.h"
#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

#include <errno.h>
#include <sys/wait.h>

static void expect_opens_empty(const struct fixture *fixture) {
    struct storage *storage = fixture_open(fixture);
    struct storage_state state;
    storage_state(storage, &state);
    ck_assert_uint_eq(state.identity.node_id, FIXTURE_NODE);
    ck_assert_uint_eq(state.last.index, 0);
    ck_assert_uint_eq(state.base.index, 0);
    storage_close(storage);
}

static void expect_refused(const struct fixture *fixture, enum storage_error expected, const char *reason) {
    struct storage *storage = NULL;
    struct storage_message message = {""};
    ck_assert_int_eq(fixture_try_open(fixture, &storage, &message), expected);
    ck_assert_msg(strstr(message.text, reason) != NULL, "%s", message.text);
}

static void remove_file(const struct fixture *fixture, const char *name) {
    char path[FIXTURE_PATH];
    fixture_path(path, fixture, name);
    ck_assert_int_eq(unlink(path), 0);
}

static void put_file(const struct fixture *fixture, const char *name) {
    char path[FIXTURE_PATH];
    fixture_path(path, fixture, name);
    fixture_put_file(path, "x", 1);
}

static bool has_file(const struct fixture *fixture, const char *name) {
    char path[FIXTURE_PATH];
    fixture_path(path, fixture, name);
    return access(path, F_OK) == 0;
}

static unsigned mode_of(const struct fixture *fixture, const char *name) {
    char path[FIXTURE_PATH];
    struct stat status;
    fixture_path(path, fixture, name);
    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_mode & 0777;
}

START_TEST(a_store_is_made_where_there_is_no_directory) {
    struct fixture fixture = fixture_create();
    expect_opens_empty(&fixture);
    expect_opens_empty(&fixture);
    ck_assert(has_file(&fixture, IDENTITY_NAME) && has_file(&fixture, FLOOR_NAME));
    ck_assert(!has_file(&fixture, DIRECTORY_CREATING));
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(others_may_not_read_a_store) {
    struct fixture fixture = fixture_create();
    expect_opens_empty(&fixture);
    ck_assert_uint_eq(mode_of(&fixture, "."), 0700);
    ck_assert_uint_eq(mode_of(&fixture, DIRECTORY_DATABASE), 0700);
    ck_assert_uint_eq(mode_of(&fixture, IDENTITY_NAME), 0600);
    ck_assert_uint_eq(mode_of(&fixture, FLOOR_NAME), 0600);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_store_is_made_in_an_empty_directory_with_lost_and_found) {
    struct fixture fixture = fixture_create();
    char path[FIXTURE_PATH];
    ck_assert_int_eq(mkdir(fixture.data, 0755), 0);
    fixture_path(path, &fixture, "lost+found");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expect_opens_empty(&fixture);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_directory_without_a_parent_is_unusable) {
    struct fixture fixture = fixture_create();
    snprintf(fixture.data, sizeof fixture.data, "%.400s/not/there", fixture.base);
    expect_refused(&fixture, STORAGE_UNUSABLE, "it cannot be made: No such file or directory");
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_file_in_place_of_the_directory_is_unusable) {
    struct fixture fixture = fixture_create();
    fixture_put_file(fixture.data, "x", 1);
    expect_refused(&fixture, STORAGE_UNUSABLE, "Not a directory");
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_directory_with_something_else_in_it_is_unusable) {
    struct fixture fixture = fixture_create();
    ck_assert_int_eq(mkdir(fixture.data, 0700), 0);
    put_file(&fixture, "thesis.pdf");
    expect_refused(&fixture, STORAGE_UNUSABLE, "is neither empty nor a store (it holds thesis.pdf)");
    ck_assert(has_file(&fixture, "thesis.pdf"));
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_directory_that_may_not_be_written_is_unusable) {
    struct fixture fixture = fixture_create();
    ck_assert_int_eq(chmod(fixture.base, 0755), 0);
    ck_assert_int_eq(mkdir(fixture.data, 0755), 0);
    ck_assert_int_eq(chmod(fixture.data, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        /* Permission bits do not bind root, so the child is nobody. */
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
            _exit(2);
        }
        struct storage *storage = NULL;
        struct storage_message message = {""};
        enum storage_error error = fixture_try_open(&fixture, &storage, &message);
        _exit(error == STORAGE_UNUSABLE && strstr(message.text, "it cannot be written to: Permission denied") != NULL ? 0
                                                                                                                      : 1);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child ended with %d", status);
    fixture_destroy(&fixture);
}
END_TEST

/* What each step leaves behind when the process ends right after it; see creation.h. */
START_TEST(a_crash_after_the_marker_is_made_good) {
    struct fixture fixture = fixture_create();
    ck_assert_int_eq(mkdir(fixture.data, 0700), 0);
    put_file(&fixture, DIRECTORY_CREATING);
    expect_opens_empty(&fixture);
    ck_assert(!has_file(&fixture, DIRECTORY_CREATING));
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_crash_anywhere_in_making_the_database_is_made_good) {
    struct fixture fixture = fixture_create();
    expect_opens_empty(&fixture);
    remove_file(&fixture, IDENTITY_NAME);
    remove_file(&fixture, FLOOR_NAME);
    put_file(&fixture, DIRECTORY_CREATING);
    struct image whole = image_take(&fixture);
    /* Without any one of its files, and with each of them empty. */
    for (size_t i = 0; i < 2 * whole.count; i++) {
        struct image_file *file = &whole.files[i / 2];
        char name[sizeof file->name];
        size_t size = file->size;
        snprintf(name, sizeof name, "%s", file->name);
        file->size = 0;
        image_put_back(&whole, &fixture);
        file->size = size;
        if (i % 2 == 1 && strcmp(name, DIRECTORY_CREATING) != 0) {
            remove_file(&fixture, name);
        }
        expect_opens_empty(&fixture);
        ck_assert(!has_file(&fixture, DIRECTORY_CREATING));
    }
    image_destroy(&whole);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_crash_before_the_identity_is_renamed_is_made_good_under_another_incarnation) {
    struct fixture fixture = fixture_create();
    char path[FIXTURE_PATH];
    struct storage_state before;
    struct storage_state after;
    struct storage *storage = fixture_open(&fixture);
    storage_state(storage, &before);
    storage_close(storage);
    remove_file(&fixture, IDENTITY_NAME);
    put_file(&fixture, IDENTITY_TEMPORARY);
    fixture_path(path, &fixture, DIRECTORY_CREATING);
    fixture_put_file(path, "", 0);
    storage = fixture_open(&fixture);
    storage_state(storage, &after);
    storage_close(storage);
    ck_assert_str_ne(before.identity.incarnation, after.identity.incarnation);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_crash_after_the_identity_keeps_the_store) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    fixture_append(storage, 1, 3, 10);
    struct contents before = contents_of(storage);
    storage_close(storage);
    put_file(&fixture, DIRECTORY_CREATING);
    storage = fixture_open(&fixture);
    struct contents after = contents_of(storage);
    ck_assert(contents_equal(&before, &after));
    ck_assert(!has_file(&fixture, DIRECTORY_CREATING));
    storage_close(storage);
    free(before.text);
    free(after.text);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_half_made_store_beside_something_else_is_left_alone) {
    struct fixture fixture = fixture_create();
    ck_assert_int_eq(mkdir(fixture.data, 0700), 0);
    put_file(&fixture, DIRECTORY_CREATING);
    put_file(&fixture, "thesis.pdf");
    expect_refused(&fixture, STORAGE_UNUSABLE, "thesis.pdf");
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_store_that_lost_its_identity_is_damaged_and_not_made_anew) {
    struct fixture fixture = fixture_create();
    expect_opens_empty(&fixture);
    remove_file(&fixture, IDENTITY_NAME);
    expect_refused(&fixture, STORAGE_DAMAGED, "lacks the file identity");
    put_file(&fixture, "snapshot-of-another-room");
    expect_refused(&fixture, STORAGE_DAMAGED, "lacks the file identity");
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_store_that_lost_its_database_is_damaged_and_not_made_anew) {
    struct fixture fixture = fixture_create();
    char path[FIXTURE_PATH];
    expect_opens_empty(&fixture);
    fixture_path(path, &fixture, DIRECTORY_DATABASE);
    fixture_remove(path);
    expect_refused(&fixture, STORAGE_DAMAGED, "log.db is missing");
    fixture_put_file(path, "x", 1);
    expect_refused(&fixture, STORAGE_DAMAGED, "log.db is missing");
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(an_identity_with_a_flipped_bit_is_damage) {
    struct fixture fixture = fixture_create();
    expect_opens_empty(&fixture);
    struct image image = image_take(&fixture);
    struct image_file *identity = image_find(&image, "identity");
    identity->bytes[identity->size / 2] ^= 1;
    image_put_back(&image, &fixture);
    expect_refused(&fixture, STORAGE_DAMAGED, "the file identity is not as it was written");
    image_destroy(&image);
    fixture_destroy(&fixture);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_store_is_made_where_there_is_no_directory);
    tcase_add_test(tcase, others_may_not_read_a_store);
    tcase_add_test(tcase, a_store_is_made_in_an_empty_directory_with_lost_and_found);
    tcase_add_test(tcase, a_directory_without_a_parent_is_unusable);
    tcase_add_test(tcase, a_file_in_place_of_the_directory_is_unusable);
    tcase_add_test(tcase, a_directory_with_something_else_in_it_is_unusable);
    tcase_add_test(tcase, a_directory_that_may_not_be_written_is_unusable);
    tcase_add_test(tcase, a_crash_after_the_marker_is_made_good);
    tcase_add_test(tcase, a_crash_anywhere_in_making_the_database_is_made_good);
    tcase_add_test(tcase, a_crash_before_the_identity_is_renamed_is_made_good_under_another_incarnation);
    tcase_add_test(tcase, a_crash_after_the_identity_keeps_the_store);
    tcase_add_test(tcase, a_half_made_store_beside_something_else_is_left_alone);
    tcase_add_test(tcase, a_store_that_lost_its_identity_is_damaged_and_not_made_anew);
    tcase_add_test(tcase, a_store_that_lost_its_database_is_damaged_and_not_made_anew);
    tcase_add_test(tcase, an_identity_with_a_flipped_bit_is_damage);
}

CHECK_MAIN("creation", add_tests)
