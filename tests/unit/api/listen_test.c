#include "api/listen.h"

#include "tests/check_main.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(port_0_lets_the_kernel_choose_and_tells_what) {
    struct storage_message message = {""};
    uint16_t port = 0;
    int listening = listen_open("127.0.0.1", 0, &port, &message);
    ck_assert_int_ge(listening, 0);
    ck_assert_uint_ne(port, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    close(client);
    close(listening);
}
END_TEST

START_TEST(a_port_that_is_taken_is_said_to_be) {
    struct storage_message message = {""};
    uint16_t port = 0;
    uint16_t other = 7;
    int listening = listen_open("127.0.0.1", 0, &port, &message);
    ck_assert_int_eq(listen_open("127.0.0.1", port, &other, &message), -1);
    ck_assert_ptr_nonnull(strstr(message.text, "another program listens there"));
    ck_assert_uint_eq(other, 7);
    close(listening);
}
END_TEST

START_TEST(an_address_of_another_host_is_said_to_be) {
    struct storage_message message = {""};
    uint16_t port = 0;
    ck_assert_int_eq(listen_open("192.0.2.1", 0, &port, &message), -1);
    ck_assert_ptr_nonnull(strstr(message.text, "this host does not have that address"));
}
END_TEST

START_TEST(what_is_no_address_is_refused) {
    struct storage_message message = {""};
    uint16_t port = 0;
    ck_assert_int_eq(listen_open("", 0, &port, &message), -1);
    ck_assert_int_eq(listen_open("*", 0, &port, &message), -1);
    char name[400];
    memset(name, 'a', sizeof name);
    name[399] = '\0';
    ck_assert_int_eq(listen_open(name, 0, &port, &message), -1);
    ck_assert_ptr_nonnull(strstr(message.text, "not an address or a name"));
}
END_TEST

START_TEST(localhost_is_reached_by_ipv4) {
    struct storage_message message = {""};
    uint16_t port = 0;
    int listening = listen_open("localhost", 0, &port, &message);
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(address.ss_family, AF_INET);
    close(listening);
}
END_TEST

START_TEST(an_ipv6_literal_may_stand_in_brackets) {
    struct storage_message message = {""};
    uint16_t port = 0;
    int listening = listen_open("[::1]", 0, &port, &message);
    /* A host without IPv6 says so in words. */
    ck_assert(listening >= 0 || strstr(message.text, "address") != NULL);
    if (listening >= 0) {
        close(listening);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, port_0_lets_the_kernel_choose_and_tells_what);
    tcase_add_test(tcase, a_port_that_is_taken_is_said_to_be);
    tcase_add_test(tcase, an_address_of_another_host_is_said_to_be);
    tcase_add_test(tcase, what_is_no_address_is_refused);
    tcase_add_test(tcase, localhost_is_reached_by_ipv4);
    tcase_add_test(tcase, an_ipv6_literal_may_stand_in_brackets);
}

CHECK_MAIN("listen", add_tests)
