#include "server/change_lead.h"

#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void say(const struct node *node, const char *what, const struct members *members) {
    if (node->io.diagnostics == NULL) {
        return;
    }
    char list[512] = "";
    size_t size = 0;
    for (size_t i = 0; i < members->count && size < sizeof list; i++) {
        int written = snprintf(list + size, sizeof list - size, "%s%" PRIu64 "%s", i == 0 ? "" : ",", members->list[i].id,
                               members->list[i].voter ? "" : " (learner)");
        size += written > 0 ? (size_t)written : 0;
    }
    diagnostics_write(node->io.diagnostics, DIAGNOSTICS_INFO, "members", "%s: %s", what, list);
}

static const struct members *current(const struct node *node) {
    return &roster_current(&node->roster)->members;
}

static void reset(struct node *node) {
    struct change_lead *lead = &node->changes.lead;
    lead->state = CHANGE_LEAD_IDLE;
    lead->found = lead->replacing = false;
    lead->index = 0;
    lead->question_count = 0;
    lead->given_up_on = 0;
    node->work = true;
}

static void end(struct node *node, const struct problem *problem) {
    reset(node);
    changes_end_taken(node, problem);
}

static bool is_settled_and_committed(const struct node *node) {
    return change_is_settled(current(node)) && roster_is_committed(&node->roster, node->core);
}

bool change_lead_is_busy(const struct node *node) {
    return node->changes.lead.state != CHANGE_LEAD_IDLE;
}

bool change_lead_is_unclear(const struct node *node) {
    return node->changes.lead.found && change_is_settled(current(node));
}

bool change_lead_is_for(const struct node *node, const struct change *change) {
    const struct change_lead *lead = &node->changes.lead;
    if (!lead->found) {
        return change_is_same(&lead->change, change);
    }
    struct members destination;
    change_destination(current(node), &destination);
    return change_is_done(change, &destination);
}

/* -- Appending -- */

