#include "api/api.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(an_address_that_cannot_be_had_is_told_in_a_sentence) {
    struct harness *first = harness_begin();
    struct harness *second = harness_create();
    second->options.listen_port = api_port(first->api);
    struct storage_message message = {""};
    struct api_host host = {0};
    ck_assert_ptr_null(api_create(&second->options, &host, second->node, second->peers, NULL, &message));
    ck_assert_ptr_nonnull(strstr(message.text, "cannot listen on 127.0.0.1"));
    harness_end(first);
    harness_end(second); /* With no api: destroying none does nothing. */
}
END_TEST

START_TEST(it_can_be_destroyed_whatever_is_under_way) {
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    int clients[4];
    for (int i = 0; i < 4; i++) {
        clients[i] = client_open(harness);
    }
    client_send_text(harness, clients[0], "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1");
    client_send_text(harness, clients[1], "GET /v1/cluster HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_send_text(harness, clients[2], "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n1");
    client_send_text(harness, clients[3], "GET /healthz HT");
    harness_until_calls(harness, 1);
    harness_end(harness);
    for (int i = 0; i < 4; i++) {
        close(clients[i]);
    }
}
END_TEST

START_TEST(a_request_that_arrives_when_it_is_destroyed_does_not_begin) {
    static const char request[] = "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1";
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    int client = client_open(harness);
    client_send_text(harness, client, request);
    harness_until_calls(harness, 1);
    /* Its answer was on the way when no more connections were taken: it does not say that this one ends. */
    harness->node->hold = false;
    harness_turn(harness);
    api_stop_accepting(harness->api);
    struct reply reply = client_read(harness, client);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(!reply_has(&reply, "Connection", "close"));
    reply_free(&reply);
    ck_assert(api_idle(harness->api));
    ck_assert_int_eq(send(client, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
    harness_end(harness);
    char byte;
    ck_assert_int_le(recv(client, &byte, 1, 0), 0);
    close(client);
}
END_TEST

START_TEST(it_has_two_descriptors_to_wait_on) {
    struct harness *harness = harness_begin();
    int descriptors[4] = {-1, -1, -1, -1};
    ck_assert_uint_eq(api_descriptors(harness->api, descriptors, 4), 2);
    ck_assert_int_ge(descriptors[0], 0);
    ck_assert_int_ge(descriptors[1], 0);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_address_that_cannot_be_had_is_told_in_a_sentence);
    tcase_add_test(tcase, it_can_be_destroyed_whatever_is_under_way);
    tcase_add_test(tcase, a_request_that_arrives_when_it_is_destroyed_does_not_begin);
    tcase_add_test(tcase, it_has_two_descriptors_to_wait_on);
}

CHECK_MAIN("api", add_tests)
