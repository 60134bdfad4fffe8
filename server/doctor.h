/* `raftd doctor`: asks a running node what is wrong with its cluster (GET /v1/doctor), for people and scripts. */
#ifndef RAFTD_DOCTOR_H
#define RAFTD_DOCTOR_H

#include "server/callee.h"
#include "server/json/json.h"

#include <stdbool.h>
#include <stdio.h>

enum {
    DOCTOR_TIMEOUT_MS = 10000, /* Each dead node costs the one that is asked some seconds. */
    DOCTOR_BODY_MAX = 1024 * 1024,
    DOCTOR_WELL = 0,
    DOCTOR_ILL = 1,
    DOCTOR_NO_ANSWER = 2
};

struct doctor_request {
    struct callee callee;
    bool json;
    const char *token;      /* RAFTD_TOKEN; NULL: */
    const char *token_file; /* the smallest of this file that may read; NULL: none is sent. Borrowed. */
};

/* `arguments` are those after `doctor`: [--json] [--token-file FILE] [URL]. OPTIONS_RUN, OPTIONS_HELP or OPTIONS_WRONG with
 * a sentence. */
enum options_end doctor_read(const char *const *arguments, const char *const *environment,
                             struct doctor_request *out_request, struct options_message *out_message);

/* Asks and tells. DOCTOR_WELL: nothing but hints; DOCTOR_ILL: problems or warnings; DOCTOR_NO_ANSWER: a sentence on
 * `errors`.
 */
int doctor_run(const struct doctor_request *request, FILE *out, FILE *errors);

/* Tells what an answer says, for people (`out` NULL: nobody). False: it is none. */
bool doctor_show(struct json_span answer, FILE *out, bool *out_healthy);

#endif
