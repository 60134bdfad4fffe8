#include "server/problem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct problem_row {
    const char *name;
    const char *title;
    unsigned status;
};

static const struct problem_row rows[PROBLEM_CODE_COUNT] = {
    [PROBLEM_NONE] = {"none", "No problem", 200},
    [PROBLEM_BAD_REQUEST] = {"bad_request", "Bad request", 400},
    [PROBLEM_BAD_JSON] = {"bad_json", "Not JSON", 400},
    [PROBLEM_UNAUTHORIZED] = {"unauthorized", "Token needed", 401},
    [PROBLEM_FORBIDDEN] = {"forbidden", "Forbidden", 403},
    [PROBLEM_NOT_FOUND] = {"not_found", "Not found", 404},
    [PROBLEM_METHOD_NOT_ALLOWED] = {"method_not_allowed", "Method not allowed", 405},
    [PROBLEM_CONFLICT] = {"conflict", "Conflict", 409},
    [PROBLEM_CHANGE_IN_PROGRESS] = {"change_in_progress", "Another change of the members is under way", 409},
    [PROBLEM_STALE_SEQUENCE] = {"stale_sequence", "Below the session's last sequence number", 409},
    [PROBLEM_COMPACTED] = {"compacted", "No longer in the log", 410},
    [PROBLEM_SESSION_EXPIRED] = {"session_expired", "No such session", 410},
    [PROBLEM_TOO_LARGE] = {"too_large", "Too large", 413},
    [PROBLEM_WRONG_CLUSTER] = {"wrong_cluster", "Meant for another server", 421},
    [PROBLEM_WRONG_HOST] = {"wrong_host", "Not a name of this server", 421},
    [PROBLEM_INVALID_COMMAND] = {"invalid_command", "Not a command of this state machine", 422},
    [PROBLEM_KEY_REUSED] = {"key_reused", "Idempotency key of another command", 422},
    [PROBLEM_OVERLOADED] = {"overloaded", "Overloaded", 429},
    [PROBLEM_NOT_LEADER] = {"not_leader", "Not the leader", 503},
    [PROBLEM_NO_LEADER] = {"no_leader", "No leader", 503},
    [PROBLEM_LEADERSHIP_LOST] = {"leadership_lost", "Leadership lost", 503},
    [PROBLEM_SHUTTING_DOWN] = {"shutting_down", "Shutting down", 503},
    [PROBLEM_TIMEOUT] = {"timeout", "Timed out", 504},
    [PROBLEM_CATCH_UP_FAILED] = {"catch_up_failed", "A new member did not catch up", 504},
    [PROBLEM_STORAGE_FULL] = {"storage_full", "Storage full", 507},
    [PROBLEM_NOT_READY] = {"not_ready", "Not ready", 503},
};

static const struct problem_row *row_of(enum problem_code code) {
    assert((unsigned)code < PROBLEM_CODE_COUNT);
    assert(rows[code].name != NULL);
    return &rows[code];
}

const char *problem_name(enum problem_code code) {
    return row_of(code)->name;
}

const char *problem_title(enum problem_code code) {
    return row_of(code)->title;
}

unsigned problem_status(enum problem_code code) {
    return row_of(code)->status;
}

enum problem_code problem_by_name(const char *name, size_t size) {
    for (unsigned code = 0; code < PROBLEM_CODE_COUNT; code++) {
        const char *known = row_of((enum problem_code)code)->name;
        if (strlen(known) == size && memcmp(known, name, size) == 0) {
            return (enum problem_code)code;
        }
    }
    return PROBLEM_NONE;
}

/* How many of `text`'s first `size` bytes are left when a character that is cut off at their end is taken away. */
static size_t whole_characters(const char *text, size_t size) {
    size_t begin = size;
    while (begin > 0 && size - begin < 4) {
        begin--;
        unsigned char byte = (unsigned char)text[begin];
        if ((byte & 0xC0) != 0x80) {
            size_t needed = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
            return size - begin < needed ? begin : size;
        }
    }
    return size; /* No UTF-8: there is no edge to cut at. */
}

void problem_set(struct problem *problem, enum problem_code code, bool outcome_unknown, const char *format, ...) {
    /* Printed elsewhere first, so that the arguments may be the old detail. */
    char detail[PROBLEM_DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    assert(size >= 0);
    if ((size_t)size >= sizeof detail) {
        detail[whole_characters(detail, sizeof detail - 1)] = '\0';
    }
    assert((unsigned)code < PROBLEM_CODE_COUNT);
    problem->code = code;
    problem->outcome_unknown = outcome_unknown;
    memcpy(problem->detail, detail, strlen(detail) + 1);
}
