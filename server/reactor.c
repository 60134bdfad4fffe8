#include "server/reactor.h"

#include "api/api.h"
#include "server/backups.h"
#include "server/base/memory.h"
#include "server/disk.h"
#include "server/lookup.h"
#include "server/node.h"
#include "server/peers.h"
#include "server/intake_mark.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
    REACTOR_API_DESCRIPTORS = 8, /* More than the API has. */
    REACTOR_WAIT_MAX_MS = 60000, /* Nothing is due later than this without being looked at again. */
    REACTOR_SHUTDOWN_MAX_MS = 5000,
    REACTOR_REFRESH_MS = 1000, /* Between two looks at the files of tokens and certificates. */
    REACTOR_CONNECT_TIMEOUT_MS = 2000,
    REACTOR_FRAMING_BYTES =
        16 * 1024 * 1024 /* Of a peer's message around its commands: each has an index, a term and a type. */
};

struct reactor {
    const struct options *options;         /* Borrowed. */
    const struct diagnostics *diagnostics; /* Borrowed. */
    struct tokens *tokens;                 /* Borrowed; may be NULL. */
    struct tls *tls;                       /* Borrowed; may be NULL. */
    struct audit *audit;                   /* Borrowed; may be NULL. */
    uint64_t audited;                      /* Of the node's events, so many stand in it. */
    struct storage *storage;               /* Borrowed. */
    struct snapshot_directory *snapshots;
    struct peers *peers;
    struct disk_threads *disk;
    struct node *node;
    struct backups *backups; /* NULL: no --backup-dir. */
    struct lookup *lookup;   /* NULL: no --discover. */
    struct api *api;
    int wake_descriptor;     /* The disk's threads write here. */
    int signal_descriptor;   /* SIGTERM and SIGINT arrive here. */
    enum node_intake intake; /* What the data directory keeps in mind (server/intake_mark.h). */
    bool shutting_down;
    bool ending; /* Leadership is handed over, nobody new is let in. */
    uint64_t shutdown_deadline_ms;
    uint64_t refresh_ms;           /* When the files of tokens and certificates are looked at next. */
    struct supervisor *supervisor; /* Borrowed while running; may be NULL. */
};

/* Monotonic, and counting while the machine is suspended: a lease must not outlive a nap. */
static uint64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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

static void written(void *context, uint64_t number) {
    const struct reactor *reactor = context;
    node_written(reactor->node, number);
}

static void room(void *context, const struct storage_room *told) {
    const struct reactor *reactor = context;
    node_room(reactor->node, told);
}

