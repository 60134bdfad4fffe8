/* What can go wrong, as clients see it: one table of codes with their HTTP status and title (contract §1, RFC 9457). The
 * node names problems by code, peers carry the code's name, the API prints them. */
#ifndef RAFTD_PROBLEM_H
#define RAFTD_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

enum problem_code {
    PROBLEM_NONE = 0,
    PROBLEM_BAD_REQUEST,
    PROBLEM_BAD_JSON,
    PROBLEM_UNAUTHORIZED,
    PROBLEM_FORBIDDEN,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_CONFLICT,
    PROBLEM_STALE_SEQUENCE,
    PROBLEM_CHANGE_IN_PROGRESS,
    PROBLEM_COMPACTED,
    PROBLEM_SESSION_EXPIRED,
    PROBLEM_TOO_LARGE,
    PROBLEM_WRONG_CLUSTER,
    PROBLEM_WRONG_HOST,
    PROBLEM_INVALID_COMMAND,
    PROBLEM_KEY_REUSED,
    PROBLEM_OVERLOADED,
    PROBLEM_NOT_LEADER,
    PROBLEM_NO_LEADER,
    PROBLEM_LEADERSHIP_LOST,
    PROBLEM_SHUTTING_DOWN,
    PROBLEM_TIMEOUT,
    PROBLEM_CATCH_UP_FAILED,
    PROBLEM_STORAGE_FULL,
    PROBLEM_NOT_READY,
    PROBLEM_CODE_COUNT
};

const char *problem_name(enum problem_code code);  /* "no_leader" */
const char *problem_title(enum problem_code code); /* "No leader" */
unsigned problem_status(enum problem_code code);   /* 503 */
/* The code of that name; PROBLEM_NONE when there is none. */
enum problem_code problem_by_name(const char *name, size_t size);

enum { PROBLEM_DETAIL_SIZE = 256 };

/* One problem of one request. */
struct problem {
    enum problem_code code;
    bool outcome_unknown; /* Of a changing request: it may have taken effect, or still may. False: it never will. */
    char detail[PROBLEM_DETAIL_SIZE]; /* A sentence for people, UTF-8, cut to fit at a character's edge. */
};

/* Fills in all three; `format` as in printf. */
void problem_set(struct problem *problem, enum problem_code code, bool outcome_unknown, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
