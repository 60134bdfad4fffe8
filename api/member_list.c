#include "api/member_list.h"

#include "api/answer.h"

#include "server/base/memory.h"

#include <stdlib.h>

static void write_role(const struct members *members, const char *name, bool voters, struct json_writer *writer) {
    json_write_name(writer, name);
    json_write_array_begin(writer);
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *member = &members->list[i];
        if (member->voter == voters) {
            json_write_object_begin(writer);
            json_write_name(writer, "id");
            json_write_uint64(writer, member->id);
            json_write_name(writer, "url");
            json_write_text(writer, member->url);
            json_write_object_end(writer);
        }
    }
    json_write_array_end(writer);
}

void member_list_write(const struct node_status *status, struct json_writer *writer) {
    if (status->cluster_id[0] == '\0') {
        json_write_null(writer);
        return;
    }
    json_write_object_begin(writer);
    json_write_name(writer, "index");
    json_write_uint64(writer, status->members_index);
    write_role(&status->members, "voters", true, writer);
    write_role(&status->members, "learners", false, writer);
    json_write_name(writer, "outgoing");
    json_write_array_begin(writer);
    json_write_array_end(writer);
    json_write_object_end(writer);
}

void member_list_handle(struct request *request) {
    struct node_status *status = memory_alloc(sizeof *status);
    node_status(request->api->node, status);
    if (status->cluster_id[0] == '\0') {
        struct problem problem;
        problem_set(&problem, PROBLEM_NOT_READY, false, "this node is not in a cluster yet: there is no configuration");
        answer_problem(request, &problem);
    } else {
        struct json_writer writer = {0};
        member_list_write(status, &writer);
        answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_JSON}, &writer);
    }
    free(status);
}
