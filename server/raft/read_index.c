#include "server/raft/read_index.h"

#include "server/base/memory.h"
#include "server/raft/quorum.h"
#include "server/raft/replication.h"

#include <assert.h>
#include <string.h>

void read_index_ask(struct raft *raft, uint64_t ticket) {
    assert(raft->role == RAFT_LEADER);
    raft->reads = memory_grow(raft->reads, &raft->read_capacity, raft->read_count + 1, sizeof *raft->reads);
    raft->reads[raft->read_count++] = (struct read_waiting){ticket};
}

static bool has_committed_in_term(const struct raft *raft) {
    return raft->commit_index >= raft->term_first_index; /* §6.4 step 1 */
}

static uint64_t lease_until_of(const void *context, raft_node_id id) {
    const struct raft *raft = context;
    if (id == raft->options.id) {
        return UINT64_MAX;
    }
    const struct progress *progress = raft_progress((struct raft *)raft, id);
    assert(progress != NULL);
    return progress->lease_until_ms;
}

void read_index_ask_lease(struct raft *raft, uint64_t ticket) {
    assert(raft->role == RAFT_LEADER);
    uint64_t lease_until_ms =
        quorum_value(&configuration_current(&raft->configurations)->configuration, lease_until_of, raft);
    if (has_committed_in_term(raft) && !raft->lease_over && raft->now_ms < lease_until_ms) {
        output_read(&raft->output, (struct raft_read_answer){.ticket = ticket, .ok = true, .index = raft->commit_index});
    } else {
        read_index_ask(raft, ticket);
    }
}

void read_index_flush(struct raft *raft) {
    assert(raft->role == RAFT_LEADER);
    if (raft->reads_confirming > 0 || raft->read_count == 0 || !has_committed_in_term(raft)) {
        return;
    }
    raft->reads_confirming = raft->read_count;
    raft->read_index = raft->commit_index; /* Step 2. */
    raft->read_round = raft->next_round;   /* Step 3: only what is sent from now on counts. */
    replication_want_heartbeats(raft);
    read_index_confirm(raft); /* A sole voter is its own majority. */
}

static uint64_t confirmed_round_of(const void *context, raft_node_id id) {
    const struct raft *raft = context;
    if (id == raft->options.id) {
        return UINT64_MAX;
    }
    const struct progress *progress = raft_progress((struct raft *)raft, id);
    assert(progress != NULL);
    return progress->confirmed_round;
}

static void answer_first(struct raft *raft, size_t count, bool ok) {
    assert(count <= raft->read_count);
    for (size_t i = 0; i < count; i++) {
        output_read(&raft->output,
                    (struct raft_read_answer){.ticket = raft->reads[i].ticket, .ok = ok, .index = raft->read_index});
    }
    raft->reads_confirming = 0;
    raft->read_count -= count;
    if (raft->read_count > 0) {
        memmove(raft->reads, raft->reads + count, raft->read_count * sizeof *raft->reads);
    }
}

void read_index_confirm(struct raft *raft) {
    if (raft->reads_confirming == 0) {
        return; /* Always so where nobody leads. */
    }
    assert(raft->role == RAFT_LEADER);
    raft_round confirmed =
        quorum_value(&configuration_current(&raft->configurations)->configuration, confirmed_round_of, raft);
    if (confirmed >= raft->read_round) {
        answer_first(raft, raft->reads_confirming, true);
    }
}

void read_index_fail(struct raft *raft) {
    answer_first(raft, raft->read_count, false);
}
