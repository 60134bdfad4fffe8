/* A machine for tests, faulty in the way that the variable RAFTD_FAULT names; without it, it answers every command and
 * query with what it was sent. */
#include <raftd/machine.h>

#include <stdlib.h>
#include <string.h>

static bool is_fault(const char *name) {
    const char *fault = getenv("RAFTD_FAULT");
    return fault != NULL && strcmp(fault, name) == 0;
}

static void say(struct machine_output output, const char *text) {
    output.append(output.context, text, strlen(text));
}

static void *create(void) {
    return malloc(1);
}

/* Odd answers, by what is asked; anything else comes back as it went in. */
static enum machine_verdict answer(const char *text, size_t size, struct machine_output output) {
    if (size == 6 && memcmp(text, "\"junk\"", 6) == 0) {
        say(output, "no JSON");
        return MACHINE_DONE;
    }
    if (size == 7 && memcmp(text, "\"empty\"", 7) == 0) {
        return MACHINE_DONE;
    }
    if (size == 6 && memcmp(text, "\"huge\"", 6) == 0) {
        static const char spaces[64 * 1024] = "1";
        for (size_t said = 0; said <= MACHINE_RESULT_BYTES_MAX; said += sizeof spaces) {
            output.append(output.context, spaces, sizeof spaces);
        }
        return MACHINE_DONE;
    }
    if (size == 5 && memcmp(text, "\"odd\"", 5) == 0) {
        return (enum machine_verdict)7;
    }
    if (size == 4 && memcmp(text, "\"no\"", 4) == 0) {
        say(output, "it says no");
        return MACHINE_REFUSED;
    }
    if (size == 6 && memcmp(text, "\"mute\"", 6) == 0) {
        return MACHINE_REFUSED;
    }
    if (size == 6 && memcmp(text, "\"rude\"", 6) == 0) {
        say(output, "\xff\n");
        return MACHINE_REFUSED;
    }
    output.append(output.context, text, size);
    return MACHINE_DONE;
}

static enum machine_verdict check(const char *command, size_t size, struct machine_output why) {
    return size > 0 && command[0] == '{' ? answer(command, size, why) : MACHINE_DONE;
}

static enum machine_verdict apply(void *state, uint64_t index, const char *command, size_t size,
                                  struct machine_output result) {
    (void)state;
    (void)index;
    return answer(command, size, result);
}

static enum machine_verdict query(const void *state, const char *text, size_t size, struct machine_output result) {
    (void)state;
    return answer(text, size, result);
}

static void *freeze(void *state) {
    return state;
}

static bool write(const void *frozen, struct machine_output snapshot) {
    return frozen != NULL && snapshot.append(snapshot.context, "x", 1) && !is_fault("write");
}

static void release(void *state, void *frozen) {
    (void)state;
    (void)frozen;
}

static bool restore(void *state, struct machine_input snapshot, struct machine_output why) {
    (void)state;
    (void)why;
    char byte[2];
    return snapshot.read(snapshot.context, byte, sizeof byte) <= 1 && !is_fault("restore");
}

const struct machine *raftd_machine(void) {
    static struct machine machine = {
        MACHINE_ABI_VERSION, sizeof machine, "faulty", create, free, check, apply, query, freeze, write, release, restore};
    static const char long_name[] = "a2345678901234567890123456789012345678901234567890123456789012345";
    machine.abi_version += is_fault("version") ? 1 : 0;
    machine.table_size -= is_fault("size") ? 8 : 0;
    machine.name = is_fault("shipped")    ? "hashmap"
                   : is_fault("name")     ? "a b"
                   : is_fault("long")     ? long_name
                   : is_fault("empty")    ? ""
                   : is_fault("nameless") ? NULL
                                          : machine.name;
    machine.apply = is_fault("function") ? NULL : machine.apply;
    machine.check = is_fault("check") ? NULL : machine.check;
    return is_fault("table") ? NULL : &machine;
}
