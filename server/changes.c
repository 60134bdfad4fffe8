#include "server/changes.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <inttypes.h>
#include <stdlib.h>

/* The leader's answer travels: it gets this much longer than the client waits. */
enum { MARGIN_MS = 500 };

void changes_clear(struct changes *changes) {
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->list[i]);
    }
    free(changes->list);
    *changes = (struct changes){0};
}

static void fail(struct changes_wish *wish, const struct problem *problem) {
    wish->state = CHANGES_ENDED;
    wish->answer.problem = *problem;
    wish->answer.problem.outcome_unknown = wish->answer.problem.outcome_unknown || wish->maybe;
}

uint64_t changes_add(struct node *node, const struct change *change, uint32_t timeout_ms, bool forward,
                     node_change_done done, void *context) {
    struct changes *changes = &node->changes;
    changes->list = memory_grow(changes->list, &changes->capacity, changes->count + 1, sizeof *changes->list);
    struct changes_wish *wish = memory_zalloc(sizeof *wish);
    wish->ticket = node_new_number(node);
    wish->forward = forward;
    wish->deadline_ms = node->now_ms + timeout_ms;
    wish->change = *change;
    wish->done = done;
    wish->context = context;
    changes->list[changes->count++] = wish;
    node->work = true;
    if (standing_is_removed(node)) {
        struct problem problem;
        standing_removed_problem(node, &problem);
        fail(wish, &problem);
    }
    return wish->ticket;
}

static struct changes_wish *find(struct changes *changes, uint64_t ticket) {
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->list[i]->ticket == ticket) {
            return changes->list[i];
        }
    }
    return NULL;
}

bool changes_cancel(struct changes *changes, uint64_t ticket) {
    struct changes_wish *wish = find(changes, ticket);
    if (wish != NULL) {
        wish->done = NULL;
    }
    return wish != NULL;
}

static void succeed(struct changes_wish *wish, raft_index index, const struct members *members) {
    wish->state = CHANGES_ENDED;
    wish->answer.problem.code = PROBLEM_NONE;
    wish->answer.index = index;
    wish->answer.members = *members;
}

static void succeed_here(const struct node *node, struct changes_wish *wish) {
    const struct roster_at *current = roster_current(&node->roster);
    succeed(wish, current->index, &current->members);
}

void changes_end_taken(struct node *node, const struct problem *problem) {
    for (size_t i = 0; i < node->changes.count; i++) {
        struct changes_wish *wish = node->changes.list[i];
        if (wish->state == CHANGES_TAKEN && problem == NULL) {
            succeed_here(node, wish);
        } else if (wish->state == CHANGES_TAKEN) {
            fail(wish, problem);
        }
    }
    node->work = true;
}

void changes_release_taken(struct node *node, bool maybe, bool forward) {
    for (size_t i = 0; i < node->changes.count; i++) {
        struct changes_wish *wish = node->changes.list[i];
        if (wish->state == CHANGES_TAKEN) {
            wish->state = CHANGES_NEW;
            wish->maybe = wish->maybe || maybe;
            wish->forward = wish->forward || forward;
        }
    }
    node->work = true;
}

void changes_deliver(struct node *node) {
    struct changes *changes = &node->changes;
    change_lead_settle(node);
    for (size_t i = 0; i < changes->count;) {
        struct changes_wish *wish = changes->list[i];
        if (wish->state != CHANGES_ENDED) {
            i++;
            continue;
        }
        /* Taken out before it is answered: a callback may add to the list, which may move then. */
        changes->list[i] = changes->list[--changes->count];
        if (wish->done != NULL) {
            wish->done(wish->context, &wish->answer);
        }
        free(wish);
    }
}

/* -- The leader -- */

static void take(struct node *node, struct changes_wish *wish) {
    struct problem problem = {.code = PROBLEM_NONE};
    if (change_lead_is_unclear(node)) {
        return; /* Until an entry of this term is committed, nobody knows what is. */
    }
    if (change_lead_is_busy(node)) {
        if (change_lead_is_for(node, &wish->change)) {
            wish->state = CHANGES_TAKEN;
            return;
        }
        problem_set(&problem, PROBLEM_CHANGE_IN_PROGRESS, false, "another change of the members is under way");
        fail(wish, &problem);
    } else if (!change_lead_take(node, &wish->change, &problem)) {
        fail(wish, &problem);
    } else if (change_lead_is_busy(node)) {
        wish->state = CHANGES_TAKEN;
    } else {
        succeed_here(node, wish);
    }
}

/* -- Elsewhere -- */

static void pass_on(struct node *node, struct changes_wish *wish) {
    const struct members_member *leader = roster_find(&node->roster, node_leader(node));
    if (leader == NULL) {
        return;
    }
    uint64_t timeout_ms = wish->deadline_ms - node->now_ms;
    struct message_request request;
    request.kind = MESSAGE_CHANGE;
    request.round = 0;
    request.change = (struct message_change){.change = wish->change, .forward = false, .timeout_ms = timeout_ms};
    wish->state = CHANGES_PASSED;
    calls_send(node, leader, &request, wish->ticket, (uint32_t)timeout_ms + MARGIN_MS);
}

/* Whoever was asked leads no more, or not yet. */
static bool is_to_be_asked_again(const struct problem *problem) {
    return problem->code == PROBLEM_NOT_LEADER || problem->code == PROBLEM_NO_LEADER ||
           problem->code == PROBLEM_NOT_READY || problem->code == PROBLEM_SHUTTING_DOWN ||
           problem->code == PROBLEM_LEADERSHIP_LOST || problem->code == PROBLEM_WRONG_CLUSTER;
}

