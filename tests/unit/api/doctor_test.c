/* What the doctor asks of whom, and when; what is made of the answers, checkup_test has. */
#include "api/doctor.h"

#include "api/checkup.h"
#include "api/inside.h"
#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Node 2 is a second server; at node 3's address nobody listens. */
struct pair {
    struct harness *first;
    struct harness *second;
};

static void know_each_other(struct harness *harness, const struct pair *pair) {
    struct members *members = &harness->node->status.members;
    snprintf(members->list[0].url, sizeof members->list[0].url, "http://127.0.0.1:%u", api_port(pair->first->api));
    snprintf(members->list[1].url, sizeof members->list[1].url, "http://127.0.0.1:%u", api_port(pair->second->api));
    strcpy(members->list[2].url, "http://127.0.0.1:1");
    for (size_t i = 0; i < 3; i++) {
        members->list[i].incarnation[0] = '\0';
    }
    harness->node->status.disk = (struct node_disk_status){.free_bytes = UINT64_MAX};
}

static struct pair begin(void) {
    struct pair pair = {harness_begin(), harness_create()};
    pair.second->node->status.id = 2;
    harness_start(pair.second);
    pair.first->other = pair.second;
    know_each_other(pair.first, &pair);
    know_each_other(pair.second, &pair);
    return pair;
}

static void end(struct pair *pair) {
    harness_end(pair->first);
    harness_end(pair->second);
}

static bool waits_for_its_time(void *context) {
    struct harness *harness = context;
    return api_timeout_ms(harness->api, harness->now_ms) <= CHECKUP_APART_MS;
}

/* An answer, with the time that must pass between the two looks. */
static struct reply ask_doctor(struct harness *harness) {
    int client = client_open(harness);
    client_send_text(harness, client, "GET /v1/doctor HTTP/1.1\r\nHost: localhost\r\n\r\n");
    harness_until(harness, waits_for_its_time, harness);
    for (int i = 0; i < 100; i++) { /* Of two milliseconds each at most, and of 20 by the test's clock. */
        harness->now_ms += 20;
        harness_turn(harness);
    }
    struct reply reply = client_read(harness, client);
    close(client);
    return reply;
}

static bool has(const struct reply *reply, const char *part) {
    return strstr(reply->body, part) != NULL;
}

static bool all_are_in(void *context) {
    return ((struct harness *)context)->api->doctors == API_DOCTORS_MAX;
}

static bool none_is_in(void *context) {
    return ((struct harness *)context)->api->doctors == 0;
}

START_TEST(members_are_asked_and_what_is_wrong_is_told) {
    struct pair pair = begin();
    struct reply reply = ask_doctor(pair.first);
    ck_assert_uint_eq(reply.status, 200);
    const char begin_of_it[] = "{\"node\":1,\"leader\":2,\"term\":7,\"healthy\":false,\"findings\":[{";
    ck_assert_msg(strncmp(reply.body, begin_of_it, strlen(begin_of_it)) == 0, "%s", reply.body);
    ck_assert_msg(has(&reply, "\"severity\":\"problem\",\"code\":\"member_silent\",\"node\":3,"), "%s", reply.body);
    ck_assert_msg(has(&reply, "(asked by node 1, node 2)"), "%s", reply.body);
    ck_assert(!has(&reply, "\"node\":2,"));
    reply_free(&reply);
    end(&pair);
}
END_TEST

START_TEST(a_stranger_at_a_members_address_is_told) {
    struct pair pair = begin();
    strcpy(pair.second->node->status.cluster_id, "ffffffffffffffffffffffffffffffff");
    struct reply reply = ask_doctor(pair.first);
    ck_assert_msg(has(&reply, "\"code\":\"other_cluster\",\"node\":2,"), "%s", reply.body);
    reply_free(&reply);
    end(&pair);
}
END_TEST

