#include "api/client/nodes.h"

#include "tests/check_main.h"

#include <stdio.h>
#include <string.h>

static struct nodes nodes;

static void read_nodes(const char *urls) {
    char error[256] = "";
    memset(&nodes, 0, sizeof nodes);
    ck_assert_msg(nodes_read(&nodes, urls, error, sizeof error), "%s", error);
}

static void refuses(const char *urls) {
    char error[256] = "";
    memset(&nodes, 0, sizeof nodes);
    ck_assert_msg(!nodes_read(&nodes, urls, error, sizeof error), "%s", urls);
    ck_assert_str_ne(error, "");
}

START_TEST(urls_are_separated_by_commas) {
    read_nodes("http://a:1,https://b:2/,http://[::1]:3,http://a:1/");
    ck_assert_uint_eq(nodes.count, 3);
    ck_assert_str_eq(nodes.list[0].url, "http://a:1");
    ck_assert_str_eq(nodes.list[1].url, "https://b:2");
    ck_assert_str_eq(nodes.list[2].url, "http://[::1]:3");
}
END_TEST

START_TEST(what_is_no_url_is_refused) {
    static const char *const wrong[] = {
        "",           "a:1",          "http://",      "https://",    "http://:1",   "ftp://a:1",       "http://a/b",
        "http://a?b", "http://u@a:1", "http://a b:1", "http://a:1,", ",http://a:1", "http://a\r\nX: y"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        refuses(wrong[i]);
    }
    char url[RAFTCLIENT_URL_MAX + 2] = "http://";
    memset(url + 7, 'a', sizeof url - 8);
    refuses(url);
    url[RAFTCLIENT_URL_MAX] = '\0';
    read_nodes(url);
}
END_TEST

START_TEST(there_are_so_many_at_most) {
    char urls[RAFTCLIENT_NODES_MAX * 32] = "";
    for (int i = 1; i <= RAFTCLIENT_NODES_MAX; i++) {
        snprintf(urls + strlen(urls), 32, "%shttp://a:%d", i > 1 ? "," : "", i);
    }
    read_nodes(urls);
    ck_assert_uint_eq(nodes.count, RAFTCLIENT_NODES_MAX);
    nodes_list_begin(&nodes);
    nodes_list_add(&nodes, "http://one-more:1", 65);
    nodes_list_end(&nodes);
    ck_assert_uint_eq(nodes.count, RAFTCLIENT_NODES_MAX);
    strcat(urls, ",http://b:1");
    refuses(urls);
}
END_TEST

static const char *chosen(bool spread, uint64_t now_ms) {
    struct nodes_entry *node = nodes_choose(&nodes, spread, now_ms);
    return node != NULL ? node->url : NULL;
}

START_TEST(the_leader_is_asked_first_then_the_others_once_each) {
    read_nodes("http://a:1,http://b:2,http://c:3");
    nodes_answered(&nodes, &nodes.list[1], 2, 3);
    nodes_answered(&nodes, &nodes.list[2], 3, 3);
    nodes_begin_call(&nodes);
    ck_assert_str_eq(chosen(false, 0), "http://c:3");
    ck_assert_str_eq(chosen(false, 0), "http://a:1");
    ck_assert_str_eq(chosen(false, 0), "http://b:2");
    ck_assert_ptr_null(chosen(false, 0));
    nodes_begin_round(&nodes);
    ck_assert_str_eq(chosen(false, 0), "http://c:3");
}
END_TEST

START_TEST(who_failed_lately_is_asked_last_and_leads_no_more) {
    read_nodes("http://a:1,http://b:2,http://c:3");
    nodes_answered(&nodes, &nodes.list[0], 1, 1);
    nodes_failed(&nodes, &nodes.list[0], 1000);
    ck_assert_uint_eq(nodes.leader, 0);
    nodes_begin_call(&nodes);
    ck_assert_str_eq(chosen(false, 1000), "http://b:2");
    ck_assert_str_eq(chosen(false, 1000), "http://c:3");
    ck_assert_str_eq(chosen(false, 1000), "http://a:1");
    /* Told again that it leads, it is believed when its time is over. */
    nodes_answered(&nodes, &nodes.list[1], 2, 1);
    nodes_begin_call(&nodes);
    ck_assert_str_eq(chosen(false, 1000 + NODES_AVOID_MIN_MS - 1), "http://b:2");
    nodes_begin_call(&nodes);
    ck_assert_str_eq(chosen(false, 1000 + NODES_AVOID_MIN_MS), "http://a:1");
}
END_TEST

START_TEST(the_more_often_it_fails_the_longer_it_is_avoided_up_to_a_limit) {
    read_nodes("http://a:1,http://b:2");
    uint64_t before = 0;
    for (int i = 0; i < 40; i++) {
        nodes_failed(&nodes, &nodes.list[0], 0);
        ck_assert_uint_ge(nodes.list[0].avoid_until_ms, before);
        before = nodes.list[0].avoid_until_ms;
    }
    ck_assert_uint_eq(before, NODES_AVOID_MAX_MS);
    nodes_answered(&nodes, &nodes.list[0], 1, 0);
    ck_assert_uint_eq(nodes.list[0].avoid_until_ms, 0);
    nodes_failed(&nodes, &nodes.list[0], 0);
    ck_assert_uint_eq(nodes.list[0].avoid_until_ms, NODES_AVOID_MIN_MS);
}
END_TEST

