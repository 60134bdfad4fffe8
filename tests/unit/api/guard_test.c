#include "api/guard.h"

#include "tests/check_main.h"
#include "tests/unit/api/fake_node.h"

#include <string.h>

static const char *const hosts[] = {"raft.example", "10.0.0.1.nip.example:8001", NULL};
static const char *const origins[] = {"https://console.example", NULL};

static struct guard guard_with(struct node *node) {
    return (struct guard){
        .node = node,
        .advertise_url = "http://advertised.test:8001",
        .client_url = "http://client.test",
        .allow_hosts = hosts,
        .allow_origins = origins,
    };
}

static bool allowed(struct node *node, const char *host) {
    struct guard guard = guard_with(node);
    return guard_host_allowed(&guard, host, strlen(host));
}

START_TEST(our_own_names_are_allowed_with_any_port) {
    struct node *node = fake_node_create();
    const char *good[] = {"127.0.0.1",       "127.0.0.1:8001",    "192.168.7.9:1",       "[::1]",
                          "[::1]:8001",      "[2001:db8::7]:80",  "localhost",           "LocalHost:9",
                          "advertised.test", "advertised.test:1", "CLIENT.test:65535",   "node2.test",
                          "node3.test:7",    "raft.example:80",   "10.0.0.1.nip.example"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(allowed(node, good[i]), "%s", good[i]);
    }
    fake_node_destroy(node);
}
END_TEST

START_TEST(other_names_and_malformed_ones_are_not) {
    struct node *node = fake_node_create();
    const char *bad[] = {"",
                         "evil.example",
                         "evil.example:8001",
                         "localhost.evil.example",
                         "node4.test",
                         "node2.tes",
                         "node2.test.",
                         "xnode2.test",
                         "127.0.0.1.evil",
                         "127.0.0",
                         "::1",
                         "[::1",
                         "[::1]x",
                         "[localhost]",
                         "localhost:x",
                         "localhost:123456",
                         "user@localhost",
                         "[127.0.0.1]",
                         "[::1]:8001:1",
                         ":8001"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!allowed(node, bad[i]), "%s", bad[i]);
    }
    fake_node_destroy(node);
}
END_TEST

START_TEST(while_forming_the_listed_nodes_names_are_allowed) {
    struct node *node = fake_node_create();
    node->status.members.count = 0;
    node->status.waiting_count = 1;
    strcpy(node->status.waiting[0].url, "http://waited.test:8001");
    ck_assert(allowed(node, "waited.test"));
    ck_assert(!allowed(node, "node2.test"));
    fake_node_destroy(node);
}
END_TEST

static enum guard_origin origin_with(bool tls, const char *origin, const char *host, bool host_allowed) {
    struct guard guard = guard_with(NULL);
    guard.tls = tls;
    struct head head = {0};
    head.host = (struct head_value){host, strlen(host), 1};
    head.origin = (struct head_value){origin, origin != NULL ? strlen(origin) : 0, origin != NULL};
    return guard_origin(&guard, &head, host_allowed);
}

static enum guard_origin origin_of(const char *origin, const char *host, bool host_allowed) {
    return origin_with(false, origin, host, host_allowed);
}

START_TEST(with_tls_our_own_is_https) {
    ck_assert_int_eq(origin_with(true, "https://localhost:8001", "localhost:8001", true), GUARD_OWN);
    ck_assert_int_eq(origin_with(true, "https://localhost", "localhost:443", true), GUARD_OWN);
    ck_assert_int_eq(origin_with(true, "https://localhost:443", "localhost", true), GUARD_OWN);
    ck_assert_int_eq(origin_with(true, "https://localhost:80", "localhost", true), GUARD_FOREIGN);
    ck_assert_int_eq(origin_with(true, "http://localhost:8001", "localhost:8001", true), GUARD_FOREIGN);
}
END_TEST

