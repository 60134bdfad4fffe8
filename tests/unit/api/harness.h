/* The real server on a loopback port of the kernel's choice, before a fake node, and clients that write and read bytes. One
 * thread: whoever waits for an answer turns the server's loop meanwhile, and the clock is the test's. */
#ifndef RAFTD_TESTS_HARNESS_H
#define RAFTD_TESTS_HARNESS_H

#include "api/api.h"
#include "tests/unit/api/fake_node.h"

struct harness {
    struct api_options options; /* May be changed before harness_start. */
    struct node *node;
    struct peers *peers;
    struct api *api;
    uint64_t now_ms;
    struct harness *other; /* Another server, turned with this one. Borrowed. */
};

struct reply {
    unsigned status; /* 0: the connection was closed before there was one. */
    char *head;      /* Owned, NUL-terminated, without the empty line. */
    char *body;      /* Owned, NUL-terminated. */
    size_t size;
};

/* Everything but the server itself. */
struct harness *harness_create(void);
void harness_start(struct harness *harness);
/* Both at once. */
struct harness *harness_begin(void);
void harness_end(struct harness *harness);

/* One turn of the loop: the server, the peers, the node. */
void harness_turn(struct harness *harness);
/* Turns until `done` says true; fails the test after ten seconds. */
void harness_until(struct harness *harness, bool (*done)(void *context), void *context);
/* Turns until the node has been called `count` times. */
void harness_until_calls(struct harness *harness, size_t count);

int client_open(struct harness *harness);
/* Everything, turning the loop while the socket is full. False: the server has closed. */
bool client_send(struct harness *harness, int client, const char *bytes, size_t size);
bool client_send_text(struct harness *harness, int client, const char *text);
/* The next answer on the connection; to a HEAD request it has no body. */
struct reply client_read(struct harness *harness, int client);
struct reply client_read_head(struct harness *harness, int client);
/* Turns until the server has closed the connection; true if nothing more came before that. */
bool client_sees_end(struct harness *harness, int client);
/* True while the server has not closed it (after a few turns). */
bool client_is_open(struct harness *harness, int client);

/* A whole exchange on a connection of its own. `head` are more header lines, each with its CRLF; body NULL: none. */
struct reply ask(struct harness *harness, const char *method, const char *target, const char *head, const char *body);
/* Bytes as they are, the first answer. */
struct reply ask_raw(struct harness *harness, const char *bytes, size_t size);
struct reply get(struct harness *harness, const char *target);
struct reply post(struct harness *harness, const char *target, const char *body);

/* A field's value, borrowed from a buffer inside `out`; NULL when the field is absent. */
const char *reply_field(const struct reply *reply, const char *name, char out[512]);
bool reply_has(const struct reply *reply, const char *name, const char *value);
void reply_free(struct reply *reply);

/* The answer is a problem of this code, in the right form and with that outcome (NULL: none); frees it. */
void check_problem(struct reply *reply, unsigned status, const char *code, const char *outcome);
/* The answer has this status and body; frees it. */
void check_reply(struct reply *reply, unsigned status, const char *body);

#endif
