/* All members are asked at once, each for no longer than API_ASK_TIMEOUT_MS: a dead node costs that much, not more. */
#include "api/cluster.h"

#include "api/answer.h"
#include "api/status.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct inquiry {
    struct survey *survey;
    raft_node_id id;
    char url[MEMBERS_URL_SIZE];
    char client_url[MEMBERS_URL_SIZE];
    uint64_t ticket; /* 0: not under way. */
    char *body;      /* Owned; NULL: not reachable. */
    size_t size;
};

struct survey {
    struct request *request;
    size_t open; /* Inquiries under way. */
    size_t count;
    struct inquiry inquiries[RAFT_MEMBERS_MAX + 1]; /* The node itself may stand outside the configuration. */
};

static void survey_destroy(struct survey *survey) {
    for (size_t i = 0; i < survey->count; i++) {
        free(survey->inquiries[i].body);
    }
    free(survey);
}

static void write_node(const struct api *api, const struct inquiry *inquiry, const struct node_status *status,
                       struct json_writer *writer) {
    bool self = inquiry->id == status->id;
    json_write_object_begin(writer);
    json_write_name(writer, "id");
    json_write_uint64(writer, inquiry->id);
    json_write_name(writer, "url");
    json_write_text(writer, self ? api->options.advertise_url : inquiry->url);
    json_write_name(writer, "client_url");
    json_write_text(writer, self ? api->options.client_url : inquiry->client_url);
    json_write_name(writer, "reachable");
    json_write_bool(writer, self || inquiry->body != NULL);
    json_write_name(writer, "status");
    if (self) {
        status_write(api, status, writer);
    } else if (inquiry->body != NULL) {
        json_write_value(writer, (struct json_span){inquiry->body, inquiry->size});
    } else {
        json_write_null(writer);
    }
    json_write_object_end(writer);
}

static void answer_survey(struct survey *survey) {
    struct request *request = survey->request;
    struct node_status *status = memory_alloc(sizeof *status);
    node_status(request->api->node, status);
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    json_write_name(&writer, "leader");
    json_write_uint64(&writer, status->raft.leader);
    json_write_name(&writer, "term");
    json_write_uint64(&writer, status->raft.hard_state.term);
    json_write_name(&writer, "nodes");
    json_write_array_begin(&writer);
    for (size_t i = 0; i < survey->count; i++) {
        write_node(request->api, &survey->inquiries[i], status, &writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    free(status);
    answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_JSON}, &writer);
}

/* A status is shown as it came, once it is known to be one. */
static void keep(struct inquiry *inquiry, const char *body, size_t size) {
    struct json_span value;
    size_t offset;
    struct api *api = inquiry->survey->request->api;
    if (!json_scan(body, size, &value, &offset) || json_type(value) != JSON_OBJECT) {
        return;
    }
    inquiry->body = memory_copy(value.data, value.size);
    inquiry->size = value.size;
    if (client_urls_read(value, inquiry->client_url)) {
        client_urls_remember(&api->client_urls, inquiry->id, inquiry->url, inquiry->client_url, api->now_ms);
    }
}

static void got(void *context, unsigned status, const char *body, size_t size, const char *why) {
    (void)why;
    struct inquiry *inquiry = context;
    struct survey *survey = inquiry->survey;
    inquiry->ticket = 0;
    if (status == 200) {
        keep(inquiry, body, size);
    }
    assert(survey->open > 0);
    if (--survey->open == 0) {
        answer_survey(survey);
        survey_destroy(survey);
    }
}

static void undo(struct request *request) {
    struct survey *survey = request->state;
    for (size_t i = 0; i < survey->count; i++) {
        if (survey->inquiries[i].ticket != 0) {
            peers_cancel(request->api->peers, survey->inquiries[i].ticket);
        }
    }
    survey_destroy(survey);
}

static void include(struct survey *survey, raft_node_id id, const char *url) {
    assert(survey->count <= RAFT_MEMBERS_MAX);
    const struct api *api = survey->request->api;
    struct inquiry *inquiry = &survey->inquiries[survey->count++];
    const char *client_url = client_urls_find(&api->client_urls, id, url, api->now_ms);
    inquiry->survey = survey;
    inquiry->id = id;
    snprintf(inquiry->url, sizeof inquiry->url, "%s", url);
    snprintf(inquiry->client_url, sizeof inquiry->client_url, "%s", client_url != NULL ? client_url : url);
}

/* The members; before there are any, this node and those it waits for. */
static void list(struct survey *survey, const struct node_status *status) {
    for (size_t i = 0; i < status->members.count; i++) {
        include(survey, status->members.list[i].id, status->members.list[i].url);
    }
    if (members_find(&status->members, status->id) == NULL) {
        include(survey, status->id, survey->request->api->options.advertise_url);
    }
    for (size_t i = 0; status->members.count == 0 && i < status->waiting_count; i++) {
        if (status->waiting[i].id != status->id) {
            include(survey, status->waiting[i].id, status->waiting[i].url);
        }
    }
}

void cluster_handle(struct request *request) {
    struct survey *survey = memory_zalloc(sizeof *survey);
    survey->request = request;
    struct node_status *status = memory_alloc(sizeof *status);
    node_status(request->api->node, status);
    list(survey, status);
    for (size_t i = 0; i < survey->count; i++) {
        struct inquiry *inquiry = &survey->inquiries[i];
        if (inquiry->id == status->id) {
            continue;
        }
        char url[MEMBERS_URL_SIZE + 24];
        snprintf(url, sizeof url, "%s/raft/v1/status", inquiry->url);
        inquiry->ticket = peers_get(request->api->peers, url, API_ASK_TIMEOUT_MS, got, inquiry);
        survey->open++;
    }
    free(status);
    if (survey->open > 0) {
        request_wait(request, undo, survey);
    } else {
        answer_survey(survey);
        survey_destroy(survey);
    }
}
