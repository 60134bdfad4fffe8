/* A server that misbehaves as it is told: a thread that accepts, and one for each connection, on a port that the kernel
 * chose. */
#ifndef RAFTD_TESTS_SERVER_FAKE_PEER_H
#define RAFTD_TESTS_SERVER_FAKE_PEER_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum fake_peer_manner {
    FAKE_PEER_ANSWERS,            /* With `answer`, a whole HTTP answer, and keeps the connection. */
    FAKE_PEER_ANSWERS_AND_CLOSES, /* Closes the connection behind the answer. */
    FAKE_PEER_ANSWERS_FIRST,      /* Answers a connection's first request; reads the second one and closes. */
    FAKE_PEER_CLOSES_UNREAD,      /* Closes as soon as it has accepted. */
    FAKE_PEER_READS_AND_CLOSES,   /* Reads a request and closes without an answer. */
    FAKE_PEER_HOLDS,              /* Reads, answers when it is released. */
    FAKE_PEER_READS_NOTHING       /* Accepts and lets the request lie until it is released. */
};

enum { FAKE_PEER_THREADS_MAX = 512, FAKE_PEER_REQUEST_MAX = 4 << 20 };

struct fake_peer {
    enum fake_peer_manner manner;
    const char *answer; /* Borrowed; NUL-terminated. */
    char url[64];
    int listener;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Under the mutex: */
    size_t requests;    /* Read to their end. */
    size_t connections; /* Accepted. */
    bool released;
    char *last_request; /* Head and body. Owned. */
    size_t thread_count;
    pthread_t threads[FAKE_PEER_THREADS_MAX]; /* The first accepts. */
    int sockets[FAKE_PEER_THREADS_MAX];       /* -1: closed. */
};

struct fake_peer_connection {
    struct fake_peer *peer;
    int socket;
    size_t slot;
};

static inline void fake_peer_wait_release(struct fake_peer *peer) {
    pthread_mutex_lock(&peer->mutex);
    while (!peer->released) {
        pthread_cond_wait(&peer->changed, &peer->mutex);
    }
    pthread_mutex_unlock(&peer->mutex);
}

/* Reads one request into `request`; answers its size, 0 when the connection ended before. */
static inline size_t fake_peer_read(int socket, char *request) {
    size_t size = 0;
    size_t needed = 0;
    while (needed == 0 || size < needed) {
        ssize_t got = recv(socket, request + size, FAKE_PEER_REQUEST_MAX - size, 0);
        if (got <= 0) {
            return 0;
        }
        size += (size_t)got;
        request[size] = '\0';
        char *behind_head = strstr(request, "\r\n\r\n");
        if (needed == 0 && behind_head != NULL) {
            char *length = strcasestr(request, "\r\nContent-Length: ");
            needed = (size_t)(behind_head + 4 - request);
            needed += length != NULL && length < behind_head ? strtoul(length + 18, NULL, 10) : 0;
        }
    }
    return size;
}

static inline void fake_peer_note_request(struct fake_peer *peer, const char *request, size_t size) {
    pthread_mutex_lock(&peer->mutex);
    peer->requests++;
    free(peer->last_request);
    peer->last_request = strndup(request, size);
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->mutex);
}

