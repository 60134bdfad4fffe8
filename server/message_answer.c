/* Answers in JSON: who speaks, in which term, to which round; then what the kind of request asked for, or a problem. */
#include "server/message_parts.h"

#include "server/base/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 4 + 10, HASH_DIGITS = 16, PROMISE_MS_MAX = 90 * 1000 };

static const struct message_place top = {NULL, 0};

/* Who answers, and the table that is being made for one object. */
struct head {
    raft_node_id from;
    char incarnation[STORAGE_INCARNATION_SIZE + 1];
    raft_term term;
    raft_round round;
    struct message_field fields[FIELDS_MAX];
    size_t field_count;
};

static const char *state_name(enum message_formation_state state) {
    switch (state) {
    case MESSAGE_BLANK:
        return "blank";
    case MESSAGE_HOLDING:
        return "holding";
    case MESSAGE_FORMED:
        return "formed";
    }
    assert(false);
    return "";
}

/* -- Writing -- */

static void write_vote(const struct raft_message *raft, struct json_writer *writer) {
    assert(raft->type == RAFT_VOTE_ANSWER);
    json_write_name(writer, "vote_granted");
    json_write_bool(writer, raft->vote_answer.vote_granted);
    json_write_name(writer, "pre_vote");
    json_write_bool(writer, raft->vote_answer.pre_vote);
}

static void write_hash(struct state_hash_report report, struct json_writer *writer) {
    char digits[HASH_DIGITS + 1];
    snprintf(digits, sizeof digits, "%016" PRIx64, report.hash);
    json_write_name(writer, "state_hash");
    json_write_object_begin(writer);
    message_write_number(writer, "index", report.index);
    json_write_name(writer, "hash");
    json_write_text(writer, digits);
    json_write_object_end(writer);
}

static void write_append(const struct message_answer *answer, struct json_writer *writer) {
    const struct raft_message *raft = &answer->raft;
    assert(raft->type == RAFT_APPEND_ANSWER);
    json_write_name(writer, "success");
    json_write_bool(writer, raft->append_answer.success);
    if (raft->append_answer.success) {
        message_write_number(writer, "match_index", raft->append_answer.match_index);
    } else {
        message_write_number(writer, "conflict_term", raft->append_answer.conflict_term);
        message_write_number(writer, "conflict_index", raft->append_answer.conflict_index);
    }
    message_write_number(writer, "promise_ms", raft->append_answer.promise_ms);
    if (answer->storage_full) {
        json_write_name(writer, "storage_full");
        json_write_bool(writer, true);
    }
    if (answer->state_hash.index != 0) {
        write_hash(answer->state_hash, writer);
    }
    if (answer->diverged) {
        json_write_name(writer, "diverged");
        json_write_bool(writer, true);
    }
}

static void write_lines(const struct message_answer *answer, struct json_writer *writer) {
    json_write_name(writer, "lines");
    json_write_array_begin(writer);
    for (size_t i = 0; i < answer->propose.count; i++) {
        message_line_write(&answer->propose.lines[i], writer, false);
    }
    json_write_array_end(writer);
}

static void write_probe(const struct message_probe_answer *probe, struct json_writer *writer) {
    json_write_name(writer, "state");
    json_write_text(writer, state_name(probe->state));
    message_write_text(writer, "cluster_id", probe->cluster_id);
    message_write_text(writer, "machine", probe->machine);
    json_write_name(writer, "list");
    members_write(&probe->list, writer);
    if (probe->members.count > 0) {
        json_write_name(writer, "members");
        members_write(&probe->members, writer);
        message_write_number(writer, "members_index", probe->members_index);
        json_write_name(writer, "members_committed");
        json_write_bool(writer, probe->members_committed);
    }
    if (probe->leader != 0) {
        message_write_number(writer, "leader_id", probe->leader);
    }
    if (probe->restored) {
        json_write_name(writer, "restored");
        json_write_bool(writer, true);
    }
    if (probe->joins) {
        json_write_name(writer, "joins");
        json_write_bool(writer, true);
    }
}

