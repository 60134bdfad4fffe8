#include "api/client/raftclient.h"

#include "tests/check_main.h"

#include <string.h>

static void refuses(const char *urls, struct raftclient_options options, const char *why) {
    char error[256] = "";
    if (options.size == 0) {
        options.size = sizeof options;
    }
    ck_assert_ptr_null(raftclient_create(urls, &options, error, sizeof error));
    ck_assert_msg(strstr(error, why) != NULL, "%s", error);
    ck_assert_ptr_null(raftclient_create(urls, &options, NULL, 0));
}

START_TEST(wrong_options_are_refused_in_a_line) {
    refuses("node1:8001", (struct raftclient_options){0}, "'node1:8001' is not a URL");
    refuses("", (struct raftclient_options){0}, "is not a URL");
    refuses("http://a", (struct raftclient_options){.token = ""}, "a token is");
    refuses("http://a", (struct raftclient_options){.token = "two words"}, "a token is");
    refuses("http://a", (struct raftclient_options){.token = "a\r\nX: y"}, "a token is");
    refuses("http://a", (struct raftclient_options){.attempt_ms = 60001}, "60 s");
    refuses("http://a", (struct raftclient_options){.tls_ca = "/no/such/file"}, "/no/such/file");
    refuses("http://a", (struct raftclient_options){.tls_cert = "/dev/null"}, "takes a key");
    refuses("http://a", (struct raftclient_options){.tls_key = "/dev/null"}, "takes a key");
    refuses("http://a", (struct raftclient_options){.size = 1}, "without their size");
}
END_TEST

START_TEST(a_caller_of_another_version_is_understood_as_far_as_it_goes) {
    char error[256] = "";
    /* Shorter: what it does not know is as by default. */
    struct raftclient_options options = {.size = offsetof(struct raftclient_options, token), .token = "two words"};
    struct raftclient *client = raftclient_create("http://a", &options, error, sizeof error);
    ck_assert_msg(client != NULL, "%s", error);
    raftclient_destroy(client);
    /* Longer: only if the rest says nothing. */
    struct {
        struct raftclient_options options;
        uint64_t more;
    } longer = {.options = {.size = sizeof longer}};
    client = raftclient_create("http://a", &longer.options, error, sizeof error);
    ck_assert_msg(client != NULL, "%s", error);
    raftclient_destroy(client);
    longer.more = 1;
    ck_assert_ptr_null(raftclient_create("http://a", &longer.options, error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "does not know"));
}
END_TEST

START_TEST(without_options_there_are_defaults_and_nothing_is_asked) {
    const char *url;
    uint64_t id;
    struct raftclient *client = raftclient_create("http://127.0.0.1:1/", NULL, NULL, 0);
    ck_assert_ptr_nonnull(client);
    ck_assert(raftclient_node(client, 0, &url, &id));
    ck_assert_str_eq(url, "http://127.0.0.1:1");
    ck_assert_uint_eq(id, 0);
    raftclient_destroy(client);
    raftclient_destroy(NULL);
}
END_TEST

START_TEST(outcomes_have_names) {
    ck_assert_str_eq(raftclient_outcome_name(RAFTCLIENT_DONE), "done");
    ck_assert_str_eq(raftclient_outcome_name(RAFTCLIENT_REJECTED), "rejected");
    ck_assert_str_eq(raftclient_outcome_name(RAFTCLIENT_UNAVAILABLE), "unavailable");
    ck_assert_str_eq(raftclient_outcome_name(RAFTCLIENT_UNKNOWN), "unknown");
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, wrong_options_are_refused_in_a_line);
    tcase_add_test(tcase, a_caller_of_another_version_is_understood_as_far_as_it_goes);
    tcase_add_test(tcase, without_options_there_are_defaults_and_nothing_is_asked);
    tcase_add_test(tcase, outcomes_have_names);
}

CHECK_MAIN("client", add_tests)
