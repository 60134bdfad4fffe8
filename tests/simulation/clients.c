/* Clients: each does one operation after another, through any node. Sessions and keys are sent again until they are
 * answered; a plain proposal whose end is not known stays so. */
#include "simulation.h"

enum {
    EXPIRES_AFTER_MS = 55 * 60 * 1000, /* By any clock: the cluster's hour may be shorter than the simulation's. */
    AGAIN_MS = 40 * 60 * 1000
};

static uint64_t pick(struct simulation *simulation, uint64_t bound) {
    return draw(simulation, STREAM_CLIENTS, bound);
}

static bool is_register(const struct simulation *simulation) {
    return simulation->cluster->members[0].options.machine == machine_register();
}

/* -- Operations -- */

static struct operation *operation_add(struct simulation *simulation, const struct actor *actor, enum linear_kind kind) {
    simulation->operations = memory_grow(simulation->operations, &simulation->operation_capacity,
                                         simulation->operation_count + 1, sizeof *simulation->operations);
    struct operation *operation = &simulation->operations[simulation->operation_count++];
    raft_index committed = simulation->truth->committed; /* Be it that nobody has been told of it yet. */
    *operation = (struct operation){.floor = simulation->floor > committed ? simulation->floor : committed};
    operation->linear = (struct linear_operation){
        .invoked = simulation->cluster->moments + 1, /* That is when it is asked, next. */
        .returned = LINEAR_NEVER,
        .kind = kind,
        .key = (uint32_t)pick(simulation, simulation->plan.keys),
        .client = (uint32_t)(actor - simulation->actors),
    };
    return operation;
}

/* The value of an operation that was begun of late. */
static uint64_t some_value(struct simulation *simulation) {
    uint64_t back = pick(simulation, 5);
    return back >= simulation->next_value - VALUE_FIRST ? LINEAR_ABSENT : simulation->next_value - 1 - back;
}

/* Draws a command and writes its text. Removals carry their number too, so that it is found in the log. */
static size_t add_command(struct simulation *simulation, const struct actor *actor, char *text, size_t size) {
    struct operation *operation = operation_add(simulation, actor, LINEAR_WRITE);
    uint64_t kind = pick(simulation, 6);
    uint64_t expected = some_value(simulation);
    uint64_t value = simulation->next_value++;
    char key[16] = "";
    if (!is_register(simulation)) {
        snprintf(key, sizeof key, ",\"key\":\"k%" PRIu32 "\"", operation->linear.key);
    } else {
        kind = kind == 5 ? 0 : kind;
    }
    char was[48] = "";
    if (expected != LINEAR_ABSENT) {
        snprintf(was, sizeof was, ",\"expected\":%" PRIu64, expected);
    }
    operation->linear.value = kind == 5 ? LINEAR_ABSENT : value;
    operation->linear.kind = kind == 3 || kind == 4 ? LINEAR_SWAP : LINEAR_WRITE;
    operation->linear.expected = operation->linear.kind == LINEAR_SWAP ? expected : 0;
    operation->number = value;
    const char *op = kind == 5                               ? "delete"
                     : operation->linear.kind == LINEAR_SWAP ? "cas"
                     : is_register(simulation)               ? "write"
                                                             : "put";
    return (size_t)snprintf(text, size, "{\"op\":\"%s\"%s%s,\"value\":%" PRIu64 "}\n", op, key,
                            operation->linear.kind == LINEAR_SWAP ? was : "", value);
}

static void tell_asked(struct simulation *simulation, const struct actor *actor, const char *what) {
    TELL(simulation, "client %zu asks node %zu: %.*s", (size_t)(actor - simulation->actors) + 1,
         actor->attempt->member->at + 1, (int)strcspn(what, "\n"), what);
}

/* -- Asking -- */

static uint32_t some_timeout(struct simulation *simulation) {
    uint64_t timeout_ms = 1 + pick(simulation, 20 * (uint64_t)simulation->plan.election_ms);
    return timeout_ms > NODE_TIMEOUT_MAX_MS ? NODE_TIMEOUT_MAX_MS : (uint32_t)timeout_ms;
}