static void write_kind(const struct message_answer *answer, struct json_writer *writer) {
    switch (answer->kind) {
    case MESSAGE_REQUEST_VOTE:
        write_vote(&answer->raft, writer);
        break;
    case MESSAGE_APPEND_ENTRIES:
        write_append(answer, writer);
        break;
    case MESSAGE_READ_INDEX:
        message_write_number(writer, "read_index", answer->read_index);
        break;
    case MESSAGE_PROPOSE:
        write_lines(answer, writer);
        break;
    case MESSAGE_PROBE:
        write_probe(&answer->probe, writer);
        break;
    case MESSAGE_TIMEOUT_NOW:
        break;
    case MESSAGE_TRANSFER:
        message_write_number(writer, "leader_id", answer->transfer.leader);
        message_write_number(writer, "leader_term", answer->transfer.term);
        break;
    case MESSAGE_INSTALL_SNAPSHOT:
        message_write_number(writer, "stored", answer->install.stored);
        json_write_name(writer, "installed");
        json_write_bool(writer, answer->install.installed);
        break;
    case MESSAGE_CHANGE:
        message_write_number(writer, "members_index", answer->change.index);
        json_write_name(writer, "members");
        members_write(&answer->change.members, writer);
        break;
    case MESSAGE_KIND_COUNT:
        assert(false);
    }
}

/* Its refusals say whether it may have taken effect. */
static bool is_changing(enum message_kind kind) {
    return kind == MESSAGE_PROPOSE || kind == MESSAGE_TRANSFER || kind == MESSAGE_CHANGE;
}

void message_answer_write(const struct message_answer *answer, struct json_writer *writer) {
    bool refused = answer->problem.code != PROBLEM_NONE;
    json_write_object_begin(writer);
    if (refused) {
        message_problem_write_members(&answer->problem, is_changing(answer->kind), writer);
    }
    message_write_number(writer, "from", answer->from);
    message_write_text(writer, "incarnation", answer->incarnation);
    message_write_number(writer, "term", answer->term);
    message_write_number(writer, "round", answer->round);
    if (!refused) {
        write_kind(answer, writer);
    }
    json_write_object_end(writer);
}

/* -- Reading -- */

static void add_field(struct head *head, const char *name, enum message_field_type type, bool optional, void *out) {
    assert(head->field_count < FIELDS_MAX);
    head->fields[head->field_count++] =
        (struct message_field){.name = name, .type = type, .optional = optional, .out = out};
}

/* A problem may come from somebody who never looked at the request: a gate before the node, or a proxy. */
static void add_head(struct head *head, bool optional) {
    add_field(head, "from", optional ? MESSAGE_FIELD_NUMBER : MESSAGE_FIELD_ID, optional, &head->from);
    add_field(head, "incarnation", MESSAGE_FIELD_DIGITS, optional, head->incarnation);
    add_field(head, "term", MESSAGE_FIELD_NUMBER, optional, &head->term);
    add_field(head, "round", MESSAGE_FIELD_NUMBER, optional, &head->round);
}

static bool read_fields(struct json_span value, struct head *head) {
    return message_field_read(value, head->fields, head->field_count, top, NULL);
}

static bool read_vote(struct json_span value, struct head *head, struct raft_message *raft) {
    raft->type = RAFT_VOTE_ANSWER;
    add_field(head, "vote_granted", MESSAGE_FIELD_BOOL, false, &raft->vote_answer.vote_granted);
    add_field(head, "pre_vote", MESSAGE_FIELD_BOOL, false, &raft->vote_answer.pre_vote);
    return read_fields(value, head);
}

static bool read_timeout_now(struct json_span value, struct head *head, struct raft_message *raft) {
    raft->type = RAFT_TIMEOUT_NOW_ANSWER;
    return read_fields(value, head);
}

/* {"index","hash"}; of a report that makes no sense nothing is believed. */
static struct state_hash_report read_hash(struct json_span object) {
    struct state_hash_report report = {0};
    struct json_span digits = {0};
    struct message_field fields[] = {
        {.name = "index", .type = MESSAGE_FIELD_ID, .out = &report.index},
        {.name = "hash", .type = MESSAGE_FIELD_STRING, .out = &digits},
    };
    static const char hexadecimal[] = "0123456789abcdef";
    if (object.size == 0 || !message_field_read(object, fields, MESSAGE_FIELD_COUNT(fields), top, NULL) ||
        digits.size != HASH_DIGITS + 2) {
        return (struct state_hash_report){0};
    }
    for (size_t i = 1; i <= HASH_DIGITS; i++) {
        const char *digit = memchr(hexadecimal, digits.data[i], sizeof hexadecimal - 1);
        if (digit == NULL) {
            return (struct state_hash_report){0};
        }
        report.hash = report.hash << 4 | (uint64_t)(digit - hexadecimal);
    }
    return report;
}

