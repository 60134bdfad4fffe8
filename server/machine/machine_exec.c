#include "server/machine/machine_exec.h"

#include "server/base/memory.h"
#include "server/machine/machine_guard.h"
#include "server/machine/operation.h"
#include "server/machine/program.h"
#include "server/machine/registry.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *program_path;
static char name[MACHINE_NAME_SIZE_MAX + 1];
static uint32_t deadline_ms = MACHINE_EXEC_DEADLINE_MS;
static struct machine table;

/* -- What it said -- */

static struct json_span span(const char *text) {
    return (struct json_span){text, strlen(text)};
}

static bool fail(struct program_message *out_message, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct program_message *out_message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_message->text, sizeof out_message->text, format, arguments);
    va_end(arguments);
    return false;
}

static bool is_string(struct json_span answer, const char *member, struct json_span *out_string) {
    return json_member(answer, member, out_string) && json_type(*out_string) == JSON_STRING;
}

/* Says the characters of a string. */
static void say_string(struct machine_output output, struct json_span string) {
    char *text = memory_alloc(string.size);
    output.append(output.context, text, json_string_decode(string, text));
    free(text);
}

/* -- hello -- */

static bool read_deadline(struct json_span answer, uint32_t *out_ms, struct program_message *out_message) {
    struct json_span value;
    uint64_t ms = MACHINE_EXEC_DEADLINE_MS;
    if (json_member(answer, "deadline_ms", &value) &&
        (!json_number_uint64(value, MACHINE_EXEC_DEADLINE_MS_MAX, &ms) || ms < MACHINE_EXEC_DEADLINE_MS_MIN)) {
        return fail(out_message, "says a deadline_ms that is not %d to %d", MACHINE_EXEC_DEADLINE_MS_MIN,
                    MACHINE_EXEC_DEADLINE_MS_MAX);
    }
    *out_ms = (uint32_t)ms;
    return true;
}

static bool read_name(struct json_span answer, char *out_name, struct program_message *out_message) {
    struct json_span string;
    char *text = NULL;
    bool is_one = is_string(answer, "name", &string) && string.size <= MACHINE_NAME_SIZE_MAX + 2;
    if (is_one) {
        text = memory_zalloc(string.size + 1);
        size_t size = json_string_decode(string, text);
        is_one = strlen(text) == size && machine_name_valid(text);
    }
    if (is_one) {
        memcpy(out_name, text, strlen(text) + 1);
    } else {
        fail(out_message, "says no name of 1 to %d letters, digits, '.', '_' or '-'", MACHINE_NAME_SIZE_MAX);
    }
    free(text);
    return is_one;
}

struct greeting {
    char name[MACHINE_NAME_SIZE_MAX + 1];
    uint32_t deadline_ms;
};

static bool greet(struct program *program, struct greeting *out_greeting, struct program_message *out_message) {
    struct json_span answer, version;
    struct json_span question = span("{\"do\":\"hello\",\"version\":1}");
    uint64_t number;
    if (!program_ask(program, &question, 1, MACHINE_EXEC_LONG_MS, &answer, out_message)) {
        return false;
    }
    if (!json_member(answer, "version", &version) || !json_number_uint64(version, UINT32_MAX, &number)) {
        return fail(out_message, "answers hello without a version");
    }
    if (number != MACHINE_EXEC_VERSION) {
        return fail(out_message, "speaks version %" PRIu64 " of the protocol, this raftd version %d", number,
                    MACHINE_EXEC_VERSION);
    }
    return read_name(answer, out_greeting->name, out_message) &&
           read_deadline(answer, &out_greeting->deadline_ms, out_message);
}

/* A process that has said hello; NULL: why not. */
static struct program *begin(const char *path, struct greeting *out_greeting, struct program_message *out_message) {
    struct program *program = program_start(path, out_message);
    if (program != NULL && !greet(program, out_greeting, out_message)) {
        program_end(program);
        return NULL;
    }
    return program;
}

/* -- The machine -- */

