/* Problems and the lines of propose answers in JSON (contract §1, RFC 9457). */
#include "server/message_parts.h"

#include "server/base/memory.h"

#include <stdlib.h>

void message_problem_write_members(const struct problem *problem, bool changing, struct json_writer *writer) {
    json_write_name(writer, "type");
    json_write_text(writer, "about:blank");
    json_write_name(writer, "title");
    json_write_text(writer, problem_title(problem->code));
    message_write_number(writer, "status", problem_status(problem->code));
    json_write_name(writer, "code");
    json_write_text(writer, problem_name(problem->code));
    json_write_name(writer, "detail");
    json_write_text(writer, problem->detail);
    if (changing) {
        json_write_name(writer, "outcome");
        json_write_text(writer, problem->outcome_unknown ? "unknown" : "rejected");
    }
}

void message_problem_write(const struct problem *problem, bool changing, struct json_writer *writer) {
    json_write_object_begin(writer);
    message_problem_write_members(problem, changing, writer);
    json_write_object_end(writer);
}

void message_line_write(const struct message_line *line, struct json_writer *writer, bool one_line) {
    if (line->problem.code != PROBLEM_NONE) {
        message_problem_write(&line->problem, true, writer);
        return;
    }
    json_write_object_begin(writer);
    message_write_number(writer, "index", line->id.index);
    message_write_number(writer, "term", line->id.term);
    json_write_name(writer, line->omitted ? "result_omitted" : "result");
    if (line->omitted) {
        json_write_bool(writer, true);
    } else if (one_line) {
        json_write_value_one_line(writer, line->result);
    } else {
        json_write_value(writer, line->result);
    }
    if (line->duplicate) {
        json_write_name(writer, "duplicate");
        json_write_bool(writer, true);
    }
    json_write_object_end(writer);
}

/* The nearest thing to say about an answer whose code this version does not know. */
static enum problem_code code_of_status(unsigned status) {
    switch (status) {
    case 307:
    case 308:
        return PROBLEM_NOT_LEADER;
    case 409:
        return PROBLEM_CONFLICT;
    case 421:
        return PROBLEM_WRONG_CLUSTER;
    case 503:
        return PROBLEM_NOT_READY;
    default:
        break;
    }
    for (unsigned code = PROBLEM_NONE + 1; code < PROBLEM_CODE_COUNT; code++) {
        if (problem_status((enum problem_code)code) == status) {
            return (enum problem_code)code;
        }
    }
    return status >= 400 && status < 500 ? PROBLEM_BAD_REQUEST : PROBLEM_NOT_READY;
}

/* Any text for people; bytes that are no plain text are left to whoever prints it. */
static void read_detail(struct json_span detail, unsigned status, struct problem *problem) {
    if (detail.size == 0) {
        problem_set(problem, problem->code, problem->outcome_unknown, "the answer was status %u without a detail", status);
        return;
    }
    char *text = memory_alloc(detail.size + 1);
    text[json_string_decode(detail, text)] = '\0';
    problem_set(problem, problem->code, problem->outcome_unknown, "%s", text);
    free(text);
}

static enum problem_code read_code(struct json_span name, unsigned status) {
    enum problem_code code = PROBLEM_NONE;
    char *text = name.size > 0 ? message_field_text(name, 64) : NULL;
    if (text != NULL) {
        size_t size = 0;
        while (text[size] != '\0') {
            size++;
        }
        code = problem_by_name(text, size);
        free(text);
    }
    return code != PROBLEM_NONE ? code : code_of_status(status);
}

bool message_problem_read(struct json_span object, unsigned status, struct problem *out_problem) {
    struct json_span code = {0};
    struct json_span detail = {0};
    struct json_span outcome = {0};
    struct message_field fields[] = {
        {.name = "code", .type = MESSAGE_FIELD_STRING, .optional = true, .out = &code},
        {.name = "detail", .type = MESSAGE_FIELD_STRING, .optional = true, .out = &detail},
        {.name = "outcome", .type = MESSAGE_FIELD_STRING, .optional = true, .out = &outcome},
    };
    if (!message_field_read(object, fields, MESSAGE_FIELD_COUNT(fields), (struct message_place){0}, NULL)) {
        return false;
    }
    struct problem problem;
    problem.code = read_code(code, status);
    /* "Never" is a promise that somebody must have made. */
    problem.outcome_unknown = outcome.size == 0 || !json_string_is(outcome, "rejected");
    read_detail(detail, status, &problem);
    *out_problem = problem;
    return true;
}

static bool read_line(struct json_span object, struct message_line *out_line) {
    struct json_span code = {0};
    uint64_t status = 0;
    struct message_line line = {0};
    struct message_field fields[] = {
        {.name = "index", .type = MESSAGE_FIELD_ID, .optional = true, .out = &line.id.index},
        {.name = "term", .type = MESSAGE_FIELD_ID, .optional = true, .out = &line.id.term},
        {.name = "result", .type = MESSAGE_FIELD_VALUE, .optional = true, .out = &line.result},
        {.name = "result_omitted", .type = MESSAGE_FIELD_BOOL, .optional = true, .out = &line.omitted},
        {.name = "duplicate", .type = MESSAGE_FIELD_BOOL, .optional = true, .out = &line.duplicate},
        {.name = "code", .type = MESSAGE_FIELD_STRING, .optional = true, .out = &code},
        {.name = "status", .type = MESSAGE_FIELD_NUMBER, .optional = true, .out = &status},
    };
    if (!message_field_read(object, fields, MESSAGE_FIELD_COUNT(fields), (struct message_place){0}, NULL)) {
        return false;
    }
    if (code.size > 0) {
        line = (struct message_line){0};
        if (!message_problem_read(object, status > 999 ? 0 : (unsigned)status, &line.problem)) {
            return false;
        }
    } else if (line.id.index == 0 || line.id.term == 0 || (line.result.size == 0) != line.omitted) {
        return false;
    }
    *out_line = line;
    return true;
}

bool message_lines_read(struct json_span array, struct message_line **out_lines, size_t *out_count) {
    struct message_line *lines = NULL;
    size_t count = 0;
    size_t capacity = 0;
    struct json_cursor cursor = json_open(array);
    struct json_span value;
    while (json_next_element(&cursor, &value)) {
        lines = memory_grow(lines, &capacity, count + 1, sizeof *lines);
        if (!read_line(value, &lines[count])) {
            free(lines);
            return false;
        }
        count++;
    }
    *out_lines = lines;
    *out_count = count;
    return true;
}