/* True: the connection goes on. */
static inline bool fake_peer_serve(struct fake_peer *peer, int socket, size_t served, char *request) {
    if (peer->manner == FAKE_PEER_CLOSES_UNREAD) {
        return false;
    }
    if (peer->manner == FAKE_PEER_READS_NOTHING) {
        fake_peer_wait_release(peer);
        return false;
    }
    size_t size = fake_peer_read(socket, request);
    if (size == 0) {
        return false;
    }
    fake_peer_note_request(peer, request, size);
    if (peer->manner == FAKE_PEER_READS_AND_CLOSES || (peer->manner == FAKE_PEER_ANSWERS_FIRST && served > 0)) {
        return false;
    }
    if (peer->manner == FAKE_PEER_HOLDS) {
        fake_peer_wait_release(peer);
    }
    size_t left = strlen(peer->answer);
    for (const char *at = peer->answer; left > 0;) {
        ssize_t sent = send(socket, at, left, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        left -= (size_t)sent;
    }
    return peer->manner != FAKE_PEER_ANSWERS_AND_CLOSES;
}

static inline void *fake_peer_connection_run(void *context) {
    struct fake_peer_connection connection = *(struct fake_peer_connection *)context;
    free(context);
    char *request = malloc(FAKE_PEER_REQUEST_MAX + 1);
    size_t served = 0;
    while (request != NULL && fake_peer_serve(connection.peer, connection.socket, served, request)) {
        served++;
    }
    free(request);
    pthread_mutex_lock(&connection.peer->mutex);
    connection.peer->sockets[connection.slot] = -1;
    close(connection.socket);
    pthread_mutex_unlock(&connection.peer->mutex);
    return NULL;
}

static inline void *fake_peer_run(void *context) {
    struct fake_peer *peer = context;
    for (;;) {
        int socket = accept(peer->listener, NULL, NULL);
        if (socket < 0) {
            return NULL;
        }
        pthread_mutex_lock(&peer->mutex);
        peer->connections++;
        struct fake_peer_connection *connection = malloc(sizeof *connection);
        if (connection == NULL || peer->thread_count == FAKE_PEER_THREADS_MAX) {
            abort();
        }
        size_t slot = peer->thread_count++;
        *connection = (struct fake_peer_connection){peer, socket, slot};
        peer->sockets[slot] = socket;
        pthread_create(&peer->threads[slot], NULL, fake_peer_connection_run, connection);
        pthread_cond_broadcast(&peer->changed);
        pthread_mutex_unlock(&peer->mutex);
    }
}

/* A socket that listens at `address`; `port` 0: one that is free. Its URL goes to `out_url`. */
static inline int fake_peer_listen(const char *address, unsigned port, int backlog, char *out_url, size_t url_size) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(listener, 0);
    int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    inet_pton(AF_INET, address, &at.sin_addr);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(listener, backlog), 0);
    socklen_t size = sizeof at;
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &size), 0);
    snprintf(out_url, url_size, "http://%s:%u", address, (unsigned)ntohs(at.sin_port));
    return listener;
}

static inline unsigned fake_peer_port(const char *url) {
    return (unsigned)strtoul(strrchr(url, ':') + 1, NULL, 10);
}

static inline struct fake_peer *fake_peer_start_at(const char *address, unsigned port, enum fake_peer_manner manner,
                                                   const char *answer) {
    struct fake_peer *peer = calloc(1, sizeof *peer);
    ck_assert_ptr_nonnull(peer);
    peer->manner = manner;
    peer->answer = answer;
    peer->listener = fake_peer_listen(address, port, 256, peer->url, sizeof peer->url);
    pthread_mutex_init(&peer->mutex, NULL);
    pthread_cond_init(&peer->changed, NULL);
    peer->thread_count = 1;
    peer->sockets[0] = -1;
    ck_assert_int_eq(pthread_create(&peer->threads[0], NULL, fake_peer_run, peer), 0);
    return peer;
}

static inline struct fake_peer *fake_peer_start(enum fake_peer_manner manner, const char *answer) {
    return fake_peer_start_at("127.0.0.1", 0, manner, answer);
}

static inline void fake_peer_release(struct fake_peer *peer) {
    pthread_mutex_lock(&peer->mutex);
    peer->released = true;
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->mutex);
}

static inline size_t fake_peer_requests(struct fake_peer *peer) {
    pthread_mutex_lock(&peer->mutex);
    size_t requests = peer->requests;
    pthread_mutex_unlock(&peer->mutex);
    return requests;
}

static inline size_t fake_peer_connections(struct fake_peer *peer) {
    pthread_mutex_lock(&peer->mutex);
    size_t connections = peer->connections;
    pthread_mutex_unlock(&peer->mutex);
    return connections;
}

/* Connections that are there go on; new ones are refused. */
static inline void fake_peer_stop_listening(struct fake_peer *peer) {
    if (peer->listener >= 0) {
        shutdown(peer->listener, SHUT_RDWR);
        pthread_join(peer->threads[0], NULL);
        close(peer->listener);
        peer->listener = -1;
    }
}

static inline void fake_peer_stop(struct fake_peer *peer) {
    fake_peer_release(peer);
    fake_peer_stop_listening(peer);
    pthread_mutex_lock(&peer->mutex);
    for (size_t i = 1; i < peer->thread_count; i++) {
        if (peer->sockets[i] >= 0) {
            shutdown(peer->sockets[i], SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&peer->mutex);
    for (size_t i = 1; i < peer->thread_count; i++) {
        pthread_join(peer->threads[i], NULL);
    }
    pthread_mutex_destroy(&peer->mutex);
    pthread_cond_destroy(&peer->changed);
    free(peer->last_request);
    free(peer);
}

#endif
