#include "api/parameters.h"

#include "api/duration.h"

#include <string.h>

struct parameter {
    const char *name;
    unsigned bit;
    const char *wanted; /* What a good value looks like, for people. */
    bool (*read)(const char *text, size_t size, struct parameters *parameters);
};

/* Values are short; a longer one is malformed. */
enum { VALUE_SIZE_MAX = 32 };

static bool read_number(const char *text, size_t size, uint64_t maximum, uint64_t *out_number) {
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text[i] - '0');
        if (number > maximum) {
            return false;
        }
    }
    if (size == 0) {
        return false;
    }
    *out_number = number;
    return true;
}

static bool equals(const char *text, size_t size, const char *word) {
    return strlen(word) == size && memcmp(text, word, size) == 0;
}

static bool read_timeout(const char *text, size_t size, struct parameters *parameters) {
    return duration_parse(text, size, NODE_TIMEOUT_MAX_MS, &parameters->timeout_ms);
}

static bool read_forward(const char *text, size_t size, struct parameters *parameters) {
    parameters->forward = equals(text, size, "true");
    return parameters->forward || equals(text, size, "false");
}

static bool read_consistency(const char *text, size_t size, struct parameters *parameters) {
    parameters->consistency = equals(text, size, "stale")   ? NODE_STALE
                              : equals(text, size, "lease") ? NODE_LEASE
                                                            : NODE_LINEARIZABLE;
    return parameters->consistency != NODE_LINEARIZABLE || equals(text, size, "linearizable");
}

static bool read_min_index(const char *text, size_t size, struct parameters *parameters) {
    return read_number(text, size, RAFT_NUMBER_MAX, &parameters->min_index);
}

static bool read_from(const char *text, size_t size, struct parameters *parameters) {
    return read_number(text, size, RAFT_NUMBER_MAX, &parameters->from);
}

static bool read_limit(const char *text, size_t size, struct parameters *parameters) {
    uint64_t limit;
    if (!read_number(text, size, NODE_LOG_LIMIT_MAX, &limit) || limit == 0) {
        return false;
    }
    parameters->limit = (uint32_t)limit;
    return true;
}

static bool read_session(const char *text, size_t size, struct parameters *parameters) {
    return read_number(text, size, RAFT_NUMBER_MAX, &parameters->session) && parameters->session != 0;
}

static bool read_sequence(const char *text, size_t size, struct parameters *parameters) {
    return read_number(text, size, RAFT_NUMBER_MAX, &parameters->sequence) && parameters->sequence != 0;
}

static const struct parameter rows[] = {
    {"timeout", PARAMETER_TIMEOUT, "a duration such as 250ms, 5s or 1m, above zero and at most 60s", read_timeout},
    {"forward", PARAMETER_FORWARD, "true or false", read_forward},
    {"consistency", PARAMETER_CONSISTENCY, "linearizable, lease or stale", read_consistency},
    {"min_index", PARAMETER_MIN_INDEX, "a number from 0 to 9007199254740991", read_min_index},
    {"from", PARAMETER_FROM, "a number from 0 to 9007199254740991", read_from},
    {"limit", PARAMETER_LIMIT, "a number from 1 to 1000", read_limit},
    {"session", PARAMETER_SESSION, "a number from 1 to 9007199254740991", read_session},
    {"seq", PARAMETER_SESSION, "a number from 1 to 9007199254740991", read_sequence},
    {"q", PARAMETER_QUERY, "", NULL}, /* Any length: taken as it is. */
};
enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static const struct parameter *find(const struct target_pair *pair, unsigned known) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].bit & known) != 0 && target_is(pair->name, pair->name_size, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool read_pair(const struct parameter *row, const struct target_pair *pair, struct parameters *parameters) {
    if (row->read == NULL) {
        parameters->has_query = true;
        parameters->query = pair->value;
        parameters->query_size = pair->value_size;
        return true;
    }
    char text[3 * VALUE_SIZE_MAX];
    if (pair->value_size > sizeof text) {
        return false;
    }
    size_t size = target_decode(pair->value, pair->value_size, text);
    return size <= VALUE_SIZE_MAX && row->read(text, size, parameters);
}

bool parameters_parse(const struct target *target, unsigned known, struct parameters *out_parameters,
                      struct problem *out_problem) {
    struct parameters parameters = {
        .timeout_ms = (known & PARAMETER_PATIENT) != 0 ? NODE_TIMEOUT_MAX_MS : NODE_TIMEOUT_DEFAULT_MS,
        .forward = true,
        .consistency = NODE_LINEARIZABLE,
        .limit = NODE_LOG_LIMIT_DEFAULT,
    };
    unsigned seen = 0;
    const char *at = target->query;
    struct target_pair pair;
    while (target_next_pair(&at, target->query + target->query_size, &pair)) {
        const struct parameter *row = find(&pair, known);
        if (row == NULL) {
            continue;
        }
        unsigned bit = 1U << (unsigned)(row - rows);
        if ((seen & bit) != 0) {
            problem_set(out_problem, PROBLEM_BAD_REQUEST, false, "the parameter %s is given twice", row->name);
            return false;
        }
        seen |= bit;
        if (!read_pair(row, &pair, &parameters)) {
            problem_set(out_problem, PROBLEM_BAD_REQUEST, false, "the parameter %s must be %s", row->name, row->wanted);
            return false;
        }
    }
    *out_parameters = parameters;
    return true;
}
