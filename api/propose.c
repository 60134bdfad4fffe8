/* One command. Many at once are propose_lines.c. */
#include "api/propose.h"

#include "api/answer.h"
#include "api/once.h"
#include "api/propose_lines.h"
#include "api/redirect.h"

#include <assert.h>

static void count(struct request *request, enum figures_outcome outcome) {
    request->api->figures.commands[outcome]++;
}

static void undo(struct request *request) {
    count(request, FIGURES_GONE);
    node_cancel(request->api->node, request->ticket);
}

static void done(void *context, const struct message_line *lines, size_t line_count) {
    struct request *request = context;
    assert(line_count == 1);
    const struct problem *problem = &lines[0].problem;
    count(request, figures_outcome(problem, lines[0].duplicate));
    if (problem->code != PROBLEM_NONE) {
        redirect_or_problem(request, problem);
        return;
    }
    uint64_t taken_us = latency_now_us() - request->begun_us;
    latency_add(&request->api->latency, request->api->now_ms, taken_us);
    histogram_add(&request->api->figures.propose, taken_us);
    struct message_line line = lines[0];
    if (!answer_has_room(request, line.result.size + API_LINE_BYTES)) {
        line.omitted = true;
        line.result = (struct json_span){0};
    }
    struct json_writer writer = {0};
    message_line_write(&line, &writer, false);
    answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_JSON, .index = lines[0].id.index},
                   &writer);
}

static void propose(struct request *request, struct buffer *body, struct json_span command) {
    struct node *node = request->api->node;
    const struct parameters *parameters = &request->parameters;
    struct node_origin origin;
    request_wait(request, undo, NULL);
    if (once_origin(request, &origin)) {
        request->ticket =
            node_propose_once(node, body, command, &origin, parameters->timeout_ms, parameters->forward, done, request);
    } else {
        request->ticket = node_propose(node, body, &command, 1, parameters->timeout_ms, parameters->forward, done, request);
    }
}

void propose_handle(struct request *request) {
    if (head_is_ndjson(&request->head)) {
        propose_lines_handle(request);
        return;
    }
    struct buffer *body = request_take_body(request);
    struct json_span command;
    struct problem problem;
    size_t offset;
    if (!json_scan(body->data, body->size, &command, &offset)) {
        count(request, FIGURES_INVALID);
        problem_set(&problem, PROBLEM_BAD_JSON, false, "the body stops being JSON at byte %zu", offset);
        answer_problem_with(request, &problem, "offset", offset);
    } else if (!node_check(request->api->node, command, &problem)) {
        count(request, FIGURES_INVALID);
        answer_problem(request, &problem);
    } else {
        propose(request, body, command);
    }
    buffer_release(body);
}
