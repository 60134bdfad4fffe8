#include "api/request.h"

#include "api/access.h"
#include "api/answer.h"
#include "api/auditing.h"
#include "api/http.h"
#include "api/once.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Texts of targets above this are not kept for the next request. */
enum { TEXT_KEPT_MAX = 2048 };

void request_target(struct request *request, const char *raw) {
    assert(request->stage == REQUEST_NONE);
    size_t size = strlen(raw);
    size_t needed = 2 * size + 2;
    if (needed > request->text_capacity) {
        free(request->text);
        request->text = memory_alloc(needed);
        request->text_capacity = needed;
    }
    memcpy(request->text, raw, size + 1);
    request->begun_us = 0;
    request->stage = REQUEST_TARGET;
}

/* The first reason counts: the others are not looked for. */
static void refuse(struct request *request, enum problem_code code, const char *detail) {
    if (!request->refused) {
        request->refused = true;
        problem_set(&request->problem, code, false, "%s", detail);
    }
}

static void judge_target(struct request *request) {
    size_t size = strlen(request->text);
    bool whole = target_parse(request->text, size, request->text + size + 1, &request->target);
    const struct target *target = &request->target;
    request->v1 = route_is_v1(target->path, target->path_size);
    request->allow[0] = '\0';
    request->route =
        target->encoded_slash ? NULL : route_find(request->method, target->path, target->path_size, request->allow);
    if (!whole) {
        refuse(request, PROBLEM_BAD_REQUEST,
               "the target has a percent sign without two hexadecimal digits, or a byte "
               "that cannot be meant (%00, spaces, control bytes)");
    }
}

static void judge_sender(struct request *request) {
    const struct guard *guard = &request->api->guard;
    const struct head *head = &request->head;
    const struct target *target = &request->target;
    /* A request that may be without Host is HTTP/1.0, which no browser speaks. */
    bool host = head->host.count == 0 || guard_host_allowed(guard, head->host.text, head->host.size);
    if (target->authority != NULL) {
        host = host && guard_host_allowed(guard, target->authority, target->authority_size);
    }
    if (!host && (request->route == NULL || !request->route->any_host)) {
        refuse(request, PROBLEM_WRONG_HOST, "the Host of this request is no name of this server; --allow-host adds one");
    }
    enum guard_origin origin = guard_origin(guard, head, host);
    request->listed_origin = origin == GUARD_LISTED;
    if (origin == GUARD_FOREIGN) {
        refuse(request, PROBLEM_FORBIDDEN, "requests from pages of this Origin are not allowed; --allow-origin adds one");
    }
}

static void judge_access(struct request *request) {
    const struct route *route = request->route;
    if (request->refused || route == NULL) {
        return;
    }
    if (!access_check(request->api->options.tokens, route, &request->head, &request->who, &request->problem) ||
        (route->role == TOKENS_PEER && !access_check_node(request, 0, &request->problem))) {
        request->refused = true;
    }
}

static void judge_route(struct request *request) {
    request->preflight = !request->refused && request->route == NULL && request->allow[0] != '\0' &&
                         request->listed_origin && request->head.preflight_method.count > 0 &&
                         strcmp(request->method, "OPTIONS") == 0;
    if (request->refused || request->preflight) {
        return;
    }
    if (request->route == NULL) {
        if (request->allow[0] != '\0') {
            refuse(request, PROBLEM_METHOD_NOT_ALLOWED, "this path does not take that method; Allow lists those it takes");
        } else {
            refuse(request, PROBLEM_NOT_FOUND, "there is nothing at this path; /openapi.json lists what there is");
        }
        return;
    }
    if (!route_read_id(request->route, request->target.path, request->target.path_size, &request->path_id)) {
        refuse(request, PROBLEM_BAD_REQUEST, "the number in the path must be one from 1 to 9007199254740991");
    } else if (!parameters_parse(&request->target, request->route->parameters, &request->parameters, &request->problem) ||
               (request->route->body == ROUTE_COMMAND && !once_check(request, &request->problem))) {
        request->refused = true;
    }
}