START_TEST(nobody_is_asked_by_a_node_that_is_alone) {
    struct harness *harness = harness_begin();
    harness->node->status.disk = (struct node_disk_status){.free_bytes = UINT64_MAX};
    harness->node->status.members.count = 1;
    harness->node->leader = 1;
    harness->node->status.members.list[0].incarnation[0] = '\0';
    struct reply reply = get(harness, "/v1/doctor");
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_msg(has(&reply, "\"code\":\"one_voter\",\"node\":null,"), "%s", reply.body);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_node_that_waits_is_told_with_its_reason) {
    struct harness *harness = harness_begin();
    struct node_status *status = &harness->node->status;
    status->disk = (struct node_disk_status){.free_bytes = UINT64_MAX};
    status->members.count = 0;
    status->cluster_id[0] = '\0';
    status->role = NODE_WAITING;
    status->waiting_count = 1;
    status->waiting[0] = (struct node_waiting){.id = 3, .url = "http://node3.test:8001", .why = "connection refused"};
    struct reply reply = get(harness, "/v1/doctor");
    ck_assert_msg(has(&reply, "\"code\":\"waiting\",\"node\":1,"), "%s", reply.body);
    ck_assert_msg(has(&reply, "node 3: connection refused"), "%s", reply.body);
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_client_that_hangs_up_leaves_nothing_behind) {
    for (int turns = 0; turns < 40; turns += 3) {
        struct pair pair = begin();
        int client = client_open(pair.first);
        client_send_text(pair.first, client, "GET /v1/doctor HTTP/1.1\r\nHost: localhost\r\n\r\n");
        for (int i = 0; i < turns; i++) {
            harness_turn(pair.first);
        }
        close(client);
        for (int i = 0; i < 40; i++) {
            pair.first->now_ms += 100;
            harness_turn(pair.first);
        }
        end(&pair);
    }
}
END_TEST

START_TEST(so_many_at_once_and_no_more_are_seen) {
    struct pair pair = begin();
    int clients[API_DOCTORS_MAX];
    for (int round = 0; round < 2; round++) { /* Those that hang up make room, too. */
        for (int i = 0; i < API_DOCTORS_MAX; i++) {
            clients[i] = client_open(pair.first);
            client_send_text(pair.first, clients[i], "GET /v1/doctor HTTP/1.1\r\nHost: localhost\r\n\r\n");
        }
        harness_until(pair.first, all_are_in, pair.first);
        struct reply reply = get(pair.first, "/v1/doctor");
        ck_assert(reply_has(&reply, "Retry-After", "1"));
        check_problem(&reply, 429, "overloaded", NULL);
        for (int i = 0; i < API_DOCTORS_MAX; i++) {
            close(clients[i]);
        }
        harness_until(pair.first, none_is_in, pair.first);
    }
    for (int i = 0; i < API_DOCTORS_MAX + 1; i++) { /* One after the other. */
        struct reply reply = ask_doctor(pair.first);
        ck_assert_uint_eq(reply.status, 200);
        reply_free(&reply);
    }
    end(&pair);
}
END_TEST

START_TEST(whom_a_node_reaches_is_told_to_its_peers) {
    struct pair pair = begin();
    struct reply reply = get(pair.first, "/raft/v1/reach");
    check_reply(
        &reply, 200,
        "{\"id\":1,\"reach\":[{\"id\":2,\"reachable\":true},{\"id\":3,\"reachable\":false,\"why\":\"connection refused\"}]}");
    snprintf(pair.first->node->status.members.list[1].url, MEMBERS_URL_SIZE, "http://127.0.0.1:%u/elsewhere",
             api_port(pair.second->api));
    reply = get(pair.first, "/raft/v1/reach");
    ck_assert_msg(has(&reply, "{\"id\":2,\"reachable\":false,\"why\":\"answers 404\"}"), "%s", reply.body);
    reply_free(&reply);
    pair.first->node->status.members.count = 1;
    reply = get(pair.first, "/raft/v1/reach");
    check_reply(&reply, 200, "{\"id\":1,\"reach\":[]}");
    end(&pair);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, members_are_asked_and_what_is_wrong_is_told);
    tcase_add_test(tcase, a_stranger_at_a_members_address_is_told);
    tcase_add_test(tcase, nobody_is_asked_by_a_node_that_is_alone);
    tcase_add_test(tcase, a_node_that_waits_is_told_with_its_reason);
    tcase_add_test(tcase, a_client_that_hangs_up_leaves_nothing_behind);
    tcase_add_test(tcase, so_many_at_once_and_no_more_are_seen);
    tcase_add_test(tcase, whom_a_node_reaches_is_told_to_its_peers);
}

CHECK_MAIN("doctor", add_tests)
