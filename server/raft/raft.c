#include "server/raft/raft.h"

#include "server/base/memory.h"
#include "server/raft/append_entries.h"
#include "server/raft/commit.h"
#include "server/raft/election.h"
#include "server/raft/install_snapshot.h"
#include "server/raft/invariants.h"
#include "server/raft/membership.h"
#include "server/raft/quorum.h"
#include "server/raft/read_index.h"
#include "server/raft/replication.h"
#include "server/raft/state.h"
#include "server/raft/transfer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* -- Life -- */

struct raft *raft_create(const struct raft_options *options, struct raft_hard_state hard_state, uint64_t now_ms) {
    assert(options->id >= 1 && options->id <= RAFT_NUMBER_MAX);
    assert(options->heartbeat_ms >= 1 && options->election_timeout_ms >= 2 * options->heartbeat_ms);
    assert(options->max_in_flight >= 1 && options->max_in_flight <= RAFT_IN_FLIGHT_MAX);
    assert(options->max_batch_entries >= 1);
    struct raft *raft = memory_zalloc(sizeof *raft);
    raft->options = *options;
    raft->now_ms = now_ms;
    raft->random = options->seed;
    raft->next_round = 1;
    raft->hard_state = hard_state;
    log_init(&raft->log);
    configuration_init(&raft->configurations);
    raft->role = RAFT_FOLLOWER;
    raft->promise_until_ms = now_ms + options->heartbeat_ms * UINT64_C(3) / 2;
    raft->commit_notice_due_ms = UINT64_MAX;
    output_init(&raft->output);
    election_restart_timer(raft);
    return raft;
}

void raft_restore_snapshot(struct raft *raft, struct raft_entry_id base, const struct raft_snapshot *snapshot) {
    assert(raft->output.next_write == 1 && log_last_index(&raft->log) == 0);
    assert(base.index <= snapshot->id.index && base.term <= snapshot->id.term);
    assert(snapshot->id.term <= raft->hard_state.term);
    assert(snapshot->configuration_index <= snapshot->id.index);
    log_reset(&raft->log, base);
    raft->commit_index = snapshot->id.index;
    struct configuration_at as_of = {snapshot->configuration_index, *snapshot->configuration};
    configuration_install(&raft->configurations, snapshot->id.index, &as_of);
    raft_configuration_changed(raft);
}

void raft_restore_entry(struct raft *raft, const struct raft_entry *entry) {
    assert(raft->output.next_write == 1);
    assert(entry->id.term <= raft->hard_state.term);
    log_append(&raft->log, entry->id, entry->type, entry->size);
    if (entry->type == RAFT_CONFIGURATION && entry->id.index > raft->commit_index) { /* Else the snapshot has it. */
        configuration_append(&raft->configurations, entry->id.index, entry->configuration);
        raft_configuration_changed(raft);
    }
}

void raft_destroy(struct raft *raft) {
    if (raft == NULL) {
        return;
    }
    struct reorder_held held;
    while (reorder_take_expired(&raft->reorder, UINT64_MAX, &held)) {
        reorder_release(&held);
    }
    log_clear(&raft->log);
    configuration_clear(&raft->configurations);
    output_clear(&raft->output);
    free(raft->reads);
    free(raft);
}

/* -- Inputs -- */

void raft_tick(struct raft *raft, uint64_t now_ms) {
    assert(now_ms >= raft->now_ms);
    raft->now_ms = now_ms;
    election_renew_promise(raft);
    append_entries_tick(raft);
    if (raft->role == RAFT_LEADER) {
        replication_tick(raft);
        if (raft->role == RAFT_LEADER) {
            transfer_tick(raft);
        }
    } else {
        election_tick(raft);
    }
}

uint64_t raft_next_deadline_ms(const struct raft *raft) {
    uint64_t deadline = reorder_deadline_ms(&raft->reorder);
    if (raft->role == RAFT_LEADER) {
        deadline = raft->heartbeat_due_ms < deadline ? raft->heartbeat_due_ms : deadline;
        if (raft->transfer_to != 0 && raft->transfer_deadline_ms < deadline) {
            deadline = raft->transfer_deadline_ms;
        }
        return raft->commit_notice_due_ms < deadline ? raft->commit_notice_due_ms : deadline;
    }
    uint64_t election_ms = election_next_ms(raft);
    return election_ms < deadline ? election_ms : deadline;
}

/* §3.3: whoever hears of a later term is in it, as a follower. Here from answers; election.c and append_entries.c look at
 * requests before they believe their terms. A granted pre-vote speaks of a term that nobody is in yet (§9.6). */
static bool answer_raises_term(const struct raft *raft, const struct raft_message *message) {
    if (message->term <= raft->hard_state.term) {
        return false;
    }
    if (message->type == RAFT_VOTE_ANSWER) {
        return !message->vote_answer.pre_vote || !message->vote_answer.vote_granted;
    }
    return message->type == RAFT_APPEND_ANSWER || message->type == RAFT_TIMEOUT_NOW_ANSWER ||
           message->type == RAFT_INSTALL_ANSWER;
}

