/* Faults that come at moments when they do most harm: leaders that are being replaced, snapshots on their way, starts. */
#include "simulation.h"

/* -- Links -- */

/* What those on one side send to the other. */
static void cut(const struct simulation *simulation, struct trouble *trouble, unsigned senders, unsigned receivers) {
    for (size_t i = 0; i < simulation->cluster->count; i++) {
        trouble->receivers[i] |= (uint8_t)((senders >> i & 1) != 0 ? receivers & ~(1U << i) : 0);
    }
}

static unsigned everybody(const struct simulation *simulation) {
    return (1U << simulation->cluster->count) - 1;
}

/* It is told of when it begins. There must be room for it. */
static struct trouble *plan(struct simulation *simulation, enum fault fault, uint64_t from_ms, uint64_t until_ms) {
    struct trouble *trouble = troubles_begin(simulation, fault);
    ck_assert_ptr_nonnull(trouble);
    trouble->begun = false;
    trouble->from_ms = from_ms;
    trouble->until_ms = until_ms;
    return trouble;
}

/* -- Leaders -- */

void moments_deafen_leader(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    size_t leader = cluster_leader(cluster);
    struct trouble *trouble;
    if (leader == CLUSTER_MAX || (trouble = troubles_begin(simulation, FAULT_TRANSFER)) == NULL) {
        return;
    }
    trouble->until_ms = cluster->now_ms + 1 + draw(simulation, FAULT_TRANSFER, 6 * simulation->plan.heartbeat_ms);
    trouble->links = cluster->held;
    cut(simulation, trouble, everybody(simulation), 1U << leader);
    troubles_tell(simulation, trouble, "begins");
    troubles_apply(simulation);
}

/* The moments of Figures 3.7 and 3.8: what a leader has just begun to send, some have and others not. */
static void change_new_leader(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    size_t leader = cluster_leader(cluster);
    raft_term term = leader == CLUSTER_MAX ? 0 : raft_current_term(cluster->members[leader].node->core);
    if (term > simulation->led) {
        simulation->led = term;
        simulation->new_steps = 1 + (unsigned)draw(simulation, FAULT_NEW_LEADER, 4);
    }
    if (leader == CLUSTER_MAX || term < simulation->led || simulation->new_steps == 0) {
        return;
    }
    simulation->new_steps--;
    bool crashes = draw(simulation, FAULT_NEW_LEADER, 2) == 0;
    unsigned others = (unsigned)draw(simulation, FAULT_NEW_LEADER, 1U << cluster->count) & ~(1U << leader);
    struct trouble *trouble;
    if (!fault_happens(simulation, FAULT_NEW_LEADER)) {
        return;
    }
    simulation->new_steps = 0;
    if (crashes) {
        faults_kill(simulation, leader);
    } else if ((trouble = troubles_begin(simulation, FAULT_NEW_LEADER)) != NULL) {
        trouble->links = cluster->lost;
        trouble->receivers[leader] = (uint8_t)others;
        for (size_t i = 0; i < cluster->count; i++) {
            trouble->receivers[i] |= (uint8_t)((others >> i & 1) << leader);
        }
        troubles_tell(simulation, trouble, "begins");
    }
}

static unsigned count_of(unsigned side) {
    unsigned count = 0;
    for (; side != 0; side >>= 1) {
        count += side & 1;
    }
    return count;
}

/* Those who stay with the leader: nobody, or some, but not so many that it could go on. */
static unsigned draw_side(struct simulation *simulation, size_t leader) {
    unsigned with = (unsigned)draw(simulation, FAULT_DEPOSE, everybody(simulation) + 1) | 1U << leader;
    bool alone = draw(simulation, FAULT_DEPOSE, 2) == 0;
    return alone || 2 * count_of(with) > simulation->cluster->count ? 1U << leader : with;
}

/* Leadership comes back to who had it, while those who stayed with it are cut off: what it knew of them is not so any more.
 */
