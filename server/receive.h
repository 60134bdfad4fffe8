/* Peers' requests and the ends of our own: checked at the door, then handed to whom they are for (contract §5). */
#ifndef RAFTD_RECEIVE_H
#define RAFTD_RECEIVE_H

#include "server/node_state.h"

/* True: the request is meant for this server of this cluster in this incarnation. */
bool receive_is_for_us(const struct node *node, const struct message_address *address);

#endif
