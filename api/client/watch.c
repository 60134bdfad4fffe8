/* A watch goes from node to node: whenever a stream ends it goes on elsewhere behind the last command that was told of, so
 * that nothing is left out or told twice, whoever dies. */
#include "api/client/call.h"
#include "api/client/clock.h"
#include "api/client/learn.h"
#include "api/client/pause.h"
#include "api/client/sse.h"

#include "server/json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A stream that lived so long, or told of a command, was a good one. */
enum { PATH_SIZE = 64, HEADER_SIZE = 64, GOOD_STREAM_MS = 1000 };

struct watch {
    struct raftclient *client;
    raftclient_on_event on_event;
    void *context;
    struct sse sse;
    uint64_t next;        /* The first index that was not told of. */
    uint64_t give_up_ms;  /* When nothing was heard until then. */
    uint64_t first_index; /* The smallest that a log which is too short begins with; 0: none has said so in this round. */
    unsigned rounds;      /* That failed, since something was heard. */
    bool enough;          /* The callback wants no more. */
    bool bad;             /* The stream told what makes no sense. */
};

static bool member_number(struct json_span object, const char *name, uint64_t *out_number) {
    struct json_span value;
    return json_member(object, name, &value) && json_type(value) == JSON_NUMBER &&
           json_number_uint64(value, UINT64_MAX - 1, out_number);
}

static bool on_command(struct watch *watch, const char *data, size_t size) {
    struct json_span object, command;
    struct raftclient_event event = {.data = data, .data_size = size};
    size_t offset;
    if (!json_scan_message(data, size, &object, &offset) || json_type(object) != JSON_OBJECT ||
        !member_number(object, "index", &event.index) || !member_number(object, "term", &event.term) ||
        !json_member(object, "command", &command)) {
        watch->bad = true;
        return false;
    }
    if (event.index < watch->next) {
        return true;
    }
    event.command = command.data;
    event.command_size = command.size;
    watch->next = event.index + 1;
    watch->enough = !watch->on_event(watch->context, &event);
    return !watch->enough;
}

static bool on_event(void *context, const char *name, const char *data, size_t size) {
    struct watch *watch = context;
    if (strcmp(name, "command") == 0) {
        return on_command(watch, data, size);
    }
    if (strcmp(name, "end") == 0) {
        verdict_read_problem(data, size, &watch->client->problem);
        return false; /* Whatever it is, another node may do better. */
    }
    return true; /* From a later version. */
}

static bool sink(void *context, const char *bytes, size_t size, uint64_t total) {
    struct watch *watch = context;
    (void)total;
    if (bytes == NULL) {
        sse_begin(&watch->sse, watch->client->options.answer_max);
        return true;
    }
    return sse_read(&watch->sse, bytes, size, on_event, watch);
}

/* One stream, from its beginning to its end. */
static void follow(struct watch *watch, struct nodes_entry *node) {
    struct raftclient *client = watch->client;
    char path[PATH_SIZE], header[HEADER_SIZE];
    snprintf(path, sizeof path, "/v1/watch?from=%" PRIu64, watch->next);
    snprintf(header, sizeof header, "Last-Event-ID: %" PRIu64, watch->next - 1);
    const struct call call = {.method = "GET",
                              .path = path,
                              .header = header,
                              .silence_ms = RAFTCLIENT_SILENCE_MS,
                              .sink = sink,
                              .sink_context = watch};
    uint64_t begun = clock_ms(), until = clock_after(begun, client->options.attempt_ms), next = watch->next;
    watch->bad = false;
    client->problem = (struct verdict_problem){.code = ""};
    call_exchange(client, node, &call, until < watch->give_up_ms ? until : watch->give_up_ms);
    client->answer.attempts++;
    client->answer.status = client->exchange.status;
    client->answer.node = client->exchange.node;
    client->answer.leader = client->exchange.leader;
    snprintf(client->node_url, sizeof client->node_url, "%s", node->url);
    if (watch->next > next || (client->exchange.sunk && clock_ms() - begun >= GOOD_STREAM_MS)) {
        watch->rounds = 0;
        watch->first_index = 0;
        watch->give_up_ms = call_deadline(client);
        nodes_begin_call(&client->nodes);
        node->tried = true;
    }
}

