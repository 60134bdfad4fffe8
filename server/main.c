/* raftd: reads the options, opens the data directory, runs the reactor. Exit codes: 0 ended as asked, 1 the data directory
 * or the address cannot be used, 2 a wrong option, 3 the program that is the state machine failed. */
#include "server/diagnostics.h"
#include "server/doctor.h"
#include "server/health.h"
#include "server/inspect.h"
#include "server/machine/machine_exec.h"
#include "server/machine/machine_library.h"
#include "server/options.h"
#include "server/reactor.h"
#include "server/recover.h"
#include "server/restore.h"
#include "server/self.h"
#include "server/supervisor.h"

#include <curl/curl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    MAIN_UNUSABLE = 1,
    MAIN_WRONG_OPTION = 2,
    LOCK_WAIT_MS = 3000, /* For whoever uses the data directory to be gone. */
    LOCK_LOOK_MS = 20
};

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
        *out_code = MAIN_WRONG_OPTION;
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

/* Signals to end are read from a descriptor by the reactor, so that no thread is interrupted anywhere; a connection that
 * the other end closed is no reason to end. */
static void prepare_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void log_repair(void *context, const char *line) {
    diagnostics_write(context, DIAGNOSTICS_WARNING, "storage", "%s", line);
}

/* One line for people who may have several nodes on a machine: it names the directory. */
static void tell_unusable(const struct diagnostics *diagnostics, const char *data_dir, const char *message) {
    bool named = strstr(message, data_dir) != NULL;
    diagnostics_write(diagnostics, DIAGNOSTICS_ERROR, "storage", "%s%s%s", named ? "" : data_dir, named ? "" : ": ",
                      message);
}

/* A process that was killed a moment ago keeps its locks until the system has taken back its memory. */
static enum storage_error open_storage(const struct options *options, struct diagnostics *diagnostics,
                                       struct storage **out_storage, struct storage_message *out_message) {
    const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000000L};
    for (int waited_ms = 0;; waited_ms += LOCK_LOOK_MS) {
        enum storage_error error =
            storage_open(options->data_dir, options->id, log_repair, diagnostics, out_storage, out_message);
        if (error != STORAGE_LOCKED || waited_ms >= LOCK_WAIT_MS) {
            return error;
        }
        nanosleep(&pause, NULL);
    }
}

static bool restore(const struct options *options, struct storage *storage, const struct diagnostics *diagnostics,
                    struct storage_message *out_message) {
    const struct restore_request request = {
        .file = options->restore_file, .machine = options->machine, .cluster = &options->cluster, .id = options->id};
    return options->restore_file == NULL || restore_begin(&request, storage, diagnostics, out_message);
}

