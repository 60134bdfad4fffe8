#include "tests/unit/api/fake_node.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INCARNATION "0123456789abcdef0123456789abcdef"
#define CLUSTER     "00112233445566778899aabbccddeeff"

struct node *fake_node_create(void) {
    struct node *node = memory_zalloc(sizeof *node);
    struct node_status *status = &node->status;
    status->id = 1;
    status->role = NODE_FOLLOWER;
    strcpy(status->incarnation, INCARNATION);
    strcpy(status->cluster_id, CLUSTER);
    status->raft.hard_state = (struct raft_hard_state){.term = 7, .voted_for = 2};
    status->raft.leader = 2;
    status->raft.first_index = 1;
    status->raft.last = (struct raft_entry_id){41, 7};
    status->raft.commit_index = 40;
    status->applied_index = 40;
    status->applied_term = 7;
    status->sessions = 17;
    status->keys = 18;
    status->members_index = 1;
    status->disk = (struct node_disk_status){.oldest_write_ms = 12, .stalled = true, .free_bytes = 5000000, .full = true};
    for (raft_node_id id = 1; id <= 3; id++) {
        struct members_member *member = &status->members.list[status->members.count++];
        member->id = id;
        member->voter = true;
        snprintf(member->url, sizeof member->url, "http://node%u.test:8001", (unsigned)id);
        strcpy(member->incarnation, INCARNATION);
    }
    node->leader = 2;
    node->ready = true;
    node->result = "{}";
    node->highest_index = 40;
    node->next_ticket = 1;
    return node;
}

static void forget(struct node *node) {
    for (size_t i = 0; i < node->call_count; i++) {
        for (size_t j = 0; j < 16; j++) {
            free(node->calls[i].texts[j]);
        }
    }
    memset(node->calls, 0, sizeof node->calls);
    node->call_count = 0;
}

void fake_node_destroy(struct node *node) {
    forget(node);
    free(node);
}

struct fake_call *fake_node_last(struct node *node) {
    assert(node->call_count > 0);
    return &node->calls[node->call_count - 1];
}

static void tell(const struct node *node, enum fake_call_kind kind) {
    if (node->called != NULL) {
        node->called(node->called_context, kind);
    }
}

static struct fake_call *add(struct node *node, enum fake_call_kind kind, void *context) {
    tell(node, kind);
    assert(node->call_count < sizeof node->calls / sizeof node->calls[0]);
    struct fake_call *call = &node->calls[node->call_count++];
    call->kind = kind;
    call->ticket = node->next_ticket++;
    call->context = context;
    return call;
}

static void end_propose(struct node *node, const struct fake_call *call) {
    struct message_line *lines = memory_zalloc(call->count * sizeof *lines);
    for (size_t i = 0; i < call->count; i++) {
        if (i >= node->good_lines) {
            lines[i].problem = node->problem;
        }
        if (lines[i].problem.code == PROBLEM_NONE) {
            lines[i].id = (struct raft_entry_id){++node->highest_index, 7};
            lines[i].result = (struct json_span){node->result, node->omitted ? 0 : strlen(node->result)};
            lines[i].duplicate = node->duplicate;
            lines[i].omitted = node->omitted;
        }
    }
    call->propose_done(call->context, lines, call->count);
    free(lines);
}

