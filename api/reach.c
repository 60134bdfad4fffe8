#include "api/reach.h"

#include "api/answer.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct call_out {
    struct tour *tour;
    raft_node_id id;
    uint64_t ticket; /* 0: not under way. */
    bool reachable;
    char why[PROBLEM_DETAIL_SIZE];
};

struct tour {
    struct request *request;
    raft_node_id self;
    size_t open;
    size_t count;
    struct call_out calls[RAFT_MEMBERS_MAX];
};

static void answer_tour(struct tour *tour) {
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    json_write_name(&writer, "id");
    json_write_uint64(&writer, tour->self);
    json_write_name(&writer, "reach");
    json_write_array_begin(&writer);
    for (size_t i = 0; i < tour->count; i++) {
        json_write_object_begin(&writer);
        json_write_name(&writer, "id");
        json_write_uint64(&writer, tour->calls[i].id);
        json_write_name(&writer, "reachable");
        json_write_bool(&writer, tour->calls[i].reachable);
        if (!tour->calls[i].reachable) {
            json_write_name(&writer, "why");
            json_write_text(&writer, tour->calls[i].why);
        }
        json_write_object_end(&writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    answer_written(tour->request, &(struct answer){.status = 200, .content_type = ANSWER_JSON}, &writer);
    free(tour);
}

/* Whatever answers there is there: who it is, the doctor sees by itself. */
static void got(void *context, unsigned status, const char *body, size_t size, const char *why) {
    (void)body;
    (void)size;
    struct call_out *call = context;
    struct tour *tour = call->tour;
    call->ticket = 0;
    call->reachable = status == 200;
    if (status != 0) {
        snprintf(call->why, sizeof call->why, "answers %u", status);
    } else {
        snprintf(call->why, sizeof call->why, "%s", why);
    }
    assert(tour->open > 0);
    if (--tour->open == 0) {
        answer_tour(tour);
    }
}

static void undo(struct request *request) {
    struct tour *tour = request->state;
    for (size_t i = 0; i < tour->count; i++) {
        if (tour->calls[i].ticket != 0) {
            peers_cancel(request->api->peers, tour->calls[i].ticket);
        }
    }
    free(tour);
}

void reach_handle(struct request *request) {
    struct tour *tour = memory_zalloc(sizeof *tour);
    struct node_status *status = memory_alloc(sizeof *status);
    node_status(request->api->node, status);
    tour->request = request;
    tour->self = status->id;
    for (size_t i = 0; i < status->members.count; i++) {
        const struct members_member *member = &status->members.list[i];
        if (member->id == status->id) {
            continue;
        }
        char url[MEMBERS_URL_SIZE + 24];
        struct call_out *call = &tour->calls[tour->count++];
        call->tour = tour;
        call->id = member->id;
        snprintf(url, sizeof url, "%s/raft/v1/status", member->url);
        call->ticket = peers_get(request->api->peers, url, API_ASK_TIMEOUT_MS, got, call);
        tour->open++;
    }
    free(status);
    if (tour->open > 0) {
        request_wait(request, undo, tour);
    } else {
        answer_tour(tour);
    }
}
