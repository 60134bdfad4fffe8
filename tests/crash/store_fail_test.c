/* Each system call of a store at work fails in turn: the store says so and, opened again, holds all that was promised, or
 * it carries on right. What is asserted stands in workload.c. */
#include "tests/crash/inject.h"
#include "tests/crash/workload.h"

#include "tests/check_main.h"
#include "tests/number_from.h"

#include <errno.h>

struct kind {
    const char *name;
    unsigned calls;
    int error;
    bool stays;
};

/* LevelDB takes a directory that cannot be listed for one without files, so listing is not among them. */
static const struct kind kinds[] = {
    {"a call fails", INJECT_ALL & ~INJECT_LIST, EIO, false},
    {"the disk fails and stays so", INJECT_WRITING, EIO, true},
    {"the disk is full and stays so", INJECT_OPEN | INJECT_WRITE | INJECT_SIZE | INJECT_RENAME | INJECT_MKDIR, ENOSPC,
     true},
    {"the disk is full for a moment", INJECT_OPEN | INJECT_WRITE | INJECT_SYNC | INJECT_SIZE | INJECT_RENAME | INJECT_MKDIR,
     ENOSPC, false},
    {"no descriptors", INJECT_OPEN, EMFILE, true},
    {"writes are short", INJECT_WRITE, INJECT_SHORT, true},
};

/* How many calls counted in all of it; 0: fewer than `at`, none failed. */
static uint64_t work(const struct kind *kind, uint64_t seed, uint64_t at, size_t *failures) {
    struct fixture fixture = fixture_create();
    inject_begin(&(struct inject){
        .below = fixture.base, .calls = kind->calls, .at = at, .error = kind->error, .stays = kind->stays});
    const struct workload_settings settings = {.seed = seed, .steps = number_from("CRASH_STEPS", 12)};
    struct workload_report report = workload_run(&fixture, &settings);
    struct inject_report injected = inject_end();
    ck_assert_msg(report.failures == 0 || kind->error != INJECT_SHORT, "a short write was taken for a failure");
    fixture_destroy(&fixture);
    *failures += report.failures;
    return at == 0 || injected.hit ? injected.count : 0;
}

START_TEST(whichever_call_fails_what_was_promised_is_kept) {
    const struct kind *kind = &kinds[_i];
    uint64_t seed = number_from("CRASH_SEED", 1);
    uint64_t stride = number_from("CRASH_STRIDE", 7);
    size_t failures = 0;
    uint64_t calls = work(kind, seed, 0, &failures);
    ck_assert_uint_gt(calls, 30);
    ck_assert_uint_eq(failures, 0);
    for (uint64_t at = 1 + seed % stride; at <= calls; at += stride) {
        work(kind, seed, at, &failures);
    }
    ck_assert_msg(failures > 0 || kind->error == INJECT_SHORT, "%s: nothing was told of", kind->name);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, whichever_call_fails_what_was_promised_is_kept, 0, (int)(sizeof kinds / sizeof *kinds));
    tcase_set_timeout(tcase, 3600);
}

CHECK_MAIN("store_fail", add_tests)
