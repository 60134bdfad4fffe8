/* A recorded history in a file: the format of tests/linear/README.md. */
#ifndef TESTS_LINEAR_HISTORY_FILE_H
#define TESTS_LINEAR_HISTORY_FILE_H

#include "tests/linear/history_texts.h"
#include "tests/linear/linear.h"

#include <stdio.h>

enum history_op { HISTORY_GET, HISTORY_PUT, HISTORY_CAS, HISTORY_DELETE };
enum history_outcome { HISTORY_OK, HISTORY_REJECTED, HISTORY_UNKNOWN };

struct history_record {
    struct linear_operation operation; /* Keys and values are numbers of texts. */
    size_t line;
    uint64_t node; /* 0: not said. */
    enum history_op op;
    enum history_outcome outcome;
    bool is_checked; /* Not: rejected, a stale read. */
};

/* What was done to the nodes. */
struct history_event {
    char *name;
    char *what;
    uint64_t at;
    uint64_t until; /* `at`: a moment. */
};

struct history {
    struct history_record *records;
    size_t count;
    struct history_event *events;
    size_t event_count;
    struct history_texts keys;
    struct history_texts values; /* JSON. */
    char problem[256];           /* Why it could not be read. */
    size_t records_capacity;
    size_t events_capacity;
};

/* False: see `problem`, "LINE: why". Free in any case. */
bool history_read(struct history *out_history, FILE *file);
void history_free(struct history *history);

/* The text of a value as JSON, or "absent". */
const char *history_value(const struct history *history, uint64_t value);

#endif
