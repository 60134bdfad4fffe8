/* Requests in JSON: who speaks to whom, then the fields of the kind. */
#include "server/message_parts.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>

enum { HEAD_FIELDS = 6, FIELDS_MAX = HEAD_FIELDS + 8 };

/* What all requests begin with, and the table that is being made for one object. */
struct head {
    struct message_address address;
    raft_round round;
    struct message_field fields[FIELDS_MAX];
    size_t field_count;
};

static const struct message_place top = {NULL, 0};

/* -- Writing -- */

static void write_entry_id(struct json_writer *writer, const char *index_name, const char *term_name,
                           struct raft_entry_id id) {
    message_write_number(writer, index_name, id.index);
    message_write_number(writer, term_name, id.term);
}

static void write_request_vote(const struct message_request *request, struct json_writer *writer) {
    const struct raft_message *raft = &request->raft;
    assert(raft->type == RAFT_REQUEST_VOTE);
    message_write_number(writer, "term", raft->term);
    message_write_number(writer, "candidate_id", request->address.from);
    write_entry_id(writer, "last_log_index", "last_log_term", raft->request_vote.last_log);
    json_write_name(writer, "pre_vote");
    json_write_bool(writer, raft->request_vote.pre_vote);
    json_write_name(writer, "transfer");
    json_write_bool(writer, raft->request_vote.transfer);
}

static void write_timeout_now(const struct message_request *request, struct json_writer *writer) {
    assert(request->raft.type == RAFT_TIMEOUT_NOW);
    message_write_number(writer, "term", request->raft.term);
    message_write_number(writer, "leader_id", request->address.from);
}

static void write_append_entries(const struct message_request *request, struct json_writer *writer) {
    const struct raft_append_entries *append = &request->raft.append_entries;
    assert(request->raft.type == RAFT_APPEND_ENTRIES);
    assert(append->entry_count == 0 || append->entries != NULL);
    message_write_number(writer, "term", request->raft.term);
    message_write_number(writer, "leader_id", request->address.from);
    write_entry_id(writer, "prev_log_index", "prev_log_term", append->prev);
    message_write_number(writer, "leader_commit", append->leader_commit);
    if (request->state != DIVERGENCE_UNKNOWN) {
        json_write_name(writer, "diverged");
        json_write_bool(writer, request->state == DIVERGENCE_DIFFERS);
    }
    if (request->state == DIVERGENCE_DIFFERS) {
        message_write_number(writer, "diverged_since", request->diverged_since);
    }
    json_write_name(writer, "entries");
    json_write_array_begin(writer);
    for (size_t i = 0; i < append->entry_count; i++) {
        message_entry_write(&append->entries[i], writer);
    }
    json_write_array_end(writer);
}

static void write_propose(const struct message_propose *propose, struct json_writer *writer) {
    message_write_number(writer, "term", propose->term);
    message_write_number(writer, "run", propose->run);
    message_write_number(writer, "sequence", propose->sequence);
    message_write_number(writer, "timeout_ms", propose->timeout_ms);
    json_write_name(writer, "commands");
    json_write_array_begin(writer);
    for (size_t i = 0; i < propose->count; i++) {
        if (propose->commands[i].size == 0) {
            json_write_null(writer); /* It opens or closes a session. */
        } else {
            json_write_value(writer, propose->commands[i]);
        }
    }
    json_write_array_end(writer);
    message_origins_write(propose, writer);
}

void message_request_write(const struct message_request *request, struct json_writer *writer) {
    json_write_object_begin(writer);
    message_write_text(writer, "cluster_id", request->address.cluster_id);
    message_write_number(writer, "from", request->address.from);
    message_write_text(writer, "from_incarnation", request->address.from_incarnation);
    message_write_number(writer, "to", request->address.to);
    message_write_text(writer, "to_incarnation", request->address.to_incarnation);
    message_write_number(writer, "round", request->round);
    switch (request->kind) {
    case MESSAGE_REQUEST_VOTE:
        write_request_vote(request, writer);
        break;
    case MESSAGE_APPEND_ENTRIES:
        write_append_entries(request, writer);
        break;
    case MESSAGE_READ_INDEX:
        json_write_name(writer, "lease");
        json_write_bool(writer, request->lease);
        break;
    case MESSAGE_TIMEOUT_NOW:
        write_timeout_now(request, writer);
        break;
    case MESSAGE_TRANSFER:
        message_write_number(writer, "transfer_to", request->transfer.to);
        message_write_number(writer, "timeout_ms", request->transfer.timeout_ms);
        break;
    case MESSAGE_CHANGE:
        json_write_name(writer, "change");
        change_write(&request->change.change, writer);
        json_write_name(writer, "forward");
        json_write_bool(writer, request->change.forward);
        message_write_number(writer, "timeout_ms", request->change.timeout_ms);
        break;
    case MESSAGE_PROPOSE:
        write_propose(&request->propose, writer);
        break;
    case MESSAGE_PROBE:
        message_write_text(writer, "machine", request->probe.machine);
        json_write_name(writer, "list");
        members_write(&request->probe.list, writer);
        break;
    case MESSAGE_INSTALL_SNAPSHOT: /* message_query.c. */
    case MESSAGE_KIND_COUNT:
        assert(false);
    }
    json_write_object_end(writer);
}

