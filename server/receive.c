#include "server/receive.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void node_address(const struct node *node, const struct members_member *to, struct message_address *out_address) {
    *out_address = (struct message_address){.from = node->options.id, .to = to->id};
    /* Who is in no cluster yet has something to ask of the one it wants into. */
    bool blank = node->identity.cluster_id[0] == '\0';
    memcpy(out_address->cluster_id, blank ? node->joining.cluster_id : node->identity.cluster_id,
           sizeof out_address->cluster_id);
    memcpy(out_address->from_incarnation, node->identity.incarnation, sizeof out_address->from_incarnation);
    memcpy(out_address->to_incarnation, to->incarnation, sizeof out_address->to_incarnation);
}

struct message_answer node_answer_to(const struct node *node, enum message_kind kind, raft_round round) {
    struct message_answer answer;
    answer.kind = kind;
    answer.from = node->options.id;
    memcpy(answer.incarnation, node->identity.incarnation, sizeof answer.incarnation);
    answer.term = node->core == NULL ? 0 : raft_current_term(node->core);
    answer.round = round;
    answer.problem.code = PROBLEM_NONE;
    answer.state_hash.index = 0;
    answer.diverged = false;
    answer.storage_full = kind == MESSAGE_APPEND_ENTRIES && disk_space_is_full(node);
    return answer;
}

void node_reply(struct node *node, uint64_t ticket, const struct message_answer *answer) {
    assert(ticket != 0);
    node->io.reply(node->io.reply_context, ticket, answer);
}

void node_reply_problem(struct node *node, uint64_t ticket, enum message_kind kind, raft_round round,
                        const struct problem *problem) {
    struct message_answer answer = node_answer_to(node, kind, round);
    answer.problem = *problem;
    node_reply(node, ticket, &answer);
}

/* -- Requests -- */

bool receive_is_for_us(const struct node *node, const struct message_address *address) {
    if (address->to != node->options.id || strcmp(address->to_incarnation, node->identity.incarnation) != 0) {
        return false;
    }
    /* A node without a cluster takes the first that names its incarnation: nobody else can know that. */
    return node->identity.cluster_id[0] == '\0' || strcmp(address->cluster_id, node->identity.cluster_id) == 0;
}

static void refuse_stranger(struct node *node, const struct message_request *request, uint64_t ticket) {
    struct problem problem;
    problem_set(&problem, PROBLEM_WRONG_CLUSTER, false,
                "this is node %" PRIu64 " (incarnation %s) of cluster %s; the request is for node %" PRIu64
                " (incarnation %s) of cluster %s",
                node->options.id, node->identity.incarnation,
                node->identity.cluster_id[0] == '\0' ? "none" : node->identity.cluster_id, request->address.to,
                request->address.to_incarnation, request->address.cluster_id);
    node_reply_problem(node, ticket, request->kind, request->round, &problem);
}

/* Not even an earlier incarnation of this node has anything to ask of it: somebody is mistaken about who he is. */
static void refuse_namesake(struct node *node, const struct message_request *request, uint64_t ticket) {
    struct problem problem;
    problem_set(&problem, PROBLEM_BAD_REQUEST, false,
                "the request says that it comes from node %" PRIu64 ", which is this one", node->options.id);
    node_reply_problem(node, ticket, request->kind, request->round, &problem);
}

/* The core can take no request yet; who sent this knows us as a member, so it will not be long. */
static void refuse_for_now(struct node *node, const struct message_request *request, uint64_t ticket) {
    struct problem problem;
    problem_set(&problem, PROBLEM_NOT_READY, false, "node %" PRIu64 " is starting", node->options.id);
    node_reply_problem(node, ticket, request->kind, request->round, &problem);
}

static void learn_ready_index(struct node *node, const struct raft_append_entries *append) {
    /* The leader has committed in its term, so its commit index covers all that was committed before. */
    if (!node->ready_known && raft_term_at(node->core, append->leader_commit) == raft_current_term(node->core)) {
        node->ready_known = true;
        node->ready_index = append->leader_commit;
    }
}