/* Its state is lost, or unknown: see the header. Without the orderly end, which would take a snapshot of it. */
_Noreturn static void end_node(const char *doing, const char *what) {
    char line[PROGRAM_MESSAGE_SIZE + 1024];
    int size = snprintf(line, sizeof line,
                        "raftd: the state machine %s%s, %s, %s, so this node stops; started again, it goes on from its "
                        "snapshot and log\n",
                        MACHINE_EXEC_PREFIX, program_path, doing, what);
    ssize_t ignored = write(STDERR_FILENO, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
    (void)ignored;
    _exit(MACHINE_EXEC_EXIT);
}

static void *create(void) {
    struct program_message message;
    struct greeting greeting;
    struct program *program = begin(program_path, &greeting, &message);
    if (program != NULL && strcmp(greeting.name, name) != 0) {
        program_end(program);
        fail(&message, "calls itself %s now", greeting.name);
        program = NULL;
    }
    if (program == NULL) {
        end_node("asked for its name", message.text);
    }
    return program;
}

static void destroy(void *state) {
    program_end(state);
}

/* {"result":R}, or {"refused":"why"}; anything else is the node's end. */
static enum machine_verdict pass_on(struct json_span answer, const char *doing, struct machine_output output) {
    struct json_span value;
    if (is_string(answer, "refused", &value)) {
        say_string(output, value);
        return MACHINE_REFUSED;
    }
    if (!json_member(answer, "result", &value)) {
        end_node(doing, "answers neither a result nor a refusal");
    }
    output.append(output.context, value.data, value.size);
    return MACHINE_DONE;
}

static enum machine_verdict apply(void *state, uint64_t index, const char *command, size_t size,
                                  struct machine_output result) {
    char head[64], doing[64];
    int head_size = snprintf(head, sizeof head, "{\"do\":\"apply\",\"index\":%" PRIu64 ",\"command\":", index);
    const struct json_span pieces[] = {{head, (size_t)head_size}, {command, size}, span("}")};
    struct json_span answer;
    struct program_message message;
    snprintf(doing, sizeof doing, "applying the command at index %" PRIu64, index);
    if (!program_ask(state, pieces, 3, deadline_ms, &answer, &message)) {
        end_node(doing, message.text);
    }
    return pass_on(answer, doing, result);
}

static enum machine_verdict query(const void *state, const char *text, size_t size, struct machine_output result) {
    static const char doing[] = "answering a query";
    const struct json_span pieces[] = {span("{\"do\":\"query\",\"query\":"), {text, size}, span("}")};
    struct json_span answer;
    struct program_message message;
    /* What is asked for changes how far the pipe is read, not what is replicated. */
    struct program *program = (struct program *)(uintptr_t)state;
    if (!program_ask(program, pieces, 3, deadline_ms, &answer, &message)) {
        end_node(doing, message.text);
    }
    return pass_on(answer, doing, result);
}

/* -- Snapshots: the JSON value as the program wrote it -- */

static void *freeze(void *state) {
    static const char doing[] = "asked for its snapshot";
    struct json_span question = span("{\"do\":\"snapshot\"}"), answer, value;
    struct program_message message;
    if (!program_ask(state, &question, 1, MACHINE_EXEC_LONG_MS, &answer, &message)) {
        end_node(doing, message.text);
    }
    if (!json_member(answer, "snapshot", &value)) {
        end_node(doing, "answers none");
    }
    struct json_span *frozen = memory_alloc(sizeof *frozen);
    *frozen = (struct json_span){memory_copy(value.data, value.size), value.size};
    return frozen;
}

static bool write_frozen(const void *frozen, struct machine_output snapshot) {
    const struct json_span *value = frozen;
    return snapshot.append(snapshot.context, value->data, value->size);
}

static void release(void *state, void *frozen) {
    struct json_span *value = frozen;
    (void)state;
    free((char *)(uintptr_t)value->data);
    free(value);
}

static bool ask_to_restore(struct program *program, struct json_span value, struct machine_output why) {
    const struct json_span pieces[] = {span("{\"do\":\"restore\",\"snapshot\":"), value, span("}")};
    struct json_span answer, said;
    struct program_message message;
    if (!program_ask(program, pieces, 3, MACHINE_EXEC_LONG_MS, &answer, &message)) {
        operation_say(why, "the program ");
        operation_say(why, message.text);
        return false;
    }
    if (is_string(answer, "refused", &said)) {
        say_string(why, said);
        return false;
    }
    if (json_member(answer, "restored", &said) && json_type(said) == JSON_TRUE) {
        return true;
    }
    operation_say(why, "the program answers neither that it is restored nor a refusal");
    return false;
}

static bool restore(void *state, struct machine_input snapshot, struct machine_output why) {
    enum { PIECE = 64 * 1024 };
    struct json_writer text = {0};
    char *piece = memory_alloc(PIECE);
    for (size_t got; (got = snapshot.read(snapshot.context, piece, PIECE)) > 0;) {
        json_write_bytes(&text, piece, got);
    }
    free(piece);
    struct json_span value;
    size_t offset;
    bool restored =
        text.size > 0 && text.size <= PROGRAM_FRAME_BYTES_MAX && json_scan_message(text.data, text.size, &value, &offset);
    if (restored) {
        restored = ask_to_restore(state, value, why);
    } else {
        operation_say(why, "it is no JSON");
    }
    json_writer_discard(&text);
    return restored;
}

const struct machine *machine_exec_open(const char *path, struct machine_exec_message *out_message) {
    struct program_message message;
    struct greeting greeting;
    assert(program_path == NULL);
    struct program *program = begin(path, &greeting, &message);
    bool good = program != NULL;
    program_end(program);
    if (good && machine_by_name(greeting.name) != NULL) {
        good = fail(&message, "calls itself %s, which is a machine that ships with raftd", greeting.name);
    }
    if (!good) {
        snprintf(out_message->text, sizeof out_message->text, "%s%s %s", MACHINE_EXEC_PREFIX, path, message.text);
        return NULL;
    }
    program_path = memory_text(path, strlen(path));
    memcpy(name, greeting.name, sizeof name);
    deadline_ms = greeting.deadline_ms;
    table = (struct machine){MACHINE_ABI_VERSION, sizeof table, name,   create, destroy, NULL, apply, query, freeze,
                             write_frozen,        release,      restore};
    return machine_guard(&table);
}
