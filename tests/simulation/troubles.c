/* Things that are wrong for a while: they begin at once or at their time, last, and end. */
#include "simulation.h"

struct trouble *troubles_begin(struct simulation *simulation, enum fault fault) {
    if (simulation->trouble_count == TROUBLES_MAX) {
        return NULL;
    }
    uint64_t most_ms = simulation->plan.trouble_ms << draw(simulation, fault, simulation->plan.slow ? 2 : 5);
    struct trouble *trouble = &simulation->troubles[simulation->trouble_count++];
    *trouble = (struct trouble){.fault = fault, .begun = true};
    trouble->until_ms = simulation->cluster->now_ms + 1 + draw(simulation, fault, most_ms);
    return trouble;
}

void troubles_tell(struct simulation *simulation, const struct trouble *trouble, const char *what) {
    if (simulation->cluster->tell == NULL) {
        return;
    }
    if (trouble->links == NULL) {
        TELL(simulation, "%s %s at node %zu", fault_name(trouble->fault), what, trouble->member + 1);
        return;
    }
    char links[200] = ""; /* Perhaps there is none. */
    size_t size = 0;
    for (size_t from = 0; from < simulation->cluster->count; from++) {
        for (size_t to = 0; to < simulation->cluster->count; to++) {
            if ((trouble->receivers[from] >> to & 1) != 0) {
                size += (size_t)snprintf(links + size, sizeof links - size, " %zu>%zu", from + 1, to + 1);
            }
        }
    }
    TELL(simulation, "%s %s:%s", fault_name(trouble->fault), what, links);
}

/* A cut may reset connections: who hears that takes the other for gone, which lives, and may lead. */
void troubles_break_connections(struct cluster *cluster, size_t from, unsigned receivers) {
    for (size_t i = 0; i < cluster->count; i++) {
        if ((receivers >> i & 1) != 0 && cluster->members[i].node != NULL) {
            node_peer_gone(cluster->members[i].node, from + 1);
        }
    }
}

/* The harness's fields, as those troubles that last make them. */
static void apply_links(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    bool(*fields[])[CLUSTER_MAX] = {cluster->refused, cluster->lost, cluster->held, cluster->breaking, cluster->doubling};
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        memset(fields[f], 0, sizeof cluster->refused);
    }
    for (size_t i = 0; i < simulation->trouble_count; i++) {
        const struct trouble *trouble = &simulation->troubles[i];
        for (size_t from = 0; trouble->begun && trouble->links != NULL && from < cluster->count; from++) {
            for (size_t to = 0; to < cluster->count; to++) {
                trouble->links[from][to] = trouble->links[from][to] || (trouble->receivers[from] >> to & 1) != 0;
            }
        }
    }
}

static void apply_member(struct simulation *simulation, size_t at) {
    struct member *member = &simulation->cluster->members[at];
    bool paused = false;
    unsigned parts = 0;
    for (size_t i = 0; i < simulation->trouble_count; i++) {
        const struct trouble *trouble = &simulation->troubles[i];
        bool here = trouble->begun && trouble->links == NULL && trouble->member == at;
        paused = paused || (here && trouble->fault == FAULT_PAUSE);
        parts |= here ? trouble->parts : 0;
    }
    member->paused = paused;
    member->hold_writes = (parts & PART_WRITES) != 0;
    member->hold_reads = (parts & PART_READS) != 0;
    member->hold_jobs = (parts & PART_JOBS) != 0;
    member->hold_ends = (parts & PART_ENDS) != 0;
    member->hold_long = (parts & PART_LONG) != 0;
}

void troubles_apply(struct simulation *simulation) {
    apply_links(simulation);
    for (size_t i = 0; i < simulation->cluster->count; i++) {
        apply_member(simulation, i);
    }
}

void troubles_room(struct simulation *simulation, size_t at, bool full) {
    struct member *member = &simulation->cluster->members[at];
    struct storage_room room = STORAGE_ROOM_UNKNOWN;
    if (full) {
        room = (struct storage_room){.free_bytes = 100, .for_entries = draw(simulation, FAULT_FULL_DISK, 2) * UINT64_MAX};
    }
    if (member->node != NULL) {
        node_room(member->node, &room);
    }
}

void troubles_end(struct simulation *simulation, bool all) {
    size_t kept = 0;
    for (size_t i = 0; i < simulation->trouble_count; i++) {
        struct trouble *trouble = &simulation->troubles[i];
        if (!all && trouble->until_ms > simulation->cluster->now_ms) {
            simulation->troubles[kept++] = *trouble;
            continue;
        }
        if (trouble->begun) {
            troubles_tell(simulation, trouble, "ends");
        }
        if (trouble->fault == FAULT_FULL_DISK) {
            troubles_room(simulation, trouble->member, false);
        }
    }
    simulation->trouble_count = kept;
}

void troubles_begin_due(struct simulation *simulation) {
    for (size_t i = 0; i < simulation->trouble_count; i++) {
        struct trouble *trouble = &simulation->troubles[i];
        if (trouble->begun || trouble->from_ms > simulation->cluster->now_ms) {
            continue;
        }
        trouble->begun = true;
        troubles_tell(simulation, trouble, "begins");
        for (size_t from = 0; trouble->resets && from < simulation->cluster->count; from++) {
            troubles_break_connections(simulation->cluster, from, trouble->receivers[from]);
        }
    }
}
