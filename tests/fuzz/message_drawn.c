#include "tests/fuzz/message_drawn.h"

#include "server/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 5 };

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "message_drawn: %s\n", what);
        abort();
    }
}

/* -- Drawing -- */

struct draw {
    const uint8_t *at;
    const uint8_t *end;
};

static uint8_t draw_byte(struct draw *draw) {
    return draw->at < draw->end ? *draw->at++ : 0;
}

/* Small, or one below a power of two, up to the largest there is. */
static uint64_t draw_number(struct draw *draw, uint64_t minimum) {
    uint8_t byte = draw_byte(draw);
    uint64_t number = byte < 128 ? byte : (UINT64_C(1) << (byte - 128) % 54) - 1;
    return number < minimum ? minimum : number;
}

static void draw_digits(struct draw *draw, char *out) {
    for (size_t i = 0; i < STORAGE_INCARNATION_SIZE; i++) {
        out[i] = "0123456789abcdef"[(draw_byte(draw) + i) & 15];
    }
    out[STORAGE_INCARNATION_SIZE] = '\0';
}

static const struct json_span *draw_command(struct draw *draw) {
    static const struct json_span commands[] = {
        {"1e2", 3}, {"\"\\u0000\"", 8}, {"{\"a\" :\r\n[]}", 11}, {"null", 4}, {"\"\xc3\xa9\"", 4}};
    return &commands[draw_byte(draw) % (sizeof commands / sizeof commands[0])];
}

static struct origin draw_origin(struct draw *draw) {
    struct origin origin = origin_plain();
    switch (draw_byte(draw) % 5) {
    case 0:
        origin.session = draw_number(draw, 1);
        origin.sequence = draw_number(draw, 1);
        break;
    case 1:
        origin.key = (struct json_span){"\"k \\\\ \\\"~\"", 10};
        break;
    case 2:
        origin.type = RAFT_SESSION;
        origin.session = draw_number(draw, 0);
        break;
    default:
        break;
    }
    return origin;
}

static void draw_address(struct draw *draw, struct message_request *request) {
    draw_digits(draw, request->address.cluster_id);
    draw_digits(draw, request->address.from_incarnation);
    draw_digits(draw, request->address.to_incarnation);
    request->address.from = draw_number(draw, 1);
    request->address.to = draw_number(draw, 1);
    request->round = draw_number(draw, 0);
}

static struct raft_entry_id draw_id(struct draw *draw, raft_term term) {
    raft_index index = draw_number(draw, 0);
    raft_term own = draw_number(draw, 1);
    own = own > term ? term : own;
    return index == 0 || own == 0 ? (struct raft_entry_id){0} : (struct raft_entry_id){index, own};
}

static void draw_entries(struct draw *draw, struct raft_append_entries *append, raft_term term,
                         struct raft_entry *entries) {
    append->entries = entries;
    append->entry_count = draw_byte(draw) % (ENTRIES_MAX + 1);
    if (append->prev.index > RAFT_NUMBER_MAX - ENTRIES_MAX || term == 0) {
        append->entry_count = 0;
    }
    raft_term before = append->prev.term == 0 ? 1 : append->prev.term;
    for (size_t i = 0; i < append->entry_count; i++) {
        uint8_t what = draw_byte(draw);
        before = (what & 1) != 0 ? term : before;
        entries[i] = (struct raft_entry){.id = {append->prev.index + 1 + i, before}, .type = RAFT_NOOP};
        if ((what & 2) != 0) {
            struct origin origin = draw_origin(draw);
            origin_to_entry(&origin, &entries[i]);
            entries[i].time_ms = draw_number(draw, 0);
        }
        if (entries[i].type == RAFT_COMMAND) {
            const struct json_span *command = draw_command(draw);
            entries[i].data = command->data;
            entries[i].size = (uint32_t)command->size;
        }
    }
}

/* -- Comparing -- */

static void same_bytes(const char *left, size_t left_size, const char *right, size_t right_size, const char *what) {
    require(left_size == right_size && (left_size == 0 || memcmp(left, right, left_size) == 0), what);
}

static void same_entries(const struct raft_append_entries *left, const struct raft_append_entries *right) {
    require(left->entry_count == right->entry_count, "another count of entries");
    for (size_t i = 0; i < left->entry_count; i++) {
        const struct raft_entry *a = &left->entries[i];
        const struct raft_entry *b = &right->entries[i];
        require(a->id.index == b->id.index && a->id.term == b->id.term && a->type == b->type, "another entry");
        require(a->time_ms == b->time_ms && a->session == b->session && a->sequence == b->sequence, "another origin");
        same_bytes(a->key, a->key_size, b->key, b->key_size, "another key");
        same_bytes(a->data, a->size, b->data, b->size, "other bytes in an entry");
    }
}

