#include "server/forwards.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The leader's answer travels: it gets this much longer than the clients wait. */
enum { MARGIN_MS = 500 };

void forwards_init(struct node *node) {
    uint64_t run;
    node->io.random(node->io.random_context, &run, sizeof run);
    node->forwards.run = run % RAFT_NUMBER_MAX + 1;
}

void forwards_clear(struct forwards *forwards) {
    while (forwards->list != NULL) {
        struct forward *forward = forwards->list;
        forwards->list = forward->next;
        struct proposals gone = {.queued = forward->proposals};
        proposals_clear(&gone);
        free(forward);
    }
    free(forwards->senders);
    *forwards = (struct forwards){0};
}

/* -- The follower's side -- */

/* Takes proposals from the queue until one request is full. */
static struct forward *fill(struct node *node, size_t *out_count, uint64_t *out_deadline_ms) {
    struct forward *forward = memory_zalloc(sizeof *forward);
    forward->number = node_new_number(node);
    struct proposal_list *queued = &node->proposals.queued;
    size_t bytes = 0;
    *out_count = 0;
    *out_deadline_ms = node->now_ms;
    while (queued->head != NULL && (*out_count == 0 || bytes + queued->head->bytes <= FORWARDS_BYTES_MAX)) {
        struct proposal *proposal = proposal_list_pop(queued);
        bytes += proposal->bytes;
        proposal->moved_ms = node->now_ms;
        *out_count += proposal->count;
        if (proposal->deadline_ms > *out_deadline_ms) {
            *out_deadline_ms = proposal->deadline_ms;
        }
        proposal_list_push(&forward->proposals, proposal);
    }
    forward->next = node->forwards.list;
    node->forwards.list = forward;
    return forward;
}

/* NULL when all are plain, as most are. */
static struct origin *gather_origins(const struct proposal_list *list, size_t count) {
    struct origin *origins = NULL;
    size_t at = 0;
    for (const struct proposal *proposal = list->head; proposal != NULL; proposal = proposal->next) {
        if (proposal->origins != NULL && origins == NULL) {
            origins = memory_alloc(count * sizeof *origins);
            for (size_t i = 0; i < count; i++) {
                origins[i] = origin_plain();
            }
        }
        if (proposal->origins != NULL) {
            memcpy(origins + at, proposal->origins, proposal->count * sizeof *origins);
        }
        at += proposal->count;
    }
    return origins;
}

static void send_one(struct node *node, const struct members_member *leader, raft_term term) {
    size_t count;
    uint64_t deadline_ms;
    struct forward *forward = fill(node, &count, &deadline_ms);
    forward->to = leader->id;
    forward->term = term;
    struct json_span *commands = memory_alloc(count * sizeof *commands);
    struct origin *origins = gather_origins(&forward->proposals, count);
    size_t at = 0;
    for (const struct proposal *proposal = forward->proposals.head; proposal != NULL; proposal = proposal->next) {
        memcpy(commands + at, proposal->commands, proposal->count * sizeof *commands);
        at += proposal->count;
    }
    assert(at == count);
    uint64_t timeout_ms = deadline_ms - node->now_ms;
    struct message_request request;
    request.kind = MESSAGE_PROPOSE;
    request.round = 0;
    request.propose = (struct message_propose){
        .term = forward->term,
        .run = node->forwards.run,
        .sequence = ++node->forwards.next_sequence,
        .timeout_ms = timeout_ms,
        .count = count,
        .commands = commands,
        .origins = origins,
    };
    calls_send(node, leader, &request, forward->number, (uint32_t)timeout_ms + MARGIN_MS);
    free(origins);
    free(commands);
}

void forwards_turn(struct node *node) {
    struct forwards *forwards = &node->forwards;
    raft_term term;
    const struct members_member *leader = standing_leader(node, &term);
    if (leader == NULL ||
        (leader->id == forwards->refused_by && term == forwards->refused_term && node->now_ms < forwards->retry_ms)) {
        return;
    }
    while (node->proposals.queued.head != NULL) {
        send_one(node, leader, term);
    }
}

void forwards_end_overdue(struct node *node) {
    for (struct forward *forward = node->forwards.list; forward != NULL; forward = forward->next) {
        for (struct proposal *proposal = forward->proposals.head; proposal != NULL; proposal = proposal->next) {
            if (proposal->done != NULL && proposals_is_overdue(node, proposal)) {
                struct problem problem;
                proposals_time_out_problem(node, proposal, true, &problem);
                proposals_answer_early(node, proposal, &problem);
            }
        }
    }
}

