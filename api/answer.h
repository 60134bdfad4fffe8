/* Answers: status, header fields, body. Every field that an answer carries is put in here. */
#ifndef RAFTD_API_ANSWER_H
#define RAFTD_API_ANSWER_H

#include "api/request.h"

#define ANSWER_JSON    "application/json"
#define ANSWER_NDJSON  "application/x-ndjson"
#define ANSWER_PROBLEM "application/problem+json"

/* A body that is read piece by piece while it is sent. */
struct answer_source {
    void *context;
    /* Up to `capacity` bytes from `offset` on. 0: they cannot be had, and the connection is cut. */
    size_t (*read)(void *context, uint64_t offset, char *bytes, size_t capacity);
    void (*close)(void *context); /* Once, when the answer is sent or its client gone. */
};

/* All but status may be left out. */
struct answer {
    unsigned status;
    const char *content_type;
    char *body; /* From malloc; taken over by answer_send. */
    size_t size;
    const struct answer_source *source; /* Instead of `body`: `size` bytes from here. Copied. */
    const char *disposition;            /* Content-Disposition. */
    const char *fixed_body;             /* Instead of `body`: bytes that outlive the process's answers. */
    const char *code;                   /* Of a problem, for the audit log; NULL: none. */
    raft_index index;                   /* Raft-Index; 0: what this node has applied. */
    const char *consistency;            /* Raft-Consistency. */
    const char *location;
    const char *allow;
    const char *etag;
    bool retry;     /* Retry-After: 1. */
    bool preflight; /* What a page of a listed origin may do at this path. */
    bool page;      /* The fields that keep a page to itself, and make browsers ask whether it has changed. */
};

/* Room in what all answers together may take. False: there is none; what only reads is then answered 429 by answer_send,
 * but who has changed something must find a shorter answer. */
bool answer_has_room(struct request *request, size_t size);

/* Answers a request, whether it waits or not. */
void answer_send(struct request *request, const struct answer *answer);

/* The answer `answer` with what was written as its body. Empties the writer. */
void answer_written(struct request *request, const struct answer *answer, struct json_writer *writer);

/* Whether an error says when to try again. */
bool answer_retry(enum problem_code code);

/* An error: problem+json, with outcome where the route changes something (no route: where the method is not GET, HEAD,
 * OPTIONS or TRACE), and the fields that belong to its code. */
void answer_problem(struct request *request, const struct problem *problem);

/* The same with one more member, a number. */
void answer_problem_with(struct request *request, const struct problem *problem, const char *member, uint64_t number);

/* The body of a problem, with one more member unless `member` is NULL. `status` is the answer's: most often problem_status
 * of its code. */
void answer_problem_body(const struct request *request, const struct problem *problem, unsigned status, const char *member,
                         uint64_t number, struct json_writer *writer);

#endif
