/* Pieces of snapshot files: who speaks to whom and which piece of which file, as a query string. The piece itself is the
 * body, so that its bytes are not JSON. */
#include "server/message.h"

#include "server/base/buffer.h"
#include "server/message_parts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* -- Writing -- */

void message_query_write(const struct message_request *request, char out_query[MESSAGE_QUERY_SIZE]) {
    assert(request->kind == MESSAGE_INSTALL_SNAPSHOT);
    const struct message_address *address = &request->address;
    const struct message_install *install = &request->install;
    int size = snprintf(out_query, MESSAGE_QUERY_SIZE,
                        "cluster_id=%s&from=%" PRIu64 "&from_incarnation=%s&to=%" PRIu64 "&to_incarnation=%s&round=%" PRIu64
                        "&term=%" PRIu64 "&snapshot_index=%" PRIu64 "&snapshot_term=%" PRIu64 "&length=%" PRIu64
                        "&crc=%" PRIu32 "&offset=%" PRIu64 "&done=%s%s",
                        address->cluster_id, address->from, address->from_incarnation, address->to, address->to_incarnation,
                        request->round, install->term, install->snapshot.id.index, install->snapshot.id.term,
                        install->snapshot.length, install->snapshot.crc, install->offset, install->done ? "true" : "false",
                        install->mend ? "&mend=true" : "");
    assert(size > 0 && size < MESSAGE_QUERY_SIZE);
    (void)size;
}

/* -- Reading -- */

/* One parameter: its name, what it must be and where it goes. */
struct parameter {
    const char *name;
    uint64_t minimum; /* Of a number. */
    uint64_t maximum;
    uint64_t *number; /* One of these three. */
    char *digits;     /* MESSAGE_FIELD_DIGITS_SIZE of them and a NUL. */
    bool *truth;
    bool optional;
    bool found;
};

static bool refuse(struct problem *out_problem, const char *name, const char *what) {
    problem_set(out_problem, PROBLEM_BAD_REQUEST, false, "the parameter %s %s", name, what);
    return false;
}

static bool read_number(const char *text, size_t size, const struct parameter *parameter) {
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text[i] - '0');
        if (number > parameter->maximum) {
            return false;
        }
    }
    *parameter->number = number;
    return size > 0 && number >= parameter->minimum;
}

static bool read_digits(const char *text, size_t size, char *out) {
    if (size != MESSAGE_FIELD_DIGITS_SIZE) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) {
            return false;
        }
    }
    memcpy(out, text, size);
    out[size] = '\0';
    return true;
}

static bool read_truth(const char *text, size_t size, bool *out) {
    *out = size == 4 && memcmp(text, "true", 4) == 0;
    return *out || (size == 5 && memcmp(text, "false", 5) == 0);
}

static bool read_value(const char *text, size_t size, struct parameter *parameter, struct problem *out_problem) {
    if (parameter->found) {
        return refuse(out_problem, parameter->name, "is given twice");
    }
    parameter->found = true;
    if (parameter->number != NULL) {
        return read_number(text, size, parameter) ||
               refuse(out_problem, parameter->name, "must be a number within its range");
    }
    if (parameter->digits != NULL) {
        return read_digits(text, size, parameter->digits) ||
               refuse(out_problem, parameter->name, "must be 32 hexadecimal digits, lower case");
    }
    return read_truth(text, size, parameter->truth) || refuse(out_problem, parameter->name, "must be true or false");
}

static struct parameter *find(struct parameter *parameters, size_t count, const char *name, size_t size) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(parameters[i].name) == size && memcmp(parameters[i].name, name, size) == 0) {
            return &parameters[i];
        }
    }
    return NULL;
}

/* Names and values consist of letters, digits and underscores: nothing in them needs a percent sign, and whoever writes one
 * is no node. */
static bool read_pairs(const char *query, size_t size, struct parameter *parameters, size_t count,
                       struct problem *out_problem) {
    const char *end = query + size;
    for (const char *at = query; at < end;) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        const char *pair_end = next == NULL ? end : next;
        const char *equals = memchr(at, '=', (size_t)(pair_end - at));
        const char *name_end = equals == NULL ? pair_end : equals;
        const char *value = equals == NULL ? pair_end : equals + 1;
        struct parameter *parameter = find(parameters, count, at, (size_t)(name_end - at));
        if (parameter != NULL && !read_value(value, (size_t)(pair_end - value), parameter, out_problem)) {
            return false;
        }
        at = pair_end + 1;
    }
    for (size_t i = 0; i < count; i++) {
        if (!parameters[i].found && !parameters[i].optional) {
            return refuse(out_problem, parameters[i].name, "is missing");
        }
    }
    return true;
}

static bool check(const struct message_install *install, struct problem *out_problem) {
    if (install->snapshot.id.term > install->term) {
        return refuse(out_problem, "snapshot_term", "must not be above the request's term");
    }
    if (install->offset > install->snapshot.length || install->size > install->snapshot.length - install->offset) {
        return refuse(out_problem, "offset", "and the body reach past the file's length");
    }
    if (install->done && install->offset + install->size != install->snapshot.length) {
        return refuse(out_problem, "done", "must be false before the file's end");
    }
    return true;
}

bool message_query_read(const char *query, size_t size, struct buffer *body, struct message_request *out_request,
                        struct problem *out_problem) {
    struct message_request request = {.kind = MESSAGE_INSTALL_SNAPSHOT};
    struct message_address *address = &request.address;
    struct message_install *install = &request.install;
    uint64_t crc = 0;
    struct parameter parameters[] = {
        {.name = "cluster_id", .digits = address->cluster_id},
        {.name = "from", .number = &address->from, .minimum = 1, .maximum = RAFT_NUMBER_MAX},
        {.name = "from_incarnation", .digits = address->from_incarnation},
        {.name = "to", .number = &address->to, .minimum = 1, .maximum = RAFT_NUMBER_MAX},
        {.name = "to_incarnation", .digits = address->to_incarnation},
        {.name = "round", .number = &request.round, .maximum = RAFT_NUMBER_MAX},
        {.name = "term", .number = &install->term, .minimum = 1, .maximum = RAFT_NUMBER_MAX},
        {.name = "snapshot_index", .number = &install->snapshot.id.index, .minimum = 1, .maximum = RAFT_NUMBER_MAX},
        {.name = "snapshot_term", .number = &install->snapshot.id.term, .minimum = 1, .maximum = RAFT_NUMBER_MAX},
        {.name = "length", .number = &install->snapshot.length, .minimum = 1, .maximum = RAFT_NUMBER_MAX},
        {.name = "crc", .number = &crc, .maximum = UINT32_MAX},
        {.name = "offset", .number = &install->offset, .maximum = RAFT_NUMBER_MAX},
        {.name = "done", .truth = &install->done},
        {.name = "mend", .truth = &install->mend, .optional = true},
    };
    if (!read_pairs(query, size, parameters, MESSAGE_FIELD_COUNT(parameters), out_problem)) {
        return false;
    }
    install->snapshot.crc = (uint32_t)crc;
    install->bytes = body->data;
    install->size = body->size;
    install->buffer = body;
    if (!check(install, out_problem)) {
        return false;
    }
    *out_request = request;
    return true;
}
