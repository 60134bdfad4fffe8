/* A node that answers what a test has written down, one answer for each request in the order they come, on a thread of its
 * own. */
#ifndef TESTS_UNIT_CLIENT_FAKE_SERVER_H
#define TESTS_UNIT_CLIENT_FAKE_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { FAKE_STEPS_MAX = 64, FAKE_REQUEST_MAX = 4096, FAKE_CONNECTIONS_MAX = 16 };

enum fake_deed {
    FAKE_ANSWER, /* The connection stays open. */
    FAKE_END,    /* Writes what there is, perhaps nothing, and closes. */
    FAKE_HANG    /* Writes what there is and says nothing more. */
};

struct fake_step {
    enum fake_deed deed;
    char *bytes; /* Owned. */
};

struct fake_server {
    unsigned short port;
    char url[64];
    int listener, wake[2];
    pthread_t thread;
    pthread_mutex_t lock; /* Around what follows. */
    struct fake_step steps[FAKE_STEPS_MAX];
    size_t step_count, steps_done;
    char requests[FAKE_STEPS_MAX][FAKE_REQUEST_MAX]; /* As they came, head and body. */
    size_t request_count;
};

void fake_open(struct fake_server *server);
void fake_close(struct fake_server *server);

/* The next answer: a status, header lines that each end with \r\n ("" for none), and a body whose length is put before it.
 */
void fake_answer(struct fake_server *server, unsigned status, const char *headers, const char *body);
/* The next answer, byte for byte. */
void fake_bytes(struct fake_server *server, enum fake_deed deed, const char *bytes);

size_t fake_request_count(struct fake_server *server);
/* The n-th request; borrowed, good while the server is there. */
const char *fake_request(struct fake_server *server, size_t n);
/* The n-th request begins with these words and contains these. */
bool fake_asked(struct fake_server *server, size_t n, const char *begins, const char *contains);
/* Waits until so many requests have come. */
void fake_await(struct fake_server *server, size_t count);

#endif
