#include "server/reactor_parts.h"

#include "server/base/memory.h"
#include "server/intake_mark.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
    REACTOR_CONNECT_TIMEOUT_MS = 2000,
    REACTOR_FRAMING_BYTES =
        16 * 1024 * 1024 /* Of a peer's message around its commands: each has an index, a term and a type. */
};

uint64_t reactor_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

sigset_t reactor_ending_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

/* For what is measured: not counting a nap, which is nobody's work. */
static uint64_t measuring_us(void *context) {
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void fill_random(void *context, void *bytes, size_t size) {
    (void)context;
    char *at = bytes;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno != EINTR) {
            fprintf(stderr, "raftd: no random bytes: %s\n", strerror(errno));
            abort();
        }
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
}

/* -- What the parts say to each other through here -- */

static void wake(void *context) {
    const struct reactor *reactor = context;
    const uint64_t one = 1;
    ssize_t written = write(reactor->wake_descriptor, &one, sizeof one);
    (void)written; /* It fails only when the counter is full: the reactor wakes anyway. */
}

static void reply(void *context, uint64_t ticket, const struct message_answer *answer) {
    const struct reactor *reactor = context;
    api_reply(reactor->api, ticket, answer);
}

static void answered(void *context, uint64_t token, enum transport_end end, const struct message_answer *answer,
                     struct buffer *body, const char *why) {
    const struct reactor *reactor = context;
    node_answered(reactor->node, token, end, answer, body, why);
}

static uint64_t storage_bytes(void *context) {
    const struct reactor *reactor = context;
    return storage_size_bytes(reactor->storage);
}

static uint64_t snapshots_bytes(void *context) {
    const struct reactor *reactor = context;
    return snapshot_directory_size_bytes(reactor->snapshots);
}

static uint64_t disk_latency(void *context, double *out_p50_ms, double *out_p99_ms) {
    const struct reactor *reactor = context;
    return disk_threads_latency(reactor->disk, out_p50_ms, out_p99_ms);
}

static void disk_writes(void *context, struct histogram *out_durations) {
    const struct reactor *reactor = context;
    disk_threads_writes(reactor->disk, out_durations);
}

/* -- Life -- */

static bool fail(struct storage_message *out_message, const char *what) {
    snprintf(out_message->text, sizeof out_message->text, "%s: %s", what, strerror(errno));
    return false;
}

static bool open_descriptors(struct reactor *reactor, bool with_signals, struct storage_message *out_message) {
    sigset_t signals = reactor_ending_signals();
    reactor->signal_descriptor = with_signals ? signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC) : -1;
    reactor->wake_descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return ((reactor->signal_descriptor >= 0 || !with_signals) && reactor->wake_descriptor >= 0) ||
           fail(out_message, "no descriptors to wait with");
}

static bool open_snapshots(struct reactor *reactor, struct storage_message *out_message) {
    struct storage_state state;
    storage_state(reactor->storage, &state);
    return snapshot_directory_open(storage_directory(reactor->storage), &state.snapshot, &reactor->snapshots,
                                   out_message) == STORAGE_OK;
}

static bool start_io(struct reactor *reactor, struct storage_message *out_message) {
    const struct options *options = reactor->options;
    const struct peers_options peers_options = {
        .connect_timeout_ms = REACTOR_CONNECT_TIMEOUT_MS,
        .tls = reactor->tls != NULL ? tls_files(reactor->tls) : NULL,
        .answer_bytes_max = options->ndjson_bytes_max + REACTOR_FRAMING_BYTES,
    };
    reactor->peers = peers_create(&peers_options);
    reactor->disk = disk_threads_create(reactor->storage, wake, reactor);
    if (reactor->tokens != NULL) {
        peers_set_token(reactor->peers, tokens_peer(reactor->tokens));
    }
    return (reactor->peers != NULL && reactor->disk != NULL) || fail(out_message, "no threads or sockets to be had");
}

static bool start_node(struct reactor *reactor, uint64_t now_ms, struct storage_message *out_message) {
    const struct options *options = reactor->options;
    reactor->intake = intake_mark_read(storage_directory(reactor->storage));
    struct node_options node_options = {
        .id = options->id,
        .url = options->advertise_url,
        .client_url = options->client_url,
        .cluster = options->cluster,
        .join_url = options->join_url[0] == '\0' ? NULL : options->join_url,
        .discover = options->discover,
        .expect = (uint32_t)options->expect,
        .learner = options->learner,
        .replace = options->replace,
        .intake = reactor->intake,
        .machine = options->machine,
        .heartbeat_ms = options->heartbeat_ms,
        .election_timeout_ms = options->election_timeout_ms,
        .cache_bytes = options->cache_bytes,
        .queued_bytes_max = options->queued_bytes_max,
        .queued_commands_max = (uint32_t)options->queued_commands_max,
        .snapshot_entries = options->snapshot_entries,
    };
    fill_random(NULL, &node_options.seed, sizeof node_options.seed);
    const struct node_io io = {
        .transport = peers_transport(reactor->peers),
        .disk = disk_threads_interface(reactor->disk),
        .snapshots = reactor->snapshots,
        .reply = reply,
        .reply_context = reactor,
        .diagnostics = reactor->diagnostics,
        .random = fill_random,
        .clock_us = measuring_us,
    };
    peers_attach(reactor->peers, answered, reactor);
    reactor->node = node_create(&node_options, &io, reactor->storage, now_ms, out_message);
    return reactor->node != NULL;
}

