#include "server/machine/machine_guard.h"

#include "server/base/memory.h"
#include "server/json/json.h"
#include "server/json/utf8.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table behind the guard; the guard's functions, which have no other way to it, look here. */
static const struct machine *inner;
static struct machine guard;

/* -- What a machine says, held back until it is looked at -- */

struct said {
    char *bytes; /* Owned. */
    size_t size;
    size_t capacity;
    bool too_much; /* What went beyond MACHINE_RESULT_BYTES_MAX is not here. */
};

static bool append(void *context, const void *bytes, size_t size) {
    struct said *said = context;
    if (said->too_much || size > MACHINE_RESULT_BYTES_MAX - said->size) {
        said->too_much = true;
        return true;
    }
    if (size > said->capacity - said->size) {
        said->capacity = 2 * said->capacity + size + 64;
        said->bytes = memory_realloc(said->bytes, said->capacity);
    }
    if (size > 0) {
        memcpy(said->bytes + said->size, bytes, size);
        said->size += size;
    }
    return true;
}

static void pass(struct machine_output output, const char *bytes, size_t size) {
    output.append(output.context, bytes, size);
}

static void pass_text(struct machine_output output, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void pass_text(struct machine_output output, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pass(output, text, size < (int)sizeof text ? (size_t)size : sizeof text - 1);
}

/* What is wrong with a result; NULL: it is one. */
static const char *fault_of(const struct said *said) {
    struct json_span value;
    size_t offset;
    if (said->too_much) {
        return "with more than 16777216 bytes";
    }
    return said->size > 0 && json_scan(said->bytes, said->size, &value, &offset) ? NULL : "with bytes that are no JSON";
}
_Static_assert(MACHINE_RESULT_BYTES_MAX == 16777216, "fault_of says so");

static bool is_text(const struct said *said) {
    if (said->too_much || said->size == 0) {
        return false;
    }
    const char *end = said->bytes + said->size;
    for (const char *at = said->bytes; at < end;) {
        if ((unsigned char)*at < 0x80) {
            if ((unsigned char)*at < 0x20) {
                return false;
            }
            at++;
            continue;
        }
        struct json_utf8 sequence = json_utf8_look(at, end);
        if (sequence.needed == 0 || sequence.good < sequence.needed) {
            return false;
        }
        at += sequence.needed;
    }
    return true;
}

static enum machine_verdict refuse(const struct said *said, struct machine_output why) {
    if (is_text(said)) {
        pass(why, said->bytes, said->size);
    } else {
        pass_text(why, "the machine %s does not say why", inner->name);
    }
    return MACHINE_REFUSED;
}

/* -- The guard: one function for each of the table's that answers something -- */

static enum machine_verdict check(const char *command, size_t size, struct machine_output why) {
    struct said said = {0};
    enum machine_verdict verdict = inner->check(command, size, (struct machine_output){append, &said});
    verdict = verdict == MACHINE_DONE ? verdict : refuse(&said, why);
    free(said.bytes);
    return verdict;
}

static enum machine_verdict apply(void *state, uint64_t index, const char *command, size_t size,
                                  struct machine_output result) {
    struct said said = {0};
    enum machine_verdict verdict = inner->apply(state, index, command, size, (struct machine_output){append, &said});
    if (verdict == MACHINE_REFUSED) {
        refuse(&said, result);
    } else if (verdict != MACHINE_DONE) {
        pass_text(result, "{\"raftd_error\":\"the machine %s answered with the verdict %d, which is none\"}", inner->name,
                  (int)verdict);
        verdict = MACHINE_DONE;
    } else if (fault_of(&said) == NULL) {
        pass(result, said.bytes, said.size);
    } else {
        pass_text(result, "{\"raftd_error\":\"the machine %s answered %s\"}", inner->name, fault_of(&said));
    }
    free(said.bytes);
    return verdict;
}

static enum machine_verdict query(const void *state, const char *text, size_t size, struct machine_output result) {
    struct said said = {0};
    enum machine_verdict verdict = inner->query(state, text, size, (struct machine_output){append, &said});
    if (verdict != MACHINE_DONE) {
        verdict = refuse(&said, result);
    } else if (fault_of(&said) == NULL) {
        pass(result, said.bytes, said.size);
    } else {
        pass_text(result, "the machine %s answered %s", inner->name, fault_of(&said));
        verdict = MACHINE_REFUSED;
    }
    free(said.bytes);
    return verdict;
}

/* Whether the file takes what the machine writes. */
struct watched_output {
    struct machine_output output;
    bool refused;
};

static bool append_watched(void *context, const void *bytes, size_t size) {
    struct watched_output *watched = context;
    watched->refused = !watched->output.append(watched->output.context, bytes, size) || watched->refused;
    return !watched->refused;
}

/* A snapshot that is not whole must not count, and nobody but the machine knows what is missing. */
static bool write(const void *frozen, struct machine_output snapshot) {
    struct watched_output watched = {.output = snapshot};
    bool written = inner->write(frozen, (struct machine_output){append_watched, &watched});
    if (!written && !watched.refused) {
        fprintf(stderr, "raftd: the machine %s did not write its snapshot, though every byte was taken\n", inner->name);
        abort();
    }
    return written && !watched.refused;
}

static bool restore(void *state, struct machine_input snapshot, struct machine_output why) {
    struct said said = {0};
    bool restored = inner->restore(state, snapshot, (struct machine_output){append, &said});
    if (!restored) {
        refuse(&said, why);
    }
    free(said.bytes);
    return restored;
}

const struct machine *machine_guard(const struct machine *machine) {
    assert(inner == NULL);
    inner = machine;
    guard = *machine;
    guard.check = machine->check != NULL ? check : NULL;
    guard.apply = apply;
    guard.query = query;
    guard.write = write;
    guard.restore = restore;
    return &guard;
}

bool machine_guard_taken(void) {
    return inner != NULL;
}
