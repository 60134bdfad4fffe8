#include "server/doctor.h"

#include "tests/check_main.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum options_end read_request(const char *const *arguments, const char *environment,
                                     struct doctor_request *request) {
    const char *const lines[] = {environment, NULL};
    struct options_message message = {.text = ""};
    enum options_end end = doctor_read(arguments, lines, request, &message);
    ck_assert((end == OPTIONS_WRONG) == (message.text[0] != '\0'));
    return end;
}

START_TEST(arguments_say_whom_to_ask_and_how_to_tell) {
    struct doctor_request request;
    const char *const none[] = {NULL};
    ck_assert_int_eq(read_request(none, "RAFTD_LISTEN=0.0.0.0:9000", &request), OPTIONS_RUN);
    ck_assert_str_eq(request.callee.base, "http://127.0.0.1:9000");
    ck_assert(request.callee.own && !request.json && request.token == NULL && request.token_file == NULL);
    const char *const all[] = {"--json", "--token-file", "/etc/tokens", "http://node1:8001/", NULL};
    ck_assert_int_eq(read_request(all, "RAFTD_TOKEN=t", &request), OPTIONS_RUN);
    ck_assert_str_eq(request.callee.base, "http://node1:8001");
    ck_assert(!request.callee.own && request.json && request.token == NULL);
    ck_assert_str_eq(request.token_file, "/etc/tokens");
    ck_assert_int_eq(read_request(none, "RAFTD_TOKEN=t", &request), OPTIONS_RUN);
    ck_assert_str_eq(request.token, "t");
    ck_assert_int_eq(read_request(none, "RAFTD_TOKEN_FILE=/f", &request), OPTIONS_RUN);
    ck_assert_str_eq(request.token_file, "/f");
    const char *const help[] = {"--help", NULL};
    ck_assert_int_eq(read_request(help, "X=1", &request), OPTIONS_HELP);
}
END_TEST

