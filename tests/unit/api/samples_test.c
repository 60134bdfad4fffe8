/* What is remembered of the last minutes, on a clock that the test moves. */
#include "api/samples.h"

#include "api/inside.h"
#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdlib.h>
#include <string.h>

static void run(struct harness *harness, uint64_t passed_ms) {
    harness->now_ms += passed_ms;
    api_run(harness->api, harness->now_ms);
}

static char *written(const struct harness *harness) {
    struct json_writer writer = {0};
    size_t size;
    samples_write(&harness->api->samples, harness->now_ms, &writer);
    json_write_bytes(&writer, "", 1);
    return json_writer_take(&writer, &size);
}

static void check_has(const struct harness *harness, const char *text) {
    char *all = written(harness);
    ck_assert_msg(strstr(all, text) != NULL, "no %s in %s", text, all);
    free(all);
}

START_TEST(one_is_taken_each_second) {
    struct harness *harness = harness_begin();
    run(harness, 0);
    harness->node->status.raft.commit_index = 50;
    harness->node->status.commands_waiting = 7;
    harness->node->status.snapshot.length = 812;
    run(harness, SAMPLES_MS - 1);
    ck_assert_uint_eq(harness->api->samples.count, 1);
    latency_add(&harness->api->latency, harness->now_ms, 1500);
    run(harness, 1);
    ck_assert_uint_eq(harness->api->samples.count, 2);
    run(harness, 30);
    check_has(harness, "\"age_ms\":[1030,30],");
    check_has(harness, ",50],\"waiting\":[0,7],\"storage_bytes\":[102400,102400],\"snapshot_bytes\":[");
    check_has(harness, ",812],\"latency_p50_ms\":[null,1.500],\"latency_p99_ms\":[null,1.500],"
                       "\"disk_write_p50_ms\":[0.250,0.250],\"disk_write_p99_ms\":[2.125,2.125]}");
    harness_end(harness);
}
END_TEST

START_TEST(a_late_one_does_not_shift_the_next_and_none_are_made_up) {
    struct harness *harness = harness_begin();
    run(harness, 0);
    run(harness, SAMPLES_MS + 300);
    run(harness, SAMPLES_MS - 300);
    run(harness, 60 * SAMPLES_MS); /* The process was stopped. */
    run(harness, 1);
    ck_assert_uint_eq(harness->api->samples.count, 4);
    check_has(harness, "\"age_ms\":[62001,60701,60001,1],");
    harness_end(harness);
}
END_TEST

START_TEST(only_the_newest_are_kept) {
    struct harness *harness = harness_begin();
    run(harness, 0);
    for (uint64_t i = 0; i < SAMPLES_KEPT; i++) {
        harness->node->status.commands_waiting = i + 1;
        run(harness, SAMPLES_MS);
    }
    ck_assert_uint_eq(harness->api->samples.count, SAMPLES_KEPT + 1);
    check_has(harness, "\"age_ms\":[299000,298000,");
    check_has(harness, ",1000,0],\"commit_index\":");
    check_has(harness, "\"waiting\":[1,2,3,");
    check_has(harness, ",299,300],\"storage_bytes\"");
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, one_is_taken_each_second);
    tcase_add_test(tcase, a_late_one_does_not_shift_the_next_and_none_are_made_up);
    tcase_add_test(tcase, only_the_newest_are_kept);
}

CHECK_MAIN("samples", add_tests)
