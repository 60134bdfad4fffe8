/* The names of directories and what is in them: each system call that syncs or lists them fails in turn. */
#include "tests/check_main.h"
#include "tests/crash/inject.h"
#include "tests/unit/storage/fixture.h"

#include <errno.h>

static void ignore_line(void *context, const char *line) {
    (void)context;
    (void)line;
}

/* As raftd starts: with somebody to tell. */
static enum storage_error start(const struct fixture *fixture, struct storage **out_storage,
                                struct storage_message *out_message) {
    return storage_open(fixture->data, FIXTURE_NODE, ignore_line, NULL, out_storage, out_message);
}

/* A store with entries in tables and in LevelDB's log; closed. */
static struct contents make_store(const struct fixture *fixture) {
    struct storage *storage = fixture_open(fixture);
    fixture_append(storage, 1, 20, 100);
    fixture_compact(storage, 5, ((struct raft_entry_id){10, 1}));
    storage_close(storage);
    storage = fixture_open(fixture);
    fixture_append(storage, 2, 3, 100);
    struct contents contents = contents_of(storage);
    storage_close(storage);
    return contents;
}

static bool is_call(const struct inject_report *report, const char *name) {
    return strncmp(report->what, name, strlen(name)) == 0 && report->what[strlen(name)] == ' ';
}

/* Also when LevelDB takes a listing that breaks off for the end, and removes what it has not seen (README.md): that is
 * said. */
START_TEST(a_listing_that_fails_deletes_nothing_and_hides_nothing) {
    struct fixture fixture = fixture_create();
    struct contents promised = make_store(&fixture);
    struct image image = image_take(&fixture);
    bool is_leveldbs = false;
    size_t said = 0;
    size_t missed = 0;
    bool hit = true;
    for (uint64_t at = 1; hit; at++) {
        struct storage *storage = NULL;
        struct storage_message message = {""};
        inject_begin(&(struct inject){
            .below = fixture.base, .calls = INJECT_LIST, .at = at, .error = EIO, .stays = _i == 1, .this_thread = true});
        enum storage_error error = start(&fixture, &storage, &message);
        struct inject_report report = inject_end();
        hit = report.hit;
        is_leveldbs = is_call(&report, "opendir") || (is_leveldbs && is_call(&report, "readdir"));
        if (error != STORAGE_OK) {
            ck_assert_msg(storage == NULL && message.text[0] != '\0', "%s: nothing is said", report.what);
            said++;
            bool is_missed = strstr(message.text, "missing files") != NULL;
            ck_assert_msg(!is_missed || error == STORAGE_FAILED, "%s: %s", report.what,
                          message.text); /* No reason to wipe. */
            missed += is_missed ? 1 : 0;
        }
        if (!is_leveldbs || is_call(&report, "opendir")) {
            ck_assert_msg(error == STORAGE_OK || error == STORAGE_FAILED || error == STORAGE_UNUSABLE, "%s: %d %s",
                          report.what, (int)error, message.text);
            storage_close(storage);
            storage = fixture_open(&fixture);
        }
        if (storage != NULL) {
            struct contents found = contents_of(storage);
            ck_assert_msg(contents_equal(&promised, &found), "%s", report.what);
            free(found.text);
        }
        storage_close(storage);
        image_put_back(&image, &fixture);
    }
    ck_assert_uint_gt(said, 3);
    ck_assert_uint_gt(missed, 0);
    image_destroy(&image);
    free(promised.text);
    fixture_destroy(&fixture);
}
END_TEST

/* Whoever made the directory may have lost the power, or ended, before its name was on disk. */
START_TEST(the_name_of_a_directory_that_was_there_is_synced_first) {
    struct fixture fixture = fixture_create();
    struct storage *storage = NULL;
    struct storage_message message = {""};
    ck_assert_int_eq(mkdir(fixture.data, 0700), 0);
    inject_begin(&(struct inject){.below = fixture.base, .calls = INJECT_SYNC, .at = 1, .error = EIO});
    ck_assert_int_eq(start(&fixture, &storage, &message), STORAGE_UNUSABLE);
    ck_assert(inject_end().hit);
    ck_assert_ptr_nonnull(strstr(message.text, "its name cannot be synced"));
    storage_close(fixture_open(&fixture));
    fixture_destroy(&fixture);
}
END_TEST

/* As with systemd's DynamicUser: below /var/lib/private, which only root may read. */
START_TEST(a_parent_that_may_not_be_read_is_left_to_those_who_made_the_directory) {
    static const int errors[] = {EACCES, EIO};
    struct fixture fixture = fixture_create();
    struct storage *storage = NULL;
    struct storage_message message = {""};
    ck_assert_int_eq(mkdir(fixture.data, 0700), 0);
    inject_begin(&(struct inject){.below = fixture.base, .calls = INJECT_LIST, .at = 2, .error = errors[_i]});
    enum storage_error error = start(&fixture, &storage, &message);
    ck_assert(inject_end().hit);
    ck_assert_int_eq(error, errors[_i] == EACCES ? STORAGE_OK : STORAGE_UNUSABLE);
    storage_close(storage);
    fixture_destroy(&fixture);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, a_listing_that_fails_deletes_nothing_and_hides_nothing, 0, 2);
    tcase_add_test(tcase, the_name_of_a_directory_that_was_there_is_synced_first);
    tcase_add_loop_test(tcase, a_parent_that_may_not_be_read_is_left_to_those_who_made_the_directory, 0, 2);
}

CHECK_MAIN("storage/directory: inject", add_tests)
