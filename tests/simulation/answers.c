/* The one committed history, applied once more in order, and whether what clients were told fits it: each acknowledged
 * command is there once and was answered as it was applied, what was rejected is not there, and reads show what was there
 * at their index, which is not too old. And, without the log, whether the answers are linearizable. */
#include "simulation.h"

enum { LINEAR_STEPS_MAX = 20000000 /* Then it is undecided: the other checks must do. */ };

struct moment {
    const struct raft_entry *entry; /* NULL: before the first. */
    char *result;                   /* Owned: of what was applied; else NULL. */
    char *contents[KEYS_MAX];       /* What a read answers after it; the same pointers while that stays. */
};

struct replay {
    struct simulation *simulation;
    const struct machine *machine;
    void *state;
    struct moment *moments; /* Owned; by index. */
    size_t count;
    raft_index *where;   /* Owned; by number: where it was applied; 0: nowhere. */
    uint64_t *first_ms;  /* Owned; by number: when. */
    uint64_t *sequences; /* Owned; by session: the highest applied, ... */
    uint64_t *used_ms;   /* ... and when it was asked for last. */
    uint64_t now_ms;     /* Cluster time. */
    char **texts;        /* Owned, all of them. */
    size_t text_count;
    size_t text_capacity;
};

static char *keep(struct replay *replay, struct json_writer *writer) {
    size_t size;
    char *text = json_writer_take(writer, &size);
    replay->texts = memory_grow(replay->texts, &replay->text_capacity, replay->text_count + 1, sizeof *replay->texts);
    replay->texts[replay->text_count++] = text;
    return text;
}

static void look(struct replay *replay, struct moment *moment) {
    for (size_t key = 0; key < replay->simulation->plan.keys; key++) {
        char query[64] = "{\"op\":\"read\"}";
        if (replay->machine == machine_hashmap()) {
            snprintf(query, sizeof query, "{\"op\":\"get\",\"key\":\"k%zu\"}", key);
        }
        struct json_writer writer = {0};
        replay->machine->query(replay->state, query, strlen(query), applier_output(&writer));
        moment->contents[key] = keep(replay, &writer);
    }
}

static uint64_t number_of(const struct raft_entry *entry) {
    struct json_span value;
    uint64_t number = 0;
    ck_assert(json_member((struct json_span){entry->data, entry->size}, "value", &value));
    ck_assert(json_number_uint64(value, UINT64_MAX, &number));
    return number;
}

/* §6.3: the same key, which goes with the command's number, or a number in its session that is not above all before it; or
 * a session that is over. */
static bool is_again(struct replay *replay, const struct raft_entry *entry, uint64_t number) {
    if (entry->key != NULL) {
        return replay->where[number] != 0 && replay->now_ms - replay->first_ms[number] < SESSIONS_EXPIRY_MS;
    }
    if (entry->session == 0) {
        return false;
    }
    uint64_t *used_ms = &replay->used_ms[entry->session];
    if (replay->now_ms - *used_ms >= SESSIONS_EXPIRY_MS) {
        return true; /* Refused: there is no such session any more. */
    }
    *used_ms = replay->now_ms;
    return entry->sequence <= replay->sequences[entry->session];
}

static void apply(struct replay *replay, const struct raft_entry *entry) {
    struct moment *moment = &replay->moments[replay->count++];
    *moment = moment[-1];
    moment->entry = entry;
    moment->result = NULL;
    uint64_t number = entry->type == RAFT_COMMAND ? number_of(entry) : 0;
    replay->now_ms = entry->time_ms > replay->now_ms ? entry->time_ms : replay->now_ms;
    replay->used_ms[entry->id.index] = replay->now_ms; /* Of the session that it opens, if so. */
    ck_assert_uint_lt(number, replay->simulation->next_value);
    ck_assert_uint_le(entry->session, replay->simulation->truth->committed);
    if (entry->type != RAFT_COMMAND || is_again(replay, entry, number)) {
        return;
    }
    ck_assert_msg(replay->where[number] == 0 || number < VALUE_FIRST, "command %" PRIu64 " was applied twice", number);
    struct json_writer result = {0};
    ck_assert_int_eq(
        replay->machine->apply(replay->state, entry->id.index, entry->data, entry->size, applier_output(&result)),
        MACHINE_DONE);
    moment->result = keep(replay, &result);
    replay->where[number] = entry->id.index;
    replay->first_ms[number] = replay->now_ms;
    if (entry->session != 0) {
        replay->sequences[entry->session] = entry->sequence;
    }
    look(replay, moment);
}

static void replay_all(struct replay *replay) {
    struct truth *truth = replay->simulation->truth;
    look(replay, &replay->moments[replay->count++]);
    for (raft_index index = 1; index <= truth->committed; index++) {
        const struct truth_entry *entry = truth_find(truth, index, truth->at[index].committed);
        ck_assert_ptr_nonnull(entry);
        ck_assert_uint_eq(entry->before, truth->at[index - 1].committed);
        apply(replay, &entry->entry);
    }
}

