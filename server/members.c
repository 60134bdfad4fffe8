#include "server/members.h"

#include "server/message_field.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct members_member *members_find(const struct members *members, raft_node_id id) {
    for (size_t i = 0; i < members->count; i++) {
        if (members->list[i].id == id) {
            return &members->list[i];
        }
    }
    return NULL;
}

bool members_add(struct members *members, const struct members_member *member) {
    assert(members->count <= RAFT_MEMBERS_MAX);
    if (members->count == RAFT_MEMBERS_MAX || members_find(members, member->id) != NULL) {
        return false;
    }
    size_t at = members->count;
    while (at > 0 && members->list[at - 1].id > member->id) {
        members->list[at] = members->list[at - 1];
        at--;
    }
    members->list[at] = *member;
    members->count++;
    return true;
}

bool members_is_learner(const struct members_member *member) {
    return !member->voter && !member->outgoing;
}

bool members_same_list(const struct members *left, const struct members *right) {
    if (left->count != right->count) {
        return false;
    }
    for (size_t i = 0; i < left->count; i++) {
        const struct members_member *one = &left->list[i];
        const struct members_member *other = &right->list[i];
        if (one->id != other->id || strcmp(one->url, other->url) != 0 || one->voter != other->voter ||
            one->outgoing != other->outgoing || one->joining != other->joining || one->next != other->next) {
            return false;
        }
    }
    return true;
}

/* -- The consensus module's form -- */

static void put_id(raft_node_id *list, size_t *count, bool wanted, raft_node_id id) {
    if (wanted) {
        list[(*count)++] = id;
    }
}

void members_configuration(const struct members *members, struct raft_configuration *out_configuration) {
    struct raft_configuration *out = out_configuration;
    *out = (struct raft_configuration){0};
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *member = &members->list[i];
        put_id(out->voters, &out->voter_count, member->voter, member->id);
        put_id(out->learners, &out->learner_count, members_is_learner(member), member->id);
        put_id(out->outgoing, &out->outgoing_count, member->outgoing, member->id);
        put_id(out->next_voters, &out->next_voter_count, member->next == MEMBERS_NEXT_VOTER, member->id);
        put_id(out->next_learners, &out->next_learner_count, member->next == MEMBERS_NEXT_LEARNER, member->id);
        put_id(out->joining, &out->joining_count, member->joining, member->id);
    }
}

static bool has_id(const raft_node_id *list, size_t count, raft_node_id id) {
    for (size_t i = 0; i < count; i++) {
        if (list[i] == id) {
            return true;
        }
    }
    return false;
}

static bool add_known(const raft_node_id *list, size_t count, const struct members *known, const struct members *also,
                      struct members *members) {
    for (size_t i = 0; i < count; i++) {
        if (members_find(members, list[i]) != NULL) {
            continue;
        }
        const struct members_member *member = members_find(known, list[i]);
        if (member == NULL && also != NULL) {
            member = members_find(also, list[i]);
        }
        if (member == NULL || !members_add(members, member)) {
            return false;
        }
    }
    return true;
}

bool members_of_configuration(const struct raft_configuration *configuration, const struct members *known,
                              const struct members *also, struct members *out_members) {
    const struct raft_configuration *from = configuration;
    struct members members = {0};
    if (!add_known(from->voters, from->voter_count, known, also, &members) ||
        !add_known(from->learners, from->learner_count, known, also, &members) ||
        !add_known(from->outgoing, from->outgoing_count, known, also, &members)) {
        return false;
    }
    for (size_t i = 0; i < members.count; i++) {
        struct members_member *member = &members.list[i];
        member->voter = has_id(from->voters, from->voter_count, member->id);
        member->outgoing = has_id(from->outgoing, from->outgoing_count, member->id);
        member->joining = has_id(from->joining, from->joining_count, member->id);
        member->next = has_id(from->next_voters, from->next_voter_count, member->id)       ? MEMBERS_NEXT_VOTER
                       : has_id(from->next_learners, from->next_learner_count, member->id) ? MEMBERS_NEXT_LEARNER
                                                                                           : MEMBERS_NEXT_NONE;
    }
    *out_members = members;
    return true;
}

/* -- JSON -- */

static bool is_voter(const struct members_member *member) {
    return member->voter;
}