static void end(struct node *node, struct fake_call *call) {
    call->answered = true;
    if (call->kind == FAKE_PROPOSE || call->kind == FAKE_CHANGE_SESSION) {
        end_propose(node, call);
    } else if (call->kind == FAKE_QUERY || call->kind == FAKE_READ_SESSION) {
        struct node_query_answer answer = {node->problem, 40, 7, {node->result, strlen(node->result)}};
        call->query_done(call->context, &answer);
    } else if (call->kind == FAKE_LOG) {
        struct node_log_answer answer = {node->problem, 5, 41, 40, node->entries, node->entry_count};
        call->log_done(call->context, &answer);
    } else if (call->kind == FAKE_TRANSFER) {
        struct node_transfer_answer answer = {node->problem, call->to == 0 ? 3 : call->to, 8};
        call->transfer_done(call->context, &answer);
    } else if (call->kind == FAKE_CHANGE) {
        struct node_change_answer answer = {.problem = node->problem, .index = 9, .members = {.count = 2}};
        answer.members.list[0] = (struct members_member){.id = 1, .voter = true, .url = "http://a:1"};
        answer.members.list[1] = (struct members_member){.id = 4, .next = MEMBERS_NEXT_VOTER, .url = "http://d:1"};
        call->change_done(call->context, &answer);
    } else if (call->kind == FAKE_SNAPSHOT) {
        struct node_snapshot_answer answer = {node->problem, node->status.snapshot, NULL};
        if (call->open && node->problem.code == PROBLEM_NONE) {
            struct storage_message message;
            enum storage_error error = snapshot_file_open(node->snapshots, &node->status.snapshot, &answer.file, &message);
            assert(error == STORAGE_OK);
            (void)error;
        }
        call->snapshot_done(call->context, &answer);
    } else if (call->kind == FAKE_WATCH) {
        if (node->problem.code != PROBLEM_NONE) {
            call->watcher.ended(call->context, &node->problem, node->problem.code == PROBLEM_COMPACTED ? 5 : 0);
        } else {
            call->watcher.opened(call->context, call->from == 0 ? 41 : call->from);
        }
    } else {
        struct message_answer answer = {.kind = call->message, .from = 1, .term = 7, .round = 5, .problem = node->problem};
        strcpy(answer.incarnation, INCARNATION);
        if (call->message == MESSAGE_REQUEST_VOTE) {
            answer.raft = (struct raft_message){.type = RAFT_VOTE_ANSWER, .from = 1, .to = 2, .term = 7, .round = 5};
            answer.raft.vote_answer.vote_granted = true;
        } else if (call->message == MESSAGE_APPEND_ENTRIES || call->message == MESSAGE_TIMEOUT_NOW) {
            bool append = call->message == MESSAGE_APPEND_ENTRIES;
            answer.raft = (struct raft_message){
                .type = append ? RAFT_APPEND_ANSWER : RAFT_TIMEOUT_NOW_ANSWER, .from = 1, .to = 2, .term = 7, .round = 5};
        } else if (call->message == MESSAGE_PROBE) {
            answer.probe = (struct message_probe_answer){.state = MESSAGE_FORMED, .leader = 2, .machine = "hashmap"};
        } else if (call->message == MESSAGE_INSTALL_SNAPSHOT) {
            answer.install.stored = call->count;
            answer.install.installed = false;
        }
        node->reply(node->reply_context, call->ticket, &answer);
    }
}

void fake_node_turn(struct node *node) {
    for (size_t i = 0; !node->hold && i < node->call_count; i++) {
        if (!node->calls[i].answered && !node->calls[i].cancelled) {
            end(node, &node->calls[i]);
        }
    }
}

/* -- What the API calls -- */

uint64_t node_propose(struct node *node, struct buffer *body, const struct json_span *commands, size_t count,
                      uint32_t timeout_ms, bool forward, node_propose_done done, void *context) {
    struct fake_call *call = add(node, FAKE_PROPOSE, context);
    for (size_t i = 0; i < count; i++) {
        assert(commands[i].data >= body->data && commands[i].data + commands[i].size <= body->data + body->size);
        if (i < 16) {
            call->texts[i] = memory_text(commands[i].data, commands[i].size);
            call->sizes[i] = commands[i].size;
        }
    }
    call->count = count;
    call->timeout_ms = timeout_ms;
    call->forward = forward;
    call->propose_done = done;
    return call->ticket;
}

bool node_has_room(const struct node *node, uint64_t bytes, uint64_t coming) {
    (void)bytes;
    (void)coming;
    return !node->full;
}

/* The key is the call's second text. */
uint64_t node_propose_once(struct node *node, struct buffer *body, struct json_span command,
                           const struct node_origin *origin, uint32_t timeout_ms, bool forward, node_propose_done done,
                           void *context) {
    uint64_t ticket = node_propose(node, body, &command, 1, timeout_ms, forward, done, context);
    struct fake_call *call = fake_node_last(node);
    call->session = origin->session;
    call->sequence = origin->sequence;
    if (origin->key != NULL) {
        call->texts[1] = memory_text(origin->key, origin->key_size);
        call->sizes[1] = origin->key_size;
    }
    return ticket;
}

uint64_t node_change_session(struct node *node, uint64_t session, uint32_t timeout_ms, bool forward, node_propose_done done,
                             void *context) {
    struct fake_call *call = add(node, FAKE_CHANGE_SESSION, context);
    call->count = 1;
    call->session = session;
    call->timeout_ms = timeout_ms;
    call->forward = forward;
    call->propose_done = done;
    return call->ticket;
}

uint64_t node_read_session(struct node *node, uint64_t session, uint32_t timeout_ms, bool forward, node_query_done done,
                           void *context) {
    struct fake_call *call = add(node, FAKE_READ_SESSION, context);
    call->session = session;
    call->timeout_ms = timeout_ms;
    call->forward = forward;
    call->query_done = done;
    return call->ticket;
}

bool node_check(const struct node *node, struct json_span command, struct problem *out_problem) {
    (void)node;
    if (json_string_is(command, "bad")) {
        problem_set(out_problem, PROBLEM_INVALID_COMMAND, false, "\"bad\" is not a command");
        return false;
    }
    return true;
}

