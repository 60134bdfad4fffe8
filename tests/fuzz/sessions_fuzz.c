/* The exactly-once table out of a snapshot. A text that is accepted must be written again byte for byte, and the table must
 * then go the same way as its twin: entries drawn from the text's bytes are given to both, one of which is put into a
 * snapshot and out again in between. */
#include "server/base/memory.h"
#include "server/sessions.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "sessions_fuzz: %s\n", what);
        abort();
    }
}

struct bytes {
    char *data; /* Owned. */
    size_t size;
    size_t capacity;
};

static bool append(void *context, const void *more, size_t size) {
    struct bytes *bytes = context;
    bytes->data = memory_grow(bytes->data, &bytes->capacity, bytes->size + size, 1);
    memcpy(bytes->data + bytes->size, more, size);
    bytes->size += size;
    return true;
}

static struct machine_output output(struct bytes *bytes) {
    return (struct machine_output){.append = append, .context = bytes};
}

static bool equal(const struct bytes *left, const struct bytes *right) {
    return left->size == right->size && memcmp(left->data, right->data, left->size) == 0;
}

/* An input that hands out a few bytes at a time, so that pieces are put together everywhere. */
struct source {
    const char *data;
    size_t size;
    size_t at;
};

static size_t read_some(void *context, void *out, size_t capacity) {
    struct source *source = context;
    size_t size = source->size - source->at;
    size_t step = 1 + source->at % 13;
    size = size < step ? size : step;
    size = size < capacity ? size : capacity;
    memcpy(out, source->data + source->at, size);
    source->at += size;
    return size;
}

static struct bytes snapshot(struct sessions *sessions) {
    struct bytes bytes = {0};
    void *frozen = sessions_freeze(sessions);
    require(sessions_write(frozen, output(&bytes)), "an output that takes everything was refused");
    sessions_release(sessions, frozen);
    return bytes;
}

/* The table of these bytes; NULL: they are refused. */
static struct sessions *table_of(const char *data, size_t size) {
    struct sessions *sessions = sessions_create();
    struct source source = {.data = data, .size = size};
    struct bytes why = {0};
    bool good = sessions_restore(sessions, (struct machine_input){read_some, &source}, output(&why));
    require(good == (why.size == 0), "a sentence without a refusal, or the other way round");
    free(why.data);
    if (!good) {
        sessions_destroy(sessions);
        return NULL;
    }
    return sessions;
}

static void require_equal(struct sessions *left, struct sessions *right) {
    struct bytes left_bytes = snapshot(left);
    struct bytes right_bytes = snapshot(right);
    require(equal(&left_bytes, &right_bytes), "twins are written differently");
    free(left_bytes.data);
    free(right_bytes.data);
}

/* One number after the other, made from the text. */
static uint64_t draw(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static bool answers_are_equal(const struct sessions_answer *left, const struct sessions_answer *right) {
    return left->id.index == right->id.index && left->id.term == right->id.term && left->sequence == right->sequence &&
           left->omitted == right->omitted && left->result.size == right->result.size &&
           memcmp(left->result.data, right->result.data, left->result.size) == 0;
}

/* A command, from a session or with a key. */
static void propose(struct sessions *twins[2], const struct sessions_origin *origin, struct raft_entry_id id,
                    bool refused) {
    static const char command[] = "{}";
    static const char result[] = "[1]";
    struct sessions_answer answers[2] = {{.result = {.data = ""}}, {.result = {.data = ""}}};
    enum sessions_verdict verdicts[2];
    for (int i = 0; i < 2; i++) {
        struct json_span span = {.data = command, .size = sizeof command - 1};
        verdicts[i] = sessions_begin(twins[i], origin, span, &answers[i]);
        if (verdicts[i] == SESSIONS_APPLY) {
            sessions_end(twins[i], origin, span, id, refused, (struct json_span){result, sizeof result - 1});
        }
    }
    require(verdicts[0] == verdicts[1], "twins decide differently");
    require(answers_are_equal(&answers[0], &answers[1]), "twins answer differently");
}

static void run_entry(struct sessions *twins[2], uint64_t *seed, uint64_t index, uint64_t time_ms) {
    char key = (char)('a' + draw(seed) % 4);
    struct sessions_origin origin = {.time_ms = time_ms};
    uint64_t what = draw(seed) % 4;
    uint64_t session = 1 + draw(seed) % 9;
    if (what == 0) {
        sessions_open(twins[0], session, time_ms);
        sessions_open(twins[1], session, time_ms);
        return;
    }
    if (what == 1) {
        bool closed = sessions_close(twins[0], session, time_ms);
        require(closed == sessions_close(twins[1], session, time_ms), "twins close differently");
        return;
    }
    if (what == 2) {
        origin.session = session;
        origin.sequence = draw(seed) % 5;
    } else {
        origin.key = &key;
        origin.key_size = 1;
    }
    propose(twins, &origin, (struct raft_entry_id){index, 1}, draw(seed) % 5 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sessions *twins[2] = {table_of((const char *)data, size), NULL};
    if (twins[0] == NULL) {
        return 0;
    }
    struct bytes again = snapshot(twins[0]);
    require(again.size == size && memcmp(again.data, data, size) == 0, "a restored table is written differently");
    free(again.data);
    twins[1] = table_of((const char *)data, size);
    uint64_t seed = 1;
    uint64_t time_ms = 0;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 31 + data[i];
        time_ms = i >= 12 && i < 20 ? time_ms << 8 | data[i] : time_ms; /* The table's own time. */
    }
    seed |= 1;
    for (uint64_t index = 1; index <= 40; index++) {
        time_ms += draw(&seed) % 8 == 0 ? SESSIONS_EXPIRY_MS / 3 : draw(&seed) % 1000;
        sessions_advance(twins[0], time_ms);
        run_entry(twins, &seed, index, time_ms);
        if (index % 10 == 0) {
            struct bytes bytes = snapshot(twins[1]);
            sessions_destroy(twins[1]);
            twins[1] = table_of(bytes.data, bytes.size);
            require(twins[1] != NULL, "a table's snapshot is refused");
            free(bytes.data);
            require_equal(twins[0], twins[1]);
        }
    }
    sessions_destroy(twins[0]);
    sessions_destroy(twins[1]);
    return 0;
}