static void same_raft(const struct message_request *left, const struct message_request *right) {
    const struct raft_message *a = &left->raft;
    const struct raft_message *b = &right->raft;
    require(a->type == b->type && a->term == b->term, "another term");
    if (a->type == RAFT_REQUEST_VOTE) {
        const struct raft_request_vote *vote = &a->request_vote;
        const struct raft_request_vote *again = &b->request_vote;
        require(vote->pre_vote == again->pre_vote && vote->transfer == again->transfer &&
                    vote->last_log.index == again->last_log.index && vote->last_log.term == again->last_log.term,
                "another vote");
    } else if (a->type == RAFT_APPEND_ENTRIES) {
        const struct raft_append_entries *append = &a->append_entries;
        const struct raft_append_entries *again = &b->append_entries;
        require(append->prev.index == again->prev.index && append->prev.term == again->prev.term &&
                    append->leader_commit == again->leader_commit && left->state == right->state &&
                    left->diverged_since == right->diverged_since,
                "another append");
        same_entries(append, again);
    }
}

static void same_propose(const struct message_propose *left, const struct message_propose *right) {
    require(left->term == right->term && left->run == right->run && left->sequence == right->sequence &&
                left->timeout_ms == right->timeout_ms && left->count == right->count,
            "another propose");
    struct origin plain = origin_plain();
    for (size_t i = 0; i < left->count; i++) {
        const struct origin *a = left->origins == NULL ? &plain : &left->origins[i];
        const struct origin *b = right->origins == NULL ? &plain : &right->origins[i];
        require(a->type == b->type && a->session == b->session && a->sequence == b->sequence, "another origin");
        same_bytes(a->key.data, a->key.size, b->key.data, b->key.size, "another key");
        same_bytes(left->commands[i].data, left->commands[i].size, right->commands[i].data, right->commands[i].size,
                   "another command");
    }
}

static void same_install(const struct message_install *left, const struct message_install *right) {
    require(left->term == right->term && left->offset == right->offset && left->done == right->done &&
                left->mend == right->mend && left->snapshot.id.index == right->snapshot.id.index &&
                left->snapshot.id.term == right->snapshot.id.term && left->snapshot.length == right->snapshot.length &&
                left->snapshot.crc == right->snapshot.crc,
            "another piece");
    same_bytes(left->bytes, left->size, right->bytes, right->size, "other bytes in a piece");
}

static void same(const struct message_request *left, const struct message_request *right) {
    require(left->kind == right->kind && left->round == right->round && left->address.from == right->address.from &&
                left->address.to == right->address.to && strcmp(left->address.cluster_id, right->address.cluster_id) == 0 &&
                strcmp(left->address.from_incarnation, right->address.from_incarnation) == 0 &&
                strcmp(left->address.to_incarnation, right->address.to_incarnation) == 0,
            "another address");
    switch (left->kind) {
    case MESSAGE_REQUEST_VOTE:
    case MESSAGE_APPEND_ENTRIES:
    case MESSAGE_TIMEOUT_NOW:
        same_raft(left, right);
        break;
    case MESSAGE_READ_INDEX:
        require(left->lease == right->lease, "another lease");
        break;
    case MESSAGE_TRANSFER:
        require(left->transfer.to == right->transfer.to && left->transfer.timeout_ms == right->transfer.timeout_ms,
                "another transfer");
        break;
    case MESSAGE_PROPOSE:
        same_propose(&left->propose, &right->propose);
        break;
    case MESSAGE_INSTALL_SNAPSHOT:
        same_install(&left->install, &right->install);
        break;
    default:
        break;
    }
}

/* -- The way there and back -- */

