#include "server/node_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *node_role_name(enum node_role role) {
    static const char *const names[] = {
        [NODE_LEADER] = "leader",       [NODE_FOLLOWER] = "follower",
        [NODE_CANDIDATE] = "candidate", [NODE_PRE_CANDIDATE] = "pre_candidate",
        [NODE_LEARNER] = "learner",     [NODE_WAITING] = "waiting",
        [NODE_REMOVED] = "removed",
    };
    return names[role];
}

static enum node_role role_of(const struct node *node) {
    if (node->core == NULL) {
        return NODE_WAITING;
    }
    if (standing_is_removed(node)) {
        return NODE_REMOVED;
    }
    switch (raft_role(node->core)) {
    case RAFT_LEADER:
        return NODE_LEADER;
    case RAFT_CANDIDATE:
        return NODE_CANDIDATE;
    case RAFT_PRE_CANDIDATE:
        return NODE_PRE_CANDIDATE;
    case RAFT_FOLLOWER:
        break;
    }
    const struct members_member *self = roster_self(&node->roster, node->options.id, node->identity.incarnation);
    /* Who is called by a leader but has no configuration yet that counts it in is being brought in. */
    bool learner = self != NULL ? members_is_learner(self) : !standing_was_member(node);
    return learner ? NODE_LEARNER : NODE_FOLLOWER;
}

/* The first index of the run of entries that ends at `last`: terms only grow along a log. */
static raft_index run_begin(const struct raft *core, raft_index first, raft_index last) {
    raft_term term = raft_term_at(core, last);
    while (first < last) {
        raft_index middle = first + (last - first) / 2;
        if (raft_term_at(core, middle) == term) {
            last = middle;
        } else {
            first = middle + 1;
        }
    }
    return last;
}

static void fill_log_terms(const struct raft *core, struct node_status *out_status) {
    raft_index first = out_status->raft.first_index;
    raft_index last = out_status->raft.last.index;
    struct node_term_run found[NODE_TERM_RUNS_MAX];
    size_t count = 0;
    while (count < NODE_TERM_RUNS_MAX && last >= first && last > 0) {
        raft_index from = run_begin(core, first, last);
        found[count++] = (struct node_term_run){from, raft_term_at(core, from)};
        last = from - 1;
    }
    for (size_t i = 0; i < count; i++) {
        out_status->log_terms[i] = found[count - 1 - i];
    }
    out_status->log_term_count = count;
}

size_t node_events(const struct node *node, struct chronicle_event out_events[CHRONICLE_EVENTS_MAX], uint64_t *out_now_ms) {
    *out_now_ms = node->now_ms;
    return chronicle_read(&node->chronicle, node->now_ms, out_events);
}

bool node_event(const struct node *node, uint64_t *inout_count, struct chronicle_event *out_event) {
    const struct chronicle *chronicle = &node->chronicle;
    if (*inout_count >= chronicle->count) {
        return false;
    }
    if (chronicle->count - *inout_count > CHRONICLE_EVENTS_MAX) {
        *inout_count = chronicle->count - CHRONICLE_EVENTS_MAX;
    }
    *out_event = chronicle->events[*inout_count % CHRONICLE_EVENTS_MAX];
    (*inout_count)++;
    return true;
}

