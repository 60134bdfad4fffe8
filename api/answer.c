#include "api/answer.h"

#include "api/auditing.h"
#include "api/http.h"

#include "server/base/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_POLICY                                                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "       \
    "form-action 'none'; frame-ancestors 'none'"

/* Of other origins: what they may read and send. `*` would not cover Authorization. */
#define EXPOSED                                                                                                            \
    "Raft-Cluster, Raft-Node, Raft-Leader, Raft-Term, Raft-Index, Raft-Consistency, Retry-After, Location, Allow, ETag, "  \
    "Content-Disposition, WWW-Authenticate"
#define SENT_BY_PAGES "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID"

enum { SOURCE_BLOCK_BYTES = 256 * 1024 }; /* Read at once: other connections wait for it. */

/* The header fields of one answer, whoever will write them out. Names and values are borrowed but for the numbers. */
enum { FIELDS_MAX = 20, NUMBER_SIZE = 21, NUMBERS_MAX = 4 };
struct fields {
    size_t count;
    const char *names[FIELDS_MAX];
    const char *values[FIELDS_MAX];
    size_t number_count;
    char numbers[NUMBERS_MAX][NUMBER_SIZE];
};

static void add(struct fields *fields, const char *name, const char *value) {
    if (value != NULL) {
        assert(fields->count < FIELDS_MAX);
        fields->names[fields->count] = name;
        fields->values[fields->count++] = value;
    }
}

static void add_number(struct fields *fields, const char *name, uint64_t number) {
    assert(fields->number_count < NUMBERS_MAX);
    char *text = fields->numbers[fields->number_count++];
    char *at = text + NUMBER_SIZE - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(fields, name, at);
}

static void add_raft_fields(struct fields *fields, const struct request *request, const struct answer *answer) {
    struct node_brief brief;
    node_brief(request->api->node, &brief);
    add(fields, "Raft-Cluster", brief.cluster_id[0] != '\0' ? brief.cluster_id : NULL);
    add_number(fields, "Raft-Node", brief.id);
    add_number(fields, "Raft-Leader", brief.leader);
    add_number(fields, "Raft-Term", brief.term);
    add_number(fields, "Raft-Index", answer->index != 0 ? answer->index : brief.applied_index);
    add(fields, "Raft-Consistency", answer->consistency);
}

static void collect(struct fields *fields, const struct request *request, const struct answer *answer) {
    fields->count = 0;
    fields->number_count = 0;
    add(fields, "Content-Type", answer->content_type);
    add(fields, "X-Content-Type-Options", "nosniff");
    if (request->v1) {
        add_raft_fields(fields, request, answer);
    }
    add(fields, "Content-Disposition", answer->disposition);
    add(fields, "Location", answer->location);
    add(fields, "Allow", answer->allow);
    add(fields, "ETag", answer->etag);
    add(fields, "Retry-After", answer->retry ? "1" : NULL);
    add(fields, "WWW-Authenticate", answer->status == 401 ? "Bearer realm=\"raftd\"" : NULL);
    if (answer->page) {
        add(fields, "Content-Security-Policy", PAGE_POLICY);
        add(fields, "X-Frame-Options", "DENY");
        add(fields, "Cache-Control", "no-cache");
    }
    if (request->listed_origin) {
        add(fields, "Access-Control-Allow-Origin", request->head.origin.text);
        add(fields, "Access-Control-Expose-Headers", EXPOSED);
        add(fields, "Access-Control-Allow-Methods", answer->preflight ? request->allow : NULL);
        add(fields, "Access-Control-Allow-Headers", answer->preflight ? SENT_BY_PAGES : NULL);
        add(fields, "Access-Control-Max-Age", answer->preflight ? "600" : NULL);
        add(fields, "Vary", "Origin");
    }
    add(fields, "Connection", http_is_stopping(request->api->http) ? "close" : NULL);
}

/* Past the library, which takes no answer in the middle of a body. Nothing of this connection is on its way to the client,
 * and this little fits into the empty send buffer of any socket; if it does not, the client only misses the reason. */
static void write_past(struct request *request, const struct answer *answer, const struct fields *fields) {
    char text[4096];
    size_t size = (size_t)snprintf(text, sizeof text, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Length: %zu\r\n",
                                   answer->status, answer->status == 413 ? "Content Too Large" : "Refused", answer->size);
    for (size_t i = 0; i < fields->count && size < sizeof text; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "%s: %s\r\n", fields->names[i], fields->values[i]);
    }
    if (size < sizeof text) {
        size += (size_t)snprintf(text + size, sizeof text - size, "\r\n%.*s", (int)answer->size, answer->body);
    }
    if (size < sizeof text) {
        http_write_last(request, text, size);
    }
    free(answer->body);
    request->cut = true;
}

static void out_of_memory(void) {
    fputs("raftd: out of memory for an answer\n", stderr);
    abort();
}

static ssize_t read_source(void *context, uint64_t position, char *bytes, size_t capacity) {
    const struct answer_source *source = context;
    size_t size = source->read(source->context, position, bytes, capacity);
    return size > 0 ? (ssize_t)size : (ssize_t)MHD_CONTENT_READER_END_WITH_ERROR;
}

static void close_source(void *context) {
    struct answer_source *source = context;
    source->close(source->context);
    free(source);
}

