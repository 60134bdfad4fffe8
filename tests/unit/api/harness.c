#include "tests/unit/api/harness.h"

#include "server/base/memory.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t storage_bytes(void *context) {
    (void)context;
    return 102400;
}

static uint64_t snapshots_bytes(void *context) {
    (void)context;
    return 2400;
}

static uint64_t disk_latency(void *context, double *out_p50_ms, double *out_p99_ms) {
    (void)context;
    *out_p50_ms = 0.25;
    *out_p99_ms = 2.125;
    return 4321;
}

static void disk_writes(void *context, struct histogram *out_durations) {
    (void)context;
    *out_durations = (struct histogram){0};
    histogram_add(out_durations, 700);
    histogram_add(out_durations, 20000000);
}

struct harness *harness_create(void) {
    struct harness *harness = memory_zalloc(sizeof *harness);
    harness->node = fake_node_create();
    harness->peers = peers_create(&(struct peers_options){.connect_timeout_ms = 1000, .answer_bytes_max = 1 << 20});
    harness->now_ms = 1000000;
    harness->options = (struct api_options){
        .listen_host = "127.0.0.1",
        .advertise_url = "http://node1.test:8001",
        .client_url = "http://client1.test:8001",
        .command_bytes_max = 1000,
        .query_bytes_max = 500,
        .ndjson_bytes_max = 8000000,
        .peer_bytes_max = 100000,
        .connections_max = 100,
        .machine_name = "hashmap",
        .started_ms = harness->now_ms,
    };
    return harness;
}

void harness_start(struct harness *harness) {
    struct api_host host = {.storage_bytes = storage_bytes,
                            .snapshots_bytes = snapshots_bytes,
                            .disk_latency = disk_latency,
                            .disk_writes = disk_writes};
    struct storage_message message = {""};
    harness->api = api_create(&harness->options, &host, harness->node, harness->peers, NULL, &message);
    ck_assert_msg(harness->api != NULL, "%s", message.text);
    harness->node->reply = api_reply;
    harness->node->reply_context = harness->api;
}

struct harness *harness_begin(void) {
    struct harness *harness = harness_create();
    harness_start(harness);
    return harness;
}

void harness_end(struct harness *harness) {
    api_destroy(harness->api);
    peers_destroy(harness->peers);
    fake_node_destroy(harness->node);
    free(harness);
}

void harness_turn(struct harness *harness) {
    struct curl_waitfd descriptors[4] = {0};
    int list[4];
    unsigned count = api_descriptors(harness->api, list, 4);
    for (unsigned i = 0; i < count; i++) {
        descriptors[i].fd = list[i];
        descriptors[i].events = CURL_WAIT_POLLIN;
    }
    uint64_t timeout = api_timeout_ms(harness->api, harness->now_ms);
    peers_wait(harness->peers, descriptors, count, timeout < 2 ? (int)timeout : 2);
    api_run(harness->api, harness->now_ms);
    peers_run(harness->peers);
    fake_node_turn(harness->node);
    if (harness->other != NULL) {
        api_run(harness->other->api, harness->other->now_ms);
        peers_run(harness->other->peers);
        fake_node_turn(harness->other->node);
    }
}

static uint64_t wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void harness_until(struct harness *harness, bool (*done)(void *context), void *context) {
    uint64_t begin = wall_ms();
    while (!done(context)) {
        harness_turn(harness);
        ck_assert_msg(wall_ms() - begin < 10000, "what was waited for did not happen");
    }
}

struct calls {
    struct node *node;
    size_t count;
};

static bool has_calls(void *context) {
    struct calls *calls = context;
    return calls->node->call_count >= calls->count;
}

void harness_until_calls(struct harness *harness, size_t count) {
    struct calls calls = {harness->node, count};
    harness_until(harness, has_calls, &calls);
}

int client_open(struct harness *harness) {
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(api_port(harness->api))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(client, F_SETFL, O_NONBLOCK);
    return client;
}

bool client_send(struct harness *harness, int client, const char *bytes, size_t size) {
    uint64_t begin = wall_ms();
    while (size > 0) {
        ssize_t sent = send(client, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            return false;
        }
        bytes += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
        harness_turn(harness);
        ck_assert(wall_ms() - begin < 20000);
    }
    return true;
}

bool client_send_text(struct harness *harness, int client, const char *text) {
    return client_send(harness, client, text, strlen(text));
}

struct reading {
    int client;
    bool bodiless;
    bool ended;
    char *bytes;
    size_t size;
    size_t capacity;
    size_t needed; /* 0: not known yet. */
    size_t head_size;
};

static const char *find_field(const char *head, const char *name, size_t *out_size) {
    const char *at = head;
    while ((at = strstr(at, "\r\n")) != NULL) {
        at += 2;
        if (strncasecmp(at, name, strlen(name)) == 0 && at[strlen(name)] == ':') {
            const char *value = at + strlen(name) + 1;
            value += strspn(value, " ");
            *out_size = strcspn(value, "\r");
            return value;
        }
    }
    return NULL;
}

static void look_for_end(struct reading *reading) {
    reading->bytes[reading->size] = '\0';
    char *end = strstr(reading->bytes, "\r\n\r\n");
    if (end == NULL) {
        return;
    }
    *end = '\0';
    size_t size = 0;
    const char *length = find_field(reading->bytes, "Content-Length", &size);
    reading->head_size = (size_t)(end - reading->bytes);
    reading->needed = reading->head_size + 4;
    if (length != NULL && !reading->bodiless) {
        reading->needed += strtoull(length, NULL, 10);
    }
    *end = '\r';
}

