/* A state machine in seventy lines: a counter. A command is a whole number to add, like 5 or -2, its result the new sum;
 * the query is null, its result the sum. Sums wrap around at 64 bits, on every node alike. */
#include <raftd/machine.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *create(void) {
    int64_t *sum = calloc(1, sizeof *sum);
    return sum != NULL ? sum : (abort(), sum);
}

static bool say(struct machine_output output, const char *text) {
    return output.append(output.context, text, strlen(text));
}

static bool say_number(struct machine_output output, int64_t number) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, number);
    return say(output, text);
}

/* A JSON number without fraction and exponent that fits; `text` is not NUL-terminated. */
static bool read_number(const char *text, size_t size, int64_t *out_number) {
    char copy[32] = "";
    if (size == 0 || size >= sizeof copy || strspn(memcpy(copy, text, size), "-0123456789") != size) {
        return false;
    }
    errno = 0;
    *out_number = strtoll(copy, NULL, 10);
    return errno == 0;
}

static enum machine_verdict check(const char *command, size_t size, struct machine_output why) {
    int64_t number;
    return read_number(command, size, &number)
               ? MACHINE_DONE
               : (say(why, "a command is a whole number of 64 bits, like 5 or -2"), MACHINE_REFUSED);
}

static enum machine_verdict apply(void *state, uint64_t index, const char *command, size_t size,
                                  struct machine_output result) {
    int64_t *sum = state, number;
    (void)index;
    if (!read_number(command, size, &number)) {
        return check(command, size, result);
    }
    *sum = (int64_t)((uint64_t)*sum + (uint64_t)number);
    return say_number(result, *sum), MACHINE_DONE;
}

static enum machine_verdict query(const void *state, const char *text, size_t size, struct machine_output result) {
    bool known = size == 4 && memcmp(text, "null", 4) == 0;
    return known ? (say_number(result, *(const int64_t *)state), MACHINE_DONE)
                 : (say(result, "the query is null"), MACHINE_REFUSED);
}

static void *freeze(void *state) {
    return memcpy(create(), state, sizeof(int64_t));
}

static bool write(const void *frozen, struct machine_output snapshot) {
    return say_number(snapshot, *(const int64_t *)frozen);
}

static void release(void *state, void *frozen) {
    (void)state;
    free(frozen);
}

static bool restore(void *state, struct machine_input snapshot, struct machine_output why) {
    char text[32];
    size_t size = 0;
    for (size_t got = 1; got > 0 && size < sizeof text; size += got) {
        got = snapshot.read(snapshot.context, text + size, sizeof text - size);
    }
    return read_number(text, size, state) || (say(why, "the snapshot of a counter is its sum"), false);
}

const struct machine *raftd_machine(void) {
    static const struct machine machine = {
        MACHINE_ABI_VERSION, sizeof machine, "counter", create, free, check, apply, query, freeze, write, release, restore};
    return &machine;
}