/* A success says how far the logs agree, a failure where to look next: what belongs to the other one is not believed. */
static bool read_append(struct json_span value, struct head *head, struct raft_message *raft,
                        struct message_answer *out_answer) {
    struct raft_append_answer answer = {0};
    struct raft_append_answer *out = &raft->append_answer;
    raft->type = RAFT_APPEND_ANSWER;
    uint64_t promise_ms = 0;
    size_t success = head->field_count;
    add_field(head, "success", MESSAGE_FIELD_BOOL, false, &answer.success);
    add_field(head, "match_index", MESSAGE_FIELD_NUMBER, true, &answer.match_index);
    add_field(head, "conflict_term", MESSAGE_FIELD_NUMBER, true, &answer.conflict_term);
    add_field(head, "conflict_index", MESSAGE_FIELD_NUMBER, true, &answer.conflict_index);
    add_field(head, "promise_ms", MESSAGE_FIELD_NUMBER, true, &promise_ms);
    add_field(head, "storage_full", MESSAGE_FIELD_BOOL, true, &out_answer->storage_full);
    struct json_span hash = {0};
    add_field(head, "state_hash", MESSAGE_FIELD_OBJECT, true, &hash);
    add_field(head, "diverged", MESSAGE_FIELD_BOOL, true, &out_answer->diverged);
    if (!read_fields(value, head)) {
        return false;
    }
    out_answer->state_hash = read_hash(hash);
    bool has_match = head->fields[success + 1].found;
    bool has_conflict = head->fields[success + 2].found && head->fields[success + 3].found;
    /* No promise is as long as a minute: what is more is not believed. */
    *out = (struct raft_append_answer){.success = answer.success,
                                       .promise_ms = promise_ms <= PROMISE_MS_MAX ? (uint32_t)promise_ms : 0};
    if (answer.success) {
        out->match_index = answer.match_index;
        return has_match;
    }
    out->conflict_term = answer.conflict_term;
    out->conflict_index = answer.conflict_index;
    return has_conflict;
}

static bool read_raft(enum message_kind kind, struct json_span value, struct head *head, struct message_answer *answer) {
    struct raft_message raft = {0};
    bool good = false;
    if (kind == MESSAGE_REQUEST_VOTE) {
        good = read_vote(value, head, &raft);
    } else if (kind == MESSAGE_TIMEOUT_NOW) {
        good = read_timeout_now(value, head, &raft);
    } else {
        good = read_append(value, head, &raft, answer);
    }
    if (good) {
        raft.from = head->from;
        raft.term = head->term;
        raft.round = head->round;
        answer->raft = raft;
    }
    return good;
}

static bool read_state(struct json_span name, enum message_formation_state *out_state) {
    for (int state = MESSAGE_BLANK; state <= MESSAGE_FORMED; state++) {
        if (json_string_is(name, state_name((enum message_formation_state)state))) {
            *out_state = (enum message_formation_state)state;
            return true;
        }
    }
    return false;
}

static bool read_probe(struct json_span value, struct head *head, struct message_probe_answer *probe) {
    struct json_span state = {0};
    struct json_span machine = {0};
    struct json_span list = {0};
    struct json_span members = {0};
    probe->cluster_id[0] = '\0';
    add_field(head, "state", MESSAGE_FIELD_STRING, false, &state);
    add_field(head, "cluster_id", MESSAGE_FIELD_DIGITS, true, probe->cluster_id);
    add_field(head, "machine", MESSAGE_FIELD_STRING, false, &machine);
    add_field(head, "list", MESSAGE_FIELD_OBJECT, false, &list);
    add_field(head, "members", MESSAGE_FIELD_OBJECT, true, &members);
    probe->members_index = probe->leader = 0;
    probe->members_committed = probe->restored = probe->joins = false;
    add_field(head, "members_index", MESSAGE_FIELD_NUMBER, true, &probe->members_index);
    add_field(head, "members_committed", MESSAGE_FIELD_BOOL, true, &probe->members_committed);
    add_field(head, "leader_id", MESSAGE_FIELD_NUMBER, true, &probe->leader);
    add_field(head, "restored", MESSAGE_FIELD_BOOL, true, &probe->restored);
    add_field(head, "joins", MESSAGE_FIELD_BOOL, true, &probe->joins);
    if (!read_fields(value, head) || !read_state(state, &probe->state) || !members_read(list, &probe->list)) {
        return false;
    }
    probe->members.count = 0;
    if (members.size > 0 && !members_read(members, &probe->members)) {
        return false;
    }
    bool blank = probe->state == MESSAGE_BLANK;
    /* Whoever has just been taken in belongs to a cluster, and is about to learn who the others are. */
    bool may_lack_members = blank || (probe->state == MESSAGE_FORMED && members.size == 0);
    if (blank != (probe->cluster_id[0] == '\0') || (probe->members.count == 0) != may_lack_members) {
        return false;
    }
    probe->machine = message_field_text(machine, MESSAGE_MACHINE_SIZE_MAX);
    return probe->machine != NULL;
}