/* -- Reading -- */

static void add_field(struct head *head, const char *name, enum message_field_type type, bool optional, void *out) {
    assert(head->field_count < FIELDS_MAX);
    head->fields[head->field_count++] =
        (struct message_field){.name = name, .type = type, .optional = optional, .out = out};
}

/* While a cluster forms, there is no cluster id yet, and a probe is what asks for the incarnation. */
static void add_head(struct head *head, enum message_kind kind) {
    bool forming = kind == MESSAGE_PROBE;
    add_field(head, "cluster_id", MESSAGE_FIELD_DIGITS, forming, head->address.cluster_id);
    add_field(head, "from", MESSAGE_FIELD_ID, false, &head->address.from);
    add_field(head, "from_incarnation", MESSAGE_FIELD_DIGITS, false, head->address.from_incarnation);
    add_field(head, "to", forming ? MESSAGE_FIELD_NUMBER : MESSAGE_FIELD_ID, false, &head->address.to);
    add_field(head, "to_incarnation", MESSAGE_FIELD_DIGITS, forming, head->address.to_incarnation);
    add_field(head, "round", MESSAGE_FIELD_NUMBER, false, &head->round);
}

static bool read_fields(struct json_span value, struct head *head, struct problem *out_problem) {
    return message_field_read(value, head->fields, head->field_count, top, out_problem);
}

/* The entry before the first has index and term 0, every other has neither; and nobody's log is ahead of its term. */
static bool check_entry_id(struct raft_entry_id id, raft_term term, const char *term_name, struct problem *out_problem) {
    if ((id.index == 0) != (id.term == 0)) {
        return message_field_refuse(out_problem, top, term_name, "must be 0 exactly when the index is 0");
    }
    return id.term <= term || message_field_refuse(out_problem, top, term_name, "must not be above the request's term");
}

static bool check_sender(const struct head *head, raft_node_id sender, const char *name, struct problem *out_problem) {
    return sender == head->address.from || message_field_refuse(out_problem, top, name, "must be the same as \"from\"");
}

static bool read_request_vote(struct json_span value, struct head *head, struct raft_message *raft,
                              struct problem *out_problem) {
    raft_node_id candidate = 0;
    raft->type = RAFT_REQUEST_VOTE;
    struct raft_request_vote *vote = &raft->request_vote;
    add_field(head, "term", MESSAGE_FIELD_NUMBER, false, &raft->term);
    add_field(head, "candidate_id", MESSAGE_FIELD_ID, false, &candidate);
    add_field(head, "last_log_index", MESSAGE_FIELD_NUMBER, false, &vote->last_log.index);
    add_field(head, "last_log_term", MESSAGE_FIELD_NUMBER, false, &vote->last_log.term);
    add_field(head, "pre_vote", MESSAGE_FIELD_BOOL, false, &vote->pre_vote);
    add_field(head, "transfer", MESSAGE_FIELD_BOOL, true, &vote->transfer);
    return read_fields(value, head, out_problem) && check_sender(head, candidate, "candidate_id", out_problem) &&
           check_entry_id(vote->last_log, raft->term, "last_log_term", out_problem);
}

static bool read_timeout_now(struct json_span value, struct head *head, struct raft_message *raft,
                             struct problem *out_problem) {
    raft_node_id leader = 0;
    raft->type = RAFT_TIMEOUT_NOW;
    add_field(head, "term", MESSAGE_FIELD_NUMBER, false, &raft->term);
    add_field(head, "leader_id", MESSAGE_FIELD_ID, false, &leader);
    return read_fields(value, head, out_problem) && check_sender(head, leader, "leader_id", out_problem);
}

