/* What goes wrong: begins by the draws of each step, lasts for a while, ends. */
#include "simulation.h"

#include "disk.h"

enum { FORMING_MS = 2000 };

/* -- Messages -- */

static struct cluster_fate fate(void *context, size_t from, size_t to, enum message_kind kind, bool is_answer) {
    struct simulation *simulation = context;
    (void)to;
    if (kind == MESSAGE_TIMEOUT_NOW && !is_answer) {
        moments_handed_over(simulation, from);
    }
    const uint64_t *rate = simulation->plan.rate;
    struct cluster_fate fate = {.delay_ms = draw(simulation, STREAM_NETWORK, simulation->plan.network_ms + 1)};
    fate.lost = rate[FAULT_LOSS] > 0 && draw_fault(simulation, FAULT_LOSS, rate[FAULT_LOSS]);
    fate.doubled =
        !is_answer && rate[FAULT_DUPLICATION] > 0 && draw_fault(simulation, FAULT_DUPLICATION, rate[FAULT_DUPLICATION]);
    if (rate[FAULT_DELAY] > 0 && draw_fault(simulation, FAULT_DELAY, rate[FAULT_DELAY])) {
        fate.delay_ms += draw(simulation, FAULT_DELAY, 2 * simulation->plan.election_ms);
    }
    return fate;
}

/* -- Links -- */

static size_t somebody(struct simulation *simulation, enum fault fault) {
    return (size_t)draw(simulation, fault, simulation->cluster->count);
}

/* Two sides that do not hear of each other; or only the one does not hear of the other. */
static void begin_partition(struct simulation *simulation, enum fault fault) {
    struct cluster *cluster = simulation->cluster;
    struct trouble *trouble = troubles_begin(simulation, fault);
    if (trouble == NULL) {
        return;
    }
    unsigned side = 1U << somebody(simulation, fault);
    size_t leader = cluster_leader(cluster);
    switch (draw(simulation, fault, 4)) {
    case 0:
        side = (unsigned)draw(simulation, fault, 1U << cluster->count);
        break;
    case 1:
        side = leader < CLUSTER_MAX ? 1U << leader : side;
        break;
    default:
        break;
    }
    unsigned all = (1U << cluster->count) - 1;
    trouble->links = draw(simulation, fault, 3) == 0 ? cluster->held : cluster->lost;
    bool inward = draw(simulation, fault, 2) == 0;
    for (size_t i = 0; i < cluster->count; i++) {
        bool in = (side >> i & 1) != 0;
        if (fault == FAULT_PARTITION || in == inward) {
            trouble->receivers[i] = (uint8_t)(in ? all & ~side : side);
        }
    }
    troubles_tell(simulation, trouble, "begins");
    bool resets = draw(simulation, fault, 2) == 0 && !simulation->options.without[FAULT_HINT];
    for (size_t i = 0; resets && i < cluster->count; i++) {
        troubles_break_connections(cluster, i, trouble->receivers[i]);
    }
}

/* Between two, or around one. */
static void begin_link(struct simulation *simulation, enum fault fault, bool (*links)[CLUSTER_MAX]) {
    struct trouble *trouble = troubles_begin(simulation, fault);
    if (trouble == NULL) {
        return;
    }
    size_t from = somebody(simulation, fault);
    size_t to = somebody(simulation, fault);
    trouble->links = links;
    trouble->receivers[from] = (uint8_t)(1U << to);
    if (draw(simulation, fault, 3) == 0) {
        for (size_t i = 0; i < simulation->cluster->count; i++) {
            trouble->receivers[i] = (uint8_t)(1U << from);
        }
        trouble->receivers[from] = (uint8_t)((1U << simulation->cluster->count) - 1);
    }
    for (size_t i = 0; i < simulation->cluster->count; i++) {
        trouble->receivers[i] &= (uint8_t) ~(1U << i);
    }
    troubles_tell(simulation, trouble, "begins");
}

static void change_links(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    for (enum fault fault = FAULT_PARTITION; fault <= FAULT_ONE_WAY; fault++) {
        if (fault_happens(simulation, fault)) {
            begin_partition(simulation, fault);
        }
    }
    if (fault_happens(simulation, FAULT_REFUSAL)) {
        begin_link(simulation, FAULT_REFUSAL, cluster->refused);
    }
    if (fault_happens(simulation, FAULT_BREAK)) {
        begin_link(simulation, FAULT_BREAK, cluster->breaking);
    }
    if (fault_happens(simulation, FAULT_HINT)) {
        size_t at = somebody(simulation, FAULT_HINT);
        size_t gone = somebody(simulation, FAULT_HINT);
        if (cluster->members[at].node != NULL) {
            TELL(simulation, "node %zu takes node %zu for gone", at + 1, gone + 1);
            node_peer_gone(cluster->members[at].node, gone + 1);
        }
    }
}

/* -- Disks and processes -- */

