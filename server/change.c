#include "server/change.h"

#include "server/message_field.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {"add", "promote", "remove", "put", "replace", "move"};
_Static_assert(sizeof names / sizeof names[0] == CHANGE_KIND_COUNT, "every kind has a name");

const struct members_member *change_subject(const struct change *change) {
    assert(change->kind != CHANGE_PUT && change->members.count == 1);
    return &change->members.list[0];
}

static bool is_by_id(enum change_kind kind) {
    return kind == CHANGE_PROMOTE || kind == CHANGE_REMOVE;
}

/* -- JSON -- */

void change_write(const struct change *change, struct json_writer *writer) {
    json_write_object_begin(writer);
    json_write_name(writer, "kind");
    json_write_text(writer, names[change->kind]);
    json_write_name(writer, "own");
    json_write_bool(writer, change->own);
    if (is_by_id(change->kind)) {
        json_write_name(writer, "id");
        json_write_uint64(writer, change_subject(change)->id);
    } else {
        json_write_name(writer, "members");
        members_write(&change->members, writer);
    }
    json_write_object_end(writer);
}

static bool read_kind(struct json_span name, enum change_kind *out_kind) {
    for (int kind = 0; kind < CHANGE_KIND_COUNT; kind++) {
        if (json_string_is(name, names[kind])) {
            *out_kind = (enum change_kind)kind;
            return true;
        }
    }
    return false;
}

bool change_read(struct json_span value, struct change *out_change) {
    struct json_span kind = {0};
    struct json_span members = {0};
    struct change change = {.own = false};
    raft_node_id id = 0;
    struct message_field fields[] = {
        {.name = "kind", .type = MESSAGE_FIELD_STRING, .out = &kind},
        {.name = "own", .type = MESSAGE_FIELD_BOOL, .optional = true, .out = &change.own},
        {.name = "id", .type = MESSAGE_FIELD_ID, .optional = true, .out = &id},
        {.name = "members", .type = MESSAGE_FIELD_OBJECT, .optional = true, .out = &members},
    };
    if (!message_field_read(value, fields, sizeof fields / sizeof fields[0], (struct message_place){0}, NULL) ||
        !read_kind(kind, &change.kind)) {
        return false;
    }
    if (is_by_id(change.kind)) {
        change.members = (struct members){.count = 1, .list = {{.id = id}}};
        change.own = false;
    } else if (members.size == 0 || !members_read(members, &change.members) || !change_is_settled(&change.members)) {
        return false;
    }
    bool counted = change.kind == CHANGE_PUT ? change.members.count > 0 : change.members.count == 1;
    bool named = !is_by_id(change.kind) || id != 0;
    bool says_who = !change.own || (change.kind != CHANGE_PUT && change.members.list[0].incarnation[0] != '\0');
    bool needs_own = change.kind == CHANGE_REPLACE || change.kind == CHANGE_MOVE;
    if (!counted || !named || !says_who || (needs_own && !change.own)) {
        return false;
    }
    *out_change = change;
    return true;
}

/* -- Meaning -- */

bool change_is_settled(const struct members *members) {
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *member = &members->list[i];
        if (member->outgoing || member->joining || member->next != MEMBERS_NEXT_NONE) {
            return false;
        }
    }
    return true;
}

static bool is_joint(const struct members *members) {
    for (size_t i = 0; i < members->count; i++) {
        if (members->list[i].outgoing) {
            return true;
        }
    }
    return false;
}

void change_destination(const struct members *members, struct members *out_members) {
    bool settled = change_is_settled(members);
    bool joint = is_joint(members);
    struct members found = {0};
    for (size_t i = 0; i < members->count; i++) {
        struct members_member member = members->list[i];
        enum members_next next = member.next;
        bool stays = settled || next != MEMBERS_NEXT_NONE || (joint && (member.voter || members_is_learner(&member)));
        /* While there are two configurations, the voters are those that it leads to (§4.3). */
        member.voter = joint || settled ? member.voter : next == MEMBERS_NEXT_VOTER;
        member.outgoing = member.joining = false;
        member.next = MEMBERS_NEXT_NONE;
        if (stays) {
            bool added = members_add(&found, &member);
            assert(added);
            (void)added;
        }
    }
    *out_members = found;
}

