#include "api/log_page.h"

#include "api/answer.h"

static void undo(struct request *request) {
    node_cancel(request->api->node, request->ticket);
}

static void write_number(struct json_writer *writer, const char *name, uint64_t number) {
    json_write_name(writer, name);
    json_write_uint64(writer, number);
}

static void done(void *context, const struct node_log_answer *answer) {
    struct request *request = context;
    if (answer->problem.code == PROBLEM_COMPACTED) {
        answer_problem_with(request, &answer->problem, "first_index", answer->first_index);
        return;
    }
    if (answer->problem.code != PROBLEM_NONE) {
        answer_problem(request, &answer->problem);
        return;
    }
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    write_number(&writer, "first_index", answer->first_index);
    write_number(&writer, "last_index", answer->last_index);
    write_number(&writer, "commit_index", answer->commit_index);
    json_write_name(&writer, "entries");
    json_write_array_begin(&writer);
    for (size_t i = 0; i < answer->count; i++) {
        message_entry_write(&answer->entries[i], &writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_JSON}, &writer);
}

void log_page_handle(struct request *request) {
    const struct parameters *parameters = &request->parameters;
    request_wait(request, undo, NULL);
    request->ticket = node_read_log(request->api->node, parameters->from, parameters->limit, done, request);
}
