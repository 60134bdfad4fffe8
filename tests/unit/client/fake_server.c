#include "tests/unit/client/fake_server.h"

#include "server/base/memory.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct connection {
    int descriptor;
    size_t size;
    char bytes[FAKE_REQUEST_MAX];
};

/* How long the request at the beginning of `bytes` is; 0: it is not whole yet. */
static size_t whole(const char *bytes) {
    const char *end = strstr(bytes, "\r\n\r\n"), *length = strcasestr(bytes, "\r\nContent-Length:");
    if (end == NULL) {
        return 0;
    }
    size_t size = (size_t)(end + 4 - bytes);
    if (length != NULL && length < end) {
        size += strtoul(length + 17, NULL, 10);
    }
    return strlen(bytes) >= size ? size : 0;
}

static void put(int descriptor, const char *bytes) {
    for (size_t size = strlen(bytes); size > 0;) {
        ssize_t written = send(descriptor, bytes, size, MSG_NOSIGNAL);
        if (written <= 0) {
            return;
        }
        bytes += written;
        size -= (size_t)written;
    }
}

static void end_connection(struct connection *connection) {
    close(connection->descriptor);
    connection->descriptor = -1;
}

static void serve(struct fake_server *server, struct connection *connection) {
    for (size_t size; connection->descriptor >= 0 && (size = whole(connection->bytes)) > 0;) {
        pthread_mutex_lock(&server->lock);
        struct fake_step step = {.deed = FAKE_END};
        if (server->steps_done < server->step_count) {
            step = server->steps[server->steps_done++];
        }
        if (server->request_count < FAKE_STEPS_MAX) {
            memcpy(server->requests[server->request_count], connection->bytes, size);
            server->requests[server->request_count++][size] = '\0';
        }
        pthread_mutex_unlock(&server->lock);
        connection->size -= size;
        memmove(connection->bytes, connection->bytes + size, connection->size + 1);
        put(connection->descriptor, step.bytes != NULL ? step.bytes : "");
        if (step.deed == FAKE_END) {
            end_connection(connection);
        }
    }
}

static void take(struct fake_server *server, struct connection *connection) {
    ssize_t got =
        read(connection->descriptor, connection->bytes + connection->size, sizeof connection->bytes - connection->size - 1);
    if (got <= 0) {
        end_connection(connection);
        return;
    }
    connection->size += (size_t)got;
    connection->bytes[connection->size] = '\0';
    serve(server, connection);
}

static void *run(void *context) {
    struct fake_server *server = context;
    struct connection *connections = memory_zalloc(FAKE_CONNECTIONS_MAX * sizeof *connections);
    for (size_t i = 0; i < FAKE_CONNECTIONS_MAX; i++) {
        connections[i].descriptor = -1;
    }
    for (;;) {
        struct pollfd polls[FAKE_CONNECTIONS_MAX + 2];
        for (size_t i = 0; i < FAKE_CONNECTIONS_MAX; i++) {
            polls[i] = (struct pollfd){.fd = connections[i].descriptor, .events = POLLIN};
        }
        polls[FAKE_CONNECTIONS_MAX] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        polls[FAKE_CONNECTIONS_MAX + 1] = (struct pollfd){.fd = server->wake[0], .events = POLLIN};
        poll(polls, FAKE_CONNECTIONS_MAX + 2, -1);
        if (polls[FAKE_CONNECTIONS_MAX + 1].revents != 0) {
            break;
        }
        for (size_t i = 0; i < FAKE_CONNECTIONS_MAX; i++) {
            if (polls[i].revents != 0 && connections[i].descriptor >= 0) {
                take(server, &connections[i]);
            }
        }
        for (size_t i = 0; polls[FAKE_CONNECTIONS_MAX].revents != 0 && i < FAKE_CONNECTIONS_MAX; i++) {
            if (connections[i].descriptor < 0) {
                connections[i] = (struct connection){.descriptor = accept(server->listener, NULL, NULL)};
                break;
            }
        }
    }
    for (size_t i = 0; i < FAKE_CONNECTIONS_MAX; i++) {
        if (connections[i].descriptor >= 0) {
            close(connections[i].descriptor);
        }
    }
    free(connections);
    return NULL;
}

void fake_open(struct fake_server *server) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(server, 0, sizeof *server);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(listen(server->listener, 16), 0);
    ck_assert_int_eq(pipe(server->wake), 0);
    server->port = ntohs(address.sin_port);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", server->port);
    pthread_mutex_init(&server->lock, NULL);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, run, server), 0);
}

void fake_close(struct fake_server *server) {
    close(server->wake[1]);
    pthread_join(server->thread, NULL);
    close(server->wake[0]);
    close(server->listener);
    for (size_t i = 0; i < server->step_count; i++) {
        free(server->steps[i].bytes);
    }
    pthread_mutex_destroy(&server->lock);
}

void fake_bytes(struct fake_server *server, enum fake_deed deed, const char *bytes) {
    pthread_mutex_lock(&server->lock);
    ck_assert_uint_lt(server->step_count, FAKE_STEPS_MAX);
    server->steps[server->step_count++] = (struct fake_step){deed, memory_text(bytes, strlen(bytes))};
    pthread_mutex_unlock(&server->lock);
}

void fake_answer(struct fake_server *server, unsigned status, const char *headers, const char *body) {
    char bytes[8192];
    int size = snprintf(bytes, sizeof bytes, "HTTP/1.1 %u Said\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
                        strlen(body), body);
    ck_assert_uint_lt((size_t)size, sizeof bytes);
    fake_bytes(server, FAKE_ANSWER, bytes);
}

size_t fake_request_count(struct fake_server *server) {
    pthread_mutex_lock(&server->lock);
    size_t count = server->request_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const char *fake_request(struct fake_server *server, size_t n) {
    ck_assert_uint_lt(n, fake_request_count(server));
    return server->requests[n];
}

bool fake_asked(struct fake_server *server, size_t n, const char *begins, const char *contains) {
    const char *request = fake_request(server, n);
    bool right = strncmp(request, begins, strlen(begins)) == 0 && strstr(request, contains) != NULL;
    if (!right) {
        fprintf(stderr, "request %zu is: %s\n", n, request);
    }
    return right;
}

void fake_await(struct fake_server *server, size_t count) {
    while (fake_request_count(server) < count) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}
