/* POST /raft/v1/...: what other nodes ask this one (contract §5). The node answers each by the ticket it came in with. */
#ifndef RAFTD_API_PEER_H
#define RAFTD_API_PEER_H

#include "server/message.h"

#include <stdint.h>

struct request;

void peer_handle(struct request *request);
/* A piece of a snapshot file: its fields are in the query string. */
void peer_handle_chunk(struct request *request);

/* node_io.reply; `context` is the api. An answer whose asker has hung up is dropped. */
void peer_reply(void *context, uint64_t ticket, const struct message_answer *answer);

#endif
