#include "server/self.h"

#include "server/lookup.h"

#include "storage/identity.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 100, ID_LOWEST = 100000000, ID_COUNT = 900000000 };

/* A store that cannot be read is told of when it is opened. */
static bool find_id(const char *data_dir, uint64_t *out_id, struct storage_message *out_message) {
    struct storage_identity identity;
    struct storage_message ignored;
    uint64_t random;
    int directory = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool known = directory >= 0 && identity_read(directory, &identity, &ignored) == STORAGE_OK;
    if (directory >= 0) {
        close(directory);
    }
    if (!known && getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        snprintf(out_message->text, sizeof out_message->text, "no random bytes for an id: say which with --id");
        return false;
    }
    *out_id = known ? identity.node_id : ID_LOWEST + random % ID_COUNT;
    return true;
}

/* The URL of an interface's address, as lookups write them; empty: none that others could call. */
static void url_of(const struct ifaddrs *interface, unsigned port, char out_url[MEMBERS_URL_SIZE]) {
    char host[NI_MAXHOST];
    out_url[0] = '\0';
    if (interface->ifa_addr == NULL || (interface->ifa_flags & IFF_UP) == 0 || (interface->ifa_flags & IFF_LOOPBACK) != 0) {
        return;
    }
    int family = interface->ifa_addr->sa_family;
    socklen_t size = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if ((family == AF_INET || family == AF_INET6) &&
        getnameinfo(interface->ifa_addr, size, host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0 &&
        strchr(host, '%') == NULL && strlen(host) < 64) {
        snprintf(out_url, MEMBERS_URL_SIZE, family == AF_INET6 ? "http://[%s]:%u" : "http://%s:%u", host, port);
    }
}

static bool is_found(const struct lookup_found *found, const char *url) {
    for (size_t i = 0; i < found->count; i++) {
        if (strcmp(found->urls[i], url) == 0) {
            return true;
        }
    }
    return false;
}

/* An address of this machine that is among those found; `found` NULL: the first there is. */
static bool find_url(const struct lookup_found *found, unsigned port, char out_url[MEMBERS_URL_SIZE]) {
    struct ifaddrs *list;
    bool any = false;
    if (getifaddrs(&list) != 0) {
        return false;
    }
    for (const struct ifaddrs *at = list; at != NULL && !any; at = at->ifa_next) {
        url_of(at, port, out_url);
        any = out_url[0] != '\0' && (found == NULL || is_found(found, out_url));
    }
    freeifaddrs(list);
    return any;
}

static bool find_address(const struct options *options, char out_url[MEMBERS_URL_SIZE],
                         struct storage_message *out_message) {
    static struct lookup_found found;
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    for (int waited_ms = 0; waited_ms < SELF_WAIT_MS; waited_ms += LOOK_MS) {
        lookup_now(options->discover, &found);
        if (find_url(&found, options->listen.port, out_url)) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    if (find_url(NULL, options->listen.port, out_url)) {
        return true;
    }
    snprintf(out_message->text, sizeof out_message->text,
             "this machine has no address that others could call: say with --advertise where this node is");
    return false;
}

bool self_find(struct options *options, struct storage_message *out_message) {
    if (options->discover == NULL) {
        return true;
    }
    if (options->id == 0 && !find_id(options->data_dir, &options->id, out_message)) {
        return false;
    }
    if (options->advertise_url[0] == '\0' && !find_address(options, options->advertise_url, out_message)) {
        return false;
    }
    if (options->client_url[0] == '\0') {
        memcpy(options->client_url, options->advertise_url, sizeof options->client_url);
    }
    return true;
}
