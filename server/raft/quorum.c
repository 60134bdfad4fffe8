#include "server/raft/quorum.h"

#include "server/raft/configuration.h"

#include <assert.h>

size_t quorum_size(size_t voter_count) {
    return voter_count / 2 + 1;
}

static uint64_t majority_value(const raft_node_id *voters, size_t count,
                               uint64_t (*value_of)(const void *context, raft_node_id id), const void *context) {
    assert(count <= RAFT_MEMBERS_MAX);
    if (count == 0) {
        return 0;
    }
    uint64_t values[RAFT_MEMBERS_MAX]; /* Descending, by insertion: there are few. */
    for (size_t i = 0; i < count; i++) {
        uint64_t value = value_of(context, voters[i]);
        size_t at = i;
        while (at > 0 && values[at - 1] < value) {
            values[at] = values[at - 1];
            at--;
        }
        values[at] = value;
    }
    return values[quorum_size(count) - 1];
}

uint64_t quorum_value(const struct raft_configuration *configuration,
                      uint64_t (*value_of)(const void *context, raft_node_id id), const void *context) {
    uint64_t value = majority_value(configuration->voters, configuration->voter_count, value_of, context);
    if (configuration->outgoing_count == 0) {
        return value;
    }
    /* §4.3: agreement needs separate majorities of the old and of the new configuration. */
    uint64_t old = majority_value(configuration->outgoing, configuration->outgoing_count, value_of, context);
    return old < value ? old : value;
}

bool quorum_has_voter(const struct raft_configuration *configuration, raft_node_id id) {
    return configuration_lists(configuration->voters, configuration->voter_count, id);
}

bool quorum_has_decider(const struct raft_configuration *configuration, raft_node_id id) {
    return quorum_has_voter(configuration, id) ||
           configuration_lists(configuration->outgoing, configuration->outgoing_count, id);
}

bool quorum_is_sole_voter(const struct raft_configuration *configuration, raft_node_id id) {
    return configuration->voter_count == 1 && configuration->voters[0] == id && configuration->outgoing_count == 0;
}
