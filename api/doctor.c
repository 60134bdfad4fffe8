#include "api/doctor.h"

#include "api/answer.h"
#include "api/checkup.h"
#include "api/clock.h"
#include "api/http.h"
#include "api/status.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REACH_TIMEOUT_MS = 2 * API_ASK_TIMEOUT_MS }; /* Whoever is asked asks others first. */

enum asked { ASKED_STATUS, ASKED_REACH };

struct question {
    struct visit *visit;
    size_t place;
    enum asked asked;
    uint64_t ticket; /* 0: not under way. */
    uint64_t sent_us;
};

/* One who asked the doctor. */
struct visit {
    struct request *request;
    uint64_t begun_ms;
    size_t time; /* The first or the second. */
    size_t open; /* Questions under way. */
    struct question questions[CHECKUP_NODES_MAX][ASKED_REACH + 1];
    struct checkup checkup;
};

/* -- The answer -- */

static void write_text(struct json_writer *writer, const char *name, const char *text) {
    json_write_name(writer, name);
    json_write_text(writer, text);
}

static void write_finding(const struct checkup_finding *finding, struct json_writer *writer) {
    json_write_object_begin(writer);
    write_text(writer, "severity", checkup_severity_name(finding->severity));
    write_text(writer, "code", finding->code);
    json_write_name(writer, "node");
    if (finding->node != 0) {
        json_write_uint64(writer, finding->node);
    } else {
        json_write_null(writer);
    }
    write_text(writer, "problem", finding->problem);
    write_text(writer, "evidence", finding->evidence);
    write_text(writer, "command", finding->command);
    json_write_object_end(writer);
}

static void finish(struct visit *visit) {
    visit->request->api->doctors--;
    free(visit);
}

