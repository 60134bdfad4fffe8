/* The sending side of the tests of peers: a loop around `struct peers` that notes every end, and names that lead where a
 * test wants. */
#ifndef RAFTD_TESTS_SERVER_PEERS_SIDE_H
#define RAFTD_TESTS_SERVER_PEERS_SIDE_H

#include "server/peers.h"
#include "tests/unit/server/fake_peer.h"
#include "tests/unit/server/message_text.h"

#include <dlfcn.h>
#include <netdb.h>
#include <time.h>

#define ANSWER_HEAD       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define READ_INDEX_BODY   "{\"from\":2,\"incarnation\":\"" TWO "\",\"term\":7,\"round\":9,\"read_index\":41}"
#define READ_INDEX_ANSWER ANSWER_HEAD "Content-Length: 94\r\n\r\n" READ_INDEX_BODY
_Static_assert(sizeof READ_INDEX_BODY - 1 == 94, "the Content-Length above");
#define PROPOSE_BODY                                                                                                       \
    "{\"from\":2,\"incarnation\":\"" TWO "\",\"term\":7,\"round\":9,\"lines\":[{\"index\":5,\"term\":7,\"result\":{ }}]}"
#define PROPOSE_ANSWER ANSWER_HEAD "Content-Length: 122\r\n\r\n" PROPOSE_BODY
_Static_assert(sizeof PROPOSE_BODY - 1 == 122, "the Content-Length above");

/* -- Names. getaddrinfo is the test program's own: libcurl's calls come here. -- */

static pthread_mutex_t names_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t names_changed = PTHREAD_COND_INITIALIZER;
static bool names_released;
static size_t names_waiting;
static size_t names_asked;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof real);
    if (node != NULL && strcmp(node, "stalled.test") == 0) {
        pthread_mutex_lock(&names_mutex);
        names_waiting++;
        pthread_cond_broadcast(&names_changed);
        while (!names_released) {
            pthread_cond_wait(&names_changed, &names_mutex);
        }
        names_waiting--;
        pthread_cond_broadcast(&names_changed);
        pthread_mutex_unlock(&names_mutex);
        return EAI_NONAME;
    }
    if (node != NULL && strcmp(node, "nobody.test") == 0) {
        return EAI_NONAME;
    }
    if (node != NULL && strcmp(node, "moving.test") == 0) {
        pthread_mutex_lock(&names_mutex);
        node = names_asked++ == 0 ? "127.0.0.1" : "127.0.0.2";
        pthread_mutex_unlock(&names_mutex);
    }
    return real(node, service, hints, result);
}

static inline void release_names(void) {
    pthread_mutex_lock(&names_mutex);
    names_released = true;
    pthread_cond_broadcast(&names_changed);
    while (names_waiting > 0) {
        pthread_cond_wait(&names_changed, &names_mutex);
    }
    pthread_mutex_unlock(&names_mutex);
}

/* -- The side under test -- */

enum { ENDS_MAX = 256, ANSWER_MAX = 4096, LONG_MS = 30000 };

struct end {
    size_t count;
    enum transport_end end;
    char why[64];
    struct problem problem;
    raft_index read_index;
    size_t line_count;
    char result[64];
};

struct side {
    struct peers *peers;
    struct transport transport;
    struct end ends[ENDS_MAX]; /* By token. */
    size_t end_count;
    bool running;
    uint64_t longest_run_ms;
    const char *again_url; /* Not NULL: the end of token 0 sends token 1 there. */
    /* Of gets: */
    size_t got_count;
    unsigned got_status;
    char got_body[64];
    char got_why[64];
};

