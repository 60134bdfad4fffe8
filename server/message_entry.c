/* Log entries in JSON. A command is its own bytes, the configuration of a configuration entry is too: what one server has
 * stored is what the next one stores. */
#include "server/message_parts.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>

const char *message_entry_type_name(enum raft_entry_type type) {
    switch (type) {
    case RAFT_COMMAND:
        return "command";
    case RAFT_NOOP:
        return "noop";
    case RAFT_CONFIGURATION:
        return "configuration";
    case RAFT_SESSION:
        return "session";
    }
    assert(false);
    return "";
}

void message_entry_write(const struct raft_entry *entry, struct json_writer *writer) {
    json_write_object_begin(writer);
    message_write_number(writer, "index", entry->id.index);
    message_write_number(writer, "term", entry->id.term);
    json_write_name(writer, "type");
    json_write_text(writer, message_entry_type_name(entry->type));
    if (entry->time_ms != 0) {
        message_write_number(writer, "time_ms", entry->time_ms);
    }
    struct origin origin = origin_of_entry(entry);
    origin_write_members(&origin, writer);
    json_write_name(writer, "command");
    if (entry->type == RAFT_COMMAND) {
        json_write_value(writer, (struct json_span){entry->data, entry->size});
    } else {
        json_write_null(writer);
    }
    if (entry->type == RAFT_CONFIGURATION) {
        json_write_name(writer, "configuration");
        json_write_value(writer, (struct json_span){entry->data, entry->size});
    }
    json_write_object_end(writer);
}

static bool read_type(struct json_span name, enum raft_entry_type *out_type) {
    for (int type = RAFT_COMMAND; type <= RAFT_SESSION; type++) {
        if (json_string_is(name, message_entry_type_name((enum raft_entry_type)type))) {
            *out_type = (enum raft_entry_type)type;
            return true;
        }
    }
    return false;
}

/* Who the servers are must be clear before the entry is in the log: it is in effect from then on (§4.1). */
static struct raft_configuration *read_configuration(struct json_span value) {
    struct members members;
    if (!members_read(value, &members)) {
        return NULL;
    }
    struct raft_configuration configuration;
    members_configuration(&members, &configuration);
    return configuration.voter_count > 0 ? memory_copy(&configuration, sizeof configuration) : NULL;
}

/* Puts the payload into an entry whose type is known. NULL: done. Else the field that is not as it must be is in
 * `out_name`. */
static const char *read_payload(const struct message_field *command, const struct message_field *configuration,
                                struct buffer *body, struct raft_entry *entry, const char **out_name) {
    if (entry->type == RAFT_NOOP || entry->type == RAFT_SESSION) {
        *out_name = "command";
        return command->found && json_type(command->value) != JSON_NULL ? "must be null in a noop or a session" : NULL;
    }
    const struct message_field *field = entry->type == RAFT_COMMAND ? command : configuration;
    *out_name = field->name;
    if (!field->found) {
        return "is missing";
    }
    if (field->value.size > UINT32_MAX) {
        return "is too large";
    }
    if (entry->type == RAFT_CONFIGURATION) {
        entry->configuration = read_configuration(field->value);
        if (entry->configuration == NULL) {
            return "is not a configuration";
        }
    }
    entry->data = field->value.data;
    entry->size = (uint32_t)field->value.size;
    entry->buffer = body;
    return NULL;
}

/* Time and origin (§6.3). NULL: done. Else the field that is not as it must be is in `out_name`. */
static const char *read_origin(const struct origin *read, uint64_t time_ms, struct raft_entry *entry,
                               const char **out_name) {
    struct origin origin = *read;
    origin.type = entry->type;
    origin_to_entry(&origin, entry);
    entry->time_ms = time_ms;
    bool has_time = entry->type == RAFT_COMMAND || entry->type == RAFT_SESSION;
    *out_name = "time_ms";
    return time_ms != 0 && !has_time ? "belongs to commands and sessions" : origin_check(&origin, out_name);
}

/* Reads the entry behind `previous`. */
static bool read_entry(struct json_span object, struct message_place place, struct raft_entry_id previous, raft_term term,
                       struct buffer *body, struct raft_entry *entry, struct problem *out_problem) {
    struct raft_entry_id id = {.index = previous.index + 1};
    struct json_span type = {0};
    struct json_span payload;
    struct origin origin = {0};
    uint64_t time_ms = 0;
    struct message_field fields[] = {
        {.name = "index", .type = MESSAGE_FIELD_ID, .optional = true, .out = &id.index},
        {.name = "term", .type = MESSAGE_FIELD_ID, .out = &id.term},
        {.name = "type", .type = MESSAGE_FIELD_STRING, .out = &type},
        {.name = "time_ms", .type = MESSAGE_FIELD_NUMBER, .optional = true, .out = &time_ms},
        {.name = "session", .type = MESSAGE_FIELD_ID, .optional = true, .out = &origin.session},
        {.name = "seq", .type = MESSAGE_FIELD_ID, .optional = true, .out = &origin.sequence},
        {.name = "idempotency_key", .type = MESSAGE_FIELD_STRING, .optional = true, .out = &origin.key},
        {.name = "command", .type = MESSAGE_FIELD_VALUE, .optional = true, .out = &payload},
        {.name = "configuration", .type = MESSAGE_FIELD_VALUE, .optional = true, .out = &payload},
    };
    if (!message_field_read(object, fields, MESSAGE_FIELD_COUNT(fields), place, out_problem)) {
        return false;
    }
    if (id.index != previous.index + 1 || id.index > RAFT_NUMBER_MAX) {
        return message_field_refuse(out_problem, place, "index", "must follow the entry before");
    }
    if (id.term < previous.term || id.term > term) {
        return message_field_refuse(out_problem, place, "term",
                                    "must not be below the entry before nor above the request's term");
    }
    entry->id = id;
    if (!read_type(type, &entry->type)) {
        return message_field_refuse(out_problem, place, "type", "must be command, noop, configuration or session");
    }
    const char *name = NULL;
    const char *what = read_origin(&origin, time_ms, entry, &name);
    if (what == NULL) {
        what = read_payload(&fields[7], &fields[8], body, entry, &name);
    }
    return what == NULL || message_field_refuse(out_problem, place, name, what);
}

void message_entries_free(const struct raft_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free((void *)entries[i].configuration);
    }
    free((void *)entries);
}

bool message_entries_read(struct json_span array, struct raft_entry_id prev, raft_term term, struct buffer *body,
                          struct raft_entry **out_entries, size_t *out_count, struct problem *out_problem) {
    struct raft_entry *entries = NULL;
    size_t count = 0;
    size_t capacity = 0;
    struct json_cursor cursor = json_open(array);
    struct json_span value;
    while (json_next_element(&cursor, &value)) {
        entries = memory_grow(entries, &capacity, count + 1, sizeof *entries);
        entries[count] = (struct raft_entry){0};
        struct message_place place = {"entries", count};
        if (!read_entry(value, place, prev, term, body, &entries[count], out_problem)) {
            message_entries_free(entries, count); /* The one that failed owes nothing. */
            return false;
        }
        prev = entries[count].id;
        count++;
    }
    *out_entries = entries;
    *out_count = count;
    return true;
}