static struct MHD_Response *respond_from(const struct answer_source *source, size_t size) {
    struct answer_source *copy = memory_alloc(sizeof *copy);
    *copy = *source;
    return MHD_create_response_from_callback(size, SOURCE_BLOCK_BYTES, read_source, copy, close_source);
}

static struct MHD_Response *respond(const struct answer *answer, const struct fields *fields) {
    struct MHD_Response *response;
    if (answer->source != NULL) {
        response = respond_from(answer->source, answer->size);
    } else if (answer->body != NULL) {
        response = MHD_create_response_from_buffer(answer->size, answer->body, MHD_RESPMEM_MUST_FREE);
    } else {
        /* The library does not write to it: its type only lacks the word. */
        void *fixed = (void *)(uintptr_t)(answer->fixed_body != NULL ? answer->fixed_body : "");
        response = MHD_create_response_from_buffer(answer->size, fixed, MHD_RESPMEM_PERSISTENT);
    }
    if (response == NULL) {
        out_of_memory();
    }
    for (size_t i = 0; i < fields->count; i++) {
        if (MHD_add_response_header(response, fields->names[i], fields->values[i]) != MHD_YES) {
            /* A value that cannot stand in a field has been kept out before; what is left is memory. */
            out_of_memory();
        }
    }
    return response;
}

/* Whether it was meant to change something: where nothing takes it, its method tells. */
static bool is_changing(const struct request *request) {
    if (request->route != NULL) {
        return request->route->changing;
    }
    static const char *const safe[] = {"GET", "HEAD", "OPTIONS", "TRACE"};
    for (size_t i = 0; request->method != NULL && i < sizeof safe / sizeof safe[0]; i++) {
        if (strcmp(request->method, safe[i]) == 0) {
            return false;
        }
    }
    return request->method != NULL;
}

bool answer_has_room(struct request *request, size_t size) {
    bool counts = size > API_SMALL_BODY && (request->route == NULL || request->route->role != TOKENS_PEER);
    return !counts || allowance_grow(&request->api->answers, &request->answer_held, size);
}

static void refuse_for_room(struct request *request, const struct answer *answer) {
    struct problem problem;
    free(answer->body);
    problem_set(&problem, PROBLEM_OVERLOADED, false, "too many large answers wait to be read; try again soon");
    answer_problem(request, &problem);
}

void answer_send(struct request *request, const struct answer *answer) {
    assert(request->stage != REQUEST_NONE && request->stage != REQUEST_ANSWERED);
    if (answer->body != NULL && !is_changing(request) && !answer_has_room(request, answer->size)) {
        refuse_for_room(request, answer);
        return;
    }
    struct fields fields;
    uint64_t taken_us = request->begun_us == 0 ? 0 : latency_now_us() - request->begun_us;
    figures_http(&request->api->figures, request->route, answer->status, taken_us);
    auditing_answer(request, answer);
    collect(&fields, request, answer);
    bool waiting = request->stage == REQUEST_WAITING;
    if (request->stage == REQUEST_BODY) {
        write_past(request, answer, &fields);
        return;
    }
    request->stage = REQUEST_ANSWERED;
    request->cancel = NULL;
    struct MHD_Response *response = respond(answer, &fields);
    http_queue(request, answer->status, response, answer->size, waiting);
}

void answer_written(struct request *request, const struct answer *answer, struct json_writer *writer) {
    struct answer whole = *answer;
    whole.body = json_writer_take(writer, &whole.size);
    answer_send(request, &whole);
}

void answer_problem_body(const struct request *request, const struct problem *problem, unsigned status, const char *member,
                         uint64_t number, struct json_writer *writer) {
    json_write_object_begin(writer);
    json_write_name(writer, "type");
    json_write_text(writer, "about:blank");
    json_write_name(writer, "title");
    json_write_text(writer, problem_title(problem->code));
    json_write_name(writer, "status");
    json_write_uint64(writer, status);
    json_write_name(writer, "code");
    json_write_text(writer, problem_name(problem->code));
    json_write_name(writer, "detail");
    json_write_text(writer, problem->detail);
    if (is_changing(request)) {
        json_write_name(writer, "outcome");
        json_write_text(writer, problem->outcome_unknown ? "unknown" : "rejected");
    }
    if (member != NULL) {
        json_write_name(writer, member);
        json_write_uint64(writer, number);
    }
    json_write_object_end(writer);
}

bool answer_retry(enum problem_code code) {
    return code == PROBLEM_OVERLOADED || code == PROBLEM_NO_LEADER;
}

void answer_problem_with(struct request *request, const struct problem *problem, const char *member, uint64_t number) {
    struct json_writer writer = {0};
    answer_problem_body(request, problem, problem_status(problem->code), member, number, &writer);
    struct answer answer = {
        .status = problem_status(problem->code),
        .content_type = ANSWER_PROBLEM,
        .code = problem_name(problem->code),
        .retry = answer_retry(problem->code),
        .allow = problem->code == PROBLEM_METHOD_NOT_ALLOWED ? request->allow : NULL,
    };
    answer_written(request, &answer, &writer);
}

void answer_problem(struct request *request, const struct problem *problem) {
    answer_problem_with(request, problem, NULL, 0);
}
