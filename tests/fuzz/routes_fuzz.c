/* Whole HTTP requests to the real routes: the api with its HTTP library behind a listening socket, before a node that does
 * as it is told. What comes back is read by rules of its own: whatever was asked, each answer is HTTP and what the contract
 * says of it, and the next connection is served. Where tokens are asked for, nobody is told anything, and nothing reaches
 * the node, without one that may (tests/fuzz/tokens_held.h).
 *
 *     byte 0   low two bits: how the bytes are cut (0: not, 1: after each, 2: after 7, 3: not, and then again in pieces,
 *              which must be answered the same); the others: how the node's calls end (0: well, else an index into `ends`,
 *              which is gone through three times: the third time tokens are asked for)
 *     byte 1   bits: it holds its answers, it is a duplicate, it was omitted, it is not ready, leader unknown, it leads,
 *              the outcome is unknown, it is in no cluster
 *     others   sent as they are, but for 0xff and a letter, and 0xff twice for the byte itself
 *
 * The letters: | a new piece, n a new connection, t 11 s pass, m 61 s pass, r the node answers those whom it holds, x no
 * more will be sent, w a command for all who watch, e the watches end, s no more connections are taken.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "server/base/memory.h"
#include "tests/fuzz/tokens_held.h"
#include "tests/unit/api/fake_node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ESCAPE = 0xff, QUIET_TURNS = 3, ASK_TURNS_MAX = 20, INPUT_MAX = 8192, CONNECTIONS_MAX = 6, PIECES = 5 };

static const enum problem_code ends[] = {PROBLEM_NONE,
                                         PROBLEM_STALE_SEQUENCE,
                                         PROBLEM_SESSION_EXPIRED,
                                         PROBLEM_CONFLICT,
                                         PROBLEM_CHANGE_IN_PROGRESS,
                                         PROBLEM_COMPACTED,
                                         PROBLEM_KEY_REUSED,
                                         PROBLEM_OVERLOADED,
                                         PROBLEM_NOT_LEADER,
                                         PROBLEM_NO_LEADER,
                                         PROBLEM_TIMEOUT,
                                         PROBLEM_SHUTTING_DOWN,
                                         PROBLEM_CATCH_UP_FAILED,
                                         PROBLEM_STORAGE_FULL,
                                         PROBLEM_NOT_READY,
                                         PROBLEM_WRONG_CLUSTER,
                                         PROBLEM_NOT_FOUND,
                                         PROBLEM_LEADERSHIP_LOST,
                                         PROBLEM_INVALID_COMMAND};
enum { ENDS = sizeof ends / sizeof ends[0] };

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "routes_fuzz: %s\n", what);
        abort();
    }
}

/* -- The server -- */

struct world {
    struct node *node;
    struct peers *peers;
    struct api *api;
    struct api_options options;
    struct snapshot_directory *snapshots;
    uint64_t now_ms;
    bool asks;            /* The input may make the api ask other nodes: there is somebody to wait for. */
    bool stopped;         /* No more connections are taken. */
    bool may_be_bodiless; /* Somebody may have asked with HEAD. */
    int client;           /* -1: none. */
    bool shut;            /* The client has said that it sends no more. */
    bool ended;           /* The server has. */
    bool reset;           /* It did so without reading all. */
    char *got;            /* Owned: what came back on this connection. */
    size_t got_size;
    size_t got_capacity;
    char *answers; /* Owned: everything that came back on all of them, without dates. */
    size_t answers_size;
    size_t answers_capacity;
    size_t connections;
    bool tokens;          /* They are asked for. */
    unsigned held;        /* Those shown on this connection in requests that have been answered. */
    char sent[INPUT_MAX]; /* On this connection since. */
    size_t sent_size;
};

/* -- Who may, in the words of the contract and not of the table -- */

/* By what has been sent and is not yet answered. */
static void require_one_of(const struct world *world, unsigned roles, const char *what) {
    require(!world->tokens || (tokens_held_in(world->sent, world->sent_size) & roles) != 0, what);
}

