#include "server/message_parts.h"

#include <assert.h>

const char *message_kind_name(enum message_kind kind) {
    static const char *const names[MESSAGE_KIND_COUNT] = {
        [MESSAGE_REQUEST_VOTE] = "request_vote",
        [MESSAGE_APPEND_ENTRIES] = "append_entries",
        [MESSAGE_READ_INDEX] = "read_index",
        [MESSAGE_PROPOSE] = "propose",
        [MESSAGE_TIMEOUT_NOW] = "timeout_now",
        [MESSAGE_TRANSFER] = "transfer",
        [MESSAGE_CHANGE] = "members",
        [MESSAGE_PROBE] = "probe",
        [MESSAGE_INSTALL_SNAPSHOT] = "install_snapshot",
    };
    assert((unsigned)kind < MESSAGE_KIND_COUNT);
    return names[kind];
}

void message_write_number(struct json_writer *writer, const char *name, uint64_t number) {
    json_write_name(writer, name);
    json_write_uint64(writer, number);
}

void message_write_text(struct json_writer *writer, const char *name, const char *text) {
    if (text[0] != '\0') {
        json_write_name(writer, name);
        json_write_text(writer, text);
    }
}
