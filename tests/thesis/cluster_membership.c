/* What a host does about membership (ch. 4), as small as it can be: keeps the configurations that entries name by number,
 * asks for changes at random, and hands in what is due. */
#include "tests/thesis/cluster.h"

#include "server/base/memory.h"
#include "server/raft/configuration.h"
#include "server/raft/quorum.h"

#include <assert.h>

const struct raft_configuration *cluster_configuration_of(const struct cluster *cluster,
                                                          const struct cluster_entry *entry) {
    assert(entry->type == RAFT_CONFIGURATION && entry->value < cluster->configuration_count);
    return cluster->configurations[entry->value];
}

uint64_t cluster_add_configuration(struct cluster *cluster, const struct raft_configuration *configuration) {
    cluster->configurations = memory_grow(cluster->configurations, &cluster->configuration_capacity,
                                          cluster->configuration_count + 1, sizeof *cluster->configurations);
    cluster->configurations[cluster->configuration_count] = memory_copy(configuration, sizeof *configuration);
    return cluster->configuration_count++;
}

void cluster_propose_configuration(struct cluster *cluster, struct cluster_node *node,
                                   const struct raft_configuration *configuration) {
    struct cluster_entry entry = {.type = RAFT_CONFIGURATION, .value = cluster_add_configuration(cluster, configuration)};
    if (cluster_propose_entry(cluster, node, &entry)) {
        cluster->configurations_appended++;
        cluster->joint_appended += configuration->outgoing_count > 0 ? 1 : 0;
    }
}

/* One voter more or less than now, or anybody. */
static struct raft_configuration choose_target(struct cluster *cluster, const struct cluster_node *node) {
    const struct raft_configuration *current = raft_current_configuration(node->raft, NULL);
    bool one = cluster_chance(cluster, 50);
    raft_node_id turned = 1 + cluster_random(cluster, cluster->node_count);
    struct raft_configuration target = {0};
    for (raft_node_id id = 1; id <= cluster->node_count; id++) {
        bool votes = one ? quorum_has_voter(current, id) != (id == turned) : cluster_chance(cluster, 50);
        if (votes) {
            target.voters[target.voter_count++] = id;
        } else if (cluster_chance(cluster, 20)) {
            target.learners[target.learner_count++] = id;
        }
    }
    return target;
}

void cluster_change(struct cluster *cluster, struct cluster_node *node) {
    struct raft_configuration target = choose_target(cluster, node);
    struct raft_configuration first;
    if (target.voter_count == 0) {
        return;
    }
    enum raft_change_verdict verdict = raft_change(node->raft, &target, &first);
    if (verdict == RAFT_CHANGE_BEGUN || verdict == RAFT_CHANGE_NONE) {
        cluster_propose_configuration(cluster, node, &first);
    }
}

bool cluster_is_member(const struct cluster_node *leader, raft_node_id id) {
    return configuration_has(raft_current_configuration(leader->raft, NULL), id);
}

struct held {
    const struct cluster *cluster;
    raft_index index;
    raft_term term;
};

static uint64_t holds(const void *context, raft_node_id id) {
    const struct held *held = context;
    const struct cluster_log *durable = &held->cluster->nodes[id - 1].durable;
    return held->index <= durable->count && durable->entries[held->index - 1].term == held->term ? 1 : 0;
}

bool cluster_is_held_by(const struct cluster *cluster, const struct raft_configuration *configuration, raft_index index,
                        raft_term term) {
    struct held held = {cluster, index, term};
    return quorum_value(configuration, holds, &held) == 1;
}
