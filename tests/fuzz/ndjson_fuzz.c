/* Any bytes as the body of a propose of many lines, without the HTTP library: the first byte says how long a command may
 * be, the second how the node answers, the rest is the body. The api's own objects that answer and wait, and the node, are
 * played here: every line that is not blank must get one answer, in its place, of the kind that a second reading of the
 * body expects, and the good ones go to the node in order, as they were sent. */
#include "api/answer.h"
#include "api/propose_lines.h"
#include "api/redirect.h"

#include "server/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 4096, FIRST_INDEX = 100 };

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "ndjson_fuzz: %s\n", what);
        abort();
    }
}

struct wanted {
    enum problem_code code;
    size_t offset; /* Of bad_json. */
    struct json_span command;
};

static struct world {
    struct buffer *body;
    uint8_t way;
    struct wanted wanted[LINES_MAX];
    size_t count;
    size_t good;
    unsigned answers;
    bool waiting;
    bool redirected;
    /* What the node was given. */
    node_propose_done done;
    void *context;
} world;

/* -- The second reading -- */

static bool is_blank(const char *line, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
            return false;
        }
    }
    return true;
}

static bool machine_takes(struct json_span command) {
    return command.data[0] != '[';
}

static void expect_line(const char *line, size_t size, size_t size_max) {
    struct wanted *wanted = &world.wanted[world.count++];
    *wanted = (struct wanted){.code = PROBLEM_NONE};
    if (size > size_max) {
        wanted->code = PROBLEM_TOO_LARGE;
    } else if (!json_scan(line, size, &wanted->command, &wanted->offset)) {
        wanted->code = PROBLEM_BAD_JSON;
    } else if (!machine_takes(wanted->command)) {
        wanted->code = PROBLEM_INVALID_COMMAND;
    }
    world.good += wanted->code == PROBLEM_NONE ? 1 : 0;
}

static void expect(const char *body, size_t size, size_t size_max) {
    size_t begin = 0;
    for (size_t at = 0; at <= size; at++) {
        if (at == size || body[at] == '\n') {
            if (!is_blank(body + begin, at - begin)) {
                expect_line(body + begin, at - begin, size_max);
            }
            begin = at + 1;
        }
    }
}

/* -- The node -- */

bool node_check(const struct node *node, struct json_span command, struct problem *out_problem) {
    (void)node;
    if (!machine_takes(command)) {
        problem_set(out_problem, PROBLEM_INVALID_COMMAND, false, "no array \"%.*s\"", 3, command.data);
    }
    return machine_takes(command);
}

uint64_t node_propose(struct node *node, struct buffer *body, const struct json_span *commands, size_t count,
                      uint32_t timeout_ms, bool forward, node_propose_done done, void *context) {
    (void)node;
    (void)timeout_ms;
    require(body == world.body && forward == ((world.way & 1) == 0), "another body");
    require(count == world.good && count > 0, "the node does not get the good lines");
    for (size_t i = 0, at = 0; i < world.count; i++) {
        const struct wanted *wanted = &world.wanted[i];
        if (wanted->code == PROBLEM_NONE) {
            require(commands[at].data == wanted->command.data && commands[at].size == wanted->command.size,
                    "a command is not the line that was sent");
            at++;
        }
    }
    world.done = done;
    world.context = context;
    return 7;
}

void node_cancel(struct node *node, uint64_t ticket) {
    (void)node;
    require(ticket == 7, "another ticket");
}

/* From the first line that is refused on, all are. */
static size_t refused_from(void) {
    return (world.way & 2) == 0 ? world.good : (size_t)(world.way >> 2) % (world.good + 1);
}

static void node_ends(void) {
    struct message_line *lines = memory_zalloc(world.good * sizeof *lines);
    for (size_t i = 0; i < world.good; i++) {
        lines[i].id = (struct raft_entry_id){FIRST_INDEX + i, 3};
        lines[i].result = (struct json_span){"{\"a\":\r\n1}", 9};
        if (i >= refused_from()) {
            lines[i].id.index = 0;
            problem_set(&lines[i].problem, PROBLEM_NOT_LEADER, false, "no more");
        }
    }
    world.done(world.context, lines, world.good);
    free(lines);
}

/* -- The request -- */

