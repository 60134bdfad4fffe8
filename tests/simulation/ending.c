/* The end: no more faults. The cluster must elect, take whoever lost its disk back in, bring what was begun to its end,
 * take a write through every member, and all members must come to the same state. */
#include "simulation.h"

enum { CALM_MS = 120000, CALM_ELECTIONS = 20, WRITE_MS = 30000 };

static uint64_t calm_ms(const struct simulation *simulation) {
    return CALM_MS + CALM_ELECTIONS * (uint64_t)simulation->plan.election_ms;
}

/* All who are members now have all there is, and whoever of them lost its disk is back. NULL: so it is; else why not. */
static const char *unrest(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    size_t leader = cluster_leader(cluster);
    const struct members *members = faults_settled(simulation);
    if (leader == CLUSTER_MAX) {
        return "nobody leads";
    }
    if (members == NULL) {
        return "the members are changing";
    }
    const struct node *leading = cluster->members[leader].node;
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *listed = &members->list[i];
        const struct member *member = &cluster->members[listed->id - 1];
        if (faults_is_lost(cluster, listed)) {
            return "a member lost its disk";
        }
        if (strcmp(listed->url, member->url) != 0) {
            return "a member has moved";
        }
        if (node_leader(member->node) != leader + 1) {
            return "a member does not know who leads";
        }
        if (member->node->applier.applied.index != raft_last_index(leading->core)) {
            return "a member has not applied all";
        }
        if (member->node->snapshots.holds > 0 || member->node->snapshot_receipt.installing.length != 0) {
            return "a member holds on to a snapshot";
        }
        if (member->node->applier.hash.chain != leading->applier.hash.chain) {
            ck_abort_msg("node %zu has another state than the leader after %" PRIu64, member->at + 1,
                         leading->applier.applied.index);
        }
    }
    return NULL;
}

static const char *await_rest(struct simulation *simulation) {
    const char *why = NULL;
    for (uint64_t ms = 0; ms < calm_ms(simulation) && (why = unrest(simulation)) != NULL;
         ms += simulation->plan.heartbeat_ms) {
        cluster_run(simulation->cluster, simulation->plan.heartbeat_ms);
    }
    return why;
}

/* An operator may have named a URL that a node had left meanwhile, when it was no member. */
static bool is_misplaced(const struct cluster *cluster, size_t leader, size_t at) {
    const struct members *members = &roster_current(&cluster->members[leader].node->roster)->members;
    const struct members_member *listed = members_find(members, at + 1);
    return listed != NULL && strcmp(listed->url, cluster->members[at].url) != 0;
}

/* Whoever lost its disk is told where the cluster is, and to take its place; whoever is not where it is looked for is
 * started again, and asks the others. */
static void mend(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    size_t leader = cluster_leader(cluster);
    for (size_t i = 0; leader != CLUSTER_MAX && i < cluster->count; i++) {
        struct member *member = &cluster->members[i];
        if (member->node->core != NULL && i != leader && is_misplaced(cluster, leader, i)) {
            /* All whom it knows may have been removed meanwhile: where the cluster is only an operator can say. */
            member->options.join_url = cluster->members[leader].url;
            cluster_kill(cluster, i);
            faults_start(simulation, i);
        } else if (member->node->core == NULL && i != leader) {
            member->options.join_url = cluster->members[leader].url;
            member->options.replace = true;
            cluster_kill(cluster, i);
            faults_start(simulation, i);
        }
    }
}

static void finish_clients(struct simulation *simulation) {
    for (uint64_t ms = 0; !clients_finish(simulation); ms += simulation->plan.heartbeat_ms) {
        if (ms > calm_ms(simulation)) {
            CLUSTER_STUCK("what clients began comes to no end");
        }
        cluster_run(simulation->cluster, simulation->plan.heartbeat_ms);
    }
}

/* A change that was asked for before the end may come late and leave somebody out. */
static bool is_left_out(const struct simulation *simulation, size_t at) {
    const struct cluster *cluster = simulation->cluster;
    size_t leader = cluster_leader(cluster);
    return leader != CLUSTER_MAX &&
           members_find(&roster_current(&cluster->members[leader].node->roster)->members, at + 1) == NULL;
}

static void write_through(struct simulation *simulation, size_t at) {
    struct cluster *cluster = simulation->cluster;
    bool hashmap = cluster->members[at].options.machine == machine_hashmap();
    const char *command = hashmap ? "{\"op\":\"put\",\"key\":\"end\",\"value\":1}" : "{\"op\":\"write\",\"value\":1}";
    uint64_t end_ms = cluster->now_ms + WRITE_MS;
    for (;;) {
        TELL(simulation, "at the end, a write through node %zu", at + 1);
        struct client *client = cluster_propose_with(cluster, at, command, WRITE_MS, true);
        while (client->answers == 0) {
            cluster_run(cluster, 1);
        }
        if (client->lines[0].problem.code == PROBLEM_NONE || is_left_out(simulation, at)) {
            return;
        }
        if (cluster->now_ms >= end_ms) {
            CLUSTER_STUCK("a write through node %zu is refused at the end: %s", at + 1, client->lines[0].problem.detail);
        }
        cluster_run(cluster, simulation->plan.heartbeat_ms);
    }
}

void ending_run(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    TELL(simulation, "all faults end");
    faults_end(simulation);
    cluster_run(cluster, 15 * (uint64_t)simulation->plan.election_ms);
    for (uint64_t ms = 0; ms < calm_ms(simulation) && cluster_leader(cluster) == CLUSTER_MAX;
         ms += simulation->plan.heartbeat_ms) {
        cluster_run(cluster, simulation->plan.heartbeat_ms);
    }
    mend(simulation);
    const char *why = await_rest(simulation);
    if (why != NULL && faults_hopeless(simulation)) {
        TELL(simulation, "too many disks were lost: %s", why);
        return;
    }
    if (why != NULL) {
        CLUSTER_STUCK("the cluster does not come to rest: %s", why);
    }
    finish_clients(simulation);
    why = await_rest(simulation);
    struct members members = why == NULL ? *faults_settled(simulation) : (struct members){0};
    for (size_t i = 0; i < members.count; i++) {
        write_through(simulation, (size_t)members.list[i].id - 1);
    }
    why = await_rest(simulation);
    if (why != NULL) {
        CLUSTER_STUCK("the cluster does not come to rest again: %s", why);
    }
}
