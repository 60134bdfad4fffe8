#include "api/asset.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdio.h>
#include <string.h>

START_TEST(every_file_is_served_as_it_is_built_in) {
    struct harness *harness = harness_begin();
    ck_assert_uint_ge(asset_count, 3);
    for (size_t i = 0; i < asset_count; i++) {
        struct reply reply = get(harness, asset_table[i].path);
        ck_assert_uint_eq(reply.status, 200);
        ck_assert_uint_eq(reply.size, (size_t)(asset_table[i].end - asset_table[i].begin));
        ck_assert(memcmp(reply.body, asset_table[i].begin, reply.size) == 0);
        ck_assert(reply_has(&reply, "Content-Type", asset_table[i].content_type));
        ck_assert(reply_has(&reply, "X-Content-Type-Options", "nosniff"));
        ck_assert(reply_has(&reply, "ETag", asset_table[i].etag));
        ck_assert(reply_has(&reply, "Cache-Control", "no-cache"));
        ck_assert(reply_has(&reply, "X-Frame-Options", "DENY"));
        reply_free(&reply);
    }
    harness_end(harness);
}
END_TEST

START_TEST(the_page_is_at_the_root_and_keeps_to_itself) {
    struct harness *harness = harness_begin();
    struct reply reply = get(harness, "/");
    ck_assert(reply_has(&reply, "Content-Type", "text/html; charset=utf-8"));
    ck_assert(reply_has(&reply, "Content-Security-Policy",
                        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_file_that_has_not_changed_is_not_sent_again) {
    struct harness *harness = harness_begin();
    char field[128];
    snprintf(field, sizeof field, "If-None-Match: %s\r\n", asset_find("/", 1)->etag);
    struct reply reply = ask(harness, "HEAD", "/", field, NULL);
    ck_assert_uint_eq(reply.status, 304);
    ck_assert(reply_has(&reply, "ETag", asset_find("/", 1)->etag));
    reply_free(&reply);
    reply = ask(harness, "GET", "/", "If-None-Match: \"other\"\r\n", NULL);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(other_names_are_not_found) {
    struct harness *harness = harness_begin();
    const char *targets[] = {"/{file}", "/%7Bfile%7D", "/style.cs", "/style.css/", "/../Makefile", "/favicon.ico"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct reply reply = get(harness, targets[i]);
        check_problem(&reply, 404, "not_found", NULL);
    }
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, every_file_is_served_as_it_is_built_in);
    tcase_add_test(tcase, the_page_is_at_the_root_and_keeps_to_itself);
    tcase_add_test(tcase, a_file_that_has_not_changed_is_not_sent_again);
    tcase_add_test(tcase, other_names_are_not_found);
}

CHECK_MAIN("asset", add_tests)
