/* One request to another node and its answer, on one of libcurl's easy handles. Exchanges are made once and used again and
 * again: setting up a handle costs more than a message. */
#ifndef RAFTD_PEERS_EXCHANGE_H
#define RAFTD_PEERS_EXCHANGE_H

#include "server/peers.h"

enum { PEERS_URL_SIZE = MEMBERS_URL_SIZE + 64 + MESSAGE_QUERY_SIZE };

struct peers_exchange {
    CURL *handle;                    /* Owned. */
    struct peers_exchange *previous; /* Among those under way; borrowed. */
    struct peers_exchange *next;     /* The same, or the next one to be used again. */

    uint64_t token_number; /* Of the token that the handle carries. */
    uint64_t ticket;       /* Of a get; 0: a message. */
    peers_got got;
    void *got_context;
    uint64_t token; /* Of a message. */
    enum message_kind kind;

    struct buffer *buffer; /* One reference. What is posted lies in it; NULL when nothing is. */
    const char *body;
    size_t body_size;
    size_t body_taken; /* libcurl has been given this much of it. */

    char *answer; /* Owned. */
    size_t answer_size;
    size_t answer_capacity;
    size_t answer_max;
    bool answer_too_large;
};

/* With all options set that are the same for every request. */
struct peers_exchange *peers_exchange_create(const struct peers_options *options);
void peers_exchange_destroy(struct peers_exchange *exchange);

/* What it sends as Authorization: Bearer from now on; NULL: nothing. Copied. `number` tells it from other tokens. */
void peers_exchange_set_token(struct peers_exchange *exchange, const char *token, uint64_t number);

/* Makes it a POST of `size` bytes at `body`, inside `buffer`, of which it takes over one reference (NULL when size is 0).
 * `headers` are borrowed until it is cleared. */
void peers_exchange_post(struct peers_exchange *exchange, const char *url, struct curl_slist *headers,
                         struct buffer *buffer, const char *body, size_t size, uint32_t timeout_ms);
void peers_exchange_get(struct peers_exchange *exchange, const char *url, uint32_t timeout_ms);
/* Forgets the request and the answer, so that it can be used for others. */
void peers_exchange_clear(struct peers_exchange *exchange);

/* The HTTP status of an exchange that ended with an answer. */
unsigned peers_exchange_status(const struct peers_exchange *exchange);
/* How one ended that got no answer. */
enum transport_end peers_exchange_failure(const struct peers_exchange *exchange);
/* A few words about it, a literal. */
const char *peers_exchange_why(const struct peers_exchange *exchange, CURLcode result);

#endif
