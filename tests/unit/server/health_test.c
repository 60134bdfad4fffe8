#include "server/health.h"

#include "tests/check_main.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum options_end read_request(const char *const *arguments, const char *environment, struct health_request *request,
                                     struct options_message *message) {
    const char *const lines[] = {environment, NULL};
    return health_read(arguments, lines, request, message);
}

static void asks(const char *const *arguments, const char *environment, const char *url) {
    struct health_request request;
    struct options_message message = {.text = ""};
    ck_assert_msg(read_request(arguments, environment, &request, &message) == OPTIONS_RUN, "%s", message.text);
    ck_assert_str_eq(request.url, url);
}

START_TEST(without_a_url_the_node_of_this_machine_is_asked) {
    const char *const none[] = {NULL};
    const char *const ready[] = {"--ready", NULL};
    asks(none, "X=1", "http://127.0.0.1:8001/healthz");
    asks(ready, "X=1", "http://127.0.0.1:8001/readyz");
    asks(none, "RAFTD_LISTEN=0.0.0.0:9000", "http://127.0.0.1:9000/healthz");
    asks(none, "RAFTD_LISTEN=[::]:9000", "http://[::1]:9000/healthz");
    asks(none, "RAFTD_LISTEN=10.0.0.1:9000", "http://10.0.0.1:9000/healthz");
    asks(ready, "RAFTD_TLS_CERT=/etc/raftd/cert.pem", "https://127.0.0.1:8001/readyz");
}
END_TEST

START_TEST(a_url_given_is_asked) {
    const char *const url[] = {"http://node1:8001", NULL};
    const char *const both[] = {"http://node1:8001/", "--ready", NULL};
    asks(url, "RAFTD_LISTEN=0.0.0.0:9000", "http://node1:8001/healthz");
    asks(both, "X=1", "http://node1:8001/readyz");
    const char *const secure[] = {"https://node1:8001", NULL};
    asks(secure, "X=1", "https://node1:8001/healthz");
}
END_TEST

START_TEST(wrong_arguments_are_refused) {
    const char *const cases[][4] = {
        {"--redy", NULL}, {"http://a:1", "http://b:1", NULL}, {"node1", NULL}, {"", NULL}, {"http://a:1/x", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct health_request request = {.url = "untouched"};
        struct options_message message = {.text = ""};
        ck_assert_int_eq(read_request(cases[i], "X=1", &request, &message), OPTIONS_WRONG);
        ck_assert_str_ne(message.text, "");
        ck_assert_str_eq(request.url, "untouched");
    }
    struct health_request request;
    struct options_message message;
    const char *const none[] = {NULL};
    const char *const help[] = {"--help", NULL};
    ck_assert_int_eq(read_request(none, "RAFTD_LISTEN=8001", &request, &message), OPTIONS_WRONG);
    ck_assert_int_eq(read_request(help, "X=1", &request, &message), OPTIONS_HELP);
}
END_TEST

/* -- A node that gives one answer -- */

struct server {
    int listener;
    unsigned short port;
    const char *answer; /* Written and then closed. */
    char request[512];
    pthread_t thread;
};

static void *answer_once(void *context) {
    struct server *server = context;
    int connection = accept(server->listener, NULL, NULL);
    if (connection >= 0) {
        ssize_t got = read(connection, server->request, sizeof server->request - 1);
        server->request[got > 0 ? got : 0] = '\0';
        ssize_t written = write(connection, server->answer, strlen(server->answer));
        (void)written;
        close(connection);
    }
    return NULL;
}

static void open_server(struct server *server, const char *answer) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *server = (struct server){.listener = socket(AF_INET, SOCK_STREAM, 0), .answer = answer};
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(listen(server->listener, 1), 0);
    server->port = ntohs(address.sin_port);
}

static bool ask(struct server *server, char *line, size_t line_size) {
    struct health_request request = {.own = true};
    snprintf(request.url, sizeof request.url, "http://127.0.0.1:%u/healthz", server->port);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, answer_once, server), 0);
    bool well = health_ask(&request, line, line_size);
    pthread_join(server->thread, NULL);
    close(server->listener);
    return well;
}

START_TEST(a_200_is_well) {
    struct server server;
    char line[256];
    open_server(&server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nup");
    ck_assert(ask(&server, line, sizeof line));
    ck_assert_ptr_nonnull(strstr(line, "200 up"));
    ck_assert_int_eq(strncmp(server.request, "GET /healthz ", 13), 0);
}
END_TEST

START_TEST(anything_else_is_not_and_says_what_came) {
    struct server server;
    char line[256];
    open_server(&server, "HTTP/1.1 503 No\r\nContent-Length: 9\r\nConnection: close\r\n\r\nno\nleader");
    ck_assert(!ask(&server, line, sizeof line));
    ck_assert_ptr_nonnull(strstr(line, "503 no leader"));
    open_server(&server, "");
    ck_assert(!ask(&server, line, sizeof line));
    ck_assert_str_ne(line, "");
}
END_TEST

START_TEST(nobody_there_is_not_well) {
    struct server server;
    char line[256];
    open_server(&server, "");
    close(server.listener);
    struct health_request request = {.own = true};
    snprintf(request.url, sizeof request.url, "http://127.0.0.1:%u/healthz", server.port);
    ck_assert(!health_ask(&request, line, sizeof line));
    ck_assert_ptr_nonnull(strstr(line, "onnect"));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, without_a_url_the_node_of_this_machine_is_asked);
    tcase_add_test(tcase, a_url_given_is_asked);
    tcase_add_test(tcase, wrong_arguments_are_refused);
    tcase_add_test(tcase, a_200_is_well);
    tcase_add_test(tcase, anything_else_is_not_and_says_what_came);
    tcase_add_test(tcase, nobody_there_is_not_well);
}

CHECK_MAIN("health", add_tests)
