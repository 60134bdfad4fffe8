/* What the seed makes of a cluster. */
#include "simulation.h"

enum { LONG_LOG_ENTRIES = 1000 };

static const char *const names[FAULT_COUNT] = {
    [FAULT_LOSS] = "loss",         [FAULT_DUPLICATION] = "duplication",
    [FAULT_DELAY] = "delay",       [FAULT_PARTITION] = "partition",
    [FAULT_ONE_WAY] = "one-way",   [FAULT_REFUSAL] = "refusal",
    [FAULT_BREAK] = "break",       [FAULT_NEW_LEADER] = "new-leader",
    [FAULT_HINT] = "hint",         [FAULT_STOP] = "stop",
    [FAULT_CRASH] = "crash",       [FAULT_SLOW_DISK] = "slow-disk",
    [FAULT_STALL] = "stall",       [FAULT_FULL_DISK] = "full-disk",
    [FAULT_PAUSE] = "pause",       [FAULT_DRIFT] = "drift",
    [FAULT_WIPE] = "wipe",         [FAULT_MOVE] = "move",
    [FAULT_MEMBERS] = "members",   [FAULT_TRANSFER] = "transfer",
    [FAULT_SNAPSHOT] = "snapshot", [FAULT_CANCEL] = "cancel",
    [FAULT_DEPOSE] = "depose",     [FAULT_HANDOVER] = "handover",
    [FAULT_RESTORE] = "restore",   [FAULT_COLD] = "cold",
    [FAULT_EXTREMES] = "extremes",
};

static const char *const streams[STREAM_COUNT - FAULT_COUNT] = {
    [STREAM_CONFIGURATION - FAULT_COUNT] = "configuration",
    [STREAM_TIME - FAULT_COUNT] = "time",
    [STREAM_NETWORK - FAULT_COUNT] = "network",
    [STREAM_CLIENTS - FAULT_COUNT] = "clients",
};

const char *fault_name(enum fault fault) {
    return names[fault];
}

/* Of a kind of fault: in every third seed it does not happen, else seldom or often. */
static uint64_t draw_rate(struct simulation *simulation, enum fault fault, uint64_t most) {
    uint64_t kind = draw(simulation, fault, 6);
    uint64_t rate = 1 + draw(simulation, fault, kind < 4 ? most / 5 : most);
    return kind < 2 || simulation->options.without[fault] ? 0 : rate;
}

static void draw_rates(struct simulation *simulation) {
    static const uint64_t most[FAULT_COUNT] = {
        [FAULT_LOSS] = 2000,    [FAULT_DUPLICATION] = 2000, [FAULT_DELAY] = 2000,     [FAULT_PARTITION] = 400,
        [FAULT_ONE_WAY] = 400,  [FAULT_REFUSAL] = 400,      [FAULT_BREAK] = 400,      [FAULT_CRASH] = 300,
        [FAULT_STOP] = 150,     [FAULT_SLOW_DISK] = 500,    [FAULT_STALL] = 500,      [FAULT_FULL_DISK] = 200,
        [FAULT_PAUSE] = 300,    [FAULT_DRIFT] = 10000,      [FAULT_WIPE] = 1000,      [FAULT_MOVE] = 400,
        [FAULT_HINT] = 1000,    [FAULT_NEW_LEADER] = 5000,  [FAULT_MEMBERS] = 1500,   [FAULT_TRANSFER] = 500,
        [FAULT_SNAPSHOT] = 500, [FAULT_CANCEL] = 3000,      [FAULT_DEPOSE] = 800,     [FAULT_HANDOVER] = 10000,
        [FAULT_RESTORE] = 4000, [FAULT_COLD] = 8000,        [FAULT_EXTREMES] = 10000,
    };
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        simulation->plan.rate[fault] = draw_rate(simulation, fault, most[fault]);
    }
    if (simulation->plan.slow) {
        simulation->plan.rate[FAULT_WIPE] = simulation->plan.rate[FAULT_MEMBERS] = 0;
    }
}