/* One forged number shall not use up the terms. Who has nothing yet cannot know where the cluster is, and believes all but
 * what would leave no room. */
static bool is_term_absurd(const struct node *node, raft_term term) {
    raft_term own = raft_current_term(node->core);
    bool blank = own == 0 && raft_last_index(node->core) == 0;
    return term > (blank ? RAFT_NUMBER_MAX - RAFT_TERM_JUMP_MAX : own + RAFT_TERM_JUMP_MAX);
}

static bool refuse_absurd_term(struct node *node, const struct message_request *request, raft_term term, uint64_t ticket) {
    if (!is_term_absurd(node, term)) {
        return false;
    }
    struct problem problem;
    problem_set(&problem, PROBLEM_BAD_REQUEST, false, "term %" PRIu64 " is too far above this node's, %" PRIu64, term,
                raft_current_term(node->core));
    node_reply_problem(node, ticket, request->kind, request->round, &problem);
    return true;
}

static void receive_piece(struct node *node, const struct message_request *request, uint64_t ticket) {
    if (!refuse_absurd_term(node, request, request->install.term, ticket)) {
        snapshot_receipt_receive(node, request, ticket);
    }
}

static void receive_raft(struct node *node, const struct message_request *request, uint64_t ticket) {
    struct raft_message message = request->raft;
    if (refuse_absurd_term(node, request, message.term, ticket)) {
        return;
    }
    struct problem no_room;
    if (request->kind == MESSAGE_APPEND_ENTRIES && !disk_space_take(node, &message.append_entries, &no_room)) {
        node_reply_problem(node, ticket, request->kind, request->round, &no_room);
        return;
    }
    message.from = request->address.from;
    message.to = request->address.to;
    message.round = request->round;
    message.ticket = ticket;
    raft_receive(node->core, &message);
    if (request->kind == MESSAGE_APPEND_ENTRIES) {
        learn_ready_index(node, &message.append_entries);
        diverged_told(node, request);
    }
}

void node_receive(struct node *node, const struct message_request *request, struct buffer *body, uint64_t ticket) {
    node->work = true;
    if (request->kind == MESSAGE_PROBE) {
        formation_receive_probe(node, request, ticket);
        return;
    }
    if (!receive_is_for_us(node, &request->address)) {
        refuse_stranger(node, request, ticket);
        return;
    }
    if (request->address.from == node->options.id) {
        refuse_namesake(node, request, ticket);
        return;
    }
    if (node->core == NULL) {
        formation_claimed(node, request->address.cluster_id);
        refuse_for_now(node, request, ticket);
        return;
    }
    switch (request->kind) {
    case MESSAGE_REQUEST_VOTE:
    case MESSAGE_APPEND_ENTRIES:
    case MESSAGE_TIMEOUT_NOW:
        receive_raft(node, request, ticket);
        break;
    case MESSAGE_READ_INDEX:
        reads_receive(node, request, ticket);
        break;
    case MESSAGE_PROPOSE:
        forwards_receive(node, request, body, ticket);
        break;
    case MESSAGE_TRANSFER:
        handover_receive(node, request, ticket);
        break;
    case MESSAGE_CHANGE:
        changes_receive(node, request, ticket);
        break;
    case MESSAGE_INSTALL_SNAPSHOT:
        receive_piece(node, request, ticket);
        break;
    case MESSAGE_PROBE:
    case MESSAGE_KIND_COUNT:
        assert(false);
        break;
    }
}

/* -- Answers -- */

/* An answer counts only from whom it was asked, in the incarnation that the configuration names, to the question asked. */
static bool is_from_whom_we_asked(const struct node *node, const struct call *call, const struct message_answer *answer) {
    if (answer->kind != call->kind || answer->from != call->to || answer->round != call->round) {
        return false;
    }
    if (call->kind == MESSAGE_CHANGE) {
        return strcmp(call->incarnation, answer->incarnation) == 0; /* Who asks may be no member yet. */
    }
    const struct members_member *member = roster_find(&node->roster, call->to);
    return member != NULL && strcmp(member->incarnation, answer->incarnation) == 0;
}

