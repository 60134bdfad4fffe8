/* Each line is judged by itself. Those that are bad get their problem here, the others go to the node together, and the
 * answers are put back into the order of the lines. */
#include "api/propose_lines.h"

#include "api/answer.h"
#include "api/lines.h"
#include "api/redirect.h"

#include "server/base/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What became of one line at the door. Small, since there may be many: problems are spelt out when they are written. */
struct verdict {
    enum problem_code code; /* PROBLEM_NONE: it went to the node. */
    size_t offset;          /* Of bad_json, in its line. */
    char *detail;           /* Owned; of invalid_command. NULL: said by the code. */
};

struct batch {
    struct verdict *verdicts; /* Owned array, one for each line. */
    size_t count;
    size_t capacity;
    struct json_span *commands; /* Owned array: the lines that are good. */
    size_t command_count;
    size_t command_capacity;
};

static void batch_destroy(struct batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->verdicts[i].detail);
    }
    free(batch->verdicts);
    free(batch->commands);
    free(batch);
}

static struct verdict judge(const struct request *request, const char *line, size_t size, struct json_span *out_command) {
    struct verdict verdict = {PROBLEM_NONE, 0, NULL};
    struct problem problem;
    if (size > request->api->options.command_bytes_max) {
        verdict.code = PROBLEM_TOO_LARGE;
    } else if (!json_scan(line, size, out_command, &verdict.offset)) {
        verdict.code = PROBLEM_BAD_JSON;
    } else if (!node_check(request->api->node, *out_command, &problem)) {
        verdict.code = problem.code;
        verdict.detail = memory_text(problem.detail, strlen(problem.detail));
    }
    return verdict;
}

/* False: there are more lines than one body may have. */
static bool read_lines(const struct request *request, const struct buffer *body, struct batch *batch) {
    struct lines lines = lines_open(body->data, body->size);
    const char *line;
    size_t size;
    while (lines_next(&lines, &line, &size)) {
        if (batch->count == API_NDJSON_LINES_MAX) {
            return false;
        }
        struct json_span command;
        struct verdict verdict = judge(request, line, size, &command);
        batch->verdicts = memory_grow(batch->verdicts, &batch->capacity, batch->count + 1, sizeof verdict);
        batch->verdicts[batch->count++] = verdict;
        if (verdict.code == PROBLEM_NONE) {
            batch->commands =
                memory_grow(batch->commands, &batch->command_capacity, batch->command_count + 1, sizeof command);
            batch->commands[batch->command_count++] = command;
        }
    }
    return true;
}

static void write_verdict(const struct request *request, const struct verdict *verdict, struct json_writer *writer) {
    struct problem problem;
    if (verdict->code == PROBLEM_BAD_JSON) {
        problem_set(&problem, verdict->code, false, "the line stops being JSON at its byte %zu", verdict->offset);
        answer_problem_body(request, &problem, problem_status(problem.code), "offset", verdict->offset, writer);
        return;
    }
    if (verdict->code == PROBLEM_TOO_LARGE) {
        problem_set(&problem, verdict->code, false, "the line is longer than the %zu bytes a command may have",
                    request->api->options.command_bytes_max);
    } else {
        problem_set(&problem, verdict->code, false, "%s", verdict->detail);
    }
    answer_problem_body(request, &problem, problem_status(problem.code), NULL, 0, writer);
}

/* What changed is told in any case; results are left out where they would take too much memory. */
static bool has_room_for_results(struct request *request, const struct batch *batch, const struct message_line *lines,
                                 size_t count) {
    size_t size = batch->count * API_LINE_BYTES;
    for (size_t i = 0; i < count; i++) {
        size += lines[i].result.size;
    }
    return answer_has_room(request, size);
}

static void answer_lines(struct request *request, const struct batch *batch, const struct message_line *lines,
                         size_t count) {
    assert(count == batch->command_count);
    bool room = has_room_for_results(request, batch, lines, count);
    struct json_writer writer = {0};
    raft_index highest = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->verdicts[i].code != PROBLEM_NONE) {
            write_verdict(request, &batch->verdicts[i], &writer);
        } else {
            highest = lines->id.index > highest ? lines->id.index : highest;
            struct message_line line = *lines++;
            if (!room && line.result.size > 0) {
                line.omitted = true;
                line.result = (struct json_span){0};
            }
            message_line_write(&line, &writer, true);
        }
        writer.need_comma = false;
        json_write_bytes(&writer, "\n", 1);
    }
    answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_NDJSON, .index = highest}, &writer);
}

static void undo(struct request *request) {
    const struct batch *batch = request->state;
    request->api->figures.commands[FIGURES_GONE] += batch->command_count;
    node_cancel(request->api->node, request->ticket);
    batch_destroy(request->state);
}

static void done(void *context, const struct message_line *lines, size_t count) {
    struct request *request = context;
    struct batch *batch = request->state;
    for (size_t i = 0; i < count; i++) {
        request->api->figures.commands[figures_outcome(&lines[i].problem, lines[i].duplicate)]++;
    }
    enum problem_code first = lines[0].problem.code;
    if (!request->parameters.forward && (first == PROBLEM_NOT_LEADER || first == PROBLEM_NO_LEADER)) {
        /* This node passes nothing on: the body goes elsewhere as a whole. */
        redirect_or_problem(request, &lines[0].problem);
    } else {
        answer_lines(request, batch, lines, count);
    }
    batch_destroy(batch);
}

void propose_lines_handle(struct request *request) {
    struct buffer *body = request_take_body(request);
    struct batch *batch = memory_zalloc(sizeof *batch);
    if (!read_lines(request, body, batch)) {
        struct problem problem;
        problem_set(&problem, PROBLEM_TOO_LARGE, false, "one body may have %d commands", API_NDJSON_LINES_MAX);
        answer_problem(request, &problem);
        batch_destroy(batch);
        buffer_release(body);
        return;
    }
    request->api->figures.commands[FIGURES_INVALID] += batch->count - batch->command_count;
    if (!answer_has_room(request, batch->count * API_LINE_BYTES)) {
        struct problem problem;
        problem_set(&problem, PROBLEM_OVERLOADED, false, "too many large answers wait to be read; try again soon");
        answer_problem(request, &problem);
        batch_destroy(batch);
    } else if (batch->command_count == 0) {
        answer_lines(request, batch, NULL, 0);
        batch_destroy(batch);
    } else {
        request_wait(request, undo, batch);
        request->ticket = node_propose(request->api->node, body, batch->commands, batch->command_count,
                                       request->parameters.timeout_ms, request->parameters.forward, done, request);
    }
    buffer_release(body);
}
