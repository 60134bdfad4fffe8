#include "server/proposals.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_SLACK = 4096 };

/* -- Lists -- */

void proposal_list_push(struct proposal_list *list, struct proposal *proposal) {
    proposal->next = NULL;
    if (list->tail == NULL) {
        list->head = proposal;
    } else {
        list->tail->next = proposal;
    }
    list->tail = proposal;
}

struct proposal *proposal_list_pop(struct proposal_list *list) {
    struct proposal *proposal = list->head;
    if (proposal != NULL) {
        list->head = proposal->next;
        if (list->head == NULL) {
            list->tail = NULL;
        }
        proposal->next = NULL;
    }
    return proposal;
}

/* Moves all out of `from` that `wanted` names, in order; the others stay. */
static struct proposal_list take_if(struct proposal_list *from,
                                    bool (*wanted)(const struct node *, const struct proposal *), const struct node *node) {
    struct proposal_list taken = {0};
    struct proposal_list kept = {0};
    struct proposal *proposal;
    while ((proposal = proposal_list_pop(from)) != NULL) {
        proposal_list_push(wanted(node, proposal) ? &taken : &kept, proposal);
    }
    *from = kept;
    return taken;
}

static void destroy(struct proposal *proposal) {
    buffer_release(proposal->body);
    json_writer_discard(&proposal->results);
    free(proposal->commands);
    free(proposal->origins);
    free(proposal->lines);
    free(proposal);
}

void proposals_clear(struct proposals *proposals) {
    struct proposal_list *lists[] = {&proposals->queued, &proposals->appended, &proposals->finished};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct proposal *proposal;
        while ((proposal = proposal_list_pop(lists[i])) != NULL) {
            destroy(proposal);
        }
    }
}

/* -- The life of one -- */

static void move(struct json_span *span, char **at) {
    if (span->size > 0) {
        memcpy(*at, span->data, span->size);
        span->data = *at;
        *at += span->size;
    }
}

/* A body much larger than its commands (white space) would stay in memory as long as their entries do: what counts is
 * copied out of it. */
static struct buffer *keep_body(struct buffer *body, struct proposal *proposal) {
    if (body->size <= 2 * proposal->bytes + BODY_SLACK) {
        return buffer_retain(body);
    }
    char *copy = memory_alloc(proposal->bytes);
    char *at = copy;
    for (size_t i = 0; i < proposal->count; i++) {
        move(&proposal->commands[i], &at);
        if (proposal->origins != NULL) {
            move(&proposal->origins[i].key, &at);
        }
    }
    return buffer_take(copy, proposal->bytes);
}

static size_t count_bytes(const struct proposal *proposal) {
    size_t bytes = 0;
    for (size_t i = 0; i < proposal->count; i++) {
        bytes += proposal->commands[i].size + (proposal->origins == NULL ? 0 : proposal->origins[i].key.size);
    }
    return bytes;
}

static struct proposal *create(struct node *node, const struct proposal_content *content) {
    size_t count = content->count;
    assert(count > 0);
    struct proposal *proposal = memory_zalloc(sizeof *proposal);
    proposal->ticket = node_new_number(node);
    proposal->commands = memory_copy(content->commands, count * sizeof *content->commands);
    if (content->origins != NULL) {
        proposal->origins = memory_copy(content->origins, count * sizeof *content->origins);
    }
    proposal->count = count;
    proposal->lines = memory_alloc(count * sizeof *proposal->lines);
    proposal->bytes = count_bytes(proposal);
    proposal->body = keep_body(content->body, proposal);
    return proposal;
}

static void refuse_shutting_down(struct node *node, struct proposal *proposal) {
    struct problem problem;
    problem_set(&problem, PROBLEM_SHUTTING_DOWN, false, "node %" PRIu64 " is shutting down", node->options.id);
    proposals_fail(node, proposal, &problem);
}

uint64_t proposals_add(struct node *node, const struct proposal_content *content, uint32_t timeout_ms, bool forward,
                       node_propose_done done, void *context) {
    struct proposals *proposals = &node->proposals;
    struct proposal *proposal = create(node, content);
    size_t count = proposal->count;
    proposal->deadline_ms = node->now_ms + timeout_ms;
    proposal->forward = forward;
    proposal->done = done;
    proposal->context = context;
    bool full = !proposals_has_room(node, count, proposal->bytes, 0);
    proposals->commands_waiting += count;
    proposals->bytes_waiting += proposal->bytes;
    node->work = true;
    uint64_t ticket = proposal->ticket;
    if (node->shutting_down) {
        refuse_shutting_down(node, proposal);
    } else if (standing_is_removed(node)) {
        struct problem problem;
        standing_removed_problem(node, &problem);
        proposals_fail(node, proposal, &problem);
    } else if (intake_bars_commands(node)) {
        struct problem problem;
        intake_problem(node, &problem);
        proposals_fail(node, proposal, &problem);
    } else if (full) {
        struct problem problem;
        problem_set(&problem, PROBLEM_OVERLOADED, false, "too many commands wait on node %" PRIu64 "; try again soon",
                    node->options.id);
        proposals_fail(node, proposal, &problem);
    } else {
        proposal_list_push(&proposals->queued, proposal);
    }
    return ticket;
}