/* Who showed a token in a request that is over has shown none in the next. A first line without its end, which may have
 * come already, has no fields. */
static void forget_sent(struct world *world) {
    world->held |= tokens_held_in(world->sent, world->sent_size);
    world->sent_size = 0;
}

static void on_call(void *context, enum fake_call_kind kind) {
    static const unsigned roles[] = {
        [FAKE_PROPOSE] = HELD_WRITE | HELD_ADMIN,
        [FAKE_CHANGE_SESSION] = HELD_WRITE | HELD_ADMIN,
        [FAKE_READ_SESSION] = HELD_WRITE | HELD_ADMIN,
        [FAKE_QUERY] = HELD_ANY_BUT_PEER,
        [FAKE_LOG] = HELD_ANY_BUT_PEER,
        [FAKE_WATCH] = HELD_ANY_BUT_PEER,
        [FAKE_TRANSFER] = HELD_ADMIN,
        [FAKE_CHANGE] = HELD_ADMIN,
        [FAKE_SNAPSHOT] = HELD_ADMIN,
        [FAKE_RECEIVE] = HELD_PEER,
        [FAKE_EVENTS] = HELD_ANY_BUT_PEER | HELD_PEER,
    };
    require_one_of(context, roles[kind], "a call that nobody who asked may make has reached the node");
}

/* Asked for the samples, too: once a second, for nobody. */
static uint64_t storage_bytes(void *context) {
    (void)context;
    return 102400;
}

/* Only the metrics ask. */
static uint64_t snapshots_bytes(void *context) {
    require_one_of(context, HELD_ANY_BUT_PEER | HELD_PEER, "the disk was asked for somebody who may not know");
    return 2400;
}

static uint64_t disk_latency(void *context, double *out_p50_ms, double *out_p99_ms) {
    (void)context;
    *out_p50_ms = 0.25;
    *out_p99_ms = 2.125;
    return 1;
}

static void disk_writes(void *context, struct histogram *out_durations) {
    (void)context;
    *out_durations = (struct histogram){.counts = {[10] = 1}, .sum_us = 700};
}

static struct storage_snapshot make_snapshot(struct snapshot_directory *directory) {
    static const struct snapshot_head head = {
        .id = {.index = 20, .term = 2}, .configuration_index = 1, .machine = "hashmap"};
    struct snapshot_writer_file *writer = NULL;
    struct storage_snapshot snapshot = {0};
    require(snapshot_file_create(directory, &head, &writer, NULL) == STORAGE_OK, "no snapshot");
    require(snapshot_file_write(writer, (enum snapshot_section)0, "state", 5), "no snapshot");
    require(snapshot_file_finish(writer, &snapshot, NULL) == STORAGE_OK, "no snapshot");
    return snapshot;
}

static void set_up_node(struct world *world, uint8_t end, uint8_t bits) {
    struct node *node = world->node;
    node->snapshots = world->snapshots;
    node->status.snapshot = make_snapshot(world->snapshots);
    for (size_t i = 0; i < node->status.members.count; i++) {
        /* Nobody is there; to find that out takes no look-up of a name. */
        snprintf(node->status.members.list[i].url, MEMBERS_URL_SIZE, "http://127.0.0.1:1");
    }
    node->hold = (bits & 1) != 0;
    node->duplicate = (bits & 2) != 0;
    node->omitted = (bits & 4) != 0;
    node->ready = (bits & 8) == 0;
    node->leader = (bits & 16) != 0 ? 0 : (bits & 32) != 0 ? 1 : 2;
    node->status.role = (bits & 32) != 0 ? NODE_LEADER : NODE_FOLLOWER;
    node->status.raft.leader = node->leader;
    if ((bits & 128) != 0) {
        node->status.role = NODE_WAITING;
        node->status.cluster_id[0] = '\0';
        node->status.members.count = 0;
        node->leader = 0;
    }
    node->good_lines = 1;
    node->result = "{\"previous\":[1e2,\n\"\\u0000\"]}";
    if (end % ENDS != 0) {
        problem_set(&node->problem, ends[end % ENDS], (bits & 64) != 0, "as it was told \"to\"");
    }
    static const struct raft_entry log[] = {
        {.id = {5, 6}, .type = RAFT_COMMAND, .data = "{\"op\":\r\n1}", .size = 10, .session = 3, .sequence = 4},
        {.id = {6, 7}, .type = RAFT_NOOP},
        {.id = {7, 7}, .type = RAFT_COMMAND, .data = "2", .size = 1, .key = "\"k\"", .key_size = 3}};
    node->entries = log;
    node->entry_count = sizeof log / sizeof log[0];
}

