#include "api/session.h"

#include "api/answer.h"
#include "api/redirect.h"

#include <assert.h>

static void undo(struct request *request) {
    node_cancel(request->api->node, request->ticket);
}

static void opened(void *context, const struct message_line *lines, size_t count) {
    struct request *request = context;
    assert(count == 1);
    if (lines[0].problem.code != PROBLEM_NONE) {
        redirect_or_problem(request, &lines[0].problem);
        return;
    }
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    json_write_name(&writer, "session");
    json_write_uint64(&writer, lines[0].id.index);
    json_write_object_end(&writer);
    answer_written(request, &(struct answer){.status = 201, .content_type = ANSWER_JSON, .index = lines[0].id.index},
                   &writer);
}

static void closed(void *context, const struct message_line *lines, size_t count) {
    struct request *request = context;
    assert(count == 1);
    if (lines[0].problem.code != PROBLEM_NONE) {
        redirect_or_problem(request, &lines[0].problem);
    } else {
        answer_send(request, &(struct answer){.status = 204, .index = lines[0].id.index});
    }
}

static void change(struct request *request, uint64_t session, node_propose_done done) {
    const struct parameters *parameters = &request->parameters;
    request_wait(request, undo, NULL);
    request->ticket =
        node_change_session(request->api->node, session, parameters->timeout_ms, parameters->forward, done, request);
}

/* A key would promise that a retry finds the first session, and the table keeps keys of commands only. */
void session_handle_open(struct request *request) {
    if (request->head.idempotency_key.count > 0) {
        struct problem problem;
        problem_set(
            &problem, PROBLEM_BAD_REQUEST, false,
            "Idempotency-Key is for proposals; to open a session twice does no harm, what is not used goes by itself");
        answer_problem(request, &problem);
        return;
    }
    change(request, 0, opened);
}

void session_handle_close(struct request *request) {
    change(request, request->path_id, closed);
}

static void was_read(void *context, const struct node_query_answer *answer) {
    struct request *request = context;
    if (answer->problem.code != PROBLEM_NONE) {
        redirect_or_problem(request, &answer->problem);
        return;
    }
    struct json_writer writer = {0};
    json_write_value(&writer, answer->result);
    answer_written(
        request,
        &(struct answer){.status = 200, .content_type = ANSWER_JSON, .index = answer->index, .consistency = "linearizable"},
        &writer);
}

void session_handle_read(struct request *request) {
    const struct parameters *parameters = &request->parameters;
    request_wait(request, undo, NULL);
    request->ticket = node_read_session(request->api->node, request->path_id, parameters->timeout_ms, parameters->forward,
                                        was_read, request);
}
