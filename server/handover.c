#include "server/handover.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* The leader's answer travels: it gets this much longer than the client waits. */
enum { MARGIN_MS = 500 };

void handover_clear(struct handover *handover) {
    free(handover->list);
    *handover = (struct handover){0};
}

static void fail(struct handover_wish *wish, const struct problem *problem) {
    wish->state = HANDOVER_ENDED;
    wish->answer = (struct node_transfer_answer){.problem = *problem};
}

uint64_t handover_add(struct node *node, raft_node_id to, uint32_t timeout_ms, bool forward, node_transfer_done done,
                      void *context) {
    struct handover *handover = &node->handover;
    handover->list = memory_grow(handover->list, &handover->capacity, handover->count + 1, sizeof *handover->list);
    struct handover_wish *wish = &handover->list[handover->count++];
    *wish = (struct handover_wish){
        .ticket = node_new_number(node),
        .to = to,
        .forward = forward,
        .deadline_ms = node->now_ms + timeout_ms,
        .done = done,
        .context = context,
    };
    node->work = true;
    if (standing_is_removed(node)) {
        struct problem problem;
        standing_removed_problem(node, &problem);
        fail(wish, &problem);
    }
    return wish->ticket;
}

static struct handover_wish *find(struct handover *handover, uint64_t ticket) {
    for (size_t i = 0; i < handover->count; i++) {
        if (handover->list[i].ticket == ticket) {
            return &handover->list[i];
        }
    }
    return NULL;
}

bool handover_cancel(struct handover *handover, uint64_t ticket) {
    struct handover_wish *wish = find(handover, ticket);
    if (wish != NULL) {
        wish->done = NULL;
    }
    return wish != NULL;
}

static void succeed(struct handover_wish *wish, raft_node_id leader, raft_term term) {
    wish->state = HANDOVER_ENDED;
    wish->answer = (struct node_transfer_answer){.leader = leader, .term = term};
}

void handover_deliver(struct node *node) {
    struct handover *handover = &node->handover;
    for (size_t i = 0; i < handover->count;) {
        struct handover_wish wish = handover->list[i];
        if (wish.state != HANDOVER_ENDED) {
            i++;
            continue;
        }
        /* Taken out before it is answered: a callback may add to the list, which may move then. */
        handover->list[i] = handover->list[--handover->count];
        if (wish.done != NULL) {
            wish.done(wish.context, &wish.answer);
        }
    }
}

/* -- The leader -- */

static void start(struct node *node, struct handover_wish *wish) {
    struct problem problem;
    if (wish->to == node->options.id && raft_transferring(node->core) == 0) {
        succeed(wish, wish->to, raft_current_term(node->core));
        return;
    }
    const struct members_member *target = members_find(&roster_current(&node->roster)->members, wish->to);
    if (wish->to != 0 && (target == NULL || !target->voter)) {
        problem_set(&problem, PROBLEM_CONFLICT, false, "node %" PRIu64 " is no voter of this cluster", wish->to);
        fail(wish, &problem);
    } else if (raft_transferring(node->core) != 0) {
        problem_set(&problem, PROBLEM_CONFLICT, false, "leadership is being handed over to node %" PRIu64 " already",
                    raft_transferring(node->core));
        fail(wish, &problem);
    } else if (raft_transfer(node->core, wish->to)) {
        wish->state = HANDOVER_STARTED;
        wish->term = raft_current_term(node->core);
        node->work = true; /* The consensus module has actions for it. */
    } else {
        problem_set(&problem, PROBLEM_CONFLICT, false, "no other voter has been heard lately");
        fail(wish, &problem);
    }
}

static void settle_started(struct node *node, struct handover_wish *wish) {
    raft_node_id leader = node_leader(node);
    raft_term term = raft_current_term(node->core);
    struct problem problem;
    if (leader == 0 || raft_transferring(node->core) != 0) {
        return; /* The target catches up, or the election is under way. */
    }
    if (term == wish->term) {
        problem_set(&problem, PROBLEM_TIMEOUT, true,
                    "nobody took over within an election time-out; node %" PRIu64 " still leads term %" PRIu64, leader,
                    term);
        fail(wish, &problem);
    } else if (wish->to == 0 ? leader == node->options.id : leader != wish->to) {
        problem_set(&problem, PROBLEM_CONFLICT, true, "the election was won by node %" PRIu64 ", in term %" PRIu64, leader,
                    term);
        fail(wish, &problem);
    } else {
        succeed(wish, leader, term);
    }
}

/* -- Elsewhere -- */

static void pass_on(struct node *node, struct handover_wish *wish) {
    const struct members_member *leader = members_find(&roster_current(&node->roster)->members, node_leader(node));
    if (leader == NULL) {
        return;
    }
    uint64_t timeout_ms = wish->deadline_ms - node->now_ms;
    struct message_request request;
    request.kind = MESSAGE_TRANSFER;
    request.round = 0;
    request.transfer = (struct message_transfer){.to = wish->to, .timeout_ms = timeout_ms};
    wish->state = HANDOVER_PASSED;
    calls_send(node, leader, &request, wish->ticket, (uint32_t)timeout_ms + MARGIN_MS);
}