START_TEST(wrong_arguments_are_refused) {
    const char *const cases[][4] = {{"--jso", NULL},        {"http://a:1", "http://b:1", NULL},
                                    {"node1", NULL},        {"http://a:1/x", NULL},
                                    {"--token-file", NULL}, {"--token-file=", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct doctor_request request;
        ck_assert_int_eq(read_request(cases[i], "X=1", &request), OPTIONS_WRONG);
    }
}
END_TEST

/* -- A node that gives one answer -- */

struct server {
    int listener;
    unsigned short port;
    const char *body;
    const char *status;
    char request[1024];
    pthread_t thread;
};

static void *answer_once(void *context) {
    struct server *server = context;
    int connection = accept(server->listener, NULL, NULL);
    if (connection >= 0) {
        ssize_t got = read(connection, server->request, sizeof server->request - 1);
        server->request[got > 0 ? got : 0] = '\0';
        dprintf(connection, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", server->status,
                strlen(server->body), server->body);
        close(connection);
    }
    return NULL;
}

struct told {
    int code;
    char out[4096];
    char errors[1024];
};

static void run(struct doctor_request *request, struct told *told) {
    FILE *out = fmemopen(told->out, sizeof told->out, "w");
    FILE *errors = fmemopen(told->errors, sizeof told->errors, "w");
    memset(told->out, 0, sizeof told->out);
    memset(told->errors, 0, sizeof told->errors);
    told->code = doctor_run(request, out, errors);
    fclose(out);
    fclose(errors);
}

static void ask(struct doctor_request *request, const char *status, const char *body, struct server *server,
                struct told *told) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *server = (struct server){.listener = socket(AF_INET, SOCK_STREAM, 0), .status = status, .body = body};
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(listen(server->listener, 1), 0);
    snprintf(request->callee.base, sizeof request->callee.base, "http://127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_int_eq(pthread_create(&server->thread, NULL, answer_once, server), 0);
    run(request, told);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

static const char well[] =
    "{\"node\":1,\"leader\":2,\"term\":3,\"healthy\":true,\"findings\":[{\"severity\":\"hint\",\"code\":"
    "\"c\",\"node\":3,\"problem\":\"late\",\"evidence\":\"clock\",\"command\":\"set it\"}]}";
static const char ill[] =
    "{\"node\":1,\"leader\":2,\"term\":3,\"healthy\":false,\"findings\":[{\"severity\":\"problem\",\"code\":"
    "\"c\",\"node\":3,\"problem\":\"it is\\u001b[2J down\",\"evidence\":\"no answer\",\"command\":\"start it\"}]}";

START_TEST(what_is_wrong_is_told_and_the_exit_code_says_so) {
    struct doctor_request request = {.callee.own = true};
    struct server server;
    struct told told;
    ask(&request, "200 OK", ill, &server, &told);
    ck_assert_int_eq(told.code, DOCTOR_ILL);
    ck_assert_str_eq(told.out, "PROBLEM  it is [2J down\n         evidence: no answer\n         do:       start it\n");
    ck_assert_str_eq(told.errors, "");
    ck_assert_int_eq(strncmp(server.request, "GET /v1/doctor ", 15), 0);
    ck_assert_ptr_null(strstr(server.request, "Authorization"));
    ask(&request, "200 OK", well, &server, &told);
    ck_assert_int_eq(told.code, DOCTOR_WELL);
    ck_assert_str_eq(told.out, "HINT     late\n         evidence: clock\n         do:       set it\n"
                               "nothing wrong was found; node 2 leads\n");
}
END_TEST

START_TEST(programs_get_it_as_it_came) {
    struct doctor_request request = {.callee.own = true, .json = true};
    struct server server;
    struct told told;
    ask(&request, "200 OK", ill, &server, &told);
    ck_assert_int_eq(told.code, DOCTOR_ILL);
    ck_assert_uint_eq(strlen(told.out), strlen(ill) + 1);
    ck_assert_int_eq(strncmp(told.out, ill, strlen(ill)), 0);
}
END_TEST

START_TEST(no_answer_and_a_wrong_one_are_neither_well_nor_ill) {
    static const struct {
        const char *status;
        const char *body;
        const char *says;
    } cases[] = {{"404 Not Found", "{\"detail\":\"there is no such path\"}", "answered 404: there is no such path"},
                 {"401 Unauthorized", "no", "answered 401\n"},
                 {"200 OK", "{}", "something else"},
                 {"200 OK", "[]", "answered 200\n"},
                 {"200 OK", "{\"healthy\":true,\"findings\":7}", "something else"},
                 {"200 OK", "", "answered 200\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct doctor_request request = {.callee.own = true};
        struct server server;
        struct told told;
        ask(&request, cases[i].status, cases[i].body, &server, &told);
        ck_assert_int_eq(told.code, DOCTOR_NO_ANSWER);
        ck_assert_msg(strstr(told.errors, cases[i].says) != NULL, "%s", told.errors);
        ck_assert_str_eq(told.out, "");
    }
    struct doctor_request request = {.callee = {.base = "http://127.0.0.1:1"}};
    struct told told;
    run(&request, &told);
    ck_assert_int_eq(told.code, DOCTOR_NO_ANSWER);
    ck_assert_str_ne(told.errors, "");
}
END_TEST

START_TEST(the_smallest_token_that_may_read_is_sent) {
    char path[] = "/tmp/doctor-tokens-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    dprintf(file, "peer p-token\nadmin a-token\nwrite w-token\nwrite other-token\n");
    close(file);
    struct doctor_request request = {.callee.own = true, .token_file = path};
    struct server server;
    struct told told;
    ask(&request, "200 OK", well, &server, &told);
    ck_assert_ptr_nonnull(strstr(server.request, "Authorization: Bearer w-token\r\n"));
    request.token = "mine";
    ask(&request, "200 OK", well, &server, &told);
    ck_assert_ptr_nonnull(strstr(server.request, "Authorization: Bearer mine\r\n"));
    unlink(path);
    request.token = NULL;
    run(&request, &told);
    ck_assert_int_eq(told.code, DOCTOR_NO_ANSWER);
    ck_assert_ptr_nonnull(strstr(told.errors, path));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, arguments_say_whom_to_ask_and_how_to_tell);
    tcase_add_test(tcase, wrong_arguments_are_refused);
    tcase_add_test(tcase, what_is_wrong_is_told_and_the_exit_code_says_so);
    tcase_add_test(tcase, programs_get_it_as_it_came);
    tcase_add_test(tcase, no_answer_and_a_wrong_one_are_neither_well_nor_ill);
    tcase_add_test(tcase, the_smallest_token_that_may_read_is_sent);
}

CHECK_MAIN("doctor", add_tests)
