#include "api/query.h"

#include "api/answer.h"
#include "api/redirect.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>

static void count(struct request *request, enum figures_outcome outcome) {
    request->api->figures.queries[outcome]++;
}

static void undo(struct request *request) {
    count(request, FIGURES_GONE);
    node_cancel(request->api->node, request->ticket);
}

static const char *consistency_name(enum node_consistency consistency) {
    switch (consistency) {
    case NODE_LINEARIZABLE:
        return "linearizable";
    case NODE_LEASE:
        return "lease";
    case NODE_STALE:
        return "stale";
    }
    assert(false);
    return "";
}

static void write_number(struct json_writer *writer, const char *name, uint64_t number) {
    json_write_name(writer, name);
    json_write_uint64(writer, number);
}

static void done(void *context, const struct node_query_answer *answer) {
    struct request *request = context;
    count(request, figures_outcome(&answer->problem, false));
    if (answer->problem.code != PROBLEM_NONE) {
        redirect_or_problem(request, &answer->problem);
        return;
    }
    histogram_add(&request->api->figures.query[request->parameters.consistency], latency_now_us() - request->begun_us);
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    write_number(&writer, "index", answer->index);
    write_number(&writer, "term", answer->term);
    json_write_name(&writer, "result");
    json_write_value(&writer, answer->result);
    json_write_object_end(&writer);
    answer_written(request,
                   &(struct answer){
                       .status = 200,
                       .content_type = ANSWER_JSON,
                       .index = answer->index,
                       .consistency = consistency_name(request->parameters.consistency),
                   },
                   &writer);
}

/* Takes one reference of `body` over. */
static void ask(struct request *request, struct buffer *body, const char *what) {
    struct json_span query;
    size_t offset;
    if (!json_scan(body->data, body->size, &query, &offset)) {
        struct problem problem;
        count(request, FIGURES_INVALID);
        problem_set(&problem, PROBLEM_BAD_JSON, false, "%s stops being JSON at byte %zu", what, offset);
        answer_problem_with(request, &problem, "offset", offset);
    } else {
        const struct parameters *parameters = &request->parameters;
        request_wait(request, undo, NULL);
        request->ticket = node_query(request->api->node, body, query, parameters->consistency, parameters->min_index,
                                     parameters->timeout_ms, parameters->forward, done, request);
    }
    buffer_release(body);
}

void query_handle_post(struct request *request) {
    ask(request, request_take_body(request), "the body");
}

void query_handle_get(struct request *request) {
    const struct parameters *parameters = &request->parameters;
    struct problem problem;
    if (!parameters->has_query) {
        problem_set(&problem, PROBLEM_BAD_REQUEST, false, "the parameter q must be the query, URL-encoded JSON");
        answer_problem(request, &problem);
        return;
    }
    char *text = memory_alloc(parameters->query_size);
    size_t size = target_decode(parameters->query, parameters->query_size, text);
    if (size > request->api->options.query_bytes_max) {
        free(text);
        problem_set(&problem, PROBLEM_TOO_LARGE, false, "q has %zu bytes, more than the %zu allowed here", size,
                    request->api->options.query_bytes_max);
        answer_problem(request, &problem);
        return;
    }
    ask(request, buffer_take(text, size), "q");
}