/* Byte by byte while the head comes, so that nothing of the next answer is taken. */
static bool has_answer(void *context) {
    struct reading *reading = context;
    while (reading->needed == 0 || reading->size < reading->needed) {
        size_t want = reading->needed == 0 ? 1 : reading->needed - reading->size;
        reading->bytes = memory_grow(reading->bytes, &reading->capacity, reading->size + want + 1, 1);
        ssize_t got = recv(reading->client, reading->bytes + reading->size, want, 0);
        if (got < 0 && errno == EAGAIN) {
            return false;
        }
        if (got <= 0) {
            reading->ended = true;
            return true;
        }
        reading->size += (size_t)got;
        if (reading->needed == 0) {
            look_for_end(reading);
        }
    }
    return true;
}

static struct reply read_reply(struct harness *harness, int client, bool bodiless) {
    struct reading reading = {.client = client, .bodiless = bodiless};
    harness_until(harness, has_answer, &reading);
    struct reply reply = {0};
    if (!reading.ended) {
        reply.head = memory_text(reading.bytes, reading.head_size);
        reply.size = reading.needed - reading.head_size - 4;
        reply.body = memory_text(reading.bytes + reading.head_size + 4, reply.size);
        ck_assert_int_eq(sscanf(reply.head, "HTTP/1.1 %u", &reply.status), 1);
    }
    free(reading.bytes);
    return reply;
}

struct reply client_read(struct harness *harness, int client) {
    return read_reply(harness, client, false);
}

struct reply client_read_head(struct harness *harness, int client) {
    return read_reply(harness, client, true);
}

struct ending {
    int client;
    bool more;
};

static bool has_ended(void *context) {
    struct ending *ending = context;
    char bytes[65536];
    ssize_t got;
    while ((got = recv(ending->client, bytes, sizeof bytes, 0)) > 0) {
        ending->more = true;
    }
    return got == 0 || (got < 0 && errno != EAGAIN);
}

bool client_sees_end(struct harness *harness, int client) {
    struct ending ending = {client, false};
    harness_until(harness, has_ended, &ending);
    return !ending.more;
}

bool client_is_open(struct harness *harness, int client) {
    for (int i = 0; i < 5; i++) {
        harness_turn(harness);
    }
    char byte;
    ssize_t got = recv(client, &byte, 1, MSG_PEEK);
    return got > 0 || (got < 0 && errno == EAGAIN);
}

struct reply ask_raw(struct harness *harness, const char *bytes, size_t size) {
    int client = client_open(harness);
    client_send(harness, client, bytes, size);
    struct reply reply = client_read(harness, client);
    close(client);
    return reply;
}

struct reply ask(struct harness *harness, const char *method, const char *target, const char *head, const char *body) {
    size_t size = body != NULL ? strlen(body) : 0;
    char length[64] = "";
    if (body != NULL) {
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", size);
    }
    char *request = NULL;
    int total = asprintf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n%s", method, target, head, length,
                         body != NULL ? body : "");
    ck_assert_int_gt(total, 0);
    int client = client_open(harness);
    client_send(harness, client, request, (size_t)total);
    struct reply reply = read_reply(harness, client, strcmp(method, "HEAD") == 0);
    close(client);
    free(request);
    return reply;
}

struct reply get(struct harness *harness, const char *target) {
    return ask(harness, "GET", target, "", NULL);
}

struct reply post(struct harness *harness, const char *target, const char *body) {
    return ask(harness, "POST", target, "", body);
}

const char *reply_field(const struct reply *reply, const char *name, char out[512]) {
    size_t size = 0;
    const char *value = reply->head != NULL ? find_field(reply->head, name, &size) : NULL;
    if (value == NULL || size >= 512) {
        return NULL;
    }
    memcpy(out, value, size);
    out[size] = '\0';
    return out;
}

bool reply_has(const struct reply *reply, const char *name, const char *value) {
    char found[512];
    return reply_field(reply, name, found) != NULL && strcmp(found, value) == 0;
}

void reply_free(struct reply *reply) {
    free(reply->head);
    free(reply->body);
    *reply = (struct reply){0};
}

void check_problem(struct reply *reply, unsigned status, const char *code, const char *outcome) {
    ck_assert_msg(reply->status == status, "status %u, not %u: %s", reply->status, status, reply->body);
    ck_assert(reply_has(reply, "Content-Type", "application/problem+json"));
    ck_assert(reply_has(reply, "X-Content-Type-Options", "nosniff"));
    struct json_span problem;
    struct json_span member;
    size_t offset;
    ck_assert(json_scan(reply->body, reply->size, &problem, &offset));
    ck_assert(json_member(problem, "type", &member) && json_string_is(member, "about:blank"));
    ck_assert(json_member(problem, "title", &member));
    uint64_t number = 0;
    ck_assert(json_member(problem, "status", &member) && json_number_uint64(member, 999, &number));
    ck_assert_uint_eq(number, status);
    ck_assert_msg(json_member(problem, "code", &member) && json_string_is(member, code), "not %s: %s", code, reply->body);
    ck_assert(json_member(problem, "detail", &member));
    if (outcome == NULL) {
        ck_assert_msg(!json_member(problem, "outcome", &member), "%s", reply->body);
    } else {
        ck_assert_msg(json_member(problem, "outcome", &member) && json_string_is(member, outcome), "%s", reply->body);
    }
    reply_free(reply);
}

void check_reply(struct reply *reply, unsigned status, const char *body) {
    ck_assert_msg(reply->status == status, "status %u, not %u: %s", reply->status, status, reply->body);
    ck_assert_str_eq(reply->body, body);
    reply_free(reply);
}
