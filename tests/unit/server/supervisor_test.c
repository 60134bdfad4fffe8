#include "server/supervisor.h"

#include "tests/check_main.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What systemd holds. */
struct manager {
    char path[64]; /* As $NOTIFY_SOCKET names it. */
    int descriptor;
};

static struct manager manager_open(bool abstract) {
    struct manager manager;
    snprintf(manager.path, sizeof manager.path, "%s/tmp/raftd-supervisor-test-%ld", abstract ? "@" : "", (long)getpid());
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(manager.path);
    memcpy(address.sun_path, manager.path, size);
    if (abstract) {
        address.sun_path[0] = '\0';
    }
    manager.descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(manager.descriptor, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    ck_assert_int_eq(bind(manager.descriptor, (const struct sockaddr *)&address, length), 0);
    return manager;
}

static void manager_close(struct manager *manager) {
    close(manager->descriptor);
    if (manager->path[0] == '/') {
        unlink(manager->path);
    }
}

/* The next datagram; empty when there is none. */
static const char *heard(const struct manager *manager) {
    static char text[512];
    ssize_t size = recv(manager->descriptor, text, sizeof text - 1, 0);
    ck_assert(size >= 0 || errno == EAGAIN);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

static const char *own_process(void) {
    static char text[32];
    snprintf(text, sizeof text, "%ld", (long)getpid());
    return text;
}

START_TEST(without_a_manager_there_is_nothing_to_tell) {
    const char *const none[] = {NULL, "", "/", "@", "relative", "vsock:2:1234"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        ck_assert_ptr_null(supervisor_open(none[i], "1000000", NULL));
    }
    char long_path[200];
    memset(long_path, 'x', sizeof long_path);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    ck_assert_ptr_null(supervisor_open(long_path, NULL, NULL));
    supervisor_ready(NULL);
    supervisor_stopping(NULL);
    supervisor_status(NULL, "x");
    supervisor_turned(NULL, 1);
    ck_assert_uint_eq(supervisor_next_deadline_ms(NULL), UINT64_MAX);
    supervisor_close(NULL);
}
END_TEST

START_TEST(it_hears_of_the_start_the_state_and_the_end) {
    struct manager manager = manager_open(_i == 1);
    struct supervisor *supervisor = supervisor_open(manager.path, NULL, NULL);
    ck_assert_ptr_nonnull(supervisor);
    supervisor_ready(supervisor);
    ck_assert_str_eq(heard(&manager), "READY=1");
    supervisor_status(supervisor, "node 1 leads");
    ck_assert_str_eq(heard(&manager), "STATUS=node 1 leads");
    supervisor_status(supervisor, "node 1 leads");
    ck_assert_str_eq(heard(&manager), "");
    supervisor_status(supervisor, "node 1 follows");
    ck_assert_str_eq(heard(&manager), "STATUS=node 1 follows");
    supervisor_turned(supervisor, 1000);
    ck_assert_str_eq(heard(&manager), "");
    ck_assert_uint_eq(supervisor_next_deadline_ms(supervisor), UINT64_MAX);
    supervisor_stopping(supervisor);
    ck_assert_str_eq(heard(&manager), "STOPPING=1\nSTATUS=finishing what is in flight");
    supervisor_close(supervisor);
    manager_close(&manager);
}
END_TEST

START_TEST(a_long_status_is_cut_and_still_not_told_twice) {
    struct manager manager = manager_open(false);
    struct supervisor *supervisor = supervisor_open(manager.path, NULL, NULL);
    char line[2 * SUPERVISOR_STATUS_SIZE];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    supervisor_status(supervisor, line);
    ck_assert_uint_eq(strlen(heard(&manager)), strlen("STATUS=") + SUPERVISOR_STATUS_SIZE - 1);
    supervisor_status(supervisor, line);
    ck_assert_str_eq(heard(&manager), "");
    supervisor_close(supervisor);
    manager_close(&manager);
}
END_TEST

START_TEST(the_watchdog_is_answered_when_half_of_its_time_is_over) {
    struct manager manager = manager_open(false);
    struct supervisor *supervisor = supervisor_open(manager.path, "30000000", own_process());
    supervisor_turned(supervisor, 100);
    ck_assert_str_eq(heard(&manager), "WATCHDOG=1");
    ck_assert_uint_eq(supervisor_next_deadline_ms(supervisor), 15100);
    supervisor_turned(supervisor, 15099);
    ck_assert_str_eq(heard(&manager), "");
    supervisor_turned(supervisor, 15100);
    ck_assert_str_eq(heard(&manager), "WATCHDOG=1");
    supervisor_close(supervisor);
    manager_close(&manager);
}
END_TEST

START_TEST(a_watchdog_for_somebody_else_or_without_a_time_is_none) {
    struct manager manager = manager_open(false);
    const char *const wrong[][2] = {{"30000000", "1"}, {"30000000", "x"}, {NULL, NULL}, {"", NULL},
                                    {"-1", NULL},      {"1s", NULL},      {"0", NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct supervisor *supervisor = supervisor_open(manager.path, wrong[i][0], wrong[i][1]);
        ck_assert_ptr_nonnull(supervisor);
        supervisor_turned(supervisor, 100);
        ck_assert_str_eq(heard(&manager), "");
        ck_assert_uint_eq(supervisor_next_deadline_ms(supervisor), UINT64_MAX);
        supervisor_close(supervisor);
    }
    struct supervisor *supervisor = supervisor_open(manager.path, "1", NULL);
    supervisor_turned(supervisor, 100);
    ck_assert_str_eq(heard(&manager), "WATCHDOG=1");
    ck_assert_uint_eq(supervisor_next_deadline_ms(supervisor), 101);
    supervisor_close(supervisor);
    manager_close(&manager);
}
END_TEST

START_TEST(a_manager_that_is_gone_is_no_reason_to_end) {
    struct manager manager = manager_open(false);
    struct supervisor *supervisor = supervisor_open(manager.path, "30000000", NULL);
    manager_close(&manager);
    supervisor_ready(supervisor);
    supervisor_turned(supervisor, 1);
    supervisor_stopping(supervisor);
    supervisor_close(supervisor);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, without_a_manager_there_is_nothing_to_tell);
    tcase_add_loop_test(tcase, it_hears_of_the_start_the_state_and_the_end, 0, 2);
    tcase_add_test(tcase, a_long_status_is_cut_and_still_not_told_twice);
    tcase_add_test(tcase, the_watchdog_is_answered_when_half_of_its_time_is_over);
    tcase_add_test(tcase, a_watchdog_for_somebody_else_or_without_a_time_is_none);
    tcase_add_test(tcase, a_manager_that_is_gone_is_no_reason_to_end);
}

CHECK_MAIN("supervisor", add_tests)