static bool is_outgoing(const struct members_member *member) {
    return member->outgoing;
}

static bool is_joining(const struct members_member *member) {
    return member->joining;
}

static bool is_next_voter(const struct members_member *member) {
    return member->next == MEMBERS_NEXT_VOTER;
}

static bool is_next_learner(const struct members_member *member) {
    return member->next == MEMBERS_NEXT_LEARNER;
}

typedef bool chooser(const struct members_member *member);

static void write_list(const struct members *members, const char *name, chooser *chosen, struct json_writer *writer) {
    json_write_name(writer, name);
    json_write_array_begin(writer);
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *member = &members->list[i];
        if (!chosen(member)) {
            continue;
        }
        json_write_object_begin(writer);
        json_write_name(writer, "id");
        json_write_uint64(writer, member->id);
        json_write_name(writer, "url");
        json_write_text(writer, member->url);
        if (member->incarnation[0] != '\0') {
            json_write_name(writer, "incarnation");
            json_write_text(writer, member->incarnation);
        }
        if (members_is_learner(member) && is_next_voter(member)) {
            json_write_name(writer, "promote");
            json_write_bool(writer, true);
        }
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static bool is_any(const struct members *members, chooser *chosen) {
    for (size_t i = 0; i < members->count; i++) {
        if (chosen(&members->list[i])) {
            return true;
        }
    }
    return false;
}

static void write_ids(const struct members *members, const char *name, chooser *chosen, struct json_writer *writer) {
    json_write_name(writer, name);
    json_write_array_begin(writer);
    for (size_t i = 0; i < members->count; i++) {
        if (chosen(&members->list[i])) {
            json_write_uint64(writer, members->list[i].id);
        }
    }
    json_write_array_end(writer);
}

void members_write(const struct members *members, struct json_writer *writer) {
    json_write_object_begin(writer);
    write_list(members, "voters", is_voter, writer);
    write_list(members, "learners", members_is_learner, writer);
    write_list(members, "outgoing", is_outgoing, writer);
    if (is_any(members, is_next_voter)) {
        json_write_name(writer, "next");
        json_write_object_begin(writer);
        write_ids(members, "voters", is_next_voter, writer);
        write_ids(members, "learners", is_next_learner, writer);
        json_write_object_end(writer);
    }
    if (is_any(members, is_joining)) {
        write_ids(members, "joining", is_joining, writer);
    }
    json_write_object_end(writer);
}

static bool read_member(struct json_span value, struct members_member *member) {
    struct json_span url;
    bool promote = false;
    struct message_field fields[] = {
        {.name = "id", .type = MESSAGE_FIELD_ID, .out = &member->id},
        {.name = "url", .type = MESSAGE_FIELD_STRING, .out = &url},
        {.name = "incarnation", .type = MESSAGE_FIELD_DIGITS, .optional = true, .out = member->incarnation},
        {.name = "promote", .type = MESSAGE_FIELD_BOOL, .optional = true, .out = &promote},
    };
    if (!message_field_read(value, fields, sizeof fields / sizeof fields[0], (struct message_place){0}, NULL)) {
        return false;
    }
    char *text = message_field_text(url, MEMBERS_URL_SIZE - 1);
    bool valid = text != NULL && members_url_valid(text, strlen(text));
    if (valid) {
        memcpy(member->url, text, strlen(text) + 1);
    }
    free(text);
    member->next = promote ? MEMBERS_NEXT_VOTER : MEMBERS_NEXT_NONE;
    return valid;
}

/* A voter that stays one while another configuration is left stands in two lists, the same in both. */
static bool add_outgoing(struct members *members, const struct members_member *outgoing) {
    for (size_t i = 0; i < members->count; i++) {
        struct members_member *member = &members->list[i];
        if (member->id == outgoing->id) {
            bool same = strcmp(member->url, outgoing->url) == 0 && strcmp(member->incarnation, outgoing->incarnation) == 0;
            bool fits = member->voter && !member->outgoing && same;
            member->outgoing = true;
            return fits;
        }
    }
    return members_add(members, outgoing);
}

/* An empty span: the list was left out. */
static bool read_list(struct json_span array, bool voters, bool outgoing, struct members *members) {
    if (array.size == 0) {
        return true;
    }
    struct json_cursor cursor = json_open(array);
    struct json_span value;
    while (json_next_element(&cursor, &value)) {
        struct members_member member = {.voter = voters, .outgoing = outgoing};
        if (!read_member(value, &member)) {
            return false;
        }
        if ((voters || outgoing) && member.next != MEMBERS_NEXT_NONE) {
            return false; /* Only learners are promoted. */
        }
        if (outgoing ? !add_outgoing(members, &member) : !members_add(members, &member)) {
            return false;
        }
    }
    return true;
}

/* Ids of members, each once, into `out_ids` of RAFT_MEMBERS_MAX. */
static bool read_ids(struct json_span array, const struct members *members, raft_node_id *out_ids, size_t *out_count) {
    *out_count = 0;
    if (array.size == 0) {
        return true;
    }
    struct json_cursor cursor = json_open(array);
    struct json_span value;
    while (json_next_element(&cursor, &value)) {
        raft_node_id id;
        if (json_type(value) != JSON_NUMBER || !json_number_uint64(value, RAFT_NUMBER_MAX, &id) ||
            members_find(members, id) == NULL || has_id(out_ids, *out_count, id)) {
            return false;
        }
        out_ids[(*out_count)++] = id; /* As many as there are members at most, since each is one and is there once. */
    }
    return true;
}

static bool read_next(struct json_span object, struct members *members) {
    struct json_span voter_array = {0};
    struct json_span learner_array = {0};
    struct message_field fields[] = {
        {.name = "voters", .type = MESSAGE_FIELD_ARRAY, .out = &voter_array},
        {.name = "learners", .type = MESSAGE_FIELD_ARRAY, .optional = true, .out = &learner_array},
    };
    raft_node_id voters[RAFT_MEMBERS_MAX];
    raft_node_id learners[RAFT_MEMBERS_MAX];
    size_t voter_count;
    size_t learner_count;
    if (!message_field_read(object, fields, sizeof fields / sizeof fields[0], (struct message_place){0}, NULL) ||
        !read_ids(voter_array, members, voters, &voter_count) ||
        !read_ids(learner_array, members, learners, &learner_count) || voter_count == 0) {
        return false;
    }
    for (size_t i = 0; i < members->count; i++) {
        struct members_member *member = &members->list[i];
        bool promoted = member->next == MEMBERS_NEXT_VOTER;
        bool voter = has_id(voters, voter_count, member->id);
        bool learner = has_id(learners, learner_count, member->id);
        if ((voter && learner) || promoted != (voter && members_is_learner(member))) {
            return false;
        }
        member->next = voter ? MEMBERS_NEXT_VOTER : learner ? MEMBERS_NEXT_LEARNER : MEMBERS_NEXT_NONE;
    }
    return true;
}

static bool read_joining(struct json_span array, struct members *members) {
    raft_node_id joining[RAFT_MEMBERS_MAX];
    size_t count;
    if (!read_ids(array, members, joining, &count)) {
        return false;
    }
    for (size_t i = 0; i < members->count; i++) {
        struct members_member *member = &members->list[i];
        member->joining = has_id(joining, count, member->id);
        if (member->joining && !members_is_learner(member)) {
            return false;
        }
    }
    return true;
}

bool members_read(struct json_span value, struct members *out_members) {
    struct json_span voters = {0};
    struct json_span learners = {0};
    struct json_span outgoing = {0};
    struct json_span next = {0};
    struct json_span joining = {0};
    struct message_field fields[] = {
        {.name = "voters", .type = MESSAGE_FIELD_ARRAY, .out = &voters},
        {.name = "learners", .type = MESSAGE_FIELD_ARRAY, .optional = true, .out = &learners},
        {.name = "outgoing", .type = MESSAGE_FIELD_ARRAY, .optional = true, .out = &outgoing},
        {.name = "next", .type = MESSAGE_FIELD_OBJECT, .optional = true, .out = &next},
        {.name = "joining", .type = MESSAGE_FIELD_ARRAY, .optional = true, .out = &joining},
    };
    if (!message_field_read(value, fields, sizeof fields / sizeof fields[0], (struct message_place){0}, NULL)) {
        return false;
    }
    struct members members = {0};
    if (!read_list(voters, true, false, &members) || !read_list(learners, false, false, &members) ||
        !read_list(outgoing, false, true, &members)) {
        return false;
    }
    if (next.size == 0 ? is_any(&members, is_next_voter) : !read_next(next, &members)) {
        return false; /* Promoted to what is never gone to. */
    }
    if (!read_joining(joining, &members) || (next.size == 0 && is_any(&members, is_joining))) {
        return false;
    }
    *out_members = members;
    return true;
}

/* -- URLs and lists of them -- */

/* Answers where a host name, an IPv4 or a bracketed IPv6 address ends; NULL when there is none. */
static const char *skip_host(const char *at, const char *end) {
    if (at < end && *at == '[') {
        const char *closer = memchr(at, ']', (size_t)(end - at));
        char address[INET6_ADDRSTRLEN];
        if (closer == NULL || (size_t)(closer - at) > sizeof address) {
            return NULL;
        }
        size_t size = (size_t)(closer - at - 1);
        memcpy(address, at + 1, size);
        address[size] = '\0';
        struct in6_addr binary;
        return strlen(address) == size && inet_pton(AF_INET6, address, &binary) == 1 ? closer + 1 : NULL;
    }
    const char *begin = at;
    for (; at < end; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') || *at == '_';
        if (!letter && (at == begin || (*at != '-' && *at != '.'))) {
            break;
        }
    }
    return at > begin ? at : NULL;
}

bool members_url_valid(const char *url, size_t size) {
    size_t scheme_size = size > 8 && memcmp(url, "https://", 8) == 0 ? 8 : 7;
    if (size >= MEMBERS_URL_SIZE || size <= scheme_size || (scheme_size == 7 && memcmp(url, "http://", 7) != 0)) {
        return false;
    }
    const char *end = url + size;
    const char *at = skip_host(url + scheme_size, end);
    if (at == NULL || at == end) {
        return at == end;
    }
    if (*at != ':' || end - at < 2 || end - at > 6 || at[1] == '0') {
        return false;
    }
    unsigned port = 0;
    for (at++; at < end; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        port = port * 10 + (unsigned)(*at - '0');
    }
    return port <= 65535;
}

static bool refuse(char *out_why, size_t why_size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool refuse(char *out_why, size_t why_size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_why, why_size, format, arguments);
    va_end(arguments);
    return false;
}

/* One `id=url` of `size` bytes. */
static bool parse_item(const char *item, size_t size, struct members *members, char *out_why, size_t why_size) {
    int shown = size > 300 ? 300 : (int)size;
    const char *equals = memchr(item, '=', size);
    if (equals == NULL) {
        return refuse(out_why, why_size, "'%.*s' is not of the form id=url, like 1=http://node1:8001", shown, item);
    }
    struct members_member member = {.voter = true};
    struct json_span id = {item, (size_t)(equals - item)};
    if (id.size == 0 || id.data[0] == '0' || !json_number_uint64(id, RAFT_NUMBER_MAX, &member.id)) {
        return refuse(out_why, why_size, "'%.*s' does not begin with an id from 1 to 9007199254740991", shown, item);
    }
    const char *url = equals + 1;
    size_t url_size = size - id.size - 1;
    if (!members_url_valid(url, url_size)) {
        return refuse(out_why, why_size,
                      "the URL of '%.*s' is not of the form http://host:port (no path, no slash at the end)", shown, item);
    }
    memcpy(member.url, url, url_size);
    for (size_t i = 0; i < members->count; i++) {
        if (strcmp(members->list[i].url, member.url) == 0) {
            return refuse(out_why, why_size, "%s is listed twice", member.url);
        }
    }
    if (members_find(members, member.id) != NULL) {
        return refuse(out_why, why_size, "id %llu is listed twice", (unsigned long long)member.id);
    }
    if (!members_add(members, &member)) {
        return refuse(out_why, why_size, "more than %d members are listed", RAFT_MEMBERS_MAX);
    }
    return true;
}

bool members_parse_list(const char *text, struct members *out_members, char *out_why, size_t why_size) {
    struct members members = {0};
    if (text[0] == '\0') {
        return refuse(out_why, why_size, "the list of members is empty");
    }
    for (const char *item = text;; item++) {
        size_t size = strcspn(item, ",");
        if (!parse_item(item, size, &members, out_why, why_size)) {
            return false;
        }
        item += size;
        if (*item == '\0') {
            break;
        }
    }
    *out_members = members;
    return true;
}
