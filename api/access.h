/* Who asks, and whether that may be (contract §6): the token of a request against the role that its route needs. */
#ifndef RAFTD_API_ACCESS_H
#define RAFTD_API_ACCESS_H

#include "api/head.h"
#include "api/route.h"
#include "server/problem.h"
#include "server/tokens.h"

struct request;

/* Whose token a request carries. */
struct access_who {
    enum tokens_role role;          /* TOKENS_NOBODY: nobody's, or nobody is asked. */
    char name[TOKENS_NAME_MAX + 1]; /* Empty: it has none. */
};

/* True: go on. False: `out_problem` is `unauthorized` (no token, or none of ours) or `forbidden` (too small a role). With
 * `tokens` NULL nobody is asked. `out_who` is filled in either way. */
bool access_check(const struct tokens *tokens, const struct route *route, const struct head *head,
                  struct access_who *out_who, struct problem *out_problem);

/* The same for who says that it is node `id`: where nodes have certificates, by the one of its connection. `id` 0: any
 * node. */
bool access_check_node(struct request *request, uint64_t id, struct problem *out_problem);

#endif
