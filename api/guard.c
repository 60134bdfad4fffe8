#include "api/guard.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

struct name {
    const char *text;
    size_t size;
};

static bool all_digits(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return true;
}

/* Takes a port off; brackets stay. An empty name: this is no host. */
static struct name without_port(const char *host, size_t size) {
    const char *bracket = size > 0 && host[0] == '[' ? memchr(host, ']', size) : NULL;
    const char *from = bracket != NULL ? bracket : host;
    const char *colon = memchr(from, ':', size - (size_t)(from - host));
    size_t name_size = colon != NULL ? (size_t)(colon - host) : size;
    bool glued = bracket != NULL && bracket + 1 != host + name_size;
    if (glued || (colon != NULL && (size - name_size > 6 || !all_digits(colon + 1, size - name_size - 1)))) {
        return (struct name){host, 0};
    }
    return (struct name){host, name_size};
}

static bool is_ip_literal(struct name name) {
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];
    bool bracketed = name.size > 2 && name.text[0] == '[' && name.text[name.size - 1] == ']';
    size_t size = bracketed ? name.size - 2 : name.size;
    if (size >= sizeof text) {
        return false;
    }
    memcpy(text, name.text + (bracketed ? 1 : 0), size);
    text[size] = '\0';
    return strlen(text) == size && inet_pton(bracketed ? AF_INET6 : AF_INET, text, address) == 1;
}

static bool same(struct name left, struct name right) {
    return left.size == right.size && strncasecmp(left.text, right.text, left.size) == 0;
}

/* True when `url`, or a bare host, names the host. */
static bool names(const char *url, struct name host) {
    const char *scheme = strstr(url, "://");
    const char *begin = scheme != NULL ? scheme + 3 : url;
    struct name found = without_port(begin, strcspn(begin, "/?#"));
    return found.size > 0 && same(found, host);
}

static bool member_names(const struct node *node, struct name host) {
    struct node_status status;
    node_status(node, &status);
    for (size_t i = 0; i < status.members.count; i++) {
        if (names(status.members.list[i].url, host)) {
            return true;
        }
    }
    for (size_t i = 0; i < status.waiting_count; i++) {
        if (names(status.waiting[i].url, host)) {
            return true;
        }
    }
    return false;
}

bool guard_host_allowed(const struct guard *guard, const char *host, size_t size) {
    struct name name = without_port(host, size);
    if (name.size == 0) {
        return false;
    }
    if (is_ip_literal(name) || same(name, (struct name){"localhost", 9}) || names(guard->advertise_url, name) ||
        names(guard->client_url, name)) {
        return true;
    }
    for (const char *const *at = guard->allow_hosts; at != NULL && *at != NULL; at++) {
        if (names(*at, name)) {
            return true;
        }
    }
    return member_names(guard->node, name);
}

/* Our scheme and the Host field, where the scheme's own port may be written or left out. */
static bool is_own(bool tls, const struct head_value *origin, const struct head_value *host) {
    const char *scheme = tls ? "https://" : "http://";
    const char *port = tls ? ":443" : ":80";
    size_t scheme_size = strlen(scheme);
    size_t port_size = strlen(port);
    if (host->count == 0 || origin->size < scheme_size || strncasecmp(origin->text, scheme, scheme_size) != 0) {
        return false;
    }
    struct name left = {origin->text + scheme_size, origin->size - scheme_size};
    struct name right = {host->text, host->size};
    struct name *both[] = {&left, &right};
    for (size_t i = 0; i < 2; i++) {
        if (both[i]->size > port_size && memcmp(both[i]->text + both[i]->size - port_size, port, port_size) == 0) {
            both[i]->size -= port_size;
        }
    }
    return same(left, right);
}

enum guard_origin guard_origin(const struct guard *guard, const struct head *head, bool host_allowed) {
    const struct head_value *origin = &head->origin;
    if (origin->count == 0) {
        return head_is_embedded(head) ? GUARD_FOREIGN : GUARD_OWN;
    }
    if (origin->count > 1) {
        return GUARD_FOREIGN;
    }
    if (host_allowed && is_own(guard->tls, origin, &head->host)) {
        return GUARD_OWN;
    }
    for (const char *const *at = guard->allow_origins; at != NULL && *at != NULL; at++) {
        if (same((struct name){*at, strlen(*at)}, (struct name){origin->text, origin->size})) {
            return GUARD_LISTED;
        }
    }
    return GUARD_FOREIGN;
}
