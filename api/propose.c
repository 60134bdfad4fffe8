/* One command. Many at once are propose_lines.c. */
#include "api/propose.h"

#include "api/answer.h"
#include "api/propose_lines.h"
#include "api/redirect.h"

#include <assert.h>

static void undo(struct request *request) {
    node_cancel(request->api->node, request->ticket);
}

static void done(void *context, const struct message_line *lines, size_t count) {
    struct request *request = context;
    assert(count == 1);
    const struct problem *problem = &lines[0].problem;
    if (problem->code != PROBLEM_NONE) {
        redirect_or_problem(request, problem);
        return;
    }
    struct json_writer writer = {0};
    message_line_write(&lines[0], &writer, false);
    answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_JSON, .index = lines[0].id.index},
                   &writer);
}

void propose_handle(struct request *request) {
    if (head_is_ndjson(&request->head)) {
        propose_lines_handle(request);
        return;
    }
    struct node *node = request->api->node;
    struct buffer *body = request_take_body(request);
    struct json_span command;
    struct problem problem;
    size_t offset;
    if (!json_scan(body->data, body->size, &command, &offset)) {
        problem_set(&problem, PROBLEM_BAD_JSON, false, "the body stops being JSON at byte %zu", offset);
        answer_problem_with(request, &problem, "offset", offset);
    } else if (!node_check(node, command, &problem)) {
        answer_problem(request, &problem);
    } else {
        request_wait(request, undo, NULL);
        request->ticket = node_propose(node, body, &command, 1, request->parameters.timeout_ms, request->parameters.forward,
                                       done, request);
    }
    buffer_release(body);
}