void node_status(const struct node *node, struct node_status *out_status) {
    *out_status = (struct node_status){
        .id = node->options.id,
        .role = role_of(node),
        .applied_index = node->applier.applied.index,
        .applied_term = node->applier.applied.term,
        .sessions = sessions_count(node->applier.sessions),
        .keys = sessions_key_count(node->applier.sessions),
    };
    out_status->commands_waiting = node->proposals.commands_waiting;
    out_status->bytes_waiting = node->proposals.bytes_waiting;
    out_status->queries_waiting = node->reads.count;
    out_status->watches = node->watches.count;
    out_status->calls = node->calls.count;
    out_status->leader_changes = node->chronicle.leader_changes;
    out_status->elections = node->chronicle.elections;
    out_status->events = node->chronicle.count;
    out_status->state_hash = state_hash_newest(&node->applier.hash);
    out_status->diverged_since = node->diverged.since;
    out_status->divergence_alarm = node->mending.alarm;
    out_status->disk = (struct node_disk_status){
        .oldest_write_ms = disk_watch_oldest_ms(node),
        .writes_waiting = node->disk_watch.count,
        .bytes_waiting = node->disk_watch.bytes,
        .stalled = node->disk_watch.stalled,
        .free_bytes = node->disk_space.room.free_bytes,
        .full = disk_space_is_full(node),
    };
    memcpy(out_status->incarnation, node->identity.incarnation, sizeof out_status->incarnation);
    if (node->core == NULL) {
        joining_waiting(node, out_status); /* What it does about it comes first. */
        discovery_waiting(node, out_status);
        formation_waiting(node, out_status);
        return;
    }
    if (intake_is_open(node)) {
        intake_waiting(node, out_status);
    }
    memcpy(out_status->cluster_id, node->identity.cluster_id, sizeof out_status->cluster_id);
    raft_status(node->core, &out_status->raft);
    fill_log_terms(node->core, out_status);
    for (size_t i = 0; i < out_status->raft.peer_count; i++) {
        out_status->snapshot_percent[i] = snapshot_sends_percent(node, out_status->raft.peers[i].id);
    }
    out_status->snapshot = node->snapshots.current;
    out_status->snapshots_taken = node->snapshots.taken;
    out_status->snapshots_failed = node->snapshots.failed;
    out_status->snapshots_installed = node->snapshot_receipt.installed;
    out_status->snapshot_duration_ms = node->snapshots.duration_ms;
    out_status->members = roster_current(&node->roster)->members;
    out_status->members_index = roster_current(&node->roster)->index;
}

const struct measures *node_measures(const struct node *node) {
    return &node->measures;
}

void node_brief(const struct node *node, struct node_brief *out_brief) {
    *out_brief = (struct node_brief){
        .cluster_id = node->core == NULL || standing_is_removed(node) ? "" : node->identity.cluster_id,
        .id = node->options.id,
        .leader = node_leader(node),
        .term = node->core == NULL ? 0 : raft_current_term(node->core),
        .applied_index = node->applier.applied.index,
    };
}

static bool not_ready_waiting(const struct node *node, char *out_why, size_t why_size) {
    struct node_status status;
    node_status(node, &status);
    bool joins = node->options.join_url != NULL || joining_is_wanted(node);
    int written = snprintf(out_why, why_size, "%s", joins ? "waiting to join" : "waiting for the cluster to form");
    for (size_t i = 0; i < status.waiting_count && written > 0 && (size_t)written < why_size; i++) {
        char who[32] = "";
        if (status.waiting[i].id != 0) {
            snprintf(who, sizeof who, "node %" PRIu64 " ", status.waiting[i].id);
        }
        written += snprintf(out_why + written, why_size - (size_t)written, "; %s(%s): %s", who, status.waiting[i].url,
                            status.waiting[i].why);
    }
    return false;
}

bool node_is_taking_in(const struct node *node) {
    return node->intake.kind != NODE_INTAKE_NONE;
}

bool node_ready(const struct node *node, char *out_why, size_t why_size) {
    if (node->core == NULL) {
        return not_ready_waiting(node, out_why, why_size);
    }
    if (node->shutting_down) {
        snprintf(out_why, why_size, "shutting down");
        return false;
    }
    if (standing_is_removed(node)) {
        snprintf(out_why, why_size, "this node was removed from the cluster");
        return false;
    }
    if (diverged_is(node)) {
        struct problem problem;
        diverged_problem(node, &problem);
        snprintf(out_why, why_size, "%s", problem.detail);
        return false;
    }
    if (intake_bars_commands(node)) {
        struct problem problem;
        intake_problem(node, &problem);
        snprintf(out_why, why_size, "%s", problem.detail);
        return false;
    }
    if (node_leader(node) == 0) {
        snprintf(out_why, why_size, "no leader is known in term %" PRIu64, raft_current_term(node->core));
        return false;
    }
    if (!node->ready_known) {
        snprintf(out_why, why_size, "what is committed is not known yet");
        return false;
    }
    if (node->applier.applied.index < node->ready_index) {
        snprintf(out_why, why_size, "catching up: applied index %" PRIu64 " of %" PRIu64, node->applier.applied.index,
                 node->ready_index);
        return false;
    }
    return true;
}

const char *node_member_url(const struct node *node, raft_node_id id) {
    const struct members_member *member = roster_find(&node->roster, id);
    if (member == NULL) {
        member = members_find(&node->options.cluster, id);
    }
    return member == NULL ? NULL : member->url;
}
