#include "tests/scenarios/runner/world.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { DELIVERIES_MAX = 10000 };

static bool is_on(const struct cluster_packet *packet, struct link link) {
    return (link.from == 0 || packet->message.from == link.from) && (link.to == 0 || packet->message.to == link.to);
}

/* Takes the packet out; the entries go with it. */
static struct cluster_packet take(struct cluster *cluster, size_t at) {
    struct cluster_packet packet = cluster->packets[at];
    cluster->packet_count--;
    memmove(cluster->packets + at, cluster->packets + at + 1, (cluster->packet_count - at) * sizeof packet);
    return packet;
}

static void fail(struct world *world, struct cluster_packet *packet, const char *why) {
    telling_message(world, packet, why);
    struct cluster_node *sender = &world->cluster->nodes[packet->message.from - 1];
    if (cluster_is_request(&packet->message) && sender->raft != NULL && sender->life == packet->life) {
        world->inside = true;
        cluster_fail_call(world->cluster, &packet->message);
        world_settle(world, sender);
        world->inside = false;
    }
}

static void deliver(struct world *world, struct cluster_packet *packet) {
    struct cluster_node *node = &world->cluster->nodes[packet->message.to - 1];
    if (node->raft == NULL) {
        fail(world, packet, ", which is down");
        return;
    }
    telling_message(world, packet, "");
    world->inside = true;
    cluster_deliver(world->cluster, node, packet);
    world_settle(world, node);
    world->inside = false;
}

static void drop(struct world *world, struct cluster_packet *packet) {
    telling_message(world, packet, ", lost");
}

static void refuse(struct world *world, struct cluster_packet *packet) {
    fail(world, packet, ", fails");
}

/* What is on the link now; not what that brings about. */
static size_t for_each(struct world *world, struct link link,
                       void (*act)(struct world *world, struct cluster_packet *packet)) {
    struct cluster *cluster = world->cluster;
    struct cluster_packet *taken = memory_alloc((cluster->packet_count + 1) * sizeof *taken);
    size_t count = 0;
    size_t seen = 0;
    size_t at = 0;
    while (at < cluster->packet_count) {
        bool is_meant = is_on(&cluster->packets[at], link) && (link.number == 0 || ++seen == link.number);
        if (is_meant) {
            taken[count++] = take(cluster, at);
        } else {
            at++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        act(world, &taken[i]);
        free(taken[i].entries);
    }
    free(taken);
    return count;
}

size_t network_deliver(struct world *world, struct link link) {
    return for_each(world, link, deliver);
}

size_t network_drop(struct world *world, struct link link) {
    return for_each(world, link, drop);
}

size_t network_fail(struct world *world, struct link link) {
    return for_each(world, link, refuse);
}

size_t network_duplicate(struct world *world, struct link link) {
    struct cluster *cluster = world->cluster;
    size_t before = cluster->packet_count;
    size_t count = 0;
    size_t seen = 0;
    for (size_t i = 0; i < before; i++) {
        if (!is_on(&cluster->packets[i], link) || (link.number != 0 && ++seen != link.number)) {
            continue;
        }
        cluster->packets =
            memory_grow(cluster->packets, &cluster->packet_capacity, cluster->packet_count + 1, sizeof *cluster->packets);
        struct cluster_packet copy = cluster->packets[i];
        copy.entries = copy.entries == NULL
                           ? NULL
                           : memory_copy(copy.entries, copy.message.append_entries.entry_count * sizeof *copy.entries);
        cluster->packets[cluster->packet_count++] = copy;
        count++;
    }
    return count;
}

/* The last comes first. */
size_t network_reverse(struct world *world, struct link link) {
    struct cluster *cluster = world->cluster;
    size_t first = 0;
    size_t last = cluster->packet_count;
    size_t count = 0;
    for (size_t i = 0; i < cluster->packet_count; i++) {
        count += is_on(&cluster->packets[i], link) ? 1 : 0;
    }
    while (first < last) {
        if (!is_on(&cluster->packets[first], link)) {
            first++;
        } else if (!is_on(&cluster->packets[last - 1], link)) {
            last--;
        } else {
            struct cluster_packet kept = cluster->packets[first];
            cluster->packets[first++] = cluster->packets[--last];
            cluster->packets[last] = kept;
        }
    }
    return count;
}

void network_list(struct world *world) {
    for (size_t i = 0; i < world->cluster->packet_count; i++) {
        telling_message(world, &world->cluster->packets[i], "");
    }
}

static bool may_go(const struct world *world, const struct cluster_packet *packet, const bool *among) {
    raft_node_id from = packet->message.from;
    raft_node_id to = packet->message.to;
    return !world->held[from - 1][to - 1] && among[from - 1] && among[to - 1];
}

bool network_stabilize(struct world *world, const bool *among) {
    struct cluster *cluster = world->cluster;
    size_t deliveries = 0;
    size_t at = 0;
    while (at < cluster->packet_count) {
        if (!may_go(world, &cluster->packets[at], among)) {
            at++;
            continue;
        }
        if (++deliveries > DELIVERIES_MAX) {
            return false;
        }
        struct cluster_packet packet = take(cluster, at);
        deliver(world, &packet);
        free(packet.entries);
    }
    return true;
}

static void set(bool table[CLUSTER_NODES_MAX][CLUSTER_NODES_MAX], struct link link, bool value) {
    for (raft_node_id from = 1; from <= CLUSTER_NODES_MAX; from++) {
        for (raft_node_id to = 1; to <= CLUSTER_NODES_MAX; to++) {
            if ((link.from == 0 || link.from == from) && (link.to == 0 || link.to == to)) {
                table[from - 1][to - 1] = value;
            }
        }
    }
}

void network_hold(struct world *world, struct link link, bool held) {
    set(world->held, link, held);
}

static void lose(struct world *world, struct cluster_packet *packet) {
    (void)world;
    (void)packet;
}

void network_cut(struct world *world, struct link link, bool cut) {
    set(world->cluster->cut, link, cut);
    if (cut) {
        for_each(world, (struct link){link.from, link.to, 0}, lose);
    }
}
