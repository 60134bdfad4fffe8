#include "server/lookup.h"

#include "server/option_value.h"

#include "server/base/memory.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* -- Looking up -- */

static int by_bytes(const void *left, const void *right) {
    return strcmp(left, right);
}

static void add(struct lookup_found *found, const struct sockaddr *address, socklen_t size, unsigned port) {
    char host[NI_MAXHOST];
    char url[MEMBERS_URL_SIZE];
    if (found->count == LOOKUP_MAX || getnameinfo(address, size, host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0 ||
        strchr(host, '%') != NULL) { /* A link-local address means something on this machine only. */
        return;
    }
    bool ipv6 = address->sa_family == AF_INET6;
    int written = snprintf(url, sizeof url, ipv6 ? "http://[%s]:%u" : "http://%s:%u", host, port);
    for (size_t i = 0; i < found->count; i++) {
        if (strcmp(found->urls[i], url) == 0) {
            return;
        }
    }
    if (written > 0 && (size_t)written < sizeof url) {
        memcpy(found->urls[found->count++], url, sizeof url);
    }
}

void lookup_now(const char *host_port, struct lookup_found *out_found) {
    struct options_address address;
    *out_found = (struct lookup_found){0};
    if (!option_value_address(host_port, &address)) {
        snprintf(out_found->why, sizeof out_found->why, "'%.200s' is not HOST:PORT", host_port);
        return;
    }
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int error = getaddrinfo(address.host, NULL, &hints, &list);
    if (error != 0) {
        snprintf(out_found->why, sizeof out_found->why, "%.200s", gai_strerror(error));
        return;
    }
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        add(out_found, at->ai_addr, at->ai_addrlen, address.port);
    }
    freeaddrinfo(list);
    qsort(out_found->urls, out_found->count, sizeof out_found->urls[0], by_bytes);
}

/* -- Beside everything else -- */

/* Freed by whichever of the two, the thread and the owner, is the last to let go. */
struct lookup {
    char *host_port; /* Owned. */
    void (*wake)(void *context);
    void *context;
    pthread_mutex_t mutex; /* Guards everything below. */
    pthread_cond_t wanted;
    bool begun; /* One is wanted or under way. */
    bool ended; /* `found` is to be taken. */
    bool closed;
    struct lookup_found found;
};

static void let_go(struct lookup *lookup) {
    pthread_cond_destroy(&lookup->wanted);
    pthread_mutex_destroy(&lookup->mutex);
    free(lookup->host_port);
    free(lookup);
}

static void *run(void *context) {
    struct lookup *lookup = context;
    struct lookup_found *found = memory_alloc(sizeof *found);
    pthread_mutex_lock(&lookup->mutex);
    while (!lookup->closed) {
        if (!lookup->begun || lookup->ended) {
            pthread_cond_wait(&lookup->wanted, &lookup->mutex);
            continue;
        }
        pthread_mutex_unlock(&lookup->mutex);
        lookup_now(lookup->host_port, found);
        pthread_mutex_lock(&lookup->mutex);
        lookup->found = *found;
        lookup->ended = true;
        if (!lookup->closed) {
            lookup->wake(lookup->context);
        }
    }
    pthread_mutex_unlock(&lookup->mutex);
    free(found);
    let_go(lookup);
    return NULL;
}

struct lookup *lookup_create(const char *host_port, void (*wake)(void *context), void *context) {
    struct lookup *lookup = memory_zalloc(sizeof *lookup);
    lookup->host_port = memory_text(host_port, strlen(host_port));
    lookup->wake = wake;
    lookup->context = context;
    pthread_mutex_init(&lookup->mutex, NULL);
    pthread_cond_init(&lookup->wanted, NULL);
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, lookup) != 0) {
        let_go(lookup);
        return NULL;
    }
    pthread_detach(thread);
    return lookup;
}

void lookup_destroy(struct lookup *lookup) {
    if (lookup == NULL) {
        return;
    }
    pthread_mutex_lock(&lookup->mutex);
    lookup->closed = true;
    pthread_cond_signal(&lookup->wanted);
    pthread_mutex_unlock(&lookup->mutex);
}

void lookup_begin(struct lookup *lookup) {
    pthread_mutex_lock(&lookup->mutex);
    lookup->begun = true;
    pthread_cond_signal(&lookup->wanted);
    pthread_mutex_unlock(&lookup->mutex);
}

bool lookup_take(struct lookup *lookup, struct lookup_found *out_found) {
    pthread_mutex_lock(&lookup->mutex);
    bool ended = lookup->ended;
    if (ended) {
        *out_found = lookup->found;
        lookup->begun = lookup->ended = false;
    }
    pthread_mutex_unlock(&lookup->mutex);
    return ended;
}
