#include "server/machine/operation.h"

#include <string.h>

/* The names have at most eight letters, and "op" comes first in most texts: comparing them one after the other is quicker
 * than anything cleverer. */
static const char *const member_names[OPERATION_MEMBERS] = {
    [OPERATION_OP] = "op",         [OPERATION_KEY] = "key",
    [OPERATION_VALUE] = "value",   [OPERATION_EXPECTED] = "expected",
    [OPERATION_PREFIX] = "prefix", [OPERATION_AFTER] = "after",
    [OPERATION_LIMIT] = "limit",
};

bool operation_read(const char *text, size_t size, struct operation *out_operation) {
    struct json_span object = {.data = text, .size = size};
    if (json_type(object) != JSON_OBJECT) {
        return false;
    }
    *out_operation = (struct operation){0};
    struct json_cursor cursor = json_open(object);
    struct json_span name;
    struct json_span value;
    while (json_next_member(&cursor, &name, &value)) {
        for (size_t i = 0; i < OPERATION_MEMBERS; i++) {
            if (json_string_is(name, member_names[i])) {
                out_operation->members[i] = value;
                break;
            }
        }
    }
    return true;
}

bool operation_has(const struct operation *operation, enum operation_member member) {
    return operation->members[member].data != NULL;
}

bool operation_is(const struct operation *operation, const char *name) {
    return operation_has(operation, OPERATION_OP) && json_string_is(operation->members[OPERATION_OP], name);
}

/* Says `"name" rest`. */
static bool blame(struct machine_output why, enum operation_member member, const char *rest) {
    operation_say(why, "\"");
    operation_say(why, member_names[member]);
    operation_say(why, "\" ");
    operation_say(why, rest);
    return false;
}

bool operation_text(const struct operation *operation, enum operation_member member, struct operation_text *out_text,
                    struct machine_output why) {
    _Static_assert(PAIR_KEY_SIZE_MAX == 4096, "the sentence below names the limit");
    static const char too_long[] = "must be at most 4096 bytes long";
    struct json_span literal = operation->members[member];
    if (literal.data == NULL) {
        return blame(why, member, "is missing: it must be a string");
    }
    if (json_type(literal) != JSON_STRING) {
        return blame(why, member, "must be a string");
    }
    if (literal.size > OPERATION_LITERAL_SIZE_MAX) {
        return blame(why, member, too_long);
    }
    size_t decoded = json_string_decode(literal, out_text->bytes);
    if (decoded > PAIR_KEY_SIZE_MAX) {
        return blame(why, member, too_long);
    }
    out_text->size = decoded;
    return true;
}

void operation_say(struct machine_output output, const char *text) {
    output.append(output.context, text, strlen(text)); /* Results cannot fail: machine.h. */
}

void operation_say_value(struct machine_output output, struct json_span value) {
    output.append(output.context, value.data, value.size);
}

enum machine_verdict operation_refuse(struct machine_output why, const char *sentence) {
    operation_say(why, sentence);
    return MACHINE_REFUSED;
}