struct buffer *request_take_body(struct request *request) {
    (void)request;
    return buffer_retain(world.body);
}

void request_wait(struct request *request, void (*cancel)(struct request *request), void *state) {
    require(cancel != NULL && state != NULL && !world.waiting, "it waits without an end");
    request->cancel = cancel;
    request->state = state;
    world.waiting = true;
}

void redirect_or_problem(struct request *request, const struct problem *problem) {
    (void)request;
    require(problem->code == PROBLEM_NOT_LEADER && (world.way & 1) == 1 && refused_from() == 0, "a redirection not due");
    world.answers++;
    world.redirected = true;
}

bool answer_has_room(struct request *request, size_t size) {
    (void)request;
    (void)size;
    return true;
}

void answer_problem(struct request *request, const struct problem *problem) {
    (void)request;
    (void)problem;
    require(false, "a refusal of the whole");
}

void answer_problem_body(const struct request *request, const struct problem *problem, unsigned status, const char *member,
                         uint64_t number, struct json_writer *writer) {
    (void)request;
    (void)status;
    json_write_object_begin(writer);
    json_write_name(writer, "code");
    json_write_text(writer, problem_name(problem->code));
    require(problem->detail[0] != '\0', "a problem without a reason");
    if (member != NULL) {
        json_write_name(writer, member);
        json_write_uint64(writer, number);
    }
    json_write_object_end(writer);
}

static void check_line(struct json_span line, const struct wanted *wanted, size_t *io_good) {
    struct json_span member;
    uint64_t number = 0;
    enum problem_code code = wanted->code;
    if (code == PROBLEM_NONE && *io_good >= refused_from()) {
        code = PROBLEM_NOT_LEADER;
    }
    if (code == PROBLEM_NONE) {
        require(json_member(line, "index", &member) && json_number_uint64(member, UINT64_MAX, &number) &&
                    number == FIRST_INDEX + *io_good,
                "an answer of another line");
        require(json_member(line, "result", &member), "an answer without a result");
    } else {
        require(json_member(line, "code", &member) && json_string_is(member, problem_name(code)), "another problem");
        bool has_offset = json_member(line, "offset", &member);
        require(has_offset == (code == PROBLEM_BAD_JSON), "an offset where there is none, or none where there is");
        require(!has_offset || (json_number_uint64(member, SIZE_MAX, &number) && number == wanted->offset),
                "another offset");
    }
    *io_good += wanted->code == PROBLEM_NONE ? 1 : 0;
}

void answer_written(struct request *request, const struct answer *answer, struct json_writer *writer) {
    (void)request;
    size_t size;
    char *text = json_writer_take(writer, &size);
    size_t good = 0;
    const char *at = text;
    for (size_t i = 0; i < world.count; i++) {
        const char *end = memchr(at, '\n', (size_t)(text + size - at));
        struct json_span line;
        size_t offset;
        require(end != NULL, "fewer answers than lines");
        require(json_scan(at, (size_t)(end - at), &line, &offset), "an answer that is not JSON");
        check_line(line, &world.wanted[i], &good);
        at = end + 1;
    }
    require(at == text + size, "more answers than lines");
    size_t done = refused_from() < world.good ? refused_from() : world.good;
    require(answer->status == 200 && answer->index == (done == 0 ? 0 : FIRST_INDEX + done - 1), "another Raft-Index");
    free(text);
    world.answers++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > LINES_MAX) {
        return 0;
    }
    memset(&world, 0, sizeof world);
    struct api api = {.options = {.command_bytes_max = data[0]}};
    struct request request = {.api = &api, .parameters = {.forward = (data[1] & 1) == 0, .timeout_ms = 5000}};
    world.body = buffer_copy(data + 2, size - 2);
    world.way = data[1];
    expect(world.body->data, world.body->size, data[0]);
    propose_lines_handle(&request);
    require(world.waiting == (world.good > 0) && world.answers == (world.good > 0 ? 0 : 1), "answered without the node");
    if (world.waiting && (data[1] & 0x80) != 0) {
        request.ticket = 7;
        request.cancel(&request); /* The client is gone. */
    } else if (world.waiting) {
        node_ends();
        require(world.answers == 1, "not answered once");
    }
    require(world.body->references == 1, "a reference of the body is left over");
    buffer_release(world.body);
    return 0;
}
