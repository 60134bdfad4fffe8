#include "api/watch.h"

#include "api/answer.h"
#include "api/http.h"

#include "server/base/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Buffers above this are not kept while nothing waits to be sent. */
enum { BUFFER_KEPT_MAX = 4096 };
#define UNSENT_UNKNOWN SIZE_MAX

struct watch {
    struct request *request; /* Borrowed; it holds the watch as its state. */
    struct json_writer out;  /* Events as they are sent; of these */
    size_t sent;             /* so many bytes are with the HTTP library. */
    size_t unsent;           /* With the system, and not with the reader, at the last check; or UNSENT_UNKNOWN. */
    uint64_t moved_ms;       /* When the reader last took something, or had nothing to take. */
    uint64_t written_ms;     /* When something was last written for it. */
    bool paused;             /* The node waits for room. */
    bool ended;              /* Nothing follows on what is in `out`. */
};

/* -- Writing -- */

static size_t pending(const struct watch *watch) {
    return watch->out.size - watch->sent;
}

static void write_text(struct watch *watch, const char *text) {
    json_write_bytes(&watch->out, text, strlen(text));
}

static void write_number(struct watch *watch, const char *name, uint64_t number) {
    json_write_name(&watch->out, name);
    json_write_uint64(&watch->out, number);
}

static void begin_event(struct watch *watch) {
    uint64_t now_ms = watch->request->api->now_ms;
    watch->written_ms = now_ms;
    if (pending(watch) == 0) {
        watch->moved_ms = now_ms;
    }
    if (watch->sent > 0) {
        memmove(watch->out.data, watch->out.data + watch->sent, pending(watch));
        watch->out.size -= watch->sent;
        watch->sent = 0;
    }
}

/* An event ends with an empty line. */
static void end_event(struct watch *watch) {
    write_text(watch, "\n\n");
    http_resume(watch->request);
}

static void write_comment(struct watch *watch, const char *text) {
    begin_event(watch);
    write_text(watch, text);
    end_event(watch);
}

static bool command(void *context, const struct raft_entry *entry) {
    struct watch *watch = context;
    struct json_writer *out = &watch->out;
    assert(!watch->ended);
    begin_event(watch);
    write_text(watch, "event: command\nid: ");
    json_write_uint64(out, entry->id.index);
    write_text(watch, "\ndata: ");
    json_write_object_begin(out);
    write_number(watch, "index", entry->id.index);
    write_number(watch, "term", entry->id.term);
    json_write_name(out, "command");
    json_write_value_one_line(out, (struct json_span){entry->data, entry->size});
    struct origin origin = origin_of_entry(entry);
    origin_write_members(&origin, out);
    json_write_object_end(out);
    end_event(watch);
    watch->paused = pending(watch) >= WATCH_PENDING_MAX;
    return !watch->paused;
}

static void write_end(struct watch *watch, const struct problem *problem, raft_index first_index) {
    assert(!watch->ended);
    begin_event(watch);
    write_text(watch, "event: end\ndata: ");
    answer_problem_body(watch->request, problem, problem_status(problem->code), first_index != 0 ? "first_index" : NULL,
                        first_index, &watch->out);
    watch->ended = true;
    watch->paused = false;
    watch->moved_ms = watch->request->api->now_ms; /* The last word has its own time to be heard. */
    end_event(watch);
}

/* -- Reading: what the HTTP library calls -- */

static ssize_t read_on(struct request *request, char *buffer, size_t capacity) {
    struct watch *watch = request->state;
    size_t size = pending(watch) < capacity ? pending(watch) : capacity;
    if (size == 0) {
        return watch->ended ? HTTP_STREAM_END : 0;
    }
    memcpy(buffer, watch->out.data + watch->sent, size);
    watch->sent += size;
    watch->moved_ms = request->api->now_ms;
    watch->unsent = UNSENT_UNKNOWN;
    if (pending(watch) == 0) {
        watch->out.size = watch->sent = 0;
        if (watch->out.capacity > BUFFER_KEPT_MAX) {
            json_writer_discard(&watch->out);
        }
    }
    if (watch->paused && pending(watch) < WATCH_PENDING_MAX / 2) {
        watch->paused = false;
        node_watch_resume(request->api->node, request->ticket);
    }
    return (ssize_t)size;
}

/* -- Time -- */

/* The reader, or the system on its behalf, has taken something since this was last asked. */
static bool has_moved(struct watch *watch) {
    size_t before = watch->unsent;
    watch->unsent = http_unsent(watch->request);
    return before != UNSENT_UNKNOWN && watch->unsent != before;
}