static bool refuse(struct problem *out_problem, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool refuse(struct problem *out_problem, const char *format, ...) {
    char detail[PROBLEM_DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    problem_set(out_problem, PROBLEM_CONFLICT, false, "%s", detail);
    return false;
}

static struct members_member *find(struct members *members, raft_node_id id) {
    return (struct members_member *)members_find(members, id);
}

static void take_out(struct members *members, raft_node_id id) {
    size_t kept = 0;
    for (size_t i = 0; i < members->count; i++) {
        if (members->list[i].id != id) {
            members->list[kept++] = members->list[i];
        }
    }
    members->count = kept;
}

static size_t count_voters(const struct members *members) {
    size_t count = 0;
    for (size_t i = 0; i < members->count; i++) {
        count += members->list[i].voter ? 1 : 0;
    }
    return count;
}

static bool is_incarnation_other(const struct members_member *one, const struct members_member *other) {
    return one->incarnation[0] != '\0' && strcmp(one->incarnation, other->incarnation) != 0;
}

/* A node is known by its id: its URL is changed by the node itself, and two nodes cannot be at one. Who asks for itself is
 * looked at where it says that it is before it gets in, and so whoever was known to be there is not any more: a container
 * that lost its volume comes back at its old address with another id. */
static bool may_be(const struct members_member *wanted, bool own, const struct members *from, struct problem *out_problem) {
    const struct members_member *known = members_find(from, wanted->id);
    if (known != NULL && strcmp(known->url, wanted->url) != 0) {
        return refuse(out_problem, "node %" PRIu64 " is a member already, at %s", known->id, known->url);
    }
    if (known != NULL && is_incarnation_other(wanted, known)) {
        return refuse(out_problem,
                      "node %" PRIu64 " is a member with another data directory: bring that one back, run the blank node "
                      "with --replace, or remove node %" PRIu64 " first",
                      known->id, known->id);
    }
    for (size_t i = 0; i < from->count && known == NULL && !own; i++) {
        if (strcmp(from->list[i].url, wanted->url) == 0) {
            return refuse(out_problem, "%s is the URL of node %" PRIu64, wanted->url, from->list[i].id);
        }
    }
    return true;
}

static bool add(const struct members_member *wanted, bool own, struct members *members, struct problem *out_problem) {
    if (!may_be(wanted, own, members, out_problem)) {
        return false;
    }
    if (members_find(members, wanted->id) == NULL && !members_add(members, wanted)) {
        return refuse(out_problem, "there are %d members already, and cannot be more", RAFT_MEMBERS_MAX);
    }
    return true;
}

static bool promote(raft_node_id id, struct members *members, struct problem *out_problem) {
    struct members_member *member = find(members, id);
    if (member == NULL) {
        problem_set(out_problem, PROBLEM_NOT_FOUND, false, "node %" PRIu64 " is no member", id);
        return false;
    }
    member->voter = true;
    return true;
}

static bool take_away(raft_node_id id, struct members *members, struct problem *out_problem) {
    const struct members_member *member = members_find(members, id);
    if (member != NULL && member->voter && count_voters(members) == 1) {
        return refuse(out_problem, "node %" PRIu64 " is the last voter", id);
    }
    take_out(members, id);
    return true;
}

static bool put(const struct members *wanted, const struct members *from, struct members *out_members,
                struct problem *out_problem) {
    struct members made = {0};
    struct members all = *from;
    if (count_voters(wanted) == 0) {
        return refuse(out_problem, "there must be a voter");
    }
    for (size_t i = 0; i < wanted->count; i++) {
        struct members_member member = wanted->list[i];
        if (!may_be(&member, false, from, out_problem)) {
            return false;
        }
        const struct members_member *known = members_find(from, member.id);
        if (known != NULL) {
            memcpy(member.incarnation, known->incarnation, sizeof member.incarnation);
        } else if (!members_add(&all, &member)) {
            return refuse(out_problem,
                          "on the way there would be more than %d members: remove those that go, or add those that come, "
                          "in smaller steps",
                          RAFT_MEMBERS_MAX);
        }
        bool added = members_add(&made, &member);
        assert(added);
        (void)added;
    }
    *out_members = made;
    return true;
}

/* In a cluster of two the other one alone is no majority, and never will be one (§3.8: the lost one may have voted). */
static bool replace(const struct members_member *wanted, struct members *members, struct problem *out_problem) {
    const struct members_member *lost = members_find(members, wanted->id);
    if (lost == NULL || strcmp(lost->incarnation, wanted->incarnation) == 0) {
        return add(wanted, true, members, out_problem);
    }
    if (lost->voter && count_voters(members) <= 2) {
        return refuse(out_problem,
                      "node %" PRIu64
                      " cannot be replaced: of %zu voters the rest is no majority; bring its data directory "
                      "back",
                      wanted->id, count_voters(members));
    }
    take_out(members, wanted->id);
    return true;
}

static bool move(const struct change *change, struct members *members, struct problem *out_problem) {
    const struct members_member *wanted = change_subject(change);
    struct members_member *member = find(members, wanted->id);
    if (member == NULL || strcmp(member->incarnation, wanted->incarnation) != 0) {
        return refuse(out_problem, "node %" PRIu64 " is no member with this data directory", wanted->id);
    }
    for (size_t i = 0; i < members->count; i++) {
        struct members_member *other = &members->list[i];
        if (other == member || strcmp(other->url, wanted->url) != 0) {
            continue;
        }
        if (other->id != change->gone) {
            return refuse(out_problem, "%s is the URL of node %" PRIu64, wanted->url, other->id);
        }
        memcpy(other->url, member->url, sizeof other->url);
    }
    memcpy(member->url, wanted->url, sizeof member->url);
    return true;
}

bool change_target(const struct change *change, const struct members *from, struct members *out_target,
                   struct problem *out_problem) {
    assert(change_is_settled(from));
    struct members target = *from;
    bool good = false;
    switch (change->kind) {
    case CHANGE_ADD:
        good = add(change_subject(change), change->own, &target, out_problem);
        break;
    case CHANGE_PROMOTE:
        good = promote(change_subject(change)->id, &target, out_problem);
        break;
    case CHANGE_REMOVE:
        good = take_away(change_subject(change)->id, &target, out_problem);
        break;
    case CHANGE_PUT:
        good = put(&change->members, from, &target, out_problem);
        break;
    case CHANGE_REPLACE:
        good = replace(change_subject(change), &target, out_problem);
        break;
    case CHANGE_MOVE:
        good = move(change, &target, out_problem);
        break;
    case CHANGE_KIND_COUNT:
        assert(false);
    }
    if (good) {
        *out_target = target;
    }
    return good;
}

bool change_is_done(const struct change *change, const struct members *members) {
    if (change->kind == CHANGE_PUT) {
        return members_same_list(&change->members, members);
    }
    const struct members_member *subject = change_subject(change);
    const struct members_member *member = members_find(members, subject->id);
    switch (change->kind) {
    case CHANGE_REMOVE:
        return member == NULL;
    case CHANGE_PROMOTE:
        return member != NULL && member->voter;
    default:
        return member != NULL && strcmp(member->url, subject->url) == 0 && !is_incarnation_other(subject, member);
    }
}

/* ADD and REPLACE of a node both end with it as a member. */
static bool brings(const struct change *change) {
    return change->kind == CHANGE_ADD || change->kind == CHANGE_REPLACE;
}

bool change_is_same(const struct change *one, const struct change *other) {
    if (brings(one) && brings(other)) {
        const struct members_member *left = change_subject(one);
        const struct members_member *right = change_subject(other);
        bool role = left->voter == right->voter || one->own || other->own;
        return role && left->id == right->id && strcmp(left->url, right->url) == 0;
    }
    if (one->kind != other->kind) {
        return false;
    }
    if (is_by_id(one->kind)) {
        return change_subject(one)->id == change_subject(other)->id;
    }
    return members_same_list(&one->members, &other->members);
}