static size_t body_limit(const struct request *request) {
    const struct api_options *options = &request->api->options;
    if (request->route == NULL) {
        return API_DROPPED_BODY_MAX;
    }
    switch (request->route->body) {
    case ROUTE_COMMAND:
        return head_is_ndjson(&request->head) ? options->ndjson_bytes_max : options->command_bytes_max;
    case ROUTE_QUERY:
    case ROUTE_WISH:
        return options->query_bytes_max;
    case ROUTE_PEER:
        return options->peer_bytes_max;
    case ROUTE_CHUNK:
        return MESSAGE_CHUNK_BYTES_MAX;
    case ROUTE_NO_BODY:
        break;
    }
    return API_DROPPED_BODY_MAX;
}

/* All large bodies together are bounded, or a few hundred clients could ask for all memory there is. */
static bool reserve(struct request *request, size_t size) {
    if (size <= API_SMALL_BODY || request->route->body == ROUTE_PEER || request->route->body == ROUTE_CHUNK) {
        return true;
    }
    return allowance_grow(&request->api->bodies, &request->body.held, size);
}

/* A large body that would be refused afterwards is not read: those who flood a node with them shall not keep it from its
 * peers. What is being read counts as waiting already. */
static bool has_room(const struct request *request) {
    uint64_t size = request->head.body_bytes;
    return size <= API_SMALL_BODY || request->route->body != ROUTE_COMMAND ||
           node_has_room(request->api->node, size, request->api->bodies.used);
}

static void judge_body(struct request *request) {
    struct request_body *body = &request->body;
    body->limit = body_limit(request);
    body->drop = request->refused || request->preflight || request->route->body == ROUTE_NO_BODY;
    if (request->head.body_bytes > body->limit && !request->refused) {
        request->refused = true;
        problem_set(&request->problem, PROBLEM_TOO_LARGE, false, "the body has %llu bytes, more than the %zu allowed here",
                    (unsigned long long)request->head.body_bytes, body->limit);
    } else if (!body->drop && !has_room(request)) {
        refuse(request, PROBLEM_OVERLOADED, "too many commands wait on this node; try again soon");
    } else if (!body->drop && !reserve(request, (size_t)request->head.body_bytes)) {
        refuse(request, PROBLEM_OVERLOADED, "too many large bodies are being read at once");
    }
}

/* An early answer ends the connection, since the library cannot pass over a body after it. A small body is read all the
 * same, so that the connection lives on. */
static bool can_wait(const struct request *request) {
    const struct head *head = &request->head;
    return request->problem.code != PROBLEM_TOO_LARGE && !head->chunked && head->body_bytes <= API_DROPPED_BODY_MAX &&
           (head->body_bytes == 0 || head->expect.count == 0);
}

void request_head(struct request *request, struct MHD_Connection *mhd, const char *method, const char *version) {
    assert(request->stage == REQUEST_TARGET);
    request->stage = REQUEST_HEAD;
    request->method = method;
    request->refused = false;
    request->who = (struct access_who){.role = TOKENS_NOBODY};
    head_read(mhd, &request->head);
    judge_target(request);
    judge_sender(request);
    judge_access(request);
    judge_route(request);
    judge_body(request);
    if (request->head.host.count == 0 && strcmp(version, "HTTP/1.0") != 0) {
        refuse(request, PROBLEM_BAD_REQUEST, "the request has no Host field");
    }
    const char *ambiguity = head_ambiguity(&request->head);
    if (ambiguity != NULL) {
        request->refused = false;
        refuse(request, PROBLEM_BAD_REQUEST, ambiguity);
    }
    if (request->refused && (ambiguity != NULL || !can_wait(request))) {
        answer_problem(request, &request->problem);
        return;
    }
    request->body.drop = request->body.drop || request->refused;
    request->stage = REQUEST_BODY;
}

/* A body without a length has grown past what may be: answered now, since its end may never come. */
static bool cut(struct request *request, enum problem_code code, const char *detail) {
    request->body.drop = true;
    free(request->body.data);
    request->body.data = NULL;
    request->body.capacity = 0;
    refuse(request, code, detail);
    answer_problem(request, &request->problem);
    return true;
}

