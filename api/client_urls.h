/* Where clients reach the other nodes. A configuration lists the URLs that peers use; each node knows its own --client-url
 * and tells it in its status. What was learnt is believed for some seconds, so that a redirect seldom has to ask. */
#ifndef RAFTD_API_CLIENT_URLS_H
#define RAFTD_API_CLIENT_URLS_H

#include "server/json/json.h"
#include "server/members.h"

#include <stdbool.h>
#include <stdint.h>

enum { CLIENT_URLS_KEPT_MS = 10000 };

struct client_urls_entry {
    raft_node_id id; /* 0: free. */
    uint64_t expires_ms;
    char url[MEMBERS_URL_SIZE];
    char client_url[MEMBERS_URL_SIZE];
};

/* Zero-initialise to begin. */
struct client_urls {
    struct client_urls_entry entries[RAFT_MEMBERS_MAX];
};

/* The client URL of node `id` at `url`; NULL when it is not known or no longer believed. Borrowed until the next call. */
const char *client_urls_find(const struct client_urls *urls, raft_node_id id, const char *url, uint64_t now_ms);

/* Remembers it, in the place of what is known of that id or of the oldest. */
void client_urls_remember(struct client_urls *urls, raft_node_id id, const char *url, const char *client_url,
                          uint64_t now_ms);

/* Takes `client_url` out of the body of a node's status. False when there is none that could stand in a Location field:
 * absolute, of printable characters, not too long. */
bool client_urls_read(struct json_span status, char out_client_url[MEMBERS_URL_SIZE]);

#endif
