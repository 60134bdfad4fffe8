#include "api/client/call.h"

#include "api/client/clock.h"
#include "api/client/learn.h"
#include "api/client/pause.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A node that is told how long it may take answers a little before we give up. */
enum { GRACE_MS = 500, GRACE_PART = 10, ATTEMPT_MAX_MS = 60000, PATH_MAX_SIZE = 4096 };

uint64_t call_deadline(const struct raftclient *client) {
    return clock_after(clock_ms(), client->timeout_ms);
}

void call_begin(struct raftclient *client) {
    client->exchange.body_size = 0;
    client->node_url[0] = '\0';
    client->problem = (struct verdict_problem){.code = ""};
    client->answer = (struct raftclient_answer){
        .code = client->problem.code, .detail = client->problem.detail, .body = "", .node_url = client->node_url};
}

const struct raftclient_answer *call_say(struct raftclient *client, enum raftclient_outcome outcome, const char *code,
                                         const char *detail) {
    client->answer.outcome = outcome;
    snprintf(client->problem.code, sizeof client->problem.code, "%s", code);
    snprintf(client->problem.detail, sizeof client->problem.detail, "%s", detail);
    return &client->answer;
}

static uint32_t attempt_ms(const struct raftclient *client, const struct call *call) {
    return call->attempt_ms != 0 ? call->attempt_ms : client->options.attempt_ms;
}

/* What the node is told: `left_ms` less what it takes for the answer to come back. */
static uint32_t node_timeout_ms(uint64_t left_ms) {
    uint64_t grace = left_ms / GRACE_PART < GRACE_MS ? left_ms / GRACE_PART : GRACE_MS;
    uint64_t told = left_ms - grace < ATTEMPT_MAX_MS ? left_ms - grace : ATTEMPT_MAX_MS;
    return told > 0 ? (uint32_t)told : 1;
}

void call_exchange(struct raftclient *client, struct nodes_entry *node, const struct call *call, uint64_t deadline_ms) {
    char url[RAFTCLIENT_URL_MAX + PATH_MAX_SIZE + 64];
    uint64_t now = clock_ms();
    uint64_t left = deadline_ms > now ? deadline_ms - now : 1;
    int size = snprintf(url, sizeof url, "%s%s", node->url, call->path);
    if (call->takes_timeout) {
        snprintf(url + size, sizeof url - (size_t)size, "%ctimeout=%" PRIu32 "ms", strchr(call->path, '?') ? '&' : '?',
                 node_timeout_ms(left));
    }
    struct exchange_request request = {.method = call->method,
                                       .url = url,
                                       .body = call->body,
                                       .body_size = call->body_size,
                                       .headers = {call->header},
                                       .deadline_ms = deadline_ms,
                                       .silence_ms = call->silence_ms,
                                       .sink = call->sink,
                                       .sink_context = call->sink_context};
    struct exchange_answer *exchange = &client->exchange;
    exchange_run(&client->setting, &request, exchange);
    if (exchange->end == EXCHANGE_ANSWERED && exchange->has_leader) {
        client->answered = true;
        nodes_answered(&client->nodes, node, exchange->node, exchange->leader);
    }
}

/* -- The answer -- */

static void take_answer(struct raftclient *client, const struct nodes_entry *node) {
    const struct exchange_answer *exchange = &client->exchange;
    struct raftclient_answer *answer = &client->answer;
    answer->status = exchange->status;
    answer->node = exchange->node;
    answer->leader = exchange->leader;
    answer->index = exchange->index;
    answer->body = exchange->body;
    answer->body_size = exchange->body_size;
    snprintf(client->node_url, sizeof client->node_url, "%s", node->url);
    if (exchange->end == EXCHANGE_ANSWERED && (exchange->status < 200 || exchange->status > 299)) {
        verdict_read_problem(exchange->body, exchange->body_size, &client->problem);
        if (client->problem.code[0] == '\0') {
            snprintf(client->problem.code, sizeof client->problem.code, "bad_answer");
            snprintf(client->problem.detail, sizeof client->problem.detail,
                     "%.400s answered %u, which is no answer of raftd's", node->url, exchange->status);
        }
    } else {
        client->problem = (struct verdict_problem){.code = ""};
        if (exchange->end != EXCHANGE_ANSWERED && exchange->end != EXCHANGE_ENOUGH) {
            snprintf(client->problem.code, sizeof client->problem.code, "unreachable");
            snprintf(client->problem.detail, sizeof client->problem.detail, "%.400s: %.100s", node->url, exchange->why);
        }
    }
    answer->first_index = client->problem.first_index;
}

