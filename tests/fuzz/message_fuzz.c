/* Any bytes as the body of a peer's request: the first byte says which kind, the rest is the body (of a piece of a
 * snapshot: a line with its query string, then the body). What is taken is written and read again, and must be the same.
 * The same bytes are then taken for an answer. With a letter in place of the digit a good request is drawn from the rest.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"
#include "server/message.h"
#include "tests/fuzz/message_drawn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "message_fuzz: %s\n", what);
        abort();
    }
}

static struct json_span scan(const char *text, size_t size) {
    struct json_span value = {0};
    size_t offset;
    require(json_scan(text, size, &value, &offset), "what was written is not JSON");
    return value;
}

static void check_entries(const struct raft_append_entries *append, raft_term term, const struct buffer *body) {
    struct raft_entry_id before = append->prev;
    for (size_t i = 0; i < append->entry_count; i++) {
        const struct raft_entry *entry = &append->entries[i];
        require(entry->id.index == before.index + 1, "entries are not contiguous");
        require(entry->id.term >= before.term && entry->id.term <= term, "a term falls or passes the request's");
        require((entry->configuration != NULL) == (entry->type == RAFT_CONFIGURATION),
                "a configuration where none belongs");
        require(entry->configuration == NULL || entry->configuration->voter_count > 0, "a configuration without voters");
        const char *name;
        struct origin origin = origin_of_entry(entry);
        require(origin_check(&origin, &name) == NULL, "an origin that makes no sense");
        require(entry->key_size == 0 || (entry->key > body->data && entry->key + entry->key_size < body->data + body->size),
                "a key lies outside of the body");
        if (entry->type == RAFT_COMMAND || entry->type == RAFT_CONFIGURATION) {
            require(entry->size > 0 && entry->buffer == body, "an entry without bytes");
            require(entry->data >= body->data && entry->data + entry->size <= body->data + body->size,
                    "an entry's bytes lie outside of the body");
        }
        before = entry->id;
    }
}

static void check_raft(const struct message_request *request) {
    const struct raft_message *raft = &request->raft;
    require(raft->from == request->address.from && raft->to == request->address.to && raft->round == request->round,
            "the consensus module is told of another sender");
    require(raft->term <= RAFT_NUMBER_MAX && raft->round <= RAFT_NUMBER_MAX, "a number is too large");
}

static char *write_request(const struct message_request *request, size_t *out_size) {
    struct json_writer writer = {0};
    message_request_write(request, &writer);
    return json_writer_take(&writer, out_size);
}

static void check_request(enum message_kind kind, struct json_span value, struct buffer *body) {
    struct message_request request;
    struct problem problem = {0};
    if (!message_request_read(kind, value, body, &request, &problem)) {
        require(problem.code == PROBLEM_BAD_REQUEST && problem.detail[0] != '\0', "a refusal without a reason");
        return;
    }
    /* A probe may be meant for whoever is there. */
    require(request.kind == kind && request.address.from > 0 && (request.address.to > 0 || kind == MESSAGE_PROBE),
            "an incomplete request was taken");
    if (kind == MESSAGE_REQUEST_VOTE || kind == MESSAGE_APPEND_ENTRIES) {
        check_raft(&request);
    }
    if (kind == MESSAGE_APPEND_ENTRIES) {
        check_entries(&request.raft.append_entries, request.raft.term, body);
    }
    size_t size;
    char *text = write_request(&request, &size);
    struct message_request again;
    require(message_request_read(kind, scan(text, size), NULL, &again, &problem), "what was written is refused");
    size_t size_again;
    char *text_again = write_request(&again, &size_again);
    require(size == size_again && memcmp(text, text_again, size) == 0, "a request written again is another one");
    free(text_again);
    message_request_clear(&again);
    free(text);
    message_request_clear(&request);
}

static char *write_answer(const struct message_answer *answer, size_t *out_size) {
    struct json_writer writer = {0};
    message_answer_write(answer, &writer);
    return json_writer_take(&writer, out_size);
}

static void check_answer(enum message_kind kind, unsigned status, struct json_span value) {
    struct message_answer answer;
    if (!message_answer_read(kind, status, value, &answer)) {
        return;
    }
    require(answer.kind == kind && (status == 200) == (answer.problem.code == PROBLEM_NONE), "an answer of another kind");
    size_t size;
    char *text = write_answer(&answer, &size);
    unsigned status_again = status == 200 ? 200 : problem_status(answer.problem.code);
    struct message_answer again;
    require(message_answer_read(kind, status_again, scan(text, size), &again), "an answer that was written is refused");
    require(again.term == answer.term && again.round == answer.round && again.problem.code == answer.problem.code,
            "an answer written again is another one");
    size_t size_again;
    char *text_again = write_answer(&again, &size_again);
    require(size == size_again && memcmp(text, text_again, size) == 0, "an answer has two spellings");
    free(text_again);
    message_answer_clear(&again);
    free(text);
    message_answer_clear(&answer);
}

static void check_piece(const char *text, size_t size) {
    const char *line_end = memchr(text, '\n', size);
    size_t query_size = line_end == NULL ? size : (size_t)(line_end - text);
    struct buffer *body = line_end == NULL ? buffer_copy("", 0) : buffer_copy(line_end + 1, size - query_size - 1);
    struct message_request request;
    struct problem problem = {0};
    char *query = memory_copy(text, query_size);
    if (!message_query_read(query, query_size, body, &request, &problem)) {
        require(problem.code == PROBLEM_BAD_REQUEST && problem.detail[0] != '\0', "a refusal without a reason");
    } else {
        const struct message_install *install = &request.install;
        require(install->bytes == body->data && install->size == body->size, "a piece is not the body");
        require(install->offset + install->size <= install->snapshot.length, "a piece reaches past its file");
        char written[MESSAGE_QUERY_SIZE];
        message_query_write(&request, written);
        struct message_request again;
        require(message_query_read(written, strlen(written), body, &again, &problem), "what was written is refused");
        char written_again[MESSAGE_QUERY_SIZE];
        message_query_write(&again, written_again);
        require(strcmp(written, written_again) == 0, "a request written again is another one");
    }
    free(query);
    buffer_release(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0 && data[0] >= 'A' && data[0] - 'A' < MESSAGE_KIND_COUNT) {
        message_drawn_check((enum message_kind)(data[0] - 'A'), data + 1, size - 1);
        return 0;
    }
    if (size < 2 || data[0] < '1' || data[0] - '1' >= MESSAGE_KIND_COUNT) {
        return 0;
    }
    enum message_kind kind = (enum message_kind)(data[0] - '1');
    /* A copy that ends where the body does, so that a sanitizer sees a byte read too much. */
    struct buffer *body = buffer_copy(data + 1, size - 1);
    struct json_span value;
    size_t offset;
    if (kind == MESSAGE_INSTALL_SNAPSHOT) {
        check_piece(body->data, body->size);
    }
    if (json_scan(body->data, body->size, &value, &offset)) {
        if (kind != MESSAGE_INSTALL_SNAPSHOT) {
            check_request(kind, value, body);
        }
        check_answer(kind, 200, value);
        check_answer(kind, 503, value);
    }
    require(body->references == 1, "a reference of the body is left over");
    buffer_release(body);
    return 0;
}
