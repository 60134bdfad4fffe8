#include "api/member_change.h"

#include "api/answer.h"
#include "api/member_list.h"
#include "api/redirect.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

static void undo(struct request *request) {
    node_cancel(request->api->node, request->ticket);
}

static void done(void *context, const struct node_change_answer *ended) {
    struct request *request = context;
    if (ended->problem.code != PROBLEM_NONE) {
        redirect_or_problem(request, &ended->problem);
        return;
    }
    struct json_writer writer = {0};
    member_list_write_members(&ended->members, ended->index, &writer);
    answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_JSON}, &writer);
}

static void start(struct request *request, const struct change *change) {
    const struct parameters *parameters = &request->parameters;
    request_wait(request, undo, NULL);
    request->ticket = node_change(request->api->node, change, parameters->timeout_ms, parameters->forward, done, request);
}

/* -- Bodies -- */

static bool refuse(struct problem *out_problem, const char *what) {
    problem_set(out_problem, PROBLEM_BAD_REQUEST, false, "%s", what);
    return false;
}

static bool read_url(struct json_span string, char out_url[MEMBERS_URL_SIZE]) {
    if (json_type(string) != JSON_STRING) {
        return false;
    }
    char *text = memory_alloc(string.size + 1);
    size_t size = json_string_decode(string, text);
    bool valid = memchr(text, '\0', size) == NULL && members_url_valid(text, size);
    if (valid) {
        memcpy(out_url, text, size);
        out_url[size] = '\0';
    }
    free(text);
    return valid;
}

/* {"id":4,"url":"http://..."}; what else stands there is not looked at. */
static bool read_member(struct json_span value, struct members_member *out_member, struct problem *out_problem) {
    struct json_span id;
    struct json_span url;
    if (json_type(value) != JSON_OBJECT) {
        return refuse(out_problem, "a member is an object, {\"id\":4,\"url\":\"http://host:port\"}");
    }
    if (!json_member(value, "id", &id) || json_type(id) != JSON_NUMBER ||
        !json_number_uint64(id, RAFT_NUMBER_MAX, &out_member->id) || out_member->id == 0) {
        return refuse(out_problem, "\"id\" must be the id of a node, from 1 to 9007199254740991");
    }
    if (!json_member(value, "url", &url) || !read_url(url, out_member->url)) {
        return refuse(out_problem,
                      "\"url\" must be where other nodes reach it, like http://host:port (no path, no slash at "
                      "the end)");
    }
    return true;
}

static bool read_add(struct json_span body, struct change *change, struct problem *out_problem) {
    struct members_member *member = &change->members.list[0];
    struct json_span role;
    *change = (struct change){.kind = CHANGE_ADD, .members = {.count = 1}};
    member->voter = true;
    if (!read_member(body, member, out_problem)) {
        return false;
    }
    if (json_member(body, "role", &role)) {
        member->voter = json_string_is(role, "voter");
        if (!member->voter && !json_string_is(role, "learner")) {
            return refuse(out_problem, "\"role\" must be \"voter\" or \"learner\"");
        }
    }
    return true;
}

static bool has_url(const struct members *members, const char *url) {
    for (size_t i = 0; i < members->count; i++) {
        if (strcmp(members->list[i].url, url) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_list(struct json_span array, bool voters, struct members *members, struct problem *out_problem) {
    if (json_type(array) != JSON_ARRAY) {
        return refuse(out_problem, "\"voters\" and \"learners\" must be arrays of members");
    }
    struct json_cursor cursor = json_open(array);
    struct json_span value;
    while (json_next_element(&cursor, &value)) {
        struct members_member member = {.voter = voters};
        if (!read_member(value, &member, out_problem)) {
            return false;
        }
        if (members_find(members, member.id) != NULL || has_url(members, member.url)) {
            return refuse(out_problem, "a member is listed twice, by its id or its URL");
        }
        if (!members_add(members, &member)) {
            problem_set(out_problem, PROBLEM_BAD_REQUEST, false, "there can be no more than %d members", RAFT_MEMBERS_MAX);
            return false;
        }
    }
    return true;
}

static bool read_put(struct json_span body, struct change *change, struct problem *out_problem) {
    struct json_span voters;
    struct json_span learners;
    *change = (struct change){.kind = CHANGE_PUT};
    if (json_type(body) != JSON_OBJECT || !json_member(body, "voters", &voters)) {
        return refuse(out_problem, "the body must be {\"voters\":[{\"id\":1,\"url\":\"http://host:port\"},...],"
                                   "\"learners\":[...]}");
    }
    if (!read_list(voters, true, &change->members, out_problem)) {
        return false;
    }
    if (change->members.count == 0) {
        return refuse(out_problem, "there must be a voter");
    }
    return !json_member(body, "learners", &learners) || read_list(learners, false, &change->members, out_problem);
}

typedef bool reader(struct json_span body, struct change *change, struct problem *out_problem);

static void read_and_start(struct request *request, reader *read) {
    struct buffer *body = request_take_body(request);
    struct change *change = memory_alloc(sizeof *change); /* Several kilobytes. */
    struct json_span value;
    struct problem problem;
    size_t offset;
    if (!json_scan(body->data, body->size, &value, &offset)) {
        problem_set(&problem, PROBLEM_BAD_JSON, false, "the body stops being JSON at byte %zu", offset);
        answer_problem_with(request, &problem, "offset", offset);
    } else if (!read(value, change, &problem)) {
        answer_problem(request, &problem);
    } else {
        start(request, change);
    }
    free(change);
    buffer_release(body);
}

/* -- Handlers -- */

void member_change_handle_add(struct request *request) {
    read_and_start(request, read_add);
}

void member_change_handle_put(struct request *request) {
    read_and_start(request, read_put);
}

static void start_by_id(struct request *request, enum change_kind kind) {
    struct change *change = memory_zalloc(sizeof *change);
    change->kind = kind;
    change->members.count = 1;
    change->members.list[0].id = request->path_id;
    start(request, change);
    free(change);
}

void member_change_handle_promote(struct request *request) {
    start_by_id(request, CHANGE_PROMOTE);
}

void member_change_handle_remove(struct request *request) {
    start_by_id(request, CHANGE_REMOVE);
}