static void read_something(struct simulation *simulation, struct actor *actor, size_t at) {
    struct operation *operation = operation_add(simulation, actor, LINEAR_READ);
    enum node_consistency consistency = (enum node_consistency)pick(simulation, 3);
    bool own = pick(simulation, 2) == 0;
    operation->stale = consistency == NODE_STALE;
    raft_index min_index = own ? actor->seen : 0;
    operation->floor = operation->stale || operation->floor < min_index ? min_index : operation->floor;
    char text[64] = "{\"op\":\"read\"}";
    if (!is_register(simulation)) {
        snprintf(text, sizeof text, "{\"op\":\"get\",\"key\":\"k%" PRIu32 "\"}", operation->linear.key);
    }
    actor->operations = 1;
    actor->attempt = QUERY(simulation->cluster, at, .text = text, .consistency = consistency, .min_index = min_index,
                           .timeout_ms = some_timeout(simulation), .stay = pick(simulation, 8) == 0);
    TELL(simulation, "client %zu asks node %zu, %s, not before %" PRIu64 ": %s", (size_t)(actor - simulation->actors) + 1,
         at + 1, (const char *[]){"linearizable", "lease", "stale"}[consistency], min_index, text);
}

static bool goes_on(struct simulation *simulation) {
    return pick(simulation, 4) == 0 || (simulation->plan.long_batches && draw(simulation, FAULT_EXTREMES, 5) > 0);
}

static void write_plain(struct simulation *simulation, struct actor *actor, size_t at) {
    char text[BATCH_MAX * 100];
    size_t size = 0;
    size_t most = simulation->plan.long_batches ? BATCH_MAX : BATCH_SHORT_MAX;
    for (actor->operations = 0; actor->operations == 0 || goes_on(simulation);) {
        size += add_command(simulation, actor, text + size, sizeof text - size);
        if (++actor->operations == most) {
            break;
        }
    }
    uint32_t timeout_ms = some_timeout(simulation);
    actor->attempt = cluster_propose_with(simulation->cluster, at, text, timeout_ms, pick(simulation, 8) > 0);
    tell_asked(simulation, actor, text);
}

/* The command under way, once more or for the first time. */
static void send_once(struct simulation *simulation, struct actor *actor, size_t at) {
    char key[40];
    const struct operation *operation = &simulation->operations[actor->operation];
    snprintf(key, sizeof key, "\"key\" %" PRIu64, operation->number);
    bool keys = actor->kind == ACTOR_KEYS;
    actor->attempt = cluster_propose_once(simulation->cluster, at, actor->command, keys ? key : NULL,
                                          keys ? 0 : actor->session, keys ? 0 : actor->sequence);
    tell_asked(simulation, actor, actor->command);
}

/* Of one that may not know that another one leads, what it knows is the most telling. */
static bool looks(struct simulation *simulation, size_t at) {
    return at == simulation->deposed && simulation->cluster->now_ms < simulation->deposed_until_ms &&
           cluster_leader(simulation->cluster) != at && draw(simulation, FAULT_DEPOSE, 4) > 0;
}

static void begin(struct simulation *simulation, struct actor *actor, size_t at) {
    actor->operation = simulation->operation_count;
    if (pick(simulation, 5) < 2 || looks(simulation, at)) {
        read_something(simulation, actor, at);
    } else if (actor->kind == ACTOR_PLAIN) {
        write_plain(simulation, actor, at);
    } else if (actor->kind == ACTOR_SESSION && actor->session == 0) {
        actor->operations = 0;
        actor->attempt = cluster_change_session(simulation->cluster, at, 0);
        actor->used_ms = simulation->cluster->now_ms;
        tell_asked(simulation, actor, "a session");
    } else {
        actor->operations = 1;
        actor->began_ms = simulation->cluster->now_ms;
        actor->sequence += 1 + pick(simulation, 2);
        add_command(simulation, actor, actor->command, sizeof actor->command);
        actor->command[strcspn(actor->command, "\n")] = '\0';
        send_once(simulation, actor, at);
    }
}