static void plan_return(struct simulation *simulation, unsigned others, uint64_t free_ms) {
    uint64_t election_ms = simulation->plan.election_ms;
    uint64_t back_ms = free_ms + draw(simulation, FAULT_DEPOSE, 2 * election_ms);
    uint64_t end_ms = free_ms + draw(simulation, FAULT_DEPOSE, 6 * election_ms);
    if (draw(simulation, FAULT_DEPOSE, 2) == 0) {
        return;
    }
    simulation->transfer_ms = back_ms;
    simulation->transfer_to = simulation->deposed;
    if (others != 0) {
        struct trouble *trouble = plan(simulation, FAULT_DEPOSE, free_ms, end_ms);
        trouble->links = simulation->cluster->lost;
        cut(simulation, trouble, others, everybody(simulation));
        cut(simulation, trouble, everybody(simulation), others);
    }
}

/* First it hears nobody: answers stay on their way. Then nobody hears it either, and the others elect. When they are heard
 * again it may still take itself for the leader. */
static void depose(struct simulation *simulation, size_t leader) {
    struct cluster *cluster = simulation->cluster;
    uint64_t heartbeat_ms = simulation->plan.heartbeat_ms;
    unsigned side = draw_side(simulation, leader);
    unsigned others = everybody(simulation) & ~side;
    uint64_t cut_ms = cluster->now_ms + draw(simulation, FAULT_DEPOSE, 3 * heartbeat_ms);
    uint64_t free_ms = cut_ms + 2 * heartbeat_ms + draw(simulation, FAULT_DEPOSE, simulation->plan.election_ms);
    struct trouble *inward = plan(simulation, FAULT_DEPOSE, cluster->now_ms, free_ms);
    struct trouble *outward = plan(simulation, FAULT_DEPOSE, cut_ms, free_ms);
    bool vanishes = draw(simulation, FAULT_DEPOSE, 4) == 0;
    bool resets = draw(simulation, FAULT_DEPOSE, 4) > 0 && !simulation->options.without[FAULT_HINT];
    inward->links = vanishes ? cluster->lost : cluster->held;
    cut(simulation, inward, others, side);
    outward->links = cluster->lost;
    outward->resets = resets;
    cut(simulation, outward, side, others);
    simulation->deposed = leader;
    simulation->deposed_until_ms = free_ms;
    plan_return(simulation, side & ~(1U << leader), free_ms);
}

static void change_old_leader(struct simulation *simulation) {
    size_t leader = cluster_leader(simulation->cluster);
    if (fault_happens(simulation, FAULT_DEPOSE) && leader != CLUSTER_MAX && simulation->cluster->count > 1 &&
        simulation->cluster->now_ms >= simulation->deposed_until_ms && simulation->trouble_count + 3 <= TROUBLES_MAX) {
        depose(simulation, leader);
    }
}

static void transfer(struct simulation *simulation) {
    size_t leader = cluster_leader(simulation->cluster);
    if (simulation->transfer_ms == 0 || simulation->cluster->now_ms < simulation->transfer_ms || leader == CLUSTER_MAX) {
        return;
    }
    simulation->transfer_ms = 0;
    TELL(simulation, "node %zu is to hand over to %zu", leader + 1,
         simulation->transfer_to == CLUSTER_MAX ? 0 : simulation->transfer_to + 1);
    cluster_transfer(simulation->cluster, leader, simulation->transfer_to);
}

/* Its successor may commit while it knows of nothing. */
void moments_handed_over(struct simulation *simulation, size_t from) {
    struct trouble *trouble;
    if (!fault_happens(simulation, FAULT_HANDOVER) || (trouble = troubles_begin(simulation, FAULT_HANDOVER)) == NULL) {
        return;
    }
    trouble->until_ms =
        simulation->cluster->now_ms + 1 + draw(simulation, FAULT_HANDOVER, 6 * simulation->plan.heartbeat_ms);
    trouble->links = simulation->cluster->held;
    cut(simulation, trouble, everybody(simulation), 1U << from);
    troubles_tell(simulation, trouble, "begins");
    troubles_apply(simulation);
}

/* -- Snapshots -- */

static bool is_restoring(const struct simulation *simulation, size_t at) {
    for (size_t i = 0; i < simulation->trouble_count; i++) {
        if (simulation->troubles[i].fault == FAULT_RESTORE && simulation->troubles[i].member == at) {
            return true;
        }
    }
    return false;
}