void changes_answered(struct node *node, uint64_t ticket, enum transport_end end, const struct message_answer *answer,
                      const char *why) {
    struct changes_wish *wish = find(&node->changes, ticket);
    (void)why;
    if (wish == NULL || wish->state != CHANGES_PASSED) {
        return;
    }
    node->work = true;
    if (answer == NULL || is_to_be_asked_again(&answer->problem)) {
        wish->state = CHANGES_NEW;
        wish->maybe = wish->maybe || (answer == NULL ? end != TRANSPORT_NOT_SENT : answer->problem.outcome_unknown);
        wish->retry_ms = node->now_ms + node->options.heartbeat_ms;
    } else if (answer->problem.code != PROBLEM_NONE) {
        fail(wish, &answer->problem);
    } else {
        succeed(wish, answer->change.index, &answer->change.members);
    }
}

/* -- All -- */

static void overdue(struct node *node, struct changes_wish *wish) {
    bool started = wish->state != CHANGES_NEW;
    struct problem problem;
    if (node->shutting_down) {
        problem_set(&problem, PROBLEM_SHUTTING_DOWN, started, "node %" PRIu64 " is shutting down", node->options.id);
    } else if (started || node_leader(node) != 0) {
        problem_set(&problem, PROBLEM_TIMEOUT, started, "the change of the members was not %s in time%s",
                    started ? "done" : "begun", started ? "; it goes on" : "");
    } else {
        problem_set(&problem, PROBLEM_NO_LEADER, false, "node %" PRIu64 " knows no leader; an election may be under way",
                    node->options.id);
    }
    fail(wish, &problem);
}

static bool is_over(const struct node *node, const struct changes_wish *wish) {
    if (node->shutting_down && (wish->state == CHANGES_NEW || node->now_ms >= node->shut_down_deadline_ms)) {
        return true;
    }
    return node->now_ms >= wish->deadline_ms;
}

/* Nobody who leads is needed to see that this cannot be done, and there may never be one (§3.8). */
static bool is_hopeless(const struct node *node, const struct change *change, struct problem *out_problem) {
    const struct members *members = &roster_current(&node->roster)->members;
    struct members target;
    return change->kind == CHANGE_REPLACE && node_leader(node) == 0 && change_is_settled(members) &&
           !change_target(change, members, &target, out_problem);
}

static void refuse(struct node *node, struct changes_wish *wish) {
    struct problem problem;
    if (node_leader(node) == 0) {
        overdue(node, wish);
        return;
    }
    problem_set(&problem, PROBLEM_NOT_LEADER, false, "node %" PRIu64 " is not the leader, node %" PRIu64 " is",
                node->options.id, node_leader(node));
    fail(wish, &problem);
}

static void step(struct node *node, struct changes_wish *wish) {
    struct problem problem;
    if (wish->state == CHANGES_ENDED) {
        return;
    }
    if (is_over(node, wish)) {
        overdue(node, wish);
    } else if (wish->state != CHANGES_NEW) {
        return;
    } else if (node_is_leader(node)) {
        take(node, wish);
    } else if (node->core != NULL && is_hopeless(node, &wish->change, &problem)) {
        fail(wish, &problem);
    } else if (!wish->forward) {
        refuse(node, wish);
    } else if (node_leader(node) != 0 && node->now_ms >= wish->retry_ms) {
        pass_on(node, wish);
    }
}

void changes_turn(struct node *node) {
    change_lead_turn(node);
    for (size_t i = 0; i < node->changes.count; i++) {
        step(node, node->changes.list[i]);
    }
    change_lead_turn(node); /* What was taken begins at once. */
}

uint64_t changes_deadline_ms(const struct node *node) {
    uint64_t deadline = change_lead_deadline_ms(node);
    for (size_t i = 0; i < node->changes.count; i++) {
        const struct changes_wish *wish = node->changes.list[i];
        deadline = wish->deadline_ms < deadline ? wish->deadline_ms : deadline;
        if (wish->state == CHANGES_NEW && wish->retry_ms > node->now_ms && wish->retry_ms < deadline) {
            deadline = wish->retry_ms;
        }
    }
    return deadline;
}

/* -- A peer's wish -- */

struct asker {
    struct node *node;
    uint64_t ticket;
    raft_round round;
};

static void answer_asker(void *context, const struct node_change_answer *ended) {
    struct asker *asker = context;
    if (ended->problem.code != PROBLEM_NONE) {
        node_reply_problem(asker->node, asker->ticket, MESSAGE_CHANGE, asker->round, &ended->problem);
    } else {
        struct message_answer answer = node_answer_to(asker->node, MESSAGE_CHANGE, asker->round);
        answer.change.index = ended->index;
        answer.change.members = ended->members;
        node_reply(asker->node, asker->ticket, &answer);
    }
    free(asker);
}

void changes_receive(struct node *node, const struct message_request *request, uint64_t ticket) {
    const struct message_change *wanted = &request->change;
    struct asker *asker = memory_alloc(sizeof *asker);
    *asker = (struct asker){node, ticket, request->round};
    if (wanted->change.kind == CHANGE_MOVE && wanted->change.own) {
        contacts_moved(node, change_subject(&wanted->change)); /* Whoever is to lead may have to find it first. */
    }
    uint64_t timeout_ms = wanted->timeout_ms < NODE_TIMEOUT_MAX_MS ? wanted->timeout_ms : (uint64_t)NODE_TIMEOUT_MAX_MS;
    changes_add(node, &wanted->change, (uint32_t)timeout_ms, wanted->forward, answer_asker, asker);
}