static struct forward *take(struct forwards *forwards, uint64_t number) {
    for (struct forward **link = &forwards->list; *link != NULL; link = &(*link)->next) {
        if ((*link)->number == number) {
            struct forward *forward = *link;
            *link = forward->next;
            return forward;
        }
    }
    return NULL;
}

/* The request surely entered no log there: its proposals go back to the queue, for the next leader or a later try. */
static void requeue(struct node *node, struct forward *forward) {
    struct forwards *forwards = &node->forwards;
    forwards->refused_by = forward->to;
    forwards->refused_term = forward->term;
    forwards->retry_ms = node->now_ms + node->options.heartbeat_ms / 2 + 1;
    struct proposal *proposal;
    while ((proposal = proposal_list_pop(&forward->proposals)) != NULL) {
        proposals_requeue(node, proposal);
    }
}

static void fail_all(struct node *node, struct forward *forward, const struct problem *problem) {
    struct proposal *proposal;
    while ((proposal = proposal_list_pop(&forward->proposals)) != NULL) {
        proposals_fail(node, proposal, problem);
    }
}

static void hand_out(struct node *node, struct forward *forward, const struct message_line *lines, size_t count) {
    size_t at = 0;
    struct proposal *proposal;
    while ((proposal = proposal_list_pop(&forward->proposals)) != NULL) {
        while (proposal->resolved < proposal->count && at < count) {
            proposals_resolve(&node->proposals, proposal, &lines[at++]);
        }
        if (proposal->resolved == proposal->count) {
            proposals_finish(node, proposal);
        } else {
            struct problem problem;
            problem_set(&problem, PROBLEM_LEADERSHIP_LOST, true, "the leader answered for fewer commands than it was sent");
            proposals_fail(node, proposal, &problem);
        }
    }
}

/* Wrong cluster: sent to the leader's earlier incarnation, which has lost its disk; by now the members know the one that
 * answered. */
static bool is_surely_not_taken(enum problem_code code) {
    return code == PROBLEM_NOT_LEADER || code == PROBLEM_NO_LEADER || code == PROBLEM_NOT_READY ||
           code == PROBLEM_SHUTTING_DOWN || code == PROBLEM_WRONG_CLUSTER;
}

void forwards_ended(struct node *node, uint64_t number, enum transport_end end, const struct message_answer *answer,
                    const char *why) {
    struct forward *forward = take(&node->forwards, number);
    assert(forward != NULL);
    struct problem problem;
    if (end == TRANSPORT_NOT_SENT) {
        requeue(node, forward);
    } else if (end == TRANSPORT_BROKEN) {
        problem_set(&problem, PROBLEM_LEADERSHIP_LOST, true,
                    "the connection to the leader failed after the command was sent (%s)", why);
        fail_all(node, forward, &problem);
    } else if (answer->problem.code == PROBLEM_NONE) {
        hand_out(node, forward, answer->propose.lines, answer->propose.count);
    } else if (is_surely_not_taken(answer->problem.code) && !answer->problem.outcome_unknown) {
        requeue(node, forward);
    } else {
        fail_all(node, forward, &answer->problem);
    }
    free(forward);
}

bool forwards_cancel(struct node *node, uint64_t ticket) {
    for (struct forward *forward = node->forwards.list; forward != NULL; forward = forward->next) {
        for (struct proposal *proposal = forward->proposals.head; proposal != NULL; proposal = proposal->next) {
            if (proposal->ticket == ticket) {
                proposal->done = NULL;
                return true;
            }
        }
    }
    return false;
}

uint64_t forwards_deadline_ms(const struct node *node) {
    const struct forwards *forwards = &node->forwards;
    uint64_t deadline = UINT64_MAX;
    if (node->proposals.queued.head != NULL && forwards->retry_ms > node->now_ms) {
        deadline = forwards->retry_ms;
    }
    for (const struct forward *forward = forwards->list; forward != NULL; forward = forward->next) {
        for (const struct proposal *proposal = forward->proposals.head; proposal != NULL; proposal = proposal->next) {
            if (proposal->done != NULL && proposal->deadline_ms < deadline) {
                deadline = proposal->deadline_ms;
            }
        }
    }
    return deadline;
}

/* -- The leader's side -- */