static bool read_append_entries(struct json_span value, struct head *head, struct buffer *body,
                                struct message_request *request, struct problem *out_problem) {
    raft_node_id leader = 0;
    struct json_span array = {0};
    struct raft_message *raft = &request->raft;
    raft->type = RAFT_APPEND_ENTRIES;
    struct raft_append_entries *append = &raft->append_entries;
    add_field(head, "term", MESSAGE_FIELD_NUMBER, false, &raft->term);
    add_field(head, "leader_id", MESSAGE_FIELD_ID, false, &leader);
    add_field(head, "prev_log_index", MESSAGE_FIELD_NUMBER, false, &append->prev.index);
    add_field(head, "prev_log_term", MESSAGE_FIELD_NUMBER, false, &append->prev.term);
    add_field(head, "leader_commit", MESSAGE_FIELD_NUMBER, false, &append->leader_commit);
    add_field(head, "entries", MESSAGE_FIELD_ARRAY, false, &array);
    bool diverged = false;
    size_t state = head->field_count;
    add_field(head, "diverged", MESSAGE_FIELD_BOOL, true, &diverged);
    add_field(head, "diverged_since", MESSAGE_FIELD_NUMBER, true, &request->diverged_since);
    if (!read_fields(value, head, out_problem) || !check_sender(head, leader, "leader_id", out_problem) ||
        !check_entry_id(append->prev, raft->term, "prev_log_term", out_problem)) {
        return false;
    }
    struct raft_entry *entries = NULL;
    if (!message_entries_read(array, append->prev, raft->term, body, &entries, &append->entry_count, out_problem)) {
        return false;
    }
    append->entries = entries;
    if (head->fields[state].found) {
        request->state = diverged ? DIVERGENCE_DIFFERS : DIVERGENCE_AGREES;
    }
    return true;
}

static struct json_span *read_commands(struct json_span array, size_t *out_count) {
    struct json_span *commands = NULL;
    size_t count = 0;
    size_t capacity = 0;
    struct json_cursor cursor = json_open(array);
    struct json_span command;
    while (json_next_element(&cursor, &command)) {
        commands = memory_grow(commands, &capacity, count + 1, sizeof *commands);
        commands[count++] = command;
    }
    *out_count = count;
    return commands;
}

static void free_propose(struct message_propose *propose) {
    free(propose->commands);
    free(propose->origins);
    propose->commands = NULL;
    propose->origins = NULL;
    propose->count = 0;
}

static bool read_propose(struct json_span value, struct head *head, struct message_propose *propose,
                         struct problem *out_problem) {
    struct json_span array = {0};
    struct json_span origins = {0};
    propose->run = 0;
    add_field(head, "term", MESSAGE_FIELD_NUMBER, false, &propose->term);
    add_field(head, "run", MESSAGE_FIELD_NUMBER, true, &propose->run);
    add_field(head, "sequence", MESSAGE_FIELD_NUMBER, false, &propose->sequence);
    add_field(head, "timeout_ms", MESSAGE_FIELD_NUMBER, false, &propose->timeout_ms);
    add_field(head, "commands", MESSAGE_FIELD_ARRAY, false, &array);
    add_field(head, "origins", MESSAGE_FIELD_ARRAY, true, &origins);
    if (!read_fields(value, head, out_problem)) {
        return false;
    }
    propose->commands = read_commands(array, &propose->count);
    propose->origins = NULL;
    if (propose->count == 0) {
        return message_field_refuse(out_problem, top, "commands", "must not be empty");
    }
    if (origins.size > 0 && !message_origins_read(origins, propose, out_problem)) {
        free_propose(propose);
        return false;
    }
    return true;
}

static bool read_change(struct json_span value, struct head *head, struct message_change *change,
                        struct problem *out_problem) {
    struct json_span wanted = {0};
    change->forward = false;
    add_field(head, "change", MESSAGE_FIELD_OBJECT, false, &wanted);
    add_field(head, "forward", MESSAGE_FIELD_BOOL, true, &change->forward);
    add_field(head, "timeout_ms", MESSAGE_FIELD_NUMBER, false, &change->timeout_ms);
    if (!read_fields(value, head, out_problem)) {
        return false;
    }
    return change_read(wanted, &change->change) ||
           message_field_refuse(out_problem, top, "change", "is not a change of the members");
}

