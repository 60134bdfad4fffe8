/* Random entries given to three tables with small limits and to a naive model of the table: one table goes its way
 * undisturbed, one is put into a snapshot and out again now and then, and each does its house-keeping when it likes. All
 * must say the same, always. */
#include "server/sessions.h"

#include "tests/check_main.h"
#include "tests/unit/server/sessions_driver.h"

#include <stdio.h>

static const struct sessions_limits limits = {.sessions = 6, .keys = 8, .result_bytes = 40, .result_size = 12};

enum { SLOTS = 10, RESULT_SIZE_MAX = 14 };

/* An answer as a person would keep it. */
struct model_answer {
    uint64_t index;
    bool kept;
    char result[RESULT_SIZE_MAX + 1];
};

struct model_session {
    uint64_t session; /* 0: the slot is empty. */
    uint64_t last_used_ms;
    uint64_t sequence;
    struct model_answer answer;
};

struct model_key {
    char key; /* '\0': the slot is empty. */
    uint64_t first_used_ms;
    char command;
    struct model_answer answer;
};

struct model {
    uint64_t now_ms;
    struct model_session sessions[SLOTS];
    struct model_key keys[SLOTS];
};

static void model_time(struct model *model, uint64_t time_ms) {
    model->now_ms = time_ms > model->now_ms ? time_ms : model->now_ms;
    for (int i = 0; i < SLOTS; i++) {
        if (model->sessions[i].last_used_ms + SESSIONS_EXPIRY_MS <= model->now_ms) {
            model->sessions[i] = (struct model_session){0};
        }
        if (model->keys[i].first_used_ms + SESSIONS_EXPIRY_MS <= model->now_ms) {
            model->keys[i] = (struct model_key){0};
        }
    }
}

static struct model_session *model_session(struct model *model, uint64_t session) {
    for (int i = 0; i < SLOTS; i++) {
        if (model->sessions[i].session == session) {
            return &model->sessions[i];
        }
    }
    return NULL;
}

static struct model_key *model_key(struct model *model, char key) {
    for (int i = 0; i < SLOTS; i++) {
        if (model->keys[i].key == key) {
            return &model->keys[i];
        }
    }
    return NULL;
}

static void model_open(struct model *model, uint64_t session) {
    uint64_t count = 0;
    struct model_session *oldest = NULL;
    for (int i = 0; i < SLOTS; i++) {
        struct model_session *at = &model->sessions[i];
        count += at->session != 0;
        if (at->session != 0 && (oldest == NULL || at->last_used_ms < oldest->last_used_ms ||
                                 (at->last_used_ms == oldest->last_used_ms && at->session < oldest->session))) {
            oldest = at;
        }
    }
    if (count == limits.sessions) {
        *oldest = (struct model_session){0};
    }
    *model_session(model, 0) = (struct model_session){.session = session, .last_used_ms = model->now_ms};
}

static struct model_answer model_answer(uint64_t index, const char *result) {
    struct model_answer answer = {.index = index, .kept = strlen(result) <= limits.result_size && result[0] != '!'};
    if (answer.kept) {
        strcpy(answer.result, result);
    }
    return answer;
}

static void model_trim_sessions(struct model *model) {
    for (;;) {
        size_t bytes = 0;
        struct model_session *oldest = NULL;
        for (int i = 0; i < SLOTS; i++) {
            struct model_session *at = &model->sessions[i];
            bytes += strlen(at->answer.result);
            if (at->answer.kept && (oldest == NULL || at->answer.index < oldest->answer.index)) {
                oldest = at;
            }
        }
        if (bytes <= limits.result_bytes) {
            return;
        }
        oldest->answer.kept = false;
        oldest->answer.result[0] = '\0';
    }
}

static void model_trim_keys(struct model *model) {
    for (;;) {
        size_t bytes = 0;
        size_t count = 0;
        struct model_key *oldest = NULL;
        for (int i = 0; i < SLOTS; i++) {
            struct model_key *at = &model->keys[i];
            count += at->key != '\0';
            bytes += strlen(at->answer.result);
            if (at->key != '\0' && (oldest == NULL || at->answer.index < oldest->answer.index)) {
                oldest = at;
            }
        }
        if (bytes <= limits.result_bytes && count <= limits.keys) {
            return;
        }
        *oldest = (struct model_key){0};
    }
}

/* One entry of the log. */
struct entry {
    enum { OPEN, CLOSE, WITH_KEY, IN_SESSION, NOTHING } what;
    uint64_t index;
    uint64_t time_ms;
    uint64_t session;
    uint64_t sequence;
    char key;
    char command;
    bool refused;
    char result[RESULT_SIZE_MAX + 1];
};

/* What is said to an entry, by the model and by a table. */
struct outcome {
    enum sessions_verdict verdict; /* CLOSE: SESSIONS_APPLY or SESSIONS_EXPIRED. */
    struct model_answer answer;
    uint64_t sequence;
};

