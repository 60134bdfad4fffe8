/* What makes a retry of a propose known (contract, "Exactly once"): the parameters session and seq, or the header field
 * Idempotency-Key. */
#ifndef RAFTD_API_ONCE_H
#define RAFTD_API_ONCE_H

#include "api/request.h"

/* False: what is there makes no sense, and `out_problem` is a bad_request that says why. */
bool once_check(const struct request *request, struct problem *out_problem);

/* Of a request that passed: true when it is to be applied once. `out_origin` borrows from the request. */
bool once_origin(const struct request *request, struct node_origin *out_origin);

#endif