static void begin(struct world *world, const uint8_t *data, size_t size) {
    static const char *const hosts[] = {"raft.example:8001", NULL};
    static const char *const origins[] = {"https://page.example", NULL};
    uint8_t way = data[0];
    *world = (struct world){.now_ms = 1000000, .client = -1};
    world->asks = memmem(data, size, "clus", 4) != NULL || memmem(data, size, "forward", 7) != NULL;
    world->may_be_bodiless = memmem(data, size, "HEAD", 4) != NULL;
    world->tokens = (way >> 2) / ENDS == 2;
    world->node = fake_node_create();
    world->snapshots = snapshot_directory_memory();
    set_up_node(world, way >> 2, data[1]);
    world->peers = peers_create(&(struct peers_options){.connect_timeout_ms = 1000, .answer_bytes_max = 1 << 20});
    world->options = (struct api_options){
        .listen_host = "127.0.0.1",
        .advertise_url = "http://node1.test:8001",
        .client_url = "http://client1.test:8001",
        .allow_hosts = hosts,
        .allow_origins = origins,
        .tokens = world->tokens ? tokens_held_list() : NULL,
        .command_bytes_max = 200,
        .query_bytes_max = 100,
        .ndjson_bytes_max = 1000,
        .peer_bytes_max = 2000,
        .connections_max = 4,
        .machine_name = "hashmap",
        .started_ms = world->now_ms,
    };
    struct api_host host = {.context = world,
                            .storage_bytes = storage_bytes,
                            .snapshots_bytes = snapshots_bytes,
                            .disk_latency = disk_latency,
                            .disk_writes = disk_writes};
    struct storage_message message = {""};
    world->api = api_create(&world->options, &host, world->node, world->peers, NULL, &message);
    require(world->api != NULL, message.text);
    world->node->reply = api_reply;
    world->node->reply_context = world->api;
    world->node->called = on_call;
    world->node->called_context = world;
}

static void turn(struct world *world, bool wait) {
    if (wait) {
        struct curl_waitfd descriptors[4] = {0};
        int list[4];
        unsigned count = api_descriptors(world->api, list, 4);
        for (unsigned i = 0; i < count; i++) {
            descriptors[i] = (struct curl_waitfd){.fd = list[i], .events = CURL_WAIT_POLLIN};
        }
        peers_wait(world->peers, descriptors, count, 1);
    }
    (void)api_timeout_ms(world->api, world->now_ms);
    api_run(world->api, world->now_ms);
    peers_run(world->peers);
    fake_node_turn(world->node);
}

/* What has come back, is kept. Answers whether there was any. */
static bool take(struct world *world) {
    bool any = false;
    while (world->client >= 0 && !world->ended) {
        world->got = memory_grow(world->got, &world->got_capacity, world->got_size + 65536, 1);
        ssize_t count = recv(world->client, world->got + world->got_size, 65536, MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) {
            return any;
        }
        world->ended = count <= 0;
        world->reset = count < 0;
        world->got_size += count > 0 ? (size_t)count : 0;
        any = true;
    }
    return any;
}

static void settle(struct world *world) {
    unsigned quiet = 0;
    for (unsigned waited = 0;
         quiet < QUIET_TURNS || (world->asks && !world->node->hold && waited < ASK_TURNS_MAX && !api_idle(world->api));) {
        turn(world, quiet >= QUIET_TURNS);
        waited += quiet >= QUIET_TURNS ? 1 : 0;
        quiet = take(world) ? 0 : quiet + 1;
    }
    if (api_idle(world->api)) {
        forget_sent(world);
    }
}