START_TEST(no_origin_and_our_own_are_fine) {
    ck_assert_int_eq(origin_of(NULL, "localhost:8001", true), GUARD_OWN);
    ck_assert_int_eq(origin_of("http://localhost:8001", "localhost:8001", true), GUARD_OWN);
    ck_assert_int_eq(origin_of("http://LOCALHOST", "localhost:80", true), GUARD_OWN);
    ck_assert_int_eq(origin_of("http://localhost:80", "localhost", true), GUARD_OWN);
}
END_TEST

START_TEST(foreign_origins_are_told) {
    ck_assert_int_eq(origin_of("http://evil.example", "localhost:8001", true), GUARD_FOREIGN);
    ck_assert_int_eq(origin_of("null", "localhost:8001", true), GUARD_FOREIGN);
    ck_assert_int_eq(origin_of("", "localhost:8001", true), GUARD_FOREIGN);
    ck_assert_int_eq(origin_of("http://localhost:8002", "localhost:8001", true), GUARD_FOREIGN);
    ck_assert_int_eq(origin_of("https://localhost:8001", "localhost:8001", true), GUARD_FOREIGN);
}
END_TEST

START_TEST(an_origin_that_matches_a_host_which_is_not_ours_is_foreign) {
    ck_assert_int_eq(origin_of("http://evil.example", "evil.example", false), GUARD_FOREIGN);
}
END_TEST

START_TEST(a_listed_origin_is_told) {
    ck_assert_int_eq(origin_of("https://console.example", "localhost", true), GUARD_LISTED);
    ck_assert_int_eq(origin_of("https://console.example:1", "localhost", true), GUARD_FOREIGN);
}
END_TEST

static enum guard_origin embedded(const char *site, const char *dest) {
    struct guard guard = {.advertise_url = "http://a.test", .client_url = "http://a.test"};
    struct head head = {.host = {"localhost", 9, 1}, .fetch_site = {site, strlen(site), site[0] != '\0'}};
    head.fetch_dest = (struct head_value){dest, strlen(dest), dest[0] != '\0'};
    return guard_origin(&guard, &head, true);
}

START_TEST(what_a_foreign_page_embeds_is_foreign_though_it_has_no_origin) {
    static const char *const foreign[] = {"cross-site", "same-site", "Cross-Site", "nonsense"};
    static const char *const own[] = {"", "same-origin", "none"};
    static const char *const dests[] = {"", "image", "script", "iframe", "empty", "nonsense"};
    for (size_t i = 0; i < sizeof dests / sizeof dests[0]; i++) {
        for (size_t j = 0; j < sizeof foreign / sizeof foreign[0]; j++) {
            ck_assert_msg(embedded(foreign[j], dests[i]) == GUARD_FOREIGN, "%s %s", foreign[j], dests[i]);
        }
        for (size_t j = 0; j < sizeof own / sizeof own[0]; j++) {
            ck_assert_msg(embedded(own[j], dests[i]) == GUARD_OWN, "%s %s", own[j], dests[i]);
        }
    }
    ck_assert_int_eq(embedded("cross-site", "document"), GUARD_OWN); /* Somebody has followed a link. */
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_a_foreign_page_embeds_is_foreign_though_it_has_no_origin);
    tcase_add_test(tcase, our_own_names_are_allowed_with_any_port);
    tcase_add_test(tcase, other_names_and_malformed_ones_are_not);
    tcase_add_test(tcase, while_forming_the_listed_nodes_names_are_allowed);
    tcase_add_test(tcase, with_tls_our_own_is_https);
    tcase_add_test(tcase, no_origin_and_our_own_are_fine);
    tcase_add_test(tcase, foreign_origins_are_told);
    tcase_add_test(tcase, an_origin_that_matches_a_host_which_is_not_ours_is_foreign);
    tcase_add_test(tcase, a_listed_origin_is_told);
}

CHECK_MAIN("guard", add_tests)
