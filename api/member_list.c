#include "api/member_list.h"

#include "api/answer.h"

#include "server/base/memory.h"

#include <stdlib.h>

static bool is_voter(const struct members_member *member) {
    return member->voter;
}

static bool is_outgoing(const struct members_member *member) {
    return member->outgoing;
}

static void write_list(const struct members *members, const char *name, bool (*chosen)(const struct members_member *),
                       struct json_writer *writer) {
    json_write_name(writer, name);
    json_write_array_begin(writer);
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *member = &members->list[i];
        if (!chosen(member)) {
            continue;
        }
        json_write_object_begin(writer);
        json_write_name(writer, "id");
        json_write_uint64(writer, member->id);
        json_write_name(writer, "url");
        json_write_text(writer, member->url);
        if (members_is_learner(member) && member->next == MEMBERS_NEXT_VOTER) {
            json_write_name(writer, "promote");
            json_write_bool(writer, true);
        }
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

void member_list_write_members(const struct members *members, raft_index index, struct json_writer *writer) {
    json_write_object_begin(writer);
    json_write_name(writer, "index");
    json_write_uint64(writer, index);
    write_list(members, "voters", is_voter, writer);
    write_list(members, "learners", members_is_learner, writer);
    write_list(members, "outgoing", is_outgoing, writer);
    json_write_object_end(writer);
}

void member_list_write(const struct node_status *status, struct json_writer *writer) {
    if (status->cluster_id[0] == '\0') {
        json_write_null(writer);
        return;
    }
    member_list_write_members(&status->members, status->members_index, writer);
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
