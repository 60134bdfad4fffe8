/* Operators: they change who the members are, hand leadership over and ask for snapshots. */
#include "simulation.h"

static struct members random_members(struct simulation *simulation) {
    struct members members = {0};
    bool many = draw(simulation, FAULT_MEMBERS, 2) == 0;
    for (size_t i = 0; i < simulation->cluster->count; i++) {
        uint64_t role = members.count == 0 ? 1 : draw(simulation, FAULT_MEMBERS, 6);
        if (role < (many ? 4 : 3)) {
            struct members_member member = members_at(simulation->cluster, i, role > 0);
            members_add(&members, &member);
        }
    }
    return members;
}

static void change_members(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    size_t at = (size_t)draw(simulation, FAULT_MEMBERS, cluster->count);
    size_t who = (size_t)draw(simulation, FAULT_MEMBERS, cluster->count);
    size_t leader = cluster_leader(cluster);
    bool at_leader = draw(simulation, FAULT_MEMBERS, 4) == 0;
    bool voter = draw(simulation, FAULT_MEMBERS, 4) > 0;
    who = at_leader && leader != CLUSTER_MAX ? leader : who;
    struct change change = {.kind = CHANGE_ADD, .members = {.count = 1, .list = {members_at(cluster, who, voter)}}};
    switch (draw(simulation, FAULT_MEMBERS, 5)) {
    case 0:
        change.kind = CHANGE_PROMOTE;
        break;
    case 1:
        change.kind = CHANGE_REMOVE;
        break;
    case 2:
        change = (struct change){.kind = CHANGE_PUT, .members = random_members(simulation)};
        break;
    default:
        break;
    }
    uint32_t timeout_ms = 1 + (uint32_t)draw(simulation, FAULT_MEMBERS, NODE_TIMEOUT_MAX_MS);
    bool forward = draw(simulation, FAULT_MEMBERS, 8) > 0;
    if (cluster->members[at].node == NULL) {
        return;
    }
    struct client *client = members_change(cluster, at, &change, timeout_ms, forward);
    client->op = "change";
    if (cluster->tell != NULL) {
        char words[128];
        members_words(&change.members, words);
        TELL(simulation, "operator asks node %zu: %s %s", at + 1,
             change.kind == CHANGE_ADD       ? "add"
             : change.kind == CHANGE_PROMOTE ? "promote"
             : change.kind == CHANGE_REMOVE  ? "remove"
                                             : "put",
             change.kind == CHANGE_PROMOTE || change.kind == CHANGE_REMOVE ? "" : words);
    }
}

static void transfer(struct simulation *simulation) {
    if (draw(simulation, FAULT_TRANSFER, 2) == 0) {
        moments_deafen_leader(simulation);
    }
    size_t at = (size_t)draw(simulation, FAULT_TRANSFER, simulation->cluster->count);
    size_t to = (size_t)draw(simulation, FAULT_TRANSFER, 2 * simulation->cluster->count);
    to = to >= simulation->cluster->count ? CLUSTER_MAX : to;
    if (simulation->cluster->members[at].node != NULL) {
        cluster_transfer(simulation->cluster, at, to);
        TELL(simulation, "operator asks node %zu: hand leadership over to %zu", at + 1, to == CLUSTER_MAX ? 0 : to + 1);
    }
}

static void snapshot(struct simulation *simulation) {
    size_t at = (size_t)draw(simulation, FAULT_SNAPSHOT, simulation->cluster->count);
    if (simulation->cluster->members[at].node != NULL) {
        cluster_snapshot(simulation->cluster, at);
        TELL(simulation, "operator asks node %zu: take a snapshot", at + 1);
    }
}

void operators_step(struct simulation *simulation) {
    const uint64_t *rate = simulation->plan.rate;
    if (draw_fault(simulation, FAULT_MEMBERS, rate[FAULT_MEMBERS])) {
        change_members(simulation);
    }
    if (draw_fault(simulation, FAULT_TRANSFER, rate[FAULT_TRANSFER])) {
        transfer(simulation);
    }
    if (draw_fault(simulation, FAULT_SNAPSHOT, rate[FAULT_SNAPSHOT])) {
        snapshot(simulation);
    }
}