/* `members` goes into the log now. The consensus module agrees: it said so in this turn. */
static bool append(struct node *node, const struct raft_configuration *configuration, const struct members *members) {
    struct json_writer writer = {0};
    members_write(members, &writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    struct buffer *buffer = buffer_take(text, size);
    struct raft_entry entry = {
        .type = RAFT_CONFIGURATION, .size = (uint32_t)size, .data = text, .buffer = buffer, .configuration = configuration};
    bool appended = raft_propose(node->core, &entry, 1);
    if (appended && node->changes.lead.index == 0) {
        node->changes.lead.index = entry.id.index;
    }
    buffer_release(buffer);
    node->work = true;
    return appended;
}

void change_lead_note_due(struct node *node, const struct raft_actions *actions) {
    struct change_lead *lead = &node->changes.lead;
    lead->due = actions->configuration_due != NULL;
    if (lead->due) {
        lead->due_configuration = *actions->configuration_due;
    }
    if (actions->change_given_up) {
        lead->given_up_on = actions->given_up_on;
    }
}

void change_lead_append_due(struct node *node) {
    struct change_lead *lead = &node->changes.lead;
    struct members members;
    if (!lead->due) {
        return;
    }
    lead->due = false;
    bool known = members_of_configuration(&lead->due_configuration, current(node), NULL, &members);
    assert(known); /* A step names nobody whom the configuration before did not. */
    if (known && append(node, &lead->due_configuration, &members)) {
        say(node, lead->given_up_on != 0 ? "given up, back to" : "on to", &members);
    }
}

/* -- Beginning -- */

static void fail_no_majority(struct node *node) {
    struct raft_status status;
    raft_status(node->core, &status);
    char silent[PROBLEM_DETAIL_SIZE] = "";
    size_t size = 0;
    for (size_t i = 0; i < status.peer_count; i++) {
        const struct raft_peer_status *peer = &status.peers[i];
        const struct members_member *voter = members_find(&node->changes.lead.target, peer->id);
        bool heard = node->now_ms - peer->last_contact_ms < node->options.election_timeout_ms;
        if (voter != NULL && voter->voter && !heard && size < sizeof silent) {
            int written = snprintf(silent + size, sizeof silent - size, "%s%" PRIu64, size == 0 ? "" : ", ", peer->id);
            size += written > 0 ? (size_t)written : 0;
        }
    }
    struct problem problem;
    problem_set(&problem, PROBLEM_CONFLICT, false,
                "the change would leave no majority of voters that are heard; silent: %s", silent);
    end(node, &problem);
}

static void begin(struct node *node) {
    struct change_lead *lead = &node->changes.lead;
    struct raft_configuration target;
    struct raft_configuration first;
    members_configuration(&lead->target, &target);
    struct raft_status status;
    raft_status(node->core, &status);
    if (!status.has_committed_in_term) {
        return; /* The erratum of 2015 to §4.1. */
    }
    struct problem problem;
    struct members members;
    switch (raft_change(node->core, &target, &first)) {
    case RAFT_CHANGE_BEGUN:
        if (!members_of_configuration(&first, current(node), &lead->target, &members) || !append(node, &first, &members)) {
            assert(false);
        }
        lead->state = CHANGE_LEAD_RUNNING;
        say(node, "changes the members to", &lead->target);
        break;
    case RAFT_CHANGE_NONE:
        if (lead->change.kind == CHANGE_MOVE && append(node, &first, &lead->target)) {
            lead->state = CHANGE_LEAD_RUNNING;
        } else {
            end(node, NULL);
        }
        break;
    case RAFT_CHANGE_IN_PROGRESS:
        problem_set(&problem, PROBLEM_CHANGE_IN_PROGRESS, false, "another change of the members is under way");
        end(node, &problem);
        break;
    case RAFT_CHANGE_NO_MAJORITY:
        fail_no_majority(node);
        break;
    case RAFT_CHANGE_TOO_MANY:
        problem_set(&problem, PROBLEM_CONFLICT, false, "on the way there would be more than %d members", RAFT_MEMBERS_MAX);
        end(node, &problem);
        break;
    case RAFT_CHANGE_NOT_YET:
    case RAFT_CHANGE_NOT_LEADER: /* Handing over: it is given up, or the next leader is asked. */
        break;
    }
}

/* -- Asking new nodes -- */

static void ask(struct node *node, struct change_lead_question *question) {
    const struct members_member *member = members_find(&node->changes.lead.target, question->id);
    struct message_request request;
    request.kind = MESSAGE_PROBE;
    request.round = 0;
    request.probe.list = node->options.cluster;
    request.probe.machine = node->options.machine->name;
    question->number = node_new_number(node);
    question->next_ms = node->now_ms + CHANGE_LEAD_PROBE_MS;
    calls_send(node, member, &request, question->number, CHANGE_LEAD_PROBE_TIMEOUT_MS);
}

static void set_conflict(struct problem *out_problem, const char *url, const char *what) {
    problem_set(out_problem, PROBLEM_CONFLICT, false, "%.128s: %s", url, what);
}

/* Is this the node that was meant, and may it be taken in? */
static bool suits(const struct node *node, const struct members_member *member, const struct message_answer *answer,
                  struct problem *out_problem) {
    const struct message_probe_answer *probe = &answer->probe;
    char text[160];
    if (answer->from != member->id) {
        snprintf(text, sizeof text, "there is node %" PRIu64 ", not node %" PRIu64, answer->from, member->id);
    } else if (strcmp(probe->machine, node->options.machine->name) != 0) {
        snprintf(text, sizeof text, "it runs --machine %.40s, this cluster %.40s", probe->machine,
                 node->options.machine->name);
    } else if (member->incarnation[0] != '\0' && strcmp(member->incarnation, answer->incarnation) != 0) {
        snprintf(text, sizeof text, "it has another data directory than the node that asked");
    } else if (probe->state == MESSAGE_BLANK && !probe->joins) {
        snprintf(text, sizeof text, "it is blank, but was not started with --join");
    } else if (probe->state != MESSAGE_BLANK && strcmp(probe->cluster_id, node->identity.cluster_id) != 0) {
        snprintf(text, sizeof text, "it belongs to another cluster, %s", probe->cluster_id);
    } else {
        return true;
    }
    set_conflict(out_problem, member->url, text);
    return false;
}

static struct change_lead_question *find_question(struct change_lead *lead, uint64_t number) {
    for (size_t i = 0; i < lead->question_count; i++) {
        if (number != 0 && lead->questions[i].number == number) {
            return &lead->questions[i];
        }
    }
    return NULL;
}

bool change_lead_answered(struct node *node, uint64_t number, const struct message_answer *answer, const char *why) {
    struct change_lead *lead = &node->changes.lead;
    struct change_lead_question *question = find_question(lead, number);
    if (question == NULL) {
        return false;
    }
    question->number = 0;
    node->work = true;
    if (lead->state != CHANGE_LEAD_ASKING) {
        return true;
    }
    struct members_member *member = (struct members_member *)members_find(&lead->target, question->id);
    struct problem problem;
    if (answer == NULL || answer->problem.code != PROBLEM_NONE) {
        snprintf(question->why, sizeof question->why, "%s", answer == NULL ? why : answer->problem.detail);
    } else if (suits(node, member, answer, &problem)) {
        memcpy(member->incarnation, answer->incarnation, sizeof member->incarnation);
        question->answered = true;
    } else {
        end(node, &problem);
    }
    return true;
}

static void ask_all(struct node *node) {
    struct change_lead *lead = &node->changes.lead;
    bool all = true;
    for (size_t i = 0; i < lead->question_count; i++) {
        struct change_lead_question *question = &lead->questions[i];
        all = all && question->answered;
        if (!question->answered && node->now_ms >= lead->give_up_ms) {
            struct problem problem;
            problem_set(&problem, PROBLEM_CATCH_UP_FAILED, false, "%s does not answer: %.100s",
                        members_find(&lead->target, question->id)->url, question->why);
            end(node, &problem);
            return;
        }
        if (!question->answered && question->number == 0 && node->now_ms >= question->next_ms) {
            ask(node, question);
        }
    }
    if (all) {
        lead->state = CHANGE_LEAD_BEGINNING;
        begin(node);
    }
}

/* Who is in the target and was not there, or was somebody else, is asked. */
static void list_questions(struct node *node) {
    struct change_lead *lead = &node->changes.lead;
    lead->question_count = 0;
    lead->give_up_ms = node->now_ms + RAFT_CATCH_UP_SILENCE_MS;
    for (size_t i = 0; i < lead->target.count; i++) {
        raft_node_id id = lead->target.list[i].id;
        if (members_find(&lead->origin, id) == NULL) {
            lead->questions[lead->question_count++] = (struct change_lead_question){.id = id, .next_ms = node->now_ms};
        }
    }
}

/* -- Taking -- */

/* Whoever is still there has its disk: nobody takes its place. */
static bool may_be_replaced(const struct node *node, const struct members_member *lost, struct problem *out_problem) {
    struct raft_status status;
    raft_status(node->core, &status);
    bool silent = lost->id != node->options.id;
    for (size_t i = 0; i < status.peer_count; i++) {
        const struct raft_peer_status *peer = &status.peers[i];
        if (peer->id == lost->id && node->now_ms - peer->last_contact_ms < node->options.election_timeout_ms) {
            silent = false;
        }
    }
    if (!silent) {
        problem_set(out_problem, PROBLEM_CONFLICT, false,
                    "node %" PRIu64 " with its old data directory was heard within an election time-out", lost->id);
    }
    return silent;
}

static void hand_over(struct node *node, struct problem *out_problem) {
    struct change_lead *lead = &node->changes.lead;
    if (raft_transferring(node->core) != 0 || raft_transfer(node->core, 0)) {
        lead->state = CHANGE_LEAD_HANDING_OVER;
        lead->term = raft_current_term(node->core);
    } else {
        problem_set(out_problem, PROBLEM_CONFLICT, false,
                    "node %" PRIu64 " leads, and no other voter has been heard lately that it could hand over to",
                    node->options.id);
    }
    node->work = true;
}

bool change_lead_take(struct node *node, const struct change *change, struct problem *out_problem) {
    struct change_lead *lead = &node->changes.lead;
    struct members target;
    assert(lead->state == CHANGE_LEAD_IDLE && change_is_settled(current(node)));
    if (change->kind != CHANGE_PUT && change->kind != CHANGE_PROMOTE && change->kind != CHANGE_REPLACE &&
        change_is_done(change, current(node))) {
        return true;
    }
    struct change known = *change;
    known.gone = change->kind == CHANGE_MOVE ? contacts_gone(node, current(node), change_subject(change)) : 0;
    if (!change_target(&known, current(node), &target, out_problem)) {
        return false;
    }
    if (members_same_list(&target, current(node))) {
        return true;
    }
    reset(node);
    lead->change = *change;
    lead->origin = *current(node);
    lead->target = target;
    lead->term = raft_current_term(node->core);
    const struct members_member *lost =
        change->kind == CHANGE_REPLACE ? members_find(&lead->origin, change_subject(change)->id) : NULL;
    if (change->kind == CHANGE_REMOVE && change_subject(change)->id == node->options.id) {
        hand_over(node, out_problem);
        return change_lead_is_busy(node);
    }
    if (lost != NULL && !may_be_replaced(node, lost, out_problem)) {
        return false;
    }
    lead->replacing = lost != NULL;
    lead->state = CHANGE_LEAD_ASKING;
    list_questions(node);
    return true;
}

/* -- The end -- */

/* The one whose place is taken is out: now its successor comes in, in the role that it had. */
static void begin_second_half(struct node *node) {
    struct change_lead *lead = &node->changes.lead;
    const struct members_member *before = members_find(&lead->origin, change_subject(&lead->change)->id);
    struct members_member successor = *change_subject(&lead->change);
    successor.voter = before->voter;
    lead->replacing = false;
    lead->change = (struct change){.kind = CHANGE_ADD, .own = true, .members = {.count = 1, .list = {successor}}};
    lead->origin = *current(node);
    lead->index = 0;
    struct problem problem;
    if (!change_target(&lead->change, &lead->origin, &lead->target, &problem)) {
        end(node, &problem);
        return;
    }
    lead->state = CHANGE_LEAD_ASKING;
    list_questions(node);
    node->work = true;
}

static void lead_no_more(struct node *node) {
    struct change_lead *lead = &node->changes.lead;
    bool handed_over = lead->state == CHANGE_LEAD_HANDING_OVER;
    bool maybe = lead->index != 0 || lead->found;
    lead->due = false;
    reset(node);
    changes_release_taken(node, maybe, handed_over);
}

static void end_given_up(struct node *node) {
    struct change_lead *lead = &node->changes.lead;
    struct problem problem;
    const struct members_member *member = roster_find(&node->roster, lead->given_up_on);
    problem_set(&problem, PROBLEM_CATCH_UP_FAILED, false, "%s made no progress; the members are as before",
                member == NULL ? "a new member" : member->url);
    end(node, &problem);
}

void change_lead_settle(struct node *node) {
    struct change_lead *lead = &node->changes.lead;
    if (lead->state != CHANGE_LEAD_RUNNING || !is_settled_and_committed(node) ||
        roster_current(&node->roster)->index < lead->index) {
        return;
    }
    say(node, "the members are", current(node));
    if (lead->given_up_on != 0) {
        end_given_up(node);
    } else if (lead->replacing && node_is_leader(node)) {
        begin_second_half(node);
    } else if (lead->replacing) {
        lead_no_more(node);
    } else {
        end(node, NULL);
    }
}

void change_lead_turn(struct node *node) {
    struct change_lead *lead = &node->changes.lead;
    bool leading = node_is_leader(node);
    if (lead->state != CHANGE_LEAD_IDLE && !(leading && raft_current_term(node->core) == lead->term)) {
        /* What it led to may be committed all the same, by itself before it stepped down; what a later leader led to says
         * nothing of it. */
        raft_term of = roster_current(&node->roster)->term;
        if (of != 0 && of <= lead->term) {
            change_lead_settle(node);
        }
        if (lead->state != CHANGE_LEAD_IDLE) {
            lead_no_more(node);
        }
    }
    if (!leading) {
        return;
    }
    if (lead->state == CHANGE_LEAD_IDLE && !is_settled_and_committed(node)) {
        reset(node);
        lead->state = CHANGE_LEAD_RUNNING;
        lead->found = true;
        lead->term = raft_current_term(node->core);
    } else if (lead->state == CHANGE_LEAD_ASKING) {
        ask_all(node);
    } else if (lead->state == CHANGE_LEAD_BEGINNING) {
        begin(node);
    } else if (lead->state == CHANGE_LEAD_HANDING_OVER && raft_transferring(node->core) == 0) {
        struct problem problem;
        problem_set(&problem, PROBLEM_CONFLICT, false, "nobody took over from node %" PRIu64 ", which leads",
                    node->options.id);
        end(node, &problem);
    }
}

uint64_t change_lead_deadline_ms(const struct node *node) {
    const struct change_lead *lead = &node->changes.lead;
    uint64_t deadline = UINT64_MAX;
    if (lead->state != CHANGE_LEAD_ASKING) {
        return deadline;
    }
    deadline = lead->give_up_ms;
    for (size_t i = 0; i < lead->question_count; i++) {
        const struct change_lead_question *question = &lead->questions[i];
        if (!question->answered && question->number == 0 && question->next_ms < deadline) {
            deadline = question->next_ms;
        }
    }
    return deadline;
}