/* -- Answers -- */

static void check_command(const struct replay *replay, const struct operation *operation) {
    raft_index at = replay->where[operation->number];
    ck_assert_msg(!operation->rejected || at == 0, "command %" PRIu64 " was rejected and took effect at %" PRIu64,
                  operation->number, at);
    if (operation->result == NULL) {
        return;
    }
    ck_assert_msg(at != 0, "command %" PRIu64 ", acknowledged at %" PRIu64 ", is lost", operation->number,
                  operation->id.index);
    ck_assert_uint_eq(operation->id.index, at);
    ck_assert_uint_eq(operation->id.term, replay->moments[at].entry->id.term);
    ck_assert_str_eq(operation->result, replay->moments[at].result);
    ck_assert_msg(operation->duplicate ? operation->again : operation->again || at > operation->floor,
                  "command %" PRIu64 " at %" PRIu64 " goes before what others had been told", operation->number, at);
}

static void check_read(const struct replay *replay, const struct operation *operation) {
    raft_index at = operation->id.index;
    if (operation->result == NULL) {
        return;
    }
    ck_assert_msg(at >= operation->floor, "a read of index %" PRIu64 " does not see %" PRIu64, at, operation->floor);
    ck_assert_uint_lt(at, replay->count);
    const struct moment *moment = &replay->moments[at];
    ck_assert_uint_eq(operation->id.term, moment->entry == NULL ? 0 : moment->entry->id.term);
    ck_assert_str_eq(operation->result, moment->contents[operation->linear.key]);
}

/* The members that it was told of are those of that entry, which is committed. */
static void check_change(const struct replay *replay, const struct client *client) {
    const struct client_line *line = client->lines;
    if (client->answers == 0 || client->cancelled || line->problem.code != PROBLEM_NONE || client->unheard) {
        return;
    }
    struct members members;
    char words[128];
    ck_assert_uint_lt(line->id.index, replay->count);
    const struct raft_entry *entry = replay->moments[line->id.index].entry;
    ck_assert(entry != NULL && entry->type == RAFT_CONFIGURATION && roster_read(entry, &members));
    members_words(&members, words);
    ck_assert_str_eq(line->text, words);
    ck_assert(change_is_settled(&members));
}

/* -- Linearizability -- */

/* By the answers alone, without the log. What was rejected has not taken effect, a read without an answer says nothing. */
static void check_linear(const struct simulation *simulation) {
    struct linear_operation *history = memory_zalloc((simulation->operation_count + 1) * sizeof *history);
    size_t count = 0;
    for (size_t i = 0; i < simulation->operation_count; i++) {
        const struct operation *operation = &simulation->operations[i];
        bool reads = operation->linear.kind == LINEAR_READ;
        if (reads ? operation->result != NULL && !operation->stale : !operation->rejected) {
            history[count++] = operation->linear;
        }
    }
    struct linear_report report;
    enum linear_verdict verdict = linear_check(history, count, LINEAR_STEPS_MAX, &report);
    if (verdict == LINEAR_NO) {
        const struct linear_operation *culprit = &history[report.culprit];
        ck_abort_msg("not linearizable: key %" PRIu32 ", client %" PRIu32 "'s operation of moments %" PRIu64 " to %" PRIu64,
                     report.key, culprit->client + 1, culprit->invoked, culprit->returned);
    }
    free(history);
}

void answers_check(struct simulation *simulation) {
    check_linear(simulation);
    struct replay replay = {.simulation = simulation, .machine = simulation->cluster->members[0].options.machine};
    size_t entries = simulation->truth->committed + 1;
    replay.state = replay.machine->create();
    replay.moments = memory_zalloc(entries * sizeof *replay.moments);
    replay.sequences = memory_zalloc(entries * sizeof *replay.sequences);
    replay.used_ms = memory_zalloc(entries * sizeof *replay.used_ms);
    replay.first_ms = memory_zalloc(simulation->next_value * sizeof *replay.first_ms);
    replay.where = memory_zalloc(simulation->next_value * sizeof *replay.where);
    replay_all(&replay);
    for (size_t i = 0; i < simulation->operation_count; i++) {
        const struct operation *operation = &simulation->operations[i];
        (operation->linear.kind == LINEAR_READ ? check_read : check_command)(&replay, operation);
    }
    for (size_t i = 0; i < simulation->cluster->client_count; i++) {
        const struct client *client = simulation->cluster->clients[i];
        if (client->op != NULL && strcmp(client->op, "change") == 0) {
            check_change(&replay, client);
        }
    }
    for (size_t i = 0; i < replay.text_count; i++) {
        free(replay.texts[i]);
    }
    free(replay.texts);
    free(replay.moments);
    free(replay.sequences);
    free(replay.used_ms);
    free(replay.first_ms);
    free(replay.where);
    replay.machine->destroy(replay.state);
}