void proposals_resolve(struct proposals *proposals, struct proposal *proposal, const struct message_line *line) {
    assert(proposal->resolved < proposal->count);
    struct message_line *own = &proposal->lines[proposal->resolved++];
    *own = *line;
    size_t size = line->result.size;
    bool one_too_many = proposal->results.size > 0 && size > PROPOSALS_RESULTS_MAX - proposal->results.size;
    bool many = proposals->results_bytes > 3 * (uint64_t)PROPOSALS_RESULTS_MAX;
    if (size > 0 && (one_too_many || many || proposal->done == NULL)) {
        own->omitted = true;
        own->result = (struct json_span){0};
        return;
    }
    proposals->results_bytes += size;
    /* Where results lie is known when the last one is there: the buffer may move until then. */
    own->result.data = NULL;
    json_write_bytes(&proposal->results, line->result.data, line->result.size);
}

void proposals_finish(struct node *node, struct proposal *proposal) {
    assert(proposal->resolved == proposal->count);
    size_t at = 0;
    for (size_t i = 0; i < proposal->count; i++) {
        struct json_span *result = &proposal->lines[i].result;
        if (result->size > 0) {
            result->data = proposal->results.data + at;
        }
        at += result->size;
    }
    assert(node->proposals.commands_waiting >= proposal->count);
    node->proposals.commands_waiting -= proposal->count;
    node->proposals.bytes_waiting -= proposal->bytes;
    proposals_learn(node, proposal);
    proposal_list_push(&node->proposals.finished, proposal);
}

void proposals_fail(struct node *node, struct proposal *proposal, const struct problem *problem) {
    struct message_line line = {.problem = *problem};
    while (proposal->resolved < proposal->count) {
        proposals_resolve(&node->proposals, proposal, &line);
    }
    proposals_finish(node, proposal);
}

void proposals_answer_early(struct node *node, struct proposal *proposal, const struct problem *problem) {
    struct proposal *told = memory_zalloc(sizeof *told);
    *told = (struct proposal){
        .ticket = proposal->ticket,
        .count = proposal->count,
        .lines = memory_alloc(proposal->count * sizeof *told->lines),
        .done = proposal->done,
        .context = proposal->context,
    };
    proposal->done = NULL;
    node->proposals.commands_waiting += told->count; /* Finishing takes them off; the proposal itself still counts. */
    proposals_fail(node, told, problem);
}

void proposals_requeue(struct node *node, struct proposal *proposal) {
    assert(proposal->resolved == 0);
    if (node->shutting_down) {
        refuse_shutting_down(node, proposal);
        return;
    }
    proposal_list_push(&node->proposals.queued, proposal);
    node->work = true;
}

void proposals_deliver(struct node *node) {
    struct proposal *proposal;
    while ((proposal = proposal_list_pop(&node->proposals.finished)) != NULL) {
        if (proposal->done != NULL) {
            proposal->done(proposal->context, proposal->lines, proposal->count);
        }
        node->proposals.results_bytes -= proposal->results.size;
        destroy(proposal);
    }
}

static bool cancel_in(const struct proposal_list *list, uint64_t ticket) {
    for (struct proposal *proposal = list->head; proposal != NULL; proposal = proposal->next) {
        if (proposal->ticket == ticket) {
            proposal->done = NULL;
            return true;
        }
    }
    return false;
}

bool proposals_cancel(struct node *node, uint64_t ticket) {
    struct proposals *proposals = &node->proposals;
    return cancel_in(&proposals->queued, ticket) || cancel_in(&proposals->appended, ticket) ||
           cancel_in(&proposals->finished, ticket) || forwards_cancel(node, ticket);
}

/* -- On the leader -- */

/* All that is queued becomes one batch of entries (one write, one AppendEntries per follower). A leader that is not in the
 * newest configuration appends no more (§4.2.2): then they wait for the next one. */
