/* raftd: what belongs to the process, and then raftd_run. Exit codes: 0 ended as asked, 1 the data directory
 * or the address cannot be used, 2 a wrong option, 3 the program that is the state machine failed. */
#include "server/doctor.h"
#include "server/health.h"
#include "server/inspect.h"
#include "server/options.h"
#include "server/raftd.h"
#include "server/recover.h"

#include <curl/curl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* How a subcommand's arguments were read. True: it is to be run; else `out_code` is how the process ends. */
static bool is_to_run(enum options_end end, const struct options_message *message, int *out_code) {
    switch (end) {
    case OPTIONS_RUN:
        return true;
    case OPTIONS_HELP:
        options_print_help(stdout);
        *out_code = EXIT_SUCCESS;
        return false;
    default:
        fprintf(stderr, "raftd: %s\n", message->text);
        *out_code = RAFTD_WRONG_OPTION;
        return false;
    }
}

static int run_health(const char *const *arguments, const char *const *environment) {
    struct health_request request;
    struct options_message message;
    int code;
    if (!is_to_run(health_read(arguments, environment, &request, &message), &message, &code)) {
        return code;
    }
    char line[1200];
    bool well = health_ask(&request, line, sizeof line);
    fprintf(well ? stdout : stderr, "%s\n", line);
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_doctor(const char *const *arguments, const char *const *environment) {
    struct doctor_request request;
    struct options_message message;
    int code;
    if (!is_to_run(doctor_read(arguments, environment, &request, &message), &message, &code)) {
        return code;
    }
    return doctor_run(&request, stdout, stderr);
}

static int run_inspect(const char *const *arguments, const char *const *environment) {
    struct inspect_request request;
    struct options_message message;
    int code;
    if (!is_to_run(inspect_read(arguments, environment, &request, &message), &message, &code)) {
        return code;
    }
    return inspect_run(&request) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_recover(const char *const *arguments, const char *const *environment) {
    struct recover_request request;
    struct options_message message;
    int code;
    if (!is_to_run(recover_read(arguments, environment, &request, &message), &message, &code)) {
        return code;
    }
    umask(0077);
    return recover_run(&request) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What raftd makes is its own user's alone, whatever the umask it was started with; nothing it runs may gain rights. Where
 * it holds tokens or a key, a crash writes no image of its memory. */
static void close_up(const struct options *options) {
    umask(0077);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (options->token_file != NULL || options->tls_key != NULL) {
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
    }
}

/* Each connection takes a descriptor, and the usual soft limit of 1,024 is less than --max-connections and the files need.
 */
static void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv) {
    /* One arena for the reactor, which allocates nearly everything, and one for all other threads: more would only keep
     * memory from being used again. */
    mallopt(M_ARENA_MAX, 2);
    const char *const *arguments = (const char *const *)(argc > 0 ? argv + 1 : argv);
    const char *const *environment = (const char *const *)environ;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fprintf(stderr, "raftd: libcurl cannot be used\n");
        return RAFTD_UNUSABLE;
    }
    if (arguments[0] != NULL && strcmp(arguments[0], "health") == 0) {
        return run_health(arguments + 1, environment);
    }
    if (arguments[0] != NULL && strcmp(arguments[0], "doctor") == 0) {
        return run_doctor(arguments + 1, environment);
    }
    if (arguments[0] != NULL && strcmp(arguments[0], "inspect") == 0) {
        return run_inspect(arguments + 1, environment);
    }
    if (arguments[0] != NULL && strcmp(arguments[0], "recover") == 0) {
        return run_recover(arguments + 1, environment);
    }
    struct options options;
    struct options_message message;
    switch (options_read(arguments, environment, &options, &message)) {
    case OPTIONS_RUN:
        break;
    case OPTIONS_HELP:
        options_print_help(stdout);
        return EXIT_SUCCESS;
    case OPTIONS_VERSION:
        printf("raftd %s\n", RAFTD_VERSION);
        return EXIT_SUCCESS;
    case OPTIONS_WRONG:
        fprintf(stderr, "raftd: %s\n", message.text);
        return RAFTD_WRONG_OPTION;
    }
    close_up(&options);
    raise_descriptor_limit();
    options_clear(&options);
    signal(SIGPIPE, SIG_IGN); /* A connection that the other end closed is no reason to end. */
    const struct raftd_options node = {.size = sizeof node, .arguments = arguments, .environment = environment};
    char why[RAFTD_MESSAGE_SIZE];
    enum raftd_end end = raftd_run(&node, why, sizeof why);
    if (end == RAFTD_WRONG_OPTION) {
        fprintf(stderr, "raftd: %s\n", why);
    }
    curl_global_cleanup();
    return (int)end;
}
