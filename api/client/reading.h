/* What the body of a done proposal or query says. */
#ifndef RAFTCLIENT_READING_H
#define RAFTCLIENT_READING_H

#include "api/client/raftclient.h"

/* Takes index, term, result, duplicate and result_omitted out of `answer->body` into the answer; the result points into the
 * body. False: it is no answer to a proposal or query, and nothing has changed. */
bool reading_result(struct raftclient_answer *answer);

/* The id of a session that was opened; 0: the body is no such answer. */
uint64_t reading_session(const char *body, size_t size);

#endif