static void change_disks(struct simulation *simulation) {
    struct plan *plan = &simulation->plan;
    struct trouble *trouble;
    if (fault_happens(simulation, FAULT_SLOW_DISK)) {
        uint64_t slow = draw(simulation, FAULT_SLOW_DISK, 4);
        simulation->cluster->disk_ms = draw(simulation, FAULT_SLOW_DISK, plan->disk_ms * (slow == 0 ? 20 : 2) + 1);
    }
    if (fault_happens(simulation, FAULT_STALL) && (trouble = troubles_begin(simulation, FAULT_STALL)) != NULL) {
        trouble->member = somebody(simulation, FAULT_STALL);
        trouble->parts = 1 + (unsigned)draw(simulation, FAULT_STALL, PARTS_ALL);
        troubles_tell(simulation, trouble, "begins");
    }
    if (fault_happens(simulation, FAULT_FULL_DISK) && (trouble = troubles_begin(simulation, FAULT_FULL_DISK)) != NULL) {
        trouble->member = somebody(simulation, FAULT_FULL_DISK);
        troubles_tell(simulation, trouble, "begins");
        troubles_room(simulation, trouble->member, true);
    }
    if (fault_happens(simulation, FAULT_PAUSE) && (trouble = troubles_begin(simulation, FAULT_PAUSE)) != NULL) {
        size_t leader = cluster_leader(simulation->cluster);
        trouble->member = somebody(simulation, FAULT_PAUSE);
        if (draw(simulation, FAULT_PAUSE, 2) == 0 && leader != CLUSTER_MAX) {
            trouble->member = leader;
        }
        troubles_tell(simulation, trouble, "begins");
    }
}

/* -- Lives -- */

void faults_blank_disk(struct simulation *simulation, size_t at) {
    struct member *member = &simulation->cluster->members[at];
    cluster_blank_disk(simulation->cluster, at);
    storage_close(member->storage);
    member->storage = disk_create(at + 1, member->incarnation);
}

void faults_start(struct simulation *simulation, size_t at) {
    disk_reopen(simulation->cluster->members[at].storage);
    cluster_start(simulation->cluster, at);
}

bool faults_is_lost(const struct cluster *cluster, const struct members_member *member) {
    return strcmp(cluster->members[member->id - 1].incarnation, member->incarnation) != 0;
}

/* Whether those whose disks are left are a majority of both, without `but` (CLUSTER_MAX: nobody). */
static bool can_decide(const struct cluster *cluster, const struct members *members, size_t but) {
    struct truth_servers servers = {0};
    uint64_t those = 0;
    truth_decides(members, &servers, 0);
    for (size_t i = 0; i < servers.count; i++) {
        bool gone = faults_is_lost(cluster, servers.list[i]) || servers.list[i]->id == but + 1;
        those |= gone ? 0 : UINT64_C(1) << i;
    }
    return truth_decides(members, &servers, those);
}

const struct members *faults_settled(struct simulation *simulation) {
    size_t leader = cluster_leader(simulation->cluster);
    if (leader == CLUSTER_MAX) {
        return NULL;
    }
    const struct node *node = simulation->cluster->members[leader].node;
    const struct roster_at *current = roster_current(&node->roster);
    bool settled = change_is_settled(&current->members) && current->index <= raft_commit_index(node->core);
    return settled && !change_lead_is_busy(node) ? &current->members : NULL;
}

bool faults_hopeless(struct simulation *simulation) {
    for (size_t i = 0; i < simulation->cluster->count; i++) {
        const struct node *node = simulation->cluster->members[i].node;
        const struct members *members = node == NULL ? NULL : &roster_current(&node->roster)->members;
        if (node != NULL && node->core != NULL && members_find(members, i + 1) != NULL &&
            !can_decide(simulation->cluster, members, CLUSTER_MAX)) {
            return true;
        }
    }
    return false;
}

/* It was silent for so long that nobody counts on it any more. */
static void wipe(struct simulation *simulation, size_t at) {
    struct cluster *cluster = simulation->cluster;
    struct member *member = &cluster->members[at];
    const struct members *members = faults_settled(simulation);
    size_t other = somebody(simulation, FAULT_WIPE);
    bool replace = draw(simulation, FAULT_WIPE, 4) > 0;
    bool learner = draw(simulation, FAULT_WIPE, 4) == 0;
    if (members == NULL || cluster->now_ms < simulation->died_ms[at] + 3 * simulation->plan.election_ms ||
        !can_decide(cluster, members, at) || cluster->count == 1) {
        return;
    }
    TELL(simulation, "node %zu loses its disk", at + 1);
    faults_blank_disk(simulation, at);
    member->options.cluster = (struct members){0};
    member->options.join_url = cluster->members[other == at ? (at + 1) % cluster->count : other].url;
    member->options.replace = replace;
    member->options.learner = learner;
}