static bool read_propose(struct json_span value, struct head *head, struct message_answer *answer) {
    struct json_span array = {0};
    add_field(head, "lines", MESSAGE_FIELD_ARRAY, false, &array);
    return read_fields(value, head) && message_lines_read(array, &answer->propose.lines, &answer->propose.count);
}

static bool read_change(struct json_span value, struct head *head, struct message_answer *answer) {
    struct json_span members = {0};
    add_field(head, "members_index", MESSAGE_FIELD_ID, false, &answer->change.index);
    add_field(head, "members", MESSAGE_FIELD_OBJECT, false, &members);
    return read_fields(value, head) && members_read(members, &answer->change.members);
}

static bool read_kind(struct json_span value, struct head *head, struct message_answer *answer) {
    switch (answer->kind) {
    case MESSAGE_REQUEST_VOTE:
    case MESSAGE_APPEND_ENTRIES:
    case MESSAGE_TIMEOUT_NOW:
        return read_raft(answer->kind, value, head, answer);
    case MESSAGE_READ_INDEX:
        add_field(head, "read_index", MESSAGE_FIELD_NUMBER, false, &answer->read_index);
        return read_fields(value, head);
    case MESSAGE_PROPOSE:
        return read_propose(value, head, answer);
    case MESSAGE_PROBE:
        return read_probe(value, head, &answer->probe);
    case MESSAGE_TRANSFER:
        add_field(head, "leader_id", MESSAGE_FIELD_ID, false, &answer->transfer.leader);
        add_field(head, "leader_term", MESSAGE_FIELD_NUMBER, false, &answer->transfer.term);
        return read_fields(value, head);
    case MESSAGE_INSTALL_SNAPSHOT:
        add_field(head, "stored", MESSAGE_FIELD_NUMBER, false, &answer->install.stored);
        add_field(head, "installed", MESSAGE_FIELD_BOOL, false, &answer->install.installed);
        return read_fields(value, head);
    case MESSAGE_CHANGE:
        return read_change(value, head, answer);
    case MESSAGE_KIND_COUNT:
        break;
    }
    assert(false);
    return false;
}

bool message_answer_read(enum message_kind kind, unsigned status, struct json_span value,
                         struct message_answer *out_answer) {
    struct head head = {0};
    struct message_answer answer;
    answer.kind = kind;
    answer.problem = (struct problem){0};
    answer.storage_full = answer.diverged = false;
    answer.state_hash.index = 0;
    bool refused = status != 200;
    add_head(&head, refused);
    bool good = refused ? message_problem_read(value, status, &answer.problem) && read_fields(value, &head)
                        : read_kind(value, &head, &answer);
    if (!good) {
        return false;
    }
    answer.from = head.from;
    answer.term = head.term;
    answer.round = head.round;
    memcpy(answer.incarnation, head.incarnation, sizeof answer.incarnation);
    *out_answer = answer;
    return true;
}

void message_answer_clear(struct message_answer *answer) {
    if (answer->problem.code != PROBLEM_NONE) {
        return;
    }
    if (answer->kind == MESSAGE_PROPOSE) {
        free(answer->propose.lines);
        answer->propose.lines = NULL;
        answer->propose.count = 0;
    } else if (answer->kind == MESSAGE_PROBE) {
        free((void *)answer->probe.machine);
        answer->probe.machine = NULL;
    }
}