bool request_data(struct request *request, const char *bytes, size_t size) {
    struct request_body *body = &request->body;
    assert(request->stage == REQUEST_BODY);
    if (body->drop) {
        body->size += size;
        /* What was written past the library shall reach a client that is still sending: hearing it out for a while keeps
         * the connection from being reset under the answer. */
        return body->size <= body->limit + API_DROPPED_BODY_MAX * 16;
    }
    if (size > body->limit - body->size) {
        return cut(request, PROBLEM_TOO_LARGE, "the body is larger than allowed here");
    }
    if (body->size + size > body->capacity) {
        size_t capacity = body->capacity == 0 ? 512 : body->capacity * 2;
        size_t declared = (size_t)request->head.body_bytes;
        if (body->size == 0 && declared != 0 && declared <= API_SMALL_BODY) {
            capacity = declared;
        }
        while (capacity < body->size + size) {
            capacity *= 2;
        }
        capacity = capacity > body->limit ? body->limit : capacity;
        if (request->head.chunked && !reserve(request, capacity)) {
            return cut(request, PROBLEM_OVERLOADED, "too many large bodies are being read at once");
        }
        body->data = memory_realloc(body->data, capacity);
        body->capacity = capacity;
    }
    memcpy(body->data + body->size, bytes, size);
    body->size += size;
    return true;
}

void request_handle(struct request *request) {
    assert(request->stage == REQUEST_BODY && !request->cut);
    request->stage = REQUEST_WORKING;
    request->begun_us = latency_now_us();
    if (request->refused) {
        answer_problem(request, &request->problem);
        return;
    }
    if (request->preflight) {
        answer_send(request, &(struct answer){.status = 204, .preflight = true});
        return;
    }
    request->route->handle(request);
    assert(request->stage == REQUEST_WAITING || request->stage == REQUEST_ANSWERED || request->stage == REQUEST_STREAMING);
}

static void forget_body(struct request *request) {
    free(request->body.data);
    allowance_release(&request->api->bodies, &request->body.held);
    allowance_release(&request->api->answers, &request->answer_held);
    request->body = (struct request_body){0};
}

static void cancel(struct request *request) {
    void (*undo)(struct request * request) = request->cancel;
    request->cancel = NULL;
    if (undo != NULL && request->stage == REQUEST_WAITING) {
        auditing_gone(request);
    }
    if (undo != NULL) {
        request->api->figures.abandoned += request->stage == REQUEST_WAITING ? 1 : 0;
        undo(request);
    }
}

void request_end(struct request *request) {
    cancel(request);
    forget_body(request);
    if (request->text_capacity > TEXT_KEPT_MAX) {
        free(request->text);
        request->text = NULL;
        request->text_capacity = 0;
    }
    request->stage = REQUEST_NONE;
    request->cut = false;
    request->gone = false;
    request->listed_origin = false;
    request->ticket = 0;
}

void request_hung_up(struct request *request) {
    bool open = request->stage == REQUEST_WAITING || request->stage == REQUEST_STREAMING;
    if (open && !request->gone) {
        cancel(request);
        request->gone = true;
        http_resume(request);
    }
}

bool request_due(struct request *request) {
    bool waits = request->stage == REQUEST_WAITING && request->due != NULL;
    if ((request->stage != REQUEST_STREAMING && !waits) || request->gone) {
        return false;
    }
    request->due(request);
    return true;
}

void request_clear(struct request *request) {
    free(request->text);
    free(request->body.data);
}

void request_wait(struct request *request, void (*undo)(struct request *request), void *state) {
    assert(request->stage == REQUEST_WORKING || request->stage == REQUEST_WAITING);
    request->stage = REQUEST_WAITING;
    request->cancel = undo;
    request->due = NULL;
    request->state = state;
}

void request_wait_due(struct request *request, void (*due)(struct request *request)) {
    assert(request->stage == REQUEST_WAITING);
    request->due = due;
}

void request_stream(struct request *request, void (*undo)(struct request *request), void (*due)(struct request *request)) {
    assert(request->stage == REQUEST_ANSWERED);
    request->stage = REQUEST_STREAMING;
    request->cancel = undo;
    request->due = due;
}

struct buffer *request_take_body(struct request *request) {
    struct request_body *body = &request->body;
    struct buffer *buffer = buffer_take(body->data != NULL ? body->data : memory_alloc(1), body->size);
    body->data = NULL;
    allowance_release(&request->api->bodies, &body->held);
    return buffer;
}