static void due(struct request *request) {
    struct watch *watch = request->state;
    uint64_t now_ms = request->api->now_ms;
    if (pending(watch) == 0 && !watch->ended) {
        if (now_ms - watch->written_ms >= WATCH_COMMENT_MS) {
            write_comment(watch, ":");
        }
        http_set_due(request, watch->written_ms + WATCH_COMMENT_MS - now_ms);
        return;
    }
    if (has_moved(watch)) {
        watch->moved_ms = now_ms;
    }
    if (now_ms - watch->moved_ms >= WATCH_STALLED_MS) {
        if (watch->ended) {
            http_cut(request);
            return;
        }
        struct problem problem;
        problem_set(&problem, PROBLEM_TIMEOUT, false, "nothing was read from this stream for %d seconds",
                    WATCH_STALLED_MS / 1000);
        node_cancel(request->api->node, request->ticket);
        write_end(watch, &problem, 0);
    }
    http_set_due(request, WATCH_CHECK_MS);
}

/* -- Beginning and end -- */

static void forget(struct watch *watch) {
    http_release_stream(watch->request->api->http);
    watch->request->state = NULL;
    json_writer_discard(&watch->out);
    free(watch);
}

static void undo(struct request *request) {
    struct watch *watch = request->state;
    if (!watch->ended) {
        node_cancel(request->api->node, request->ticket);
    }
    forget(watch);
}

static void opened(void *context, raft_index next) {
    struct watch *watch = context;
    struct request *request = watch->request;
    (void)next;
    http_stream(request, read_on);
    answer_send(request, &(struct answer){.status = 200, .content_type = "text/event-stream", .fixed_body = ""});
    if (strcmp(request->method, "HEAD") == 0) {
        node_cancel(request->api->node, request->ticket);
        forget(watch);
        return;
    }
    request_stream(request, undo, due);
    http_set_due(request, WATCH_COMMENT_MS);
    write_comment(watch, ": every committed command from here on");
}

static void ended(void *context, const struct problem *problem, raft_index first_index) {
    struct watch *watch = context;
    struct request *request = watch->request;
    if (request->stage == REQUEST_STREAMING) {
        write_end(watch, problem, first_index);
        http_set_due(request, WATCH_CHECK_MS);
        return;
    }
    if (problem->code == PROBLEM_COMPACTED) {
        answer_problem_with(request, problem, "first_index", first_index);
    } else {
        answer_problem(request, problem);
    }
    forget(watch);
}

/* from=0 is from=1; without the parameter it is the next command. */
static bool has_from(const struct target *target) {
    const char *at = target->query;
    struct target_pair pair;
    while (target_next_pair(&at, target->query + target->query_size, &pair)) {
        if (target_is(pair.name, pair.name_size, "from")) {
            return true;
        }
    }
    return false;
}

static bool read_number(const char *text, size_t size, uint64_t *out_number) {
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || number > RAFT_NUMBER_MAX / 10) {
            return false;
        }
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    if (size == 0 || number > RAFT_NUMBER_MAX) {
        return false;
    }
    *out_number = number;
    return true;
}

/* 0: from the next command on. False: Last-Event-ID, with which browsers come back, is no id of ours. */
static bool find_start(struct request *request, raft_index *out_from) {
    size_t size = 0;
    const char *last = http_field(request, "Last-Event-ID", &size);
    while (size > 0 && (last[size - 1] == ' ' || last[size - 1] == '\t')) {
        size--; /* White space around a value is no part of it; the library leaves what stands behind. */
    }
    raft_index last_seen = 0;
    if (last != NULL) {
        if (!read_number(last, size, &last_seen)) {
            return false;
        }
        *out_from = last_seen + 1;
    } else if (has_from(&request->target)) {
        *out_from = request->parameters.from == 0 ? 1 : request->parameters.from;
    } else {
        *out_from = 0;
    }
    return true;
}

void watch_handle(struct request *request) {
    struct problem problem;
    raft_index from = 0;
    if (!find_start(request, &from)) {
        problem_set(&problem, PROBLEM_BAD_REQUEST, false, "Last-Event-ID must be a number from 0 to %" PRIu64,
                    (uint64_t)RAFT_NUMBER_MAX);
        answer_problem(request, &problem);
        return;
    }
    if (!http_reserve_stream(request->api->http)) {
        problem_set(&problem, PROBLEM_OVERLOADED, false, "too many watches are open at once");
        answer_problem(request, &problem);
        return;
    }
    struct watch *watch = memory_zalloc(sizeof *watch);
    watch->request = request;
    watch->unsent = UNSENT_UNKNOWN;
    request_wait(request, undo, watch);
    const struct node_watcher watcher = {.context = watch, .opened = opened, .command = command, .ended = ended};
    request->ticket = node_watch(request->api->node, from, &watcher);
}
