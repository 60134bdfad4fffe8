#include "server/reads.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

void reads_clear(struct reads *reads) {
    for (size_t i = 0; i < reads->count; i++) {
        buffer_release(reads->list[i].body);
    }
    free(reads->list);
    free(reads->peers);
    *reads = (struct reads){0};
}

uint64_t reads_add(struct node *node, struct buffer *body, struct json_span query, enum node_consistency consistency,
                   raft_index min_index, uint32_t timeout_ms, bool forward, node_query_done done, void *context) {
    struct reads *reads = &node->reads;
    reads->list = memory_grow(reads->list, &reads->capacity, reads->count + 1, sizeof *reads->list);
    struct reads_query *added = &reads->list[reads->count++];
    *added = (struct reads_query){
        .ticket = node_new_number(node),
        .state = consistency == NODE_STALE ? READS_WAITING : READS_NEW,
        .lease = consistency == NODE_LEASE,
        .forward = forward,
        .index = min_index,
        .deadline_ms = node->now_ms + (node->shutting_down ? 0 : timeout_ms),
        .body = buffer_retain(body),
        .query = query,
        .done = done,
        .context = context,
    };
    node->work = true;
    return added->ticket;
}

uint64_t reads_add_session(struct node *node, uint64_t session, uint32_t timeout_ms, bool forward, node_query_done done,
                           void *context) {
    uint64_t ticket =
        reads_add(node, NULL, (struct json_span){0}, NODE_LINEARIZABLE, 0, timeout_ms, forward, done, context);
    node->reads.list[node->reads.count - 1].session = session;
    return ticket;
}

bool reads_cancel(struct reads *reads, uint64_t ticket) {
    for (size_t i = 0; i < reads->count; i++) {
        if (reads->list[i].ticket == ticket) {
            reads->list[i].done = NULL;
            return true;
        }
    }
    return false;
}

/* -- Asking -- */

/* Here they may be asked for: on the leader all, elsewhere those that may be passed on. */
static bool may_ask(const struct reads_query *query, bool lease, bool leading) {
    return query->state == READS_NEW && query->lease == lease && (leading || query->forward);
}

static bool any_to_ask(const struct reads *reads, bool lease, bool leading) {
    for (size_t i = 0; i < reads->count; i++) {
        if (may_ask(&reads->list[i], lease, leading)) {
            return true;
        }
    }
    return false;
}

static uint64_t join_question(struct node *node, bool lease, bool leading) {
    struct reads *reads = &node->reads;
    uint64_t question = node_new_number(node);
    for (size_t i = 0; i < reads->count; i++) {
        if (may_ask(&reads->list[i], lease, leading)) {
            reads->list[i].state = READS_ASKING;
            reads->list[i].question = question;
        }
    }
    return question;
}

static void ask_module(struct node *node, uint64_t question, bool lease) {
    bool taken = lease ? raft_read_lease(node->core, question) : raft_read(node->core, question);
    assert(taken);
    (void)taken;
}

static size_t asks_out(const struct reads *reads, bool lease) {
    size_t count = 0;
    for (size_t i = 0; i < reads->ask_count; i++) {
        count += reads->asks[i].lease == lease ? 1 : 0;
    }
    return count;
}

static void ask_leader(struct node *node, const struct members_member *leader, bool lease) {
    struct reads *reads = &node->reads;
    uint64_t question = join_question(node, lease, false);
    reads->asks[reads->ask_count++] = (struct reads_ask){question, lease};
    struct message_request request;
    request.kind = MESSAGE_READ_INDEX;
    request.round = 0;
    request.lease = lease;
    calls_send(node, leader, &request, question, 2 * node->options.election_timeout_ms);
}

static void ask(struct node *node, bool lease) {
    struct reads *reads = &node->reads;
    bool leading = node_is_leader(node);
    if (!any_to_ask(reads, lease, leading)) {
        return;
    }
    if (leading) {
        ask_module(node, join_question(node, lease, true), lease);
        return;
    }
    const struct members_member *leader = roster_find(&node->roster, node_leader(node));
    if (leader != NULL && asks_out(reads, lease) < READS_ASKS_MAX && node->now_ms >= reads->retry_ms) {
        ask_leader(node, leader, lease);
    }
}

/* -- Answers to questions -- */

static void settle(struct reads *reads, uint64_t question, bool ok, raft_index index) {
    for (size_t i = 0; i < reads->count; i++) {
        struct reads_query *query = &reads->list[i];
        if (query->state != READS_ASKING || query->question != question) {
            continue;
        }
        query->state = ok ? READS_WAITING : READS_NEW;
        if (ok && index > query->index) {
            query->index = index;
        }
    }
}

