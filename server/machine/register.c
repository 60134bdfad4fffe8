/* The machine `register`: one value, which is absent before the first write. */
#include "server/base/buffer.h"
#include "server/base/memory.h"
#include "server/machine/operation.h"
#include "server/machine/registry.h"
#include "server/machine/snapshot_stream.h"

#include <stdlib.h>

static const char format_name[] = "raftdreg";
enum { FORMAT_VERSION = 1, VALUE_SIZE_WIDTH = 8 };

/* The value is a counted buffer that is replaced and never changed: a frozen view is one more reference to it. */
struct state {
    struct buffer *value; /* NULL before the first write. */
};

enum command_kind { COMMAND_WRITE, COMMAND_CAS };

struct command {
    enum command_kind kind;
    struct json_span value;
    struct json_span expected; /* Of cas; `data` NULL when the value is to be absent. */
};

static void *create(void) {
    return memory_zalloc(sizeof(struct state));
}

static void destroy(void *opaque) {
    struct state *state = opaque;
    if (state != NULL) {
        buffer_release(state->value);
        free(state);
    }
}

static enum machine_verdict read_command(const char *text, size_t size, struct command *out_command,
                                         struct machine_output why) {
    struct operation operation;
    if (!operation_read(text, size, &operation)) {
        return operation_refuse(why, "a command must be an object like {\"op\":\"write\",\"value\":1}");
    }
    if (!operation_is(&operation, "write") && !operation_is(&operation, "cas")) {
        return operation_refuse(why, "\"op\" of a command must be \"write\" or \"cas\"");
    }
    if (!operation_has(&operation, OPERATION_VALUE)) {
        return operation_refuse(why, "\"value\" is missing: write and cas need one (it may be null)");
    }
    out_command->kind = operation_is(&operation, "cas") ? COMMAND_CAS : COMMAND_WRITE;
    out_command->value = operation.members[OPERATION_VALUE];
    out_command->expected = operation.members[OPERATION_EXPECTED];
    return MACHINE_DONE;
}

static enum machine_verdict check(const char *command, size_t size, struct machine_output why) {
    struct command ignored;
    return read_command(command, size, &ignored, why);
}

static struct json_span value_of(const struct state *state) {
    return (struct json_span){.data = state->value->data, .size = state->value->size};
}

static void store(struct state *state, struct json_span value) {
    buffer_release(state->value);
    state->value = buffer_copy(value.data, value.size);
}

static void write_value(struct state *state, const struct command *command, struct machine_output result) {
    if (state->value == NULL) {
        operation_say(result, "{}");
    } else {
        operation_say(result, "{\"previous\":");
        operation_say_value(result, value_of(state));
        operation_say(result, "}");
    }
    store(state, command->value);
}

static void compare_and_swap(struct state *state, const struct command *command, struct machine_output result) {
    bool expects_absent = command->expected.data == NULL;
    bool as_expected =
        state->value == NULL ? expects_absent : !expects_absent && json_equal(command->expected, value_of(state));
    if (as_expected) {
        store(state, command->value);
        operation_say(result, "{\"swapped\":true}");
    } else if (state->value == NULL) {
        operation_say(result, "{\"swapped\":false}");
    } else {
        operation_say(result, "{\"swapped\":false,\"current\":");
        operation_say_value(result, value_of(state));
        operation_say(result, "}");
    }
}

static enum machine_verdict apply(void *opaque, uint64_t index, const char *text, size_t size,
                                  struct machine_output result) {
    (void)index; /* What a command does depends on the commands before it, never on their numbers. */
    struct state *state = opaque;
    struct command command;
    if (read_command(text, size, &command, result) == MACHINE_REFUSED) {
        return MACHINE_REFUSED;
    }
    switch (command.kind) {
    case COMMAND_WRITE:
        write_value(state, &command, result);
        break;
    case COMMAND_CAS:
        compare_and_swap(state, &command, result);
        break;
    }
    return MACHINE_DONE;
}

static enum machine_verdict query(const void *opaque, const char *text, size_t size, struct machine_output result) {
    const struct state *state = opaque;
    struct operation operation;
    if (!operation_read(text, size, &operation)) {
        return operation_refuse(result, "a query must be an object like {\"op\":\"read\"}");
    }
    if (!operation_is(&operation, "read")) {
        return operation_refuse(result, "\"op\" of a query must be \"read\"");
    }
    operation_say(result, "{\"value\":");
    operation_say_value(result, state->value == NULL ? (struct json_span){"null", 4} : value_of(state));
    operation_say(result, "}");
    return MACHINE_DONE;
}

static void *freeze(void *opaque) {
    const struct state *state = opaque;
    struct state *view = memory_alloc(sizeof *view);
    view->value = buffer_retain(state->value);
    return view;
}

static bool write(const void *frozen, struct machine_output snapshot) {
    const struct state *view = frozen;
    struct snapshot_writer *writer = snapshot_writer_create(snapshot);
    snapshot_write_head(writer, format_name, FORMAT_VERSION);
    /* No value has no bytes, which no JSON text has. */
    snapshot_write_number(writer, view->value == NULL ? 0 : view->value->size, VALUE_SIZE_WIDTH);
    if (view->value != NULL) {
        snapshot_write_bytes(writer, view->value->data, view->value->size);
    }
    return snapshot_writer_finish(writer);
}

static void release(void *state, void *frozen) {
    (void)state; /* The view holds its own reference. */
    destroy(frozen);
}

/* Answers what is wrong with the snapshot; NULL: nothing, and the state holds its value. */
static const char *read_snapshot(struct snapshot_reader *reader, struct state *state) {
    const char *fault = snapshot_read_head(reader, format_name, FORMAT_VERSION);
    if (fault != NULL) {
        return fault;
    }
    uint64_t size;
    struct json_span bytes;
    if (!snapshot_read_number(reader, VALUE_SIZE_WIDTH, &size) || !snapshot_read_span(reader, size, &bytes)) {
        return "the snapshot ends too early";
    }
    if (!snapshot_reader_is_at_end(reader)) {
        return "the snapshot goes on after the value";
    }
    if (size == 0) {
        return NULL;
    }
    struct json_span value;
    size_t offset;
    if (!json_scan(bytes.data, bytes.size, &value, &offset) || value.size != bytes.size) {
        return "the value is no JSON";
    }
    store(state, value);
    return NULL;
}

static bool restore(void *state, struct machine_input snapshot, struct machine_output why) {
    struct snapshot_reader *reader = snapshot_reader_create(snapshot);
    const char *fault = read_snapshot(reader, state);
    snapshot_reader_destroy(reader);
    if (fault != NULL) {
        operation_say(why, fault);
    }
    return fault == NULL;
}

const struct machine *machine_register(void) {
    static const struct machine machine = {
        .abi_version = MACHINE_ABI_VERSION,
        .table_size = sizeof(struct machine),
        .name = "register",
        .create = create,
        .destroy = destroy,
        .check = check,
        .apply = apply,
        .query = query,
        .freeze = freeze,
        .write = write,
        .release = release,
        .restore = restore,
    };
    return &machine;
}
