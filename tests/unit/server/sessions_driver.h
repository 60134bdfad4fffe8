/* Drives an exactly-once table the way the node does: every entry tells the time first, and what must be applied is
 * answered. */
#ifndef RAFTD_TESTS_SERVER_SESSIONS_DRIVER_H
#define RAFTD_TESTS_SERVER_SESSIONS_DRIVER_H

#include "server/sessions.h"
#include "server/sessions_table.h"

#include "tests/unit/machine/driver.h"

#include <check.h>
#include <string.h>

/* A table with the log that feeds it. */
struct log {
    struct sessions *sessions;
    uint64_t index;
    uint64_t time_ms;
    struct sessions_answer answer; /* Of the last duplicate; borrowed from the table. */
};

static inline struct log log_begin_limited(struct sessions_limits limits) {
    return (struct log){.sessions = sessions_table_create(limits), .time_ms = 1000};
}

static inline struct log log_begin(void) {
    return (struct log){.sessions = sessions_create(), .time_ms = 1000};
}

static inline void log_end(struct log *log) {
    sessions_destroy(log->sessions);
}

static inline struct json_span text_span(const char *text) {
    return (struct json_span){.data = text, .size = strlen(text)};
}

/* The next entry, a command whose result would be `result`; NULL: the machine refuses it. Its term is 7. */
static inline enum sessions_verdict log_propose(struct log *log, struct sessions_origin origin, struct json_span command,
                                                const struct json_span *result) {
    struct raft_entry_id id = {.index = ++log->index, .term = 7};
    origin.time_ms = log->time_ms;
    log->answer = (struct sessions_answer){.sequence = 999};
    sessions_advance(log->sessions, log->time_ms);
    enum sessions_verdict verdict = sessions_begin(log->sessions, &origin, command, &log->answer);
    if (verdict != SESSIONS_DUPLICATE) {
        ck_assert_uint_eq(log->answer.sequence, 999); /* Untouched. */
    }
    if (verdict == SESSIONS_APPLY) {
        struct json_span sentence = {.data = "no", .size = 2};
        sessions_end(log->sessions, &origin, command, id, result == NULL, result == NULL ? sentence : *result);
    }
    return verdict;
}

static inline enum sessions_verdict log_key(struct log *log, const char *key, const char *command, const char *result) {
    struct json_span span = text_span(result == NULL ? "" : result);
    return log_propose(log, (struct sessions_origin){.key = key, .key_size = strlen(key)}, text_span(command),
                       result == NULL ? NULL : &span);
}

static inline enum sessions_verdict log_session(struct log *log, uint64_t session, uint64_t sequence, const char *result) {
    struct json_span span = text_span(result == NULL ? "" : result);
    return log_propose(log, (struct sessions_origin){.session = session, .sequence = sequence}, text_span("{}"),
                       result == NULL ? NULL : &span);
}

static inline uint64_t log_open(struct log *log) {
    sessions_advance(log->sessions, log->time_ms);
    sessions_open(log->sessions, ++log->index, log->time_ms);
    return log->index;
}

static inline bool log_close(struct log *log, uint64_t session) {
    log->index++;
    sessions_advance(log->sessions, log->time_ms);
    return sessions_close(log->sessions, session, log->time_ms);
}

static inline bool log_has(const struct log *log, uint64_t session) {
    struct sessions_answer answer;
    return sessions_last(log->sessions, session, &answer);
}

/* The last duplicate was answered like this. */
static inline void log_answered(const struct log *log, uint64_t index, uint64_t sequence, const char *result) {
    ck_assert_uint_eq(log->answer.id.index, index);
    ck_assert_uint_eq(log->answer.id.term, 7);
    ck_assert_uint_eq(log->answer.sequence, sequence);
    ck_assert(!log->answer.refused);
    ck_assert(log->answer.omitted == (result == NULL));
    ck_assert_uint_eq(log->answer.result.size, result == NULL ? 0 : strlen(result));
    if (result != NULL) {
        ck_assert_mem_eq(log->answer.result.data, result, strlen(result));
    }
}

static inline struct bytes sessions_snapshot(struct sessions *sessions) {
    struct bytes snapshot = bytes_empty();
    void *frozen = sessions_freeze(sessions);
    ck_assert(sessions_write(frozen, bytes_output(&snapshot)));
    sessions_release(sessions, frozen);
    return snapshot;
}

/* Fills an empty table, `step` bytes a read. False: refused, with the sentence in `why`. */
static inline bool sessions_fill(struct sessions *sessions, const char *bytes, size_t size, size_t step,
                                 struct bytes *why) {
    struct source source = {.data = bytes, .size = size, .step = step};
    bool good = sessions_restore(sessions, source_input(&source), bytes_output(why));
    ck_assert(good == (why->size == 0));
    return good;
}

/* Both write the same bytes. */
static inline void sessions_are_equal(struct sessions *left, struct sessions *right) {
    struct bytes left_bytes = sessions_snapshot(left);
    struct bytes right_bytes = sessions_snapshot(right);
    ck_assert(bytes_equal(&left_bytes, &right_bytes));
    bytes_free(&left_bytes);
    bytes_free(&right_bytes);
}

/* A JSON string literal of exactly `size` bytes; the caller frees it. */
static inline struct json_span literal_of(size_t size) {
    char *data = memory_alloc(size);
    memset(data, 'x', size);
    data[0] = '"';
    data[size - 1] = '"';
    return (struct json_span){.data = data, .size = size};
}

static inline void literal_free(struct json_span literal) {
    free((void *)(uintptr_t)literal.data);
}

#endif