/* -- What an answer must be -- */

struct text {
    const char *at;
    size_t size;
};

static bool text_is(struct text text, const char *word) {
    return text.size == strlen(word) && strncasecmp(text.at, word, text.size) == 0;
}

struct answer_head {
    unsigned status;
    size_t size; /* With the empty line. */
    struct text type;
    struct text length;
    bool chunked;
    bool closing;
    bool ours; /* Not one of the HTTP library's own. */
    bool allow;
    bool location;
    bool retry;
    unsigned raft_fields;
};

static bool is_known_status(unsigned status) {
    static const unsigned known[] = {200, 201, 204, 304, 307, 400, 401, 403, 404, 405, 409, 410,
                                     413, 414, 421, 422, 429, 431, 501, 503, 504, 505, 507};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i] == status) {
            return true;
        }
    }
    return false;
}

static void read_field(struct answer_head *head, struct text name, struct text value) {
    require(name.size > 0, "a field without a name");
    for (size_t i = 0; i < name.size; i++) {
        require(name.at[i] == '-' || (name.at[i] | 32) >= 'a' || (name.at[i] >= '0' && name.at[i] <= '9'),
                "a strange field name");
    }
    for (size_t i = 0; i < value.size; i++) {
        require((unsigned char)value.at[i] >= ' ' && value.at[i] != 127, "a control character in a field");
    }
    if (text_is(name, "Content-Type")) {
        require(head->type.at == NULL, "two types");
        head->type = value;
    } else if (text_is(name, "Content-Length")) {
        require(head->length.at == NULL, "two lengths");
        head->length = value;
    } else if (text_is(name, "X-Content-Type-Options")) {
        require(text_is(value, "nosniff") && !head->ours, "another X-Content-Type-Options");
        head->ours = true;
    } else if (text_is(name, "Transfer-Encoding")) {
        require(text_is(value, "chunked"), "another encoding");
        head->chunked = true;
    } else if (text_is(name, "Connection")) {
        head->closing = text_is(value, "close");
    }
    head->allow = head->allow || (text_is(name, "Allow") && value.size > 0);
    head->location = head->location || (text_is(name, "Location") && value.size > 0);
    head->retry = head->retry || text_is(name, "Retry-After");
    for (unsigned i = 0; i < 4; i++) {
        static const char *const fields[] = {"Raft-Node", "Raft-Leader", "Raft-Term", "Raft-Index"};
        head->raft_fields |= text_is(name, fields[i]) ? 1U << i : 0;
    }
}

/* False: the head is not complete. */
static bool read_head(const char *bytes, size_t size, struct answer_head *out_head) {
    *out_head = (struct answer_head){0};
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (end == NULL) {
        return false;
    }
    out_head->size = (size_t)(end - bytes) + 4;
    require(out_head->size > 14 && (memcmp(bytes, "HTTP/1.1 ", 9) == 0 || memcmp(bytes, "HTTP/1.0 ", 9) == 0),
            "no status line");
    for (int i = 9; i < 12; i++) {
        require(bytes[i] >= '0' && bytes[i] <= '9', "no status");
        out_head->status = out_head->status * 10 + (unsigned)(bytes[i] - '0');
    }
    const char *at = memmem(bytes, out_head->size, "\r\n", 2);
    at += 2;
    while (at < end + 2) {
        const char *line_end = memmem(at, (size_t)(end + 2 - at), "\r\n", 2);
        const char *colon = memchr(at, ':', (size_t)(line_end - at));
        require(colon != NULL, "a field without a colon");
        const char *value = colon + 1;
        while (value < line_end && *value == ' ') {
            value++;
        }
        read_field(out_head, (struct text){at, (size_t)(colon - at)}, (struct text){value, (size_t)(line_end - value)});
        at = line_end + 2;
    }
    return true;
}