/* -- Hearing -- */

static uint64_t value_in(struct json_span result, const char *name) {
    struct json_span member;
    uint64_t value = LINEAR_ABSENT;
    if (json_member(result, name, &member) && !(member.size == 4 && memcmp(member.data, "null", 4) == 0)) {
        ck_assert(json_number_uint64(member, UINT64_MAX, &value));
    }
    return value;
}

/* What the machine said, as the checker wants it. */
static void note_result(struct operation *operation) {
    struct json_span result;
    size_t offset;
    struct json_span swapped;
    ck_assert(json_scan(operation->result, strlen(operation->result), &result, &offset));
    struct linear_operation *linear = &operation->linear;
    if (linear->kind == LINEAR_READ) {
        linear->seen = value_in(result, "value");
        linear->seen_known = true;
    } else if (linear->kind == LINEAR_WRITE) {
        linear->seen = value_in(result, "previous");
        linear->seen_known = true;
    } else {
        ck_assert(json_member(result, "swapped", &swapped));
        linear->taken = swapped.size == 4;
        linear->seen = linear->taken ? linear->expected : value_in(result, "current");
        linear->seen_known = true;
    }
}

/* True: it is over. */
static bool hear_line(struct simulation *simulation, struct actor *actor, struct operation *operation,
                      const struct client *client, size_t line_number) {
    const struct client_line *line = &client->lines[line_number];
    if (line->problem.code != PROBLEM_NONE) {
        ck_assert_msg(line->problem.code != PROBLEM_STALE_SEQUENCE && line->problem.code != PROBLEM_KEY_REUSED &&
                          line->problem.code != PROBLEM_INVALID_COMMAND && line->problem.code != PROBLEM_WRONG_CLUSTER,
                      "%s", line->problem.detail);
        operation->rejected = !line->problem.outcome_unknown && !operation->again;
        if (line->problem.code == PROBLEM_SESSION_EXPIRED) {
            ck_assert_uint_gt(simulation->cluster->now_ms - actor->used_ms, EXPIRES_AFTER_MS);
            actor->session = 0;
            return true;
        }
        return actor->kind == ACTOR_PLAIN || operation->linear.kind == LINEAR_READ;
    }
    actor->used_ms = operation->linear.kind == LINEAR_READ ? actor->used_ms : client->asked_ms;
    operation->id = line->id;
    operation->duplicate = line->duplicate;
    operation->linear.returned = client->answered_at;
    operation->result = memory_text(line->text, strlen(line->text));
    note_result(operation);
    actor->seen = line->id.index > actor->seen ? line->id.index : actor->seen;
    simulation->floor = !operation->stale && line->id.index > simulation->floor ? line->id.index : simulation->floor;
    return true;
}

static void tell_answered(struct simulation *simulation, const struct actor *actor, const struct client *client) {
    for (size_t k = 0; simulation->cluster->tell != NULL && k < client->count; k++) {
        const struct client_line *line = &client->lines[k];
        TELL(simulation, "client %zu hears from node %zu: %s%s%s, index %" PRIu64, (size_t)(actor - simulation->actors) + 1,
             client->member->at + 1, line->problem.code == PROBLEM_NONE ? line->text : problem_name(line->problem.code),
             line->problem.code != PROBLEM_NONE && line->problem.outcome_unknown ? " (unknown)" : "",
             line->duplicate ? " (duplicate)" : "", line->id.index);
    }
}

