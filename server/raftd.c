#include "server/raftd.h"

#include "server/base/memory.h"
#include "server/diagnostics.h"
#include "server/machine/machine_exec.h"
#include "server/machine/machine_guard.h"
#include "server/machine/machine_library.h"
#include "server/machine_mark.h"
#include "server/options.h"
#include "server/reactor.h"
#include "server/restore.h"
#include "server/self.h"
#include "server/supervisor.h"

#include "storage/given_store.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LOCK_WAIT_MS = 3000, /* For whoever uses the data directory to be gone. */
    LOCK_LOOK_MS = 20
};

struct raftd {
    struct options options;
    struct diagnostics diagnostics;
    struct reactor_watched watched; /* Owned. */
    struct storage *storage;
    struct reactor *reactor;
    pthread_t thread;
    bool global; /* libcurl was told of us. */
    char message[RAFTD_MESSAGE_SIZE];
};

/* Nodes of a process begin one after the other: machines are loaded once, and certificates serve one node. */
static pthread_mutex_t beginning = PTHREAD_MUTEX_INITIALIZER;
static bool tls_in_use;

static enum raftd_end fail(struct raftd *node, enum raftd_end end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum raftd_end fail(struct raftd *node, enum raftd_end end, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(node->message, sizeof node->message, format, arguments);
    va_end(arguments);
    return end;
}

/* -- What the options name -- */

static enum raftd_end open_machine(struct raftd *node, const struct machine *given) {
    const char *path = node->options.machine_path;
    const size_t prefix = strlen(MACHINE_EXEC_PREFIX);
    struct machine_library_message library;
    struct machine_exec_message program;
    const struct machine **machine = &node->options.machine;
    if (given != NULL) {
        *machine = machine_library_take(given, &library);
        return *machine != NULL ? RAFTD_ENDED : fail(node, RAFTD_WRONG_OPTION, "%s", library.text);
    }
    if (path == NULL) {
        return RAFTD_ENDED;
    }
    if (strncmp(path, MACHINE_EXEC_PREFIX, prefix) == 0) {
        if (machine_guard_taken()) {
            return fail(node, RAFTD_WRONG_OPTION, "--machine: %s: a process runs one machine, and a program once", path);
        }
        *machine = machine_exec_open(path + prefix, &program);
        return *machine != NULL ? RAFTD_ENDED : fail(node, RAFTD_WRONG_OPTION, "--machine: %s", program.text);
    }
    *machine = machine_library_open(path, &library);
    return *machine != NULL ? RAFTD_ENDED : fail(node, RAFTD_WRONG_OPTION, "--machine: %s", library.text);
}

/* Who and where it is, where it was told neither. */
static enum raftd_end find_self(struct raftd *node) {
    struct storage_message message;
    bool found = self_find(&node->options, &message);
    node->diagnostics.node_id = node->options.id;
    return found ? RAFTD_ENDED : fail(node, RAFTD_WRONG_OPTION, "--discover: %s", message.text);
}

static enum raftd_end open_tokens(struct raftd *node) {
    const struct options *options = &node->options;
    if (options->token_file == NULL) {
        return RAFTD_ENDED;
    }
    struct tokens_message message;
    node->watched.tokens = tokens_open(options->token_file, &message);
    if (node->watched.tokens == NULL) {
        return fail(node, RAFTD_WRONG_OPTION, "--token-file: %s", message.text);
    }
    if (tokens_peer(node->watched.tokens) == NULL &&
        (options->join_url[0] != '\0' || options->cluster.count > 1 || options->discover != NULL)) {
        return fail(node, RAFTD_WRONG_OPTION,
                    "--token-file: %s has no token with the role peer, which nodes need to call each other",
                    options->token_file);
    }
    return RAFTD_ENDED;
}

static enum raftd_end open_tls(struct raftd *node) {
    const struct tls_files files = {node->options.tls_cert, node->options.tls_key, node->options.tls_ca};
    struct tls_message message;
    if (files.certificate == NULL) {
        return RAFTD_ENDED;
    }
    if (tls_in_use) {
        return fail(node, RAFTD_WRONG_OPTION, "TLS: another node of this process has it, and there is one of those");
    }
    node->watched.tls = tls_open(&files, &message);
    tls_in_use = node->watched.tls != NULL;
    return node->watched.tls != NULL ? RAFTD_ENDED : fail(node, RAFTD_WRONG_OPTION, "TLS: %s", message.text);
}

static enum raftd_end open_audit(struct raftd *node) {
    struct audit_message message;
    if (node->options.audit_log == NULL) {
        return RAFTD_ENDED;
    }
    node->watched.audit = audit_open(node->options.audit_log, node->options.id, &message);
    return node->watched.audit != NULL ? RAFTD_ENDED : fail(node, RAFTD_WRONG_OPTION, "--audit-log: %s", message.text);
}

/* -- The data directory -- */

static void log_repair(void *context, const char *line) {
    diagnostics_write(context, DIAGNOSTICS_WARNING, "storage", "%s", line);
}

static enum raftd_end unusable(struct raftd *node, const char *part, const char *why) {
    diagnostics_write(&node->diagnostics, DIAGNOSTICS_ERROR, part, "%s", why);
    return fail(node, RAFTD_UNUSABLE, "%s", why);
}

/* A process that was killed a moment ago keeps its locks until the system has taken back its memory. One line for people
 * who may have several nodes on a machine: it names the directory. */
static enum raftd_end open_storage(struct raftd *node, const struct raftd_options *given) {
    const struct timespec pause = {.tv_nsec = LOCK_LOOK_MS * 1000000L};
    const char *directory = node->options.data_dir;
    struct storage_message message = {.text = ""};
    enum storage_error error;
    for (int waited_ms = 0;; waited_ms += LOCK_LOOK_MS) {
        error =
            given->log == NULL
                ? storage_open(directory, node->options.id, log_repair, &node->diagnostics, &node->storage, &message)
                : given_store_open(given->log, given->log_context, directory, node->options.id, &node->storage, &message);
        if (error != STORAGE_LOCKED || waited_ms >= LOCK_WAIT_MS) {
            break;
        }
        nanosleep(&pause, NULL);
    }
    if (error == STORAGE_OK) {
        return RAFTD_ENDED;
    }
    node->storage = NULL;
    char line[RAFTD_MESSAGE_SIZE];
    bool named = strstr(message.text, directory) != NULL;
    snprintf(line, sizeof line, "%.600s%s%s", named ? "" : directory, named ? "" : ": ", message.text);
    return unusable(node, "storage", line);
}

static enum raftd_end check_machine(struct raftd *node) {
    struct storage_message message;
    struct storage_state state;
    storage_state(node->storage, &state);
    bool fits = machine_mark_check(storage_directory(node->storage), state.last.index > 0, node->options.machine->name,
                                   &node->diagnostics, &message);
    return fits ? RAFTD_ENDED : unusable(node, "raftd", message.text);
}

static enum raftd_end restore(struct raftd *node) {
    const struct options *options = &node->options;
    const struct restore_request request = {
        .file = options->restore_file, .machine = options->machine, .cluster = &options->cluster, .id = options->id};
    struct storage_message message = {.text = ""};
    bool done = options->restore_file == NULL || restore_begin(&request, node->storage, &node->diagnostics, &message);
    return done ? RAFTD_ENDED : unusable(node, "restore", message.text);
}

/* -- Life -- */

static enum raftd_end build(struct raftd *node, bool signals) {
    const struct options *options = &node->options;
    struct storage_message message = {.text = ""};
    node->reactor = reactor_create(options, &node->watched, node->storage, &node->diagnostics, signals, &message);
    if (node->reactor == NULL) {
        return unusable(node, "raftd", message.text);
    }
    diagnostics_write(&node->diagnostics, DIAGNOSTICS_INFO, "raftd",
                      "version %s, node %llu%s%s, listening on %s port %u as %s, data in %s, machine %s", RAFTD_VERSION,
                      (unsigned long long)options->id,
                      options->discover != NULL      ? ", found as "
                      : options->join_url[0] != '\0' ? ", which joins "
                                                     : "",
                      options->discover != NULL ? options->discover : options->join_url, options->listen.host,
                      options->listen.port, options->advertise_url, options->data_dir, options->machine->name);
    return RAFTD_ENDED;
}

static enum raftd_end read_options(struct raftd *node, const struct raftd_options *given) {
    static const char *const none[] = {NULL};
    struct options_message message;
    switch (options_read(given->arguments != NULL ? given->arguments : none,
                         given->environment != NULL ? given->environment : none, &node->options, &message)) {
    case OPTIONS_RUN:
        break;
    case OPTIONS_WRONG:
        return fail(node, RAFTD_WRONG_OPTION, "%s", message.text);
    default:
        return fail(node, RAFTD_WRONG_OPTION, "--help and --version are the program's, not a node's");
    }
    node->diagnostics = (struct diagnostics){
        .descriptor = STDERR_FILENO,
        .level = node->options.log_level,
        .json = node->options.log_json,
        .node_id = node->options.id,
    };
    return RAFTD_ENDED;
}

static enum raftd_end begin(struct raftd *node, const struct raftd_options *given, bool signals) {
    if (given == NULL || given->size != sizeof *given) {
        return fail(node, RAFTD_WRONG_OPTION, "the options are not those of this libraftd: is size set?");
    }
    node->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    enum raftd_end end = node->global ? read_options(node, given) : fail(node, RAFTD_UNUSABLE, "libcurl cannot be used");
    enum raftd_end (*const steps[])(struct raftd *) = {open_tokens, open_tls, open_audit};
    end = end == RAFTD_ENDED ? find_self(node) : end;
    end = end == RAFTD_ENDED ? open_machine(node, given->machine) : end;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && end == RAFTD_ENDED; i++) {
        end = steps[i](node);
    }
    end = end == RAFTD_ENDED ? open_storage(node, given) : end;
    end = end == RAFTD_ENDED ? check_machine(node) : end;
    end = end == RAFTD_ENDED ? restore(node) : end;
    return end == RAFTD_ENDED ? build(node, signals) : end;
}