static void check_body(const struct message_request *request) {
    struct json_writer writer = {0};
    message_request_write(request, &writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    struct buffer *body = buffer_take(text, size);
    struct json_span value;
    size_t offset;
    struct message_request again;
    struct problem problem = {0};
    require(json_scan_message(body->data, body->size, &value, &offset), "what was written is not JSON");
    if (!message_request_read(request->kind, value, body, &again, &problem)) {
        fprintf(stderr, "%s: %.*s\n", problem.detail, (int)body->size, body->data);
        require(false, "what was written is refused");
    }
    same(request, &again);
    message_request_clear(&again);
    buffer_release(body);
}

static void check_piece(struct draw *draw, struct message_request *request) {
    struct message_install *install = &request->install;
    install->term = draw_number(draw, 1);
    install->snapshot.id = (struct raft_entry_id){draw_number(draw, 1), 1};
    install->snapshot.crc = (uint32_t)draw_number(draw, 0);
    install->offset = draw_number(draw, 0);
    install->size = (size_t)(draw->end - draw->at);
    install->snapshot.length = install->offset + install->size + 1;
    if (install->snapshot.length > RAFT_NUMBER_MAX) {
        return;
    }
    install->mend = install->size % 3 == 0;
    install->done = install->size % 2 == 0;
    if (install->done) {
        install->snapshot.length--;
    }
    if (install->snapshot.length == 0) {
        return;
    }
    struct buffer *body = buffer_copy(draw->at, install->size);
    install->bytes = body->data;
    char query[MESSAGE_QUERY_SIZE];
    message_query_write(request, query);
    struct message_request again;
    struct problem problem = {0};
    if (!message_query_read(query, strlen(query), body, &again, &problem)) {
        fprintf(stderr, "%s: %s\n", problem.detail, query);
        require(false, "a piece is refused");
    }
    same(request, &again);
    buffer_release(body);
}

void message_drawn_check(enum message_kind kind, const uint8_t *data, size_t size) {
    struct draw draw = {data, data + size};
    struct message_request request;
    struct raft_entry entries[ENTRIES_MAX];
    struct json_span commands[ENTRIES_MAX];
    struct origin origins[ENTRIES_MAX];
    memset(&request, 0, sizeof request);
    request.kind = kind;
    draw_address(&draw, &request);
    request.raft.from = request.address.from;
    switch (kind) {
    case MESSAGE_REQUEST_VOTE:
        request.raft.type = RAFT_REQUEST_VOTE;
        request.raft.term = draw_number(&draw, 0);
        request.raft.request_vote.last_log = draw_id(&draw, request.raft.term);
        request.raft.request_vote.pre_vote = (draw_byte(&draw) & 1) != 0;
        request.raft.request_vote.transfer = (draw_byte(&draw) & 1) != 0;
        break;
    case MESSAGE_APPEND_ENTRIES:
        request.raft.type = RAFT_APPEND_ENTRIES;
        request.raft.term = draw_number(&draw, 0);
        request.raft.append_entries.prev = draw_id(&draw, request.raft.term);
        request.raft.append_entries.leader_commit = draw_number(&draw, 0);
        request.state = (enum divergence_verdict)(draw_byte(&draw) % 3);
        request.diverged_since = request.state == DIVERGENCE_DIFFERS ? draw_number(&draw, 1) : 0;
        draw_entries(&draw, &request.raft.append_entries, request.raft.term, entries);
        break;
    case MESSAGE_TIMEOUT_NOW:
        request.raft.type = RAFT_TIMEOUT_NOW;
        request.raft.term = draw_number(&draw, 0);
        break;
    case MESSAGE_READ_INDEX:
        request.lease = (draw_byte(&draw) & 1) != 0;
        break;
    case MESSAGE_TRANSFER:
        request.transfer.to = draw_number(&draw, 0);
        request.transfer.timeout_ms = draw_number(&draw, 1);
        break;
    case MESSAGE_PROPOSE:
        request.propose = (struct message_propose){.term = draw_number(&draw, 1),
                                                   .run = draw_number(&draw, 0),
                                                   .sequence = draw_number(&draw, 1),
                                                   .timeout_ms = draw_number(&draw, 1),
                                                   .commands = commands,
                                                   .origins = origins};
        request.propose.count = 1 + draw_byte(&draw) % ENTRIES_MAX;
        for (size_t i = 0; i < request.propose.count; i++) {
            origins[i] = draw_origin(&draw);
            commands[i] = origins[i].type == RAFT_COMMAND ? *draw_command(&draw) : (struct json_span){0};
        }
        break;
    case MESSAGE_INSTALL_SNAPSHOT:
        check_piece(&draw, &request);
        return;
    case MESSAGE_PROBE: /* Members are drawn by the node target. */
    case MESSAGE_CHANGE:
    case MESSAGE_KIND_COUNT:
        return;
    }
    check_body(&request);
}
