/* Proposals, each applied at most once. */
#ifndef RAFTCLIENT_PROPOSE_H
#define RAFTCLIENT_PROPOSE_H

#include "api/client/client.h"

/* Closes the session, if there is one and a node answers within RAFTCLIENT_CLOSE_MS. */
void propose_close(struct raftclient *client);

#endif
