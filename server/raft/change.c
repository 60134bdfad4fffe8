#include "server/raft/change.h"

#include "server/raft/configuration.h"

#include <assert.h>
#include <string.h>

bool change_is_under_way(const struct raft_configuration *current) {
    return current->next_voter_count > 0; /* Whatever is joint says where it leads. */
}

static void copy_ids(raft_node_id *to, size_t *to_count, const raft_node_id *from, size_t from_count) {
    memcpy(to, from, from_count * sizeof *to);
    *to_count = from_count;
}

/* In its place. */
static void put_id(raft_node_id *ids, size_t *count, raft_node_id id) {
    assert(*count < RAFT_MEMBERS_MAX && !configuration_lists(ids, *count, id));
    size_t at = (*count)++;
    while (at > 0 && ids[at - 1] > id) {
        ids[at] = ids[at - 1];
        at--;
    }
    ids[at] = id;
}

static size_t count_missing(const raft_node_id *ids, size_t count, const raft_node_id *in, size_t in_count) {
    size_t missing = 0;
    for (size_t i = 0; i < count; i++) {
        missing += configuration_lists(in, in_count, ids[i]) ? 0 : 1;
    }
    return missing;
}

size_t change_union_size(const struct raft_configuration *current, const struct raft_configuration *target) {
    size_t size = configuration_size(current);
    for (size_t i = 0; i < target->voter_count; i++) {
        size += configuration_has(current, target->voters[i]) ? 0 : 1;
    }
    for (size_t i = 0; i < target->learner_count; i++) {
        size += configuration_has(current, target->learners[i]) ? 0 : 1;
    }
    return size;
}

/* To those voters and learners with nobody left to catch up. One voter more or less: any majority of the one shares a
 * server with any of the other, so it is taken in one step (§4.1). Else by way of the joint configuration (§4.3), in which
 * a voter that becomes a learner stays an outgoing voter and nothing else. */
static struct raft_configuration go_to(const struct raft_configuration *current, const raft_node_id *voters,
                                       size_t voter_count, const raft_node_id *learners, size_t learner_count) {
    struct raft_configuration next = {0};
    copy_ids(next.voters, &next.voter_count, voters, voter_count);
    size_t differ = count_missing(voters, voter_count, current->voters, current->voter_count) +
                    count_missing(current->voters, current->voter_count, voters, voter_count);
    if (differ <= 1) {
        copy_ids(next.learners, &next.learner_count, learners, learner_count);
        return next;
    }
    copy_ids(next.outgoing, &next.outgoing_count, current->voters, current->voter_count);
    for (size_t i = 0; i < learner_count; i++) {
        if (!configuration_lists(next.outgoing, next.outgoing_count, learners[i])) {
            put_id(next.learners, &next.learner_count, learners[i]);
        }
    }
    copy_ids(next.next_voters, &next.next_voter_count, voters, voter_count);
    copy_ids(next.next_learners, &next.next_learner_count, learners, learner_count);
    return next;
}

/* §4.2.1: a server without the log would hold up every decision that needs it, so it first gets the log as a learner. In
 * this step nobody loses a vote. */
static struct raft_configuration begin_catch_up(const struct raft_configuration *current,
                                                const struct raft_configuration *target) {
    struct raft_configuration next = {0};
    copy_ids(next.voters, &next.voter_count, current->voters, current->voter_count);
    copy_ids(next.learners, &next.learner_count, current->learners, current->learner_count);
    for (size_t i = 0; i < target->voter_count + target->learner_count; i++) {
        raft_node_id id = i < target->voter_count ? target->voters[i] : target->learners[i - target->voter_count];
        if (!configuration_has(current, id)) {
            put_id(next.learners, &next.learner_count, id);
            put_id(next.joining, &next.joining_count, id);
        }
    }
    copy_ids(next.next_voters, &next.next_voter_count, target->voters, target->voter_count);
    copy_ids(next.next_learners, &next.next_learner_count, target->learners, target->learner_count);
    return next;
}

struct raft_configuration change_first(const struct raft_configuration *current, const struct raft_configuration *target) {
    assert(!change_is_under_way(current) && target->voter_count > 0);
    if (count_missing(target->voters, target->voter_count, current->voters, current->voter_count) > 0) {
        return begin_catch_up(current, target);
    }
    return go_to(current, target->voters, target->voter_count, target->learners, target->learner_count);
}

struct raft_configuration change_next(const struct raft_configuration *current) {
    assert(change_is_under_way(current));
    if (current->outgoing_count == 0) {
        return go_to(current, current->next_voters, current->next_voter_count, current->next_learners,
                     current->next_learner_count);
    }
    struct raft_configuration next = {0};
    copy_ids(next.voters, &next.voter_count, current->next_voters, current->next_voter_count);
    copy_ids(next.learners, &next.learner_count, current->next_learners, current->next_learner_count);
    return next;
}

struct raft_configuration change_taken_back(const struct raft_configuration *current) {
    assert(current->outgoing_count == 0); /* What is joint is finished, never taken back. */
    struct raft_configuration next = {0};
    copy_ids(next.voters, &next.voter_count, current->voters, current->voter_count);
    for (size_t i = 0; i < current->learner_count; i++) {
        if (!configuration_lists(current->joining, current->joining_count, current->learners[i])) {
            put_id(next.learners, &next.learner_count, current->learners[i]);
        }
    }
    return next;
}