/* Whoever refuses a request before it looks at it does not say who it is. */
static const char *gate_why(const struct message_answer *answer) {
    bool token = answer->problem.code == PROBLEM_UNAUTHORIZED || answer->problem.code == PROBLEM_FORBIDDEN;
    return token ? "it refuses this node's token" : "somebody else answered";
}

static void raft_call_ended(struct node *node, const struct call *call, const struct message_answer *answer) {
    if (answer != NULL && call->kind == MESSAGE_APPEND_ENTRIES) {
        disk_space_heard(node, call->to, answer);
    }
    if (answer == NULL || answer->problem.code != PROBLEM_NONE || is_term_absurd(node, answer->raft.term)) {
        raft_send_failed(node->core, call->to, call->round);
        return;
    }
    struct raft_message message = answer->raft;
    message.from = call->to;
    message.to = node->options.id;
    message.round = call->round;
    raft_receive(node->core, &message);
    if (call->kind == MESSAGE_APPEND_ENTRIES) {
        mending_heard(node, call->to, call->round, answer);
    }
}

static void note_contact(struct node *node, const struct call *call, const struct message_answer *answer, bool absent,
                         const char *why) {
    if (answer != NULL) {
        contacts_answered(node, call->to);
    } else {
        contacts_failed(node, call->to, why);
        contacts_missed(node, call->to, call->elsewhere, absent);
    }
}

static void probe_ended(struct node *node, const struct call *call, const struct message_answer *answer, const char *why) {
    if (!joining_answered(node, call->context, answer, why) && !standing_answered(node, call->context, answer) &&
        !change_lead_answered(node, call->context, answer, why) && !discovery_answered(node, call->context, answer)) {
        formation_answered(node, call->to, answer, why);
    }
}

static void change_ended(struct node *node, const struct call *call, enum transport_end end,
                         const struct message_answer *answer, const char *why) {
    if (!joining_change_answered(node, call->context, answer, why) && !standing_change_answered(node, call->context)) {
        changes_answered(node, call->context, end, answer, why);
    }
}

void node_answered(struct node *node, uint64_t token, enum transport_end end, const struct message_answer *answer,
                   struct buffer *body, const char *why) {
    (void)body; /* Results are copied out of it. */
    struct call call;
    if (!calls_take(&node->calls, token, &call)) {
        return;
    }
    node->work = true;
    assert((end == TRANSPORT_ANSWERED) == (answer != NULL));
    measures_call_ended(node, &call, answer != NULL);
    if (call.kind == MESSAGE_PROBE) {
        probe_ended(node, &call, answer, why);
        return;
    }
    bool absent = end == TRANSPORT_NOT_SENT;
    if (answer != NULL && !is_from_whom_we_asked(node, &call, answer)) {
        const char *answer_why = gate_why(answer);
        absent = true;
        answer = NULL;
        end = TRANSPORT_BROKEN;
        why = answer_why;
    }
    note_contact(node, &call, answer, absent, why);
    switch (call.kind) {
    case MESSAGE_REQUEST_VOTE:
    case MESSAGE_APPEND_ENTRIES:
    case MESSAGE_TIMEOUT_NOW:
        raft_call_ended(node, &call, answer);
        break;
    case MESSAGE_READ_INDEX: {
        bool ok = answer != NULL && answer->problem.code == PROBLEM_NONE;
        reads_leader_answered(node, call.context, ok, ok ? answer->read_index : 0);
        break;
    }
    case MESSAGE_PROPOSE:
        forwards_ended(node, call.context, end, answer, why);
        break;
    case MESSAGE_TRANSFER:
        handover_answered(node, call.context, end, answer, why);
        break;
    case MESSAGE_CHANGE:
        change_ended(node, &call, end, answer, why);
        break;
    case MESSAGE_INSTALL_SNAPSHOT: {
        bool absurd = answer != NULL && is_term_absurd(node, answer->term);
        snapshot_sends_answered(node, call.context, absurd ? NULL : answer, absurd ? "an absurd term" : why);
        break;
    }
    case MESSAGE_PROBE:
    case MESSAGE_KIND_COUNT:
        assert(false);
        break;
    }
}
