/* The power is taken from a store at every write point in turn. */
#include "tests/crash/inject.h"
#include "tests/crash/journal.h"
#include "tests/crash/power.h"
#include "tests/crash/workload.h"

#include "tests/check_main.h"
#include "tests/number_from.h"

#include <inttypes.h>
#include <sys/wait.h>
#include <time.h>

static void work_and_lose_power(const struct workload_settings *settings, size_t draws, size_t nested) {
    struct fixture fixture = fixture_create();
    struct fixture scratch = fixture_create();
    char journal[FIXTURE_PATH];
    char text[200];
    snprintf(journal, sizeof journal, "%.400s/journal", scratch.base);
    ck_assert(journal_begin(fixture.base, journal));
    struct workload_report done = workload_run(&fixture, settings);
    journal_end();
    fixture_destroy(&fixture);
    struct power_report report = power_run(&(struct power_settings){
        .journal = journal, .scratch = scratch.base, .seed = settings->seed, .draws = draws, .nested = nested, .parts = 1});
    int size =
        snprintf(text, sizeof text,
                 "seed %" PRIu64
                 ": %zu writes, %zu openings, %zu failures, %zu snapshots resumed; %zu records, %zu images, %zu looked at, "
                 "%zu within an opening\n",
                 settings->seed, done.writes, done.openings, done.failures, done.resumed, report.records, report.images,
                 report.openings, report.nested);
    (void)!write(STDERR_FILENO, text, (size_t)size);
    fixture_destroy(&scratch);
}

START_TEST(whenever_the_power_goes_a_store_holds_what_it_promised) {
    work_and_lose_power(&(struct workload_settings){.seed = number_from("CRASH_SEED", 1) + (uint64_t)_i,
                                                    .steps = number_from("CRASH_STEPS", 30),
                                                    .fails = _i % 2 == 1},
                        number_from("CRASH_DRAWS", 4), number_from("CRASH_NESTED", 600));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, whenever_the_power_goes_a_store_holds_what_it_promised, 0,
                        (int)number_from("CRASH_SEEDS", 2));
    tcase_set_timeout(tcase, 3600);
}

CHECK_MAIN("store_power", add_tests)