/* Everybody is where the members say. */
static void move(struct simulation *simulation, size_t at) {
    struct cluster *cluster = simulation->cluster;
    const struct members *members = faults_settled(simulation);
    struct storage_state state;
    storage_state(cluster->members[at].storage, &state);
    bool knows_nobody = state.last.index == 0;
    if (members == NULL || (knows_nobody && (state.identity.formed || members_find(members, at + 1) != NULL))) {
        return; /* Somebody who was just taken in and knows nobody yet could tell nobody. */
    }
    for (size_t i = 0; i < members->count; i++) {
        if (strcmp(members->list[i].url, cluster->members[members->list[i].id - 1].url) != 0) {
            return;
        }
    }
    snprintf(cluster->members[at].url, MEMBERS_URL_SIZE, "http://node%zu-%u:8001", at + 1, ++simulation->moves[at]);
    TELL(simulation, "node %zu moves to %s", at + 1, cluster->members[at].url);
}

void faults_kill(struct simulation *simulation, size_t at) {
    struct cluster *cluster = simulation->cluster;
    struct member *member = &cluster->members[at];
    /* Some of what was on the way to the disk may be there, though the node was not told. */
    while (member->write_count > 0 && draw(simulation, FAULT_CRASH, 2) == 0) {
        disk_perform_write(member);
    }
    cluster_kill(cluster, at);
    simulation->stops_ms[at] = 0;
    simulation->died_ms[at] = cluster->now_ms;
    uint64_t most_ms = simulation->plan.trouble_ms << draw(simulation, FAULT_CRASH, 5);
    simulation->down_until_ms[at] = cluster->now_ms + draw(simulation, FAULT_CRASH, most_ms);
}

/* As by SIGTERM: it hands over, finishes what it can, and is gone after a while. */
static void stop_one(struct simulation *simulation, size_t at, bool begins) {
    struct node *node = simulation->cluster->members[at].node;
    uint64_t *stops_ms = &simulation->stops_ms[at];
    if (begins && *stops_ms == 0) {
        TELL(simulation, "node %zu is told to end", at + 1);
        node_shut_down(node);
        *stops_ms = simulation->cluster->now_ms + NODE_SHUT_DOWN_GRACE_MS;
    } else if (*stops_ms != 0 && (node_may_end(node) || simulation->cluster->now_ms >= *stops_ms)) {
        faults_kill(simulation, at);
    }
}

static void change_lives(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    bool all = fault_happens(simulation, FAULT_CRASH) && draw(simulation, FAULT_CRASH, 6) == 0; /* The power fails. */
    for (size_t i = 0; i < cluster->count; i++) {
        bool dies = fault_happens(simulation, FAULT_CRASH) || all;
        bool wiped = fault_happens(simulation, FAULT_WIPE);
        bool moves = fault_happens(simulation, FAULT_MOVE);
        bool stops = fault_happens(simulation, FAULT_STOP);
        if (cluster->members[i].node != NULL) {
            if (dies) {
                faults_kill(simulation, i);
            } else {
                stop_one(simulation, i, stops);
            }
            continue;
        }
        if (wiped) {
            wipe(simulation, i);
        } else if (moves) {
            move(simulation, i);
        }
        if (cluster->now_ms >= simulation->down_until_ms[i]) {
            faults_start(simulation, i);
            moments_started(simulation, i);
        }
    }
}

/* -- All -- */

void faults_begin(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    cluster->fate = fate;
    cluster->fate_context = simulation;
    cluster->disk_ms = simulation->plan.disk_ms;
    for (size_t i = 0; i < cluster->count; i++) {
        int64_t drift_ppm = (int64_t)draw(simulation, FAULT_DRIFT, 90001) - 45000;
        cluster->members[i].drift_ppm = simulation->plan.rate[FAULT_DRIFT] == 0 ? 0 : drift_ppm;
        uint64_t late = draw(simulation, STREAM_CONFIGURATION, 4);
        simulation->down_until_ms[i] =
            cluster->now_ms + late * draw(simulation, STREAM_CONFIGURATION, simulation->plan.election_ms);
    }
    if (simulation->plan.formed) {
        for (size_t i = 0; i < simulation->plan.founders; i++) {
            faults_start(simulation, i);
        }
        cluster_run(cluster, FORMING_MS);
    }
}

void faults_step(struct simulation *simulation) {
    troubles_end(simulation, false);
    troubles_begin_due(simulation);
    change_lives(simulation);
    moments_step(simulation);
    change_links(simulation);
    change_disks(simulation);
    troubles_apply(simulation);
}

void faults_end(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    troubles_end(simulation, true);
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        simulation->plan.rate[fault] = 0;
    }
    cluster->disk_ms = simulation->plan.disk_ms;
    troubles_apply(simulation);
    for (size_t i = 0; i < cluster->count; i++) {
        if (simulation->stops_ms[i] != 0) {
            faults_kill(simulation, i);
        }
        if (cluster->members[i].node == NULL) {
            faults_start(simulation, i);
        }
        troubles_room(simulation, i, false);
    }
}
