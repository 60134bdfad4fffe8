#include "api/peer.h"

#include "api/access.h"
#include "api/answer.h"
#include "api/http.h"

/* The node may do what it was asked; nobody is left to hear of it. The ticket finds no request any more. */
static void undo(struct request *request) {
    request->ticket = 0;
}

static void hand_over(struct request *request, const struct message_request *message, struct buffer *body) {
    struct problem problem;
    if (!access_check_node(request, message->address.from, &problem)) {
        answer_problem(request, &problem);
        return;
    }
    http_mark_peer(request, message->address.from);
    request_wait(request, undo, NULL);
    node_receive(request->api->node, message, body, http_ticket(request));
}

void peer_handle(struct request *request) {
    struct buffer *body = request_take_body(request);
    struct json_span value;
    struct problem problem;
    struct message_request message;
    size_t offset;
    if (!json_scan_message(body->data, body->size, &value, &offset)) {
        problem_set(&problem, PROBLEM_BAD_JSON, false, "the body stops being JSON at byte %zu", offset);
        answer_problem_with(request, &problem, "offset", offset);
    } else if (!message_request_read(request->route->kind, value, body, &message, &problem)) {
        answer_problem(request, &problem);
    } else {
        hand_over(request, &message, body);
        message_request_clear(&message);
    }
    buffer_release(body);
}

void peer_handle_chunk(struct request *request) {
    struct buffer *body = request_take_body(request);
    struct problem problem;
    struct message_request message;
    const struct target *target = &request->target;
    if (message_query_read(target->query, target->query_size, body, &message, &problem)) {
        hand_over(request, &message, body);
    } else {
        answer_problem(request, &problem);
    }
    buffer_release(body);
}

void peer_reply(void *context, uint64_t ticket, const struct message_answer *answer) {
    struct api *api = context;
    struct request *request = http_find(api->http, ticket);
    if (request == NULL) {
        return;
    }
    bool refused = answer->problem.code != PROBLEM_NONE;
    struct json_writer writer = {0};
    message_answer_write(answer, &writer);
    answer_written(request,
                   &(struct answer){
                       .status = refused ? problem_status(answer->problem.code) : 200,
                       .content_type = refused ? ANSWER_PROBLEM : ANSWER_JSON,
                       .retry = answer_retry(answer->problem.code),
                   },
                   &writer);
}
