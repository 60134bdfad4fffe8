#include "server/raft/configuration.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void configuration_init(struct configuration_history *history) {
    *history = (struct configuration_history){0};
    history->list = memory_grow(NULL, &history->capacity, 1, sizeof *history->list);
    history->list[0] = (struct configuration_at){0};
    history->count = 1;
}

void configuration_clear(struct configuration_history *history) {
    free(history->list);
    *history = (struct configuration_history){0};
}

void configuration_append(struct configuration_history *history, raft_index index,
                          const struct raft_configuration *configuration) {
    assert(configuration != NULL);
    assert(index > configuration_current(history)->index);
    assert(configuration_is_valid(configuration));
    history->list = memory_grow(history->list, &history->capacity, history->count + 1, sizeof *history->list);
    history->list[history->count++] = (struct configuration_at){index, *configuration};
}

bool configuration_truncate(struct configuration_history *history, raft_index index) {
    size_t before = history->count;
    while (history->list[history->count - 1].index >= index) {
        assert(history->count > 1); /* list[0] is committed or the empty one: nobody truncates that. */
        history->count--;
    }
    return history->count != before;
}

void configuration_commit(struct configuration_history *history, raft_index commit_index) {
    size_t keep = 0; /* The newest committed one. */
    while (keep + 1 < history->count && history->list[keep + 1].index <= commit_index) {
        keep++;
    }
    if (keep > 0) {
        history->count -= keep;
        memmove(history->list, history->list + keep, history->count * sizeof *history->list);
    }
}

bool configuration_install(struct configuration_history *history, raft_index through,
                           const struct configuration_at *snapshot) {
    assert(snapshot->index <= through);
    struct configuration_at before = *configuration_current(history);
    size_t gone = 0;
    while (gone < history->count && history->list[gone].index <= through) {
        gone++;
    }
    assert(gone > 0); /* list[0] is as of the log's base or later committed, which no snapshot that is taken is below. */
    history->count -= gone - 1;
    memmove(history->list + 1, history->list + gone, (history->count - 1) * sizeof *history->list);
    history->list[0] = *snapshot;
    /* At the same index another one may have stood, of a term that committed nothing there. */
    const struct configuration_at *now = configuration_current(history);
    return now->index != before.index || !configuration_equal(&now->configuration, &before.configuration);
}

const struct configuration_at *configuration_current(const struct configuration_history *history) {
    assert(history->count > 0);
    return &history->list[history->count - 1];
}

const struct configuration_at *configuration_previous(const struct configuration_history *history) {
    return history->count < 2 ? NULL : &history->list[history->count - 2];
}

/* -- One configuration -- */

bool configuration_lists(const raft_node_id *ids, size_t count, raft_node_id id) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

bool configuration_has(const struct raft_configuration *configuration, raft_node_id id) {
    return configuration_lists(configuration->voters, configuration->voter_count, id) ||
           configuration_lists(configuration->learners, configuration->learner_count, id) ||
           configuration_lists(configuration->outgoing, configuration->outgoing_count, id);
}

size_t configuration_size(const struct raft_configuration *configuration) {
    size_t size = configuration->voter_count + configuration->learner_count;
    for (size_t i = 0; i < configuration->outgoing_count; i++) {
        size += configuration_lists(configuration->voters, configuration->voter_count, configuration->outgoing[i]) ? 0 : 1;
    }
    return size;
}

static bool is_ascending(const raft_node_id *ids, size_t count) {
    for (size_t i = 0; i < count && i < RAFT_MEMBERS_MAX; i++) {
        if (ids[i] <= (i == 0 ? 0 : ids[i - 1]) || ids[i] > RAFT_NUMBER_MAX) {
            return false;
        }
    }
    return count <= RAFT_MEMBERS_MAX;
}

static bool share_one(const raft_node_id *left, size_t left_count, const raft_node_id *right, size_t right_count) {
    for (size_t i = 0; i < left_count; i++) {
        if (configuration_lists(right, right_count, left[i])) {
            return true;
        }
    }
    return false;
}

static bool has_all(const struct raft_configuration *configuration, const raft_node_id *ids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!configuration_has(configuration, ids[i])) {
            return false;
        }
    }
    return true;
}

static bool same_ids(const raft_node_id *left, size_t left_count, const raft_node_id *right, size_t right_count) {
    return left_count == right_count && (left_count == 0 || memcmp(left, right, left_count * sizeof *left) == 0);
}

/* Where a change leads: to members, each once. While joint the voters it leads to are voters already. */
static bool is_next_valid(const struct raft_configuration *c) {
    if (c->next_voter_count == 0) {
        return c->next_learner_count == 0 && c->joining_count == 0 && c->outgoing_count == 0;
    }
    if (c->outgoing_count > 0 &&
        (c->joining_count > 0 || !same_ids(c->next_voters, c->next_voter_count, c->voters, c->voter_count))) {
        return false;
    }
    for (size_t i = 0; i < c->joining_count; i++) {
        if (!configuration_lists(c->learners, c->learner_count, c->joining[i])) {
            return false;
        }
    }
    return has_all(c, c->next_voters, c->next_voter_count) && has_all(c, c->next_learners, c->next_learner_count) &&
           !share_one(c->next_voters, c->next_voter_count, c->next_learners, c->next_learner_count);
}

bool configuration_is_valid(const struct raft_configuration *c) {
    return is_ascending(c->voters, c->voter_count) && is_ascending(c->learners, c->learner_count) &&
           is_ascending(c->outgoing, c->outgoing_count) && is_ascending(c->next_voters, c->next_voter_count) &&
           is_ascending(c->next_learners, c->next_learner_count) && is_ascending(c->joining, c->joining_count) &&
           c->voter_count > 0 && configuration_size(c) <= RAFT_MEMBERS_MAX &&
           !share_one(c->learners, c->learner_count, c->voters, c->voter_count) &&
           !share_one(c->learners, c->learner_count, c->outgoing, c->outgoing_count) && is_next_valid(c);
}

bool configuration_equal(const struct raft_configuration *l, const struct raft_configuration *r) {
    return same_ids(l->voters, l->voter_count, r->voters, r->voter_count) &&
           same_ids(l->learners, l->learner_count, r->learners, r->learner_count) &&
           same_ids(l->outgoing, l->outgoing_count, r->outgoing, r->outgoing_count) &&
           same_ids(l->next_voters, l->next_voter_count, r->next_voters, r->next_voter_count) &&
           same_ids(l->next_learners, l->next_learner_count, r->next_learners, r->next_learner_count) &&
           same_ids(l->joining, l->joining_count, r->joining, r->joining_count);
}
