/* A state machine in a hundred lines: a counter. A command is a whole number to add, like 5 or -2, its result the new sum;
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

static void say(struct machine_output output, const char *text) {
    output.append(output.context, text, strlen(text));
}

static void say_number(struct machine_output output, int64_t number) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, number);
    say(output, text);
}

/* A JSON number without fraction and exponent that fits; commands are not NUL-terminated. */
static bool read_number(const char *command, size_t size, int64_t *out_number) {
    char text[32] = "";
    if (size >= sizeof text || strspn(memcpy(text, command, size), "-0123456789") != size) {
        return false;
    }
    errno = 0;
    *out_number = strtoll(text, NULL, 10);
    return errno == 0;
}

static enum machine_verdict check(const char *command, size_t size, struct machine_output why) {
    int64_t number;
    if (!read_number(command, size, &number)) {
        return say(why, "a command is a whole number of 64 bits, like 5 or -2"), MACHINE_REFUSED;
    }
    return MACHINE_DONE;
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
    if (size != 4 || memcmp(text, "null", 4) != 0) {
        return say(result, "the query is null"), MACHINE_REFUSED;
    }
    return say_number(result, *(const int64_t *)state), MACHINE_DONE;
}

static void *freeze(void *state) {
    return memcpy(create(), state, sizeof(int64_t));
}

/* Eight bytes, the highest first: the same on every kind of machine. */
static bool write(const void *frozen, struct machine_output snapshot) {
    uint64_t sum = (uint64_t) * (const int64_t *)frozen;
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(sum >> (56 - 8 * i));
    }
    return snapshot.append(snapshot.context, bytes, sizeof bytes);
}

static void release(void *state, void *frozen) {
    (void)state;
    free(frozen);
}

static bool restore(void *state, struct machine_input snapshot, struct machine_output why) {
    unsigned char bytes[9];
    size_t size = 0, got;
    while (size < sizeof bytes && (got = snapshot.read(snapshot.context, bytes + size, sizeof bytes - size)) > 0) {
        size += got;
    }
    if (size != 8) {
        return say(why, "a snapshot of a counter has 8 bytes"), false;
    }
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++) {
        sum = sum << 8 | bytes[i];
    }
    return memcpy(state, &sum, sizeof sum), true;
}

const struct machine *raftd_machine(void) {
    static const struct machine machine = {
        MACHINE_ABI_VERSION, sizeof machine, "counter", create, free, check, apply, query, freeze, write, release, restore};
    return &machine;
}
