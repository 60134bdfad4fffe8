#include "api/cluster_watch.h"

#include "api/answer.h"
#include "api/gathering.h"
#include "api/http.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

struct follower {
    struct request *request; /* Borrowed; it holds this as its state. */
    struct json_writer out;  /* The update that is being sent; of it */
    size_t sent;             /* so many bytes are with the HTTP library. */
    size_t unsent;           /* With the system, and not with the reader, at the last look. */
    uint64_t moved_ms;       /* When the reader last took something, or had nothing to take. */
    bool begun;              /* The first update is written. */
    bool ended;
    struct gathering_told told[RAFT_MEMBERS_MAX + 1];
};

static void write_text(struct follower *follower, const char *text) {
    json_write_bytes(&follower->out, text, strlen(text));
}

static void tell_events(void *context, raft_node_id id, uint64_t late_ms, struct json_span events) {
    struct follower *follower = context;
    struct json_writer *out = &follower->out;
    write_text(follower, "event: events\ndata: ");
    json_write_object_begin(out);
    json_write_name(out, "id");
    json_write_uint64(out, id);
    json_write_name(out, "late_ms");
    json_write_uint64(out, late_ms);
    json_write_name(out, "told");
    json_write_value_one_line(out, events);
    json_write_object_end(out);
    write_text(follower, "\n\n");
}

static void write_update(struct follower *follower) {
    struct api *api = follower->request->api;
    write_text(follower, "event: cluster\ndata: ");
    struct json_span view = gathering_view(api);
    json_write_value(&follower->out, view);
    write_text(follower, "\n\n");
    gathering_tell_events(api, follower->told, tell_events, follower);
    follower->begun = true;
    follower->unsent = 0;
    follower->moved_ms = api->now_ms;
    http_resume(follower->request);
}

static void write_end(struct follower *follower) {
    struct problem problem;
    problem_set(&problem, PROBLEM_SHUTTING_DOWN, false, "this node is shutting down");
    write_text(follower, "event: end\ndata: ");
    answer_problem_body(follower->request, &problem, problem_status(problem.code), NULL, 0, &follower->out);
    write_text(follower, "\n\n");
    follower->ended = true;
    http_resume(follower->request);
}

static ssize_t read_on(struct request *request, char *buffer, size_t capacity) {
    struct follower *follower = request->state;
    size_t pending = follower->out.size - follower->sent;
    size_t size = pending < capacity ? pending : capacity;
    if (size == 0) {
        return follower->ended ? HTTP_STREAM_END : 0;
    }
    memcpy(buffer, follower->out.data + follower->sent, size);
    follower->sent += size;
    follower->moved_ms = request->api->now_ms;
    if (follower->sent == follower->out.size) {
        follower->sent = 0;
        json_writer_discard(&follower->out);
    }
    return (ssize_t)size;
}

/* What the system holds for it counts as well: a reader that is away would find minutes of the past there. */
static bool is_taken(struct follower *follower) {
    size_t unsent = http_unsent(follower->request);
    if (unsent != follower->unsent) {
        follower->unsent = unsent;
        follower->moved_ms = follower->request->api->now_ms;
    }
    return follower->out.size == 0 && unsent == 0;
}

static void due(struct request *request) {
    struct follower *follower = request->state;
    struct api *api = request->api;
    gathering_turn(api);
    bool taken = is_taken(follower);
    if (!follower->ended && http_is_stopping(api->http)) {
        write_end(follower);
    } else if (taken && !follower->ended && (follower->begun || gathering_is_whole(api))) {
        write_update(follower);
    } else if (!taken && api->now_ms - follower->moved_ms >= CLUSTER_WATCH_STALLED_MS) {
        http_cut(request);
        return;
    }
    http_set_due(request, follower->begun ? GATHERING_ROUND_MS : CLUSTER_WATCH_FIRST_MS);
}

static void undo(struct request *request) {
    struct follower *follower = request->state;
    request->state = NULL;
    gathering_end(request->api);
    http_release_stream(request->api->http);
    json_writer_discard(&follower->out);
    free(follower);
}

void cluster_watch_handle(struct request *request) {
    struct api *api = request->api;
    if (!http_reserve_stream(api->http)) {
        struct problem problem;
        problem_set(&problem, PROBLEM_OVERLOADED, false, "too many watches are open at once");
        answer_problem(request, &problem);
        return;
    }
    struct follower *follower = memory_zalloc(sizeof *follower);
    follower->request = request;
    follower->moved_ms = api->now_ms;
    request->state = follower;
    gathering_begin(api);
    http_stream(request, read_on);
    answer_send(request, &(struct answer){.status = 200, .content_type = "text/event-stream", .fixed_body = ""});
    if (strcmp(request->method, "HEAD") == 0) {
        undo(request);
        return;
    }
    request_stream(request, undo, due);
    gathering_turn(api);
    write_text(follower, ": all members as seen from this node\n\n");
    http_resume(request);
    http_set_due(request, CLUSTER_WATCH_FIRST_MS);
}
