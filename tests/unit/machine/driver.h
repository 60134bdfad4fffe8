/* Drives a machine the way the node does: every command is scanned and checked before it is applied, results and refusals
 * are looked at, snapshots go through memory. */
#ifndef RAFTD_TESTS_MACHINE_DRIVER_H
#define RAFTD_TESTS_MACHINE_DRIVER_H

#include "server/base/memory.h"
#include "server/json/json.h"
#include "server/machine/registry.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Bytes in memory: an output, which refuses what goes beyond `limit`. */
struct bytes {
    char *data; /* NUL-terminated when there is anything. */
    size_t size;
    size_t capacity;
    size_t limit;
};

static inline bool bytes_append(void *context, const void *more, size_t size) {
    struct bytes *bytes = context;
    if (size > bytes->limit - bytes->size) {
        return false;
    }
    bytes->data = memory_grow(bytes->data, &bytes->capacity, bytes->size + size + 1, 1);
    memcpy(bytes->data + bytes->size, more, size);
    bytes->size += size;
    bytes->data[bytes->size] = '\0';
    return true;
}

static inline struct bytes bytes_limited(size_t limit) {
    return (struct bytes){.limit = limit};
}

static inline struct bytes bytes_empty(void) {
    return bytes_limited(SIZE_MAX);
}

static inline struct machine_output bytes_output(struct bytes *bytes) {
    return (struct machine_output){.append = bytes_append, .context = bytes};
}

static inline void bytes_free(struct bytes *bytes) {
    free(bytes->data);
    *bytes = bytes_empty();
}

static inline bool bytes_equal(const struct bytes *left, const struct bytes *right) {
    return left->size == right->size && memcmp(left->data, right->data, left->size) == 0;
}

/* An input that reads from memory, at most `step` bytes a time. */
struct source {
    const char *data;
    size_t size;
    size_t at;
    size_t step;
};

static inline size_t source_read(void *context, void *out, size_t capacity) {
    struct source *source = context;
    size_t size = source->size - source->at;
    size = size < capacity ? size : capacity;
    size = size < source->step ? size : source->step;
    memcpy(out, source->data + source->at, size);
    source->at += size;
    return size;
}

static inline struct machine_input source_input(struct source *source) {
    return (struct machine_input){.read = source_read, .context = source};
}

struct driver {
    const struct machine *machine;
    void *state;
    uint64_t index;
    struct bytes result; /* Of the last call. */
    struct bytes why;    /* Of the last check. */
};

static inline struct driver driver_create(const struct machine *machine) {
    return (struct driver){.machine = machine, .state = machine->create(), .result = bytes_empty(), .why = bytes_empty()};
}

static inline void driver_destroy(struct driver *driver) {
    driver->machine->destroy(driver->state);
    bytes_free(&driver->result);
    bytes_free(&driver->why);
}

/* What the node gives to a machine: the value's bytes alone. */
static inline struct json_span driver_scan(const char *text) {
    struct json_span value;
    size_t offset;
    ck_assert_msg(json_scan(text, strlen(text), &value, &offset), "no JSON: %.200s", text);
    return value;
}

static inline enum machine_verdict driver_try(struct driver *driver, const char *command) {
    struct json_span span = driver_scan(command);
    driver->result.size = 0;
    driver->why.size = 0;
    enum machine_verdict checked = driver->machine->check(span.data, span.size, bytes_output(&driver->why));
    enum machine_verdict applied =
        driver->machine->apply(driver->state, ++driver->index, span.data, span.size, bytes_output(&driver->result));
    ck_assert_int_eq(checked, applied);
    if (checked == MACHINE_REFUSED) {
        ck_assert_str_eq(driver->why.data, driver->result.data);
    } else {
        ck_assert_uint_eq(driver->why.size, 0);
    }
    return applied;
}

/* The result of a command that is accepted, borrowed until the next call. */
static inline const char *driver_apply(struct driver *driver, const char *command) {
    enum machine_verdict verdict = driver_try(driver, command);
    ck_assert_msg(verdict == MACHINE_DONE, "%.200s was refused: %s", command, driver->result.data);
    driver_scan(driver->result.data);
    return driver->result.data;
}

/* The sentence with which a command is refused. */
static inline const char *driver_refusal(struct driver *driver, const char *command) {
    ck_assert_msg(driver_try(driver, command) == MACHINE_REFUSED, "%.200s was accepted", command);
    return driver->result.data;
}

static inline enum machine_verdict driver_ask(struct driver *driver, const char *query) {
    struct json_span span = driver_scan(query);
    driver->result.size = 0;
    return driver->machine->query(driver->state, span.data, span.size, bytes_output(&driver->result));
}

static inline const char *driver_query(struct driver *driver, const char *query) {
    enum machine_verdict verdict = driver_ask(driver, query);
    ck_assert_msg(verdict == MACHINE_DONE, "%.200s was refused: %s", query, driver->result.data);
    driver_scan(driver->result.data);
    return driver->result.data;
}

static inline const char *driver_query_refusal(struct driver *driver, const char *query) {
    ck_assert_msg(driver_ask(driver, query) == MACHINE_REFUSED, "%.200s was answered", query);
    return driver->result.data;
}

/* A snapshot of the state as it is. */
static inline struct bytes driver_snapshot(struct driver *driver) {
    struct bytes snapshot = bytes_empty();
    void *frozen = driver->machine->freeze(driver->state);
    ck_assert(driver->machine->write(frozen, bytes_output(&snapshot)));
    driver->machine->release(driver->state, frozen);
    return snapshot;
}

/* Fills a fresh state, `step` bytes a read; false: refused, and `result` holds the sentence. */
static inline bool driver_restore(struct driver *driver, const char *bytes, size_t size, size_t step) {
    struct source source = {.data = bytes, .size = size, .step = step};
    driver->result.size = 0;
    bool good = driver->machine->restore(driver->state, source_input(&source), bytes_output(&driver->result));
    ck_assert(good == (driver->result.size == 0));
    return good;
}

/* A fixed sequence of numbers: tests that draw are the same on every run. The state is any number but 0. */
static inline uint64_t draw(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