void raft_receive(struct raft *raft, const struct raft_message *message) {
    if (answer_raises_term(raft, message)) {
        raft_become_follower(raft, message->term, 0);
    }
    switch (message->type) {
    case RAFT_REQUEST_VOTE:
        election_receive_request(raft, message);
        break;
    case RAFT_VOTE_ANSWER:
        election_receive_answer(raft, message);
        break;
    case RAFT_APPEND_ENTRIES:
        append_entries_receive(raft, message);
        break;
    case RAFT_APPEND_ANSWER:
        replication_receive_answer(raft, message);
        break;
    case RAFT_TIMEOUT_NOW:
        transfer_receive(raft, message);
        break;
    case RAFT_TIMEOUT_NOW_ANSWER:
        break; /* Its term is all it says. */
    case RAFT_INSTALL_SNAPSHOT:
        install_snapshot_receive(raft, message);
        break;
    case RAFT_INSTALL_ANSWER:
        install_snapshot_receive_answer(raft, message);
        break;
    }
}

void raft_send_failed(struct raft *raft, raft_node_id to, raft_round round) {
    election_send_failed(raft, to, round);
    replication_send_failed(raft, to, round);
    install_snapshot_send_failed(raft, to, round);
    transfer_send_failed(raft, to, round);
}

bool raft_propose(struct raft *raft, struct raft_entry *entries, size_t count) {
    if (raft->role != RAFT_LEADER || raft->transfer_to != 0) {
        return false;
    }
    if (count > 0 && entries[0].type == RAFT_CONFIGURATION) {
        assert(count == 1);
        return membership_append(raft, &entries[0]);
    }
    if (!raft_accepts(raft)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        assert(entries[i].type == RAFT_COMMAND || entries[i].type == RAFT_SESSION);
        entries[i].id = (struct raft_entry_id){log_last_index(&raft->log) + 1, raft->hard_state.term};
        raft_append(raft, &entries[i]);
    }
    return true;
}

bool raft_read(struct raft *raft, uint64_t ticket) {
    if (raft->role != RAFT_LEADER) {
        return false;
    }
    read_index_ask(raft, ticket);
    return true;
}

bool raft_read_lease(struct raft *raft, uint64_t ticket) {
    if (raft->role != RAFT_LEADER) {
        return false;
    }
    read_index_ask_lease(raft, ticket);
    return true;
}

bool raft_transfer(struct raft *raft, raft_node_id to) {
    return transfer_start(raft, to);
}

raft_node_id raft_transferring(const struct raft *raft) {
    return raft->transfer_to;
}

bool raft_accepts(const struct raft *raft) {
    return raft->role == RAFT_LEADER && raft->transfer_to == 0 && raft_is_voter(raft);
}

enum raft_change_verdict raft_change(struct raft *raft, const struct raft_configuration *target,
                                     struct raft_configuration *out_first) {
    return membership_change(raft, target, out_first);
}

void raft_set_unfit(struct raft *raft, bool unfit) {
    if (raft->unfit == unfit) {
        return;
    }
    raft->unfit = unfit;
    raft_trace(raft, true, unfit ? "must not lead" : "may lead again");
    if (raft->role != RAFT_LEADER) {
        election_set_unfit(raft);
    } else if (unfit) {
        transfer_start_unfit(raft);
    }
}

void raft_set_stranger(struct raft *raft, bool stranger) {
    raft->stranger = stranger;
}

void raft_hint_gone(struct raft *raft, raft_node_id id) {
    if (id == raft->leader && raft->role == RAFT_FOLLOWER && !raft->leader_gone) {
        raft_trace(raft, true, "leader=%" PRIu64 " seems to be gone term=%" PRIu64, id, raft->hard_state.term);
        election_leader_gone(raft);
    }
}

void raft_persisted(struct raft *raft, raft_write write) {
    output_persisted(&raft->output, write);
    election_persisted(raft, write);
    if (raft->role == RAFT_LEADER) {
        commit_leader(raft);
    }
}

void raft_compact(struct raft *raft, raft_index through) {
    assert(through <= raft->commit_index);
    raft_index persisted = raft_persisted_index(raft);
    if (through > persisted) {
        through = persisted;
    }
    if (through <= raft->log.base.index) {
        return;
    }
    raft_trace(raft, true, "compacts its log through=%" PRIu64 " last=%" PRIu64, through, log_last_index(&raft->log));
    log_compact(&raft->log, through);
    output_compact(&raft->output, raft->log.base);
}

bool raft_install(struct raft *raft, const struct raft_snapshot *snapshot) {
    return install_snapshot_take(raft, snapshot);
}

void raft_snapshot_progress(struct raft *raft, raft_node_id to) {
    struct progress *peer = raft_progress(raft, to);
    if (peer != NULL) {
        peer->progress_ms = raft->now_ms;
    }
}

const struct raft_actions *raft_take_actions(struct raft *raft) {
    if (raft->role == RAFT_LEADER) {
        membership_flush(raft);
        read_index_flush(raft);
        replication_flush(raft);
        transfer_flush(raft);
        membership_leave(raft);
    }
    invariants_check(raft);
    raft->leader_heard = false;
    output_take(&raft->output, raft->hard_state, raft->commit_index);
    membership_show(raft, &raft->output.actions);
    return &raft->output.actions;
}