static struct forwards_sender *find_sender(struct node *node, const struct message_address *address, uint64_t run) {
    struct forwards *forwards = &node->forwards;
    struct forwards_sender *oldest = NULL;
    for (size_t i = 0; i < forwards->sender_count; i++) {
        struct forwards_sender *sender = &forwards->senders[i];
        if (sender->id == address->from && sender->run == run &&
            strcmp(sender->incarnation, address->from_incarnation) == 0) {
            return sender;
        }
        if (oldest == NULL || sender->last_used_ms < oldest->last_used_ms) {
            oldest = sender;
        }
    }
    if (forwards->sender_count < FORWARDS_SENDERS) {
        forwards->senders = memory_realloc(forwards->senders, (forwards->sender_count + 1) * sizeof *forwards->senders);
        oldest = &forwards->senders[forwards->sender_count++];
    }
    *oldest = (struct forwards_sender){.id = address->from, .run = run};
    memcpy(oldest->incarnation, address->from_incarnation, sizeof oldest->incarnation);
    return oldest;
}

/* True the first time that this sequence number is seen. */
static bool take_once(struct node *node, const struct message_address *address, uint64_t run, uint64_t sequence) {
    struct forwards_sender *sender = find_sender(node, address, run);
    sender->last_used_ms = node->now_ms;
    if (sequence > sender->highest) {
        uint64_t first_new = sender->highest + 1;
        if (sequence - sender->highest >= FORWARDS_WINDOW) {
            memset(sender->taken, 0, sizeof sender->taken);
            first_new = sequence;
        }
        for (uint64_t i = first_new; i <= sequence; i++) {
            sender->taken[i % FORWARDS_WINDOW / 64] &= ~(UINT64_C(1) << (i % 64));
        }
        sender->highest = sequence;
    } else if (sender->highest - sequence >= FORWARDS_WINDOW) {
        return false;
    }
    uint64_t *word = &sender->taken[sequence % FORWARDS_WINDOW / 64];
    uint64_t bit = UINT64_C(1) << (sequence % 64);
    bool first_time = (*word & bit) == 0;
    *word |= bit;
    return first_time;
}

struct asker {
    struct node *node;
    uint64_t ticket;
    raft_round round;
};

static void answer_asker(void *context, const struct message_line *lines, size_t count) {
    struct asker *asker = context;
    const struct problem *first = &lines[0].problem;
    if (is_surely_not_taken(first->code) && !first->outcome_unknown) {
        /* Leadership was lost before the first was appended, so none was: the sender may ask the next leader. */
        node_reply_problem(asker->node, asker->ticket, MESSAGE_PROPOSE, asker->round, first);
    } else {
        struct message_answer answer = node_answer_to(asker->node, MESSAGE_PROPOSE, asker->round);
        answer.propose.count = count;
        answer.propose.lines = (struct message_line *)lines; /* Borrowed: the answer is only written. */
        node_reply(asker->node, asker->ticket, &answer);
    }
    free(asker);
}

void forwards_receive(struct node *node, const struct message_request *request, struct buffer *body, uint64_t ticket) {
    const struct message_propose *propose = &request->propose;
    struct problem problem;
    if (!node_is_leader(node) || raft_current_term(node->core) != propose->term) {
        problem_set(&problem, PROBLEM_NOT_LEADER, false, "node %" PRIu64 " does not lead term %" PRIu64, node->options.id,
                    propose->term);
        node_reply_problem(node, ticket, MESSAGE_PROPOSE, request->round, &problem);
        return;
    }
    if (!take_once(node, &request->address, propose->run, propose->sequence)) {
        problem_set(&problem, PROBLEM_LEADERSHIP_LOST, true,
                    "the leader took this request before, and its answer was lost");
        node_reply_problem(node, ticket, MESSAGE_PROPOSE, request->round, &problem);
        return;
    }
    struct asker *asker = memory_alloc(sizeof *asker);
    *asker = (struct asker){node, ticket, request->round};
    uint64_t timeout_ms = propose->timeout_ms < NODE_TIMEOUT_MAX_MS ? propose->timeout_ms : (uint64_t)NODE_TIMEOUT_MAX_MS;
    const struct proposal_content content = {
        .body = body, .commands = propose->commands, .origins = propose->origins, .count = propose->count};
    proposals_add(node, &content, (uint32_t)timeout_ms, false, answer_asker, asker);
}
