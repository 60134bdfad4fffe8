#include "api/redirect.h"

#include "api/answer.h"

#include "server/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A question to the leader under way. */
struct asking {
    struct request *request;
    raft_node_id leader;
    char url[MEMBERS_URL_SIZE];
};

/* Path and query as they were sent, less forward: the leader shall not be told to send the client on. */
static void write_target(const struct target *target, struct json_writer *writer) {
    json_write_bytes(writer, target->raw_path, target->raw_path_size);
    const char *at = target->query;
    struct target_pair pair;
    bool first = true;
    while (target_next_pair(&at, target->query + target->query_size, &pair)) {
        if (target_is(pair.name, pair.name_size, "forward")) {
            continue;
        }
        json_write_bytes(writer, first ? "?" : "&", 1);
        json_write_bytes(writer, pair.name, (size_t)(pair.value + pair.value_size - pair.name));
        first = false;
    }
}

static void answer_redirect(struct request *request, raft_node_id leader, const char *client_url) {
    struct json_writer location = {0};
    json_write_bytes(&location, client_url, strlen(client_url));
    write_target(&request->target, &location);
    size_t size;
    char *text = json_writer_take(&location, &size);
    struct problem problem;
    problem_set(&problem, PROBLEM_NOT_LEADER, false, "node %llu is the leader, at %s", (unsigned long long)leader,
                client_url);
    struct json_writer body = {0};
    answer_problem_body(request, &problem, 307, NULL, 0, &body);
    answer_written(request,
                   &(struct answer){.status = 307, .content_type = ANSWER_PROBLEM, .code = "not_leader", .location = text},
                   &body);
    free(text);
}

static void answer_no_leader(struct request *request) {
    struct problem problem;
    problem_set(&problem, PROBLEM_NO_LEADER, false, "this node knows no leader; an election may be under way");
    answer_problem(request, &problem);
}

static void got(void *context, unsigned status, const char *body, size_t size, const char *why) {
    (void)why;
    struct asking *asking = context;
    struct request *request = asking->request;
    char client_url[MEMBERS_URL_SIZE];
    struct json_span value;
    size_t offset;
    if (status == 200 && json_scan(body, size, &value, &offset) && client_urls_read(value, client_url)) {
        client_urls_remember(&request->api->client_urls, asking->leader, asking->url, client_url, request->api->now_ms);
        answer_redirect(request, asking->leader, client_url);
    } else {
        /* The URL that peers use is better than none: the client learns by itself whether it reaches it. */
        answer_redirect(request, asking->leader, asking->url);
    }
    free(asking);
}

static void undo(struct request *request) {
    peers_cancel(request->api->peers, request->ticket);
    free(request->state);
}

static void ask(struct request *request, raft_node_id leader, const char *url) {
    struct asking *asking = memory_zalloc(sizeof *asking);
    asking->request = request;
    asking->leader = leader;
    snprintf(asking->url, sizeof asking->url, "%s", url);
    char status_url[MEMBERS_URL_SIZE + 24];
    snprintf(status_url, sizeof status_url, "%s/raft/v1/status", url);
    uint32_t timeout_ms = request->parameters.timeout_ms;
    request_wait(request, undo, asking);
    request->ticket = peers_get(request->api->peers, status_url,
                                timeout_ms < API_ASK_TIMEOUT_MS ? timeout_ms : API_ASK_TIMEOUT_MS, got, asking);
}

void redirect_or_problem(struct request *request, const struct problem *problem) {
    if (problem->code != PROBLEM_NOT_LEADER || request->parameters.forward) {
        answer_problem(request, problem);
        return;
    }
    struct api *api = request->api;
    struct node_brief brief;
    node_brief(api->node, &brief);
    const char *url = brief.leader != 0 ? node_member_url(api->node, brief.leader) : NULL;
    if (url == NULL) {
        answer_no_leader(request);
        return;
    }
    const char *client_url = brief.leader == brief.id ? api->options.client_url
                                                      : client_urls_find(&api->client_urls, brief.leader, url, api->now_ms);
    if (client_url != NULL) {
        answer_redirect(request, brief.leader, client_url);
    } else {
        ask(request, brief.leader, url);
    }
}