/* Whoever was asked has started nothing. */
static bool is_surely_not_started(const struct problem *problem) {
    return !problem->outcome_unknown && (problem->code == PROBLEM_NOT_LEADER || problem->code == PROBLEM_NO_LEADER ||
                                         problem->code == PROBLEM_NOT_READY || problem->code == PROBLEM_SHUTTING_DOWN);
}

void handover_answered(struct node *node, uint64_t ticket, enum transport_end end, const struct message_answer *answer,
                       const char *why) {
    struct handover_wish *wish = find(&node->handover, ticket);
    if (wish == NULL || wish->state != HANDOVER_PASSED) {
        return;
    }
    struct problem problem;
    if (end == TRANSPORT_NOT_SENT || (answer != NULL && is_surely_not_started(&answer->problem))) {
        wish->state = HANDOVER_NEW;
        wish->retry_ms = node->now_ms + node->options.heartbeat_ms;
    } else if (answer == NULL) {
        problem_set(&problem, PROBLEM_LEADERSHIP_LOST, true, "the connection to the leader failed (%s)", why);
        fail(wish, &problem);
    } else if (answer->problem.code != PROBLEM_NONE) {
        fail(wish, &answer->problem);
    } else {
        succeed(wish, answer->transfer.leader, answer->transfer.term);
    }
    node->work = true;
}

/* -- All -- */

static void overdue(struct node *node, struct handover_wish *wish) {
    bool started = wish->state != HANDOVER_NEW;
    struct problem problem;
    if (node->shutting_down) {
        problem_set(&problem, PROBLEM_SHUTTING_DOWN, started, "node %" PRIu64 " is shutting down", node->options.id);
    } else if (started) {
        problem_set(&problem, PROBLEM_TIMEOUT, true, "leadership was not handed over in time");
    } else {
        problem_set(&problem, PROBLEM_NO_LEADER, false, "node %" PRIu64 " knows no leader; an election may be under way",
                    node->options.id);
    }
    fail(wish, &problem);
}

static bool is_over(const struct node *node, const struct handover_wish *wish) {
    if (node->shutting_down && (wish->state == HANDOVER_NEW || node->now_ms >= node->shut_down_deadline_ms)) {
        return true;
    }
    return node->now_ms >= wish->deadline_ms;
}

static void refuse(struct node *node, struct handover_wish *wish) {
    struct problem problem;
    if (node_leader(node) == 0) {
        overdue(node, wish);
        return;
    }
    problem_set(&problem, PROBLEM_NOT_LEADER, false, "node %" PRIu64 " is not the leader, node %" PRIu64 " is",
                node->options.id, node_leader(node));
    fail(wish, &problem);
}

static void step(struct node *node, struct handover_wish *wish) {
    if (wish->state == HANDOVER_STARTED) {
        settle_started(node, wish);
    }
    if (wish->state == HANDOVER_ENDED) {
        return;
    }
    if (is_over(node, wish)) {
        overdue(node, wish);
    } else if (wish->state == HANDOVER_NEW && node_is_leader(node)) {
        start(node, wish);
    } else if (wish->state == HANDOVER_NEW && !wish->forward) {
        refuse(node, wish);
    } else if (wish->state == HANDOVER_NEW && node_leader(node) != 0 && node->now_ms >= wish->retry_ms) {
        pass_on(node, wish);
    }
}

void handover_turn(struct node *node) {
    for (size_t i = 0; i < node->handover.count; i++) {
        step(node, &node->handover.list[i]);
    }
}

uint64_t handover_deadline_ms(const struct node *node) {
    uint64_t deadline = UINT64_MAX;
    for (size_t i = 0; i < node->handover.count; i++) {
        const struct handover_wish *wish = &node->handover.list[i];
        deadline = wish->deadline_ms < deadline ? wish->deadline_ms : deadline;
        if (wish->state == HANDOVER_NEW && wish->retry_ms > node->now_ms && wish->retry_ms < deadline) {
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

static void answer_asker(void *context, const struct node_transfer_answer *ended) {
    struct asker *asker = context;
    if (ended->problem.code != PROBLEM_NONE) {
        node_reply_problem(asker->node, asker->ticket, MESSAGE_TRANSFER, asker->round, &ended->problem);
    } else {
        struct message_answer answer = node_answer_to(asker->node, MESSAGE_TRANSFER, asker->round);
        answer.transfer.leader = ended->leader;
        answer.transfer.term = ended->term;
        node_reply(asker->node, asker->ticket, &answer);
    }
    free(asker);
}

void handover_receive(struct node *node, const struct message_request *request, uint64_t ticket) {
    struct asker *asker = memory_alloc(sizeof *asker);
    *asker = (struct asker){node, ticket, request->round};
    uint64_t timeout_ms = request->transfer.timeout_ms;
    timeout_ms = timeout_ms < NODE_TIMEOUT_MAX_MS ? timeout_ms : (uint64_t)NODE_TIMEOUT_MAX_MS;
    handover_add(node, request->transfer.to, (uint32_t)timeout_ms, false, answer_asker, asker);
}
