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

bool members_same_list(const struct members *left, const struct members *right) {
    if (left->count != right->count) {
        return false;
    }
    for (size_t i = 0; i < left->count; i++) {
        const struct members_member *one = &left->list[i];
        const struct members_member *other = &right->list[i];
        if (one->id != other->id || one->voter != other->voter || strcmp(one->url, other->url) != 0) {
            return false;
        }
    }
    return true;
}

void members_configuration(const struct members *members, struct raft_configuration *out_configuration) {
    *out_configuration = (struct raft_configuration){0};
    for (size_t i = 0; i < members->count; i++) {
        if (members->list[i].voter) {
            out_configuration->voters[out_configuration->voter_count++] = members->list[i].id;
        } else {
            out_configuration->learners[out_configuration->learner_count++] = members->list[i].id;
        }
    }
}

/* -- JSON -- */

static void write_role(const struct members *members, bool voters, struct json_writer *writer) {
    json_write_array_begin(writer);
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *member = &members->list[i];
        if (member->voter != voters) {
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
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

void members_write(const struct members *members, struct json_writer *writer) {
    json_write_object_begin(writer);
    json_write_name(writer, "voters");
    write_role(members, true, writer);
    json_write_name(writer, "learners");
    write_role(members, false, writer);
    json_write_name(writer, "outgoing");
    json_write_array_begin(writer);
    json_write_array_end(writer);
    json_write_object_end(writer);
}

static bool read_member(struct json_span value, struct members_member *member) {
    struct json_span url;
    struct message_field fields[] = {
        {.name = "id", .type = MESSAGE_FIELD_ID, .out = &member->id},
        {.name = "url", .type = MESSAGE_FIELD_STRING, .out = &url},
        {.name = "incarnation", .type = MESSAGE_FIELD_DIGITS, .optional = true, .out = member->incarnation},
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
    return valid;
}

static bool read_role(struct json_span array, bool voters, struct members *members) {
    struct json_cursor cursor = json_open(array);
    struct json_span value;
    while (json_next_element(&cursor, &value)) {
        struct members_member member = {.voter = voters};
        if (!read_member(value, &member) || !members_add(members, &member)) {
            return false;
        }
    }
    return true;
}

bool members_read(struct json_span value, struct members *out_members) {
    struct json_span voters = {0};
    struct json_span learners = {0};
    struct json_span outgoing = {0};
    struct message_field fields[] = {
        {.name = "voters", .type = MESSAGE_FIELD_ARRAY, .out = &voters},
        {.name = "learners", .type = MESSAGE_FIELD_ARRAY, .optional = true, .out = &learners},
        {.name = "outgoing", .type = MESSAGE_FIELD_ARRAY, .optional = true, .out = &outgoing},
    };
    if (!message_field_read(value, fields, sizeof fields / sizeof fields[0], (struct message_place){0}, NULL)) {
        return false;
    }
    /* Two configurations at once need two majorities (§4.3). Who takes them for one would count wrong: better not to take
     * them at all. */
    if (outgoing.size > 0) {
        struct json_cursor cursor = json_open(outgoing);
        struct json_span element;
        if (json_next_element(&cursor, &element)) {
            return false;
        }
    }
    struct members members = {0};
    if (!read_role(voters, true, &members) || (learners.size > 0 && !read_role(learners, false, &members))) {
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
    static const char scheme[] = "http://";
    size_t scheme_size = sizeof scheme - 1;
    if (size >= MEMBERS_URL_SIZE || size <= scheme_size || memcmp(url, scheme, scheme_size) != 0) {
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