static struct json_span scanned(struct text body) {
    struct json_span value = {0};
    size_t offset;
    if (body.size == 0 || !json_scan(body.at, body.size, &value, &offset)) {
        fprintf(stderr, "%.*s\n", (int)body.size, body.at);
        require(false, "a body that is not JSON");
    }
    require(json_type(value) != JSON_STRING, "a body that is a string");
    return value;
}

static enum problem_code check_problem(struct json_span problem, unsigned status) {
    struct json_span member;
    uint64_t number = 0;
    require(json_member(problem, "type", &member) && json_string_is(member, "about:blank"), "a problem without a type");
    require(json_member(problem, "title", &member) && json_type(member) == JSON_STRING, "a problem without a title");
    require(json_member(problem, "detail", &member) && json_type(member) == JSON_STRING && member.size > 2, "no detail");
    require(json_member(problem, "code", &member) && json_type(member) == JSON_STRING, "a problem without a code");
    enum problem_code code = problem_by_name(member.data + 1, member.size - 2);
    require(code != PROBLEM_NONE, "a problem with a code that there is not");
    require(json_member(problem, "status", &member) && json_number_uint64(member, 999, &number), "no status");
    require(number == problem_status(code) || (code == PROBLEM_NOT_LEADER && number == 307), "a problem of another status");
    require(status == 0 || number == status, "a problem with another status than its head");
    if (json_member(problem, "outcome", &member)) {
        require(json_string_is(member, "rejected") || json_string_is(member, "unknown"), "another outcome");
    }
    if (json_member(problem, "offset", &member)) {
        require(json_number_uint64(member, INPUT_MAX, &number), "an offset outside of the body");
    }
    return code;
}

static void check_lines(struct text body) {
    const char *at = body.at;
    const char *end = body.at + body.size;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        require(line_end != NULL && line_end > at, "a line without an end, or without anything");
        struct json_span line = scanned((struct text){at, (size_t)(line_end - at)});
        struct json_span member;
        if (json_member(line, "code", &member)) {
            (void)check_problem(line, 0);
        } else {
            require(json_member(line, "index", &member) && json_member(line, "term", &member) &&
                        (json_member(line, "result", &member) || json_member(line, "result_omitted", &member)),
                    "a line that is neither an answer nor a problem");
        }
        at = line_end + 1;
    }
}

