#include "server/reactor.h"

#include "server/intake_mark.h"
#include "server/reactor_parts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
    REACTOR_API_DESCRIPTORS = 8, /* More than the API has. */
    REACTOR_WAIT_MAX_MS = 60000, /* Nothing is due later than this without being looked at again. */
    REACTOR_SHUTDOWN_MAX_MS = 5000,
    REACTOR_REFRESH_MS = 1000 /* Between two looks at the files of tokens and certificates. */
};

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

static void begin_shutdown(struct reactor *reactor, const char *why) {
    diagnostics_write(reactor->diagnostics, DIAGNOSTICS_INFO, "raftd", "%s: finishing what is in flight", why);
    reactor->shutting_down = true;
    reactor->shutdown_deadline_ms = reactor_clock_ms() + REACTOR_SHUTDOWN_MAX_MS;
    supervisor_stopping(reactor->supervisor);
    node_shut_down(reactor->node);
    /* From here on a second signal ends the process at once, wherever it is: a disk that hangs would hold it for ever. */
    if (reactor->signal_descriptor >= 0) {
        sigset_t signals = reactor_ending_signals();
        pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    }
}

static void read_signal(struct reactor *reactor) {
    struct signalfd_siginfo info;
    if (read(reactor->signal_descriptor, &info, sizeof info) == (ssize_t)sizeof info && !reactor->shutting_down) {
        begin_shutdown(reactor, info.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
    }
}

static void await(struct reactor *reactor, int timeout_ms) {
    enum { OWN_DESCRIPTORS = 2 };
    struct curl_waitfd waits[OWN_DESCRIPTORS + REACTOR_API_DESCRIPTORS] = {
        {.fd = reactor->signal_descriptor, .events = CURL_WAIT_POLLIN}, /* -1 is passed over. */
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
    if (reactor->stopped && !reactor->shutting_down) {
        begin_shutdown(reactor, "stopped");
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
    uint64_t now_ms = reactor_clock_ms();
    reactor->supervisor = supervisor;
    supervisor_ready(supervisor);
    while (!finished(reactor, now_ms)) {
        node_tick(reactor->node, now_ms);
        refresh(reactor, now_ms);
        gather(reactor, now_ms);
        look_up(reactor);
        now_ms = reactor_clock_ms();
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
        now_ms = reactor_clock_ms();
    }
}