static uint64_t pick(struct simulation *simulation, uint64_t bound) {
    return draw(simulation, STREAM_CONFIGURATION, bound);
}

static void draw_plan(struct simulation *simulation) {
    static const uint32_t heartbeats[] = {10, 20, 50, 100};
    enum { SLOW_HEARTBEAT_MS = 30000, LATE_MS = 200 };
    struct plan *plan = &simulation->plan;
    plan->heartbeat_ms = heartbeats[pick(simulation, 4)];
    plan->slow = pick(simulation, 16) == 0;
    plan->heartbeat_ms = plan->slow ? SLOW_HEARTBEAT_MS : plan->heartbeat_ms;
    uint64_t late_ms = plan->slow ? LATE_MS : plan->heartbeat_ms / 2 * (pick(simulation, 4) == 0 ? 3 : 1);
    plan->election_ms = plan->heartbeat_ms * (uint32_t)(5 + pick(simulation, 6));
    plan->network_ms = pick(simulation, late_ms + 1);
    plan->disk_ms = pick(simulation, late_ms + 1);
    bool fine = pick(simulation, 2) == 0 && !plan->slow; /* Faults and clients between two messages. */
    uint64_t fine_ms = plan->heartbeat_ms / 4 + pick(simulation, plan->heartbeat_ms);
    uint64_t coarse_ms = plan->heartbeat_ms * (1 + pick(simulation, 4)) * (plan->slow ? 4 : 1);
    plan->step_ms = fine ? fine_ms : coarse_ms;
    plan->trouble_ms = fine ? 10 * fine_ms : plan->election_ms;
    plan->formed = fine || plan->slow || pick(simulation, 2) == 0;
    plan->actors = 1 + (size_t)pick(simulation, CLIENTS_MAX);
    plan->asks = plan->slow ? 10 + pick(simulation, 100) : 100 + pick(simulation, 900);
    plan->keys = 1 + (size_t)pick(simulation, KEYS_MAX);
    draw_rates(simulation);
}

static void draw_options(struct simulation *simulation, struct node_options *options, bool snapshots) {
    struct plan *plan = &simulation->plan;
    options->heartbeat_ms = plan->heartbeat_ms;
    options->election_timeout_ms = plan->election_ms;
    options->cache_bytes = pick(simulation, 3) == 0 ? 0 : pick(simulation, 20000);
    uint64_t entries = 1 + pick(simulation, 30);
    uint32_t piece_bytes = 50 + (uint32_t)pick(simulation, 1000);
    if (snapshots) {
        options->snapshot_entries = entries;
        options->piece_bytes = piece_bytes;
    }
    options->batch_entries = pick(simulation, 2) == 0 ? 0 : 1 + (uint32_t)pick(simulation, 4);
    if (pick(simulation, 10) == 0) {
        options->queued_commands_max = 1 + (uint32_t)pick(simulation, 8);
    }
}

static void draw_members(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    size_t founders = 1 + (size_t)pick(simulation, cluster->count);
    founders = simulation->plan.slow ? cluster->count : founders; /* Who waits to be taken in asks every few seconds. */
    const struct machine *machine = pick(simulation, 4) == 0 ? machine_register() : machine_hashmap();
    bool snapshots = pick(simulation, 4) > 0;
    simulation->plan.founders = founders;
    simulation->plan.keys = machine == machine_register() ? 1 : simulation->plan.keys;
    for (size_t i = 0; i < cluster->count; i++) {
        struct member *member = &cluster->members[i];
        faults_blank_disk(simulation, i);
        struct node_options *options = &member->options;
        options->machine = machine;
        options->cluster = i < founders ? cluster_list(founders) : (struct members){0};
        uint64_t asked = pick(simulation, founders);
        bool learner = pick(simulation, 4) == 0;
        options->join_url = i < founders ? NULL : cluster->members[asked].url;
        options->learner = i >= founders && learner;
        draw_options(simulation, options, snapshots);
    }
}

static uint64_t extreme(struct simulation *simulation, uint64_t bound) {
    return draw(simulation, FAULT_EXTREMES, bound);
}