/* As far as it goes: the last line may be cut. */
static void check_events(struct text body) {
    const char *at = body.at;
    const char *end = body.at + body.size;
    const char *line_end;
    while (at < end && (line_end = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        size_t size = (size_t)(line_end - at);
        require(size == 0 || at[0] == ':' || (size > 3 && memcmp(at, "id: ", 4) == 0) ||
                    (size > 6 && memcmp(at, "event: ", 7) == 0) || (size > 5 && memcmp(at, "data: ", 6) == 0),
                "a line that is no event's");
        if (size > 5 && memcmp(at, "data: ", 6) == 0) {
            (void)scanned((struct text){at + 6, size - 6});
        }
        at = line_end + 1;
    }
}

static void check_body(const struct answer_head *head, struct text body) {
    if (text_is(head->type, "application/problem+json")) {
        enum problem_code code = check_problem(scanned(body), head->status);
        require(head->status != 405 || head->allow, "405 without Allow");
        require(head->retry == (code == PROBLEM_OVERLOADED || code == PROBLEM_NO_LEADER),
                "Retry-After where it is not due");
    } else if (text_is(head->type, "application/json")) {
        (void)scanned(body);
    } else if (text_is(head->type, "application/x-ndjson")) {
        check_lines(body);
    } else if (text_is(head->type, "text/event-stream")) {
        check_events(body);
    }
}

/* What tells of the cluster has the Raft- fields, or is the metrics. */
static void check_tokens(const struct world *world, const struct answer_head *head) {
    bool tells = head->raft_fields != 0 || text_is(head->type, "text/plain; version=0.0.4; charset=utf-8");
    if (world->tokens && tells && head->status != 204 && (head->status < 400 || head->status >= 500)) {
        unsigned held = world->held | tokens_held_in(world->sent, world->sent_size);
        require((held & HELD_ANY_BUT_PEER) != 0, "an answer to somebody who has shown no token");
    }
}

static void check_head(const struct answer_head *head) {
    require(is_known_status(head->status), "a status that there is not");
    if (!head->ours) {
        require(head->status == 400 || head->status == 413 || head->status == 414 || head->status == 431 ||
                    head->status == 505 || head->status == 501,
                "an answer of the library's own, with another status");
        return;
    }
    require(head->status < 300 || head->status == 304 || text_is(head->type, "application/problem+json"),
            "an error that is no problem");
    require(head->status < 200 || head->status >= 300 || !text_is(head->type, "application/problem+json"),
            "a problem that is no error");
    require((head->status == 307) == head->location, "a Location where none belongs, or none where it does");
    require(head->raft_fields == 0 || head->raft_fields == 15, "some of the Raft- fields and not all");
}

/* The chunks of a body put together; false: more should come. */
static bool read_chunks(const char *bytes, size_t size, size_t *out_used, char **out_body, size_t *out_size) {
    size_t at = 0;
    char *body = memory_alloc(size + 1);
    size_t body_size = 0;
    for (;;) {
        const char *line_end = memmem(bytes + at, size - at, "\r\n", 2);
        char *number_end = NULL;
        size_t count = line_end == NULL ? 0 : strtoul(bytes + at, &number_end, 16);
        size_t begin = line_end == NULL ? 0 : (size_t)(line_end - bytes) + 2;
        if (line_end == NULL || count + 2 > size - begin) {
            *out_body = body;
            *out_size = body_size;
            *out_used = size;
            return false;
        }
        require(number_end == line_end, "a chunk without a size");
        require(memcmp(bytes + begin + count, "\r\n", 2) == 0, "a chunk without an end");
        memcpy(body + body_size, bytes + begin, count);
        body_size += count;
        at = begin + count + 2;
        if (count == 0) {
            *out_body = body;
            *out_size = body_size;
            *out_used = at;
            return true;
        }
    }
}

/* One answer at the beginning of the bytes; how many it takes. */
static size_t check_answer(const struct world *world, const char *bytes, size_t size) {
    struct answer_head head;
    if (!read_head(bytes, size, &head)) {
        if (!world->reset) {
            fprintf(stderr, "%.*s\n", (int)world->got_size, world->got);
            require(false, "the beginning of an answer without its end");
        }
        return size;
    }
    if (head.status == 100) {
        return head.size;
    }
    check_head(&head);
    if (!head.ours) {
        /* libmicrohttpd 0.9.75 sends the head twice when it refuses a Content-Length by itself. */
        require(head.closing, "an answer of the library's own, and the connection goes on");
        return size;
    }
    check_tokens(world, &head);
    const char *rest = bytes + head.size;
    size_t left = size - head.size;
    bool next = left == 0 || (left >= 9 && memcmp(rest, "HTTP/1.", 7) == 0);
    if (head.status == 204 || head.status == 304 || (world->may_be_bodiless && next)) {
        require(next || left == 0, "a body where none belongs");
        return head.size;
    }
    if (head.chunked) {
        char *body = NULL;
        size_t used = 0;
        size_t body_size = 0;
        bool whole = read_chunks(rest, left, &used, &body, &body_size);
        bool stream = text_is(head.type, "text/event-stream");
        require(whole || stream || world->reset, "chunks without an end");
        if (whole || stream) {
            check_body(&head, (struct text){body, body_size});
        }
        free(body);
        return head.size + used;
    }
    if (head.length.at == NULL) {
        require(head.closing || text_is(head.type, "text/event-stream"),
                "a body without a length, and the connection goes on");
        check_body(&head, (struct text){rest, left});
        return size;
    }
    char *end = NULL;
    size_t length = strtoul(head.length.at, &end, 10);
    require(head.length.size > 0 && end == head.length.at + head.length.size, "a length that is no number");
    if (length > left) {
        require(world->reset, "a body shorter than its length");
        return size;
    }
    check_body(&head, (struct text){rest, length});
    return head.size + length;
}

/* The first piece between `opening` and `closing`; `end` when there is none. */
static const char *find_piece(const char *bytes, const char *end, const char *opening, const char *closing,
                              const char **out_after) {
    const char *from = memmem(bytes, (size_t)(end - bytes), opening, strlen(opening));
    const char *to = from == NULL ? NULL : memmem(from + 2, (size_t)(end - from - 2), closing, strlen(closing));
    *out_after = to == NULL ? end : to;
    return to == NULL ? end : from;
}

/* Without what changes with the time: the date, the clocks in a status, whether the library said that it waits for the
 * body, and metrics, which tell of the process. */
static void keep(struct world *world, const char *bytes, size_t size) {
    if (size > 12 && memcmp(bytes, "HTTP/1.1 100", 12) == 0) {
        return;
    }
    if (memmem(bytes, size, "\r\nContent-Type: text/plain; version=0.0.4", 41) != NULL) {
        size = 12; /* That there were some. */
    }
    world->answers = memory_grow(world->answers, &world->answers_capacity, world->answers_size + size + 1, 1);
    const char *end = bytes + size;
    while (bytes < end) {
        const char *after_date;
        const char *after_clock;
        const char *date = find_piece(bytes, end, "\r\nDate: ", "\r\n", &after_date);
        const char *clock = find_piece(bytes, end, "\"clock\":{", "}", &after_clock);
        size_t before = (size_t)((date < clock ? date : clock) - bytes);
        memcpy(world->answers + world->answers_size, bytes, before);
        world->answers_size += before;
        bytes = date < clock ? after_date : after_clock;
    }
}

static void check_answers(struct world *world) {
    for (size_t at = 0; at < world->got_size;) {
        size_t used = check_answer(world, world->got + at, world->got_size - at);
        keep(world, world->got + at, used);
        at += used;
    }
}

/* -- The client -- */

static void open_client(struct world *world) {
    world->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(api_port(world->api))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    setsockopt(world->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* From another address each time: thousands of connections a second use up the ports of one. */
    static uint32_t caller;
    caller = (caller + 1) % 0xfffff;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + caller)};
    setsockopt(world->client, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    require(bind(world->client, (struct sockaddr *)&from, sizeof from) == 0, "cannot bind");
    bool connected =
        connect(world->client, (struct sockaddr *)&address, sizeof address) == 0 || errno == EINPROGRESS || errno == EINTR;
    require(connected, "cannot connect");
    world->ended = world->reset = world->shut = false;
    world->got_size = 0;
    world->sent_size = 0;
    world->held = 0;
    world->connections++;
}

static void close_client(struct world *world) {
    if (world->client >= 0) {
        check_answers(world);
        /* By a reset, so that no port is left waiting. */
        struct linger linger = {.l_onoff = 1};
        setsockopt(world->client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        close(world->client);
        world->client = -1;
        turn(world, false);
    }
}

static void send_piece(struct world *world, const uint8_t *bytes, size_t size) {
    while (size > 0 && world->client >= 0 && !world->shut && !world->ended) {
        ssize_t sent = send(world->client, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            break;
        }
        if (sent > 0) {
            memcpy(world->sent + world->sent_size, bytes, (size_t)sent);
            world->sent_size += (size_t)sent;
        }
        bytes += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
        turn(world, false);
        take(world);
    }
}

/* A watcher that has ended, or is gone, is no watcher. */
static void tell_watchers(struct world *world, bool end) {
    static const struct raft_entry entry = {.type = RAFT_COMMAND, .data = "[1,\n{\"a\":\"\\n\"}]", .size = 15};
    static const struct problem over = {.code = PROBLEM_SHUTTING_DOWN, .detail = "it ends"};
    struct node *node = world->node;
    for (size_t i = 0; i < node->call_count; i++) {
        struct fake_call *call = &node->calls[i];
        if (call->kind != FAKE_WATCH || call->cancelled || !call->answered || node->problem.code != PROBLEM_NONE) {
            continue;
        }
        if (end) {
            call->cancelled = true;
            call->watcher.ended(call->context, &over, 0);
        } else if (call->resumed > 0 || call->sequence == 0) {
            struct raft_entry next = entry;
            next.id = (struct raft_entry_id){++node->highest_index, 7};
            call->resumed = 0;
            call->sequence = call->watcher.command(call->context, &next) ? 0 : 1; /* 1: there is no more room. */
        }
    }
}

static void act(struct world *world, uint8_t letter) {
    settle(world);
    switch (letter) {
    case 'n':
        if (world->connections < CONNECTIONS_MAX && !world->stopped) {
            close_client(world);
            open_client(world);
        }
        break;
    case 't':
        world->now_ms += 11000;
        settle(world);
        break;
    case 'm':
        world->now_ms += 61000;
        settle(world);
        break;
    case 'r':
        world->node->hold = false;
        settle(world);
        break;
    case 'x':
        if (world->client >= 0 && !world->shut) {
            shutdown(world->client, SHUT_WR);
            world->shut = true;
        }
        break;
    case 'w':
    case 'e':
        tell_watchers(world, letter == 'e');
        settle(world);
        break;
    case 's':
        if (!world->stopped) {
            world->stopped = true;
            api_stop_accepting(world->api);
        }
        break;
    default:
        break;
    }
}

/* The node's calls are kept in an array: no more requests are sent than it has room for. */
static bool has_room(const struct world *world) {
    return world->node->call_count < sizeof world->node->calls / sizeof world->node->calls[0] / 2;
}

static void play(struct world *world, const uint8_t *data, size_t size, size_t most) {
    uint8_t piece[INPUT_MAX];
    size_t count = 0;
    for (size_t at = 2; at <= size && has_room(world); at++) {
        bool doubled = at + 1 < size && data[at] == ESCAPE && data[at + 1] == ESCAPE;
        bool escape = at + 1 < size && data[at] == ESCAPE && !doubled;
        if (at < size && !escape) {
            piece[count++] = data[at];
            at += doubled ? 1 : 0;
        }
        if (count > 0 && (count == most || escape || at >= size)) {
            send_piece(world, piece, count);
            count = 0;
        }
        if (escape) {
            act(world, data[++at]);
        }
    }
    settle(world);
}

/* -- The end -- */

static void check_next_connection(struct world *world) {
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    world->may_be_bodiless = false;
    open_client(world);
    send_piece(world, (const uint8_t *)request, sizeof request - 1);
    settle(world);
    require(world->got_size > 12 && memcmp(world->got, "HTTP/1.1 200", 12) == 0, "the next connection is not served");
    close_client(world);
}

static void end(struct world *world) {
    close_client(world);
    if (!world->stopped) {
        check_next_connection(world);
    }
    api_destroy(world->api);
    peers_destroy(world->peers);
    fake_node_destroy(world->node);
    snapshot_directory_close(world->snapshots);
    free(world->got);
}

static void run(const uint8_t *data, size_t size, size_t most, char **out_answers, size_t *out_size) {
    struct world world;
    begin(&world, data, size);
    open_client(&world);
    play(&world, data, size, most);
    close_client(&world);
    *out_answers = world.answers;
    *out_size = world.answers_size;
    world.answers = NULL;
    world.answers_size = world.answers_capacity = 0;
    end(&world);
    free(world.answers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const size_t cuts[] = {INPUT_MAX, 1, 7, INPUT_MAX};
    if (size < 2 || size > INPUT_MAX) {
        return 0;
    }
    char *answers = NULL;
    size_t answers_size = 0;
    run(data, size, cuts[data[0] & 3], &answers, &answers_size);
    if ((data[0] & 3) == 3) {
        char *again = NULL;
        size_t again_size = 0;
        run(data, size, PIECES, &again, &again_size);
        if (answers_size != again_size || (answers_size > 0 && memcmp(answers, again, answers_size) != 0)) {
            fprintf(stderr, "%.*s\n---- in pieces:\n%.*s\n", (int)answers_size, answers, (int)again_size, again);
            require(false, "sent in pieces it is answered otherwise");
        }
        free(again);
    }
    free(answers);
    return 0;
}
