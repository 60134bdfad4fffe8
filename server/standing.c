#include "server/standing.h"

#include "server/node_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool standing_was_member(const struct node *node) {
    return node->standing.was_member || roster_ever(&node->roster, node->options.id, node->identity.incarnation);
}

bool standing_is_removed(const struct node *node) {
    const struct roster_at *current = roster_current(&node->roster);
    if (node->core == NULL || node_is_leader(node) || current->index == 0) {
        return false;
    }
    bool counted = roster_self(&node->roster, node->options.id, node->identity.incarnation) != NULL;
    return node->standing.retired ||
           (!counted && roster_is_committed(&node->roster, node->core) && standing_was_member(node));
}

void standing_removed_problem(const struct node *node, struct problem *out_problem) {
    problem_set(out_problem, PROBLEM_NOT_READY, false, "node %" PRIu64 " was removed from the cluster", node->options.id);
}

const struct members_member *standing_leader(const struct node *node, raft_term *out_term) {
    if (node_leader(node) != 0) {
        *out_term = raft_current_term(node->core);
        return roster_find(&node->roster, node_leader(node));
    }
    *out_term = node->standing.leader_term;
    return standing_is_removed(node) && node->standing.leader.id != 0 ? &node->standing.leader : NULL;
}

/* -- Asking -- */

/* Has it been left out? Who leads instead? */
static bool is_to_ask(const struct node *node) {
    if (node->core == NULL || node_leader(node) != 0 || node->shutting_down) {
        return false;
    }
    if (standing_is_removed(node)) {
        return node->proposals.queued.head != NULL;
    }
    return node->now_ms >= node->standing.led_ms + STANDING_SILENCE * (uint64_t)node->options.election_timeout_ms;
}

/* The members in turn, then those of the command line: --cluster, and --join, of which only the URL is known. False: nobody
 * else is. */
static bool choose(struct node *node) {
    struct standing *standing = &node->standing;
    const struct members *members = &roster_current(&node->roster)->members;
    const struct members *hints = &node->options.cluster;
    size_t listed = members->count + hints->count;
    size_t all = listed + (node->options.join_url != NULL ? 1 : 0);
    for (size_t i = 0; i < all; i++) {
        size_t at = standing->turn++ % all;
        if (at < listed) {
            standing->asked = at < members->count ? members->list[at] : hints->list[at - members->count];
        } else {
            standing->asked = (struct members_member){.id = 0};
            snprintf(standing->asked.url, sizeof standing->asked.url, "%s", node->options.join_url);
        }
        if (standing->asked.id != node->options.id) {
            return true;
        }
    }
    return false;
}

static void ask(struct node *node) {
    struct standing *standing = &node->standing;
    standing->next_ms = node->now_ms + node->options.election_timeout_ms / 2 + 1;
    if (!choose(node)) {
        return;
    }
    struct message_request request;
    request.kind = MESSAGE_PROBE;
    request.round = 0;
    request.probe.list = node->options.cluster;
    request.probe.machine = node->options.machine->name;
    standing->question = node_new_number(node);
    calls_send(node, &standing->asked, &request, standing->question, node->options.election_timeout_ms);
}

static void retire(struct node *node, const struct message_answer *answer) {
    node->standing.retired = true;
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, DIAGNOSTICS_WARNING, "members",
                          "node %" PRIu64 " says that this node was removed from the cluster, at index %" PRIu64,
                          answer->from, answer->probe.members_index);
    }
}

/* Somebody to tell the new URL: not who knows it, until all have been asked twice and nobody else was there. Who may lead
 * may be any of them. */
static void note_met(struct node *node, const struct message_answer *answer) {
    struct standing *standing = &node->standing;
    size_t all = roster_current(&node->roster)->members.count + node->options.cluster.count + 1;
    if (standing->moving != 0) {
        standing->told_turn = standing->turn;
    } else if (standing->turn - standing->told_turn > 2 * all) {
        standing->told_count = 0;
    }
    for (size_t i = 0; i < standing->told_count; i++) {
        if (standing->told[i] == answer->from) {
            return;
        }
    }
    standing->met = standing->asked;
    standing->met.id = answer->from;
    memcpy(standing->met.incarnation, answer->incarnation, sizeof standing->met.incarnation);
}

bool standing_answered(struct node *node, uint64_t number, const struct message_answer *answer) {
    struct standing *standing = &node->standing;
    if (number == 0 || number != standing->question) {
        return false;
    }
    standing->question = 0;
    bool formed = answer != NULL && answer->problem.code == PROBLEM_NONE && answer->probe.state == MESSAGE_FORMED;
    if (!formed || node->core == NULL || strcmp(answer->probe.cluster_id, node->identity.cluster_id) != 0 ||
        node_leader(node) != 0 || answer->from == node->options.id) {
        return true;
    }
    note_met(node, answer);
    const struct message_probe_answer *probe = &answer->probe;
    const struct members_member *leader = members_find(&probe->members, probe->leader);
    if (leader != NULL && answer->term >= standing->leader_term && roster_find(&node->roster, leader->id) != NULL) {
        standing->leader = *leader;
        standing->leader_term = answer->term;
    }
    const struct members_member *self = members_find(&probe->members, node->options.id);
    bool counted = self != NULL && strcmp(self->incarnation, node->identity.incarnation) == 0;
    bool later = probe->members_index >= roster_current(&node->roster)->index && probe->members_committed;
    if (!standing_is_removed(node) && later && !counted) {
        retire(node, answer);
    }
    /* What this node's log says of its URL is no news to anybody when that entry was lost. */
    bool lost = probe->members_committed && !roster_is_committed(&node->roster, node->core);
    standing->misplaced = (later || lost) && counted && strcmp(self->url, node->options.url) != 0;
    return true;
}

