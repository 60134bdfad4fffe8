#include "api/ctl/view.h"

#include "tests/check_main.h"

#include <string.h>

static struct view view;

#define STATUS                                                                                                                             \
    "{\"id\":2,\"url\":\"http://b\",\"client_url\":\"http://B\",\"cluster_id\":\"c\",\"version\":\"1.2\",\"machine\":\"hashmap\","         \
    "\"role\":\"follower\",\"term\":3,\"leader\":{\"id\":1},\"first_index\":1,\"last_index\":40,\"commit_index\":39,\"applied_index\":38," \
    "\"configuration\":{\"voters\":[{\"id\":1},{\"id\":2}],\"learners\":[],\"outgoing\":[{\"id\":9}]},\"uptime_seconds\":63,"              \
    "\"storage_bytes\":102400,\"state_hash\":{\"index\":32,\"hash\":\"abc\"},\"diverged\":{\"since_index\":5},\"divergence_alarm\":true,"  \
    "\"disk\":{\"stalled\":true,\"full\":true}}"

static void is_status(const struct view_node *node) {
    ck_assert(node->reachable);
    ck_assert(node->diverged && node->divergence_alarm && node->disk_stalled && node->disk_full);
    ck_assert_uint_eq(node->id, 2);
    ck_assert_str_eq(node->role, "follower");
    ck_assert_str_eq(node->version, "1.2");
    ck_assert_uint_eq(node->term, 3);
    ck_assert_uint_eq(node->applied_index, 38);
    ck_assert_uint_eq(node->commit_index, 39);
    ck_assert_uint_eq(node->last_index, 40);
    ck_assert_uint_eq(node->uptime_seconds, 63);
    ck_assert_uint_eq(node->storage_bytes, 102400);
}

START_TEST(a_cluster_is_read) {
    static const char text[] =
        "{\"leader\":1,\"term\":3,\"nodes\":[{\"id\":2,\"url\":\"http://b\",\"client_url\":\"http://B\",\"reachable\":true,"
        "\"status\":" STATUS
        "},{\"id\":3,\"url\":\"http://c\",\"client_url\":\"http://C\",\"reachable\":false,\"status\":null}]}";
    ck_assert(view_read(text, sizeof text - 1, &view));
    ck_assert_uint_eq(view.leader, 1);
    ck_assert_uint_eq(view.term, 3);
    ck_assert_uint_eq(view.count, 2);
    is_status(&view.nodes[0]);
    ck_assert_str_eq(view.nodes[0].client_url, "http://B");
    ck_assert(!view.nodes[1].reachable);
    ck_assert_str_eq(view.nodes[1].role, "");
}
END_TEST

START_TEST(what_is_strange_is_left_out) {
    static const char *const none[] = {"", "{", "[]", "{\"nodes\":{}}", "{}"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        ck_assert(!view_read(none[i], strlen(none[i]), &view));
    }
    static const char strange[] =
        "{\"leader\":null,\"nodes\":[{},{\"id\":\"1\",\"reachable\":true,\"status\":[]},"
        "{\"reachable\":true,\"status\":{\"role\":7,\"term\":\"x\",\"leader\":null,\"configuration\":null,\"disk\":[],"
        "\"state_hash\":null}}]}";
    ck_assert(view_read(strange, sizeof strange - 1, &view));
    ck_assert_uint_eq(view.count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(view.nodes[i].id, 0);
        ck_assert_str_eq(view.nodes[i].role, "");
    }
    ck_assert(!view.nodes[1].reachable);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_cluster_is_read);
    tcase_add_test(tcase, what_is_strange_is_left_out);
}

CHECK_MAIN("view", add_tests)