/* Whose log begins first: it has entries for who is being sent a snapshot. */
static size_t longest_log(const struct simulation *simulation, size_t leader, size_t at) {
    size_t longest = CLUSTER_MAX;
    raft_index base = UINT64_MAX;
    for (size_t i = 0; i < simulation->cluster->count; i++) {
        const struct node *node = simulation->cluster->members[i].node;
        if (i != leader && i != at && node != NULL && node->core != NULL && raft_base(node->core).index < base) {
            longest = i;
            base = raft_base(node->core).index;
        }
    }
    return longest;
}

/* It is being sent one. */
static void disturb(struct simulation *simulation, size_t leader, size_t at) {
    static const unsigned parts[] = {PART_LONG, PART_LONG, PART_LONG, PART_LONG | PART_READS, PART_WRITES, PART_READS};
    uint64_t what = draw(simulation, FAULT_RESTORE, 8);
    uint64_t election_ms = simulation->plan.election_ms;
    unsigned which = parts[draw(simulation, FAULT_RESTORE, sizeof parts / sizeof *parts)];
    struct trouble *trouble;
    if (what == 0) {
        faults_kill(simulation, at);
    } else if (what == 1) {
        faults_kill(simulation, leader);
    } else if ((trouble = troubles_begin(simulation, FAULT_RESTORE)) != NULL) {
        trouble->member = at;
        trouble->parts = which;
        trouble->until_ms = simulation->cluster->now_ms + election_ms + draw(simulation, FAULT_RESTORE, 5 * election_ms);
        troubles_tell(simulation, trouble, "begins");
    }
}

/* It has all of one and does not get on with it: the next leader may have another one for it, or entries. */
static void overtake(struct simulation *simulation, size_t leader, size_t at) {
    if (simulation->transfer_ms == 0 && draw(simulation, FAULT_RESTORE, 4) == 0) {
        simulation->transfer_ms = simulation->cluster->now_ms;
        simulation->transfer_to = longest_log(simulation, leader, at);
    }
}

static void change_restoring(struct simulation *simulation) {
    struct cluster *cluster = simulation->cluster;
    for (size_t at = 0; at < cluster->count; at++) {
        size_t leader = cluster_leader(cluster);
        const struct node *node = cluster->members[at].node;
        if (leader == CLUSTER_MAX || leader == at || node == NULL) {
            continue;
        }
        const struct progress *peer = raft_progress(cluster->members[leader].node->core, at + 1);
        bool gets = peer != NULL && peer->state == RAFT_SNAPSHOT;
        if (is_restoring(simulation, at) && node->snapshot_receipt.installing.length != 0) {
            overtake(simulation, leader, at);
        } else if (!is_restoring(simulation, at) && gets && fault_happens(simulation, FAULT_RESTORE)) {
            disturb(simulation, leader, at);
        }
    }
}

/* -- Starts -- */

/* It knows of what is committed, and still reads from its disk what to apply; others may have gone on meanwhile. */
void moments_started(struct simulation *simulation, size_t at) {
    uint64_t election_ms = simulation->plan.election_ms;
    uint64_t now_ms = simulation->cluster->now_ms;
    uint64_t cut_ms = now_ms + draw(simulation, FAULT_COLD, 2 * election_ms);
    uint64_t free_ms = cut_ms + election_ms + draw(simulation, FAULT_COLD, 2 * election_ms);
    bool is_cut = draw(simulation, FAULT_COLD, 2) == 0;
    uint64_t reads_ms = (is_cut ? free_ms : now_ms + election_ms) + draw(simulation, FAULT_COLD, 4 * election_ms);
    struct trouble *trouble;
    if (!fault_happens(simulation, FAULT_COLD) || (trouble = troubles_begin(simulation, FAULT_COLD)) == NULL) {
        return;
    }
    trouble->member = at;
    trouble->parts = PART_READS;
    trouble->until_ms = reads_ms;
    troubles_tell(simulation, trouble, "begins");
    if (is_cut && simulation->trouble_count < TROUBLES_MAX) {
        trouble = plan(simulation, FAULT_COLD, cut_ms, free_ms);
        trouble->links = simulation->cluster->lost;
        cut(simulation, trouble, 1U << at, everybody(simulation));
        cut(simulation, trouble, everybody(simulation), 1U << at);
    }
}

/* -- All -- */

void moments_step(struct simulation *simulation) {
    change_new_leader(simulation);
    change_old_leader(simulation);
    change_restoring(simulation);
    transfer(simulation);
}
