/* Commands of `hashmap`: read and judged the same way before they enter the log and when they are applied. */
#include "server/machine/hashmap.h"

#include "server/machine/operation.h"

enum command_kind { COMMAND_PUT, COMMAND_CAS, COMMAND_DELETE };

struct command {
    enum command_kind kind;
    struct operation_text key;
    struct json_span value;    /* Of put and cas. */
    struct json_span expected; /* Of cas; `data` NULL when the key is to be absent. */
};

static bool read_kind(const struct operation *operation, enum command_kind *out_kind) {
    if (operation_is(operation, "put")) {
        *out_kind = COMMAND_PUT;
    } else if (operation_is(operation, "cas")) {
        *out_kind = COMMAND_CAS;
    } else if (operation_is(operation, "delete")) {
        *out_kind = COMMAND_DELETE;
    } else {
        return false;
    }
    return true;
}

static enum machine_verdict read_command(const char *text, size_t size, struct command *out_command,
                                         struct machine_output why) {
    struct operation operation;
    if (!operation_read(text, size, &operation)) {
        return operation_refuse(why, "a command must be an object like {\"op\":\"put\",\"key\":\"k\",\"value\":1}");
    }
    if (!read_kind(&operation, &out_command->kind)) {
        return operation_refuse(why, "\"op\" of a command must be \"put\", \"cas\" or \"delete\"");
    }
    if (!operation_text(&operation, OPERATION_KEY, &out_command->key, why)) {
        return MACHINE_REFUSED;
    }
    if (out_command->kind != COMMAND_DELETE && !operation_has(&operation, OPERATION_VALUE)) {
        return operation_refuse(why, "\"value\" is missing: put and cas need one (it may be null)");
    }
    out_command->value = operation.members[OPERATION_VALUE];
    out_command->expected = operation.members[OPERATION_EXPECTED];
    return MACHINE_DONE;
}

enum machine_verdict hashmap_check(const char *command, size_t size, struct machine_output why) {
    struct command ignored;
    return read_command(command, size, &ignored, why);
}

/* Stores the command's value; answers the pair it replaced as the tree does. */
static struct pair *store(struct cow_tree *tree, const struct command *command) {
    return cow_tree_put(tree, pair_create(command->key.bytes, command->key.size, command->value));
}

static void put_value(struct cow_tree *tree, const struct command *command, struct machine_output result) {
    struct pair *previous = store(tree, command);
    if (previous == NULL) {
        operation_say(result, "{}");
        return;
    }
    operation_say(result, "{\"previous\":");
    operation_say_value(result, pair_value(previous));
    operation_say(result, "}");
    pair_release(previous);
}

static void compare_and_swap(struct cow_tree *tree, const struct command *command, struct machine_output result) {
    const struct pair *current = cow_tree_get(tree, command->key.bytes, command->key.size);
    bool expects_absent = command->expected.data == NULL;
    bool as_expected =
        current == NULL ? expects_absent : !expects_absent && json_equal(command->expected, pair_value(current));
    if (as_expected) {
        pair_release(store(tree, command));
        operation_say(result, "{\"swapped\":true}");
    } else if (current == NULL) {
        operation_say(result, "{\"swapped\":false}");
    } else {
        operation_say(result, "{\"swapped\":false,\"current\":");
        operation_say_value(result, pair_value(current));
        operation_say(result, "}");
    }
}

static void remove_key(struct cow_tree *tree, const struct command *command, struct machine_output result) {
    struct pair *previous = cow_tree_remove(tree, command->key.bytes, command->key.size);
    if (previous == NULL) {
        operation_say(result, "{\"deleted\":false}");
        return;
    }
    operation_say(result, "{\"deleted\":true,\"previous\":");
    operation_say_value(result, pair_value(previous));
    operation_say(result, "}");
    pair_release(previous);
}

enum machine_verdict hashmap_apply(struct cow_tree *tree, const char *command, size_t size, struct machine_output result) {
    struct command taken;
    if (read_command(command, size, &taken, result) == MACHINE_REFUSED) {
        return MACHINE_REFUSED;
    }
    switch (taken.kind) {
    case COMMAND_PUT:
        put_value(tree, &taken, result);
        break;
    case COMMAND_CAS:
        compare_and_swap(tree, &taken, result);
        break;
    case COMMAND_DELETE:
        remove_key(tree, &taken, result);
        break;
    }
    return MACHINE_DONE;
}
