#include "server/raft/append_entries.h"

#include "server/raft/commit.h"
#include "server/raft/election.h"

#include <assert.h>
#include <inttypes.h>

/* Only who took the request for one of its leader's has promised anything by it (election_leader_heard). */
static uint32_t promise_ms(const struct raft *raft, const struct raft_message *request) {
    bool heard = raft->role == RAFT_FOLLOWER && raft->leader == request->from && request->term == raft->hard_state.term;
    return heard ? election_promise_ms(raft) : 0;
}

static void answer(struct raft *raft, const struct raft_message *request, struct raft_append_answer append_answer) {
    append_answer.promise_ms = promise_ms(raft, request);
    struct raft_message message = {
        .type = RAFT_APPEND_ANSWER,
        .from = raft->options.id,
        .to = request->from,
        .term = raft->hard_state.term,
        .round = request->round,
        .ticket = request->ticket,
        .after_write = output_wait_for(&raft->output, append_answer.success ? append_answer.match_index : 0),
        .append_answer = append_answer,
    };
    output_message(&raft->output, &message);
}

/* §3.5: names the whole conflicting term, so that the leader passes over it in one step. */
static void refuse(struct raft *raft, const struct raft_message *request) {
    raft_index prev = request->append_entries.prev.index;
    struct raft_append_answer refusal = {.success = false};
    if (prev > log_last_index(&raft->log) || prev <= raft->log.base.index) {
        refusal.conflict_index = log_last_index(&raft->log) + 1;
    } else {
        refusal.conflict_term = log_term_at(&raft->log, prev);
        refusal.conflict_index = log_first_of_term_at(&raft->log, prev);
    }
    raft_trace(raft, false, "refuses entries from=%" PRIu64 " prev=%" PRIu64 "/%" PRIu64 " conflict=%" PRIu64 "/%" PRIu64,
               request->from, prev, request->append_entries.prev.term, refusal.conflict_index, refusal.conflict_term);
    answer(raft, request, refusal);
}

/* What is compacted is committed, so the leader's log has the same (leader completeness, §3.6.3). All that can still be
 * seen is that its term is not above the base's. */
static bool is_compacted(const struct raft *raft, struct raft_entry_id id) {
    return id.index < raft->log.base.index && id.term <= raft->log.base.term;
}

static bool has_entry(const struct raft *raft, struct raft_entry_id id) {
    return is_compacted(raft, id) ||
           (id.index <= log_last_index(&raft->log) && log_term_at(&raft->log, id.index) == id.term);
}

/* The first entry of the request that our log does not have; entry_count when it has all. False: it contradicts what is
 * committed here, which no leader's log can (leader completeness, §3.6.3). */
static bool find_new_entries(struct raft *raft, const struct raft_append_entries *request, size_t *out_first_new) {
    size_t i = 0;
    while (i < request->entry_count && has_entry(raft, request->entries[i].id)) {
        i++;
    }
    *out_first_new = i;
    return i == request->entry_count || request->entries[i].id.index > raft->commit_index;
}

static void truncate(struct raft *raft, raft_index index) {
    raft_trace(raft, true, "truncates its log from=%" PRIu64 " last=%" PRIu64, index, log_last_index(&raft->log));
    log_truncate(&raft->log, index);
    output_truncate(&raft->output, index);
    if (configuration_truncate(&raft->configurations, index)) {
        raft_configuration_changed(raft);
    }
}

/* The request's predecessor is in our log: Figure 3.1, AppendEntries receiver, steps 3 to 5. */
static void accept(struct raft *raft, const struct raft_message *request) {
    const struct raft_append_entries *append = &request->append_entries;
    size_t first_new;
    if (!find_new_entries(raft, append, &first_new)) {
        raft_trace(raft, true, "ignores entries that contradict committed ones from=%" PRIu64 " prev=%" PRIu64,
                   request->from, append->prev.index);
        refuse(raft, request);
        return;
    }
    if (first_new < append->entry_count && append->entries[first_new].id.index <= log_last_index(&raft->log)) {
        truncate(raft, append->entries[first_new].id.index);
    }
    for (size_t i = first_new; i < append->entry_count; i++) {
        raft_append(raft, &append->entries[i]);
    }
    raft_index match = append->prev.index + append->entry_count;
    raft->stream_begun = true;
    commit_follower(raft, append->leader_commit, match);
    answer(raft, request, (struct raft_append_answer){.success = true, .match_index = match});
}

static void accept_or_refuse(struct raft *raft, const struct raft_message *request) {
    struct raft_entry_id prev = request->append_entries.prev;
    if (prev.index == 0 || has_entry(raft, prev)) {
        accept(raft, request);
    } else {
        refuse(raft, request);
    }
}

/* Entries that follow each other, as log matching needs them. Hosts decode them so; a mistake
 * here would be for ever. */
static bool is_well_formed(const struct raft_message *request) {
    struct raft_entry_id before = request->append_entries.prev;
    if ((before.index == 0) != (before.term == 0) || before.term > request->term) {
        return false;
    }
    for (size_t i = 0; i < request->append_entries.entry_count; i++) {
        struct raft_entry_id id = request->append_entries.entries[i].id;
        if (id.index != before.index + 1 || id.term < before.term || id.term > request->term || id.term == 0) {
            return false;
        }
        const struct raft_entry *entry = &request->append_entries.entries[i];
        if (entry->type == RAFT_CONFIGURATION &&
            (entry->configuration == NULL || !configuration_is_valid(entry->configuration))) {
            return false;
        }
        before = id;
    }
    return true;
}

bool append_entries_hear_leader(struct raft *raft, raft_node_id from, raft_term term) {
    bool is_own_term = term == raft->hard_state.term;
    if (from == raft->options.id || term < raft->hard_state.term || (is_own_term && raft->role == RAFT_LEADER)) {
        return false;
    }
    if (!is_own_term || raft->role != RAFT_FOLLOWER || raft->leader == 0) {
        raft_become_follower(raft, term, from); /* §3.4: somebody else has won the term. */
    }
    if (raft->leader != from) {
        raft_trace(raft, true, "ignores a second leader of term=%" PRIu64 " from=%" PRIu64, term, from);
        return false;
    }
    election_leader_heard(raft, from);
    return true;
}

void append_entries_take_held(struct raft *raft) {
    struct reorder_held held;
    while (reorder_take_ready(&raft->reorder, log_last_index(&raft->log), &held)) {
        accept_or_refuse(raft, &held.message);
        reorder_release(&held);
    }
}

void append_entries_receive(struct raft *raft, const struct raft_message *request) {
    if (!is_well_formed(request) || !append_entries_hear_leader(raft, request->from, request->term)) {
        refuse(raft, request);
        return;
    }
    bool gap = request->append_entries.prev.index > log_last_index(&raft->log);
    if (gap && raft->stream_begun && reorder_hold(&raft->reorder, request, raft->now_ms + raft->options.heartbeat_ms)) {
        return;
    }
    accept_or_refuse(raft, request);
    append_entries_take_held(raft);
}

static void refuse_expired(struct raft *raft, uint64_t now_ms) {
    struct reorder_held held;
    while (reorder_take_expired(&raft->reorder, now_ms, &held)) {
        refuse(raft, &held.message);
        reorder_release(&held);
    }
}

void append_entries_tick(struct raft *raft) {
    refuse_expired(raft, raft->now_ms);
}

void append_entries_new_term(struct raft *raft) {
    raft->stream_begun = false;
    refuse_expired(raft, UINT64_MAX);
}