/* What the end of a stream, or a refusal to begin one, means. False: the watch is over. */
static bool judge(struct watch *watch, struct nodes_entry *node) {
    struct raftclient *client = watch->client;
    const struct exchange_answer *exchange = &client->exchange;
    if (watch->enough || atomic_load(&client->setting.stopped)) {
        return false;
    }
    if (exchange->end == EXCHANGE_ANSWERED && exchange->status != 200) {
        verdict_read_problem(exchange->body, exchange->body_size, &client->problem);
    }
    if (strcmp(client->problem.code, "compacted") == 0) {
        uint64_t first = client->problem.first_index;
        watch->first_index = watch->first_index == 0 || first < watch->first_index ? first : watch->first_index;
        return true;
    }
    if (exchange->end == EXCHANGE_ANSWERED && exchange->status != 200) {
        struct verdict verdict = verdict_of(exchange, &client->problem, VERDICT_READ, false);
        node->barred = verdict.next == VERDICT_NOT_HERE;
        if (verdict.node_failed) {
            nodes_failed(&client->nodes, node, clock_ms());
        }
        return verdict.next != VERDICT_FINAL;
    }
    if (exchange->end != EXCHANGE_ANSWERED) {
        node->barred = exchange->end == EXCHANGE_REFUSED;
        nodes_failed(&client->nodes, node, clock_ms());
        if (client->problem.code[0] == '\0') {
            char detail[RAFTCLIENT_URL_MAX + sizeof exchange->why + 4];
            snprintf(detail, sizeof detail, "%s: %s", node->url,
                     watch->bad ? "an event that makes no sense" : exchange->why);
            call_say(client, RAFTCLIENT_UNAVAILABLE, "unreachable", detail);
        }
    }
    return true;
}

/* Who is asked next, after a pause when all were. NULL: the watch is over. */
static struct nodes_entry *choose(struct watch *watch) {
    struct raftclient *client = watch->client;
    for (;;) {
        struct nodes_entry *node = nodes_choose(&client->nodes, false, clock_ms());
        if (node != NULL || !nodes_any(&client->nodes) || watch->first_index != 0) {
            return node;
        }
        uint64_t until = clock_after(
            clock_ms(), pause_ms(watch->rounds++, client->exchange.retry_after_ms, clock_draw(&client->random)));
        if (until >= watch->give_up_ms) {
            return NULL;
        }
        exchange_sleep(&client->setting, until);
        if (atomic_load(&client->setting.stopped)) {
            return NULL;
        }
        learn_members(client, watch->give_up_ms);
        nodes_begin_call(&client->nodes);
    }
}

/* The next command from now on: the first one behind what the leader, or who else answers, has committed. */
static bool find_now(struct raftclient *client, uint64_t *out_next) {
    const struct call call = {
        .method = "GET", .path = "/v1/status", .kind = VERDICT_READ, .deadline_ms = call_deadline(client)};
    const struct raftclient_answer *answer = call_run(client, &call);
    struct json_span status;
    size_t offset;
    if (answer->outcome != RAFTCLIENT_DONE) {
        return false;
    }
    if (!json_scan(answer->body, answer->body_size, &status, &offset) || !member_number(status, "commit_index", out_next)) {
        call_say(client, RAFTCLIENT_UNAVAILABLE, "bad_answer", "a node's status is none of raftd's");
        return false;
    }
    ++*out_next;
    return true;
}

static const struct raftclient_answer *finish(struct watch *watch) {
    struct raftclient *client = watch->client;
    client->answer.index = watch->next - 1;
    client->answer.first_index = watch->first_index;
    client->answer.body = "";
    client->answer.body_size = 0;
    if (watch->enough) {
        return call_say(client, RAFTCLIENT_DONE, "", "");
    }
    if (atomic_load(&client->setting.stopped)) {
        return call_say(client, RAFTCLIENT_UNAVAILABLE, "stopped", "the client was told to stop");
    }
    if (watch->first_index != 0) {
        char detail[128];
        snprintf(detail, sizeof detail, "no log goes back to %" PRIu64 " any more; the longest begins with %" PRIu64,
                 watch->next, watch->first_index);
        return call_say(client, RAFTCLIENT_REJECTED, "compacted", detail);
    }
    client->answer.outcome =
        client->exchange.end == EXCHANGE_ANSWERED && client->exchange.status >= 400 && client->exchange.status < 500
            ? RAFTCLIENT_REJECTED
            : RAFTCLIENT_UNAVAILABLE;
    return &client->answer;
}

const struct raftclient_answer *raftclient_watch(struct raftclient *client, uint64_t from, raftclient_on_event callback,
                                                 void *context) {
    struct watch watch = {.client = client, .on_event = callback, .context = context, .next = from != 0 ? from : 1};
    call_begin(client);
    if (from == RAFTCLIENT_FROM_NOW && !find_now(client, &watch.next)) {
        return &client->answer;
    }
    watch.give_up_ms = call_deadline(client);
    learn_members(client, watch.give_up_ms);
    nodes_begin_call(&client->nodes);
    for (struct nodes_entry *node; (node = choose(&watch)) != NULL;) {
        follow(&watch, node);
        if (!judge(&watch, node)) {
            break;
        }
    }
    sse_end(&watch.sse);
    return finish(&watch);
}