/* What there is of it. */
static void finish(struct raftd *node) {
    reactor_destroy(node->reactor);
    storage_close(node->storage);
    audit_close(node->watched.audit);
    if (node->watched.tls != NULL) {
        pthread_mutex_lock(&beginning);
        tls_close(node->watched.tls);
        tls_in_use = false;
        pthread_mutex_unlock(&beginning);
    }
    tokens_close(node->watched.tokens);
    if (node->reactor != NULL) {
        diagnostics_write(&node->diagnostics, DIAGNOSTICS_INFO, "raftd", "ended");
    }
    options_clear(&node->options);
    if (node->global) {
        curl_global_cleanup();
    }
}

static void tell(const struct raftd *node, char *message, size_t size) {
    if (message != NULL && size > 0) {
        snprintf(message, size, "%s", node->message);
    }
}

enum raftd_end raftd_run(const struct raftd_options *options, char *message, size_t message_size) {
    struct raftd node = {.message = ""};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    pthread_mutex_lock(&beginning);
    enum raftd_end end = begin(&node, options, true);
    pthread_mutex_unlock(&beginning);
    if (end == RAFTD_ENDED) {
        struct supervisor *supervisor =
            supervisor_open(getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));
        reactor_run(node.reactor, supervisor);
        supervisor_close(supervisor);
    }
    finish(&node);
    tell(&node, message, message_size);
    return end;
}

static void *run(void *context) {
    struct raftd *node = context;
    reactor_run(node->reactor, NULL);
    return NULL;
}

struct raftd *raftd_start(const struct raftd_options *options, char *message, size_t message_size,
                          enum raftd_end *out_end) {
    struct raftd *node = memory_zalloc(sizeof *node);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* Its threads inherit this. */
    pthread_mutex_lock(&beginning);
    enum raftd_end end = begin(node, options, false);
    pthread_mutex_unlock(&beginning);
    if (end == RAFTD_ENDED && pthread_create(&node->thread, NULL, run, node) != 0) {
        end = unusable(node, "raftd", "no thread to be had");
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (out_end != NULL) {
        *out_end = end;
    }
    tell(node, message, message_size);
    if (end != RAFTD_ENDED) {
        finish(node);
        free(node);
        return NULL;
    }
    return node;
}

void raftd_stop(struct raftd *node) {
    if (node == NULL) {
        return;
    }
    reactor_stop(node->reactor);
    pthread_join(node->thread, NULL);
    finish(node);
    free(node);
}