static void entries_read(void *context, uint64_t token, struct raft_entry *entries, size_t count, struct buffer *buffer) {
    const struct reactor *reactor = context;
    node_entries_read(reactor->node, token, entries, count, buffer);
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

static sigset_t ending_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

static bool open_descriptors(struct reactor *reactor, struct storage_message *out_message) {
    sigset_t signals = ending_signals();
    reactor->signal_descriptor = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    reactor->wake_descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return (reactor->signal_descriptor >= 0 && reactor->wake_descriptor >= 0) ||
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
                               struct storage *storage, const struct diagnostics *diagnostics,
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
    uint64_t now_ms = clock_ms();
    if (!open_descriptors(reactor, out_message) || !open_snapshots(reactor, out_message) ||
        !start_io(reactor, out_message) || !start_node(reactor, now_ms, out_message) ||
        !start_lookup(reactor, out_message) || !start_backups(reactor, out_message) ||
        !start_api(reactor, now_ms, out_message)) {
        reactor_destroy(reactor);
        return NULL;
    }
    return reactor;
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

/* -- The loop -- */

static void gather(struct reactor *reactor, uint64_t now_ms) {
    const struct disk_ends ends = {.context = reactor, .written = written, .room = room, .entries_read = entries_read};
    peers_run(reactor->peers); /* First, because what the last turn sent leaves here. */
    disk_threads_collect(reactor->disk, &ends);
    api_run(reactor->api, now_ms);
}

/* Of tokens or certificates, which may change, or of an audit log, which may be moved. */
static bool has_files(const struct reactor *reactor) {
    return reactor->tokens != NULL || reactor->tls != NULL || reactor->audit != NULL;
}

static void refresh(struct reactor *reactor, uint64_t now_ms) {
    if (!has_files(reactor) || now_ms < reactor->refresh_ms) {
        return;
    }
    reactor->refresh_ms = now_ms + REACTOR_REFRESH_MS;
    if (reactor->tls != NULL) {
        audit_refreshed(reactor->audit, "certificates",
                        tls_refresh(reactor->tls, now_ms, (int64_t)time(NULL), reactor->diagnostics));
    }
    if (reactor->tokens != NULL) {
        enum refreshed refreshed = tokens_refresh(reactor->tokens, reactor->diagnostics);
        if (refreshed == REFRESHED) {
            peers_set_token(reactor->peers, tokens_peer(reactor->tokens));
        }
        audit_refreshed(reactor->audit, "tokens", refreshed);
    }
    audit_refresh(reactor->audit, now_ms, reactor->diagnostics);
}

/* Looks up who there is, when the node searches. */
static void look_up(struct reactor *reactor) {
    if (reactor->lookup == NULL) {
        return;
    }
    struct lookup_found found;
    if (lookup_take(reactor->lookup, &found)) {
        const char *urls[LOOKUP_MAX];
        for (size_t i = 0; i < found.count; i++) {
            urls[i] = found.urls[i];
        }
        node_found(reactor->node, urls, found.count, found.why);
    }
    if (node_searches(reactor->node)) {
        lookup_begin(reactor->lookup);
    }
}

/* What has happened since the last turn. */
static void audit_events(struct reactor *reactor) {
    if (reactor->audit == NULL) {
        return;
    }
    struct chronicle_event event;
    while (node_event(reactor->node, &reactor->audited, &event)) {
        audit_event(reactor->audit, chronicle_kind_name(event.kind), event.term, event.subject);
    }
}

static void tell_supervisor(struct reactor *reactor, uint64_t now_ms) {
    supervisor_turned(reactor->supervisor, now_ms);
    if (reactor->supervisor == NULL || reactor->shutting_down) {
        return;
    }
    struct node_brief brief;
    node_brief(reactor->node, &brief);
    char line[SUPERVISOR_STATUS_SIZE];
    int size = snprintf(line, sizeof line, "node %" PRIu64 " ", brief.id);
    char *rest = line + size;
    size_t room = sizeof line - (size_t)size;
    if (brief.cluster_id[0] == '\0') {
        snprintf(rest, room, "belongs to no cluster yet");
    } else if (brief.leader == 0) {
        snprintf(rest, room, "knows no leader in term %" PRIu64, brief.term);
    } else if (brief.leader == brief.id) {
        snprintf(rest, room, "leads in term %" PRIu64, brief.term);
    } else {
        snprintf(rest, room, "follows node %" PRIu64 " in term %" PRIu64, brief.leader, brief.term);
    }
    supervisor_status(reactor->supervisor, line);
}

/* How long nothing needs to be done unless a descriptor becomes ready. */
static int wait_ms(const struct reactor *reactor, uint64_t now_ms) {
    uint64_t deadline_ms = node_next_deadline_ms(reactor->node);
    uint64_t wait = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    uint64_t api_wait = api_timeout_ms(reactor->api, now_ms);
    wait = api_wait < wait ? api_wait : wait;
    uint64_t supervisor_due_ms = supervisor_next_deadline_ms(reactor->supervisor);
    uint64_t supervisor_wait = supervisor_due_ms > now_ms ? supervisor_due_ms - now_ms : 0;
    wait = supervisor_wait < wait ? supervisor_wait : wait;
    uint64_t backup_due_ms = backups_deadline_ms(reactor->backups);
    uint64_t backup_wait = backup_due_ms > now_ms ? backup_due_ms - now_ms : 0;
    wait = backup_wait < wait ? backup_wait : wait;
    if (has_files(reactor)) {
        uint64_t left = reactor->refresh_ms > now_ms ? reactor->refresh_ms - now_ms : 0;
        wait = left < wait ? left : wait;
    }
    if (reactor->shutting_down) {
        uint64_t left = reactor->shutdown_deadline_ms > now_ms ? reactor->shutdown_deadline_ms - now_ms : 0;
        wait = left < wait ? left : wait;
    }
    return wait < REACTOR_WAIT_MAX_MS ? (int)wait : REACTOR_WAIT_MAX_MS;
}

static void begin_shutdown(struct reactor *reactor, int signal_number) {
    diagnostics_write(reactor->diagnostics, DIAGNOSTICS_INFO, "raftd", "%s: finishing what is in flight",
                      signal_number == SIGINT ? "SIGINT" : "SIGTERM");
    reactor->shutting_down = true;
    reactor->shutdown_deadline_ms = clock_ms() + REACTOR_SHUTDOWN_MAX_MS;
    supervisor_stopping(reactor->supervisor);
    node_shut_down(reactor->node);
    /* From here on a second signal ends the process at once, wherever it is: a disk that hangs would hold it for ever. */
    sigset_t signals = ending_signals();
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

static void read_signal(struct reactor *reactor) {
    struct signalfd_siginfo info;
    if (read(reactor->signal_descriptor, &info, sizeof info) == (ssize_t)sizeof info && !reactor->shutting_down) {
        begin_shutdown(reactor, (int)info.ssi_signo);
    }
}

static void await(struct reactor *reactor, int timeout_ms) {
    enum { OWN_DESCRIPTORS = 2 };
    struct curl_waitfd waits[OWN_DESCRIPTORS + REACTOR_API_DESCRIPTORS] = {
        {.fd = reactor->signal_descriptor, .events = CURL_WAIT_POLLIN},
        {.fd = reactor->wake_descriptor, .events = CURL_WAIT_POLLIN},
    };
    int descriptors[REACTOR_API_DESCRIPTORS];
    unsigned count = api_descriptors(reactor->api, descriptors, REACTOR_API_DESCRIPTORS);
    assert(count <= REACTOR_API_DESCRIPTORS);
    for (unsigned i = 0; i < count; i++) {
        waits[OWN_DESCRIPTORS + i] = (struct curl_waitfd){.fd = descriptors[i], .events = CURL_WAIT_POLLIN};
    }
    peers_wait(reactor->peers, waits, OWN_DESCRIPTORS + count, timeout_ms);
    if (waits[1].revents != 0) {
        uint64_t woken;
        ssize_t got = read(reactor->wake_descriptor, &woken, sizeof woken);
        (void)got; /* That it woke is all that counts. */
    }
    if (waits[0].revents != 0) {
        read_signal(reactor);
    }
}

/* The next leader, and those who vote for it, may have to open connections to this node: no more are taken only when
 * leadership is handed over. True in the turn in which that is so. */
static bool end_when_handed_over(struct reactor *reactor) {
    if (!reactor->shutting_down || reactor->ending || !node_may_end(reactor->node)) {
        return false;
    }
    reactor->ending = true;
    api_stop_accepting(reactor->api);
    return true;
}

static bool finished(const struct reactor *reactor, uint64_t now_ms) {
    return reactor->shutting_down &&
           ((reactor->ending && api_idle(reactor->api)) || now_ms >= reactor->shutdown_deadline_ms);
}

void reactor_run(struct reactor *reactor, struct supervisor *supervisor) {
    uint64_t now_ms = clock_ms();
    reactor->supervisor = supervisor;
    supervisor_ready(supervisor);
    while (!finished(reactor, now_ms)) {
        node_tick(reactor->node, now_ms);
        refresh(reactor, now_ms);
        gather(reactor, now_ms);
        look_up(reactor);
        now_ms = clock_ms();
        node_turn(reactor->node, now_ms);
        if (!reactor->shutting_down) {
            backups_turn(reactor->backups, reactor->node, now_ms);
        }
        audit_events(reactor);
        tell_supervisor(reactor, now_ms);
        if (reactor->intake != NODE_INTAKE_NONE && !node_is_taking_in(reactor->node)) {
            reactor->intake = NODE_INTAKE_NONE;
            intake_mark_remove(storage_directory(reactor->storage), reactor->diagnostics);
        }
        bool at_once = end_when_handed_over(reactor) || finished(reactor, now_ms) || node_has_work(reactor->node);
        await(reactor, at_once ? 0 : wait_ms(reactor, now_ms));
        now_ms = clock_ms();
    }
}
