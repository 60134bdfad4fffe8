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
    assert(configuration->voter_count + configuration->learner_count <= RAFT_MEMBERS_MAX);
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
    raft_index before = configuration_current(history)->index;
    size_t gone = 0;
    while (gone < history->count && history->list[gone].index <= through) {
        gone++;
    }
    assert(gone > 0); /* list[0] is as of the log's base or later committed, which no snapshot that is taken is below. */
    history->count -= gone - 1;
    memmove(history->list + 1, history->list + gone, (history->count - 1) * sizeof *history->list);
    history->list[0] = *snapshot;
    return configuration_current(history)->index != before;
}

const struct configuration_at *configuration_current(const struct configuration_history *history) {
    assert(history->count > 0);
    return &history->list[history->count - 1];
}
