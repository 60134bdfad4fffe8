#include "api/leader_transfer.h"

#include "api/answer.h"
#include "api/redirect.h"

static void undo(struct request *request) {
    node_cancel(request->api->node, request->ticket);
}

static void done(void *context, const struct node_transfer_answer *ended) {
    struct request *request = context;
    if (ended->problem.code != PROBLEM_NONE) {
        redirect_or_problem(request, &ended->problem);
        return;
    }
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    json_write_name(&writer, "leader");
    json_write_uint64(&writer, ended->leader);
    json_write_name(&writer, "term");
    json_write_uint64(&writer, ended->term);
    json_write_object_end(&writer);
    answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_JSON}, &writer);
}

static bool refuse(struct problem *out_problem) {
    problem_set(out_problem, PROBLEM_BAD_REQUEST, false,
                "the body must be empty, {}, or {\"to\":ID} with the id of a voter, from 1 to 9007199254740991");
    return false;
}

/* `out_to` is 0 when nobody is named. A member that nobody knows is refused: whoever sent it wants something that would not
 * be done. */
static bool read_wish(struct json_span wish, raft_node_id *out_to, struct problem *out_problem) {
    if (json_type(wish) != JSON_OBJECT) {
        return refuse(out_problem);
    }
    raft_node_id to = 0;
    struct json_cursor cursor = json_open(wish);
    struct json_span name;
    struct json_span value;
    while (json_next_member(&cursor, &name, &value)) {
        if (!json_string_is(name, "to") || json_type(value) != JSON_NUMBER ||
            !json_number_uint64(value, RAFT_NUMBER_MAX, &to) || to == 0) {
            return refuse(out_problem);
        }
    }
    *out_to = to;
    return true;
}

static void hand_over(struct request *request, raft_node_id to) {
    const struct parameters *parameters = &request->parameters;
    request_wait(request, undo, NULL);
    request->ticket = node_transfer(request->api->node, to, parameters->timeout_ms, parameters->forward, done, request);
}

void leader_transfer_handle(struct request *request) {
    struct buffer *body = request_take_body(request);
    struct json_span wish;
    struct problem problem;
    size_t offset;
    raft_node_id to = 0;
    if (body->size == 0) {
        hand_over(request, 0);
    } else if (!json_scan(body->data, body->size, &wish, &offset)) {
        problem_set(&problem, PROBLEM_BAD_JSON, false, "the body stops being JSON at byte %zu", offset);
        answer_problem_with(request, &problem, "offset", offset);
    } else if (!read_wish(wish, &to, &problem)) {
        answer_problem(request, &problem);
    } else {
        hand_over(request, to);
    }
    buffer_release(body);
}
