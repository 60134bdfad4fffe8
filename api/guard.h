/* Against browsers on other people's sites (contract §1): which Host a request may name, and which Origin it may come from.
 *
 * A page of another site can make a browser send requests here. It cannot choose their Origin, and by pointing a name of
 * its own at this address (DNS rebinding) it can make itself the same origin only under that name, which Host then tells.
 */
#ifndef RAFTD_API_GUARD_H
#define RAFTD_API_GUARD_H

#include "api/head.h"
#include "server/node.h"

struct guard {
    const struct node *node; /* Its members' URLs name this cluster. */
    const char *advertise_url;
    const char *client_url;
    bool tls;                         /* We are https. */
    const char *const *allow_hosts;   /* NULL-terminated; may be NULL. */
    const char *const *allow_origins; /* NULL-terminated; may be NULL. */
};

/* May a request be meant for `host` (the Host field, or the authority of an absolute target)? Any port: an IP literal,
 * localhost, the host of our URLs, of a member's, or one of --allow-host. */
bool guard_host_allowed(const struct guard *guard, const char *host, size_t size);

enum guard_origin {
    GUARD_OWN,    /* No Origin, and not embedded in a page of another site; or the one this very request was sent to. */
    GUARD_LISTED, /* --allow-origin: the page may read the answer. */
    GUARD_FOREIGN
};

/* `host_allowed` is what guard_host_allowed said: an Origin that matches a Host that is not ours proves nothing. */
enum guard_origin guard_origin(const struct guard *guard, const struct head *head, bool host_allowed);

#endif