static inline uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void send_kind(struct side *side, const char *url, enum message_kind kind, uint64_t token,
                             uint32_t timeout_ms) {
    struct json_span command = {"{\"op\":\"count\"}", 14};
    struct message_request request = {
        .kind = kind,
        .address = {.cluster_id = CLUSTER, .from = 1, .from_incarnation = ONE, .to = 2, .to_incarnation = TWO},
        .round = 9};
    if (kind == MESSAGE_PROPOSE) {
        request.propose =
            (struct message_propose){.term = 7, .sequence = token, .timeout_ms = 5000, .count = 1, .commands = &command};
    }
    struct buffer *file = NULL;
    if (kind == MESSAGE_INSTALL_SNAPSHOT) {
        file = buffer_copy("0123456789", 10);
        request.install = (struct message_install){
            .term = 7,
            .snapshot = {.id = {40, 6}, .length = 1000, .crc = 1},
            .offset = 2,
            .bytes = file->data + 2,
            .size = 5,
            .buffer = file,
        };
    }
    side->transport.send(side->transport.context, url, &request, timeout_ms, token);
    buffer_release(file); /* What is under way has a reference of its own. */
}

static inline void answered(void *context, uint64_t token, enum transport_end how, const struct message_answer *answer,
                            struct buffer *body, const char *why) {
    struct side *side = context;
    ck_assert(side->running);
    ck_assert_uint_lt(token, ENDS_MAX);
    struct end *end = &side->ends[token];
    end->count++;
    end->end = how;
    snprintf(end->why, sizeof end->why, "%s", why);
    side->end_count++;
    ck_assert((how == TRANSPORT_ANSWERED) == (answer != NULL));
    ck_assert((how == TRANSPORT_ANSWERED) == (body != NULL));
    if (answer != NULL) {
        end->problem = answer->problem;
        if (answer->problem.code == PROBLEM_NONE && answer->kind == MESSAGE_READ_INDEX) {
            end->read_index = answer->read_index;
        }
        if (answer->problem.code == PROBLEM_NONE && answer->kind == MESSAGE_PROPOSE) {
            end->line_count = answer->propose.count;
            struct json_span result = answer->propose.lines[0].result;
            ck_assert(result.data > body->data && result.data < body->data + body->size);
            snprintf(end->result, sizeof end->result, "%.*s", (int)result.size, result.data);
        }
    }
    if (side->again_url != NULL && token == 0) {
        send_kind(side, side->again_url, MESSAGE_READ_INDEX, 1, LONG_MS);
    }
}

static inline void got(void *context, unsigned status, const char *body, size_t size, const char *why) {
    struct side *side = context;
    ck_assert(side->running);
    side->got_count++;
    side->got_status = status;
    snprintf(side->got_body, sizeof side->got_body, "%.*s", (int)size, body);
    snprintf(side->got_why, sizeof side->got_why, "%s", why);
}

static inline struct side *side_start(void) {
    struct side *side = memory_zalloc(sizeof *side);
    struct peers_options options = {.connect_timeout_ms = 1000, .answer_bytes_max = ANSWER_MAX};
    side->peers = peers_create(&options);
    peers_attach(side->peers, answered, side);
    side->transport = peers_transport(side->peers);
    return side;
}

static inline void side_stop(struct side *side) {
    peers_destroy(side->peers);
    free(side);
}

/* One turn of the loop. */
static inline void turn(struct side *side) {
    uint64_t before = now_ms();
    side->running = true;
    peers_run(side->peers);
    side->running = false;
    uint64_t took = now_ms() - before;
    side->longest_run_ms = took > side->longest_run_ms ? took : side->longest_run_ms;
    peers_wait(side->peers, NULL, 0, 20);
}

static inline void turn_until_ends(struct side *side, size_t count) {
    while (side->end_count < count) {
        turn(side);
    }
    ck_assert_uint_eq(side->end_count, count);
}

/* Sends one message and waits for its end. */
static inline struct end *ask(struct side *side, const char *url, enum message_kind kind, uint64_t token,
                              uint32_t timeout_ms) {
    size_t before = side->end_count;
    send_kind(side, url, kind, token, timeout_ms);
    ck_assert_uint_eq(side->end_count, before);
    turn_until_ends(side, before + 1);
    ck_assert_uint_eq(side->ends[token].count, 1);
    return &side->ends[token];
}

static inline void assert_end(const struct end *end, enum transport_end how, const char *why) {
    ck_assert_msg(end->end == how && strcmp(end->why, why) == 0, "ended as %d, '%s' instead of %d, '%s'", (int)end->end,
                  end->why, (int)how, why);
}

#endif