static void append_all(struct node *node) {
    struct proposals *proposals = &node->proposals;
    struct proposal *proposal;
    cluster_clock_see(&node->clock, sessions_time_ms(node->applier.sessions)); /* It may come from a snapshot. */
    uint64_t time_ms = cluster_clock_stamp(&node->clock, node->now_ms);
    while ((proposal = proposals->queued.head) != NULL) {
        struct problem no_room;
        if (!disk_space_admit(node, proposal->count, proposal->bytes, &no_room)) {
            proposals_fail(node, proposal_list_pop(&proposals->queued), &no_room);
            continue;
        }
        struct raft_entry *entries = memory_zalloc(proposal->count * sizeof *entries);
        for (size_t i = 0; i < proposal->count; i++) {
            struct origin plain = origin_plain();
            origin_to_entry(proposal->origins == NULL ? &plain : &proposal->origins[i], &entries[i]);
            entries[i].time_ms = time_ms;
            entries[i].size = (uint32_t)proposal->commands[i].size;
            entries[i].data = entries[i].size == 0 ? NULL : proposal->commands[i].data;
            entries[i].buffer = entries[i].size == 0 ? NULL : proposal->body;
        }
        bool appended = raft_propose(node->core, entries, proposal->count);
        if (appended) {
            proposal->term = entries[0].id.term;
            proposal->first_index = entries[0].id.index;
            proposal->moved_ms = node->now_ms;
            proposal_list_push(&proposals->appended, proposal_list_pop(&proposals->queued));
        }
        free(entries);
        if (!appended) {
            return;
        }
    }
}

static bool covers(const struct proposal *proposal, raft_index index) {
    return index >= proposal->first_index && index - proposal->first_index < proposal->count;
}

static void resolve_at(struct proposals *proposals, struct proposal *proposal, const struct raft_entry *entry,
                       const struct message_line *outcome) {
    /* Lines are resolved in order of index; a gap would mean that an index was applied without being seen here. */
    assert(entry->id.index == proposal->first_index + proposal->resolved);
    if (entry->id.term == proposal->term) {
        proposals_resolve(proposals, proposal, outcome);
        return;
    }
    struct message_line lost = {.id = entry->id};
    problem_set(&lost.problem, PROBLEM_LEADERSHIP_LOST, false,
                "another entry was committed at index %" PRIu64 " in term %" PRIu64, entry->id.index, entry->id.term);
    proposals_resolve(proposals, proposal, &lost);
}

static bool is_resolved(const struct node *node, const struct proposal *proposal) {
    (void)node;
    return proposal->resolved == proposal->count;
}

void proposals_applied(struct node *node, const struct raft_entry *entry, const struct message_line *outcome) {
    struct proposals *proposals = &node->proposals;
    size_t done = 0;
    for (struct proposal *proposal = proposals->appended.head; proposal != NULL; proposal = proposal->next) {
        if (covers(proposal, entry->id.index)) {
            resolve_at(proposals, proposal, entry, outcome);
            done += is_resolved(node, proposal) ? 1 : 0;
        } else if (proposal->term == proposals->appended.tail->term) {
            break; /* All that follow wait for higher indexes. */
        }
    }
    for (; done > 0 && is_resolved(node, proposals->appended.head); done--) {
        proposals_finish(node, proposal_list_pop(&proposals->appended));
    }
    if (done > 0) {
        /* Those of an earlier term, lost, may wait in front of it for higher indexes. */
        struct proposal_list resolved = take_if(&proposals->appended, is_resolved, node);
        struct proposal *proposal;
        while ((proposal = proposal_list_pop(&resolved)) != NULL) {
            proposals_finish(node, proposal);
        }
    }
}

void proposals_passed_over(struct node *node, raft_index through) {
    struct message_line line = {.problem = {.code = PROBLEM_NONE}};
    problem_set(&line.problem, PROBLEM_LEADERSHIP_LOST, true,
                "node %" PRIu64 " lost leadership, and has a snapshot now in the place of what became of the command",
                node->options.id);
    for (struct proposal *proposal = node->proposals.appended.head; proposal != NULL; proposal = proposal->next) {
        while (!is_resolved(node, proposal) && proposal->first_index + proposal->resolved <= through) {
            proposals_resolve(&node->proposals, proposal, &line);
        }
    }
    struct proposal_list resolved = take_if(&node->proposals.appended, is_resolved, node);
    struct proposal *proposal;
    while ((proposal = proposal_list_pop(&resolved)) != NULL) {
        proposals_finish(node, proposal);
    }
}

/* -- Time, and leadership lost -- */

bool proposals_is_overdue(const struct node *node, const struct proposal *proposal) {
    return node->now_ms >= proposal->deadline_ms || (node->shutting_down && node->now_ms >= node->shut_down_deadline_ms);
}

