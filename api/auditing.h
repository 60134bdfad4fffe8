/* Which answers stand in the audit log (server/audit.h): those of routes that need the role admin, and refusals of whoever
 * may not ask. */
#ifndef RAFTD_API_AUDITING_H
#define RAFTD_API_AUDITING_H

struct answer;
struct request;

/* An answer is about to leave. */
void auditing_answer(const struct request *request, const struct answer *answer);

/* Whoever waited has hung up: what was asked may go on all the same. */
void auditing_gone(const struct request *request);

#endif