static bool start_api(struct reactor *reactor, uint64_t now_ms, struct storage_message *out_message) {
    const struct options *options = reactor->options;
    const struct api_options api_options = {
        .listen_host = options->listen.host,
        .listen_port = options->listen.port,
        .advertise_url = options->advertise_url,
        .client_url = options->client_url,
        .allow_hosts = (const char *const *)options->allow_hosts,
        .allow_origins = (const char *const *)options->allow_origins,
        .tokens = reactor->tokens,
        .tls = reactor->tls,
        .audit = reactor->audit,
        .backups = reactor->backups,
        .command_bytes_max = options->command_bytes_max,
        .query_bytes_max = options->query_bytes_max,
        .ndjson_bytes_max = options->ndjson_bytes_max,
        .peer_bytes_max = options->ndjson_bytes_max + REACTOR_FRAMING_BYTES,
        .connections_max = (unsigned)options->connections_max,
        .machine_name = options->machine->name,
        .started_ms = now_ms,
    };
    const struct api_host host = {.context = reactor,
                                  .storage_bytes = storage_bytes,
                                  .snapshots_bytes = snapshots_bytes,
                                  .disk_latency = disk_latency,
                                  .disk_writes = disk_writes};
    reactor->api = api_create(&api_options, &host, reactor->node, reactor->peers, reactor->diagnostics, out_message);
    return reactor->api != NULL;
}

static bool start_lookup(struct reactor *reactor, struct storage_message *out_message) {
    if (reactor->options->discover == NULL) {
        return true;
    }
    reactor->lookup = lookup_create(reactor->options->discover, wake, reactor);
    return reactor->lookup != NULL || fail(out_message, "no thread to look names up with");
}

static bool start_backups(struct reactor *reactor, struct storage_message *out_message) {
    const struct options *options = reactor->options;
    if (options->backup_dir == NULL) {
        return true;
    }
    const struct backups_options backups_options = {
        .directory = options->backup_dir,
        .every_ms = options->backup_every_ms,
        .keep = options->backup_keep,
        .disk = disk_threads_interface(reactor->disk),
        .diagnostics = reactor->diagnostics,
    };
    struct storage_message why;
    reactor->backups = backups_create(&backups_options, &why);
    if (reactor->backups == NULL) {
        snprintf(out_message->text, sizeof out_message->text, "--backup-dir: %.400s", why.text);
    }
    return reactor->backups != NULL;
}

struct reactor *reactor_create(const struct options *options, const struct reactor_watched *watched,
                               struct storage *storage, const struct diagnostics *diagnostics, bool signals,
                               struct storage_message *out_message) {
    struct reactor *reactor = memory_zalloc(sizeof *reactor);
    *reactor = (struct reactor){.options = options,
                                .diagnostics = diagnostics,
                                .tokens = watched->tokens,
                                .tls = watched->tls,
                                .audit = watched->audit,
                                .storage = storage,
                                .wake_descriptor = -1,
                                .signal_descriptor = -1};
    uint64_t now_ms = reactor_clock_ms();
    if (!open_descriptors(reactor, signals, out_message) || !open_snapshots(reactor, out_message) ||
        !start_io(reactor, out_message) || !start_node(reactor, now_ms, out_message) ||
        !start_lookup(reactor, out_message) || !start_backups(reactor, out_message) ||
        !start_api(reactor, now_ms, out_message)) {
        reactor_destroy(reactor);
        return NULL;
    }
    return reactor;
}

void reactor_stop(struct reactor *reactor) {
    reactor->stopped = true;
    wake(reactor);
}

void reactor_destroy(struct reactor *reactor) {
    if (reactor == NULL) {
        return;
    }
    /* Whoever calls another part ends before it: the threads wake the reactor, the API asks node and peers, the node sends.
     */
    lookup_destroy(reactor->lookup);
    disk_threads_destroy(reactor->disk);
    if (reactor->api != NULL) {
        api_destroy(reactor->api);
    }
    backups_destroy(reactor->backups);
    node_destroy(reactor->node);
    snapshot_directory_close(reactor->snapshots);
    peers_destroy(reactor->peers);
    if (reactor->signal_descriptor >= 0) {
        close(reactor->signal_descriptor);
    }
    if (reactor->wake_descriptor >= 0) {
        close(reactor->wake_descriptor);
    }
    free(reactor);
}