static const char *read_machine(struct json_span name, struct problem *out_problem) {
    const char *machine = message_field_text(name, MESSAGE_MACHINE_SIZE_MAX);
    if (machine == NULL) {
        message_field_refuse(out_problem, top, "machine", "must be the name of a state machine, of 1 to 255 bytes");
    }
    return machine;
}

static bool read_probe(struct json_span value, struct head *head, struct message_probe *probe,
                       struct problem *out_problem) {
    struct json_span machine = {0};
    struct json_span list = {0};
    add_field(head, "machine", MESSAGE_FIELD_STRING, false, &machine);
    add_field(head, "list", MESSAGE_FIELD_OBJECT, false, &list);
    if (!read_fields(value, head, out_problem)) {
        return false;
    }
    if (!members_read(list, &probe->list)) {
        return message_field_refuse(out_problem, top, "list", "is not a list of members");
    }
    probe->machine = read_machine(machine, out_problem);
    return probe->machine != NULL;
}

static void copy_head(const struct head *head, struct message_request *request) {
    request->address = head->address;
    request->round = head->round;
}

static bool read_raft(struct json_span value, struct head *head, struct buffer *body, struct message_request *out_request,
                      struct problem *out_problem) {
    struct raft_message *raft = &out_request->raft;
    *raft = (struct raft_message){0};
    bool good = false;
    if (out_request->kind == MESSAGE_REQUEST_VOTE) {
        good = read_request_vote(value, head, raft, out_problem);
    } else if (out_request->kind == MESSAGE_TIMEOUT_NOW) {
        good = read_timeout_now(value, head, raft, out_problem);
    } else {
        good = read_append_entries(value, head, body, out_request, out_problem);
    }
    raft->from = head->address.from;
    raft->to = head->address.to;
    raft->round = head->round;
    return good;
}

bool message_request_read(enum message_kind kind, struct json_span value, struct buffer *body,
                          struct message_request *out_request, struct problem *out_problem) {
    struct head head = {0};
    struct message_request request;
    request.kind = kind;
    request.state = DIVERGENCE_UNKNOWN;
    request.diverged_since = 0;
    add_head(&head, kind);
    bool good = false;
    switch (kind) {
    case MESSAGE_REQUEST_VOTE:
    case MESSAGE_APPEND_ENTRIES:
    case MESSAGE_TIMEOUT_NOW:
        good = read_raft(value, &head, body, &request, out_problem);
        break;
    case MESSAGE_READ_INDEX:
        request.lease = false;
        add_field(&head, "lease", MESSAGE_FIELD_BOOL, true, &request.lease);
        good = read_fields(value, &head, out_problem);
        break;
    case MESSAGE_TRANSFER:
        add_field(&head, "transfer_to", MESSAGE_FIELD_NUMBER, false, &request.transfer.to);
        add_field(&head, "timeout_ms", MESSAGE_FIELD_NUMBER, false, &request.transfer.timeout_ms);
        good = read_fields(value, &head, out_problem);
        break;
    case MESSAGE_CHANGE:
        good = read_change(value, &head, &request.change, out_problem);
        break;
    case MESSAGE_PROPOSE:
        good = read_propose(value, &head, &request.propose, out_problem);
        break;
    case MESSAGE_PROBE:
        good = read_probe(value, &head, &request.probe, out_problem);
        break;
    case MESSAGE_INSTALL_SNAPSHOT: /* message_query.c. */
    case MESSAGE_KIND_COUNT:
        assert(false);
    }
    if (good) {
        copy_head(&head, &request);
        *out_request = request;
    }
    return good;
}

void message_request_clear(struct message_request *request) {
    switch (request->kind) {
    case MESSAGE_APPEND_ENTRIES:
        message_entries_free(request->raft.append_entries.entries, request->raft.append_entries.entry_count);
        request->raft.append_entries.entries = NULL;
        request->raft.append_entries.entry_count = 0;
        break;
    case MESSAGE_PROPOSE:
        free_propose(&request->propose);
        break;
    case MESSAGE_PROBE:
        free((void *)request->probe.machine);
        request->probe.machine = NULL;
        break;
    case MESSAGE_REQUEST_VOTE:
    case MESSAGE_READ_INDEX:
    case MESSAGE_TIMEOUT_NOW:
    case MESSAGE_TRANSFER:
    case MESSAGE_INSTALL_SNAPSHOT:
    case MESSAGE_CHANGE:
    case MESSAGE_KIND_COUNT:
        break;
    }
}
