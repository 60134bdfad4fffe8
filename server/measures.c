#include "server/measures.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <stdlib.h>

void measures_clear(struct measures *measures) {
    for (size_t i = 0; i < measures->peer_count; i++) {
        free(measures->peers[i]);
    }
    *measures = (struct measures){0};
}

uint64_t measures_now_us(const struct node *node) {
    return node->io.clock_us == NULL ? 0 : node->io.clock_us(node->io.clock_context);
}

uint64_t measures_applied(struct node *node, uint64_t begun_us) {
    uint64_t now_us = measures_now_us(node);
    if (now_us != 0) {
        histogram_add(&node->measures.apply, now_us - begun_us);
    }
    return now_us;
}

/* The place of somebody who is no member any more; the last one when all are. */
static size_t find_left(const struct node *node) {
    const struct measures *measures = &node->measures;
    size_t i = 0;
    while (i + 1 < measures->peer_count && roster_find(&node->roster, measures->peers[i]->id) != NULL) {
        i++;
    }
    return i;
}

static struct measures_peer *peer_of(struct node *node, raft_node_id id) {
    struct measures *measures = &node->measures;
    for (size_t i = 0; i < measures->peer_count; i++) {
        if (measures->peers[i]->id == id) {
            return measures->peers[i];
        }
    }
    size_t place = measures->peer_count;
    if (place == MEASURES_PEERS_MAX) {
        place = find_left(node);
    } else {
        measures->peers[measures->peer_count++] = memory_alloc(sizeof(struct measures_peer));
    }
    *measures->peers[place] = (struct measures_peer){.id = id};
    return measures->peers[place];
}

void measures_call_ended(struct node *node, const struct call *call, bool answered) {
    if (call->begun_us == 0 || call->to == 0) { /* A probe may be for whoever is there. */
        return;
    }
    size_t rpc = call->heartbeat ? (size_t)MEASURES_HEARTBEAT : (size_t)call->kind;
    struct measures_peer *peer = peer_of(node, call->to);
    if (answered) {
        histogram_add(&peer->round_trips[rpc], measures_now_us(node) - call->begun_us);
    } else {
        peer->failed[rpc]++;
    }
}