static void tell(struct visit *visit) {
    struct checkup_findings *findings = memory_alloc(sizeof *findings);
    checkup_judge(&visit->checkup, findings);
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    json_write_name(&writer, "node");
    json_write_uint64(&writer, visit->checkup.self);
    json_write_name(&writer, "leader");
    json_write_uint64(&writer, visit->checkup.leader);
    json_write_name(&writer, "term");
    json_write_uint64(&writer, visit->checkup.term);
    json_write_name(&writer, "healthy");
    json_write_bool(&writer, !checkup_is_bad(findings));
    json_write_name(&writer, "findings");
    json_write_array_begin(&writer);
    for (size_t i = 0; i < findings->count; i++) {
        write_finding(&findings->list[i], &writer);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    free(findings);
    answer_written(visit->request, &(struct answer){.status = 200, .content_type = ANSWER_JSON}, &writer);
    finish(visit);
}

/* -- Asking -- */

static void ask_all(struct visit *visit);

static void again(struct request *request) {
    struct visit *visit = request->state;
    http_set_no_due(request);
    visit->time = 1;
    ask_all(visit);
}

static void all_told(struct visit *visit) {
    uint64_t now_ms = visit->request->api->now_ms;
    uint64_t next_ms = visit->begun_ms + CHECKUP_APART_MS;
    if (visit->time == 1) {
        tell(visit);
    } else {
        request_wait_due(visit->request, again);
        http_set_due(visit->request, next_ms > now_ms ? next_ms - now_ms : 0);
    }
}

static bool take_status(const struct question *question, struct json_span value) {
    struct checkup_clock clock = {
        .sent_us = question->sent_us, .got_us = clock_elapsed_us(), .got_wall_ms = clock_wall_ms()};
    return checkup_take_status(&question->visit->checkup, question->place, question->visit->time, value, &clock);
}

static void take(const struct question *question, unsigned status, const char *body, size_t size, const char *why) {
    struct checkup *checkup = &question->visit->checkup;
    struct checkup_node *node = &checkup->nodes[question->place];
    struct json_span value;
    size_t offset;
    bool json = status == 200 && json_scan(body, size, &value, &offset);
    if (question->asked == ASKED_REACH) {
        if (json) {
            checkup_take_reach(checkup, question->place, value);
        }
        return;
    }
    size_t self = (size_t)(checkup_find(checkup, checkup->self) - checkup->nodes);
    bool answered = json && take_status(question, value);
    char said[sizeof node->why];
    if (!answered && status != 0) {
        snprintf(said, sizeof said, "answers %u and no status", status);
    } else {
        snprintf(said, sizeof said, "%s", why);
    }
    snprintf(node->why, sizeof node->why, "%s", said);
    if (!answered) {
        snprintf(checkup->reach_why[question->place], sizeof checkup->reach_why[0], "%s", said);
    }
    checkup->reach[self][question->place] = answered ? CHECKUP_REACHED : CHECKUP_NOT_REACHED;
}

static void got(void *context, unsigned status, const char *body, size_t size, const char *why) {
    struct question *question = context;
    struct visit *visit = question->visit;
    question->ticket = 0;
    take(question, status, body, size, why);
    assert(visit->open > 0);
    if (--visit->open == 0) {
        all_told(visit);
    }
}

static void undo(struct request *request) {
    struct visit *visit = request->state;
    for (size_t i = 0; i < visit->checkup.count; i++) {
        for (size_t j = 0; j <= ASKED_REACH; j++) {
            if (visit->questions[i][j].ticket != 0) {
                peers_cancel(request->api->peers, visit->questions[i][j].ticket);
            }
        }
    }
    finish(visit);
}

static void ask(struct visit *visit, size_t place, enum asked asked) {
    char url[MEMBERS_URL_SIZE + 24];
    struct question *question = &visit->questions[place][asked];
    bool reach = asked == ASKED_REACH;
    snprintf(url, sizeof url, "%s/raft/v1/%s", visit->checkup.nodes[place].url, reach ? "reach" : "status");
    *question = (struct question){.visit = visit, .place = place, .asked = asked, .sent_us = clock_elapsed_us()};
    question->ticket =
        peers_get(visit->request->api->peers, url, reach ? REACH_TIMEOUT_MS : API_ASK_TIMEOUT_MS, got, question);
    visit->open++;
}

/* What this node says of itself goes the way of the others'. */
static void ask_self(struct visit *visit, size_t place) {
    const struct api *api = visit->request->api;
    const struct question question = {.visit = visit, .place = place, .sent_us = clock_elapsed_us()};
    struct node_status *status = memory_alloc(sizeof *status);
    struct json_writer writer = {0};
    node_status(api->node, status);
    status_write(api, status, &writer);
    free(status);
    struct json_span value = {writer.data, writer.size};
    (void)take_status(&question, value);
    json_writer_discard(&writer);
}

static void ask_all(struct visit *visit) {
    for (size_t i = 0; i < visit->checkup.count; i++) {
        visit->checkup.nodes[i].answered = false;
        if (visit->checkup.nodes[i].id == visit->checkup.self) {
            ask_self(visit, i);
            continue;
        }
        ask(visit, i, ASKED_STATUS);
        if (visit->time == 0) {
            ask(visit, i, ASKED_REACH);
        }
    }
}

/* -- Whom -- */

static struct checkup_node *include(struct checkup *checkup, raft_node_id id, const char *url) {
    struct checkup_node *node = &checkup->nodes[checkup->count++];
    node->id = id;
    snprintf(node->url, sizeof node->url, "%s", url);
    return node;
}

static void list(struct checkup *checkup, const struct api *api, const struct node_status *status) {
    checkup->self = status->id;
    checkup->leader = status->raft.leader;
    checkup->term = status->raft.hard_state.term;
    checkup->now_s = clock_wall_ms() / 1000;
    snprintf(checkup->client_url, sizeof checkup->client_url, "%s", api->options.client_url);
    snprintf(checkup->cluster_id, sizeof checkup->cluster_id, "%s", status->cluster_id);
    for (size_t i = 0; i < status->members.count; i++) {
        const struct members_member *member = &status->members.list[i];
        bool self = member->id == status->id;
        struct checkup_node *node = include(checkup, member->id, self ? api->options.advertise_url : member->url);
        node->member = true;
        node->voter = member->voter;
        node->promote = members_is_learner(member) && member->next == MEMBERS_NEXT_VOTER;
        snprintf(node->incarnation, sizeof node->incarnation, "%s", member->incarnation);
    }
    if (members_find(&status->members, status->id) == NULL) {
        include(checkup, status->id, api->options.advertise_url);
    }
}

void doctor_handle(struct request *request) {
    struct api *api = request->api;
    if (api->doctors == API_DOCTORS_MAX) {
        struct problem problem;
        problem_set(&problem, PROBLEM_OVERLOADED, false, "%d others are asking the doctor of this node now",
                    API_DOCTORS_MAX);
        answer_problem(request, &problem);
        return;
    }
    api->doctors++;
    struct visit *visit = memory_zalloc(sizeof *visit);
    struct node_status *status = memory_alloc(sizeof *status);
    node_status(api->node, status);
    list(&visit->checkup, api, status);
    free(status);
    visit->request = request;
    visit->begun_ms = api->now_ms;
    ask_all(visit);
    if (visit->open > 0) {
        request_wait(request, undo, visit);
    } else {
        tell(visit);
    }
}