/* -- Moving -- */

static bool has_moved(const struct node *node) {
    if (node->core == NULL || node->shutting_down) {
        return false;
    }
    const struct members_member *self = roster_self(&node->roster, node->options.id, node->identity.incarnation);
    return node->standing.misplaced || (self != NULL && strcmp(self->url, node->options.url) != 0);
}

/* A leader that is about to call is waited for; without one somebody must have been met. */
static uint64_t may_tell_ms(const struct node *node) {
    const struct standing *standing = &node->standing;
    if (node_leader(node) == 0 && standing->met.id == 0) {
        return UINT64_MAX;
    }
    uint64_t silent_ms = standing->led_ms + 2 * (uint64_t)node->options.election_timeout_ms;
    return node_leader(node) != 0 || standing->move_ms > silent_ms ? standing->move_ms : silent_ms;
}

static void told(void *context, const struct node_change_answer *answer) {
    struct node *node = context;
    node->standing.moving = 0;
    if (answer->problem.code != PROBLEM_NONE && node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, DIAGNOSTICS_WARNING, "members",
                          "the cluster knows this node at another URL: %s", answer->problem.detail);
    }
}

/* The leader may not be able to reach this node where it is known to be: then any member is told. */
static void tell(struct node *node) {
    struct standing *standing = &node->standing;
    struct members_member self = {.id = node->options.id, .voter = true}; /* In whatever role: only the URL changes. */
    snprintf(self.url, sizeof self.url, "%s", node->options.url);
    memcpy(self.incarnation, node->identity.incarnation, sizeof self.incarnation);
    struct change change = {.kind = CHANGE_MOVE, .own = true, .members = {.count = 1, .list = {self}}};
    standing->move_ms = node->now_ms + 2 * (uint64_t)node->options.election_timeout_ms;
    if (node_leader(node) != 0) {
        standing->moving = changes_add(node, &change, NODE_TIMEOUT_DEFAULT_MS, true, told, node);
        return;
    }
    struct members_member met = standing->met;
    standing->met.id = 0; /* The next time somebody else. */
    standing->told_count %= RAFT_MEMBERS_MAX;
    standing->told[standing->told_count++] = met.id;
    struct message_request request;
    request.kind = MESSAGE_CHANGE;
    request.round = 0;
    request.change = (struct message_change){.change = change, .forward = true, .timeout_ms = NODE_TIMEOUT_DEFAULT_MS};
    standing->moving = node_new_number(node);
    calls_send(node, &met, &request, standing->moving, NODE_TIMEOUT_DEFAULT_MS);
}

bool standing_change_answered(struct node *node, uint64_t number) {
    if (number == 0 || number != node->standing.moving) {
        return false;
    }
    node->standing.moving = 0;
    node->work = true;
    return true;
}

/* -- All -- */

void standing_turn(struct node *node) {
    struct standing *standing = &node->standing;
    if (node->core == NULL) {
        return;
    }
    standing->was_member = standing_was_member(node);
    if (standing->led_ms == 0) {
        standing->led_ms = node->now_ms;
    }
    if (node_leader(node) != 0) {
        standing->led_ms = node->now_ms;
        standing->leader.id = 0;
        standing->retired = standing->misplaced = false;
    }
    if (is_to_ask(node) && standing->question == 0 && node->now_ms >= standing->next_ms) {
        ask(node);
    }
    if (has_moved(node) && standing->moving == 0 && node->now_ms >= may_tell_ms(node) && !standing_is_removed(node)) {
        tell(node);
    }
}

uint64_t standing_deadline_ms(const struct node *node) {
    const struct standing *standing = &node->standing;
    uint64_t deadline = UINT64_MAX;
    if (node->core == NULL || node->shutting_down) {
        return deadline;
    }
    bool removed = standing_is_removed(node);
    if (node_leader(node) == 0 && standing->question == 0 && (!removed || node->proposals.queued.head != NULL)) {
        uint64_t silent_ms =
            removed ? 0 : standing->led_ms + STANDING_SILENCE * (uint64_t)node->options.election_timeout_ms;
        deadline = standing->next_ms > silent_ms ? standing->next_ms : silent_ms;
    }
    if (has_moved(node) && standing->moving == 0 && !removed && may_tell_ms(node) < deadline) {
        deadline = may_tell_ms(node);
    }
    return deadline;
}
