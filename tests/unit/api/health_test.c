#include "api/health.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <string.h>

START_TEST(healthz_is_ok_while_the_process_serves) {
    struct harness *harness = harness_begin();
    harness->node->ready = false;
    struct reply reply = get(harness, "/healthz");
    ck_assert(reply_has(&reply, "Content-Type", "application/json"));
    check_reply(&reply, 200, "{\"status\":\"ok\"}");
    harness_end(harness);
}
END_TEST

START_TEST(readyz_says_why_it_is_not) {
    struct harness *harness = harness_begin();
    struct reply reply = get(harness, "/readyz");
    check_reply(&reply, 200, "{\"status\":\"ok\"}");
    harness->node->ready = false;
    reply = get(harness, "/readyz");
    ck_assert_ptr_nonnull(strstr(reply.body, "no leader is known"));
    check_problem(&reply, 503, "not_ready", NULL);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, healthz_is_ok_while_the_process_serves);
    tcase_add_test(tcase, readyz_says_why_it_is_not);
}

CHECK_MAIN("health", add_tests)