/* The attempt has come to its end. */
static void hear(struct simulation *simulation, struct actor *actor) {
    const struct client *client = actor->attempt;
    tell_answered(simulation, actor, client);
    if (actor->operations == 0) { /* A session. */
        actor->session = client->lines[0].problem.code == PROBLEM_NONE ? client->lines[0].id.index : 0;
        return;
    }
    ck_assert_uint_eq(client->count, actor->operations);
    bool over = true;
    for (size_t k = 0; k < actor->operations; k++) {
        over = hear_line(simulation, actor, &simulation->operations[actor->operation + k], client, k) && over;
    }
    actor->operations = over ? 0 : actor->operations;
}

/* Nothing was heard, and nothing will be. */
static void give_up(struct simulation *simulation, struct actor *actor) {
    TELL(simulation, "client %zu hears nothing from node %zu any more", (size_t)(actor - simulation->actors) + 1,
         actor->attempt->member->at + 1);
    bool again = actor->kind != ACTOR_PLAIN && actor->operations > 0 &&
                 simulation->operations[actor->operation].linear.kind != LINEAR_READ;
    actor->operations = again ? actor->operations : 0;
}

/* Ends the attempt, if it has ended. False: it is still under way. */
static bool attempt_ended(struct simulation *simulation, struct actor *actor) {
    struct client *client = actor->attempt;
    bool dead = client->unheard || (client->answers == 0 && client->life != client->member->life);
    if (client->answers == 0 && !dead && simulation->cluster->now_ms < actor->give_up_ms) {
        return false;
    }
    if (client->answers > 0 && !dead) {
        hear(simulation, actor);
    } else {
        if (!dead) {
            client_cancel(client);
        }
        give_up(simulation, actor);
    }
    actor->attempt = NULL;
    return true;
}

/* Often the one that does not know yet that it has been deposed, if there is one. */
static size_t somebody(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    size_t at = (size_t)pick(simulation, cluster->count);
    bool deposed = pick(simulation, 2) == 0;
    size_t leader = cluster_leader(cluster);
    if (deposed && cluster->now_ms < simulation->deposed_until_ms && member_is_up(&cluster->members[simulation->deposed])) {
        return simulation->deposed; /* As long as it is cut off, be another one elected or not. */
    }
    for (size_t i = 0; deposed && i < cluster->count; i++) {
        const struct member *member = &cluster->members[i];
        if (i != leader && member_is_up(member) && node_is_leader(member->node)) {
            return i;
        }
    }
    return at;
}

static void act(struct simulation *simulation, struct actor *actor, bool more) {
    if (actor->attempt != NULL && !attempt_ended(simulation, actor)) {
        return;
    }
    if (actor->operations > 0 && simulation->cluster->now_ms - actor->began_ms > AGAIN_MS) {
        actor->operations = 0; /* Soon it would no longer be known as a retry. */
    }
    size_t at = somebody(simulation);
    bool asks = pick(simulation, 1000) < simulation->plan.asks;
    if (simulation->cluster->members[at].node == NULL || (actor->operations == 0 && (!asks || !more))) {
        return;
    }
    if (actor->operations > 0) {
        struct operation *operation = &simulation->operations[actor->operation];
        operation->again = true;
        operation->rejected = false; /* That was said of the attempt before. */
        send_once(simulation, actor, at);
    } else {
        begin(simulation, actor, at);
    }
    actor->give_up_ms = UINT64_MAX;
    if (draw_fault(simulation, FAULT_CANCEL, simulation->plan.rate[FAULT_CANCEL])) {
        uint64_t patience_ms = draw(simulation, FAULT_CANCEL, 4 * simulation->plan.election_ms);
        actor->give_up_ms = simulation->cluster->now_ms + patience_ms;
    }
}

void clients_step(struct simulation *simulation) {
    for (size_t i = 0; i < simulation->plan.actors; i++) {
        act(simulation, &simulation->actors[i], true);
    }
}

bool clients_finish(struct simulation *simulation) {
    bool done = true;
    for (size_t i = 0; i < simulation->plan.actors; i++) {
        act(simulation, &simulation->actors[i], false);
        done = done && simulation->actors[i].operations == 0 && simulation->actors[i].attempt == NULL;
    }
    return done;
}
