/* What a node that is not the leader answers to a client who wants no forwarding (contract §2). */
#ifndef RAFTD_API_REDIRECT_H
#define RAFTD_API_REDIRECT_H

#include "api/request.h"

/* Ends a request that waits and failed with `problem`. Where it said forward=false and the problem is not_leader, that is a
 * 307 to the leader's client URL, which may have to be asked for first; without a leader no_leader. */
void redirect_or_problem(struct request *request, const struct problem *problem);

#endif