uint64_t node_query(struct node *node, struct buffer *body, struct json_span query, enum node_consistency consistency,
                    raft_index min_index, uint32_t timeout_ms, bool forward, node_query_done done, void *context) {
    assert(query.data >= body->data && query.data + query.size <= body->data + body->size);
    struct fake_call *call = add(node, FAKE_QUERY, context);
    call->texts[0] = memory_text(query.data, query.size);
    call->sizes[0] = query.size;
    call->consistency = consistency;
    call->min_index = min_index;
    call->timeout_ms = timeout_ms;
    call->forward = forward;
    call->query_done = done;
    return call->ticket;
}

uint64_t node_read_log(struct node *node, raft_index from, size_t limit, node_log_done done, void *context) {
    struct fake_call *call = add(node, FAKE_LOG, context);
    call->from = from;
    call->limit = limit;
    call->log_done = done;
    return call->ticket;
}

uint64_t node_transfer(struct node *node, raft_node_id to, uint32_t timeout_ms, bool forward, node_transfer_done done,
                       void *context) {
    struct fake_call *call = add(node, FAKE_TRANSFER, context);
    call->to = to;
    call->timeout_ms = timeout_ms;
    call->forward = forward;
    call->transfer_done = done;
    return call->ticket;
}

uint64_t node_change(struct node *node, const struct change *change, uint32_t timeout_ms, bool forward,
                     node_change_done done, void *context) {
    struct fake_call *call = add(node, FAKE_CHANGE, context);
    call->change = *change;
    call->timeout_ms = timeout_ms;
    call->forward = forward;
    call->change_done = done;
    return call->ticket;
}

uint64_t node_snapshot(struct node *node, bool open, uint32_t timeout_ms, node_snapshot_done done, void *context) {
    struct fake_call *call = add(node, FAKE_SNAPSHOT, context);
    call->open = open;
    call->timeout_ms = timeout_ms;
    call->snapshot_done = done;
    return call->ticket;
}

uint64_t node_watch(struct node *node, raft_index from, const struct node_watcher *watcher) {
    struct fake_call *call = add(node, FAKE_WATCH, watcher->context);
    call->from = from;
    call->watcher = *watcher;
    return call->ticket;
}

void node_watch_resume(struct node *node, uint64_t ticket) {
    for (size_t i = 0; i < node->call_count; i++) {
        if (node->calls[i].ticket == ticket && node->calls[i].kind == FAKE_WATCH) {
            assert(!node->calls[i].cancelled);
            node->calls[i].resumed++;
        }
    }
}

void node_receive(struct node *node, const struct message_request *request, struct buffer *body, uint64_t ticket) {
    (void)body;
    struct fake_call *call = add(node, FAKE_RECEIVE, NULL);
    call->ticket = ticket;
    call->message = request->kind;
    call->count = request->kind == MESSAGE_INSTALL_SNAPSHOT ? request->install.size : 0;
}

void node_peer_gone(struct node *node, raft_node_id id) {
    assert(node->gone_count < sizeof node->gone / sizeof *node->gone);
    node->gone[node->gone_count++] = id;
}

void node_cancel(struct node *node, uint64_t ticket) {
    for (size_t i = 0; i < node->call_count; i++) {
        if (node->calls[i].ticket == ticket && node->calls[i].kind != FAKE_RECEIVE) {
            assert((!node->calls[i].answered || node->calls[i].kind == FAKE_WATCH) && !node->calls[i].cancelled);
            node->calls[i].cancelled = true;
        }
    }
}

const char *node_role_name(enum node_role role) {
    static const char *const names[] = {"leader",  "follower", "candidate", "pre_candidate",
                                        "learner", "waiting",  "removed"};
    return names[role];
}

const struct measures *node_measures(const struct node *node) {
    return &node->measures;
}

void node_status(const struct node *node, struct node_status *out_status) {
    *out_status = node->status;
    out_status->raft.leader = node->leader;
}

size_t node_events(const struct node *node, struct chronicle_event out_events[CHRONICLE_EVENTS_MAX], uint64_t *out_now_ms) {
    tell(node, FAKE_EVENTS);
    *out_now_ms = node->events_ms;
    memcpy(out_events, node->events, node->event_count * sizeof *node->events);
    return node->event_count;
}

void node_brief(const struct node *node, struct node_brief *out_brief) {
    *out_brief = (struct node_brief){node->status.cluster_id, node->status.id, node->leader,
                                     node->status.raft.hard_state.term, node->status.applied_index};
}

bool node_ready(const struct node *node, char *out_why, size_t why_size) {
    if (!node->ready) {
        snprintf(out_why, why_size, "no leader is known");
    }
    return node->ready;
}

const char *node_member_url(const struct node *node, raft_node_id id) {
    const struct members_member *member = members_find(&node->status.members, id);
    return member != NULL ? member->url : NULL;
}
