#include "api/client/learn.h"

#include "tests/check_main.h"

#include <string.h>

static struct nodes nodes;

static bool learns(const char *body) {
    return learn_from(&nodes, body, strlen(body));
}

static void begin_with(const char *url) {
    char error[128];
    memset(&nodes, 0, sizeof nodes);
    ck_assert(nodes_read(&nodes, url, error, sizeof error));
}

START_TEST(members_are_those_with_an_id_and_a_url) {
    begin_with("http://a:1");
    ck_assert(learns(
        "{\"nodes\":[{\"id\":1,\"client_url\":\"http://a:1\"},{\"id\":2,\"client_url\":\"http:\\/\\/b:2/\",\"status\":null},"
        "{\"id\":0,\"client_url\":\"http://c:3\"},{\"id\":3,\"client_url\":\"c:3\"},{\"id\":\"4\",\"client_url\":\"http://d:4\"},"
        "{\"id\":9007199254740992,\"client_url\":\"http://e:5\"},{\"client_url\":\"http://f:6\"},{\"id\":7},8,null]}"));
    ck_assert_uint_eq(nodes.count, 2);
    ck_assert_uint_eq(nodes.list[0].id, 1);
    ck_assert_str_eq(nodes.list[1].url, "http://b:2");
    ck_assert_uint_eq(nodes.list[1].id, 2);
}
END_TEST

START_TEST(what_is_no_list_of_members_changes_nothing) {
    static const char *const wrong[] = {"", "{}", "[]", "7", "{\"nodes\":{}}", "{\"nodes\":[", "{\"nodes\":null}"};
    begin_with("http://a:1");
    ck_assert(learns("{\"nodes\":[{\"id\":2,\"client_url\":\"http://b:2\"}]}"));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(!learns(wrong[i]), "%s", wrong[i]);
        ck_assert_uint_eq(nodes.count, 2);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, members_are_those_with_an_id_and_a_url);
    tcase_add_test(tcase, what_is_no_list_of_members_changes_nothing);
}

CHECK_MAIN("learn", add_tests)