static int run_node(const struct options *options, const struct reactor_watched *watched) {
    struct diagnostics diagnostics = {
        .descriptor = STDERR_FILENO,
        .level = options->log_level,
        .json = options->log_json,
        .node_id = options->id,
    };
    struct storage *storage;
    struct storage_message message = {.text = ""};
    if (open_storage(options, &diagnostics, &storage, &message) != STORAGE_OK) {
        tell_unusable(&diagnostics, options->data_dir, message.text);
        return MAIN_UNUSABLE;
    }
    if (!restore(options, storage, &diagnostics, &message)) {
        diagnostics_write(&diagnostics, DIAGNOSTICS_ERROR, "restore", "%s", message.text);
        storage_close(storage);
        return MAIN_UNUSABLE;
    }
    struct reactor *reactor = reactor_create(options, watched, storage, &diagnostics, &message);
    if (reactor == NULL) {
        diagnostics_write(&diagnostics, DIAGNOSTICS_ERROR, "raftd", "%s", message.text);
        storage_close(storage);
        return MAIN_UNUSABLE;
    }
    diagnostics_write(&diagnostics, DIAGNOSTICS_INFO, "raftd",
                      "version %s, node %llu%s%s, listening on %s port %u as %s, data in %s, machine %s", RAFTD_VERSION,
                      (unsigned long long)options->id,
                      options->discover != NULL      ? ", found as "
                      : options->join_url[0] != '\0' ? ", which joins "
                                                     : "",
                      options->discover != NULL ? options->discover : options->join_url, options->listen.host,
                      options->listen.port, options->advertise_url, options->data_dir, options->machine->name);
    struct supervisor *supervisor =
        supervisor_open(getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
    reactor_run(reactor, supervisor);
    supervisor_close(supervisor);
    reactor_destroy(reactor);
    storage_close(storage);
    diagnostics_write(&diagnostics, DIAGNOSTICS_INFO, "raftd", "ended");
    return EXIT_SUCCESS;
}

static bool find_self(struct options *options) {
    struct storage_message message;
    bool found = self_find(options, &message);
    if (!found) {
        fprintf(stderr, "raftd: --discover: %s\n", message.text);
    }
    return found;
}

static bool open_machine(struct options *options) {
    const char *path = options->machine_path;
    const size_t prefix = strlen(MACHINE_EXEC_PREFIX);
    struct machine_library_message library;
    struct machine_exec_message program;
    const char *why = library.text;
    if (path == NULL) {
        return true;
    }
    if (strncmp(path, MACHINE_EXEC_PREFIX, prefix) == 0) {
        options->machine = machine_exec_open(path + prefix, &program);
        why = program.text;
    } else {
        options->machine = machine_library_open(path, &library);
    }
    if (options->machine == NULL) {
        fprintf(stderr, "raftd: --machine: %s\n", why);
    }
    return options->machine != NULL;
}

static bool open_tokens(const struct options *options, struct tokens **out_tokens) {
    if (options->token_file == NULL) {
        return true;
    }
    struct tokens_message message;
    *out_tokens = tokens_open(options->token_file, &message);
    if (*out_tokens == NULL) {
        fprintf(stderr, "raftd: --token-file: %s\n", message.text);
        return false;
    }
    if (tokens_peer(*out_tokens) == NULL &&
        (options->join_url[0] != '\0' || options->cluster.count > 1 || options->discover != NULL)) {
        fprintf(stderr, "raftd: --token-file: %s has no token with the role peer, which nodes need to call each other\n",
                options->token_file);
        return false;
    }
    return true;
}

static bool open_audit(const struct options *options, struct audit **out_audit) {
    if (options->audit_log == NULL) {
        return true;
    }
    struct audit_message message;
    *out_audit = audit_open(options->audit_log, options->id, &message);
    if (*out_audit == NULL) {
        fprintf(stderr, "raftd: --audit-log: %s\n", message.text);
    }
    return *out_audit != NULL;
}

static bool open_tls(const struct options *options, struct tls **out_tls) {
    if (options->tls_cert == NULL) {
        return true;
    }
    const struct tls_files files = {options->tls_cert, options->tls_key, options->tls_ca};
    struct tls_message message;
    *out_tls = tls_open(&files, &message);
    if (*out_tls == NULL) {
        fprintf(stderr, "raftd: TLS: %s\n", message.text);
    }
    return *out_tls != NULL;
}

int main(int argc, char **argv) {
    /* One arena for the reactor, which allocates nearly everything, and one for all other threads: more would only keep
     * memory from being used again. */
    mallopt(M_ARENA_MAX, 2);
    const char *const *arguments = (const char *const *)(argc > 0 ? argv + 1 : argv);
    const char *const *environment = (const char *const *)environ;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fprintf(stderr, "raftd: libcurl cannot be used\n");
        return MAIN_UNUSABLE;
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
        return MAIN_WRONG_OPTION;
    }
    close_up(&options);
    raise_descriptor_limit();
    prepare_signals();
    int code = MAIN_WRONG_OPTION;
    struct reactor_watched watched = {0};
    if (find_self(&options) && open_machine(&options) && open_tokens(&options, &watched.tokens) &&
        open_tls(&options, &watched.tls) && open_audit(&options, &watched.audit)) {
        code = run_node(&options, &watched);
    }
    audit_close(watched.audit);
    tls_close(watched.tls);
    tokens_close(watched.tokens);
    options_clear(&options);
    curl_global_cleanup();
    return code;
}