static void answer_peer(struct node *node, const struct reads_peer *peer, bool ok, raft_index index) {
    if (!ok) {
        struct problem problem;
        problem_set(&problem, PROBLEM_NOT_LEADER, false, "node %" PRIu64 " is not the leader", node->options.id);
        node_reply_problem(node, peer->ticket, MESSAGE_READ_INDEX, peer->round, &problem);
        return;
    }
    struct message_answer answer = node_answer_to(node, MESSAGE_READ_INDEX, peer->round);
    answer.read_index = index;
    node_reply(node, peer->ticket, &answer);
}

static void ask_for_peers(struct node *node) {
    struct reads *reads = &node->reads;
    bool leading = node_is_leader(node);
    for (size_t i = 0; i < reads->peer_count;) {
        struct reads_peer *peer = &reads->peers[i];
        if (!peer->asked && !leading) {
            struct reads_peer refused = *peer;
            *peer = reads->peers[--reads->peer_count];
            answer_peer(node, &refused, false, 0);
            continue;
        }
        if (!peer->asked) {
            peer->asked = true;
            ask_module(node, peer->question, peer->lease);
        }
        i++;
    }
}

void reads_turn(struct node *node) {
    if (node->core != NULL) {
        ask_for_peers(node);
        ask(node, false);
        ask(node, true);
    }
}

void reads_confirmed(struct node *node, const struct raft_read_answer *answer) {
    struct reads *reads = &node->reads;
    for (size_t i = 0; i < reads->peer_count; i++) {
        if (reads->peers[i].question == answer->ticket) {
            struct reads_peer peer = reads->peers[i];
            reads->peers[i] = reads->peers[--reads->peer_count];
            answer_peer(node, &peer, answer->ok, answer->index);
            return;
        }
    }
    settle(reads, answer->ticket, answer->ok, answer->index);
    node->work = node->work || !answer->ok; /* They ask anew in the next turn. */
}

void reads_leader_answered(struct node *node, uint64_t question, bool ok, raft_index index) {
    struct reads *reads = &node->reads;
    size_t at = 0;
    while (at < reads->ask_count && reads->asks[at].question != question) {
        at++;
    }
    assert(at < reads->ask_count);
    reads->asks[at] = reads->asks[--reads->ask_count];
    if (!ok) {
        reads->retry_ms = node->now_ms + node->options.heartbeat_ms / 2 + 1;
    }
    settle(reads, question, ok, index);
    node->work = true;
}

void reads_receive(struct node *node, const struct message_request *request, uint64_t ticket) {
    struct reads *reads = &node->reads;
    struct reads_peer peer = {
        .question = node_new_number(node), .lease = request->lease, .ticket = ticket, .round = request->round};
    if (!node_is_leader(node)) {
        answer_peer(node, &peer, false, 0);
        return;
    }
    node->work = true;
    reads->peers = memory_grow(reads->peers, &reads->peer_capacity, reads->peer_count + 1, sizeof *reads->peers);
    reads->peers[reads->peer_count++] = peer;
}

/* -- Answers to queries -- */

static void write_session(const struct reads_query *query, const struct sessions_answer *last, struct json_writer *writer) {
    json_write_object_begin(writer);
    json_write_name(writer, "session");
    json_write_uint64(writer, query->session);
    json_write_name(writer, "seq");
    json_write_uint64(writer, last->sequence);
    if (last->sequence != 0) {
        json_write_name(writer, "index");
        json_write_uint64(writer, last->id.index);
        json_write_name(writer, "term");
        json_write_uint64(writer, last->id.term);
        json_write_name(writer, last->omitted ? "result_omitted" : "result");
        json_write_value(writer, last->omitted ? (struct json_span){"true", 4} : last->result);
    }
    json_write_object_end(writer);
}

static void query_session(struct node *node, const struct reads_query *query) {
    struct json_writer result = {0};
    struct sessions_answer last;
    struct node_query_answer answer = {.index = node->applier.applied.index, .term = node->applier.applied.term};
    if (sessions_last(node->applier.sessions, query->session, &last)) {
        write_session(query, &last, &result);
        answer.result = (struct json_span){result.data, result.size};
    } else {
        problem_set(&answer.problem, PROBLEM_SESSION_EXPIRED, false, "there is no session %" PRIu64 " (any more)",
                    query->session);
    }
    query->done(query->context, &answer);
    json_writer_discard(&result);
}

