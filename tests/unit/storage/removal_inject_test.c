/* A write of the removal that fails leaves a part of its record in LevelDB's log: nothing may be put behind it and counted.
 */
#include "tests/check_main.h"
#include "tests/crash/inject.h"
#include "tests/unit/storage/fixture.h"

#include <errno.h>

/* More than a block of LevelDB's log: from the next one on records stand elsewhere than it took them for. */
static enum storage_error write_much(struct storage *storage) {
    struct storage_state state;
    struct storage_message message;
    storage_state(storage, &state);
    return fixture_try_append(storage, state.hard_state.term, 50, 1000, &message);
}

/* Whether a call failed: the removal's `at`th that writes, with `error`. */
static bool try(uint64_t at, int error) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    fixture_append(storage, 1, 1500, 20);
    fixture_compact(storage, 1400, (struct raft_entry_id){1450, 1});
    struct contents promised = contents_of(storage);
    inject_begin(
        &(struct inject){.below = fixture.base, .calls = INJECT_WRITING, .at = at, .error = error, .this_thread = true});
    bool done = storage_compact(storage);
    struct inject_report report = inject_end();
    (void)done; /* LevelDB's own failures to tidy up are no matter. */
    enum storage_error wrote = write_much(storage);
    ck_assert_msg(wrote == STORAGE_OK || (error != ENOSPC && wrote == STORAGE_FAILED), "%s: %d", report.what, (int)wrote);
    if (wrote == STORAGE_OK) {
        ck_assert_int_eq(write_much(storage), STORAGE_OK);
        free(promised.text);
        promised = contents_of(storage);
    }
    storage_close(storage);
    storage = fixture_open(&fixture);
    struct contents found = contents_of(storage);
    ck_assert_msg(contents_equal(&found, &promised), "after %s something else is found", report.what);
    free(found.text);
    free(promised.text);
    storage_close(storage);
    fixture_destroy(&fixture);
    return report.hit;
}

START_TEST(nothing_is_promised_behind_a_record_that_failed) {
    const int errors[] = {EIO, ENOSPC};
    for (uint64_t at = 1; try(at, errors[_i]); at++) {
        ck_assert_uint_lt(at, 1000);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, nothing_is_promised_behind_a_record_that_failed, 0, 2);
}

CHECK_MAIN("removal_inject", add_tests)
