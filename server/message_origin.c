/* Where forwarded proposals come from, in JSON: only those that are not plain are told, by their place among the commands.
 *
 *     "origins":[{"at":3,"session":17,"seq":4},{"at":5,"idempotency_key":"pay-7"},{"at":6,"type":"session","session":17}]
 *
 * What opens or closes a session has null among the commands. */
#include "server/message_parts.h"

#include "server/base/memory.h"

#include <stdlib.h>

static const struct message_place top = {NULL, 0};

void message_origins_write(const struct message_propose *propose, struct json_writer *writer) {
    if (propose->origins == NULL) {
        return;
    }
    json_write_name(writer, "origins");
    json_write_array_begin(writer);
    for (size_t i = 0; i < propose->count; i++) {
        const struct origin *origin = &propose->origins[i];
        if (!origin_is_plain(origin)) {
            json_write_object_begin(writer);
            message_write_number(writer, "at", i);
            if (origin->type != RAFT_COMMAND) {
                message_write_text(writer, "type", message_entry_type_name(origin->type));
            }
            origin_write_members(origin, writer);
            json_write_object_end(writer);
        }
    }
    json_write_array_end(writer);
}

static bool read_origin(struct json_span object, struct message_place place, uint64_t *out_at, struct origin *out_origin,
                        struct problem *out_problem) {
    struct json_span type = {0};
    struct message_field fields[] = {
        {.name = "at", .type = MESSAGE_FIELD_NUMBER, .out = out_at},
        {.name = "type", .type = MESSAGE_FIELD_STRING, .optional = true, .out = &type},
        {.name = "session", .type = MESSAGE_FIELD_ID, .optional = true, .out = &out_origin->session},
        {.name = "seq", .type = MESSAGE_FIELD_ID, .optional = true, .out = &out_origin->sequence},
        {.name = "idempotency_key", .type = MESSAGE_FIELD_STRING, .optional = true, .out = &out_origin->key},
    };
    *out_origin = origin_plain();
    if (!message_field_read(object, fields, MESSAGE_FIELD_COUNT(fields), place, out_problem)) {
        return false;
    }
    if (type.size > 0) {
        if (!json_string_is(type, "session")) {
            return message_field_refuse(out_problem, place, "type", "must be session, or left out");
        }
        out_origin->type = RAFT_SESSION;
    }
    const char *name = NULL;
    const char *what = origin_check(out_origin, &name);
    return what == NULL || message_field_refuse(out_problem, place, name, what);
}

/* Puts one in its place, behind all that came before it: each command has one origin. */
static bool place_origin(struct message_propose *propose, struct message_place place, uint64_t next, uint64_t at,
                         const struct origin *origin, struct problem *out_problem) {
    if (at < next || at >= propose->count) {
        return message_field_refuse(out_problem, place, "at", "must be the place of a command, in ascending order");
    }
    if (origin->type == RAFT_SESSION) {
        if (json_type(propose->commands[at]) != JSON_NULL) {
            return message_field_refuse(out_problem, place, "type", "is that of a command here");
        }
        propose->commands[at] = (struct json_span){0};
    }
    propose->origins[at] = *origin;
    return true;
}

bool message_origins_read(struct json_span array, struct message_propose *propose, struct problem *out_problem) {
    struct json_cursor cursor = json_open(array);
    struct json_span value;
    struct message_place place = {"origins", 0};
    propose->origins = memory_alloc(propose->count * sizeof *propose->origins);
    for (size_t i = 0; i < propose->count; i++) {
        propose->origins[i] = origin_plain();
    }
    uint64_t next = 0;
    for (; json_next_element(&cursor, &value); place.position++) {
        uint64_t at = 0;
        struct origin origin;
        if (json_type(value) != JSON_OBJECT) {
            return message_field_refuse(out_problem, top, "origins", "must hold objects only");
        }
        if (!read_origin(value, place, &at, &origin, out_problem) ||
            !place_origin(propose, place, next, at, &origin, out_problem)) {
            return false;
        }
        next = at + 1;
    }
    return true;
}