static struct outcome model_propose(struct model *model, const struct entry *entry) {
    struct model_session *session = model_session(model, entry->session);
    struct model_key *key = model_key(model, entry->key);
    if (entry->what == WITH_KEY && key != NULL) {
        return key->command == entry->command ? (struct outcome){SESSIONS_DUPLICATE, key->answer, 0}
                                              : (struct outcome){.verdict = SESSIONS_KEY_REUSED};
    }
    if (entry->what == WITH_KEY) {
        if (!entry->refused) {
            *model_key(model, '\0') = (struct model_key){.key = entry->key,
                                                         .first_used_ms = model->now_ms,
                                                         .command = entry->command,
                                                         .answer = model_answer(entry->index, entry->result)};
            model_trim_keys(model);
        }
        return (struct outcome){.verdict = SESSIONS_APPLY};
    }
    if (session == NULL) {
        return (struct outcome){.verdict = SESSIONS_EXPIRED};
    }
    session->last_used_ms = model->now_ms;
    if (entry->sequence < session->sequence || entry->sequence == 0) {
        return (struct outcome){.verdict = SESSIONS_STALE};
    }
    if (entry->sequence == session->sequence) {
        return (struct outcome){SESSIONS_DUPLICATE, session->answer, session->sequence};
    }
    if (!entry->refused) {
        session->sequence = entry->sequence;
        session->answer = model_answer(entry->index, entry->result);
        model_trim_sessions(model);
    }
    return (struct outcome){.verdict = SESSIONS_APPLY};
}

static struct outcome model_apply(struct model *model, const struct entry *entry) {
    model_time(model, entry->time_ms);
    if (entry->what == OPEN) {
        model_open(model, entry->index);
    } else if (entry->what == CLOSE) {
        struct model_session *session = model_session(model, entry->session);
        if (session == NULL) {
            return (struct outcome){.verdict = SESSIONS_EXPIRED};
        }
        *session = (struct model_session){0};
    } else if (entry->what != NOTHING) {
        return model_propose(model, entry);
    }
    return (struct outcome){.verdict = SESSIONS_APPLY};
}

static struct model_answer copy_of(const struct sessions_answer *answer) {
    struct model_answer copy = {.index = answer->id.index, .kept = answer->id.index != 0 && !answer->omitted};
    ck_assert_uint_eq(answer->id.term, answer->id.index == 0 ? 0 : 1 + answer->id.index / 100);
    ck_assert(copy.kept == (answer->result.size > 0));
    memcpy(copy.result, answer->result.data, answer->result.size);
    return copy;
}

static struct outcome table_apply(struct sessions *sessions, const struct entry *entry) {
    if (entry->what == OPEN) {
        sessions_open(sessions, entry->index, entry->time_ms);
        return (struct outcome){.verdict = SESSIONS_APPLY};
    }
    if (entry->what == CLOSE) {
        bool closed = sessions_close(sessions, entry->session, entry->time_ms);
        return (struct outcome){.verdict = closed ? SESSIONS_APPLY : SESSIONS_EXPIRED};
    }
    struct sessions_origin origin = {.time_ms = entry->time_ms,
                                     .session = entry->what == IN_SESSION ? entry->session : 0,
                                     .sequence = entry->sequence,
                                     .key = entry->what == WITH_KEY ? &entry->key : NULL,
                                     .key_size = 1};
    struct json_span command = {.data = &entry->command, .size = 1};
    struct sessions_answer answer = {0};
    struct outcome outcome = {.verdict = sessions_begin(sessions, &origin, command, &answer)};
    if (outcome.verdict == SESSIONS_APPLY) {
        struct raft_entry_id id = {.index = entry->index, .term = 1 + entry->index / 100};
        sessions_end(sessions, &origin, command, id, entry->refused, text_span(entry->result));
    } else if (outcome.verdict == SESSIONS_DUPLICATE) {
        outcome.answer = copy_of(&answer);
        outcome.sequence = answer.sequence;
    }
    return outcome;
}

static void answers_are_equal(const struct model_answer *left, const struct model_answer *right) {
    ck_assert_uint_eq(left->index, right->index);
    ck_assert(left->kept == right->kept);
    ck_assert_str_eq(left->result, right->result);
}

