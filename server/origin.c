#include "server/origin.h"

#include <assert.h>
#include <string.h>

struct origin origin_plain(void) {
    return (struct origin){.type = RAFT_COMMAND};
}

bool origin_is_plain(const struct origin *origin) {
    return origin->type == RAFT_COMMAND && origin->session == 0 && origin->sequence == 0 && origin->key.size == 0;
}

/* A JSON string that decodes to a key, and is not written longer than needed by much. */
static bool is_written_key(struct json_span key) {
    if (json_type(key) != JSON_STRING || key.size > ORIGIN_KEY_WRITTEN_MAX) {
        return false;
    }
    struct origin_key decoded = origin_read_key(key);
    return origin_is_key(decoded.bytes, decoded.size);
}

const char *origin_check(const struct origin *origin, const char **out_name) {
    bool is_command = origin->type == RAFT_COMMAND;
    *out_name = "seq";
    if (is_command && origin->session != 0 && origin->sequence == 0) {
        return "is missing beside a session";
    }
    if (origin->sequence != 0 && (!is_command || origin->session == 0)) {
        return "belongs to a command in a session";
    }
    *out_name = "session";
    if (origin->session != 0 && !is_command && origin->type != RAFT_SESSION) {
        return "belongs to commands and sessions";
    }
    *out_name = "idempotency_key";
    if (origin->key.size == 0) {
        return NULL;
    }
    if (!is_command || origin->session != 0) {
        return "belongs to a command outside a session";
    }
    return is_written_key(origin->key) ? NULL : "must be a string of 1 to 128 printable ASCII characters";
}

bool origin_is_key(const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] < ' ' || bytes[i] > '~') {
            return false;
        }
    }
    return size >= 1 && size <= SESSIONS_KEY_SIZE_MAX;
}

struct origin_key origin_write_key(const char *bytes, size_t size) {
    assert(origin_is_key(bytes, size));
    struct origin_key key;
    key.size = 0;
    key.bytes[key.size++] = '"';
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\') {
            key.bytes[key.size++] = '\\';
        }
        key.bytes[key.size++] = bytes[i];
    }
    key.bytes[key.size++] = '"';
    return key;
}

struct origin_key origin_read_key(struct json_span key) {
    assert(key.size <= ORIGIN_KEY_WRITTEN_MAX);
    struct origin_key decoded;
    decoded.size = json_string_decode(key, decoded.bytes);
    return decoded;
}

struct origin origin_of_entry(const struct raft_entry *entry) {
    return (struct origin){.type = entry->type,
                           .session = entry->session,
                           .sequence = entry->sequence,
                           .key = {.data = entry->key, .size = entry->key_size}};
}

void origin_to_entry(const struct origin *origin, struct raft_entry *entry) {
    entry->type = origin->type;
    entry->session = origin->session;
    entry->sequence = origin->sequence;
    entry->key = origin->key.size == 0 ? NULL : origin->key.data;
    entry->key_size = (uint32_t)origin->key.size;
}

void origin_write_members(const struct origin *origin, struct json_writer *writer) {
    if (origin->session != 0) {
        json_write_name(writer, "session");
        json_write_uint64(writer, origin->session);
    }
    if (origin->sequence != 0) {
        json_write_name(writer, "seq");
        json_write_uint64(writer, origin->sequence);
    }
    if (origin->key.size != 0) {
        json_write_name(writer, "idempotency_key");
        json_write_value(writer, origin->key);
    }
}