void proposals_time_out_problem(const struct node *node, const struct proposal *proposal, bool entered_log,
                                struct problem *out_problem) {
    raft_node_id leader = node_leader(node);
    if (node->shutting_down && node->now_ms >= node->shut_down_deadline_ms) {
        problem_set(out_problem, PROBLEM_SHUTTING_DOWN, entered_log, "node %" PRIu64 " is shutting down", node->options.id);
    } else if (proposal->lost) {
        problem_set(out_problem, PROBLEM_LEADERSHIP_LOST, entered_log,
                    "node %" PRIu64 " lost leadership of term %" PRIu64 " before the command was committed",
                    node->options.id, proposal->term);
    } else if (entered_log || leader != 0) {
        problem_set(out_problem, PROBLEM_TIMEOUT, entered_log, "the command was not committed and applied in time");
    } else if (node->core == NULL) {
        problem_set(out_problem, PROBLEM_NO_LEADER, false, "node %" PRIu64 " waits for its cluster to form",
                    node->options.id);
    } else {
        problem_set(out_problem, PROBLEM_NO_LEADER, false,
                    "node %" PRIu64 " knows no leader in term %" PRIu64 "; an election may be under way", node->options.id,
                    raft_current_term(node->core));
    }
}

/* When leadership of their term is over, whoever waits learns the outcome soon (the next leader commits the entry or
 * another one there) or not for a long time: waits two election time-outs more. */
static void mark_lost(struct node *node) {
    bool leading = node_is_leader(node);
    uint64_t patience = node->now_ms + 2 * (uint64_t)node->options.election_timeout_ms;
    for (struct proposal *proposal = node->proposals.appended.head; proposal != NULL; proposal = proposal->next) {
        if (!proposal->lost && !(leading && proposal->term == raft_current_term(node->core))) {
            proposal->lost = true;
            proposal->deadline_ms = proposal->deadline_ms < patience ? proposal->deadline_ms : patience;
        }
    }
}

static void end_overdue(struct node *node, struct proposal_list *list, bool entered_log) {
    if (list->head == NULL) {
        return;
    }
    struct proposal_list over = take_if(list, proposals_is_overdue, node);
    struct proposal *proposal;
    while ((proposal = proposal_list_pop(&over)) != NULL) {
        struct problem problem;
        proposals_time_out_problem(node, proposal, entered_log, &problem);
        proposals_fail(node, proposal, &problem);
    }
}

static bool must_not_be_forwarded(const struct node *node, const struct proposal *proposal) {
    (void)node;
    return !proposal->forward;
}

static void refuse_unforwardable(struct node *node) {
    struct proposal_list refused = take_if(&node->proposals.queued, must_not_be_forwarded, node);
    raft_node_id leader = node_leader(node);
    struct proposal *proposal;
    while ((proposal = proposal_list_pop(&refused)) != NULL) {
        struct problem problem;
        if (leader != 0) {
            problem_set(&problem, PROBLEM_NOT_LEADER, false, "node %" PRIu64 " is not the leader, node %" PRIu64 " is",
                        node->options.id, leader);
        } else {
            proposals_time_out_problem(node, proposal, false, &problem);
        }
        proposals_fail(node, proposal, &problem);
    }
}

void proposals_turn(struct node *node) {
    struct proposals *proposals = &node->proposals;
    if (proposals->queued.head != NULL) {
        if (node_is_leader(node)) {
            /* Held while leadership is handed over (§3.10) and while this leader leaves the cluster (§4.2.2): soon they go
             * to the next leader, or into this log after all. */
            if (raft_accepts(node->core)) {
                append_all(node);
            }
        } else {
            refuse_unforwardable(node);
            forwards_turn(node);
        }
    }
    if (node->core != NULL) {
        mark_lost(node);
    }
    forwards_end_overdue(node);
    end_overdue(node, &proposals->queued, false);
    end_overdue(node, &proposals->appended, true);
}

void proposals_shut_down(struct node *node) {
    struct proposal *proposal;
    while ((proposal = proposal_list_pop(&node->proposals.queued)) != NULL) {
        refuse_shutting_down(node, proposal);
    }
}

uint64_t proposals_deadline_ms(const struct node *node) {
    uint64_t deadline = UINT64_MAX;
    const struct proposal_list *lists[] = {&node->proposals.queued, &node->proposals.appended};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const struct proposal *proposal = lists[i]->head; proposal != NULL; proposal = proposal->next) {
            deadline = proposal->deadline_ms < deadline ? proposal->deadline_ms : deadline;
        }
    }
    return deadline;
}
