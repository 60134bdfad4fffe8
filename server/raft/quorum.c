#include "server/raft/quorum.h"

#include <assert.h>

size_t quorum_size(size_t voter_count) {
    return voter_count / 2 + 1;
}

uint64_t quorum_value(const struct raft_configuration *configuration,
                      uint64_t (*value_of)(const void *context, raft_node_id id), const void *context) {
    size_t count = configuration->voter_count;
    assert(count <= RAFT_MEMBERS_MAX);
    if (count == 0) {
        return 0;
    }
    uint64_t values[RAFT_MEMBERS_MAX]; /* Descending, by insertion: there are few. */
    for (size_t i = 0; i < count; i++) {
        uint64_t value = value_of(context, configuration->voters[i]);
        size_t at = i;
        while (at > 0 && values[at - 1] < value) {
            values[at] = values[at - 1];
            at--;
        }
        values[at] = value;
    }
    return values[quorum_size(count) - 1];
}

bool quorum_has_voter(const struct raft_configuration *configuration, raft_node_id id) {
    for (size_t i = 0; i < configuration->voter_count; i++) {
        if (configuration->voters[i] == id) {
            return true;
        }
    }
    return false;
}
