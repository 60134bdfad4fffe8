#include "server/diverged.h"

#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>

bool diverged_is(const struct node *node) {
    return node->diverged.since != 0;
}

void diverged_problem(const struct node *node, struct problem *out_problem) {
    problem_set(out_problem, PROBLEM_NOT_READY, false,
                "this node's state differs from the majority's since index %" PRIu64 "; a snapshot will mend it",
                node->diverged.since);
}

void diverged_begin(struct node *node, raft_index since) {
    assert(since != 0);
    if (diverged_is(node)) {
        return;
    }
    node->diverged.since = since;
    node->work = true;
    snapshots_distrust(node);
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, DIAGNOSTICS_ERROR, "state",
                          "of this node differs from the majority's since index %" PRIu64
                          ": it serves no queries until a snapshot has mended it",
                          since);
    }
}

static void end(struct node *node) {
    node->work = true;
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, DIAGNOSTICS_ERROR, "state",
                          "of this node agrees with the majority's again, after it differed since index %" PRIu64
                          ": it is in service",
                          node->diverged.since);
    }
    node->diverged.since = 0;
}

/* Requests may overtake each other: only what the newest one says counts. */
static bool is_newest(struct diverged *diverged, const struct raft_message *message) {
    if (message->term == diverged->term && message->round <= diverged->round) {
        return false;
    }
    diverged->term = message->term;
    diverged->round = message->round;
    return true;
}

void diverged_told(struct node *node, const struct message_request *request) {
    struct diverged *diverged = &node->diverged;
    const struct raft_message *message = &request->raft;
    bool leads = raft_current_term(node->core) == message->term && node_leader(node) == request->address.from;
    if (request->state == DIVERGENCE_UNKNOWN || !leads || !is_newest(diverged, message)) {
        return;
    }
    if (request->state == DIVERGENCE_DIFFERS) {
        diverged_begin(node, request->diverged_since == 0 ? 1 : request->diverged_since);
    } else if (diverged_is(node) && node->applier.applied.index >= diverged->reached &&
               state_hash_newest(&node->applier.hash).index >= diverged->since) {
        end(node);
    }
}

void diverged_complete_answer(struct node *node, struct message_answer *answer) {
    struct diverged *diverged = &node->diverged;
    answer->diverged = diverged_is(node);
    /* Once for each heartbeat, so that it costs nothing under load. */
    if (node->now_ms < diverged->report_ms + node->options.heartbeat_ms / 2) {
        return;
    }
    diverged->report_ms = node->now_ms;
    /* Of who differs only the newest counts: an earlier one, from before it did, would pass for health. */
    diverged->report_round = !diverged->report_round && !answer->diverged;
    const struct state_hash *hash = &node->applier.hash;
    answer->state_hash = diverged->report_round ? state_hash_roundest(hash) : state_hash_newest(hash);
}

void diverged_step_back(struct node *node) {
    if (node->applier.applied.index > node->diverged.reached) {
        node->diverged.reached = node->applier.applied.index;
    }
}

bool diverged_is_news(const struct node *node, raft_index index) {
    return index > node->diverged.reached;
}

void diverged_doubt(const struct node *node, struct message_line *outcome) {
    if (!diverged_is(node)) {
        return;
    }
    problem_set(&outcome->problem, PROBLEM_LEADERSHIP_LOST, true,
                "the command was applied, but this node's state differs from the majority's since index %" PRIu64
                ", and with it the result",
                node->diverged.since);
}
