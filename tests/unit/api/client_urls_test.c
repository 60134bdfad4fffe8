#include "api/client_urls.h"

#include "tests/check_main.h"

#include <stdio.h>
#include <string.h>

static bool read(const char *text, char out[MEMBERS_URL_SIZE]) {
    struct json_span value;
    size_t offset;
    ck_assert(json_scan(text, strlen(text), &value, &offset));
    return client_urls_read(value, out);
}

START_TEST(what_was_learnt_is_believed_for_some_seconds) {
    struct client_urls urls = {0};
    client_urls_remember(&urls, 2, "http://b:1", "http://client-b", 1000);
    ck_assert_str_eq(client_urls_find(&urls, 2, "http://b:1", 1000), "http://client-b");
    ck_assert_ptr_nonnull(client_urls_find(&urls, 2, "http://b:1", 1000 + CLIENT_URLS_KEPT_MS - 1));
    ck_assert_ptr_null(client_urls_find(&urls, 2, "http://b:1", 1000 + CLIENT_URLS_KEPT_MS));
}
END_TEST

START_TEST(another_node_or_another_url_is_not_known) {
    struct client_urls urls = {0};
    client_urls_remember(&urls, 2, "http://b:1", "http://client-b", 1000);
    ck_assert_ptr_null(client_urls_find(&urls, 3, "http://b:1", 1000));
    ck_assert_ptr_null(client_urls_find(&urls, 2, "http://b:2", 1000));
}
END_TEST

START_TEST(a_node_has_one_entry_and_the_oldest_makes_room) {
    struct client_urls urls = {0};
    client_urls_remember(&urls, 2, "http://b:1", "http://old", 1000);
    client_urls_remember(&urls, 2, "http://b:2", "http://new", 1001);
    ck_assert_ptr_null(client_urls_find(&urls, 2, "http://b:1", 1001));
    for (raft_node_id id = 100; id < 100 + RAFT_MEMBERS_MAX; id++) {
        client_urls_remember(&urls, id, "http://x", "http://y", 2000);
    }
    ck_assert_ptr_null(client_urls_find(&urls, 2, "http://b:2", 2000));
    ck_assert_ptr_nonnull(client_urls_find(&urls, 100, "http://x", 2000));
}
END_TEST

START_TEST(a_client_url_is_taken_out_of_a_status) {
    char url[MEMBERS_URL_SIZE] = "untouched";
    ck_assert(read("{\"id\":2,\"client_url\":\"http://localhost:8002\"}", url));
    ck_assert_str_eq(url, "http://localhost:8002");
    ck_assert(read("{\"client_url\":\"https:\\/\\/a.b/\"}", url));
    ck_assert_str_eq(url, "https://a.b");
}
END_TEST

START_TEST(what_cannot_stand_in_a_location_is_refused) {
    const char *bad[] = {"{}",
                         "[]",
                         "{\"client_url\":1}",
                         "{\"client_url\":\"\"}",
                         "{\"client_url\":\"ftp://a\"}",
                         "{\"client_url\":\"javascript:alert(1)\"}",
                         "{\"client_url\":\"http://a\\r\\nX: y\"}",
                         "{\"client_url\":\"http://a b\"}",
                         "{\"client_url\":\"http://\\u00e4\"}",
                         "{\"client_url\":\"http:///\"}",
                         "{\"client_url\":\"https:////\"}",
                         "{\"client_url\":\"http://?a\"}",
                         "{\"client_url\":\"http://#a\"}",
                         "{\"client_url\":\"http://a\\u0000b\"}"};
    char url[MEMBERS_URL_SIZE] = "untouched";
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!read(bad[i], url), "%s", bad[i]);
        ck_assert_str_eq(url, "untouched");
    }
}
END_TEST

START_TEST(the_longest_url_is_taken_and_a_longer_one_is_not) {
    char url[MEMBERS_URL_SIZE];
    char text[MEMBERS_URL_SIZE + 64];
    char host[MEMBERS_URL_SIZE];
    memset(host, 'a', sizeof host);
    snprintf(text, sizeof text, "{\"client_url\":\"http://%.*s\"}", MEMBERS_URL_SIZE - 8, host);
    ck_assert(read(text, url));
    ck_assert_uint_eq(strlen(url), MEMBERS_URL_SIZE - 1);
    snprintf(text, sizeof text, "{\"client_url\":\"http://%.*s\"}", MEMBERS_URL_SIZE - 7, host);
    ck_assert(!read(text, url));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_was_learnt_is_believed_for_some_seconds);
    tcase_add_test(tcase, another_node_or_another_url_is_not_known);
    tcase_add_test(tcase, a_node_has_one_entry_and_the_oldest_makes_room);
    tcase_add_test(tcase, a_client_url_is_taken_out_of_a_status);
    tcase_add_test(tcase, what_cannot_stand_in_a_location_is_refused);
    tcase_add_test(tcase, the_longest_url_is_taken_and_a_longer_one_is_not);
}

CHECK_MAIN("client_urls", add_tests)
