#include "api/cluster.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Node 2 is a second server; node 3 is whatever its URL says. */
struct pair {
    struct harness *first;
    struct harness *second;
};

static struct pair begin(void) {
    struct pair pair = {harness_begin(), harness_create()};
    pair.second->node->status.id = 2;
    pair.second->options.client_url = "http://clients-of-2.test:8002";
    harness_start(pair.second);
    pair.first->other = pair.second;
    struct members *members = &pair.first->node->status.members;
    snprintf(members->list[1].url, sizeof members->list[1].url, "http://127.0.0.1:%u", api_port(pair.second->api));
    strcpy(members->list[2].url, "http://127.0.0.1:1"); /* Nobody listens there. */
    return pair;
}

static void end(struct pair *pair) {
    harness_end(pair->first);
    harness_end(pair->second);
}

/* Element `place` of "nodes". */
static struct json_span node_at(const struct reply *reply, size_t place) {
    struct json_span answer;
    struct json_span nodes;
    struct json_span node = {0};
    size_t offset;
    ck_assert(json_scan(reply->body, reply->size, &answer, &offset));
    ck_assert(json_member(answer, "nodes", &nodes));
    struct json_cursor cursor = json_open(nodes);
    for (size_t i = 0; i <= place; i++) {
        ck_assert(json_next_element(&cursor, &node));
    }
    return node;
}

static void check_member(struct json_span object, const char *name, const char *expected) {
    struct json_span value;
    ck_assert(json_member(object, name, &value));
    ck_assert_uint_eq(value.size, strlen(expected));
    ck_assert(memcmp(value.data, expected, value.size) == 0);
}

START_TEST(every_member_is_shown_as_it_is_seen_from_here) {
    struct pair pair = begin();
    struct reply reply = get(pair.first, "/v1/cluster");
    ck_assert_uint_eq(reply.status, 200);
    struct json_span status;
    struct json_span self = node_at(&reply, 0);
    check_member(self, "id", "1");
    check_member(self, "client_url", "\"http://client1.test:8001\"");
    check_member(self, "reachable", "true");
    ck_assert(json_member(self, "status", &status));
    check_member(status, "role", "\"follower\"");
    struct json_span second = node_at(&reply, 1);
    check_member(second, "id", "2");
    check_member(second, "client_url", "\"http://clients-of-2.test:8002\"");
    check_member(second, "reachable", "true");
    ck_assert(json_member(second, "status", &status));
    check_member(status, "id", "2");
    struct json_span third = node_at(&reply, 2);
    check_member(third, "id", "3");
    check_member(third, "client_url", "\"http://127.0.0.1:1\"");
    check_member(third, "reachable", "false");
    check_member(third, "status", "null");
    ck_assert(strncmp(reply.body, "{\"leader\":2,\"term\":7,\"nodes\":[", 30) == 0);
    reply_free(&reply);
    end(&pair);
}
END_TEST

START_TEST(a_node_that_accepts_and_says_nothing_does_not_hold_it_up) {
    struct pair pair = begin();
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ck_assert_int_eq(bind(silent, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(silent, 1), 0);
    ck_assert_int_eq(getsockname(silent, (struct sockaddr *)&address, &size), 0);
    struct members *members = &pair.first->node->status.members;
    snprintf(members->list[2].url, sizeof members->list[2].url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    struct reply reply = get(pair.first, "/v1/cluster");
    ck_assert_uint_eq(reply.status, 200);
    check_member(node_at(&reply, 1), "reachable", "true");
    check_member(node_at(&reply, 2), "reachable", "false");
    reply_free(&reply);
    close(silent);
    end(&pair);
}
END_TEST

START_TEST(an_answer_that_is_no_status_counts_as_none) {
    struct pair pair = begin();
    struct members *members = &pair.first->node->status.members;
    snprintf(members->list[1].url, sizeof members->list[1].url, "http://127.0.0.1:%u/elsewhere",
             api_port(pair.second->api));
    struct reply reply = get(pair.first, "/v1/cluster");
    ck_assert_uint_eq(reply.status, 200);
    check_member(node_at(&reply, 1), "reachable", "false");
    check_member(node_at(&reply, 1), "status", "null");
    reply_free(&reply);
    end(&pair);
}
END_TEST

START_TEST(a_node_alone_is_asked_of_nobody) {
    struct harness *harness = harness_begin();
    harness->node->status.members.count = 1;
    struct reply reply = get(harness, "/v1/cluster");
    ck_assert_uint_eq(reply.status, 200);
    check_member(node_at(&reply, 0), "id", "1");
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(while_forming_those_it_waits_for_are_shown) {
    struct harness *harness = harness_begin();
    struct node_status *status = &harness->node->status;
    status->members.count = 0;
    status->cluster_id[0] = '\0';
    status->waiting_count = 1;
    status->waiting[0].id = 3;
    strcpy(status->waiting[0].url, "http://127.0.0.1:1");
    struct reply reply = get(harness, "/v1/cluster");
    ck_assert_uint_eq(reply.status, 200);
    check_member(node_at(&reply, 0), "id", "1");
    check_member(node_at(&reply, 1), "id", "3");
    check_member(node_at(&reply, 1), "reachable", "false");
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_client_that_hangs_up_meanwhile_is_forgotten) {
    struct pair pair = begin();
    pair.first->other = NULL;
    int client = client_open(pair.first);
    client_send_text(pair.first, client, "GET /v1/cluster HTTP/1.1\r\nHost: localhost\r\n\r\n");
    harness_turn(pair.first);
    close(client);
    for (int i = 0; i < 100 && !api_idle(pair.first->api); i++) {
        harness_turn(pair.first);
    }
    ck_assert(api_idle(pair.first->api));
    end(&pair);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, every_member_is_shown_as_it_is_seen_from_here);
    tcase_add_test(tcase, a_node_that_accepts_and_says_nothing_does_not_hold_it_up);
    tcase_add_test(tcase, an_answer_that_is_no_status_counts_as_none);
    tcase_add_test(tcase, a_node_alone_is_asked_of_nobody);
    tcase_add_test(tcase, while_forming_those_it_waits_for_are_shown);
    tcase_add_test(tcase, a_client_that_hangs_up_meanwhile_is_forgotten);
}

CHECK_MAIN("cluster", add_tests)
