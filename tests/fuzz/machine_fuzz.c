/* Both shipped machines. Lines of text that are JSON go to them one after the other as commands and as queries; a text that
 * begins like a snapshot is restored instead. */
#include "server/base/memory.h"
#include "server/json/json.h"
#include "server/machine/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "machine_fuzz: %s\n", what);
        abort();
    }
}

struct bytes {
    char *data; /* Owned. */
    size_t size;
    size_t capacity;
};

static bool append(void *context, const void *more, size_t size) {
    struct bytes *bytes = context;
    bytes->data = memory_grow(bytes->data, &bytes->capacity, bytes->size + size, 1);
    memcpy(bytes->data + bytes->size, more, size);
    bytes->size += size;
    return true;
}

static struct machine_output output(struct bytes *bytes) {
    return (struct machine_output){.append = append, .context = bytes};
}

static bool equal(const struct bytes *left, const struct bytes *right) {
    return left->size == right->size && (left->size == 0 || memcmp(left->data, right->data, left->size) == 0);
}

/* Frees both. */
static void require_equal(struct bytes left, struct bytes right, const char *what) {
    require(equal(&left, &right), what);
    free(left.data);
    free(right.data);
}

/* An input that hands out a few bytes at a time, so that pieces are put together everywhere. */
struct source {
    const char *data;
    size_t size;
    size_t at;
};

static size_t read_some(void *context, void *out, size_t capacity) {
    struct source *source = context;
    size_t size = source->size - source->at;
    size_t step = 1 + source->at % 13;
    size = size < step ? size : step;
    size = size < capacity ? size : capacity;
    memcpy(out, source->data + source->at, size);
    source->at += size;
    return size;
}

/* One machine with its state and a view that was set aside some commands ago. */
struct subject {
    const struct machine *machine;
    void *state;
    void *frozen;
    struct bytes frozen_bytes; /* What the view wrote when it was taken. */
    uint64_t index;
};

static struct bytes written(const struct machine *machine, const void *frozen) {
    struct bytes bytes = {0};
    require(machine->write(frozen, output(&bytes)), "an output that takes everything was refused");
    return bytes;
}

static void subject_freeze(struct subject *subject) {
    subject->frozen = subject->machine->freeze(subject->state);
    subject->frozen_bytes = written(subject->machine, subject->frozen);
}

static void subject_release(struct subject *subject) {
    require_equal(written(subject->machine, subject->frozen), subject->frozen_bytes, "a frozen view has changed");
    subject->machine->release(subject->state, subject->frozen);
}

static struct bytes snapshot(struct subject *subject) {
    void *frozen = subject->machine->freeze(subject->state);
    struct bytes bytes = written(subject->machine, frozen);
    subject->machine->release(subject->state, frozen);
    return bytes;
}

/* A result is JSON; a refusal is a sentence. */
static void look_at_answer(enum machine_verdict verdict, const struct bytes *answer) {
    struct json_span value;
    size_t offset;
    require(answer->size > 0, "an answer is empty");
    if (verdict == MACHINE_DONE) {
        /* A value as deep as a command may be is deeper within a result. */
        require(json_scan(answer->data, answer->size, &value, &offset) || offset >= JSON_DEPTH_MAX, "a result is not JSON");
    } else {
        require(verdict == MACHINE_REFUSED, "a verdict is none");
        require(memchr(answer->data, '\0', answer->size) == NULL && memchr(answer->data, '\n', answer->size) == NULL,
                "a refusal is no sentence");
    }
}

static void run_command(struct subject *subject, struct json_span text) {
    struct bytes why = {0};
    struct bytes result = {0};
    enum machine_verdict checked = subject->machine->check(text.data, text.size, output(&why));
    struct bytes before = {0};
    if (checked == MACHINE_REFUSED) {
        before = snapshot(subject);
    }
    enum machine_verdict applied =
        subject->machine->apply(subject->state, ++subject->index, text.data, text.size, output(&result));
    require(checked == applied, "apply does not accept what check accepts");
    look_at_answer(applied, &result);
    if (applied == MACHINE_REFUSED) {
        require(equal(&why, &result), "check and apply refuse for different reasons");
        require_equal(before, snapshot(subject), "a refused command has changed the state");
    }
    free(why.data);
    free(result.data);
}

static void run_query(const struct subject *subject, struct json_span text) {
    struct bytes result = {0};
    look_at_answer(subject->machine->query(subject->state, text.data, text.size, output(&result)), &result);
    free(result.data);
}

/* True when the bytes are a snapshot; then the restored state writes them again. */
static bool run_restore(const struct machine *machine, const char *data, size_t size) {
    struct subject subject = {.machine = machine, .state = machine->create()};
    struct source source = {.data = data, .size = size};
    struct bytes why = {0};
    bool good = machine->restore(subject.state, (struct machine_input){read_some, &source}, output(&why));
    require(good == (why.size == 0), "a sentence without a refusal, or the other way round");
    if (good) {
        struct bytes again = snapshot(&subject);
        require(again.size == size && memcmp(again.data, data, size) == 0, "a restored snapshot is written differently");
        free(again.data);
    }
    free(why.data);
    machine->destroy(subject.state);
    return good;
}

static void run_lines(const struct machine *machine, const char *data, size_t size) {
    struct subject subject = {.machine = machine, .state = machine->create()};
    subject_freeze(&subject);
    const char *end = data + size;
    for (const char *line = data; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = newline == NULL ? end : newline;
        struct json_span text;
        size_t offset;
        if (json_scan(line, (size_t)(line_end - line), &text, &offset)) {
            run_query(&subject, text);
            run_command(&subject, text);
            run_query(&subject, text);
        }
        if (subject.index % 4 == 3) {
            subject_release(&subject);
            subject_freeze(&subject);
        }
        line = line_end + 1;
    }
    subject_release(&subject);
    struct bytes last = snapshot(&subject);
    require(run_restore(machine, last.data, last.size), "a snapshot is refused");
    free(last.data);
    machine->destroy(subject.state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    const struct machine *machines[] = {machine_hashmap(), machine_register()};
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        if (size >= 5 && memcmp(text, "raftd", 5) == 0) {
            run_restore(machines[i], text, size);
        } else {
            run_lines(machines[i], text, size);
        }
    }
    return 0;
}