static void query_machine(struct node *node, const struct reads_query *query) {
    struct json_writer result = {0};
    const struct applier *applier = &node->applier;
    enum machine_verdict verdict =
        node->options.machine->query(applier->state, query->query.data, query->query.size, applier_output(&result));
    struct node_query_answer answer = {.index = applier->applied.index, .term = applier->applied.term};
    if (verdict == MACHINE_REFUSED) {
        problem_set(&answer.problem, PROBLEM_INVALID_COMMAND, false, "%.*s", (int)result.size,
                    result.size == 0 ? "" : result.data);
    } else {
        answer.result = (struct json_span){result.data, result.size};
    }
    query->done(query->context, &answer);
    json_writer_discard(&result);
}

static void overdue_problem(const struct node *node, const struct reads_query *query, struct problem *out_problem) {
    if (node->shutting_down) {
        problem_set(out_problem, PROBLEM_SHUTTING_DOWN, false, "node %" PRIu64 " is shutting down", node->options.id);
    } else if (node->core == NULL) {
        problem_set(out_problem, PROBLEM_NO_LEADER, false, "node %" PRIu64 " waits for its cluster to form",
                    node->options.id);
    } else if (query->state == READS_WAITING) {
        problem_set(out_problem, PROBLEM_TIMEOUT, false,
                    "node %" PRIu64 " has applied index %" PRIu64 " and did not reach %" PRIu64 " in time",
                    node->options.id, node->applier.applied.index, query->index);
    } else if (node_leader(node) == 0) {
        problem_set(out_problem, PROBLEM_NO_LEADER, false,
                    "node %" PRIu64 " knows no leader in term %" PRIu64 "; an election may be under way", node->options.id,
                    raft_current_term(node->core));
    } else {
        problem_set(out_problem, PROBLEM_TIMEOUT, false, "the leader did not confirm the read in time");
    }
}

/* True when the query must not wait any more; its problem is in `out_problem`. */
static bool is_over(const struct node *node, const struct reads_query *query, struct problem *out_problem) {
    if (node->now_ms >= query->deadline_ms || (node->shutting_down && node->now_ms >= node->shut_down_deadline_ms)) {
        overdue_problem(node, query, out_problem);
        return true;
    }
    if (diverged_is(node)) {
        diverged_problem(node, out_problem);
        return true;
    }
    if (query->state == READS_NEW && standing_is_removed(node)) {
        standing_removed_problem(node, out_problem);
        return true;
    }
    if (query->forward || query->state != READS_NEW || node_is_leader(node)) {
        return false;
    }
    if (node_leader(node) == 0) {
        overdue_problem(node, query, out_problem);
    } else {
        problem_set(out_problem, PROBLEM_NOT_LEADER, false, "node %" PRIu64 " is not the leader, node %" PRIu64 " is",
                    node->options.id, node_leader(node));
    }
    return true;
}

/* Outside a cluster nothing is served, not even what is stale: an empty machine would pass for lost data. Nor from a state
 * that differs from the majority's. */
static bool is_ready(const struct node *node, const struct reads_query *query) {
    return node->core != NULL && !diverged_is(node) && query->state == READS_WAITING &&
           query->index <= node->applier.applied.index;
}

static void deliver_one(struct node *node, const struct reads_query *query, const struct problem *problem) {
    if (query->done == NULL) {
        return;
    }
    if (problem == NULL) {
        if (query->session != 0) {
            query_session(node, query);
        } else {
            query_machine(node, query);
        }
        return;
    }
    struct node_query_answer answer = {
        .problem = *problem, .index = node->applier.applied.index, .term = node->applier.applied.term};
    query->done(query->context, &answer);
}

void reads_deliver(struct node *node) {
    struct reads *reads = &node->reads;
    /* Callbacks may add queries at the end of the list, which may move it: everything is taken out before it is answered.
     */
    for (size_t i = 0; i < reads->count;) {
        struct reads_query query = reads->list[i];
        struct problem problem;
        bool over = is_over(node, &query, &problem);
        bool ready = is_ready(node, &query);
        if (!over && !ready && query.done != NULL) {
            i++;
            continue;
        }
        reads->list[i] = reads->list[--reads->count];
        deliver_one(node, &query, ready ? NULL : &problem);
        buffer_release(query.body);
    }
}

uint64_t reads_deadline_ms(const struct node *node) {
    const struct reads *reads = &node->reads;
    uint64_t deadline = UINT64_MAX;
    for (size_t i = 0; i < reads->count; i++) {
        const struct reads_query *query = &reads->list[i];
        deadline = query->deadline_ms < deadline ? query->deadline_ms : deadline;
        if (query->state == READS_NEW && reads->retry_ms > node->now_ms && reads->retry_ms < deadline) {
            deadline = reads->retry_ms;
        }
    }
    return deadline;
}
