#include "api/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_at(const struct addrinfo *address) {
    int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    int on = 1;
    int off = 0;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6) {
        (void)setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(descriptor, address->ai_addr, address->ai_addrlen) != 0 || listen(descriptor, SOMAXCONN) != 0) {
        int error = errno;
        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

static uint16_t port_of(int descriptor) {
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    (void)getsockname(descriptor, (struct sockaddr *)&address, &size);
    if (address.ss_family == AF_INET6) {
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    }
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static const char *reason(int error) {
    switch (error) {
    case EADDRINUSE:
        return "another program listens there";
    case EADDRNOTAVAIL:
        return "this host does not have that address";
    case EACCES:
        return "ports below 1024 need a permission";
    default:
        return strerror(error);
    }
}

int listen_open(const char *host, uint16_t port, uint16_t *out_port, struct storage_message *out_message) {
    char name[256];
    size_t size = strlen(host);
    bool bracketed = size > 2 && host[0] == '[' && host[size - 1] == ']';
    int printed = snprintf(name, sizeof name, "%.*s", (int)(bracketed ? size - 2 : size), host + (bracketed ? 1 : 0));
    if (size == 0 || strcmp(host, "*") == 0 || printed < 0 || (size_t)printed >= sizeof name) {
        snprintf(out_message->text, sizeof out_message->text, "cannot listen on '%.200s': not an address or a name", host);
        return -1;
    }
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int result = getaddrinfo(name, service, &hints, &found);
    if (result != 0) {
        snprintf(out_message->text, sizeof out_message->text, "cannot listen on %s: %s", host, gai_strerror(result));
        return -1;
    }
    const int families[] = {AF_INET, AF_INET6};
    int descriptor = -1;
    int error = EADDRNOTAVAIL;
    for (size_t i = 0; i < 2; i++) {
        for (const struct addrinfo *at = found; at != NULL && descriptor < 0; at = at->ai_next) {
            if (at->ai_family == families[i] && (descriptor = open_at(at)) < 0) {
                error = errno;
            }
        }
    }
    freeaddrinfo(found);
    if (descriptor < 0) {
        snprintf(out_message->text, sizeof out_message->text, "cannot listen on %s port %u: %s", host, port, reason(error));
        return -1;
    }
    *out_port = port_of(descriptor);
    return descriptor;
}