/* Some seeds do a lot of one thing: messages and disks are quick, so that much happens within a heartbeat; logs are short,
 * of some only, so that who comes late needs a snapshot from the one and entries from the other; requests are long. */
static void draw_extremes(struct simulation *simulation) {
    struct plan *plan = &simulation->plan;
    if (plan->rate[FAULT_EXTREMES] == 0) {
        return;
    }
    bool quick = extreme(simulation, 3) == 0 && !plan->slow;
    bool brief = extreme(simulation, 2) == 0;
    plan->network_ms /= quick ? 8 : 1;
    plan->disk_ms /= quick ? 8 : 1;
    plan->long_batches = extreme(simulation, 3) == 0;
    for (size_t i = 0; i < simulation->cluster->count; i++) {
        uint64_t entries = 1 + extreme(simulation, 4);
        bool keeps = extreme(simulation, 3) == 0;
        if (brief) {
            simulation->cluster->members[i].options.snapshot_entries = keeps ? LONG_LOG_ENTRIES : entries;
        }
    }
}

static void tell_plan(struct simulation *simulation) {
    const struct plan *plan = &simulation->plan;
    TELL(simulation,
         "%zu nodes, of whom %zu begin; machine %s, %zu clients, %zu keys; heartbeat %" PRIu32 " ms, election %" PRIu32
         " ms, network %" PRIu64 " ms, disk %" PRIu64 " ms",
         simulation->cluster->count, plan->founders, simulation->cluster->members[0].options.machine->name, plan->actors,
         plan->keys, plan->heartbeat_ms, plan->election_ms, plan->network_ms, plan->disk_ms);
    for (size_t i = 0; i < simulation->cluster->count; i++) {
        const struct node_options *options = &simulation->cluster->members[i].options;
        TELL(simulation,
             "node %zu: a snapshot every %" PRIu64 " entries in pieces of %" PRIu32 " bytes, cache %" PRIu64
             " bytes, %" PRIu32 " entries in a message (0: many)",
             i + 1, options->snapshot_entries, options->piece_bytes, options->cache_bytes, options->batch_entries);
    }
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        TELL(simulation, "%s: %" PRIu64 " in 10000", fault_name(fault), plan->rate[fault]);
    }
}

struct simulation *simulation_create(const struct simulation_options *options) {
    struct simulation *simulation = memory_zalloc(sizeof *simulation);
    simulation->options = *options;
    simulation->next_value = VALUE_FIRST;
    uint64_t seeds = options->seed * UINT64_C(0xD1342543DE82EF95) + 1;
    for (size_t i = 0; i < STREAM_COUNT; i++) { /* By name: what is added to the list changes no other. */
        const char *name = i < FAULT_COUNT ? fault_name((enum fault)i) : streams[i - FAULT_COUNT];
        uint64_t mixed = seeds ^ truth_hash(0, name, strlen(name));
        simulation->streams[i] = random_next(&mixed);
    }
    static const size_t counts[] = {3, 3, 3, 3, 4, 4, 5, 5, 5, 6, 7, 2, 2, 1}; /* One and two are soon told. */
    size_t count = counts[pick(simulation, sizeof counts / sizeof *counts)];
    simulation->cluster = cluster_create(count, random_next(&seeds));
    simulation->truth = truth_watch(simulation->cluster);
    draw_plan(simulation);
    draw_members(simulation);
    draw_extremes(simulation);
    for (size_t i = 0; i < simulation->plan.actors; i++) {
        simulation->actors[i].kind = (enum actor_kind)pick(simulation, ACTOR_KINDS);
    }
    if (options->trace) {
        trace_begin(simulation);
        tell_plan(simulation);
    }
    return simulation;
}

void simulation_destroy(struct simulation *simulation) {
    cluster_destroy(simulation->cluster);
    truth_free(simulation->truth);
    for (size_t i = 0; i < simulation->operation_count; i++) {
        free(simulation->operations[i].result);
    }
    free(simulation->operations);
    free(simulation);
}