/* The call ends without having been done. */
static const struct raftclient_answer *give_up(struct raftclient *client, bool doubtful, bool refused) {
    client->answer.outcome = doubtful ? RAFTCLIENT_UNKNOWN : refused ? RAFTCLIENT_REJECTED : RAFTCLIENT_UNAVAILABLE;
    if (atomic_load(&client->setting.stopped)) {
        return call_say(client, client->answer.outcome, "stopped", "the client was told to stop");
    }
    if (client->problem.code[0] == '\0') {
        return call_say(client, client->answer.outcome, "unreachable", "there was no time to ask any node");
    }
    return &client->answer;
}

/* -- Attempts -- */

struct attempts {
    const struct call *call;
    bool doubtful;   /* One of them may have taken effect. */
    bool rested;     /* Since the last one. */
    unsigned rounds; /* That failed. */
};

static struct nodes_entry *choose(struct raftclient *client, const struct call *call) {
    if (call->only == NULL) {
        return nodes_choose(&client->nodes, call->spread, clock_ms());
    }
    if (call->only->tried || call->only->barred) {
        return NULL;
    }
    call->only->tried = true;
    return call->only;
}

static void begin_round(struct raftclient *client, const struct call *call) {
    nodes_begin_round(&client->nodes);
    if (call->only != NULL) {
        call->only->tried = false;
    }
}

static bool any_left(const struct raftclient *client, const struct call *call) {
    return call->only != NULL ? !call->only->barred : nodes_any(&client->nodes);
}

static struct verdict attempt(struct raftclient *client, struct attempts *attempts, struct nodes_entry *node) {
    const struct call *call = attempts->call;
    uint64_t now = clock_ms(), until = clock_after(now, attempt_ms(client, call));
    until = until < call->deadline_ms ? until : call->deadline_ms;
    call_exchange(client, node, call, until);
    attempts->rested = false;
    client->answer.attempts++;
    take_answer(client, node);
    struct verdict_problem problem = client->problem;
    if (strcmp(problem.code, "bad_answer") == 0) {
        problem.code[0] = '\0';
    }
    struct verdict verdict = verdict_of(&client->exchange, &problem, call->kind, attempts->doubtful);
    attempts->doubtful = attempts->doubtful || verdict.took_effect_perhaps;
    if (verdict.node_failed) {
        nodes_failed(&client->nodes, node, clock_ms());
    }
    node->barred = verdict.next == VERDICT_NOT_HERE;
    return verdict;
}

/* Waits, as long as the last node asked for at least. False: the time of the call would be over. */
static bool rest(struct raftclient *client, struct attempts *attempts) {
    if (attempts->rested) {
        return true;
    }
    attempts->rested = true;
    uint32_t pause = pause_ms(attempts->rounds++, client->exchange.retry_after_ms, clock_draw(&client->random));
    uint64_t until = clock_after(clock_ms(), pause);
    if (until >= attempts->call->deadline_ms) {
        return false;
    }
    exchange_sleep(&client->setting, until);
    return !atomic_load(&client->setting.stopped);
}

const struct raftclient_answer *call_run(struct raftclient *client, const struct call *call) {
    struct attempts attempts = {.call = call};
    if (call->only == NULL) {
        learn_members(client, call->deadline_ms);
    }
    nodes_begin_call(&client->nodes);
    while (!atomic_load(&client->setting.stopped) && clock_ms() < call->deadline_ms) {
        struct nodes_entry *node = choose(client, call);
        if (node == NULL) {
            if (!rest(client, &attempts)) {
                break;
            }
            if (call->only == NULL) {
                learn_members(client, call->deadline_ms);
            }
            begin_round(client, call);
            continue;
        }
        struct verdict verdict = attempt(client, &attempts, node);
        if (verdict.next == VERDICT_DONE || client->exchange.end == EXCHANGE_ENOUGH) {
            client->answer.outcome = RAFTCLIENT_DONE;
            return &client->answer;
        }
        if (verdict.next == VERDICT_FINAL || !any_left(client, call)) {
            return give_up(client, attempts.doubtful, client->exchange.end == EXCHANGE_ANSWERED);
        }
        if (verdict.next == VERDICT_LATER && !rest(client, &attempts)) {
            break;
        }
    }
    return give_up(client, attempts.doubtful, false);
}
