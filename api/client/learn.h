/* Learning of all nodes from one: /v1/cluster says where clients reach each member. */
#ifndef RAFTCLIENT_LEARN_H
#define RAFTCLIENT_LEARN_H

#include "api/client/client.h"

enum { LEARN_MS = 2000, LEARN_AGAIN_MS = 1000 };

/* Asks a node when there is reason to: it is not known yet where the others are, and either only one URL was given or this
 * is not the first call; or a node leads that is not known. Takes LEARN_MS at most, and no more than half of what is left
 * of the call; a failure is no matter, and not asked about again for LEARN_AGAIN_MS. */
void learn_members(struct raftclient *client, uint64_t deadline_ms);

/* Takes over what /v1/cluster answered. False: it is not that, and nothing has changed. */
bool learn_from(struct nodes *nodes, const char *body, size_t size);

#endif