static struct entry draw_entry(const struct model *model, uint64_t *seed, uint64_t index, uint64_t *io_time_ms) {
    static const uint64_t steps_ms[] = {0, 0, 1, 1000, 60000, 600000, SESSIONS_EXPIRY_MS / 2, SESSIONS_EXPIRY_MS};
    *io_time_ms += steps_ms[draw(seed) % (draw(seed) % 10 == 0 ? 8 : 5)];
    struct entry entry = {.what = draw(seed) % 8, .index = index, .time_ms = *io_time_ms};
    entry.what = entry.what > NOTHING ? (entry.what % 2 == 0 ? WITH_KEY : IN_SESSION) : entry.what;
    if (draw(seed) % 50 == 0) {
        entry.time_ms -= draw(seed) % 1000; /* A stamp that goes back. */
    }
    /* Mostly a session that is there; now and then one that may have been. */
    uint64_t known = model->sessions[draw(seed) % SLOTS].session;
    entry.session = known != 0 && draw(seed) % 8 != 0 ? known : 1 + draw(seed) % index;
    entry.sequence = draw(seed) % 12;
    entry.key = (char)('a' + draw(seed) % 12);
    entry.command = (char)('0' + (draw(seed) % 4 == 0));
    entry.refused = draw(seed) % 6 == 0;
    size_t size = 1 + draw(seed) % RESULT_SIZE_MAX;
    memset(entry.result, draw(seed) % 10 == 0 ? '!' : '7', size);
    return entry;
}

/* Everybody that looks at the sessions sees what the model has. */
static void check_sessions(struct model *model, const struct sessions *sessions, uint64_t last_index) {
    for (uint64_t session = last_index > 60 ? last_index - 60 : 1; session <= last_index; session++) {
        struct model_session *expected = model_session(model, session);
        struct sessions_answer answer;
        ck_assert(sessions_last(sessions, session, &answer) == (expected != NULL));
        if (expected != NULL) {
            struct model_answer copy = copy_of(&answer);
            ck_assert_uint_eq(answer.sequence, expected->sequence);
            answers_are_equal(&copy, &expected->answer);
        }
    }
}

/* The table anew, out of its snapshot; its bytes are the same. */
static struct sessions *take_round(struct sessions *sessions) {
    struct bytes snapshot = sessions_snapshot(sessions);
    struct sessions *restored = sessions_table_create(limits);
    struct bytes why = bytes_empty();
    ck_assert_msg(sessions_fill(restored, snapshot.data, snapshot.size, 100, &why), "%s", why.data);
    sessions_are_equal(sessions, restored);
    bytes_free(&why);
    bytes_free(&snapshot);
    sessions_destroy(sessions);
    return restored;
}

enum { TABLES = 3, ENTRIES = 1000 };

static void run(uint64_t seed, unsigned *verdicts) {
    struct model model = {0};
    struct sessions *tables[TABLES];
    for (int i = 0; i < TABLES; i++) {
        tables[i] = sessions_table_create(limits);
    }
    uint64_t time_ms = 1000;
    for (uint64_t index = 1; index <= ENTRIES; index++) {
        struct entry entry = draw_entry(&model, &seed, index, &time_ms);
        struct outcome expected = model_apply(&model, &entry);
        verdicts[expected.verdict]++;
        for (int i = 0; i < TABLES; i++) {
            /* The first keeps house as it should, the second never, the third now and then. */
            if (i == 0 || (i == 2 && draw(&seed) % 4 == 0)) {
                sessions_advance(tables[i], entry.time_ms);
            }
            struct outcome outcome = table_apply(tables[i], &entry);
            ck_assert_msg(outcome.verdict == expected.verdict, "entry %d, table %d: %d, not %d", (int)index, i,
                          (int)outcome.verdict, (int)expected.verdict);
            ck_assert_uint_eq(outcome.sequence, expected.sequence);
            answers_are_equal(&outcome.answer, &expected.answer);
        }
        if (draw(&seed) % 20 == 0) {
            tables[2] = take_round(tables[2]);
        }
        if (draw(&seed) % 10 == 0) {
            check_sessions(&model, tables[draw(&seed) % TABLES], index);
            sessions_are_equal(tables[0], tables[1]);
            sessions_are_equal(tables[0], tables[2]);
        }
    }
    for (int i = 0; i < TABLES; i++) {
        sessions_are_equal(tables[0], tables[i]);
        check_sessions(&model, tables[i], ENTRIES);
    }
    for (int i = 0; i < TABLES; i++) {
        sessions_destroy(tables[i]);
    }
}

START_TEST(tables_say_what_the_model_says_whatever_their_way) {
    unsigned verdicts[SESSIONS_KEY_REUSED + 1] = {0};
    for (uint64_t seed = 1; seed <= 30; seed++) {
        run(seed * UINT64_C(0x9e3779b97f4a7c15), verdicts);
    }
    for (int verdict = SESSIONS_APPLY; verdict <= SESSIONS_KEY_REUSED; verdict++) {
        ck_assert_msg(verdicts[verdict] > 500, "verdict %d was drawn %u times only", verdict, verdicts[verdict]);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, tables_say_what_the_model_says_whatever_their_way);
}

CHECK_MAIN("sessions_random", add_tests)