START_TEST(a_barred_node_is_not_asked_in_this_call) {
    read_nodes("http://a:1,http://b:2");
    nodes.list[0].barred = true;
    ck_assert_str_eq(chosen(false, 0), "http://b:2");
    ck_assert_ptr_null(chosen(false, 0));
    ck_assert(nodes_any(&nodes));
    nodes.list[1].barred = true;
    ck_assert(!nodes_any(&nodes));
    nodes_begin_call(&nodes);
    ck_assert(nodes_any(&nodes));
}
END_TEST

START_TEST(spread_reads_go_round) {
    read_nodes("http://a:1,http://b:2,http://c:3");
    nodes_answered(&nodes, &nodes.list[0], 1, 1);
    static const char *const order[] = {"http://a:1", "http://b:2", "http://c:3", "http://a:1"};
    for (size_t i = 0; i < 4; i++) {
        nodes_begin_call(&nodes);
        ck_assert_str_eq(chosen(true, 0), order[i]);
    }
}
END_TEST

static void learn(const char *first, uint64_t first_id, const char *second, uint64_t second_id) {
    nodes_list_begin(&nodes);
    nodes_list_add(&nodes, first, first_id);
    nodes_list_add(&nodes, second, second_id);
    nodes_list_end(&nodes);
}

START_TEST(members_are_learnt_moved_and_forgotten_but_not_those_that_were_given) {
    read_nodes("http://a:1");
    learn("http://b:2", 2, "http://c:3", 3);
    ck_assert_uint_eq(nodes.count, 3);
    learn("http://b:2", 2, "http://c:33", 3);
    ck_assert_uint_eq(nodes.count, 3);
    ck_assert_str_eq(nodes.list[2].url, "http://c:33");
    nodes.preferred = 2;
    learn("http://a:1", 1, "http://c:33", 3);
    ck_assert_uint_eq(nodes.count, 2);
    ck_assert_str_eq(nodes.list[0].url, "http://a:1");
    ck_assert_str_eq(nodes.list[nodes.preferred].url, "http://c:33");
    learn("http://d:4", 4, "http://e:5", 5);
    ck_assert_uint_eq(nodes.count, 3);
    ck_assert_str_eq(nodes.list[0].url, "http://a:1");
}
END_TEST

START_TEST(a_node_that_was_given_under_another_name_is_not_learnt_twice) {
    read_nodes("http://localhost:1");
    nodes_answered(&nodes, &nodes.list[0], 1, 1);
    learn("http://127.0.0.1:1", 1, "http://127.0.0.1:2", 2);
    ck_assert_uint_eq(nodes.count, 2);
    ck_assert_str_eq(nodes.list[0].url, "http://localhost:1");
    ck_assert_uint_eq(nodes.list[1].id, 2);
}
END_TEST

START_TEST(who_was_given_https_learns_no_http) {
    read_nodes("https://a:1");
    learn("http://b:2", 2, "https://c:3", 3);
    ck_assert_uint_eq(nodes.count, 2);
    ck_assert_str_eq(nodes.list[1].url, "https://c:3");
    learn("https://a:1", 1, "http://c:3", 3);
    for (size_t i = 0; i < nodes.count; i++) {
        ck_assert(strncmp(nodes.list[i].url, "https://", 8) == 0);
    }
    read_nodes("https://a:1,http://b:2");
    learn("http://c:3", 3, "https://d:4", 4);
    ck_assert_uint_eq(nodes.count, 4);
}
END_TEST

START_TEST(a_leader_without_a_url_is_a_stranger) {
    read_nodes("http://a:1");
    ck_assert(!nodes_leader_is_stranger(&nodes));
    nodes_answered(&nodes, &nodes.list[0], 1, 2);
    ck_assert(nodes_leader_is_stranger(&nodes));
    learn("http://a:1", 1, "http://b:2", 2);
    ck_assert(!nodes_leader_is_stranger(&nodes));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, urls_are_separated_by_commas);
    tcase_add_test(tcase, what_is_no_url_is_refused);
    tcase_add_test(tcase, there_are_so_many_at_most);
    tcase_add_test(tcase, the_leader_is_asked_first_then_the_others_once_each);
    tcase_add_test(tcase, who_failed_lately_is_asked_last_and_leads_no_more);
    tcase_add_test(tcase, the_more_often_it_fails_the_longer_it_is_avoided_up_to_a_limit);
    tcase_add_test(tcase, a_barred_node_is_not_asked_in_this_call);
    tcase_add_test(tcase, spread_reads_go_round);
    tcase_add_test(tcase, members_are_learnt_moved_and_forgotten_but_not_those_that_were_given);
    tcase_add_test(tcase, a_node_that_was_given_under_another_name_is_not_learnt_twice);
    tcase_add_test(tcase, who_was_given_https_learns_no_http);
    tcase_add_test(tcase, a_leader_without_a_url_is_a_stranger);
}

CHECK_MAIN("nodes", add_tests)
