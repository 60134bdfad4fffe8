/* The stream of the page, with a second server as node 2 and nobody as node 3, on a clock that the test moves. */
#include "api/cluster_watch.h"

#include "api/gathering.h"
#include "server/base/memory.h"
#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct setting {
    struct harness *first;
    struct harness *second;
    int client;
    char *bytes; /* All that came, NUL-terminated. */
    size_t size;
    size_t capacity;
    bool ended;
};

static void receive(struct setting *now) {
    ssize_t got;
    do {
        now->bytes = memory_grow(now->bytes, &now->capacity, now->size + 65536 + 1, 1);
        got = recv(now->client, now->bytes + now->size, 65536, 0);
        now->size += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    now->ended = now->ended || got == 0 || errno != EAGAIN;
    now->bytes[now->size] = '\0';
}

static size_t count_text(const struct setting *now, const char *text) {
    size_t count = 0;
    for (const char *at = now->bytes; (at = strstr(at, text)) != NULL; at += strlen(text)) {
        count++;
    }
    return count;
}

static size_t updates(const struct setting *now) {
    return count_text(now, "event: cluster\n");
}

/* Time passes in small steps until the text has come so often, within so many of them. */
static void until(struct setting *now, const char *text, size_t times) {
    for (int i = 0; i < 400; i++) {
        receive(now);
        if (count_text(now, text) >= times) {
            return;
        }
        ck_assert_msg(!now->ended, "ended: %s", now->bytes);
        now->first->now_ms += 20;
        now->second->now_ms += 20;
        for (int turn = 0; turn < 3; turn++) {
            harness_turn(now->first);
        }
    }
    ck_abort_msg("%s did not come: %s", text, now->bytes);
}

static void open_stream(struct setting *now) {
    now->client = client_open(now->first);
    client_send_text(now->first, now->client, "GET /v1/cluster/watch HTTP/1.0\r\nHost: localhost\r\n\r\n");
}

static struct setting begin(void) {
    struct setting now = {.first = harness_begin(), .second = harness_create()};
    now.second->node->status.id = 2;
    now.second->options.client_url = "http://clients-of-2.test:8002";
    harness_start(now.second);
    now.first->other = now.second;
    struct members *members = &now.first->node->status.members;
    snprintf(members->list[1].url, sizeof members->list[1].url, "http://127.0.0.1:%u", api_port(now.second->api));
    strcpy(members->list[2].url, "http://127.0.0.1:1"); /* Nobody listens there. */
    open_stream(&now);
    return now;
}

static void end(struct setting *now) {
    close(now->client);
    free(now->bytes);
    harness_end(now->first);
    harness_end(now->second);
}

START_TEST(all_members_are_told_as_they_are_seen_again_and_again) {
    struct setting now = begin();
    until(&now, "event: cluster\n", 1);
    ck_assert_ptr_nonnull(strstr(now.bytes, "Content-Type: text/event-stream\r\n"));
    ck_assert_ptr_nonnull(strstr(now.bytes, "data: {\"leader\":2,\"term\":7,\"nodes\":[{\"id\":1,"));
    ck_assert_ptr_nonnull(strstr(now.bytes, "\"client_url\":\"http://clients-of-2.test:8002\",\"reachable\":true,"));
    ck_assert_ptr_nonnull(strstr(now.bytes,
                                 "{\"id\":3,\"url\":\"http://127.0.0.1:1\",\"client_url\":\"http://127.0.0.1:1\","
                                 "\"reachable\":false,\"round_trip_ms\":null,\"status\":null}"));
    now.first->node->status.applied_index = 39;
    until(&now, "\"applied_index\":39", 1);
    end(&now);
}
END_TEST

START_TEST(no_more_updates_come_than_rounds_are_asked) {
    struct setting now = begin();
    until(&now, "event: cluster\n", 1);
    uint64_t begun_ms = now.first->now_ms;
    until(&now, "event: cluster\n", 6);
    ck_assert_uint_ge(now.first->now_ms - begun_ms, 4 * GATHERING_ROUND_MS);
    end(&now);
}
END_TEST

START_TEST(a_node_that_dies_is_told_and_one_that_comes_back) {
    struct setting now = begin();
    until(&now, "event: cluster\n", 1);
    ck_assert_uint_eq(count_text(&now, "\"reachable\":true"), 2);
    char live[128];
    struct members *members = &now.first->node->status.members;
    strcpy(live, members->list[1].url);
    strcpy(members->list[1].url, "http://127.0.0.1:2");
    uint64_t begun_ms = now.first->now_ms;
    until(&now, "{\"id\":2,\"url\":\"http://127.0.0.1:2\",\"client_url\":\"http://127.0.0.1:2\",\"reachable\":false", 1);
    ck_assert_uint_lt(now.first->now_ms - begun_ms, 2000);
    strcpy(members->list[1].url, live);
    now.size = 0;
    until(&now, "http://clients-of-2.test:8002\",\"reachable\":true", 1);
    end(&now);
}
END_TEST

START_TEST(what_happened_to_a_member_is_told_once_and_again_when_more_did) {
    struct setting now = begin();
    now.second->node->event_count = 1;
    now.second->node->events_ms = 5000;
    now.second->node->events[0] =
        (struct chronicle_event){.at_ms = 4000, .kind = CHRONICLE_LEADER, .term = 7, .subject = 2};
    now.second->node->status.events = 1;
    until(&now, "\"events\":[{\"age_ms\":1000,\"kind\":\"leader\",\"term\":7,\"subject\":2}]", 1);
    until(&now, "event: cluster\n", updates(&now) + 5);
    ck_assert_uint_eq(count_text(&now, "\"age_ms\":1000"), 1);
    ck_assert_ptr_nonnull(strstr(now.bytes, "event: events\ndata: {\"id\":2,\"late_ms\":"));
    now.second->node->event_count = 2;
    now.second->node->events[1] = (struct chronicle_event){.at_ms = 4500, .kind = CHRONICLE_NO_LEADER, .term = 7};
    now.second->node->status.events = 2;
    until(&now, "{\"age_ms\":500,\"kind\":\"no_leader\",\"term\":7,\"subject\":0}", 1);
    end(&now);
}
END_TEST

START_TEST(a_member_that_was_removed_is_asked_no_more) {
    struct setting now = begin();
    until(&now, "event: cluster\n", 1);
    now.first->node->status.members.count = 2;
    until(&now, "event: cluster\n", updates(&now) + 2);
    now.size = 0;
    until(&now, "event: cluster\n", 2);
    ck_assert_uint_eq(count_text(&now, "{\"id\":3,\"url\":\"http://127.0.0.1:1\""), 0);
    end(&now);
}
END_TEST

START_TEST(nobody_is_asked_when_nobody_follows_any_more) {
    struct setting now = begin();
    until(&now, "event: cluster\n", 1);
    close(now.client);
    for (int i = 0; i < 100 && !api_idle(now.first->api); i++) {
        now.first->now_ms += GATHERING_ROUND_MS;
        harness_turn(now.first);
    }
    ck_assert(api_idle(now.first->api));
    open_stream(&now);
    now.size = 0;
    until(&now, "event: cluster\n", 1);
    end(&now);
}
END_TEST

START_TEST(a_node_that_ends_says_so) {
    struct setting now = begin();
    until(&now, "event: cluster\n", 1);
    api_stop_accepting(now.first->api);
    until(&now, "event: end\ndata: {\"type\":\"about:blank\",\"title\":\"Shutting down\",\"status\":503,", 1);
    for (int i = 0; i < 100 && !api_idle(now.first->api); i++) {
        harness_turn(now.first);
    }
    ck_assert(api_idle(now.first->api));
    end(&now);
}
END_TEST

START_TEST(head_gets_the_fields_alone) {
    struct setting now = begin();
    struct reply reply = ask(now.first, "HEAD", "/v1/cluster/watch", "", NULL);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Content-Type", "text/event-stream"));
    reply_free(&reply);
    end(&now);
}
END_TEST

START_TEST(events_of_this_node_are_answered_by_themselves) {
    struct setting now = begin();
    now.first->node->event_count = 1;
    now.first->node->events_ms = 90;
    now.first->node->events[0] = (struct chronicle_event){.at_ms = 40, .kind = CHRONICLE_MEMBERS, .term = 3, .subject = 12};
    struct reply reply = get(now.first, "/v1/events");
    static const char begin_of_body[] =
        "{\"id\":1,\"events\":[{\"age_ms\":50,\"kind\":\"members\",\"term\":3,\"subject\":12}],\"samples\":{\"age_ms\":[";
    ck_assert_uint_eq(reply.status, 200);
    ck_assert_msg(strncmp(reply.body, begin_of_body, sizeof begin_of_body - 1) == 0, "%s", reply.body);
    reply_free(&reply);
    end(&now);
}
END_TEST

START_TEST(who_comes_later_hears_what_happened_until_then) {
    struct setting now = begin();
    now.second->node->event_count = 1;
    now.second->node->status.events = 1;
    until(&now, "event: events\ndata: {\"id\":2,", 1);
    now.second->node->events[0].term = 9; /* Told anew only to who asks anew: the count is the same. */
    struct setting late = {.first = now.first, .second = now.second};
    open_stream(&late);
    until(&late, "\"term\":9", 1);
    close(late.client);
    free(late.bytes);
    end(&now);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, all_members_are_told_as_they_are_seen_again_and_again);
    tcase_add_test(tcase, no_more_updates_come_than_rounds_are_asked);
    tcase_add_test(tcase, a_node_that_dies_is_told_and_one_that_comes_back);
    tcase_add_test(tcase, what_happened_to_a_member_is_told_once_and_again_when_more_did);
    tcase_add_test(tcase, a_member_that_was_removed_is_asked_no_more);
    tcase_add_test(tcase, nobody_is_asked_when_nobody_follows_any_more);
    tcase_add_test(tcase, a_node_that_ends_says_so);
    tcase_add_test(tcase, head_gets_the_fields_alone);
    tcase_add_test(tcase, events_of_this_node_are_answered_by_themselves);
    tcase_add_test(tcase, who_comes_later_hears_what_happened_until_then);
}

CHECK_MAIN("cluster_watch", add_tests)
